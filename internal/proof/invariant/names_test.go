package invariant

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The page says what each invariant means, in their order.
func TestDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../reliability/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for line := range strings.Lines(string(page)) {
		if rest, is := strings.CutPrefix(line, "- **"); is {
			name, _, _ := strings.Cut(rest, "**")
			listed = append(listed, name)
		}
	}
	if !slices.Equal(listed, names) {
		t.Errorf("internal/proof/reliability/README.md lists %q, want %q", listed, names)
	}
}
