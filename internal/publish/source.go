package publish

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// source is a document's text with the tree that was parsed from it; root is nil for a document without content.
type source struct {
	text string
	root *yaml.Node
}

// edit is the one change to a text: the bytes from..to become text.
type edit struct {
	from, to int
	text     string
}

// locate finds the change that sets a path.
func (s *source) locate(keys []string, value string) (edit, error) {
	if s.root == nil {
		return s.append(s.lines(keys, value, 0)), nil
	}
	mapping, parent := s.root, (*yaml.Node)(nil)
	for i, name := range keys {
		key, child := entry(mapping, name)
		switch {
		case key == nil:
			return s.insert(mapping, parent, keys[i:], value)
		case i == len(keys)-1:
			return s.replace(child, value)
		case child.Kind == yaml.ScalarNode && child.Tag == "!!null" && child.Anchor == "" && child.Style&yaml.TaggedStyle == 0:
			return s.fill(mapping, key, child, keys[i+1:], value)
		case child.Kind == yaml.AliasNode:
			return edit{}, fmt.Errorf("%s (line %d) is an alias; write the mapping out", name, child.Line)
		case child.Kind != yaml.MappingNode:
			return edit{}, fmt.Errorf("%s (line %d) is not a mapping", name, child.Line)
		}
		mapping, parent = child, key
	}
	return edit{}, errors.New("no path")
}

func entry(mapping *yaml.Node, name string) (key, value *yaml.Node) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if k := mapping.Content[i]; k.Kind == yaml.ScalarNode && k.Tag == "!!str" && k.Value == name {
			return k, mapping.Content[i+1]
		}
	}
	return nil, nil
}

// replace writes a value over a scalar, in the scalar's own quotes.
func (s *source) replace(node *yaml.Node, value string) (edit, error) {
	refuse := func(what string) (edit, error) {
		return edit{}, fmt.Errorf("line %d is %s; write a plain or quoted value there, on one line", node.Line, what)
	}
	switch {
	case node.Kind == yaml.AliasNode:
		return refuse("an alias")
	case node.Kind != yaml.ScalarNode:
		return refuse("not a single value")
	case node.Anchor != "":
		return refuse("an anchor that other values may follow")
	case node.Style&yaml.TaggedStyle != 0:
		return refuse("a value with a tag")
	case node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return refuse("a block scalar")
	}
	from := s.offset(node)
	rest := s.text[from:]
	switch {
	case node.Style&yaml.DoubleQuotedStyle != 0:
		return edit{from, from + doubleQuoted(rest), quote(value)}, nil
	case node.Style&yaml.SingleQuotedStyle != 0:
		return edit{from, from + singleQuoted(rest), "'" + strings.ReplaceAll(value, "'", "''") + "'"}, nil
	case node.Value == "" && node.Tag == "!!null":
		return edit{from, from, s.afterColon(from) + scalar(value)}, nil
	case strings.HasPrefix(rest, node.Value):
		return edit{from, from + len(node.Value), scalar(value)}, nil
	}
	return refuse("a value on several lines")
}

// insert adds keys to a mapping that lacks the first of them: at the document's end, right after the line of the mapping's own
// key, or inside the braces; and always below a merge key, since readers of YAML 1.1 let what is merged win over what stands above.
// There no comment comes to stand above a key that it was not written for.
func (s *source) insert(mapping, parent *yaml.Node, keys []string, value string) (edit, error) {
	if merged := lastMerge(mapping); merged >= 0 && parent != nil {
		return s.belowMerge(mapping, merged, keys, value)
	}
	if mapping.Style&yaml.FlowStyle != 0 {
		at := s.offset(mapping)
		if !strings.HasPrefix(s.text[at:], "{") {
			return edit{}, fmt.Errorf("line %d is a mapping with an anchor or a tag; add the key there manually once", mapping.Line)
		}
		text := inline(keys, value)
		if len(mapping.Content) > 0 {
			text += ", "
		}
		return edit{at + 1, at + 1, text}, nil
	}
	text := s.lines(keys, value, mapping.Content[0].Column-1)
	switch {
	case parent != nil:
		return s.after(parent, text), nil
	case s.endsOpen():
		return s.beforeLast(mapping, text), nil
	}
	return s.append(text), nil
}

// endsOpen reports whether the document ends in a block scalar without a line end: one more would belong to its value.
func (s *source) endsOpen() bool {
	if s.freshLine(len(s.text)) == "" {
		return false
	}
	_, now, err := parse(s.text)
	_, then, thenErr := parse(s.text + s.lineEnd())
	return err == nil && thenErr == nil && same(now, then, "a line end more") != nil
}

// beforeLast adds lines above the last key of the document and the comment that belongs to it.
func (s *source) beforeLast(mapping *yaml.Node, lines string) edit {
	last, at, number, commented := mapping.Content[len(mapping.Content)-2].Line, 0, 0, false
	for start, line := range s.eachLine {
		comment := strings.HasPrefix(strings.TrimSpace(line), "#")
		if !commented {
			at = start
		}
		commented = comment
		if number++; number == last {
			break
		}
	}
	return edit{at, at, lines}
}

// lastMerge returns where the last merge key of a mapping stands in its content, -1 when it has none.
func lastMerge(mapping *yaml.Node) int {
	for i := len(mapping.Content) - 2; i >= 0; i -= 2 {
		if mapping.Content[i].Tag == "!!merge" {
			return i
		}
	}
	return -1
}

// belowMerge adds keys after a merge key and what it merges.
func (s *source) belowMerge(mapping *yaml.Node, merged int, keys []string, value string) (edit, error) {
	what := mapping.Content[merged+1]
	if mapping.Style&yaml.FlowStyle == 0 {
		last := *what
		last.Line = lastLine(what)
		return s.after(&last, s.lines(keys, value, mapping.Content[merged].Column-1)), nil
	}
	if merged+2 < len(mapping.Content) {
		at := s.offset(mapping.Content[merged+2])
		return edit{at, at, inline(keys, value) + ", "}, nil
	}
	if what.Kind != yaml.AliasNode {
		return edit{}, fmt.Errorf("line %d ends with a merge of several mappings; add the key behind it manually once", what.Line)
	}
	at := s.offset(what) + len("*") + len(what.Value)
	return edit{at, at, ", " + inline(keys, value)}, nil
}

// fill gives a key without a value its first child.
func (s *source) fill(mapping, key, null *yaml.Node, keys []string, value string) (edit, error) {
	from := s.offset(null)
	switch {
	case null.Value != "": // ~ or null
		return edit{from, from + len(null.Value), "{" + inline(keys, value) + "}"}, nil
	case mapping.Style&yaml.FlowStyle != 0:
		return edit{from, from, s.afterColon(from) + "{" + inline(keys, value) + "}"}, nil
	}
	return s.after(key, s.lines(keys, value, key.Column-1+s.indent())), nil
}

// append adds lines at the end of the document, before its end marker if it has one.
func (s *source) append(lines string) edit {
	at := len(s.text)
	for start, line := range s.eachLine {
		if rest, ok := strings.CutPrefix(line, "..."); ok && strings.TrimSpace(rest) == "" {
			at = start
		}
	}
	return edit{at, at, s.freshLine(at) + lines}
}

// after adds lines below the line of a node.
func (s *source) after(node *yaml.Node, lines string) edit {
	at, number := len(s.text), 0
	for start, line := range s.eachLine {
		if number++; number == node.Line {
			at = start + len(line)
			break
		}
	}
	return edit{at, at, s.freshLine(at) + lines}
}

// freshLine returns the line end that is missing before a position.
func (s *source) freshLine(at int) string {
	if at == 0 || strings.ContainsAny(s.text[at-1:at], "\r\n") {
		return ""
	}
	return s.lineEnd()
}

// afterColon returns the space that is missing between a colon and the value after it.
func (s *source) afterColon(at int) string {
	if at > 0 && s.text[at-1] == ' ' {
		return ""
	}
	return " "
}

// lines writes keys and their value as block mappings, the first key indented by indent.
func (s *source) lines(keys []string, value string, indent int) string {
	var b strings.Builder
	for i, key := range keys {
		b.WriteString(strings.Repeat(" ", indent+i*s.indent()) + scalar(key) + ":")
		if i == len(keys)-1 {
			b.WriteString(" " + scalar(value))
		}
		b.WriteString(s.lineEnd())
	}
	return b.String()
}

// inline writes keys and their value as flow mappings, without the outer braces.
func inline(keys []string, value string) string {
	if len(keys) == 1 {
		return scalar(keys[0]) + ": " + scalar(value)
	}
	return scalar(keys[0]) + ": {" + inline(keys[1:], value) + "}"
}

// lineEnd returns the document's line end: that of its first line.
func (s *source) lineEnd() string {
	if before, _, found := strings.Cut(s.text, "\n"); found && strings.HasSuffix(before, "\r") {
		return "\r\n"
	}
	return "\n"
}

// indent returns by how much the document indents its nested block mappings, 2 when it has none.
func (s *source) indent() int {
	const usual = 2
	if s.root == nil {
		return usual
	}
	for i := 0; i+1 < len(s.root.Content); i += 2 {
		key, value := s.root.Content[i], s.root.Content[i+1]
		if value.Kind != yaml.MappingNode || value.Style&yaml.FlowStyle != 0 || len(value.Content) == 0 {
			continue
		}
		if by := value.Content[0].Column - key.Column; by > 0 {
			return by
		}
	}
	return usual
}

// offset returns the byte at which a node starts. The parser counts lines and characters.
func (s *source) offset(node *yaml.Node) int {
	number := 0
	for start, line := range s.eachLine {
		if number++; number != node.Line {
			continue
		}
		column := 1
		for i := range line {
			if column == node.Column {
				return start + i
			}
			column++
		}
		return start + len(line)
	}
	return len(s.text)
}

// eachLine yields every line with its line end, and where it starts.
//
// YAML 1.1 knows more line ends than \n, and the parser counts lines by all of them.
func (s *source) eachLine(yield func(start int, line string) bool) {
	start := 0
	for i := 0; i < len(s.text); {
		r, size := utf8.DecodeRuneInString(s.text[i:])
		i += size
		switch r {
		case '\r':
			if strings.HasPrefix(s.text[i:], "\n") {
				continue
			}
		case '\n', '\u0085', '\u2028', '\u2029':
		default:
			continue
		}
		if !yield(start, s.text[start:i]) {
			return
		}
		start = i
	}
	if start < len(s.text) {
		yield(start, s.text[start:])
	}
}
