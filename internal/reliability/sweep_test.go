package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sample is one run of so many: `make reliability` does them all. It is prime, so that every call and every disturbance gets its
// turn somewhere.
const sample = 37

func golden(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", templatePath))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestDisturbedRunsEndWell(t *testing.T) {
	t.Parallel()
	raw := golden(t)
	jobs, err := plan(raw, "")
	if err != nil {
		t.Fatal(err)
	}
	for i, j := range jobs {
		if i%sample != 0 {
			continue
		}
		t.Run(j.scenario.name+", "+j.site.String()+", "+j.disturbance.name, func(t *testing.T) {
			t.Parallel()
			got, err := j.scenario.disturb(raw, j.site, j.disturbance)
			if err != nil || len(got.violations) > 0 {
				t.Errorf("ended %s, %v\n%s", got.end, err, strings.Join(got.violations, "\n"))
			}
		})
	}
}

// The witness must see what it is there to see.
func TestWitness(t *testing.T) {
	t.Parallel()
	s := scenarios()[0]
	c, err := s.open(golden(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	before := c.Inventory()
	ended, err := execute(c, s.request)
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{cloud: c, before: before, untouched: before}
	if wrong := w.violations(ended, "Onboarded"); len(wrong) > 0 {
		t.Errorf("of a good run: %q", wrong)
	}
	if wrong := strings.Join(w.violations(ended, "FailedClean"), "\n"); !strings.Contains(wrong, "left: endpoint to") {
		t.Errorf("of things left: %q", wrong)
	}
	if err := c.Parameters.PutByHand("/somebody/elses", "changed"); err != nil {
		t.Fatal(err)
	}
	if wrong := strings.Join(w.violations(ended, "Onboarded"), "\n"); !strings.Contains(wrong, "of others is changed") {
		t.Errorf("of a stranger's thing: %q", wrong)
	}
	for _, e := range c.World.Endpoints() {
		if err := c.World.DeleteByHand(e.ID); err != nil {
			t.Fatal(err)
		}
	}
	if wrong := strings.Join(w.violations(ended, "Onboarded"), "\n"); !strings.Contains(wrong, "0 endpoints") {
		t.Errorf("of an endpoint that is gone: %q", wrong)
	}
}
