package dynamodb

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxExpression is the longest expression. AWS: 4 KB.
const maxExpression = 4096

// scope is the placeholders that the expressions of one request share, and what they made use of.
type scope struct {
	names      map[string]string
	values     map[string]Value
	usedNames  map[string]bool
	usedValues map[string]bool
	attributes map[string]bool // top-level attributes that the request names
}

func newScope(names map[string]string, values map[string]Value) *scope {
	return &scope{names, values, map[string]bool{}, map[string]bool{}, map[string]bool{}}
}

// check refuses placeholders that cannot be, or that no expression uses. Used is whether the request has an expression.
func (s *scope) check(used bool) error {
	for _, part := range []struct {
		member, sigil string
		keys          []string
		used          map[string]bool
		given         bool
	}{
		{"ExpressionAttributeNames", "#", slices.Sorted(maps.Keys(s.names)), s.usedNames, s.names != nil},
		{"ExpressionAttributeValues", ":", slices.Sorted(maps.Keys(s.values)), s.usedValues, s.values != nil},
	} {
		if !part.given {
			continue
		}
		if !used {
			return invalid("%s can only be specified when using expressions", part.member)
		}
		if len(part.keys) == 0 {
			return invalid("%s must not be empty", part.member)
		}
		for _, key := range part.keys {
			if tokens, bad := scan(key); bad >= 0 || len(tokens) != 1 || !strings.HasPrefix(key, part.sigil) {
				return invalid("%s contains invalid key: Syntax error; key: \"%s\"", part.member, key)
			}
		}
		unused := slices.DeleteFunc(part.keys, func(key string) bool { return part.used[key] })
		if len(unused) > 0 {
			return invalid("Value provided in %s unused in expressions: keys: {%s}", part.member, strings.Join(unused, ", "))
		}
	}
	return nil
}

// parser reads one expression. Its first error stays, and makes all that follows read the end.
type parser struct {
	kind   string // ConditionExpression, …
	text   string
	tokens []token
	next   int
	scope  *scope
	err    error
}

// parseAll reads a whole expression with read.
func parseAll[T any](kind, text string, s *scope, read func(*parser) T) (T, error) {
	p := &parser{kind: kind, text: text, scope: s}
	tokens, bad := scan(text)
	p.tokens = tokens
	switch {
	case strings.TrimSpace(text) == "":
		p.fail("The expression can not be empty;")
	case len(text) > maxExpression:
		p.fail("Expression size has exceeded the maximum allowed size; expression size: %d", len(text))
	case bad >= 0:
		p.fail("Syntax error; token: \"%c\", near: \"%s\"", text[bad], text[max(0, bad-10):min(len(text), bad+10)])
	}
	result := read(p)
	if p.peek() != "" {
		p.unexpected()
	}
	return result, p.err
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = invalid("Invalid %s: %s", p.kind, fmt.Sprintf(format, args...))
	}
}

// unexpected is the error of a token that cannot stand where it does.
func (p *parser) unexpected() {
	token, near := "<EOF>", p.text
	if p.next < len(p.tokens) {
		t := p.tokens[p.next]
		token = t.text
		near = p.text[p.tokens[max(0, p.next-1)].from:p.tokens[min(len(p.tokens)-1, p.next+1)].to]
	} else if len(p.tokens) > 0 {
		near = p.text[p.tokens[max(0, len(p.tokens)-2)].from:]
	}
	p.fail("Syntax error; token: \"%s\", near: \"%s\"", token, near)
}

// peek is the next token's text, or "" at the end.
func (p *parser) peek() string {
	if p.err != nil || p.next >= len(p.tokens) {
		return ""
	}
	return p.tokens[p.next].text
}

// follows is the text of the token after the next.
func (p *parser) follows() string {
	if p.err != nil || p.next+1 >= len(p.tokens) {
		return ""
	}
	return p.tokens[p.next+1].text
}

func (p *parser) take() string {
	text := p.peek()
	p.next++
	return text
}

// accept takes the next token if it is the symbol or keyword; keywords are so in any case.
func (p *parser) accept(text string) bool {
	if !strings.EqualFold(p.peek(), text) {
		return false
	}
	p.next++
	return true
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.unexpected()
	}
}

// path is where an attribute or a part of one is.
type path []step

// step is a member's name, or an index when name is "".
type step struct {
	name  string
	index int
}

func (p path) String() string {
	var parts []string
	for _, s := range p {
		if s.name == "" {
			parts = append(parts, fmt.Sprintf("[%d]", s.index))
		} else {
			parts = append(parts, s.name)
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// path reads name.member[0], whose names may be placeholders.
func (p *parser) path() path {
	read := path{{name: p.name()}}
	for p.err == nil {
		switch {
		case p.accept("."):
			read = append(read, step{name: p.name()})
		case p.accept("["):
			index, err := strconv.Atoi(p.peek())
			if err != nil || index < 0 {
				p.unexpected()
				return read
			}
			p.next++
			p.expect("]")
			read = append(read, step{index: index})
		default:
			p.scope.attributes[read[0].name] = true
			return read
		}
	}
	return read
}

func (p *parser) name() string {
	text := p.peek()
	switch {
	case text == "" || !isWord(text[0]) && text[0] != '#' || isDigit(text[0]):
		p.unexpected()
		return ""
	case text[0] == '#':
		name, known := p.scope.names[text]
		if !known {
			p.fail("An expression attribute name used in the document path is not defined; attribute name: %s", text)
		} else if name == "" {
			p.fail("An expression attribute name must not be empty; attribute name: %s", text)
		}
		p.scope.usedNames[text] = true
		p.next++
		return name
	case isReserved(text):
		p.fail("Attribute name is a reserved keyword; reserved keyword: %s", text)
	}
	p.next++
	return text
}

// value reads a placeholder of a value.
func (p *parser) value() Value {
	text := p.peek()
	if !strings.HasPrefix(text, ":") {
		p.unexpected()
		return Value{}
	}
	value, known := p.scope.values[text]
	if !known {
		p.fail("An expression attribute value used in expression is not defined; attribute value: %s", text)
	}
	p.scope.usedValues[text] = true
	p.next++
	return value
}

// find returns what a path leads to.
func (p path) find(item Item) (Value, bool) {
	at := Value{Kind: Map, Map: item}
	for _, s := range p {
		switch {
		case s.name != "" && at.Kind == Map:
			member, has := at.Map[s.name]
			if !has {
				return Value{}, false
			}
			at = member
		case s.name == "" && at.Kind == List && s.index < len(at.List):
			at = at.List[s.index]
		default:
			return Value{}, false
		}
	}
	return at, true
}

// overlap returns two paths of which one leads into the other, if there are any.
func overlap(paths []path) (a, b path, found bool) {
	for i, a := range paths {
		for _, b := range paths[:i] {
			n := min(len(a), len(b))
			if slices.Equal(a[:n], b[:n]) {
				return b, a, true
			}
		}
	}
	return nil, nil, false
}

// distinct refuses paths that overlap.
func (p *parser) distinct(paths []path) {
	if a, b, found := overlap(paths); found {
		p.fail("Two document paths overlap with each other; must remove or rewrite one of these paths; "+
			"path one: %v, path two: %v", a, b)
	}
}
