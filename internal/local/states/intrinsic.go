package states

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// call is an intrinsic function with its arguments: paths, calls, texts, numbers, true, false and null.
//
// AWS: https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
type call struct {
	name      string
	arguments []argument
}

// argument is one argument of a call: an expression or a value.
type argument struct {
	expr  *expression
	value any
	parts []string // of a text: between its placeholders {}, escapes taken away
}

// intrinsic is a function and how many arguments it takes; most < 0: any number.
type intrinsic struct {
	least, most int
	do          func(a []any) (any, error)
}

// parseCall reads a call from the beginning of a text and returns what follows it.
func parseCall(text string) (*call, string, error) {
	name, rest, ok := strings.Cut(text, "(")
	if !ok {
		return nil, "", fmt.Errorf("the function %q has no arguments", text)
	}
	function, known := intrinsics[name]
	if !known {
		return nil, "", fmt.Errorf("there is no function %q", name)
	}
	c := &call{name: name}
	rest, err := c.parseArguments(strings.TrimLeft(rest, " "))
	if err != nil {
		return nil, "", fmt.Errorf("in %s: %w", name, err)
	}
	if n := len(c.arguments); n < function.least || (function.most >= 0 && n > function.most) {
		return nil, "", fmt.Errorf("%s does not take %d arguments", name, n)
	}
	if first := c.template(); name == "States.Format" && first != nil && len(first) != len(c.arguments) {
		return nil, "", fmt.Errorf("States.Format: %d arguments for %d placeholders", len(c.arguments)-1, len(first)-1)
	}
	return c, rest, nil
}

func (c *call) parseArguments(rest string) (string, error) {
	if after, empty := strings.CutPrefix(rest, ")"); empty {
		return after, nil
	}
	for {
		parsed, after, err := parseArgument(strings.TrimLeft(rest, " "))
		if err != nil {
			return "", err
		}
		c.arguments = append(c.arguments, parsed)
		after = strings.TrimLeft(after, " ")
		switch {
		case strings.HasPrefix(after, ","):
			rest = after[1:]
		case strings.HasPrefix(after, ")"):
			return after[1:], nil
		default:
			return "", fmt.Errorf("no ) before %q", after)
		}
	}
}

// template is the parts of a first argument that is a text, else nil.
func (c *call) template() []string {
	if len(c.arguments) == 0 {
		return nil
	}
	return c.arguments[0].parts
}

func parseArgument(text string) (argument, string, error) {
	switch {
	case strings.HasPrefix(text, "'"):
		return parseText(text)
	case strings.HasPrefix(text, "States."):
		inner, rest, err := parseCall(text)
		return argument{expr: &expression{text: text, call: inner}}, rest, err
	}
	end := argumentEnd(text)
	word, rest := strings.TrimSpace(text[:end]), text[end:]
	switch {
	case strings.HasPrefix(word, "$"):
		p, err := parsePath(word)
		return argument{expr: &expression{text: word, path: p}}, rest, err
	case word == "true" || word == "false":
		return argument{value: word == "true"}, rest, nil
	case word == "null":
		return argument{}, rest, nil
	}
	if whole, err := strconv.ParseInt(word, 10, 64); err == nil {
		return argument{value: whole}, rest, nil
	}
	float, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return argument{}, "", fmt.Errorf("%q is no argument", word)
	}
	return argument{value: float}, rest, nil
}

// argumentEnd is where an argument without quotes ends: at a comma or parenthesis outside the brackets and texts of a path.
func argumentEnd(text string) int {
	depth, quoted := 0, false
	for i, r := range text {
		switch {
		case r == '\'':
			quoted = !quoted
		case quoted:
		case r == '[' || r == '(':
			depth++
		case depth == 0 && (r == ')' || r == ','):
			return i
		case r == ']' || r == ')':
			depth--
		}
	}
	return len(text)
}

// parseText reads a text in quotes. AWS: ', {, } and \ are written with a \ before them.
func parseText(text string) (argument, string, error) {
	var all, part strings.Builder
	var parts []string
	write := func(b byte) { all.WriteByte(b); part.WriteByte(b) }
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\'':
			return argument{value: all.String(), parts: append(parts, part.String())}, text[i+1:], nil
		case text[i] == '\\' && i+1 < len(text):
			i++
			if !strings.ContainsRune(`'{}\`, rune(text[i])) {
				return argument{}, "", fmt.Errorf(`\%c is no escape`, text[i])
			}
			write(text[i])
		case strings.HasPrefix(text[i:], "{}"):
			i++
			all.WriteString("{}")
			parts = append(parts, part.String())
			part.Reset()
		default:
			write(text[i])
		}
	}
	return argument{}, "", errors.New("a text without end")
}

// value calls the function. AWS: it fails as States.IntrinsicFailure, and an argument that is not there as States.Runtime.
func (c *call) value(s scope) (any, error) {
	values := make([]any, len(c.arguments))
	for i, argument := range c.arguments {
		values[i] = argument.value
		if argument.expr != nil {
			var err error
			if values[i], err = argument.expr.value(c.name, s); err != nil {
				return nil, err
			}
		}
	}
	if parts := c.template(); c.name == "States.Format" && parts != nil {
		values[0] = parts
	}
	result, err := intrinsics[c.name].do(values)
	if err != nil {
		return nil, &failure{name: "States.IntrinsicFailure", cause: c.name + ": " + err.Error()}
	}
	return result, nil
}
