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
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", templatePath))
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
