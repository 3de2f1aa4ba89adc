package publish

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// withdrawn returns a document without the value at a path; where the document before us had a value there, with that value. Every
// other value is as it was. Mappings on the way to it that hold nothing else go, too, unless the document before us had them.
func withdrawn(document, before, path string) (string, error) {
	keys := strings.Split(path, ".")
	_, was, err := parse(strings.TrimPrefix(before, byteOrderMark))
	if err != nil {
		was = nil // before us it was no document that we can read: then it had no such key
	}
	if old, had := get(was, keys); had {
		text, isText := old.(string)
		if !isText {
			return "", errors.New("what stood there before is no text; write it manually")
		}
		return Splice(document, path, text)
	}
	body, marked := strings.CutPrefix(document, byteOrderMark)
	root, now, err := parse(body)
	if err != nil {
		return "", err
	}
	for len(keys) > 1 {
		parent, there := get(now, keys[:len(keys)-1])
		_, had := get(was, keys[:len(keys)-1])
		if !there || had || length(parent) != 1 {
			break
		}
		keys = keys[:len(keys)-1]
	}
	cut, err := (&source{text: body, root: root}).cut(keys)
	if err != nil {
		return "", err
	}
	after := body[:cut.from] + body[cut.to:]
	if err := verifyCut(now, after, keys); err != nil {
		return "", err
	}
	if marked {
		after = byteOrderMark + after
	}
	return after, nil
}

// valueAt returns the value at a dotted path of a document.
func valueAt(document, path string) (value any, has bool, err error) {
	_, decoded, err := parse(strings.TrimPrefix(document, byteOrderMark))
	value, has = get(decoded, strings.Split(path, "."))
	return value, has, err
}

func length(value any) int {
	switch mapping := value.(type) {
	case map[string]any:
		return len(mapping)
	case map[any]any:
		return len(mapping)
	}
	return 0
}

// cut finds the bytes of a key with its value.
func (s *source) cut(keys []string) (edit, error) {
	mapping := s.root
	for i, name := range keys {
		if mapping == nil || mapping.Kind != yaml.MappingNode {
			return edit{}, fmt.Errorf("%s is not in a mapping", name)
		}
		key, value := entry(mapping, name)
		if key == nil {
			return edit{}, fmt.Errorf("%s is not a key of its own", name)
		}
		if i < len(keys)-1 {
			mapping = value
			continue
		}
		if mapping.Style&yaml.FlowStyle != 0 {
			return s.cutFlow(mapping, key, value)
		}
		return s.cutBlock(key, value), nil
	}
	return edit{}, errors.New("no path")
}

// cutBlock takes out the lines from the key to the end of its value.
func (s *source) cutBlock(key, value *yaml.Node) edit {
	last := lastLine(value)
	from, to, number := s.offset(key), len(s.text), 0
	for start, line := range s.eachLine {
		number++
		if number == key.Line && strings.TrimSpace(s.text[start:from]) == "" {
			from = start
		}
		if number == last {
			to = start + len(line)
			break
		}
	}
	return edit{from: from, to: to}
}

// lastLine returns the last line that a node's tree begins on.
func lastLine(node *yaml.Node) int {
	line := node.Line
	for _, child := range node.Content {
		line = max(line, lastLine(child))
	}
	return line
}

// cutFlow takes a key with its value, and the comma beside it, out of braces.
func (s *source) cutFlow(mapping, key, value *yaml.Node) (edit, error) {
	if value.Kind != yaml.ScalarNode || value.Anchor != "" || key.Anchor != "" {
		return edit{}, fmt.Errorf("line %d is not a plain or quoted value; remove it manually", value.Line)
	}
	from, to := s.offset(key), s.offset(value)
	rest := s.text[to:]
	switch {
	case value.Style&yaml.DoubleQuotedStyle != 0:
		to += doubleQuoted(rest)
	case value.Style&yaml.SingleQuotedStyle != 0:
		to += singleQuoted(rest)
	default:
		to += len(value.Value)
	}
	if last := mapping.Content[len(mapping.Content)-2] == key; !last {
		to = s.offset(mapping.Content[indexOf(mapping, key)+2])
		return edit{from: from, to: to}, nil
	}
	if before := strings.TrimRight(s.text[:from], " \t\r\n"); strings.HasSuffix(before, ",") {
		from = len(before) - 1
	}
	return edit{from: from, to: to}, nil
}

func indexOf(mapping, key *yaml.Node) int {
	for i, node := range mapping.Content {
		if node == key {
			return i
		}
	}
	return -1
}

// verifyCut reads the result again: it differs from the document by the key only.
func verifyCut(now any, after string, keys []string) error {
	_, got, err := parse(after)
	if err != nil {
		return fmt.Errorf("removing it would break the document: %w", err)
	}
	want := cutValue(now, keys)
	if length(want) == 0 && got == nil {
		return nil
	}
	return same(want, got, "removing it would change something else in the document too; remove it manually")
}

// cutValue returns decoded YAML without a key. It changes the maps it is given.
func cutValue(value any, keys []string) any {
	switch mapping := value.(type) {
	case map[string]any:
		if len(keys) == 1 {
			delete(mapping, keys[0])
		} else {
			mapping[keys[0]] = cutValue(mapping[keys[0]], keys[1:])
		}
	case map[any]any:
		if len(keys) == 1 {
			delete(mapping, keys[0])
		} else {
			mapping[keys[0]] = cutValue(mapping[keys[0]], keys[1:])
		}
	}
	return value
}
