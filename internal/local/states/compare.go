package states

import (
	"strings"
	"time"
)

// operators are the comparisons of Choice by name. Values of another type than the operator's match nothing.
var operators = map[string]func(value, operand any) bool{
	"IsPresent":     func(any, any) bool { return true }, // decided by compare
	"IsNull":        is(func(value any) bool { return value == nil }),
	"IsNumeric":     is(func(value any) bool { _, ok := number(value); return ok }),
	"IsString":      is(func(value any) bool { _, ok := value.(string); return ok }),
	"IsBoolean":     is(func(value any) bool { _, ok := value.(bool); return ok }),
	"IsTimestamp":   is(func(value any) bool { _, ok := timestamp(value); return ok }),
	"BooleanEquals": both(truth, func(a, b bool) bool { return a == b }),
	"StringMatches": both(text, func(value, pattern string) bool { return glob(pattern, value) }),

	"StringEquals":            both(text, func(a, b string) bool { return a == b }),
	"StringLessThan":          both(text, func(a, b string) bool { return a < b }),
	"StringGreaterThan":       both(text, func(a, b string) bool { return a > b }),
	"StringLessThanEquals":    both(text, func(a, b string) bool { return a <= b }),
	"StringGreaterThanEquals": both(text, func(a, b string) bool { return a >= b }),

	"NumericEquals":            both(number, func(a, b float64) bool { return a == b }),
	"NumericLessThan":          both(number, func(a, b float64) bool { return a < b }),
	"NumericGreaterThan":       both(number, func(a, b float64) bool { return a > b }),
	"NumericLessThanEquals":    both(number, func(a, b float64) bool { return a <= b }),
	"NumericGreaterThanEquals": both(number, func(a, b float64) bool { return a >= b }),

	"TimestampEquals":            both(timestamp, func(a, b time.Time) bool { return a.Equal(b) }),
	"TimestampLessThan":          both(timestamp, func(a, b time.Time) bool { return a.Before(b) }),
	"TimestampGreaterThan":       both(timestamp, func(a, b time.Time) bool { return a.After(b) }),
	"TimestampLessThanEquals":    both(timestamp, func(a, b time.Time) bool { return !a.After(b) }),
	"TimestampGreaterThanEquals": both(timestamp, func(a, b time.Time) bool { return !a.Before(b) }),
}

func is(test func(any) bool) func(value, operand any) bool {
	return func(value, operand any) bool { return test(value) == operand }
}

// both compares two values that a reader can read.
func both[T any](read func(any) (T, bool), compare func(a, b T) bool) func(value, operand any) bool {
	return func(value, operand any) bool {
		a, ok1 := read(value)
		b, ok2 := read(operand)
		return ok1 && ok2 && compare(a, b)
	}
}

func text(value any) (string, bool) { t, ok := value.(string); return t, ok }
func truth(value any) (bool, bool)  { t, ok := value.(bool); return t, ok }

// timestamp reads a time as the language writes it: RFC 3339 with a capital T and Z.
func timestamp(value any) (time.Time, bool) {
	text, ok := value.(string)
	if !ok {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, text)
	return at, err == nil
}

// validPattern reports whether each \ of a pattern stands before * or \.
func validPattern(pattern string) bool {
	for rest := pattern; ; {
		i := strings.IndexByte(rest, '\\')
		if i < 0 {
			return true
		}
		if i+1 == len(rest) || (rest[i+1] != '*' && rest[i+1] != '\\') {
			return false
		}
		rest = rest[i+2:]
	}
}

// glob matches a pattern in which * stands for any characters, and \* and \\ for themselves.
func glob(pattern, value string) bool {
	pieces := []string{""} // between the stars
	for i := 0; i < len(pattern); i++ {
		last := &pieces[len(pieces)-1]
		switch {
		case pattern[i] == '*':
			pieces = append(pieces, "")
		case pattern[i] == '\\':
			i++
			*last += pattern[i : i+1]
		default:
			*last += pattern[i : i+1]
		}
	}
	if len(pieces) == 1 {
		return value == pieces[0]
	}
	first, last := pieces[0], pieces[len(pieces)-1]
	if !strings.HasPrefix(value, first) {
		return false
	}
	value = value[len(first):]
	for _, piece := range pieces[1 : len(pieces)-1] {
		i := strings.Index(value, piece)
		if i < 0 {
			return false
		}
		value = value[i+len(piece):]
	}
	return strings.HasSuffix(value, last)
}
