package connection

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whatever the drift check finds, there is something to do about it.
func TestEveryCheckHasARemedy(t *testing.T) {
	t.Parallel()
	var checks []DriftCheck
	for _, info := range DriftChecks {
		finding := DriftFinding{DriftAnswer: DriftAnswer{Check: info.Check, ForHands: true}}
		if next := finding.Remedy(); !strings.Contains(next, "by hand") || strings.Contains(next, "action repair") {
			t.Errorf("%s for hands: %q", info.Check, next)
		}
		finding.ForHands = false
		next := finding.Remedy()
		if strings.Contains(next, "action repair and check "+string(info.Check)) != info.Repairable || next[0] < 'a' || !strings.HasSuffix(next, ".") {
			t.Errorf("%s: %q", info.Check, next)
		}
		if !info.Repairable {
			checks = append(checks, info.Check)
		}
	}
	slices.Sort(checks)
	if diff := cmp.Diff(checks, slices.Sorted(maps.Keys(remedies))); diff != "" {
		t.Errorf("(-checks +remedies):\n%s", diff)
	}
	if next := (DriftFinding{}).Remedy(); next == "" {
		t.Error("a check of another release has no remedy")
	}
}
