package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is a profile's YAML with its lines, so that an error can say where it is.
type document struct {
	file string
	root *yaml.Node
}

func parseDocument(file string, content []byte) (document, error) {
	var node yaml.Node
	if err := yaml.Unmarshal(content, &node); err != nil {
		return document{}, fmt.Errorf("%s: %w", file, err)
	}
	if len(node.Content) != 1 || node.Content[0].Kind != yaml.MappingNode {
		return document{}, fmt.Errorf("%s:1: not a YAML mapping; a profile begins with id", file)
	}
	return document{file: file, root: node.Content[0]}, nil
}

// problem is one thing wrong in a document.
type problem struct {
	file string
	line int
	text string
}

func (p problem) Error() string { return fmt.Sprintf("%s:%d: %s", p.file, p.line, p.text) }

// problemf returns a problem at a path: file:line: path: message.
func (d document) problemf(path []string, format string, args ...any) problem {
	text := fmt.Sprintf(format, args...)
	if len(path) > 0 {
		text = dotted(path) + ": " + text
	}
	return problem{file: d.file, line: d.line(path), text: text}
}

// joined returns problems as one error, in the order of their lines, or nil.
func joined(problems []problem) error {
	slices.SortStableFunc(problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.text, b.text))
	})
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// line returns the line of the value at a path, or of the last part of the path that exists.
func (d document) line(path []string) int {
	node, line := d.root, d.root.Line
	for _, part := range path {
		node = child(node, part)
		if node == nil {
			break
		}
		line = node.Line
	}
	return line
}

// child returns the value of a mapping's key or a sequence's index, or nil.
func child(node *yaml.Node, part string) *yaml.Node {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == part {
				return node.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i]
		}
	}
	return nil
}

// plain returns a node as the JSON Schema validator takes it. Days stay text; YAML would make them times. Aliases and other
// things that JSON does not have are refused: a profile is read by people.
func (d document) plain(node *yaml.Node) (any, error) {
	switch node.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			value, err := d.plain(node.Content[i+1])
			if err != nil {
				return nil, err
			}
			object[node.Content[i].Value] = value
		}
		return object, nil
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range node.Content {
			value, err := d.plain(item)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	case yaml.ScalarNode:
		return d.scalar(node)
	default:
		return nil, fmt.Errorf("%s:%d: an alias; expected the value itself", d.file, node.Line)
	}
}

func (d document) scalar(node *yaml.Node) (any, error) {
	switch node.ShortTag() {
	case "!!str", "!!timestamp":
		return node.Value, nil
	case "!!int", "!!float", "!!bool", "!!null":
		var value any
		if err := node.Decode(&value); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", d.file, node.Line, err)
		}
		return value, nil
	default:
		return nil, fmt.Errorf("%s:%d: a value with tag %s; expected plain text, a number, true or false",
			d.file, node.Line, node.ShortTag())
	}
}

// dotted writes a path as people read it: ports[0].number.
func dotted(path []string) string {
	var b strings.Builder
	for i, part := range path {
		if _, err := strconv.Atoi(part); err == nil {
			b.WriteString("[" + part + "]")
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(part)
	}
	return b.String()
}

// show returns a value for an error message: a scalar quoted, else what kind of thing it is.
func (d document) show(path []string) string {
	node := d.root
	for _, part := range path {
		if node = child(node, part); node == nil {
			return "nothing"
		}
	}
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return fmt.Sprintf("a list of %d", len(node.Content))
	default:
		return fmt.Sprintf("%.60q", node.Value)
	}
}
