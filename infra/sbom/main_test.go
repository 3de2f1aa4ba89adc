package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestMaterials builds a small function, and finds in the document what the linker was given. The function has a dependency.
func TestMaterials(t *testing.T) {
	t.Parallel()
	executable := filepath.Join(t.TempDir(), "fleet", "bootstrap")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", executable, "postern/infra/sbom").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	raw, err := materials([]string{executable})
	if err != nil {
		t.Fatal(err)
	}
	again, err := materials([]string{executable})
	if err != nil || !bytes.Equal(raw, again) {
		t.Errorf("the same executable gives another document (%v)", err)
	}
	valid(t, raw)

	bom := new(cyclonedx.BOM)
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(raw), cyclonedx.BOMFileFormatJSON).Decode(bom); err != nil {
		t.Fatal(err)
	}
	known := map[string]cyclonedx.Component{}
	for _, component := range *bom.Components {
		known[component.BOMRef] = component
	}
	if function := known["function/fleet"]; function.Hashes == nil || len((*function.Hashes)[0].Value) != 64 {
		t.Errorf("the function is %+v, want it with its SHA-256", function)
	}
	used := map[string]bool{}
	for _, dependency := range *bom.Dependencies {
		for _, ref := range *dependency.Dependencies {
			if known[ref].PackageURL != ref {
				t.Errorf("%s is used and not described", ref)
			}
			name, _, _ := strings.Cut(ref, "@")
			used[name] = true
		}
	}
	for _, want := range []string{"pkg:golang/std", "pkg:golang/github.com/cyclonedx/cyclonedx-go"} {
		if !used[want] {
			t.Errorf("%s is not among %v", want, used)
		}
	}
	if used["pkg:golang/github.com/aws/aws-sdk-go-v2"] {
		t.Error("a module is named that is not in the executable")
	}
}

func TestMaterialsOfNothing(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(text, []byte("#!/bin/sh"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, executables := range map[string][]string{
		"make build": nil, "no executable of Go": {text}, "no such file": {filepath.Join(t.TempDir(), "bootstrap")},
	} {
		if _, err := materials(executables); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// valid checks a document against CycloneDX's own schema, which comes with its library.
func valid(t *testing.T, raw []byte) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	const base = "http://cyclonedx.org/schema/"
	compiler := jsonschema.NewCompiler()
	for name, file := range map[string]string{
		"bom-1.6.schema.json": "bom-1.6.schema.json", "spdx.schema.json": "spdx.schema.json", "jsf-0.82.schema.json": "jsf-0.82.schemax.json",
	} {
		if err := add(compiler, base+name, filepath.Join(strings.TrimSpace(string(out)), "schema", file)); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile(base + "bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(document); err != nil {
		t.Error(err)
	}
}

func add(compiler *jsonschema.Compiler, url, file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("the schema: %w", err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	return compiler.AddResource(url, document)
}
