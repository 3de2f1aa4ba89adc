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

// TestFoundSchedules draws the schedules again that once violated an invariant of the model. A seed stands for the same schedule as long as
// the moves, their weights and the calls of the functions are the same; the interleavings themselves are tests of package store.
func TestFoundSchedules(t *testing.T) {
	t.Parallel()
	for name, seed := range map[string]int{
		"a holder is redriven and waits while another takes its connection": 7941904923622602969,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			again := rapid.Custom(func(drawn *rapid.T) (violation any) {
				defer func() { violation = recover() }()
				schedule.Model(drawn)
				return nil
			})
			if violation := again.Example(seed); violation != nil {
				t.Errorf("seed %d: %v", seed, violation)
			}
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
