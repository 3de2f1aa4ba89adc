package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// matcher reports whether a scalar (string, json.Number, bool or nil) is one that a pattern wants.
type matcher func(scalar any) bool

func parseExact(wanted any) (matcher, error) {
	switch wanted.(type) {
	case string, json.Number, bool, nil:
		return func(scalar any) bool { return scalar == wanted }, nil
	}
	return nil, errors.New("match value must be a string, a number, true, false, null or an operator")
}

// parseOperator reads an object with one operator, such as {"prefix": "a"}.
func parseOperator(raw any) (matcher, error) {
	name, argument, err := only(raw)
	if err != nil {
		return nil, err
	}
	switch name {
	case "prefix", "suffix", "equals-ignore-case", "wildcard":
		return parseText(name, argument)
	case "anything-but":
		return parseAnythingBut(argument)
	case "numeric":
		return parseNumeric(argument)
	}
	return nil, fmt.Errorf("unknown operator %q", name)
}

// only returns the single member of an object.
func only(raw any) (name string, value any, err error) {
	members, ok := raw.(map[string]any)
	if !ok || len(members) != 1 {
		return "", nil, errors.New("an operator is an object with one member")
	}
	for name, value = range members {
	}
	return name, value, nil
}

// parseText reads an operator on strings. Prefix and suffix may ignore case.
func parseText(name string, argument any) (matcher, error) {
	foldsCase := false
	if nested, isObject := argument.(map[string]any); isObject && (name == "prefix" || name == "suffix") {
		inner, value, err := only(nested)
		if err != nil || inner != "equals-ignore-case" {
			return nil, fmt.Errorf("%s takes a string or {\"equals-ignore-case\": string}", name)
		}
		argument, foldsCase = value, true
	}
	text, ok := argument.(string)
	if !ok {
		return nil, fmt.Errorf("%s takes a string", name)
	}
	if text == "" && name != "equals-ignore-case" {
		return nil, fmt.Errorf("%s takes a string that is not empty", name)
	}
	test, err := textTest(name, text, foldsCase)
	if err != nil {
		return nil, err
	}
	return func(scalar any) bool {
		candidate, isText := scalar.(string)
		return isText && test(candidate)
	}, nil
}

func textTest(name, text string, foldsCase bool) (func(string) bool, error) {
	switch {
	case name == "wildcard":
		pattern, err := wildcard(text)
		if err != nil {
			return nil, err
		}
		return pattern.MatchString, nil
	case name == "equals-ignore-case":
		return func(s string) bool { return strings.EqualFold(s, text) }, nil
	case name == "prefix" && foldsCase:
		return folded("^" + regexp.QuoteMeta(text)).MatchString, nil
	case name == "suffix" && foldsCase:
		return folded(regexp.QuoteMeta(text) + "$").MatchString, nil
	case name == "prefix":
		return func(s string) bool { return strings.HasPrefix(s, text) }, nil
	default:
		return func(s string) bool { return strings.HasSuffix(s, text) }, nil
	}
}

func folded(expression string) *regexp.Regexp { return regexp.MustCompile("(?is)" + expression) }

// wildcard compiles a text in which * stands for any characters, and \* and \\ for themselves.
func wildcard(text string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString("(?s)^")
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
			if i == len(text) || text[i] != '*' && text[i] != '\\' {
				return nil, fmt.Errorf("wildcard %q: a backslash stands before * or another one only", text)
			}
			b.WriteString(regexp.QuoteMeta(text[i : i+1]))
		case '*':
			if i+1 < len(text) && text[i+1] == '*' {
				return nil, fmt.Errorf("wildcard %q: consecutive wildcard characters are not allowed", text)
			}
			b.WriteString(".*")
		default:
			b.WriteString(regexp.QuoteMeta(text[i : i+1]))
		}
	}
	return regexp.MustCompile(b.String() + "$"), nil
}

// parseAnythingBut reads a scalar, a list of strings or of numbers, or an operator on strings with one string or several.
func parseAnythingBut(argument any) (matcher, error) {
	var refused []matcher
	add := func(m matcher, err error) error { refused = append(refused, m); return err }
	var err error
	switch argument := argument.(type) {
	case map[string]any:
		name, values, failure := only(argument)
		if failure != nil || !slices.Contains([]string{"prefix", "suffix", "equals-ignore-case", "wildcard"}, name) {
			return nil, errors.New("anything-but takes values, prefix, suffix, equals-ignore-case or wildcard")
		}
		for _, value := range listed(values) {
			err = errors.Join(err, add(parseText(name, value)))
		}
	default:
		for _, value := range listed(argument) {
			if _, isBool := value.(bool); isBool || value == nil {
				err = errors.New("anything-but takes strings and numbers only")
			}
			err = errors.Join(err, add(parseExact(value)))
		}
	}
	if err == nil && len(refused) == 0 {
		err = errors.New("anything-but takes at least one value")
	}
	if err != nil {
		return nil, err
	}
	return func(scalar any) bool {
		return !slices.ContainsFunc(refused, func(m matcher) bool { return m(scalar) })
	}, nil
}

func listed(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	return []any{value}
}

// maxNumber is the largest number that numeric matching takes. AWS: -5e9 to 5e9.
const maxNumber = 5e9

// parseNumeric reads one comparison, ["=", 3], or a range, [">", 0, "<=", 5].
func parseNumeric(argument any) (matcher, error) {
	parts, ok := argument.([]any)
	if !ok || len(parts) != 2 && len(parts) != 4 {
		return nil, errors.New("numeric takes one or two comparisons")
	}
	var tests []func(float64) bool
	for pair := range slices.Chunk(parts, 2) {
		operator, _ := pair[0].(string)
		number, _ := pair[1].(json.Number)
		bound, err := number.Float64()
		if err != nil || bound < -maxNumber || bound > maxNumber {
			return nil, fmt.Errorf("numeric takes numbers between -5e9 and 5e9, not %v", pair[1])
		}
		test := comparison(operator, bound)
		if test == nil {
			return nil, fmt.Errorf("numeric takes <, <=, >, >= and =, not %v", pair[0])
		}
		tests = append(tests, test)
	}
	first, _ := parts[0].(string)
	last, _ := parts[len(parts)-2].(string)
	if len(parts) == 4 && (!strings.HasPrefix(first, ">") || !strings.HasPrefix(last, "<")) {
		return nil, errors.New("numeric takes a range as its lower bound and then its upper bound")
	}
	return func(scalar any) bool {
		number, isNumber := scalar.(json.Number)
		value, err := number.Float64()
		return isNumber && err == nil && !slices.ContainsFunc(tests, func(t func(float64) bool) bool { return !t(value) })
	}, nil
}

func comparison(operator string, bound float64) func(float64) bool {
	switch operator {
	case "=":
		return func(v float64) bool { return v == bound }
	case "<":
		return func(v float64) bool { return v < bound }
	case "<=":
		return func(v float64) bool { return v <= bound }
	case ">":
		return func(v float64) bool { return v > bound }
	case ">=":
		return func(v float64) bool { return v >= bound }
	}
	return nil
}
