package page

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
)

// TestEveryCheckHasARemedy: whatever the drift check finds, the page says what to do about it.
func TestEveryCheckHasARemedy(t *testing.T) {
	t.Parallel()
	var checks []connection.DriftCheck
	for _, info := range connection.DriftChecks {
		finding := connection.DriftFinding{DriftAnswer: connection.DriftAnswer{Check: info.Check}}
		if info.Repairable {
			if next := Remedy(finding); !strings.Contains(next, "action repair and check "+string(info.Check)) {
				t.Errorf("%s: %q", info.Check, next)
			}
			finding.ForHands = true
			if next := Remedy(finding); !strings.Contains(next, "by hand") {
				t.Errorf("%s for hands: %q", info.Check, next)
			}
			continue
		}
		checks = append(checks, info.Check)
	}
	slices.Sort(checks)
	if diff := cmp.Diff(checks, slices.Sorted(maps.Keys(remedies))); diff != "" {
		t.Errorf("(-checks +remedies):\n%s", diff)
	}
}
