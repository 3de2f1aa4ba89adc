package main

import (
	"os"
	"strings"
	"testing"
)

// The page of the architecture names every package of internal.
func TestPackagesAreListed(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "## Packages")
	section, _, _ = strings.Cut(section, "\n## ")
	packages, err := os.ReadDir("../internal")
	if err != nil || !found || len(packages) == 0 {
		t.Fatal("no packages, or no section of them", err)
	}
	for _, p := range packages {
		name := p.Name()
		if !strings.Contains(section, "`internal/"+name+"`") && !strings.Contains(section, "`internal/"+name+"/…`") && !strings.Contains(section, " `"+name+"`") {
			t.Errorf("docs/architecture.md does not list internal/%s", name)
		}
	}
}
