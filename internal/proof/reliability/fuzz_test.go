package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	fuzzTarget = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(f \*testing\.F\)`)
	decodes    = regexp.MustCompile(`json\.Unmarshal\(|json\.NewDecoder\(|yaml\.Unmarshal\(|yaml\.NewDecoder\(`)
	fuzzRow    = regexp.MustCompile("(?m)^\\| .* \\| `(\\S+)` `(Fuzz\\w+)` \\|$")
)

// The page lists every fuzz target, and every package that decodes what comes from outside has one.
func TestFuzzTargets(t *testing.T) {
	t.Parallel()
	var targets, decoders []string
	fuzzed := map[string]bool{}
	root := filepath.Join("..", "..", "..")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && len(entry.Name()) > 2 || entry.Name() == "build" || entry.Name() == "cdk.out") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		if !strings.HasSuffix(path, "_test.go") {
			if decodes.Match(raw) && !slices.Contains(decoders, dir) {
				decoders = append(decoders, dir)
			}
			return nil
		}
		for _, found := range fuzzTarget.FindAllSubmatch(raw, -1) {
			targets = append(targets, dir+" "+string(found[1]))
			fuzzed[dir] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, row := range fuzzRow.FindAllSubmatch(page, -1) {
		rows = append(rows, string(row[1])+" "+string(row[2]))
	}
	slices.Sort(targets)
	if diff := cmp.Diff(targets, rows); diff != "" {
		t.Errorf("README.md lists other fuzz targets than there are (-targets +rows)\n%s", diff)
	}
	for _, dir := range decoders {
		if !fuzzed[dir] && !ownInput(dir) {
			t.Errorf("%s decodes, and has no fuzz target", dir)
		}
	}
}

// ownInput are the packages that read nothing but what this program, its tests or its build wrote: the embedded cloud, which also has
// the machine's own API to answer, and the tools.
func ownInput(dir string) bool {
	for _, own := range []string{"internal/local", "internal/demo", "internal/proof", "infra/smoke", "infra/sbom", "events/inflight"} {
		if strings.HasPrefix(dir, own) {
			return true
		}
	}
	return false
}
