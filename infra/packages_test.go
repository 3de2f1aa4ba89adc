package main

import (
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// CONTRIBUTING.md names every package of internal.
func TestPackagesAreListed(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../CONTRIBUTING.md")
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
			t.Errorf("CONTRIBUTING.md does not list internal/%s", name)
		}
	}
}

// TestEveryPackageIsCovered: every directory that holds Go files is one of ./..., so that vet, the tests and the linters see it. The go
// tool skips directories named vendor and testdata, and names that begin with a dot or an underscore.
func TestEveryPackageIsCovered(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", "./...")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	covered := strings.Fields(string(out))
	missed := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "testdata", "build", "cdk.out", "node_modules"}, entry.Name()):
			return fs.SkipDir
		case strings.HasSuffix(path, ".go") && !slices.Contains(covered, filepath.Dir(path)):
			missed[filepath.Dir(path)] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir := range missed {
		t.Errorf("go list ./... leaves out %s: rename it", dir)
	}
}

// The page names every function: those that the states call, and the others.
func TestFunctionsAreListed(t *testing.T) {
	t.Parallel()
	const page = "../docs/architecture.md"
	listed := tableOf(t, page, "## The functions beside the machines")
	for _, name := range columnOf(t, page, "## From a state to its code", 2) {
		if name != "–" && !slices.Contains(listed, name) { // probe is that of two states
			listed = append(listed, name)
		}
	}
	entries, err := os.ReadDir("../lambdas")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, entry := range entries {
		want = append(want, entry.Name())
	}
	slices.Sort(listed)
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("%s (-lambdas +page):\n%s", page, diff)
	}
}

// TestDirectoriesOfFunctions: a directory under lambdas/ bears the name of the state that calls its function, in kebab case, or that of
// the package that it serves.
func TestDirectoriesOfFunctions(t *testing.T) {
	t.Parallel()
	exceptions := map[string]string{
		"await-gate": "one function for the two states that wait for the vendor, AwaitAllowlisting and AwaitApproval",
		"observe":    "a verb of the package approval, which has several functions",
		"resume":     "a verb of the package approval, which has several functions",
	}
	states := map[string]bool{}
	note := func(state string) { states[strings.ToLower(state)] = true }
	for state := range machine.States {
		note(state)
	}
	fleetStates.each(func(state string, _ fleetState) { note(state) })
	entries, err := os.ReadDir("../lambdas")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		source, err := os.ReadFile("../lambdas/" + name + "/main.go")
		if err != nil {
			t.Fatal(err)
		}
		served := map[string]bool{} // the last elements of the packages that it imports
		for _, match := range regexp.MustCompile(`"postern/internal/(?:\w+/)*(\w+)"`).FindAllStringSubmatch(string(source), -1) {
			served[match[1]] = true
		}
		delete(served, "step")
		if !states[strings.ReplaceAll(name, "-", "")] && !served[name] && exceptions[name] == "" {
			t.Errorf("lambdas/%s is neither a state nor one of the packages %v: rename it", name, slices.Sorted(maps.Keys(served)))
		}
		delete(exceptions, name)
	}
	for name := range exceptions {
		t.Errorf("there is no lambdas/%s", name)
	}
}

// TestLintersKnowTheProduct: the rule that keeps the simulator out of the functions covers every package of internal but the simulator
// and what is built on it.
func TestLintersKnowTheProduct(t *testing.T) {
	t.Parallel()
	config, err := os.ReadFile("../.golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	rule := regexp.MustCompile(`"\*\*/internal/\{([a-z,]+)\}/\*\*"`).FindStringSubmatch(string(config))
	if rule == nil {
		t.Fatal(".golangci.yml has no rule production")
	}
	entries, err := os.ReadDir("../internal")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, entry := range entries {
		if !slices.Contains([]string{"demo", "local", "proof"}, entry.Name()) {
			want = append(want, entry.Name())
		}
	}
	if diff := cmp.Diff(want, strings.Split(rule[1], ",")); diff != "" {
		t.Errorf(".golangci.yml (-internal +rule):\n%s", diff)
	}
}
