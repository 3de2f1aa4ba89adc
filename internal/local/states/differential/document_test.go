package differential

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "renew the section of internal/local/fidelity.md")

const (
	document = "../../fidelity.md"
	heading  = "## Amazon States Language: two interpreters compared\n"
	begin    = "<!-- begin: go test ./internal/local/states/differential -update -->\n"
	end      = "<!-- end -->\n"
)

// TestDocument pins the section of internal/local/fidelity.md to the cases and their differences.
func TestDocument(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(raw), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s needs the lines %s and %s after %s", document, begin, end, heading)
	}
	want := before + begin + section(cases(t), known(t)) + end + after
	switch {
	case want == string(raw):
	case *update:
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not what the cases are: go test ./internal/local/states/differential -update", document)
	}
}

// section writes the section.
func section(all []*one, differences *differences) string {
	var b strings.Builder
	total := 0
	for _, d := range differences.Differences {
		total += len(d.Cases)
	}
	fmt.Fprintf(&b, "%d state machines run on both interpreters; with moto %s, %d of them end differently.\n\n",
		len(all), differences.Moto, total)
	b.WriteString("| Group | Cases | Different |\n|---|---|---|\n")
	var groups []string
	cases, different := map[string]int{}, map[string]int{}
	for _, c := range all {
		if cases[c.group]++; cases[c.group] == 1 {
			groups = append(groups, c.group)
		}
		if _, other := differences.other(c); other != nil {
			different[c.group]++
		}
	}
	for _, group := range groups {
		fmt.Fprintf(&b, "| %s | %d | %d |\n", group, cases[group], different[group])
	}
	wants := map[string]outcome{}
	for _, c := range all {
		wants[c.String()] = c.Want
	}
	rights := []struct{ right, title string }{
		{"moto", "moto is right"},
		{"embedded", "The simulator is right"},
		{"open", "AWS's documents leave it open"},
	}
	for _, r := range rights {
		fmt.Fprintf(&b, "\n### %s\n\n", r.title)
		rows(&b, differences, r.right, wants)
	}
	return b.String()
}

// rows writes the differences in which one is right.
func rows(b *strings.Builder, differences *differences, right string, wants map[string]outcome) {
	head := "| Case | Wanted | The other |\n|---|---|---|\n"
	none := true
	for _, d := range differences.Differences {
		if d.Right != right {
			continue
		}
		none = false
		fmt.Fprintf(b, "%s ([source](%s))\n\n%s", d.Reason, d.Link, head)
		for _, name := range slices.Sorted(maps.Keys(d.Cases)) {
			fmt.Fprintf(b, "| %s | %s | %s |\n", cell(name), code(wants[name]), code(d.Cases[name]))
		}
		b.WriteString("\n")
	}
	if none {
		b.WriteString("No difference.\n")
	}
}

func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "$", `\$`).Replace(text)
}

// code is an outcome in the words of a table.
func code(o outcome) string {
	return "`` " + strings.ReplaceAll(o.normal(o.Cause != "", false).String(), "|", `\|`) + " ``"
}
