package storetest

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// expression evaluates DynamoDB's expressions over one item.
type expression struct {
	item   Item
	names  map[string]string
	values map[string]types.AttributeValue
	tokens []string
	used   map[string]bool
	err    error
}

var tokenPattern = regexp.MustCompile(`attribute_not_exists|<>|<=|[()=<,]|[:#]?[A-Za-z][A-Za-z0-9]*|\S`)

// known are the tokens of the expressions so far: the store writes few, and property tests evaluate them millions of times.
var known sync.Map

func tokens(source string) []string {
	if found, is := known.Load(source); is {
		return found.([]string)
	}
	found := tokenPattern.FindAllString(source, -1)
	known.Store(source, found)
	return found
}

// condition evaluates AND, OR, parentheses, attribute_not_exists and comparisons. AWS: a comparison with an attribute that is not
// there is false, but for <>, which is true.
func (e *expression) condition(source string) (bool, error) {
	if source == "" {
		return true, nil
	}
	e.tokens = tokens(source)
	held := e.or()
	if len(e.tokens) > 0 {
		e.fail("something follows: %v", e.tokens)
	}
	return held, e.err
}

func (e *expression) or() bool {
	held := e.and()
	for e.take("OR") {
		next := e.and()
		held = held || next
	}
	return held
}

func (e *expression) and() bool {
	held := e.term()
	for e.take("AND") {
		next := e.term()
		held = held && next
	}
	return held
}

func (e *expression) term() bool {
	if e.take("(") {
		held := e.or()
		e.expect(")")
		return held
	}
	if e.take("attribute_not_exists") {
		e.expect("(")
		_, exists := e.attribute(e.next())
		e.expect(")")
		return !exists
	}
	left, exists := e.attribute(e.next())
	operator, right := e.next(), e.value(e.next())
	switch operator {
	case "=":
		return exists && left == right
	case "<>":
		return !exists || left != right
	case "<=":
		return exists && left <= right
	case "<":
		return exists && left < right
	}
	e.fail("no such operator: %s", operator)
	return false
}

// update applies SET and REMOVE to a copy of the item. AWS refuses an expression that touches an attribute twice.
func (e *expression) update(source string) (Item, error) {
	item := maps.Clone(e.item)
	if item == nil {
		item = Item{}
	}
	touched := map[string]bool{}
	touch := func(token string) string {
		name := e.name(token)
		if touched[name] {
			e.fail("two paths overlap: %s", name)
		}
		touched[name] = true
		return name
	}
	e.tokens = tokens(source)
	for len(e.tokens) > 0 && e.err == nil {
		switch clause := e.next(); clause {
		case "SET":
			for again := true; again; again = e.take(",") {
				name := touch(e.next())
				e.expect("=")
				item[name] = e.value(e.next())
			}
		case "REMOVE":
			for again := true; again; again = e.take(",") {
				delete(item, touch(e.next()))
			}
		default:
			e.fail("no such clause: %s", clause)
		}
	}
	for name := range e.values {
		if !e.used[name] {
			e.fail("value %s is not used", name)
		}
	}
	return item, e.err
}

func (e *expression) attribute(token string) (string, bool) {
	content, ok := e.item[e.name(token)]
	return content, ok
}

func (e *expression) name(token string) string {
	if strings.HasPrefix(token, "#") {
		name, ok := e.names[token]
		if !ok {
			e.fail("name %s is not given", token)
		}
		return name
	}
	if reserved[strings.ToUpper(token)] || strings.HasPrefix(token, ":") {
		e.fail("%s cannot name an attribute", token)
	}
	return token
}

// reserved are words of DynamoDB's language that the store could come to use as names.
var reserved = map[string]bool{"STATUS": true, "STATE": true, "TOKEN": true, "NAME": true, "SET": true, "REMOVE": true,
	"AND": true, "OR": true}

func (e *expression) value(token string) string {
	v, ok := e.values[token]
	if !ok || value(v) == "" {
		e.fail("value %s is not given, or empty", token)
	}
	if e.used == nil {
		e.used = map[string]bool{}
	}
	e.used[token] = true
	return value(v)
}

func (e *expression) next() string {
	if len(e.tokens) == 0 {
		e.fail("it ends early")
		return ""
	}
	token := e.tokens[0]
	e.tokens = e.tokens[1:]
	return token
}

func (e *expression) take(token string) bool {
	if len(e.tokens) > 0 && e.tokens[0] == token {
		e.tokens = e.tokens[1:]
		return true
	}
	return false
}

func (e *expression) expect(token string) {
	if !e.take(token) {
		e.fail("%s is missing", token)
	}
}

func (e *expression) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("storetest: ValidationException: %s", fmt.Sprintf(format, args...))
	}
}
