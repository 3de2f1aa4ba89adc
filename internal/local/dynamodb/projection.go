package dynamodb

import (
	"maps"
	"slices"
)

// parseProjection reads a list of paths.
func parseProjection(text string, s *scope) ([]path, error) {
	return parseAll("ProjectionExpression", text, s, func(p *parser) []path {
		paths := []path{p.path()}
		for p.accept(",") {
			paths = append(paths, p.path())
		}
		p.distinct(paths)
		return paths
	})
}

// wanted is a tree of the paths that a projection keeps.
type wanted struct {
	all     bool
	members map[string]*wanted
	indexes map[int]*wanted
}

// project returns the parts of an item that the paths lead to. Elements of a list move together.
func project(item Item, paths []path) Item {
	root := &wanted{}
	for _, p := range paths {
		root.add(p)
	}
	kept, _ := root.of(Value{Kind: Map, Map: item})
	if kept.Map == nil {
		return Item{}
	}
	return kept.Map
}

func (w *wanted) add(p path) {
	if len(p) == 0 {
		w.all = true
		return
	}
	if p[0].name != "" {
		if w.members == nil {
			w.members = map[string]*wanted{}
		}
		if w.members[p[0].name] == nil {
			w.members[p[0].name] = &wanted{}
		}
		w.members[p[0].name].add(p[1:])
		return
	}
	if w.indexes == nil {
		w.indexes = map[int]*wanted{}
	}
	if w.indexes[p[0].index] == nil {
		w.indexes[p[0].index] = &wanted{}
	}
	w.indexes[p[0].index].add(p[1:])
}

// of is the wanted part of a value, or false when it has none.
func (w *wanted) of(v Value) (Value, bool) {
	if w.all {
		return v, true
	}
	kept := Value{Kind: v.Kind}
	switch v.Kind {
	case Map:
		for name, inner := range w.members {
			member, has := v.Map[name]
			if !has {
				continue
			}
			if part, found := inner.of(member); found {
				if kept.Map == nil {
					kept.Map = map[string]Value{}
				}
				kept.Map[name] = part
			}
		}
	case List:
		for _, index := range slices.Sorted(maps.Keys(w.indexes)) {
			if index >= len(v.List) {
				continue
			}
			if part, found := w.indexes[index].of(v.List[index]); found {
				kept.List = append(kept.List, part)
			}
		}
	}
	return kept, kept.Map != nil || kept.List != nil
}
