package states

import "slices"

// rule is one choice: a comparison of a variable.
type rule struct {
	next     string
	variable *path
	operator string // StringEquals or BooleanEquals
	operand  any
}

var operators = []string{"StringEquals", "BooleanEquals"}

// rule reads a choice.
func (n node) rule() *rule {
	o := n.object()
	o.text("Comment")
	r := &rule{next: o.needed("Next"), variable: o.reference("Variable", true)}
	if !o.has("Variable") {
		o.fault("a choice is a comparison of a Variable")
	}
	o.only(operators...)
	for _, name := range operators {
		operand, present := o.field(name)
		if !present {
			continue
		}
		_, isText := operand.value.(string)
		_, isTruth := operand.value.(bool)
		if r.operator, r.operand = name, operand.value; isText != (name == "StringEquals") || !isText && !isTruth {
			operand.fault("%s does not compare with %v", name, operand.value)
		}
	}
	if r.operator == "" {
		o.fault("one of the operators StringEquals and BooleanEquals is expected")
	}
	o.close("a choice")
	return r
}

// matches decides a choice. AWS: a variable that is not in the data fails the execution with States.Runtime; a value of another type
// than the operand's does not match.
func (r *rule) matches(s scope) (bool, error) {
	value, present := r.variable.find(s)
	if !present {
		return false, runtimeError("Invalid path '%s': The choice state's condition path references an invalid value.", r.variable.text)
	}
	return equal(value, r.operand), nil
}

// choose is what a Choice does.
func (v *visit) choose(data any) {
	s := v.scope(data)
	var err error
	i := slices.IndexFunc(v.state.choices, func(choice *rule) bool {
		var matched bool
		if err == nil {
			matched, err = choice.matches(s)
		}
		return matched || err != nil
	})
	switch {
	case err != nil:
		v.failed(asFailure(err))
	case i >= 0:
		v.leave(data, v.state.choices[i].next)
	case v.state.fallback == "":
		v.failed(&failure{name: "States.NoChoiceMatched", cause: "no choice matches, and there is no Default"})
	default:
		v.leave(data, v.state.fallback)
	}
}
