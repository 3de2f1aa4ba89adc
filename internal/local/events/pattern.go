package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// node is a part of a pattern. Present is false for a member that an event does not have; value is then nil.
type node interface {
	match(value any, present bool) bool
}

// The members that an event can have at its top. A pattern on anything else would never match.
var topMembers = []string{
	"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail", "replay-name", "$or",
}

// parsePattern reads an event pattern. It is an error for it to hold anything that is not known here.
func parsePattern(raw []byte) (node, error) {
	fail := func(err error) (node, error) { return nil, fmt.Errorf("event pattern is not valid: %w", err) }
	// AWS: 4,096 characters.
	if len(raw) > 4096 {
		return fail(errors.New("it has more than 4096 characters"))
	}
	document, err := decode(raw)
	if err != nil {
		return fail(err)
	}
	members, ok := document.(map[string]any)
	if !ok {
		return fail(errors.New("it is not an object"))
	}
	for name := range members {
		if !slices.Contains(topMembers, name) {
			return fail(fmt.Errorf("an event has no member %q", name))
		}
	}
	parsed, err := parseObject("", members)
	if err != nil {
		return fail(err)
	}
	return parsed, nil
}

// Match reports whether a pattern matches an event's envelope, both as JSON.
func Match(pattern, event []byte) (bool, error) {
	parsed, err := parsePattern(pattern)
	if err != nil {
		return false, err
	}
	value, err := decode(event)
	if err != nil {
		return false, fmt.Errorf("event is not valid: %w", err)
	}
	return parsed.match(value, true), nil
}

// decode keeps numbers as they are written: EventBridge compares that, so that 300 and 300.0 differ.
func decode(raw []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if decoder.More() {
		return nil, errors.New("more than one JSON value")
	}
	return value, nil
}

// decodeEvent decodes what this package encoded.
func decodeEvent(raw []byte) any {
	value, err := decode(raw)
	if err != nil {
		panic("events: " + err.Error())
	}
	return value
}

// object matches the members of an object, each, and one of the alternatives of $or if there are any.
type object struct {
	members map[string]node
	or      []node
}

func parseObject(path string, members map[string]any) (node, error) {
	if len(members) == 0 {
		return nil, fmt.Errorf("%s: empty objects are not allowed", where(path))
	}
	parsed := object{members: map[string]node{}}
	for name, value := range members {
		var err error
		at := path + "." + name
		switch value := value.(type) {
		case map[string]any:
			parsed.members[name], err = parseObject(at, value)
		case []any:
			if name == "$or" {
				parsed.or, err = parseOr(at, value)
			} else {
				parsed.members[name], err = parseLeaf(at, value)
			}
		default:
			err = fmt.Errorf("%s must be an object or an array", where(at))
		}
		if err != nil {
			return nil, err
		}
	}
	return parsed, nil
}

func parseOr(path string, alternatives []any) ([]node, error) {
	if len(alternatives) < 2 {
		return nil, fmt.Errorf("%s needs at least two alternatives", where(path))
	}
	parsed := make([]node, len(alternatives))
	for i, alternative := range alternatives {
		members, ok := alternative.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s must hold objects", where(path))
		}
		var err error
		if parsed[i], err = parseObject(path, members); err != nil {
			return nil, err
		}
	}
	return parsed, nil
}

func where(path string) string {
	if path == "" {
		return "the pattern"
	}
	return path[1:]
}

// match matches one element of an array, all members in the same one. What is not an object has no members.
func (o object) match(value any, present bool) bool {
	if elements, ok := value.([]any); ok && present {
		return slices.ContainsFunc(elements, func(element any) bool { return o.match(element, true) })
	}
	members, _ := value.(map[string]any)
	for name, part := range o.members {
		member, has := members[name]
		if !part.match(member, has) {
			return false
		}
	}
	return len(o.or) == 0 || slices.ContainsFunc(o.or, func(n node) bool { return n.match(value, present) })
}

// leaf matches a scalar, or one of an array of them, against any of its matchers.
type leaf struct {
	matchers       []matcher
	exists, absent bool // {"exists": true}, {"exists": false}
}

func parseLeaf(path string, alternatives []any) (node, error) {
	if len(alternatives) == 0 {
		return nil, fmt.Errorf("%s: empty arrays are not allowed", where(path))
	}
	var parsed leaf
	for _, alternative := range alternatives {
		operator, isOperator := alternative.(map[string]any)
		if exists, found := operator["exists"]; found && len(operator) == 1 {
			wanted, ok := exists.(bool)
			if !ok {
				return nil, fmt.Errorf("%s: exists must be true or false", where(path))
			}
			parsed.exists = parsed.exists || wanted
			parsed.absent = parsed.absent || !wanted
			continue
		}
		parse := parseOperator
		if !isOperator {
			parse = func(any) (matcher, error) { return parseExact(alternative) }
		}
		m, err := parse(alternative)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where(path), err)
		}
		parsed.matchers = append(parsed.matchers, m)
	}
	return parsed, nil
}

// match takes objects and empty arrays for absent: only scalars are leaves.
func (l leaf) match(value any, present bool) bool {
	var scalars []any
	if present {
		scalars = flatten(nil, value)
	}
	if len(scalars) == 0 {
		return l.absent
	}
	if l.exists {
		return true
	}
	for _, m := range l.matchers {
		if slices.ContainsFunc(scalars, m) {
			return true
		}
	}
	return false
}

func flatten(into []any, value any) []any {
	switch value := value.(type) {
	case map[string]any:
		return into
	case []any:
		for _, element := range value {
			into = flatten(into, element)
		}
		return into
	default:
		return append(into, value)
	}
}
