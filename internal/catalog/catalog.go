package catalog

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed profiles/*.yaml
var embedded embed.FS

// Catalog is every profile, by id.
type Catalog struct {
	profiles []Profile
}

// Load reads the profiles that the program was built with. They were held against the schema by the tests, with Check: a function
// does not do it again at each cold start, and need not hold the schema's machinery.
func Load() (Catalog, error) { return read(embedded, func(document) error { return nil }) }

// Check reads the profiles that the program was built with and holds them against the schema. An error gives every fault as
// profiles/<file>:<line>: <path>: <what is wrong>; <what is expected>.
func Check() (Catalog, error) { return LoadFS(embedded) }

// LoadFS reads profiles/*.yaml of a file system and holds them against the schema, with errors as those of Check.
func LoadFS(files fs.FS) (Catalog, error) {
	schema, err := compileSchema()
	if err != nil {
		return Catalog{}, err
	}
	return read(files, schema.check)
}

func read(files fs.FS, hold func(document) error) (Catalog, error) {
	names, err := fs.Glob(files, "profiles/*.yaml")
	if err != nil {
		return Catalog{}, err
	}
	var catalog Catalog
	var problems []error
	for _, name := range names {
		profile, err := load(files, name, hold)
		problems = append(problems, err)
		catalog.profiles = append(catalog.profiles, profile)
	}
	if err := errors.Join(problems...); err != nil {
		return Catalog{}, err
	}
	if len(names) == 0 {
		return Catalog{}, errors.New("no vendor profile in profiles/*.yaml")
	}
	slices.SortFunc(catalog.profiles, func(a, b Profile) int { return cmp.Compare(a.ID, b.ID) })
	return catalog, nil
}

func load(files fs.FS, name string, hold func(document) error) (Profile, error) {
	content, err := fs.ReadFile(files, name)
	if err != nil {
		return Profile{}, err
	}
	d, err := parseDocument(name, content)
	if err != nil {
		return Profile{}, err
	}
	if err := hold(d); err != nil {
		return Profile{}, err
	}
	var profile Profile
	if err := d.root.Decode(&profile); err != nil {
		return Profile{}, fmt.Errorf("%s: %w", name, err)
	}
	if id := strings.TrimSuffix(path.Base(name), ".yaml"); profile.ID != id {
		return Profile{}, d.problemf([]string{"id"}, "got %q, expected %q, the file's name without .yaml", profile.ID, id)
	}
	return profile, profile.check(d)
}

// Find returns the profile with an id.
func (c Catalog) Find(id string) (*Profile, bool) {
	for i := range c.profiles {
		if c.profiles[i].ID == id {
			return &c.profiles[i], true
		}
	}
	return nil, false
}

// IDs returns the ids of the profiles, sorted.
func (c Catalog) IDs() []string {
	ids := make([]string, len(c.profiles))
	for i, profile := range c.profiles {
		ids[i] = profile.ID
	}
	return ids
}
