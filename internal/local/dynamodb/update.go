package dynamodb

import (
	"cmp"
	"slices"
	"strings"
)

// update is a parsed update expression: SET of values and REMOVE. ADD, DELETE, arithmetic and functions are not simulated.
type update struct {
	sets    []assignment
	removes []path
}

type assignment struct {
	path  path
	value Value
}

var errPath = invalid("The document path provided in the update expression is invalid for update")

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
	a.value = p.value()
	return a
}

// paths are all paths that the update changes.
func (u update) paths() []path {
	all := slices.Clone(u.removes)
	for _, a := range u.sets {
		all = append(all, a.path)
	}
	return all
}

// apply returns the updated item.
func (u update) apply(before Item) (Item, error) {
	after := Value{Kind: Map, Map: before.clone()}
	var err error
	// What goes beyond the end of a list is appended, so the lower index goes first.
	sets := slices.Clone(u.sets)
	slices.SortStableFunc(sets, func(a, b assignment) int { return a.path.compareIndex(b.path) })
	for _, a := range sets {
		value := a.value.clone()
		if after, err = a.path.change(after, &value); err != nil {
			return nil, err
		}
	}
	// Removing from a list moves what follows, so the higher index goes first.
	removes := slices.Clone(u.removes)
	slices.SortStableFunc(removes, func(a, b path) int { return b.compareIndex(a) })
	for _, p := range removes {
		if after, err = p.change(after, nil); err != nil {
			return nil, err
		}
	}
	return after.Map, nil
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
