package iam

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// condition is one operator on one key. All conditions of a statement must hold.
type condition struct {
	key      string // lower case
	values   []string
	matches  func(wanted, got string) bool
	negated  bool // holds when no value matches, and when the key is absent
	null     bool // the Null operator: about the key's absence
	ifExists bool // holds when the key is absent
	each     quantifier
}

// quantifier is the set operator of a condition on a key with several values.
type quantifier int

const (
	plain quantifier = iota
	forAnyValue
	forAllValues
)

// operators are the condition operators that are known, without prefix and suffix.
//
// AWS: ArnEquals and ArnLike behave alike: each of the six parts of the ARN is compared on its own, and may hold wildcards.
var operators = map[string]struct {
	matches func(wanted, got string) bool
	negated bool
}{
	"StringEquals":              {matches: func(wanted, got string) bool { return wanted == got }},
	"StringNotEquals":           {matches: func(wanted, got string) bool { return wanted == got }, negated: true},
	"StringEqualsIgnoreCase":    {matches: strings.EqualFold},
	"StringNotEqualsIgnoreCase": {matches: strings.EqualFold, negated: true},
	"StringLike":                {matches: glob},
	"StringNotLike":             {matches: glob, negated: true},
	"ArnEquals":                 {matches: arnLike},
	"ArnLike":                   {matches: arnLike},
	"ArnNotEquals":              {matches: arnLike, negated: true},
	"ArnNotLike":                {matches: arnLike, negated: true},
	"Bool":                      {matches: strings.EqualFold},
	"Null":                      {matches: strings.EqualFold},
	"NumericEquals":             {matches: numeric(func(wanted, got float64) bool { return got == wanted })},
	"NumericNotEquals":          {matches: numeric(func(wanted, got float64) bool { return got == wanted }), negated: true},
	"NumericLessThan":           {matches: numeric(func(wanted, got float64) bool { return got < wanted })},
	"NumericLessThanEquals":     {matches: numeric(func(wanted, got float64) bool { return got <= wanted })},
	"NumericGreaterThan":        {matches: numeric(func(wanted, got float64) bool { return got > wanted })},
	"NumericGreaterThanEquals":  {matches: numeric(func(wanted, got float64) bool { return got >= wanted })},
}

func parseConditions(raw any) ([]condition, error) {
	if raw == nil {
		return nil, nil
	}
	byOperator, ok := raw.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("condition %v is not an object", raw)
	}
	var conditions []condition
	for _, operator := range slices.Sorted(maps.Keys(byOperator)) {
		template, err := parseOperator(operator)
		if err != nil {
			return nil, err
		}
		byKey, ok := byOperator[operator].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("condition %s is not an object", operator)
		}
		for _, key := range slices.Sorted(maps.Keys(byKey)) {
			one := template
			one.key = strings.ToLower(key)
			if one.values, err = texts(byKey[key]); err != nil {
				return nil, fmt.Errorf("condition %s of %s: %w", operator, key, err)
			}
			conditions = append(conditions, one)
		}
	}
	return conditions, nil
}

func parseOperator(name string) (condition, error) {
	var c condition
	base := name
	if rest, found := strings.CutPrefix(base, "ForAnyValue:"); found {
		base, c.each = rest, forAnyValue
	} else if rest, found := strings.CutPrefix(base, "ForAllValues:"); found {
		base, c.each = rest, forAllValues
	}
	base, c.ifExists = strings.CutSuffix(base, "IfExists")
	operator, known := operators[base]
	if !known || base == "Null" && base != name {
		return condition{}, fmt.Errorf("unknown condition operator %s", name)
	}
	c.matches, c.negated, c.null = operator.matches, operator.negated, base == "Null"
	return c, nil
}

// holds reports whether the condition holds for the keys of a request.
func (c condition) holds(keys map[string][]string) bool {
	got, present := keys[c.key]
	present = present && len(got) > 0
	if c.null {
		return c.anyMatches(strconv.FormatBool(!present))
	}
	if !present {
		return c.ifExists || c.each == forAllValues || c.negated && c.each == plain
	}
	satisfied := func(value string) bool { return c.anyMatches(value) != c.negated }
	if c.each == forAllValues || c.negated && c.each == plain {
		return !slices.ContainsFunc(got, func(value string) bool { return !satisfied(value) })
	}
	return slices.ContainsFunc(got, satisfied)
}

func (c condition) anyMatches(got string) bool {
	return slices.ContainsFunc(c.values, func(wanted string) bool { return c.matches(wanted, got) })
}

func numeric(compare func(wanted, got float64) bool) func(wanted, got string) bool {
	return func(wanted, got string) bool {
		w, errWanted := strconv.ParseFloat(wanted, 64)
		g, errGot := strconv.ParseFloat(got, 64)
		return errWanted == nil && errGot == nil && compare(w, g)
	}
}

// arnLike compares two ARNs part by part: a wildcard never reaches over a colon, except in the last part.
func arnLike(pattern, arn string) bool {
	want, got := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	return len(want) == 6 && len(got) == 6 && slices.EqualFunc(want, got, glob)
}

// glob matches * with any text and ? with any one character.
func glob(pattern, text string) bool {
	p, t := 0, 0
	star, resume := -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0: // let the last star take one more character
			resume++
			p, t = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
