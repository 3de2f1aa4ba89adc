package catalog

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"postern/internal/connection"
)

// Whatever the YAML, a profile is refused with the file and line of each fault, or it can be rendered.
func FuzzProfile(f *testing.F) {
	names, err := fs.Glob(embedded, "profiles/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(embedded, name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw))
	}
	for _, seed := range []string{"", "id: x", "- a", "id: &a [*a]", "id: x\nid: y", "? [a]\n: b", "id: !!binary eA==", "a: &x {}\nb: {<<: *x}", "---\n---\n", "\xff"} {
		f.Add(seed)
	}
	schema, err := compileSchema()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const name = "profiles/fuzz.yaml"
		profile, err := load(fstest.MapFS{name: {Data: []byte(text)}}, name, schema.check)
		if err != nil {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("the error does not say where: %v", err)
			}
			return
		}
		inputs := map[string]string{}
		for _, input := range profile.Inputs {
			inputs[input.Name] = "x"
		}
		profile.Render(connection.Request{Vendor: profile.ID, Name: "fuzz", Inputs: inputs}, "111122223333")
	})
}
