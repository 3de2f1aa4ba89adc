package dynamodb

import (
	"cmp"
	"slices"
	"strings"
)

// update is a parsed update expression.
type update struct {
	sets    []assignment
	removes []path
	adds    []addition
	deletes []addition
}

type assignment struct {
	path  path
	value term
}

// term is the right side of an assignment: one operand, or two joined by + or -.
type term struct {
	operator string // "", + or -
	a, b     setOperand
}

// setOperand is an operand of SET: a path, a value, or a function of one.
type setOperand interface {
	from(Item) (Value, error)
}

type (
	setPath  struct{ path path }
	setValue struct{ value Value }
	fallback struct { // if_not_exists
		path  path
		value setOperand
	}
	listAppend struct{ a, b setOperand }
)

type addition struct {
	path  path
	value Value
}

var (
	errMissing   = invalid("The provided expression refers to an attribute that does not exist in the item")
	errWrongType = invalid("An operand in the update expression has an incorrect data type")
	errPath      = invalid("The document path provided in the update expression is invalid for update")
)

func (o setValue) from(Item) (Value, error) { return o.value, nil }

func (o setPath) from(i Item) (Value, error) {
	if v, found := o.path.find(i); found {
		return v, nil
	}
	return Value{}, errMissing
}

func (o fallback) from(i Item) (Value, error) {
	if v, found := o.path.find(i); found {
		return v, nil
	}
	return o.value.from(i)
}

func (o listAppend) from(i Item) (Value, error) {
	a, err := o.a.from(i)
	if err != nil {
		return Value{}, err
	}
	b, err := o.b.from(i)
	if err != nil {
		return Value{}, err
	}
	if a.Kind != List || b.Kind != List {
		return Value{}, errWrongType
	}
	return Value{Kind: List, List: slices.Concat(a.List, b.List)}, nil
}

func (t term) from(i Item) (Value, error) {
	a, err := t.a.from(i)
	if err != nil || t.operator == "" {
		return a, err
	}
	b, err := t.b.from(i)
	if err != nil {
		return Value{}, err
	}
	if a.Kind != Number || b.Kind != Number {
		return Value{}, errWrongType
	}
	compute := add
	if t.operator == "-" {
		compute = subtract
	}
	text, err := compute(a.Text, b.Text)
	return Value{Kind: Number, Text: text}, err
}

func parseUpdate(text string, s *scope) (update, error) {
	return parseAll("UpdateExpression", text, s, (*parser).update)
}

func (p *parser) update() update {
	var u update
	seen := map[string]bool{}
	for p.peek() != "" {
		clause := strings.ToUpper(p.peek())
		if seen[clause] {
			p.fail("The \"%s\" section can only be used once in an update expression;", clause)
		}
		seen[clause] = true
		switch clause {
		case "SET":
			u.sets = clauses(p, (*parser).assignment)
		case "REMOVE":
			u.removes = clauses(p, (*parser).path)
		case "ADD", "DELETE":
			read := clauses(p, (*parser).addition)
			p.checkAdditions(clause, read)
			if clause == "ADD" {
				u.adds = read
			} else {
				u.deletes = read
			}
		default:
			p.unexpected()
		}
	}
	p.distinct(u.paths())
	return u
}

// clauses reads a keyword and the list behind it.
func clauses[T any](p *parser, read func(*parser) T) []T {
	p.take()
	list := []T{read(p)}
	for p.accept(",") {
		list = append(list, read(p))
	}
	return list
}

func (p *parser) assignment() assignment {
	a := assignment{path: p.path()}
	p.expect("=")
	a.value = term{a: p.setOperand()}
	if operator := p.peek(); operator == "+" || operator == "-" {
		p.next++
		a.value.operator, a.value.b = operator, p.setOperand()
	}
	return a
}

func (p *parser) setOperand() setOperand {
	switch {
	case strings.HasPrefix(p.peek(), ":"):
		return setValue{p.value()}
	case p.follows() != "(":
		return setPath{p.path()}
	}
	name := p.take()
	p.expect("(")
	var read setOperand
	switch name {
	case "if_not_exists":
		f := fallback{path: p.path()}
		p.expect(",")
		f.value = p.setOperand()
		read = f
	case "list_append":
		l := listAppend{a: p.setOperand()}
		p.expect(",")
		l.b = p.setOperand()
		read = l
	default:
		p.fail("Invalid function name; function: %s", name)
	}
	p.expect(")")
	return read
}

func (p *parser) addition() addition { return addition{p.path(), p.value()} }

func (p *parser) checkAdditions(clause string, all []addition) {
	for _, a := range all {
		isSet := a.value.Kind == StringSet || a.value.Kind == NumberSet || a.value.Kind == BinarySet
		if p.err == nil && !isSet && (clause == "DELETE" || a.value.Kind != Number) {
			p.fail("Incorrect operand type for operator or function; operator: %s, operand type: %s, typeset: ALLOWED_FOR_%s_OPERAND",
				clause, typeNames[a.value.Kind], clause)
		}
	}
}

// paths are all paths that the update changes.
func (u update) paths() []path {
	var all []path
	for _, a := range u.sets {
		all = append(all, a.path)
	}
	all = append(all, u.removes...)
	for _, a := range slices.Concat(u.adds, u.deletes) {
		all = append(all, a.path)
	}
	return all
}

// apply returns the updated item; everything it reads is as it was before the update.
func (u update) apply(before Item) (Item, error) {
	changes, err := u.changes(before)
	if err != nil {
		return nil, err
	}
	after := Value{Kind: Map, Map: before.clone()}
	for _, c := range changes {
		if after, err = c.path.change(after, c.value); err != nil {
			return nil, err
		}
	}
	return after.Map, nil
}

// change is one thing that an update does to an item.
type change struct {
	path  path
	value *Value // nil removes
}

// changes are all that the update does, in an order in which none gets in the way of another.
func (u update) changes(before Item) ([]change, error) {
	var changes []change
	for _, a := range u.sets {
		v, err := a.value.from(before)
		if err != nil {
			return nil, err
		}
		v = v.clone()
		changes = append(changes, change{a.path, &v})
	}
	// What goes beyond the end of a list is appended, so the lower index goes first.
	slices.SortStableFunc(changes, func(a, b change) int { return a.path.compareIndex(b.path) })
	for _, a := range u.adds {
		v, err := a.sum(before)
		if err != nil {
			return nil, err
		}
		changes = append(changes, change{a.path, &v})
	}
	for _, a := range u.deletes {
		v, err := a.difference(before)
		if err != nil {
			return nil, err
		}
		changes = append(changes, change{a.path, v})
	}
	// Removing from a list moves what follows, so the higher index goes first, and all of them last.
	removes := slices.Clone(u.removes)
	slices.SortStableFunc(removes, func(a, b path) int { return b.compareIndex(a) })
	for _, p := range removes {
		changes = append(changes, change{p, nil})
	}
	return changes, nil
}

// compareIndex orders paths by the indexes where they first differ.
func (p path) compareIndex(other path) int {
	for i := range min(len(p), len(other)) {
		if p[i] != other[i] {
			return cmp.Compare(p[i].index, other[i].index)
		}
	}
	return 0
}

// change sets or removes what the path leads to inside a value.
func (p path) change(inside Value, value *Value) (Value, error) {
	s, last := p[0], len(p) == 1
	switch {
	case s.name != "" && inside.Kind == Map:
		member, has := inside.Map[s.name]
		switch {
		case last && value == nil:
			delete(inside.Map, s.name)
		case last:
			inside.Map[s.name] = *value
		case !has:
			return Value{}, errPath
		default:
			changed, err := p[1:].change(member, value)
			if err != nil {
				return Value{}, err
			}
			inside.Map[s.name] = changed
		}
		return inside, nil
	case s.name == "" && inside.Kind == List:
		return p.changeList(inside, value)
	}
	return Value{}, errPath
}

func (p path) changeList(inside Value, value *Value) (Value, error) {
	at, last := p[0].index, len(p) == 1
	within := at < len(inside.List)
	switch {
	case last && value == nil && within:
		inside.List = slices.Delete(inside.List, at, at+1)
	case last && value == nil:
	case last && within:
		inside.List[at] = *value
	case last:
		inside.List = append(inside.List, *value)
	case !within:
		return Value{}, errPath
	default:
		changed, err := p[1:].change(inside.List[at], value)
		if err != nil {
			return Value{}, err
		}
		inside.List[at] = changed
	}
	return inside, nil
}

// sum is the value after ADD.
func (a addition) sum(i Item) (Value, error) {
	old, found := a.path.find(i)
	switch {
	case !found:
		return a.value.clone(), nil
	case old.Kind != a.value.Kind:
		return Value{}, errWrongType
	case old.Kind == Number:
		text, err := add(old.Text, a.value.Text)
		return Value{Kind: Number, Text: text}, err
	}
	union := slices.Concat(old.Set, a.value.Set)
	slices.Sort(union)
	return Value{Kind: old.Kind, Set: slices.Compact(union)}, nil
}

// difference is the value after DELETE, or nil when nothing is left.
func (a addition) difference(i Item) (*Value, error) {
	old, found := a.path.find(i)
	if !found {
		return nil, nil
	}
	if old.Kind != a.value.Kind {
		return nil, errWrongType
	}
	left := slices.DeleteFunc(slices.Clone(old.Set), func(text string) bool { return slices.Contains(a.value.Set, text) })
	if len(left) == 0 {
		return nil, nil
	}
	return &Value{Kind: old.Kind, Set: left}, nil
}
