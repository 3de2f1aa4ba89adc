package moto_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/proof/moto"
)

// Every type of the template is either expected in moto or known to be ignored there, and the lists name no other.
func TestEveryResourceTypeIsAccountedFor(t *testing.T) {
	t.Parallel()
	template, err := moto.ReadTemplate("../../../infra/testdata/postern.template.json")
	if err != nil {
		t.Fatal(err)
	}
	used, listed := map[string]int{}, map[string]int{}
	for _, resource := range template.Resources {
		used[resource.Type] = 1
	}
	for _, kind := range moto.Created {
		listed[kind]++
	}
	for kind := range moto.Ignored {
		listed[kind]++
	}
	if diff := cmp.Diff(used, listed); diff != "" {
		t.Errorf("types (-template +Created and Ignored):\n%s", diff)
	}
}

// internal/local/fidelity.md lists the types, each with what becomes of it.
func TestTheDocumentListsTheTypes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../local/fidelity.md")
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]string{}, map[string]string{}
	for _, kind := range moto.Created {
		want[kind] = "made"
	}
	for kind, why := range moto.Ignored {
		want[kind] = "skipped: " + why
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `(AWS::[A-Za-z0-9:]+)` \\| (?:(made)(?:; .*)?|(skipped: .*)) \\|$").FindAllStringSubmatch(string(text), -1) {
		got[row[1]] = row[2] + row[3]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("types (-code +internal/local/fidelity.md):\n%s", diff)
	}
}
