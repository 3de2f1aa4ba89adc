package states

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// expression is what may stand where a value is computed: a path or an intrinsic function.
type expression struct {
	text string
	path *path
	call *call
}

func parseExpression(text string) (*expression, error) {
	e := &expression{text: text}
	var err error
	if strings.HasPrefix(text, "States.") {
		var rest string
		e.call, rest, err = parseCall(text)
		if err == nil && strings.TrimSpace(rest) != "" {
			err = fmt.Errorf("the function %q is followed by %q", text, rest)
		}
	} else {
		e.path, err = parsePath(text)
	}
	return e, err
}

func (n node) asExpression() *expression {
	text, ok := n.value.(string)
	if !ok {
		n.fault("a path or a function is expected")
		return nil
	}
	e, err := parseExpression(text)
	if err != nil {
		n.fault("%v", err)
		return nil
	}
	return e
}

func (e *expression) value(field string, s scope) (any, error) {
	if e.call != nil {
		return e.call.value(s)
	}
	return e.path.get(field, s)
}

// mentions reports whether a path is used, also within a function.
func (e *expression) mentions(text string) bool {
	if e.call == nil {
		return e.path.text == text
	}
	return slices.ContainsFunc(e.call.arguments, func(a argument) bool { return a.expr != nil && a.expr.mentions(text) })
}

// template is Parameters, ResultSelector or ItemSelector: an object in which each field whose name ends in ".$" is computed.
type template struct {
	names  []string // of fields, in order
	fields map[string]*template
	list   []*template
	isList bool
	expr   *expression
	fixed  any
}

// template reads a field as a template; nil when it is not there.
func (o *object) template(name string) *template {
	n, present := o.field(name)
	if !present {
		return nil
	}
	if _, ok := n.value.(map[string]any); !ok {
		n.fault("an object is expected")
		return nil
	}
	return n.asTemplate()
}

func (n node) asTemplate() *template {
	switch value := n.value.(type) {
	case map[string]any:
		t := &template{fields: map[string]*template{}}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			field := node{child(n.path, name), value[name], n.faults}
			plain, computed := strings.CutSuffix(name, ".$")
			if _, twice := t.fields[plain]; twice {
				field.fault("there is a field %s as well", plain)
			}
			t.names = append(t.names, plain)
			if computed {
				t.fields[plain] = &template{expr: field.asExpression()}
			} else {
				t.fields[plain] = field.asTemplate()
			}
		}
		return t
	case []any:
		t := &template{isList: true}
		for i, item := range value {
			t.list = append(t.list, node{fmt.Sprintf("%s[%d]", n.path, i), item, n.faults}.asTemplate())
		}
		return t
	default:
		return &template{fixed: plain(value)}
	}
}

// value computes a template. The field is what errors name.
func (t *template) value(field string, s scope) (any, error) {
	switch {
	case t.expr != nil:
		return t.expr.value(field+".$", s)
	case t.fields != nil:
		object := make(map[string]any, len(t.fields))
		for _, name := range t.names {
			value, err := t.fields[name].value(name, s)
			if err != nil {
				return nil, err
			}
			object[name] = value
		}
		return object, nil
	case t.isList:
		list := make([]any, len(t.list))
		for i, item := range t.list {
			value, err := item.value(field, s)
			if err != nil {
				return nil, err
			}
			list[i] = value
		}
		return list, nil
	default:
		return t.fixed, nil
	}
}

// mentions reports whether a path is used anywhere in a template.
func (t *template) mentions(text string) bool {
	if t == nil {
		return false
	}
	if t.expr != nil && t.expr.mentions(text) {
		return true
	}
	for _, name := range t.names {
		if t.fields[name].mentions(text) {
			return true
		}
	}
	return slices.ContainsFunc(t.list, func(item *template) bool { return item.mentions(text) })
}
