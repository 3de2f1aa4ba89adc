package moto_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/moto"
)

// Every type of the template is either expected in moto or known to be ignored there, and the lists name no other.
func TestEveryResourceTypeIsAccountedFor(t *testing.T) {
	t.Parallel()
	template, err := moto.ReadTemplate("../../infra/testdata/postern.template.json")
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
