package handlers_test

import (
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/proof/handlers"
)

func TestEveryLambdaIsListed(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("../../../lambdas")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, entry := range entries {
		want = append(want, entry.Name())
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(handlers.All()))); diff != "" {
		t.Error(diff)
	}
}
