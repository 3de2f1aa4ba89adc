package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// maxWords is how many words the docs may have together: README.md, docs, docs/adr and events/README.md, as wc -w counts them.
const maxWords = 12_000

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading      = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	fenced       = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	// mentioned is a page that code, a definition or a makefile names, with an anchor or without.
	mentioned = regexp.MustCompile("(?:^|[\\s\"'(=:`])((?:docs|internal|events)/[A-Za-z0-9/-]+\\.md(?:#[a-z0-9-]+)?|docs/adr/\\d{4})")
	// pathName is a file or a directory that a page names from the root, with wildcards or without.
	pathName = regexp.MustCompile("(?m)(?:^|[\\s\"(`])((?:docs|events|infra|internal|lambdas)/[A-Za-z0-9_./*-]*[A-Za-z0-9*])")
)

func TestDocsAreShort(t *testing.T) {
	t.Parallel()
	total, each := 0, map[string]int{}
	for _, pattern := range []string{"../README.md", "../docs/*.md", "../docs/adr/*.md"} {
		pages, err := filepath.Glob(pattern)
		if err != nil || len(pages) == 0 {
			t.Fatalf("%s: %d pages, %v", pattern, len(pages), err)
		}
		for _, page := range pages {
			each[page] = len(strings.Fields(read(t, page)))
			total += each[page]
		}
	}
	if total > maxWords {
		t.Errorf("the docs have %d words, more than %d: shorten them; by page: %v", total, maxWords, each)
	}
}

// TestMakeTargetsAreListed: CONTRIBUTING.md has every target that make help prints.
func TestMakeTargetsAreListed(t *testing.T) {
	t.Parallel()
	_, section, _ := strings.Cut(read(t, "../CONTRIBUTING.md"), "\n## Make targets\n")
	section, _, _ = strings.Cut(section, "\n## ")
	targets := regexp.MustCompile(`(?m)^([a-z0-9-]+):.*## `).FindAllStringSubmatch(read(t, "../Makefile"), -1)
	if len(targets) == 0 {
		t.Fatal("the Makefile has no targets")
	}
	for _, target := range targets {
		if target[1] != "help" && !strings.Contains(section, "`"+target[1]+"`") {
			t.Errorf("CONTRIBUTING.md does not list make %s", target[1])
		}
	}
}

// TestLinksResolve: every relative link of every page, every file that a page names, and every page that the code names exists, with its
// anchor.
func TestLinksResolve(t *testing.T) {
	t.Parallel()
	links := 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "testdata", "build", "cdk.out", "node_modules"}, entry.Name()):
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		switch {
		case filepath.Ext(path) == ".md":
			for _, link := range markdownLink.FindAllStringSubmatch(fenced.ReplaceAllString(read(t, path), ""), -1) {
				if strings.Contains(link[1], "://") {
					continue
				}
				links++
				target, anchor, _ := strings.Cut(link[1], "#")
				if target == "" {
					target = path
				} else {
					target = filepath.Join(filepath.Dir(path), target)
				}
				resolve(t, path, target, anchor)
			}
			for _, name := range pathName.FindAllStringSubmatch(read(t, path), -1) {
				if strings.Contains(name[1], "acme-search") { // the vendor that docs/vendors.md makes up
					continue
				}
				links++
				if matches, err := filepath.Glob(filepath.Join("..", name[1])); err != nil || len(matches) == 0 {
					t.Errorf("%s names %s, which does not exist", path, name[1])
				}
			}
		case slices.Contains([]string{".go", ".json", ".yml", ".yaml"}, filepath.Ext(path)), entry.Name() == "Makefile":
			for _, mention := range mentioned.FindAllStringSubmatch(read(t, path), -1) {
				links++
				target, anchor, _ := strings.Cut(mention[1], "#")
				resolve(t, path, filepath.Join("..", target), anchor)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if links < 100 {
		t.Errorf("%d links found: the patterns do not match", links)
	}
}

// resolve checks that a target exists and, if it is a page, has the anchor.
func resolve(t *testing.T, from, target, anchor string) {
	t.Helper()
	pattern := target
	if filepath.Base(filepath.Dir(target)) == "adr" && filepath.Ext(target) == "" {
		pattern += "-*.md" // a decision by its number
	}
	if matches, err := filepath.Glob(pattern); err != nil || len(matches) != 1 {
		t.Errorf("%s links to %s, which does not exist", from, target)
		return
	}
	if anchor != "" && !slices.Contains(anchors(read(t, target)), anchor) {
		t.Errorf("%s links to %s#%s, which has no such heading", from, target, anchor)
	}
}

// anchors are those that GitHub gives the headings of a page: lower case, without punctuation, spaces as hyphens, and a number for each
// repetition. Our headings have no repetitions.
func anchors(page string) (names []string) {
	for _, match := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z':
				return r
			}
			return -1
		}, strings.ToLower(match[1]))
		names = append(names, name)
	}
	return names
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path) //nolint:gosec // a page of this repository
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
