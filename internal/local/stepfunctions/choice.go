package stepfunctions

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// rule is a choice: a comparison, or And, Or, Not of others.
type rule struct {
	Next    string
	and, or []*rule
	not     *rule

	variable *path
	operator string
	operand  any
	other    *path // of an operator that ends in Path
}

// UnmarshalJSON reads a rule; a field that is neither Variable, Next, Comment nor one operator is an error.
func (r *rule) UnmarshalJSON(raw []byte) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		var err error
		switch value := object[name]; name {
		case "Comment":
		case "Next":
			err = json.Unmarshal(value, &r.Next)
		case "And":
			err = json.Unmarshal(value, &r.and)
		case "Or":
			err = json.Unmarshal(value, &r.or)
		case "Not":
			err = json.Unmarshal(value, &r.not)
		case "Variable":
			err = json.Unmarshal(value, &r.variable)
		default:
			err = r.setOperator(name, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *rule) setOperator(name string, value json.RawMessage) error {
	plain, isPath := strings.CutSuffix(name, "Path")
	if !slices.Contains(operators, plain) {
		return fmt.Errorf("unknown operator %s", name)
	}
	if r.operator != "" {
		return fmt.Errorf("two operators, %s and %s", r.operator, name)
	}
	r.operator = plain
	if isPath {
		return json.Unmarshal(value, &r.other)
	}
	return json.Unmarshal(value, &r.operand)
}

var operators = []string{
	"StringEquals", "StringLessThan", "StringGreaterThan", "StringLessThanEquals", "StringGreaterThanEquals", "StringMatches",
	"NumericEquals", "NumericLessThan", "NumericGreaterThan", "NumericLessThanEquals", "NumericGreaterThanEquals", "BooleanEquals",
	"TimestampEquals", "TimestampLessThan", "TimestampGreaterThan", "TimestampLessThanEquals", "TimestampGreaterThanEquals",
	"IsNull", "IsPresent", "IsNumeric", "IsString", "IsBoolean", "IsTimestamp",
}

func (r *rule) check() error {
	kinds := 0
	for _, is := range []bool{len(r.and) > 0, len(r.or) > 0, r.not != nil, r.operator != ""} {
		if is {
			kinds++
		}
	}
	if kinds != 1 || (r.operator != "") != (r.variable != nil) {
		return fmt.Errorf("a choice is one comparison with its Variable, or one of And, Or and Not")
	}
	inner := slices.Concat(r.and, r.or)
	if r.not != nil {
		inner = append(inner, r.not)
	}
	for _, i := range inner {
		if i.Next != "" {
			return fmt.Errorf("Next belongs to the outer choice")
		}
		if err := i.check(); err != nil {
			return err
		}
	}
	return nil
}

func (r *rule) matches(data, context any) (bool, error) {
	switch {
	case r.not != nil:
		matched, err := r.not.matches(data, context)
		return !matched, err
	case len(r.and) > 0:
		for _, inner := range r.and {
			if matched, err := inner.matches(data, context); err != nil || !matched {
				return false, err
			}
		}
		return true, nil
	case len(r.or) > 0:
		for _, inner := range r.or {
			if matched, err := inner.matches(data, context); err != nil || matched {
				return matched, err
			}
		}
		return false, nil
	default:
		return r.compare(data, context)
	}
}

func (r *rule) compare(data, context any) (bool, error) {
	if r.operator == "IsPresent" {
		return r.variable.has(data, context) == (r.operand == true), nil
	}
	value, err := r.variable.get(data, context)
	if err != nil {
		return false, err
	}
	operand := r.operand
	if r.other != nil {
		if operand, err = r.other.get(data, context); err != nil {
			return false, err
		}
	}
	if test, ok := strings.CutPrefix(r.operator, "Is"); ok {
		return isA(test, value) == (operand == true), nil
	}
	if r.operator == "StringMatches" {
		text, ok1 := value.(string)
		pattern, ok2 := operand.(string)
		return ok1 && ok2 && wildcard(pattern, text), nil
	}
	if r.operator == "BooleanEquals" {
		_, isBool := value.(bool)
		return isBool && value == operand, nil
	}
	return ordered(r.operator, value, operand), nil
}

func isA(test string, value any) bool {
	switch test {
	case "Null":
		return value == nil
	case "Numeric":
		_, ok := number(value)
		return ok
	case "String":
		return reflect.TypeOf(value) == reflect.TypeOf("")
	case "Boolean":
		return reflect.TypeOf(value) == reflect.TypeOf(true)
	default: // Timestamp
		_, ok := timestamp(value)
		return ok
	}
}

func timestamp(value any) (time.Time, bool) {
	text, ok := value.(string)
	if !ok {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, text)
	return at, err == nil
}

// ordered compares two values of the operator's type; values of another type match nothing.
func ordered(operator string, a, b any) bool {
	var order int
	switch {
	case strings.HasPrefix(operator, "String"):
		x, ok1 := a.(string)
		y, ok2 := b.(string)
		if !ok1 || !ok2 {
			return false
		}
		order = strings.Compare(x, y)
		operator = strings.TrimPrefix(operator, "String")
	case strings.HasPrefix(operator, "Numeric"):
		x, ok1 := number(a)
		y, ok2 := number(b)
		if !ok1 || !ok2 {
			return false
		}
		order = compareFloats(x, y)
		operator = strings.TrimPrefix(operator, "Numeric")
	default:
		x, ok1 := timestamp(a)
		y, ok2 := timestamp(b)
		if !ok1 || !ok2 {
			return false
		}
		order = x.Compare(y)
		operator = strings.TrimPrefix(operator, "Timestamp")
	}
	switch operator {
	case "Equals":
		return order == 0
	case "LessThan":
		return order < 0
	case "GreaterThan":
		return order > 0
	case "LessThanEquals":
		return order <= 0
	default:
		return order >= 0
	}
}

func compareFloats(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// wildcard matches a pattern in which * stands for any characters and \ takes its meaning from the next.
func wildcard(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		for i := 0; i <= len(text); i++ {
			if wildcard(pattern[1:], text[i:]) {
				return true
			}
		}
		return false
	case pattern[0] == '\\' && len(pattern) > 1:
		pattern = pattern[1:]
	}
	return text != "" && text[0] == pattern[0] && wildcard(pattern[1:], text[1:])
}
