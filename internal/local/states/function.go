package states

import (
	"errors"
	"fmt"
	"maps"
	"strings"
)

// intrinsics are the intrinsic functions by name. It is filled by init, since parseCall looks names up here.
var intrinsics map[string]intrinsic

func init() {
	intrinsics = map[string]intrinsic{
		"States.Format":      {1, -1, format},
		"States.ArrayLength": {1, 1, length},
		"States.JsonMerge":   {3, 3, merge},
	}
}

// format fills the placeholders of a template, which is []string when it was written in the definition.
func format(a []any) (any, error) {
	parts, ok := a[0].([]string)
	if !ok {
		template, isText := a[0].(string)
		if !isText {
			return nil, errors.New("a text is expected")
		}
		parts = strings.Split(template, "{}")
	}
	if len(parts) != len(a) {
		return nil, fmt.Errorf("%d arguments for %d placeholders", len(a)-1, len(parts)-1)
	}
	var b strings.Builder
	b.WriteString(parts[0])
	for i, value := range a[1:] {
		switch value := value.(type) {
		case string:
			b.WriteString(value)
		case map[string]any, []any:
			return nil, errors.New("objects and lists have no text")
		default:
			b.WriteString(numeral(value))
		}
		b.WriteString(parts[i+1])
	}
	return b.String(), nil
}

func length(a []any) (any, error) {
	list, ok := a[0].([]any)
	if !ok {
		return nil, errors.New("a list is expected")
	}
	return int64(len(list)), nil
}

// merge merges two objects; a field of the second replaces that of the first. AWS: only shallow merges, so the third argument is false.
func merge(a []any) (any, error) {
	first, ok1 := a[0].(map[string]any)
	second, ok2 := a[1].(map[string]any)
	if !ok1 || !ok2 || a[2] != false {
		return nil, errors.New("two objects and false are expected")
	}
	merged := maps.Clone(first)
	maps.Copy(merged, second)
	return merged, nil
}
