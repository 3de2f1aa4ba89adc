package template

import (
	"encoding/base64"
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
	parameters map[string]string
	conditions map[string]bool
	identities map[string]identity
	resolving  map[string]bool            // identities and conditions being resolved, to find circles
	needs      map[string]map[string]bool // resource -> resources it refers to
	current    string                     // the resource whose properties are being resolved
}

// noValue is what Ref of AWS::NoValue gives: the property is not there.
type noValue struct{}

// prepare evaluates what the resources rest on: parameters, conditions, rules.
func (l *loader) prepare() error {
	l.parameters = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(l.document.Parameters)) {
		value, err := l.parameter(name)
		if err != nil {
			return fmt.Errorf("parameter %s: %w", name, err)
		}
		l.parameters[name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(l.document.Conditions)) {
		if err := l.evaluate(name); err != nil {
			return fmt.Errorf("condition %s: %w", name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.document.Rules)) {
		if err := l.assert(l.document.Rules[name]); err != nil {
			return fmt.Errorf("rule %s: %w", name, err)
		}
	}
	for id, declared := range l.document.Resources {
		if _, known := l.conditions[declared.Condition]; declared.Condition != "" && !known {
			return fmt.Errorf("resource %s: unknown condition %s", id, declared.Condition)
		}
	}
	return nil
}

// assert checks a rule's assertions, such as CDK's on the bootstrap version.
func (l *loader) assert(rule rule) error {
	if rule.RuleCondition != nil {
		if applies, err := l.condition(rule.RuleCondition); err != nil || !applies {
			return err
		}
	}
	for _, assertion := range rule.Assertions {
		ok, err := l.condition(assertion.Assert)
		if err != nil {
			return err
		}
		if !ok {
			return errors.New(assertion.AssertDescription)
		}
	}
	return nil
}

// bootstrapVersion is the version of a freshly bootstrapped environment, which CDK's rule compares.
const bootstrapVersion = "30"

func (l *loader) parameter(name string) (string, error) {
	declared := l.document.Parameters[name]
	if value, given := l.options.Parameters[name]; given {
		return value, nil
	}
	text, err := scalar(declared.Default)
	switch {
	case declared.Default == nil:
		return "", errors.New("no value and no default")
	case err != nil:
		return "", err
	case !strings.HasPrefix(declared.Type, "AWS::SSM::Parameter::"):
		return text, nil
	case strings.HasPrefix(text, "/cdk-bootstrap/") && strings.HasSuffix(text, "/version"):
		return bootstrapVersion, nil
	}
	return "", fmt.Errorf("the SSM parameter %s has no value here", text)
}

// evaluate evaluates a named condition, once.
func (l *loader) evaluate(name string) error {
	if _, done := l.conditions[name]; done {
		return nil
	}
	raw, known := l.document.Conditions[name]
	if !known {
		return fmt.Errorf("unknown condition %s", name)
	}
	if l.resolving["condition "+name] {
		return fmt.Errorf("condition %s refers to itself", name)
	}
	l.resolving["condition "+name] = true
	holds, err := l.condition(raw)
	l.conditions[name] = holds
	return err
}

func (l *loader) holds(condition string) bool { return condition == "" || l.conditions[condition] }

// exists reports whether a resource is made: its condition holds.
func (l *loader) exists(id string) bool { return l.holds(l.document.Resources[id].Condition) }

// condition evaluates a condition function.
func (l *loader) condition(raw any) (bool, error) {
	name, argument, ok := single(raw)
	if !ok {
		return false, fmt.Errorf("%v is not a condition", raw)
	}
	if name == "Condition" {
		other, _ := argument.(string)
		err := l.evaluate(other)
		return l.conditions[other], err
	}
	list, _ := argument.([]any)
	switch name {
	case "Fn::Equals", "Fn::Contains":
		return l.compare(name, list)
	case "Fn::Not", "Fn::And", "Fn::Or":
		var results []bool
		for _, item := range list {
			one, err := l.condition(item)
			if err != nil {
				return false, err
			}
			results = append(results, one)
		}
		switch {
		case name == "Fn::Not" && len(results) == 1:
			return !results[0], nil
		case name == "Fn::And" && len(results) > 1:
			return !slices.Contains(results, false), nil
		case name == "Fn::Or" && len(results) > 1:
			return slices.Contains(results, true), nil
		}
		return false, fmt.Errorf("%s of %d conditions", name, len(results))
	}
	return false, fmt.Errorf("unknown condition function %s", name)
}

func (l *loader) compare(name string, arguments []any) (bool, error) {
	if len(arguments) != 2 {
		return false, fmt.Errorf("%s takes two arguments", name)
	}
	left, err := l.resolve(arguments[0])
	if err != nil {
		return false, err
	}
	right, err := l.text(arguments[1])
	if err != nil {
		return false, err
	}
	if list, ok := left.([]any); ok && name == "Fn::Contains" {
		return slices.ContainsFunc(list, func(item any) bool { text, err := scalar(item); return err == nil && text == right }), nil
	}
	text, err := scalar(left)
	return text == right, err
}

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
		"Ref": l.ref, "Fn::GetAtt": l.getAtt, "Fn::Sub": l.sub, "Fn::Join": l.join, "Fn::Select": l.selectOne, "Fn::Split": l.split,
		"Fn::If": l.conditional, "Fn::FindInMap": l.findInMap, "Fn::Base64": l.base64,
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
	if value, ok := l.parameters[name]; ok {
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

func (l *loader) selectOne(argument any) (any, error) {
	arguments, ok := argument.([]any)
	if !ok || len(arguments) != 2 {
		return nil, errors.New("an index and a list are expected")
	}
	text, err := l.text(arguments[0])
	if err != nil {
		return nil, err
	}
	list, err := l.list(arguments[1])
	if err != nil {
		return nil, err
	}
	index, err := strconv.Atoi(text)
	if err != nil || index < 0 || index >= len(list) {
		return nil, fmt.Errorf("no element %s in a list of %d", text, len(list))
	}
	return list[index], nil
}

func (l *loader) split(argument any) (any, error) {
	arguments, ok := argument.([]any)
	if !ok || len(arguments) != 2 {
		return nil, errors.New("a separator and a string are expected")
	}
	separator, ok := arguments[0].(string)
	if !ok || separator == "" {
		return nil, fmt.Errorf("the separator %v is not a string", arguments[0])
	}
	text, err := l.text(arguments[1])
	if err != nil {
		return nil, err
	}
	var parts []any
	for _, part := range strings.Split(text, separator) {
		parts = append(parts, part)
	}
	return parts, nil
}

func (l *loader) conditional(argument any) (any, error) {
	arguments, ok := argument.([]any)
	if !ok || len(arguments) != 3 {
		return nil, errors.New("a condition and two values are expected")
	}
	name, _ := arguments[0].(string)
	if err := l.evaluate(name); err != nil {
		return nil, err
	}
	if l.conditions[name] {
		return l.resolve(arguments[1])
	}
	return l.resolve(arguments[2])
}

func (l *loader) findInMap(argument any) (any, error) {
	arguments, ok := argument.([]any)
	if !ok || len(arguments) != 3 {
		return nil, errors.New("a map and two keys are expected")
	}
	var keys [3]string
	for i, item := range arguments {
		key, err := l.text(item)
		if err != nil {
			return nil, err
		}
		keys[i] = key
	}
	value, found := l.document.Mappings[keys[0]][keys[1]][keys[2]]
	if !found {
		return nil, fmt.Errorf("nothing under %s", strings.Join(keys[:], "."))
	}
	return value, nil
}

func (l *loader) base64(argument any) (any, error) {
	text, err := l.text(argument)
	return base64.StdEncoding.EncodeToString([]byte(text)), err
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
