package dynamodb

import (
	"slices"
	"strconv"
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
	sizeOperand  struct{ path path }
)

func (o pathOperand) of(i Item) (Value, bool) { return o.path.find(i) }
func (o valueOperand) of(Item) (Value, bool)  { return o.value, true }
func (o sizeOperand) of(i Item) (Value, bool) {
	v, found := o.path.find(i)
	length := 0
	switch v.Kind {
	case String, Binary:
		length = len(v.Text)
	case List:
		length = len(v.List)
	case Map:
		length = len(v.Map)
	case StringSet, NumberSet, BinarySet:
		length = len(v.Set)
	default:
		return Value{}, false // AWS: numbers, booleans and null have no size
	}
	return Value{Kind: Number, Text: strconv.Itoa(length)}, found
}

type (
	and   struct{ a, b condition }
	or    struct{ a, b condition }
	not   struct{ a condition }
	group struct{ a condition } // in parentheses

	comparison struct {
		operator string
		a, b     operand
	}
	between struct{ a, low, high operand }
	in      struct {
		a   operand
		any []operand
	}
	exists struct {
		path path
		want bool
	}
	function struct {
		name string
		a, b operand
	}
)

func (c and) holds(i Item) bool    { return c.a.holds(i) && c.b.holds(i) }
func (c or) holds(i Item) bool     { return c.a.holds(i) || c.b.holds(i) }
func (c not) holds(i Item) bool    { return !c.a.holds(i) }
func (c group) holds(i Item) bool  { return c.a.holds(i) }
func (c exists) holds(i Item) bool { _, found := c.path.find(i); return found == c.want }

// holds is false for what is not there or of another kind, but for <>: that is true then.
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

func (c between) holds(i Item) bool {
	return comparison{">=", c.a, c.low}.holds(i) && comparison{"<=", c.a, c.high}.holds(i)
}

func (c in) holds(i Item) bool {
	return slices.ContainsFunc(c.any, func(o operand) bool { return comparison{"=", c.a, o}.holds(i) })
}

func (c function) holds(i Item) bool {
	a, hasA := c.a.of(i)
	b, hasB := c.b.of(i)
	if !hasA || !hasB {
		return false
	}
	switch c.name {
	case "begins_with":
		return a.Kind == b.Kind && (a.Kind == String || a.Kind == Binary) && strings.HasPrefix(a.Text, b.Text)
	case "attribute_type":
		return string(a.Kind) == b.Text
	default:
		return contains(a, b)
	}
}

func contains(whole, part Value) bool {
	switch whole.Kind {
	case String, Binary:
		return part.Kind == whole.Kind && strings.Contains(whole.Text, part.Text)
	case List:
		return slices.ContainsFunc(whole.List, part.equal)
	case StringSet, NumberSet, BinarySet:
		return part.Kind == whole.Kind.element() && slices.Contains(whole.Set, part.Text)
	}
	return false
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
	if p.follows() == "(" && p.peek() != "size" {
		return p.function()
	}
	return p.comparison()
}

func (p *parser) function() condition {
	name := p.take()
	p.expect("(")
	var read condition
	switch name {
	case "attribute_exists", "attribute_not_exists":
		read = exists{p.path(), name == "attribute_exists"}
	case "attribute_type", "begins_with", "contains":
		f := function{name: name, a: p.operand()}
		p.expect(",")
		f.b = p.operand()
		p.checkFunction(f)
		read = f
	default:
		p.fail("Invalid function name; function: %s", name)
		return group{}
	}
	p.expect(")")
	return read
}

func (p *parser) checkFunction(f function) {
	literal, isLiteral := f.b.(valueOperand)
	switch {
	case f.name == "attribute_type" && (!isLiteral || typeNames[Kind(literal.value.Text)] == ""):
		p.fail("Invalid attribute type name found; type: %v", f.b)
	case f.name == "begins_with" && isLiteral && literal.value.Kind != String && literal.value.Kind != Binary:
		p.wrongType("begins_with", literal.value)
	}
}

func (p *parser) wrongType(operator string, v Value) {
	p.fail("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", operator, v.Kind)
}

func (p *parser) operand() operand {
	switch {
	case strings.HasPrefix(p.peek(), ":"):
		return valueOperand{p.value()}
	case p.peek() == "size" && p.follows() == "(":
		p.next += 2
		read := sizeOperand{p.path()}
		p.expect(")")
		return read
	}
	return pathOperand{p.path()}
}

func (p *parser) comparison() condition {
	a := p.operand()
	switch {
	case p.accept("BETWEEN"):
		read := between{a: a, low: p.operand()}
		p.expect("AND")
		read.high = p.operand()
		p.checkBetween(read)
		return read
	case p.accept("IN"):
		p.expect("(")
		read := in{a, []operand{p.operand()}}
		for p.accept(",") {
			read.any = append(read.any, p.operand())
		}
		p.expect(")")
		if len(read.any) > 100 {
			p.fail("Too many operands for IN; at most 100 are allowed")
		}
		return read
	case slices.Contains([]string{"=", "<>", "<", "<=", ">", ">="}, p.peek()):
		read := comparison{p.take(), a, p.operand()}
		p.checkComparison(read)
		return read
	}
	p.unexpected()
	return group{}
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
		p.checkOrdered(c.operator, o)
	}
}

// checkOrdered refuses a literal of a kind without an order.
func (p *parser) checkOrdered(operator string, o operand) {
	literal, ok := o.(valueOperand)
	if ok && literal.value.Kind != String && literal.value.Kind != Number && literal.value.Kind != Binary {
		p.wrongType(operator, literal.value)
	}
}

func (p *parser) checkBetween(c between) {
	p.checkOrdered("BETWEEN", c.low)
	p.checkOrdered("BETWEEN", c.high)
	low, isLow := c.low.(valueOperand)
	high, isHigh := c.high.(valueOperand)
	if !isLow || !isHigh || p.err != nil {
		return
	}
	order, ok := low.value.compare(high.value)
	if !ok {
		p.fail("The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: %s, "+
			"upper bound operand: AttributeValue: %s", low.value, high.value)
	}
	if order > 0 {
		p.fail("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: "+
			"AttributeValue: %s, upper bound operand: AttributeValue: %s", low.value, high.value)
	}
}
