package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep objects and lists may be nested. Payloads of ticket systems are less than ten deep.
const maxDepth = 32

// parse decodes one JSON value. Unlike encoding/json it refuses deep nesting and a key that is there twice: of two values of one
// key, another reader might have seen the other.
func parse(raw []byte) (any, error) {
	if !utf8.Valid(raw) {
		return nil, errors.New("not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	value, err := parseValue(decoder, 0)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("more than one JSON value")
	}
	return value, nil
}

func parseValue(decoder *json.Decoder, depth int) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, errors.New("not JSON")
	}
	if depth >= maxDepth {
		return nil, fmt.Errorf("nested more than %d deep", maxDepth)
	}
	switch token {
	case json.Delim('{'):
		return parseObject(decoder, depth+1)
	case json.Delim('['):
		list := []any{}
		for decoder.More() {
			item, err := parseValue(decoder, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		return list, closed(decoder)
	default:
		return token, nil
	}
}

func parseObject(decoder *json.Decoder, depth int) (any, error) {
	object := map[string]any{}
	for decoder.More() {
		key, err := decoder.Token()
		name, ok := key.(string)
		if err != nil || !ok {
			return nil, errors.New("not JSON")
		}
		if _, twice := object[name]; twice {
			return nil, errors.New("a key is there twice")
		}
		if object[name], err = parseValue(decoder, depth); err != nil {
			return nil, err
		}
	}
	return object, closed(decoder)
}

func closed(decoder *json.Decoder) error {
	if _, err := decoder.Token(); err != nil {
		return errors.New("not JSON")
	}
	return nil
}

// pointerPattern is RFC 6901, without the pointer to the whole document.
var pointerPattern = regexp.MustCompile(`^(/([^~]|~[01])*)+$`)

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// at returns what a JSON pointer leads to; nil when there is nothing.
func at(document any, pointer string) any {
	for _, key := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		switch node := document.(type) {
		case map[string]any:
			document = node[unescape.Replace(key)]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(node) {
				return nil
			}
			document = node[i]
		default:
			return nil
		}
	}
	return document
}

// text returns a scalar as text, "" for null; false for an object or a list.
func text(value any) (string, bool) {
	switch value := value.(type) {
	case nil:
		return "", true
	case string:
		return strings.TrimSpace(value), true
	case json.Number:
		return value.String(), true
	case bool:
		return strconv.FormatBool(value), true
	default:
		return "", false
	}
}

// texts returns a list of scalars, or the parts of a text between commas, blanks and line breaks; false when something else.
func texts(value any) ([]string, bool) {
	items, isList := value.([]any)
	if !isList {
		whole, ok := text(value)
		return split(whole), ok
	}
	var all []string
	for _, item := range items {
		part, ok := text(item)
		if !ok {
			return nil, false
		}
		if part != "" {
			all = append(all, part)
		}
	}
	return all, true
}

// split takes a list that a person wrote apart: with commas, on lines, as bullets.
func split(text string) []string {
	var parts []string
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \t\r\n;", r) }) {
		if part != "-" && part != "*" {
			parts = append(parts, part)
		}
	}
	return parts
}

// pairs returns an object of scalars, or lines of a text as name: value; false when something else.
func pairs(value any) (map[string]string, bool) {
	all := map[string]string{}
	if object, isObject := value.(map[string]any); isObject {
		for name, item := range object {
			part, ok := text(item)
			if !ok {
				return nil, false
			}
			if part != "" {
				all[name] = part
			}
		}
		return all, true
	}
	whole, ok := text(value)
	if !ok {
		return nil, false
	}
	for _, line := range strings.Split(whole, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		i := strings.IndexAny(line, ":=")
		if i < 1 {
			return nil, false
		}
		name := strings.TrimSpace(strings.TrimLeft(line[:i], "-* "))
		if _, twice := all[name]; twice {
			return nil, false
		}
		all[name] = strings.TrimSpace(line[i+1:])
	}
	return all, true
}
