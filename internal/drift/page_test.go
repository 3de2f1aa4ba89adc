package drift

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/internal/connection"
)

// The page lists every check and every policy, as the code has them.
func TestPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "drift.md"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, line := range strings.Split(string(page), "\n") {
		if strings.HasPrefix(line, "| `") {
			rows = append(rows, line)
		}
	}
	var want []string
	word := func(is bool, yes, no string) string {
		if is {
			return yes
		}
		return no
	}
	for _, info := range connection.DriftChecks {
		want = append(want, fmt.Sprintf("| `%s` | %s | %s | %s | %s | ", info.Check, info.Severity, word(info.Deep, "deep", "shallow"),
			word(info.Repairable, "yes", "no"), info.What))
	}
	for _, policy := range connection.DriftPolicies {
		want = append(want, fmt.Sprintf("| `%s` | ", policy))
	}
	if len(rows) != len(want) {
		t.Fatalf("%d rows, want %d", len(rows), len(want))
	}
	for i, row := range rows {
		if !strings.HasPrefix(row, want[i]) {
			t.Errorf("row %q, want %q", row, want[i])
		}
	}
}
