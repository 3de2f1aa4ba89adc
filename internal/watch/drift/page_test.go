package drift

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postern/internal/connection"
)

// The page lists every check and every policy, as the code has them.
func TestPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "operate.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := slices.Concat(rowsOf(string(page), "Checks"), rowsOf(string(page), "Policies"))
	deep := rowsOf(string(page), "Deep checks")
	var want, wantDeep []string
	word := func(is bool, yes, no string) string {
		if is {
			return yes
		}
		return no
	}
	for _, info := range connection.DriftChecks {
		want = append(want, fmt.Sprintf("| `%s` | %s | %s | %s | %s |", info.Check, info.Severity, word(info.Deep, "deep", "shallow"),
			word(info.Repairable, "yes", "no"), info.What))
		if info.Deep {
			wantDeep = append(wantDeep, fmt.Sprintf("| `%s` | ", info.Check))
		}
	}
	for _, policy := range connection.DriftPolicies {
		want = append(want, fmt.Sprintf("| `%s` | ", policy))
	}
	begin(t, rows, want)
	begin(t, deep, wantDeep)
}

// begin compares the beginnings of rows.
func begin(t *testing.T, rows, want []string) {
	t.Helper()
	if len(rows) != len(want) {
		t.Fatalf("%d rows, want %d", len(rows), len(want))
	}
	for i, row := range rows {
		if !strings.HasPrefix(row, want[i]) {
			t.Errorf("row %q, want %q", row, want[i])
		}
	}
}

// rowsOf are the rows of the tables of a section, without their heads.
func rowsOf(page, section string) (rows []string) {
	_, rest, _ := strings.Cut(page, "\n### "+section+"\n")
	rest, _, _ = strings.Cut(rest, "\n##")
	for _, line := range strings.Split(rest, "\n") {
		if strings.HasPrefix(line, "| `") {
			rows = append(rows, line)
		}
	}
	return rows
}
