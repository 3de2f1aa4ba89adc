package template

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// loader resolves one template.
type loader struct {
	options    Options
	document   document
	identities map[string]identity
	resolving  map[string]bool            // identities being resolved, to find circles
	needs      map[string]map[string]bool // resource -> resources it refers to
	current    string                     // the resource whose properties are being resolved
}

// noValue is the value of Ref AWS::NoValue: the property is left out.
type noValue struct{}

// resolve replaces every intrinsic function in a value.
func (l *loader) resolve(raw any) (any, error) {
	switch value := raw.(type) {
	case map[string]any:
		if name, argument, ok := single(value); ok && isIntrinsic(name) {
			return l.intrinsic(name, argument)
		}
		resolved := map[string]any{}
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if isIntrinsic(key) {
				return nil, fmt.Errorf("%s beside other members", key)
			}
			item, err := l.resolve(value[key])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			if item != (noValue{}) {
				resolved[key] = item
			}
		}
		return resolved, nil
	case []any:
		resolved := []any{}
		for i, item := range value {
			one, err := l.resolve(item)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			if one != (noValue{}) {
				resolved = append(resolved, one)
			}
		}
		return resolved, nil
	}
	return raw, nil
}

func isIntrinsic(key string) bool { return key == "Ref" || strings.HasPrefix(key, "Fn::") }

// single returns the only member of an object with one member.
func single(raw any) (name string, argument any, ok bool) {
	object, isObject := raw.(map[string]any)
	if !isObject || len(object) != 1 {
		return "", nil, false
	}
	for name, argument := range object {
		return name, argument, true
	}
	return "", nil, false
}

func (l *loader) intrinsic(name string, argument any) (any, error) {
	functions := map[string]func(any) (any, error){
		"Ref": l.ref, "Fn::GetAtt": l.getAtt, "Fn::Sub": l.sub, "Fn::Join": l.join,
	}
	function, known := functions[name]
	if !known {
		return nil, fmt.Errorf("unknown intrinsic function %s", name)
	}
	value, err := function(argument)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return value, nil
}

func (l *loader) ref(argument any) (any, error) {
	name, ok := argument.(string)
	if !ok {
		return nil, fmt.Errorf("%v is not a name", argument)
	}
	if name == "AWS::NoValue" {
		return noValue{}, nil
	}
	if value, ok := l.pseudo(name); ok {
		return value, nil
	}
	identity, err := l.identity(name)
	return identity.ref, err
}

// pseudo is the value of one of AWS's own parameters.
func (l *loader) pseudo(name string) (string, bool) {
	values := map[string]string{
		"AWS::AccountId": l.options.AccountID,
		"AWS::Region":    l.options.Region,
		"AWS::Partition": "aws",
		"AWS::URLSuffix": "amazonaws.com",
		"AWS::StackName": l.options.StackName,
		"AWS::StackId":   l.arn("cloudformation", "stack/"+l.options.StackName+"/"+uuid(l.options.StackName)),
	}
	value, ok := values[name]
	return value, ok
}

func (l *loader) getAtt(argument any) (any, error) {
	var id, attribute string
	switch value := argument.(type) {
	case string:
		id, attribute, _ = strings.Cut(value, ".")
	case []any:
		if len(value) == 2 {
			id, _ = value[0].(string)
			attribute, _ = value[1].(string)
		}
	}
	return l.attribute(id, attribute)
}

func (l *loader) attribute(id, attribute string) (string, error) {
	identity, err := l.identity(id)
	if err != nil {
		return "", err
	}
	if value, ok := identity.attributes[attribute]; ok {
		return value, nil
	}
	if attribute == "Arn" && identity.arn != "" {
		return identity.arn, nil
	}
	return "", fmt.Errorf("%s (%s) has no attribute %q here", id, l.document.Resources[id].Type, attribute)
}

// sub replaces ${Name}, ${Name.Attribute} and the names of its own map; ${!Name} is a literal ${Name}.
func (l *loader) sub(argument any) (any, error) {
	text, ok := argument.(string)
	own := map[string]any{}
	if list, isList := argument.([]any); isList && len(list) == 2 {
		text, ok = list[0].(string)
		own, _ = list[1].(map[string]any)
	}
	if !ok || own == nil {
		return nil, errors.New("a string, or a list of a string and an object, is expected")
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("${%s is not closed", name)
		}
		value, err := l.substitute(name, own)
		if err != nil {
			return nil, fmt.Errorf("${%s}: %w", name, err)
		}
		out.WriteString(value)
		text = after
	}
}

func (l *loader) substitute(name string, own map[string]any) (string, error) {
	if literal, found := strings.CutPrefix(name, "!"); found {
		return "${" + literal + "}", nil
	}
	if value, found := own[name]; found {
		return l.text(value)
	}
	if id, attribute, found := strings.Cut(name, "."); found {
		return l.attribute(id, attribute)
	}
	return l.text(map[string]any{"Ref": name})
}

func (l *loader) join(argument any) (any, error) {
	arguments, ok := argument.([]any)
	if !ok || len(arguments) != 2 {
		return nil, errors.New("a separator and a list are expected")
	}
	separator, ok := arguments[0].(string)
	if !ok {
		return nil, fmt.Errorf("the separator %v is not a string", arguments[0])
	}
	list, err := l.list(arguments[1])
	if err != nil {
		return nil, err
	}
	parts := make([]string, len(list))
	for i, item := range list {
		if parts[i], err = scalar(item); err != nil {
			return nil, err
		}
	}
	return strings.Join(parts, separator), nil
}

func (l *loader) list(raw any) ([]any, error) {
	value, err := l.resolve(raw)
	if err != nil {
		return nil, err
	}
	list, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("%v is not a list", value)
	}
	return list, nil
}

func (l *loader) text(raw any) (string, error) {
	value, err := l.resolve(raw)
	if err != nil {
		return "", err
	}
	return scalar(value)
}

// scalar is a string, number or boolean as CloudFormation joins it into text.
func scalar(value any) (string, error) {
	switch value := value.(type) {
	case string:
		return value, nil
	case bool:
		return strconv.FormatBool(value), nil
	case fmt.Stringer: // json.Number
		return value.String(), nil
	}
	return "", fmt.Errorf("%v is not a string", value)
}

// anyMap is m as a value to resolve; no properties are an empty object.
func anyMap(m map[string]any) any {
	if m == nil {
		m = map[string]any{}
	}
	return m
}
