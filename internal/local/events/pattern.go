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
	"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail", "replay-name",
}

// parsePattern reads an event pattern. It is an error for it to hold anything that is not simulated.
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

// object matches the members of an object, each of them.
type object map[string]node

func parseObject(path string, members map[string]any) (node, error) {
	if len(members) == 0 {
		return nil, fmt.Errorf("%s: empty objects are not allowed", where(path))
	}
	parsed := object{}
	for name, value := range members {
		var err error
		at := path + "." + name
		switch value := value.(type) {
		case map[string]any:
			parsed[name], err = parseObject(at, value)
		case []any:
			if parsed[name], err = parseLeaf(at, value); name == "$or" {
				err = fmt.Errorf("%s is not simulated", where(at))
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
	for name, part := range o {
		member, has := members[name]
		if !part.match(member, has) {
			return false
		}
	}
	return true
}

// leaf matches a scalar, or one of an array of them, against any of its matchers.
type leaf []matcher

func parseLeaf(path string, alternatives []any) (node, error) {
	if len(alternatives) == 0 {
		return nil, fmt.Errorf("%s: empty arrays are not allowed", where(path))
	}
	var parsed leaf
	for _, alternative := range alternatives {
		m, err := parseMatcher(alternative)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where(path), err)
		}
		parsed = append(parsed, m)
	}
	return parsed, nil
}

// match treats objects and empty arrays as absent: only scalars are leaves.
func (l leaf) match(value any, present bool) bool {
	if !present {
		return false
	}
	scalars := flatten(nil, value)
	return slices.ContainsFunc(l, func(m matcher) bool { return slices.ContainsFunc(scalars, m) })
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
