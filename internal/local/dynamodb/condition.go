package dynamodb

import (
	"slices"
	"strings"
)

// condition is a parsed condition, filter or key condition.
type condition interface {
	holds(Item) bool
}

// operand is what a condition compares.
type operand interface {
	of(Item) (Value, bool)
}

type (
	pathOperand  struct{ path path }
	valueOperand struct{ value Value }
)

func (o pathOperand) of(i Item) (Value, bool) { return o.path.find(i) }
func (o valueOperand) of(Item) (Value, bool)  { return o.value, true }

type (
	and   struct{ a, b condition }
	or    struct{ a, b condition }
	not   struct{ a condition }
	group struct{ a condition } // in parentheses

	comparison struct {
		operator string
		a, b     operand
	}
	exists struct {
		path path
		want bool
	}
)

func (c and) holds(i Item) bool    { return c.a.holds(i) && c.b.holds(i) }
func (c or) holds(i Item) bool     { return c.a.holds(i) || c.b.holds(i) }
func (c not) holds(i Item) bool    { return !c.a.holds(i) }
func (c group) holds(i Item) bool  { return c.a.holds(i) }
func (c exists) holds(i Item) bool { _, found := c.path.find(i); return found == c.want }

// holds is false for a missing value or one of another kind, except for <>, which is true then.
func (c comparison) holds(i Item) bool {
	a, hasA := c.a.of(i)
	b, hasB := c.b.of(i)
	same := hasA && hasB && a.equal(b)
	switch c.operator {
	case "=":
		return same
	case "<>":
		return !same
	}
	order, ok := a.compare(b)
	if !hasA || !hasB || !ok {
		return false
	}
	switch c.operator {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}

func parseCondition(kind, text string, s *scope) (condition, error) {
	return parseAll(kind, text, s, (*parser).condition)
}

// condition reads a condition: OR binds weaker than AND, and AND weaker than NOT.
func (p *parser) condition() condition {
	read := p.conjunction()
	for p.accept("OR") {
		read = or{read, p.conjunction()}
	}
	return read
}

func (p *parser) conjunction() condition {
	read := p.negation()
	for p.accept("AND") {
		read = and{read, p.negation()}
	}
	return read
}

func (p *parser) negation() condition {
	if p.accept("NOT") {
		return not{p.negation()}
	}
	if p.accept("(") {
		inner := p.condition()
		p.expect(")")
		if _, doubled := inner.(group); doubled {
			p.fail("The expression has redundant parentheses")
		}
		return group{inner}
	}
	if p.follows() == "(" {
		return p.function()
	}
	return p.comparison()
}

func (p *parser) function() condition {
	name := p.take()
	p.expect("(")
	if name != "attribute_exists" && name != "attribute_not_exists" {
		p.fail("The function is not simulated; function: %s", name)
	}
	read := exists{p.path(), name == "attribute_exists"}
	p.expect(")")
	return read
}

func (p *parser) operand() operand {
	if strings.HasPrefix(p.peek(), ":") {
		return valueOperand{p.value()}
	}
	return pathOperand{p.path()}
}

func (p *parser) comparison() condition {
	a := p.operand()
	if !slices.Contains([]string{"=", "<>", "<", "<=", ">", ">="}, p.peek()) {
		p.unexpected()
		return group{}
	}
	read := comparison{p.take(), a, p.operand()}
	p.checkComparison(read)
	return read
}

func (p *parser) checkComparison(c comparison) {
	if a, ok := c.a.(pathOperand); ok {
		if b, ok := c.b.(pathOperand); ok && slices.Equal(a.path, b.path) {
			p.fail("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, "+
				"first operand: %v", c.operator, a.path)
		}
	}
	if c.operator == "=" || c.operator == "<>" {
		return
	}
	for _, o := range []operand{c.a, c.b} {
		literal, ok := o.(valueOperand)
		if ok && literal.value.Kind != String && literal.value.Kind != Number {
			p.fail("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", c.operator, literal.value.Kind)
		}
	}
}
