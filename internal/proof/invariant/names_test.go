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
	page, err := os.ReadFile("../../../docs/reliability.md")
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
		t.Errorf("docs/reliability.md lists %q, want %q", listed, names)
	}
}
