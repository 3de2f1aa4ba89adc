package stepfunctions

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/ohler55/ojg/jp"
)

// path is a JSONPath of the language: into the state's data ($…), into the context object ($$…), or null.
type path struct {
	text     string
	context  bool
	definite bool // it selects one value at most
	steps    jp.Expr
}

// UnmarshalJSON reads a path.
func (p *path) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return fmt.Errorf("a path is a string: %s", raw)
	}
	parsed, err := parsePath(text)
	if err != nil {
		return err
	}
	*p = *parsed
	return nil
}

// place is InputPath, OutputPath or ResultPath: absent means the whole, null means nothing. A pointer to a path would not do, since
// encoding/json makes null and absent the same.
type place struct {
	null bool
	path *path // nil: absent or null
}

// UnmarshalJSON reads a path or null.
func (p *place) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		p.null = true
		return nil
	}
	p.path = &path{}
	return p.path.UnmarshalJSON(raw)
}

// of selects what an InputPath or OutputPath selects.
func (p place) of(data, context any) (any, error) {
	switch {
	case p.null:
		return map[string]any{}, nil
	case p.path == nil:
		return data, nil
	default:
		return p.path.get(data, context)
	}
}

// put stores a result as a ResultPath says: absent replaces the input, null keeps it.
func (p place) put(input, result any) (any, error) {
	switch {
	case p.null:
		return input, nil
	case p.path == nil:
		return result, nil
	default:
		return p.path.set(input, result)
	}
}

func parsePath(text string) (*path, error) {
	p := &path{text: text, definite: true}
	rest, ok := strings.CutPrefix(text, "$$")
	if ok {
		p.context, rest = true, "$"+rest
	} else {
		rest = text
	}
	if !strings.HasPrefix(rest, "$") {
		return nil, fmt.Errorf("the path %q does not begin with $", text)
	}
	var err error
	if p.steps, err = jp.ParseString(rest); err != nil {
		return nil, fmt.Errorf("the path %q: %w", text, err)
	}
	for _, step := range p.steps {
		switch step.(type) {
		case jp.Root, jp.Child, jp.Nth:
		default:
			p.definite = false
		}
	}
	return p, nil
}

// get selects from data, or from the context object. A path that selects one value and finds none is the runtime error of AWS.
func (p *path) get(data, context any) (any, error) {
	if p.context {
		data = context
	}
	found := p.steps.Get(data)
	if !p.definite {
		if found == nil {
			found = []any{}
		}
		return found, nil
	}
	if len(found) == 0 {
		return nil, &failure{Name: "States.Runtime", Cause: fmt.Sprintf("the path %s finds nothing in the state's data", p.text)}
	}
	return found[0], nil
}

// has reports whether a path finds anything.
func (p *path) has(data, context any) bool {
	if p.context {
		data = context
	}
	return len(p.steps.Get(data)) > 0
}

// set returns data with value at the path, as ResultPath does: the objects on the way are made. The original is not touched.
func (p *path) set(data, value any) (any, error) {
	names, err := p.names()
	if err != nil {
		return nil, err
	}
	return put(data, names, value)
}

// names are the fields of a reference path; AWS allows only those for ResultPath.
func (p *path) names() ([]string, error) {
	var names []string
	for _, step := range p.steps {
		switch step := step.(type) {
		case jp.Root:
		case jp.Child:
			names = append(names, string(step))
		default:
			return nil, fmt.Errorf("the path %s is no reference path", p.text)
		}
	}
	return names, nil
}

func put(data any, names []string, value any) (any, error) {
	if len(names) == 0 {
		return value, nil
	}
	object, ok := data.(map[string]any)
	if !ok && data != nil {
		return nil, &failure{Name: "States.ResultPathMatchFailure", Cause: fmt.Sprintf("cannot put %q into something that is no object", names[0])}
	}
	copied := make(map[string]any, len(object)+1)
	for name, field := range object {
		copied[name] = field
	}
	inner, err := put(copied[names[0]], names[1:], value)
	if err != nil {
		return nil, err
	}
	copied[names[0]] = inner
	return copied, nil
}

// expression is what may stand where a value is computed: a path or an intrinsic function.
type expression struct {
	path *path
	call *call
}

// UnmarshalJSON reads an expression.
func (e *expression) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return fmt.Errorf("an expression is a string: %s", raw)
	}
	parsed, err := parseExpression(text)
	if err == nil {
		*e = *parsed
	}
	return err
}

func parseExpression(text string) (*expression, error) {
	if strings.HasPrefix(text, "States.") {
		parsed, rest, err := parseCall(text)
		if err == nil && strings.TrimSpace(rest) != "" {
			err = fmt.Errorf("the function %q is followed by %q", text, rest)
		}
		return &expression{call: parsed}, err
	}
	p, err := parsePath(text)
	return &expression{path: p}, err
}

func (e *expression) value(data, context any) (any, error) {
	if e.call != nil {
		return e.call.value(data, context)
	}
	return e.path.get(data, context)
}

// template is Parameters, ResultSelector or ItemSelector: a value in which each field whose name ends in ".$" is computed.
type template struct {
	fixed  any
	fields map[string]*template
	list   []*template
	expr   *expression
}

// UnmarshalJSON reads a template.
func (t *template) UnmarshalJSON(raw []byte) error {
	var object map[string]json.RawMessage
	var list []json.RawMessage
	switch {
	case json.Unmarshal(raw, &object) == nil && object != nil:
		t.fields = map[string]*template{}
		for name, value := range object {
			plain, computed := strings.CutSuffix(name, ".$")
			field := &template{}
			var err error
			if computed {
				field.expr = &expression{}
				err = json.Unmarshal(value, field.expr)
			} else {
				err = json.Unmarshal(value, field)
			}
			if err != nil {
				return fmt.Errorf("field %s: %w", name, err)
			}
			if _, twice := t.fields[plain]; twice {
				return fmt.Errorf("field %s is given twice", plain)
			}
			t.fields[plain] = field
		}
		return nil
	case json.Unmarshal(raw, &list) == nil && list != nil:
		for i, value := range list {
			item := &template{}
			if err := json.Unmarshal(value, item); err != nil {
				return fmt.Errorf("item %d: %w", i, err)
			}
			t.list = append(t.list, item)
		}
		if t.list == nil {
			t.fixed = []any{}
		}
		return nil
	default:
		return json.Unmarshal(raw, &t.fixed)
	}
}

func (t *template) value(data, context any) (any, error) {
	switch {
	case t.expr != nil:
		value, err := t.expr.value(data, context)
		if f, ok := err.(*failure); ok && f.Name == "States.Runtime" {
			f.Name = "States.ParameterPathFailure"
		}
		return value, err
	case t.fields != nil:
		object := make(map[string]any, len(t.fields))
		for name, field := range t.fields {
			value, err := field.value(data, context)
			if err != nil {
				return nil, err
			}
			object[name] = value
		}
		return object, nil
	case t.list != nil:
		list := make([]any, len(t.list))
		for i, item := range t.list {
			value, err := item.value(data, context)
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

// number reads a number wherever it may come from.
func number(value any) (float64, bool) {
	switch value := value.(type) {
	case float64:
		return value, true
	case int64:
		return float64(value), true
	case int:
		return float64(value), true
	case json.Number:
		f, err := strconv.ParseFloat(string(value), 64)
		return f, err == nil
	default:
		return 0, false
	}
}
