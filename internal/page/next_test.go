package page

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
)

// TestEveryCheckHasARemedy: whatever the drift check finds, the page says what to do about it.
func TestEveryCheckHasARemedy(t *testing.T) {
	t.Parallel()
	var checks []connection.DriftCheck
	for _, info := range connection.DriftChecks {
		checks = append(checks, info.Check)
	}
	slices.Sort(checks)
	if diff := cmp.Diff(checks, slices.Sorted(maps.Keys(remedies))); diff != "" {
		t.Errorf("(-checks +remedies):\n%s", diff)
	}
}
