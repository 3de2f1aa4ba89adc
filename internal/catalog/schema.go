package catalog

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

//go:embed profile.schema.json
var schemaJSON []byte

const schemaURL = "urn:postern:vendor-profile"

// schema is the JSON Schema of profiles, compiled, and as data for the descriptions in it: each description ends the sentence
// "expected …".
type schema struct {
	compiled *jsonschema.Schema
	source   any
}

func compileSchema() (schema, error) {
	source, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaJSON))
	if err != nil {
		return schema{}, fmt.Errorf("profile.schema.json: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(schemaURL, source); err != nil {
		return schema{}, fmt.Errorf("profile.schema.json: %w", err)
	}
	compiled, err := compiler.Compile(schemaURL)
	return schema{compiled: compiled, source: source}, err
}

// check returns every place of a document that the schema does not allow, joined.
func (s schema) check(d document) error {
	plain, err := d.plain(d.root)
	if err != nil {
		return err
	}
	err = s.compiled.Validate(plain)
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	var problems []problem
	for _, leaf := range leaves(invalid) {
		problems = append(problems, s.explain(d, leaf)...)
	}
	return joined(problems)
}

// leaves returns the errors at the bottom of a validation error. The branches of a oneOf are not looked into: the description
// of the object says what they are.
func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if _, either := e.ErrorKind.(*kind.OneOf); either || len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var found []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		found = append(found, leaves(cause)...)
	}
	return found
}

// explain turns one validation error into errors with file, line and what is expected.
func (s schema) explain(d document, e *jsonschema.ValidationError) []problem {
	found := s.lookup(e.SchemaURL)
	path := e.InstanceLocation
	missing := func(names []string) (problems []problem) {
		for _, name := range names {
			problems = append(problems, d.problemf(append(slices.Clone(path), name), "missing; expected %s", s.expected(found, name)))
		}
		return problems
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return missing(k.Missing)
	case *kind.DependentRequired:
		return missing(k.Missing)
	case *kind.AdditionalProperties:
		var problems []problem
		for _, name := range k.Properties {
			problems = append(problems, d.problemf(append(slices.Clone(path), name), "unknown field; expected one of %s",
				strings.Join(slices.Sorted(maps.Keys(properties(found.owner))), ", ")))
		}
		return problems
	case *kind.FalseSchema:
		return []problem{d.problemf(path, "not allowed here; it is %s", s.expected(found, path[len(path)-1]))}
	default:
		return []problem{d.problemf(path, "got %s, expected %s", d.show(path), found.description)}
	}
}

// place is a place in the schema: the description nearest to it, and the schema of the object it belongs to.
type place struct {
	description string
	owner       any
}

// lookup returns the place at an absolute location.
func (s schema) lookup(location string) place {
	_, pointer, _ := strings.Cut(location, "#")
	if unescaped, err := url.PathUnescape(pointer); err == nil {
		pointer = unescaped
	}
	node := s.source
	found := place{description: describe(node), owner: node}
	for _, part := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		node = inner(node, part)
		if text := describe(node); text != "" {
			found.description = text
			if len(properties(node)) > 0 {
				found.owner = node
			}
		}
	}
	return found
}

// inner returns the value of an object's key or of a list's index, or nil.
func inner(node any, part string) any {
	switch node := node.(type) {
	case map[string]any:
		return node[part]
	case []any:
		if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(node) {
			return node[i]
		}
	}
	return nil
}

// expected returns the description of a property of the object that a place belongs to.
func (s schema) expected(at place, name string) string {
	property, _ := properties(at.owner)[name].(map[string]any)
	if ref, ok := property["$ref"].(string); ok {
		return s.lookup(ref).description
	}
	return describe(property)
}

func describe(node any) string {
	object, _ := node.(map[string]any)
	text, _ := object["description"].(string)
	return text
}

func properties(node any) map[string]any {
	object, _ := node.(map[string]any)
	found, _ := object["properties"].(map[string]any)
	return found
}
