package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// Splice returns a YAML document in which the scalar at a dotted path is value; every other byte is as it was. A missing key, and
// missing mappings on the way to it, are inserted with the document's own indentation and line ends; an empty document becomes
// the path alone. The result was read again: it differs from the document at the path and nowhere else. What cannot be done
// without touching another byte is an error that says what stands in the way.
//
// No YAML library writes a document back as it was (aligned comments and blank lines go), so the parser only says where to cut.
func Splice(document, path, value string) (string, error) {
	if strings.ContainsFunc(value, unicode.IsControl) {
		return "", fmt.Errorf("%s: the new value contains a control character", path)
	}
	keys := strings.Split(path, ".")
	body, marked := strings.CutPrefix(document, byteOrderMark)
	root, before, err := parse(body)
	if err != nil {
		return "", err
	}
	if current, ok := get(before, keys); ok && current == value && overridden(root, keys) == 0 {
		return document, nil
	}
	change, err := (&source{text: body, root: root}).locate(keys, value)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	after := body[:change.from] + change.text + body[change.to:]
	if err := verify(before, after, keys, value); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if marked {
		after = byteOrderMark + after
	}
	return after, nil
}

const byteOrderMark = "\ufeff"

// parse reads one YAML document: its root node, nil when it is empty, and its value.
func parse(text string) (root *yaml.Node, value any, err error) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, fmt.Errorf("the document is not YAML that we can read: %w", err)
	}
	if err := decoder.Decode(new(yaml.Node)); err == nil {
		return nil, nil, errors.New("the parameter holds several YAML documents; keep one")
	} else if !errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("the document is not YAML that we can read: %w", err)
	}
	root = document.Content[0]
	// A node keeps a key that is written twice; decoding refuses it.
	if err := root.Decode(&value); err != nil {
		return nil, nil, fmt.Errorf("the document is not YAML that we can read: %w", err)
	}
	switch {
	case root.Kind == yaml.MappingNode:
		return root, value, nil
	case root.Kind == yaml.ScalarNode && root.Tag == "!!null" && root.Value == "" && root.Anchor == "":
		return nil, nil, nil // an explicit document without content
	}
	return nil, nil, errors.New("the document is not a YAML mapping")
}

// verify reads the result again: a document that differs at more than the path is not what was asked for.
func verify(before any, after string, keys []string, value string) error {
	root, got, err := parse(after)
	if err != nil {
		return fmt.Errorf("setting the value would break the document: %w", err)
	}
	if line := overridden(root, keys); line > 0 {
		return fmt.Errorf("line %d merges a value of the same key (<<), and some readers let it win, because it stands below; move the line "+
			"to the top of its mapping", line)
	}
	return same(set(before, keys, value), got, "setting the value would change something else in the document too, such as an alias of "+
		"it; write the value there manually once")
}

// overridden returns the line of a merge key by which readers of YAML 1.1 get another value at a path than the one that is written
// there, 0 when there is none: for them the last one in a mapping wins, whether it is a key or merged.
func overridden(mapping *yaml.Node, keys []string) int {
	for mapping != nil && mapping.Kind == yaml.MappingNode && len(keys) > 0 {
		key, value := entry(mapping, keys[0])
		if merged := lastMerge(mapping); key != nil && merged > indexOf(mapping, key) && provides(mapping.Content[merged+1], keys[0]) {
			return mapping.Content[merged].Line
		}
		mapping, keys = value, keys[1:]
	}
	return 0
}

// provides reports whether what a merge key merges has a key.
func provides(merged *yaml.Node, name string) bool {
	switch merged.Kind {
	case yaml.AliasNode:
		return provides(merged.Alias, name)
	case yaml.SequenceNode:
		return slices.ContainsFunc(merged.Content, func(one *yaml.Node) bool { return provides(one, name) })
	case yaml.MappingNode:
		if key, _ := entry(merged, name); key != nil {
			return true
		}
		at := lastMerge(merged)
		return at >= 0 && provides(merged.Content[at+1], name)
	}
	return false
}

// same returns an error with a message when two decoded documents differ.
func same(want, got any, message string) error {
	wanted, wantErr := yaml.Marshal(want)
	gotten, gotErr := yaml.Marshal(got)
	if wantErr != nil || gotErr != nil || !bytes.Equal(wanted, gotten) {
		return errors.New(message)
	}
	return nil
}

// get returns the value at a path of decoded YAML.
func get(value any, keys []string) (any, bool) {
	for _, key := range keys {
		var ok bool
		switch mapping := value.(type) {
		case map[string]any:
			value, ok = mapping[key]
		case map[any]any:
			value, ok = mapping[key]
		}
		if !ok {
			return nil, false
		}
	}
	return value, true
}

// set returns decoded YAML with a value at a path. It changes the maps it is given.
func set(value any, keys []string, to string) any {
	if len(keys) == 0 {
		return to
	}
	switch mapping := value.(type) {
	case map[string]any:
		mapping[keys[0]] = set(mapping[keys[0]], keys[1:], to)
		return mapping
	case map[any]any:
		mapping[keys[0]] = set(mapping[keys[0]], keys[1:], to)
		return mapping
	}
	return map[string]any{keys[0]: set(nil, keys[1:], to)}
}
