package stepfunctions

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"maps"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// call is an intrinsic function with its arguments: paths, calls, strings, numbers, true, false and null.
//
// AWS: https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
type call struct {
	name      string
	arguments []argument
}

type argument struct {
	expr  *expression
	value any
}

// parseCall reads a call from the beginning of text and returns what follows it.
func parseCall(text string) (*call, string, error) {
	name, rest, ok := strings.Cut(text, "(")
	if !ok {
		return nil, "", fmt.Errorf("the function %q has no arguments", text)
	}
	if _, known := functions[name]; !known {
		return nil, "", fmt.Errorf("unknown function %q", name)
	}
	c := &call{name: name}
	rest = strings.TrimLeft(rest, " ")
	if after, empty := strings.CutPrefix(rest, ")"); empty {
		return c, after, nil
	}
	for {
		arg, after, err := parseArgument(strings.TrimLeft(rest, " "))
		if err != nil {
			return nil, "", fmt.Errorf("in %s: %w", name, err)
		}
		c.arguments = append(c.arguments, arg)
		after = strings.TrimLeft(after, " ")
		switch {
		case strings.HasPrefix(after, ","):
			rest = after[1:]
		case strings.HasPrefix(after, ")"):
			return c, after[1:], nil
		default:
			return nil, "", fmt.Errorf("in %s: no ) before %q", name, after)
		}
	}
}

func parseArgument(text string) (argument, string, error) {
	switch {
	case strings.HasPrefix(text, "'"):
		return parseQuoted(text)
	case strings.HasPrefix(text, "States."):
		inner, rest, err := parseCall(text)
		return argument{expr: &expression{call: inner}}, rest, err
	}
	end := argumentEnd(text)
	word, rest := strings.TrimSpace(text[:end]), text[end:]
	if strings.HasPrefix(word, "$") {
		p, err := parsePath(word)
		return argument{expr: &expression{path: p}}, rest, err
	}
	switch word {
	case "true", "false":
		return argument{value: word == "true"}, rest, nil
	case "null":
		return argument{}, rest, nil
	}
	number, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return argument{}, "", fmt.Errorf("the argument %q is none", word)
	}
	return argument{value: number}, rest, nil
}

// argumentEnd is where an unquoted argument ends: at a comma or parenthesis outside brackets.
func argumentEnd(text string) int {
	depth := 0
	for i, r := range text {
		switch r {
		case '[', '(':
			depth++
		case ']':
			depth--
		case ')':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(text)
}

func parseQuoted(text string) (argument, string, error) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case text[i] == '\'':
			return argument{value: b.String()}, text[i+1:], nil
		default:
			b.WriteByte(text[i])
		}
	}
	return argument{}, "", errors.New("a string without end")
}

func (c *call) value(data, context any) (any, error) {
	values := make([]any, len(c.arguments))
	for i, argument := range c.arguments {
		values[i] = argument.value
		if argument.expr != nil {
			var err error
			if values[i], err = argument.expr.value(data, context); err != nil {
				return nil, err
			}
		}
	}
	result, err := functions[c.name](values)
	if err != nil {
		return nil, &failure{Name: "States.IntrinsicFailure", Cause: c.name + ": " + err.Error()}
	}
	return result, nil
}

var errArguments = errors.New("wrong arguments")

// functions are the intrinsic functions by name. It is filled in by init, because parseCall looks names up here.
var functions map[string]func([]any) (any, error)

func init() {
	functions = map[string]func([]any) (any, error){
		"States.Format":       format,
		"States.StringToJson": func(a []any) (any, error) { return decodeArgument(a) },
		"States.JsonToString": func(a []any) (any, error) {
			if len(a) != 1 {
				return nil, errArguments
			}
			raw, err := json.Marshal(a[0])
			return string(raw), err
		},
		"States.Array":          func(a []any) (any, error) { return append([]any{}, a...), nil },
		"States.ArrayPartition": partition,
		"States.ArrayContains": func(a []any) (any, error) {
			list, err := listOf(a, 2)
			for _, item := range list {
				if reflect.DeepEqual(item, a[1]) {
					return true, nil
				}
			}
			return false, err
		},
		"States.ArrayRange":   arrayRange,
		"States.ArrayGetItem": item,
		"States.ArrayLength": func(a []any) (any, error) {
			list, err := listOf(a, 1)
			return float64(len(list)), err
		},
		"States.ArrayUnique": unique,
		"States.Base64Encode": func(a []any) (any, error) {
			return onText(a, func(t string) (any, error) { return base64.StdEncoding.EncodeToString([]byte(t)), nil })
		},
		"States.Base64Decode": func(a []any) (any, error) {
			return onText(a, func(t string) (any, error) {
				raw, err := base64.StdEncoding.DecodeString(t)
				return string(raw), err
			})
		},
		"States.Hash":        digest,
		"States.JsonMerge":   merge,
		"States.MathAdd":     add,
		"States.StringSplit": split,
	}
}

func onText(a []any, do func(string) (any, error)) (any, error) {
	if len(a) == 1 {
		if text, ok := a[0].(string); ok {
			return do(text)
		}
	}
	return nil, errArguments
}

func listOf(a []any, count int) ([]any, error) {
	if len(a) == count {
		if list, ok := a[0].([]any); ok {
			return list, nil
		}
	}
	return nil, errArguments
}

func format(a []any) (any, error) {
	if len(a) == 0 {
		return nil, errArguments
	}
	pattern, ok := a[0].(string)
	if !ok || strings.Count(pattern, "{}") != len(a)-1 {
		return nil, errors.New("as many {} as further arguments are needed")
	}
	for _, value := range a[1:] {
		text, isText := value.(string)
		if !isText {
			raw, err := json.Marshal(value)
			if err != nil {
				return nil, err
			}
			text = string(raw)
		}
		pattern = strings.Replace(pattern, "{}", strings.ReplaceAll(text, "{}", "\x00"), 1)
	}
	return strings.ReplaceAll(pattern, "\x00", "{}"), nil
}

func decodeArgument(a []any) (any, error) {
	return onText(a, func(text string) (any, error) {
		var value any
		err := json.Unmarshal([]byte(text), &value)
		return value, err
	})
}

func partition(a []any) (any, error) {
	list, err := listOf(a, 2)
	if err != nil {
		return nil, err
	}
	size, ok := number(a[1])
	if !ok || size < 1 {
		return nil, errArguments
	}
	parts := []any{}
	for len(list) > 0 {
		n := min(int(size), len(list))
		parts, list = append(parts, list[:n:n]), list[n:]
	}
	return parts, nil
}

func arrayRange(a []any) (any, error) {
	if len(a) != 3 {
		return nil, errArguments
	}
	first, ok1 := number(a[0])
	last, ok2 := number(a[1])
	step, ok3 := number(a[2])
	if !ok1 || !ok2 || !ok3 || step == 0 || math.Abs((last-first)/step) >= 1000 {
		return nil, errors.New("three numbers are needed, for at most 1000 items")
	}
	list := []any{}
	for v := first; (step > 0 && v <= last) || (step < 0 && v >= last); v += step {
		list = append(list, v)
	}
	return list, nil
}

func item(a []any) (any, error) {
	list, err := listOf(a, 2)
	if err != nil {
		return nil, err
	}
	i, ok := number(a[1])
	if !ok || i < 0 || int(i) >= len(list) {
		return nil, fmt.Errorf("there is no item %v", a[1])
	}
	return list[int(i)], nil
}

func unique(a []any) (any, error) {
	list, err := listOf(a, 1)
	if err != nil {
		return nil, err
	}
	kept := []any{}
	for _, candidate := range list {
		seen := false
		for _, one := range kept {
			seen = seen || reflect.DeepEqual(one, candidate)
		}
		if !seen {
			kept = append(kept, candidate)
		}
	}
	return kept, nil
}

func digest(a []any) (any, error) {
	if len(a) != 2 {
		return nil, errArguments
	}
	name, ok := a[1].(string)
	algorithms := map[string]func() hash.Hash{"MD5": md5.New, "SHA-1": sha1.New, "SHA-256": sha256.New, "SHA-384": sha512.New384, "SHA-512": sha512.New}
	algorithm := algorithms[name]
	if !ok || algorithm == nil {
		return nil, fmt.Errorf("unknown algorithm %v", a[1])
	}
	text, isText := a[0].(string)
	if !isText {
		raw, err := json.Marshal(a[0])
		if err != nil {
			return nil, err
		}
		text = string(raw)
	}
	h := algorithm()
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil)), nil
}

func merge(a []any) (any, error) {
	if len(a) != 3 || a[2] != false {
		return nil, errors.New("two objects and false are needed: AWS merges shallowly only")
	}
	first, ok1 := a[0].(map[string]any)
	second, ok2 := a[1].(map[string]any)
	if !ok1 || !ok2 {
		return nil, errArguments
	}
	merged := maps.Clone(first)
	maps.Copy(merged, second)
	return merged, nil
}

func add(a []any) (any, error) {
	if len(a) != 2 {
		return nil, errArguments
	}
	x, ok1 := number(a[0])
	y, ok2 := number(a[1])
	if !ok1 || !ok2 {
		return nil, errArguments
	}
	return math.Round(x) + math.Round(y), nil
}

// split splits at any of the delimiter's characters and drops empty parts, as AWS does.
func split(a []any) (any, error) {
	if len(a) != 2 {
		return nil, errArguments
	}
	text, ok1 := a[0].(string)
	at, ok2 := a[1].(string)
	if !ok1 || !ok2 {
		return nil, errArguments
	}
	parts := []any{}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(at, r) }) {
		parts = append(parts, part)
	}
	return parts, nil
}
