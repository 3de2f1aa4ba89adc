package states

import (
	"maps"
	"slices"
	"strings"
)

// rule is a choice: a comparison, or And, Or, Not of others.
type rule struct {
	next    string
	and, or []*rule
	not     *rule

	variable *path
	operator string
	operand  any
	other    *path // of an operator that ends in Path
}

// rule reads a choice; the outermost has Next.
func (n node) rule(outermost bool) *rule {
	o := n.object()
	r := &rule{}
	o.text("Comment")
	if outermost {
		r.next = o.needed("Next")
	}
	for _, inner := range o.rules("And") {
		r.and = append(r.and, inner.rule(false))
	}
	for _, inner := range o.rules("Or") {
		r.or = append(r.or, inner.rule(false))
	}
	if not, present := o.field("Not"); present {
		r.not = not.rule(false)
	}
	kinds := len(r.and) + len(r.or)
	o.only("And", "Or", "Not", "Variable")
	switch {
	case o.has("Variable"):
		r.comparison(o)
	case kinds == 0 && r.not == nil:
		o.fault("a choice is a comparison of a Variable, or one of And, Or and Not")
	}
	o.close("a choice")
	return r
}

func (o *object) rules(name string) []node {
	if !o.has(name) {
		o.known[name] = true
		return nil
	}
	return o.list(name, 1)
}

func (r *rule) comparison(o *object) {
	r.variable = o.reference("Variable", true)
	var found []string
	for _, name := range slices.Sorted(maps.Keys(o.fields)) {
		if plain, isPath := strings.CutSuffix(name, "Path"); operators[name] != nil || (isPath && hasPathVariant(plain)) {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		o.fault("one operator is expected: %v", found)
		return
	}
	n, _ := o.field(found[0])
	plain, isPath := strings.CutSuffix(found[0], "Path")
	if r.operator = plain; isPath {
		r.other = o.reference(found[0], true)
		return
	}
	r.operand = n.operand(plain)
}

// hasPathVariant reports whether an operator has a variant that ends in Path.
func hasPathVariant(operator string) bool {
	return operators[operator] != nil && !strings.HasPrefix(operator, "Is") && operator != "StringMatches"
}

// operand reads what an operator compares with.
func (n node) operand(operator string) any {
	value := plain(n.value)
	_, isText := value.(string)
	_, isNumber := number(value)
	_, isTruth := value.(bool)
	_, isTime := timestamp(value)
	switch {
	case operator == "StringMatches":
		if !isText || !validPattern(value.(string)) {
			n.fault("a pattern is expected")
		}
	case strings.HasPrefix(operator, "String") && !isText:
		n.fault("text is expected")
	case strings.HasPrefix(operator, "Numeric") && !isNumber:
		n.fault("a number is expected")
	case strings.HasPrefix(operator, "Timestamp") && !isTime:
		n.fault("a time such as 2026-11-23T14:00:00Z is expected")
	case (operator == "BooleanEquals" || strings.HasPrefix(operator, "Is")) && !isTruth:
		n.fault("true or false is expected")
	}
	return value
}

// matches decides a rule. And and Or stop at the first answer, so that IsPresent can guard what follows it.
func (r *rule) matches(s scope) (bool, error) {
	switch {
	case r.not != nil:
		matched, err := r.not.matches(s)
		return !matched, err
	case r.and != nil:
		for _, inner := range r.and {
			if matched, err := inner.matches(s); err != nil || !matched {
				return false, err
			}
		}
		return true, nil
	case r.or != nil:
		for _, inner := range r.or {
			if matched, err := inner.matches(s); err != nil || matched {
				return matched, err
			}
		}
		return false, nil
	default:
		return r.compare(s)
	}
}

// compare decides a comparison. AWS: a variable that is not there fails the execution with States.Runtime, except for IsPresent.
func (r *rule) compare(s scope) (bool, error) {
	value, present := r.variable.find(s)
	if r.operator == "IsPresent" {
		return present == r.operand, nil
	}
	if !present {
		return false, badPath(r.variable)
	}
	operand := r.operand
	if r.other != nil {
		if operand, present = r.other.find(s); !present {
			return false, badPath(r.other)
		}
	}
	return operators[r.operator](value, operand), nil
}

func badPath(p *path) error {
	return runtimeError("Invalid path '%s': The choice state's condition path references an invalid value.", p.text)
}

// choose is what a Choice does.
func (v *visit) choose(data any) {
	for _, choice := range v.state.choices {
		matched, err := choice.matches(v.scope(data))
		if err != nil {
			v.failed(asFailure(err))
			return
		}
		if matched {
			v.leave(data, choice.next)
			return
		}
	}
	if v.state.fallback == "" {
		v.failed(&failure{name: "States.NoChoiceMatched", cause: "no choice matches, and there is no Default"})
		return
	}
	v.leave(data, v.state.fallback)
}
