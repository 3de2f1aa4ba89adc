package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestArchitecturePageLeadsFromStatesToCode: the first section of the page is a table with a row for each Task state of both machines.
// The package of a row is the one whose handler the main of the function starts. The file of a row declares the row's code, and the file
// of the handler calls it.
func TestArchitecturePageLeadsFromStatesToCode(t *testing.T) {
	t.Parallel()
	const page, heading = "../docs/architecture.md", "## From a state to its code"
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if before, _, _ := strings.Cut(string(content), heading); strings.Contains(before, "\n|") || strings.Contains(before, "\n## ") {
		t.Errorf("%q is not the first section of %s", heading, page)
	}
	functions, got := map[string]string{}, map[string]string{}
	functionsOfStates(t, definition, functions)
	functionsOfStates(t, fleetDefinition, functions)
	columns := [5][]string{}
	for i := range columns {
		columns[i] = columnOf(t, page, heading, i+1)
	}
	for i, state := range columns[0] {
		function, directory, file, code := columns[1][i], columns[2][i], columns[3][i], columns[4][i]
		got[state] = function
		if function == "–" {
			continue
		}
		want, handler := handlerOf(t, function)
		if directory != want {
			t.Errorf("%s: lambdas/%s starts a handler of %s, not of %s", state, function, want, directory)
			continue
		}
		if !declares(t, filepath.Join("..", directory, file), code) {
			t.Errorf("%s: %s/%s declares no function %s", state, directory, file, code)
		}
		calls, err := os.ReadFile(handler)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`\b` + code + `[(),]`).Match(calls) {
			t.Errorf("%s: the handler in %s does not call %s", state, handler, code)
		}
	}
	if diff := cmp.Diff(functions, got); diff != "" {
		t.Errorf("%s: functions of states (-machines +page):\n%s", page, diff)
	}
}

// functionsOfStates adds the function of each Task state of a definition by state, "–" for a state that calls AWS itself. States of
// the distributed Map have the functions of those without the word in their name.
func functionsOfStates(t *testing.T, definition string, functions map[string]string) {
	t.Helper()
	type machine struct{ States map[string]json.RawMessage }
	var m machine
	if err := json.Unmarshal([]byte(definition), &m); err != nil {
		t.Fatal(err)
	}
	placeholder := regexp.MustCompile(`\$\{(\w+)Function\}`)
	for name, raw := range m.States {
		var state struct {
			Type          string
			ItemProcessor json.RawMessage
		}
		if err := json.Unmarshal(raw, &state); err != nil {
			t.Fatal(err)
		}
		if len(state.ItemProcessor) > 0 {
			functionsOfStates(t, string(state.ItemProcessor), functions)
		}
		if state.Type != "Task" {
			continue
		}
		function := "–"
		switch match := placeholder.FindStringSubmatch(string(raw)); {
		case match != nil:
			function = kebab(match[1])
		case strings.Contains(string(raw), "$.plan.probe.functionName"):
			function = "probe" // of the network, by the relay when it is in another Region
		}
		functions[strings.TrimSuffix(name, "Distributed")] = function
	}
}

// kebab returns a name such as ConfigureDNS as configure-dns.
func kebab(name string) string {
	return strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(name, "$1-$2"))
}

// handlerOf returns the package of the function that lambdas/<function>/main.go passes to step.Start, and the file that declares it.
func handlerOf(t *testing.T, function string) (directory, file string) {
	t.Helper()
	main, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "lambdas", function, "main.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var handler *ast.SelectorExpr
	ast.Inspect(main, func(n ast.Node) bool {
		if call, is := n.(*ast.CallExpr); is && len(call.Args) == 1 {
			handler, _ = call.Args[0].(*ast.SelectorExpr)
		}
		return true
	})
	if handler == nil {
		t.Fatalf("lambdas/%s starts no function of a package", function)
	}
	for _, spec := range main.Imports {
		if imported, _ := strconv.Unquote(spec.Path.Value); path.Base(imported) == handler.X.(*ast.Ident).Name {
			directory = strings.TrimPrefix(imported, "postern/")
		}
	}
	files, err := filepath.Glob(filepath.Join("..", directory, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if declares(t, name, handler.Sel.Name) {
			return directory, name
		}
	}
	t.Fatalf("%s declares no %s", directory, handler.Sel.Name)
	return "", ""
}

// declares reports whether a file declares a function or a method of a name.
func declares(t *testing.T, file, name string) bool {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Error(err)
		return false
	}
	return slices.ContainsFunc(parsed.Decls, func(declaration ast.Decl) bool {
		f, is := declaration.(*ast.FuncDecl)
		return is && f.Name.Name == name
	})
}
