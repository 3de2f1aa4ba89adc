package schedule_test

import (
	"fmt"
	"os"
	"testing"

	"pgregory.net/rapid"

	"postern/internal/proof/reliability/schedule"
)

// `make reliability` draws fifty times as many.
func TestModel(t *testing.T) {
	t.Parallel()
	for i := range 20 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, schedule.Model)
		})
	}
}

func TestMachine(t *testing.T) {
	t.Parallel()
	template, err := os.ReadFile("../../../../infra/testdata/postern.template.json")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, schedule.Machine(template))
}
