package load_test

import (
	"os"
	"path/filepath"
	"testing"

	"postern/internal/local/load"
)

func TestTryout(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "infra", "testdata", "postern.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	alone, err := load.Run(raw, 3, false)
	t.Logf("%+v %v", alone, err)
	many, err := load.Run(raw, 40, true)
	t.Logf("%+v %v", many, err)
}
