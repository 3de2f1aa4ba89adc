package states

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ohler55/ojg/jp"
)

// scope is what an expression can see: the data and the context object.
type scope struct{ data, context any }

// path is a reference path of the language: it selects one value of the state's data ($…) or of the context object ($$…).
type path struct {
	text    string
	context bool
	steps   jp.Expr
}

func parsePath(text string) (*path, error) {
	p := &path{text: text}
	inner := text
	if p.context = strings.HasPrefix(text, "$$"); p.context {
		inner = text[1:]
	}
	if !strings.HasPrefix(inner, "$") {
		return nil, fmt.Errorf("the path %q does not begin with $", text)
	}
	var err error
	if p.steps, err = jp.ParseString(quoteNames(inner)); err != nil {
		return nil, fmt.Errorf("the path %q: %w", text, err)
	}
	p.steps = p.steps[1:] // without the root
	for _, step := range p.steps {
		switch step := step.(type) {
		case jp.Child:
		case jp.Nth:
			if step < 0 {
				return nil, fmt.Errorf("the path %q counts from the end, which AWS does not document", text)
			}
		default:
			return nil, fmt.Errorf("the path %q can select several values, which is not simulated", text)
		}
	}
	return p, nil
}

// dotted is a name after a dot that needs quotes: it has escapes, or characters outside the usual ones. The specification has
// $.store\.book for the field "store.book", and $.&Ж中 is a reference path.
var dotted = regexp.MustCompile(`^\.((?:\\.|[^\s.\[\]'"\\@,:?*()$])+)`)

// quoteNames writes such names in brackets and quotes, which the parser of paths knows.
func quoteNames(path string) string {
	var b strings.Builder
	depth := 0 // in brackets everything stays as it is
	for i := 0; i < len(path); i++ {
		switch path[i] {
		case '[':
			depth++
		case ']':
			depth--
		case '.':
			name := dotted.FindStringSubmatch(path[i:])
			if depth == 0 && name != nil && !bareName.MatchString(name[1]) && !strings.HasSuffix(path[:i], ".") {
				b.WriteString(child("", unescape.ReplaceAllString(name[1], "$1")))
				i += len(name[0]) - 1
				continue
			}
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

var unescape = regexp.MustCompile(`\\(.)`)

// find selects the value; found is false when there is none.
func (p *path) find(s scope) (value any, found bool) {
	root := s.data
	if p.context {
		root = s.context
	}
	if len(p.steps) == 0 {
		return root, true
	}
	if values := p.steps.Get(root); len(values) > 0 {
		return values[0], true
	}
	return nil, false
}

// get is find for a field of a state.
//
// AWS: a path that finds nothing is States.Runtime, which nothing catches. The Developer Guide lists States.ParameterPathFailure
// for Parameters, but executions report States.Runtime there too, with this cause.
func (p *path) get(field string, s scope) (any, error) {
	value, found := p.find(s)
	if !found {
		root := s.data
		if p.context {
			root = s.context
		}
		return nil, runtimeError("The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
			p.text, field, clip(string(encode(root))))
	}
	return value, nil
}

// clip shortens data that is repeated in a cause. AWS: a cause has at most 32,768 characters.
func clip(text string) string {
	const most = 8_000
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// place is an InputPath, OutputPath or ResultPath: absent means the whole, null means nothing.
type place struct {
	null bool
	path *path // nil: absent or null
}

// of selects what an InputPath or OutputPath selects.
func (p place) of(field string, s scope) (any, error) {
	switch {
	case p.null:
		return map[string]any{}, nil
	case p.path == nil:
		return s.data, nil
	default:
		return p.path.get(field, s)
	}
}

// put stores a result as a ResultPath says: absent replaces the input, null keeps it.
func (p place) put(input, result any) (any, error) {
	switch {
	case p.null:
		return input, nil
	case p.path == nil:
		return result, nil
	}
	stored, ok := put(input, p.path.steps, result)
	if !ok {
		return nil, &failure{name: "States.ResultPathMatchFailure",
			cause: fmt.Sprintf("Unable to apply ReferencePath %s to input %s", p.path.text, clip(string(encode(input))))}
	}
	return stored, nil
}

// put returns data with value at a reference path. Objects on the way are made, items of lists are not; data itself is not
// touched.
func put(data any, steps jp.Expr, value any) (any, bool) {
	if len(steps) == 0 {
		return value, true
	}
	switch step := steps[0].(type) {
	case jp.Child:
		object, ok := data.(map[string]any)
		if !ok && data != nil {
			return nil, false
		}
		copied := make(map[string]any, len(object)+1)
		maps.Copy(copied, object)
		inner, ok := put(copied[string(step)], steps[1:], value)
		copied[string(step)] = inner
		return copied, ok
	case jp.Nth:
		list, ok := data.([]any)
		if !ok || int(step) >= len(list) {
			return nil, false
		}
		copied := slices.Clone(list)
		inner, ok := put(copied[step], steps[1:], value)
		copied[step] = inner
		return copied, ok
	default:
		return nil, false // load allows reference paths only
	}
}

// place reads an InputPath, OutputPath or ResultPath.
func (o *object) place(name string) place {
	n, present := o.field(name)
	if !present {
		return place{}
	}
	if n.value == nil {
		return place{null: true}
	}
	return place{path: n.asPath()}
}

// resultPath reads a ResultPath: a reference path into the data.
func (o *object) resultPath() place {
	p := o.place("ResultPath")
	n, _ := o.field("ResultPath")
	if p.path != nil && p.path.context {
		n.fault("a reference path into the state's data is expected")
	}
	return p
}

// reference reads a field as a path that selects one value; nil when it is not there.
//
// AWS: the context object is open to InputPath, OutputPath, ItemsPath, Variable, the operators of Choice, Parameters,
// ItemSelector and ResultSelector. https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
func (o *object) reference(name string, contextToo bool) *path {
	n, present := o.field(name)
	if !present {
		return nil
	}
	p := n.asPath()
	if p != nil && p.context && !contextToo {
		n.fault("the context object cannot be used here")
	}
	return p
}

func (n node) asPath() *path {
	text, ok := n.value.(string)
	if !ok {
		n.fault("a path is expected")
		return nil
	}
	p, err := parsePath(text)
	if err != nil {
		n.fault("%v", err)
		return nil
	}
	return p
}
