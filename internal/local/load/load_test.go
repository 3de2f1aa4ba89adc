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
	many, err := load.Run(raw, 500, true)
	t.Logf("%d %v %v calls %d sweep %d throttled %d retries %d %v %v", many.Onboarded, many.First, many.Last, many.Calls, many.Sweep, many.Throttled, many.Retries, many.ByOperation, err); for i, f := range many.Failures { if i%20==0 {t.Log(f)}}
}
