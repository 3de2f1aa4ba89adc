package remedy

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
)

// Every check of the drift check has a remedy.
func TestEveryCheckHasARemedy(t *testing.T) {
	t.Parallel()
	var checks []connection.DriftCheck
	for _, info := range connection.DriftChecks {
		finding := connection.DriftFinding{DriftAnswer: connection.DriftAnswer{Check: info.Check, ForHands: true}}
		if next := Of(finding); !strings.Contains(next, "manually") || strings.Contains(next, "action repair") {
			t.Errorf("%s, manual repair only: %q", info.Check, next)
		}
		finding.ForHands = false
		next := Of(finding)
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
	if next := Of(connection.DriftFinding{}); next == "" {
		t.Error("a check of another release has no remedy")
	}
}
