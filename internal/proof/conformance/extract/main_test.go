package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"postern/internal/proof/conformance"
)

// TestModelsAreWhole sees that each operation of the embedded cloud has its model, with all that it refers to.
func TestModelsAreWhole(t *testing.T) {
	t.Parallel()
	size := 0
	for _, service := range services {
		raw, err := os.ReadFile(filepath.Join("..", "models", service.Name()+".json"))
		if err != nil {
			t.Fatal(err)
		}
		size += len(raw)
		var model conformance.Model
		if err := json.Unmarshal(raw, &model); err != nil {
			t.Fatal(err)
		}
		operations := service.Operations()
		for name := range operations {
			if _, known := model.Operations[name]; !known {
				t.Errorf("%s.%s has no model: go generate ./internal/proof/conformance", service.Name(), name)
			}
		}
		for name := range model.Operations {
			if _, used := operations[name]; !used {
				t.Errorf("%s.%s is no longer used: run go generate ./internal/proof/conformance", service.Name(), name)
			}
		}
		for name, shape := range model.Shapes {
			refs := pointed(shape.Member, shape.Key, shape.Value)
			for _, ref := range shape.Members {
				refs = append(refs, *ref)
			}
			for _, ref := range refs {
				if model.Shapes[ref.Shape] == nil {
					t.Errorf("%s: %s refers to %s, which is not there", service.Name(), name, ref.Shape)
				}
			}
		}
	}
	if size > 300_000 {
		t.Errorf("the models have %d bytes, at most 300,000 are wanted", size)
	}
}
