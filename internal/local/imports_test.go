package local_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The simulator is a library of its own: no file of it, test or not, imports another package of this module, and no test reads a file
// outside its directory. The rule "simulator" of golangci says the same for imports.
func TestNothingOfTheProductIsImported(t *testing.T) {
	t.Parallel()
	files := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		files++
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if strings.HasPrefix(name, "postern/") && name != "postern/internal/local" && !strings.HasPrefix(name, "postern/internal/local/") {
				t.Errorf("%s imports %s", path, name)
			}
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if up := strings.Repeat(".."+"/", strings.Count(filepath.ToSlash(path), "/")+1); strings.Contains(string(text), `"`+up) {
			t.Errorf("%s names a file outside of this directory", path)
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Errorf("read %d files, %v", files, err)
	}
}
