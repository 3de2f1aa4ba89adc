package states

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Machine is a state machine to run.
type Machine struct {
	ARN, Name, RoleARN string
	Definition         []byte
}

// machine is a loaded Machine.
type machine struct {
	Machine
	graph   *graph
	timeout time.Duration // of an execution; 0: none
	added   time.Time
}

// graph is the states of a machine or of a Map's item processor.
type graph struct {
	path   string
	start  string
	states map[string]*state
}

// state is one state; each type uses the fields that it has.
type state struct {
	name, kind string // kind is Task, Choice, …
	next       string // "" at the end
	path       string

	input, output, result place
	parameters            *template // of Map: ItemSelector
	selector              *template // ResultSelector
	fixed                 any       // Result of Pass
	isFixed               bool

	retry []*retrier
	catch []*catcher

	resource  resource
	timeout   limit
	heartbeat limit

	choices  []*rule
	fallback string // Default

	seconds int64 // of a Wait
	fail    ending

	items       *path        // ItemsPath
	width       int64        // MaxConcurrency
	distributed *distributed // nil: inline
	processor   *graph       // of a Map
}

// limit is a number of seconds, fixed or from a path; 0 without a path: none.
type limit struct {
	field   string
	seconds int64
	path    *path
}

// load reads a definition and returns every fault of it, each with its path.
func load(definition []byte) (*graph, time.Duration, error) {
	// AWS: CreateStateMachine's definition has at most 1,048,576 characters.
	if len(definition) > 1<<20 {
		return nil, 0, errors.New("$: larger than 1,048,576 bytes")
	}
	n, err := document(definition)
	if err != nil {
		return nil, 0, err
	}
	o := n.object()
	o.text("Comment")
	o.word("Version", "1.0")
	timeout := o.integer("TimeoutSeconds", 1, 0)
	g := o.graph(map[string]string{})
	o.close("a state machine")
	if len(*n.faults) > 0 {
		slices.Sort(*n.faults)
		var faults []error
		for _, fault := range *n.faults {
			faults = append(faults, errors.New(fault))
		}
		return nil, 0, errors.Join(faults...)
	}
	return g, time.Duration(timeout) * time.Second, nil
}

// graph reads StartAt and States. Names are the states seen so far with their paths: AWS wants them unique in the whole machine.
func (o *object) graph(names map[string]string) *graph {
	g := &graph{path: o.path, start: o.needed("StartAt"), states: map[string]*state{}}
	n, _ := o.field("States")
	states := n.object()
	if len(states.fields) == 0 {
		n.fault("at least one state is expected")
	}
	for _, name := range slices.Sorted(maps.Keys(states.fields)) {
		inner, _ := states.field(name)
		if other, taken := names[name]; taken {
			inner.fault("%s has the same name; names are unique in a state machine", other)
		}
		if len(name) == 0 || len([]rune(name)) > 80 {
			inner.fault("the name of a state has 1 to 80 characters")
		}
		names[name] = inner.path
		g.states[name] = inner.state(name, names)
	}
	g.check(o)
	return g
}

// check sees that every state that is named exists and every state is reached.
func (g *graph) check(o *object) {
	reached := map[string]bool{}
	var visit func(from, name string)
	visit = func(from, name string) {
		s, exists := g.states[name]
		switch {
		case !exists:
			node{path: from, faults: o.faults}.fault("there is no state %q", name)
		case !reached[name]:
			reached[name] = true
			for _, target := range s.targets() {
				visit(target.field, target.state)
			}
		}
	}
	if g.start != "" {
		visit(o.path+".StartAt", g.start)
	}
	for _, name := range slices.Sorted(maps.Keys(g.states)) {
		if !reached[name] {
			node{path: g.states[name].path, faults: o.faults}.fault("no state leads here")
		}
	}
}

// target is a state that a field names.
type target struct{ field, state string }

func (s *state) targets() []target {
	var all []target
	add := func(field, name string) {
		if name != "" {
			all = append(all, target{s.path + field, name})
		}
	}
	add(".Next", s.next)
	add(".Default", s.fallback)
	for i, c := range s.catch {
		add(fmt.Sprintf(".Catch[%d].Next", i), c.next)
	}
	for i, r := range s.choices {
		add(fmt.Sprintf(".Choices[%d].Next", i), r.next)
	}
	return all
}
