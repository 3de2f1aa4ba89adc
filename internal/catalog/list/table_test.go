package main

import (
	"os"
	"strings"
	"testing"

	"postern/internal/catalog"
)

// docs/vendors.md shows the catalog as it is; renew its table with: make vendors.
func TestDocsShowTheCatalog(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../../docs/vendors.md")
	if err != nil {
		t.Fatal(err)
	}
	vendors, err := catalog.Check()
	if err != nil {
		t.Fatal(err)
	}
	want := table(vendors)
	if !strings.Contains(string(document), "\n\n"+want+"\n") {
		t.Errorf("docs/vendors.md does not have this table; paste the output of make vendors:\n%s", want)
	}
	if rows := strings.Count(string(document), "\n| `"); rows != len(vendors.IDs()) {
		t.Errorf("docs/vendors.md has %d rows, the catalog %d vendors", rows, len(vendors.IDs()))
	}
}

// Each row has as many cells as the heading, whatever a profile says.
func TestTableIsWhole(t *testing.T) {
	t.Parallel()
	vendors, err := catalog.LoadFS(os.DirFS("../testdata"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(table(vendors), "\n"), "\n")
	if len(lines) != 2+len(vendors.IDs()) {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		if got, want := strings.Count(line, "|"), strings.Count(lines[0], "|"); got != want {
			t.Errorf("%d bars, want %d: %s", got, want, line)
		}
	}
	for _, cell := range []string{"443, 8443, 9440, 80 without TLS", "zone of the hostname", "accepts by itself"} {
		if !strings.Contains(lines[2], cell) {
			t.Errorf("no %q in %s", cell, lines[2])
		}
	}
}
