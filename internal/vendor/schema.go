package vendor

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
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
	var problems []error
	for _, leaf := range leaves(invalid) {
		problems = append(problems, s.explain(d, leaf)...)
	}
	slices.SortStableFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(problems...)
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
func (s schema) explain(d document, e *jsonschema.ValidationError) []error {
	at := func(name string) []string { return append(slices.Clone(e.InstanceLocation), name) }
	node, expected := s.lookup(e.SchemaURL)
	var problems []error
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			problems = append(problems, d.errorf(at(name), "missing; expected %s", s.expectedOf(node, name, expected)))
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			problems = append(problems, d.errorf(at(name), "unknown field; expected one of %s", strings.Join(fields(node), ", ")))
		}
	case *kind.FalseSchema:
		problems = append(problems, d.errorf(e.InstanceLocation, "not allowed here; expected %s", expected))
	default:
		problems = append(problems, d.errorf(e.InstanceLocation, "got %s, expected %s", d.show(e.InstanceLocation), expected))
	}
	return problems
}

// lookup returns the schema at an absolute location, and the description nearest to it.
func (s schema) lookup(location string) (node any, description string) {
	_, pointer, _ := strings.Cut(location, "#")
	if unescaped, err := url.PathUnescape(pointer); err == nil {
		pointer = unescaped
	}
	node, description = s.source, describe(s.source)
	for _, part := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		object, ok := node.(map[string]any)
		if !ok || part == "" {
			break
		}
		node = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
		if text := describe(node); text != "" {
			description = text
		}
	}
	return node, description
}

// expectedOf returns the description of a property, or fallback when it has none.
func (s schema) expectedOf(node any, name, fallback string) string {
	object, _ := node.(map[string]any)
	properties, _ := object["properties"].(map[string]any)
	property, _ := properties[name].(map[string]any)
	if ref, ok := property["$ref"].(string); ok {
		_, description := s.lookup(ref)
		return description
	}
	if text := describe(property); text != "" {
		return text
	}
	return fallback
}

func describe(node any) string {
	object, _ := node.(map[string]any)
	text, _ := object["description"].(string)
	return text
}

func fields(node any) []string {
	object, _ := node.(map[string]any)
	properties, _ := object["properties"].(map[string]any)
	return slices.Sorted(maps.Keys(properties))
}
