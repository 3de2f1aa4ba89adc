package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// matcher reports whether a scalar (string, json.Number, bool or nil) is one that a pattern wants.
type matcher func(scalar any) bool

// parseMatcher reads one alternative of a leaf: a value, or {"prefix": "text"}.
func parseMatcher(wanted any) (matcher, error) {
	switch wanted := wanted.(type) {
	case string, json.Number, bool, nil:
		return func(scalar any) bool { return scalar == wanted }, nil
	case map[string]any:
		return parseOperator(wanted)
	}
	return nil, errors.New("a match value must be a string, a number, true, false, null or an operator")
}

func parseOperator(members map[string]any) (matcher, error) {
	if len(members) != 1 {
		return nil, errors.New("an operator is an object with one member")
	}
	for name, argument := range members {
		if name != "prefix" {
			return nil, fmt.Errorf("the operator %q is not simulated", name)
		}
		if prefix, _ := argument.(string); prefix != "" {
			return func(scalar any) bool {
				text, isText := scalar.(string)
				return isText && strings.HasPrefix(text, prefix)
			}, nil
		}
	}
	return nil, errors.New("prefix takes a string that is not empty")
}
