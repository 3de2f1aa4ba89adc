package inflight

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/internal/approval"
	"postern/internal/connection"
	"postern/internal/fleet"
	"postern/internal/plan"
	"postern/internal/probe"
	"postern/internal/remove/rollback"
)

// roots are the types of everything that outlives a deploy. Where one holds another, its schema names it.
var roots = map[string]reflect.Type{
	"State":         reflect.TypeFor[connection.State](),
	"Plan":          reflect.TypeFor[connection.Plan](),
	"Ledger":        reflect.TypeFor[connection.Ledger](),
	"Expectation":   reflect.TypeFor[connection.Expectation](),
	"Drift":         reflect.TypeFor[connection.Drift](),
	"DriftNotice":   reflect.TypeFor[connection.DriftNotice](),
	"OrphanNotice":  reflect.TypeFor[connection.OrphanNotice](),
	"Observation":   reflect.TypeFor[connection.Observation](),
	"GateNotice":    reflect.TypeFor[connection.GateNotice](),
	"RemovalReport": reflect.TypeFor[connection.RemovalReport](),
	"GateReminder":  reflect.TypeFor[connection.GateReminder](),
	"Request":       reflect.TypeFor[connection.Request](),
	"FleetRequest":  reflect.TypeFor[connection.FleetRequest](),
	"StepInput":     reflect.TypeFor[connection.Input](),
	"PlanInput":     reflect.TypeFor[plan.Input](),
	"GateInput":     reflect.TypeFor[approval.GateInput](),
	"ProbeInput":    reflect.TypeFor[probe.Input](),
	"RollbackInput": reflect.TypeFor[rollback.Input](),
	"FleetInput":    reflect.TypeFor[fleet.Input](),
	"FleetPlan":     reflect.TypeFor[fleet.Plan](),
	"FleetEnded":    reflect.TypeFor[fleet.Ended](),
	"FleetResult":   reflect.TypeFor[fleet.Result](),
	"FleetResults":  reflect.TypeFor[fleet.Results](),
	"FleetReport":   reflect.TypeFor[fleet.Report](),
}

// schema is the type of every path: "State.plan.network.subnets[].az" is a "string". A type that ends in "?" may be absent.
type schema map[string]string

func schemaOf(roots map[string]reflect.Type) schema {
	s := schema{}
	for name, root := range roots {
		s.fields(roots, name, root)
	}
	return s
}

func (s schema) fields(roots map[string]reflect.Type, path string, of reflect.Type) {
	for i := range of.NumField() {
		field := of.Field(i)
		tag, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && tag == "":
			s.fields(roots, path, field.Type)
		case tag == "-" || !field.IsExported():
		default:
			if tag == "" {
				tag = field.Name
			}
			s.add(roots, path+"."+tag, field.Type, strings.Contains(options, "omit"))
		}
	}
}

var (
	timeType = reflect.TypeFor[time.Time]()
	rawType  = reflect.TypeFor[json.RawMessage]()
	textType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// add enters a path and what is below it.
func (s schema) add(roots map[string]reflect.Type, path string, of reflect.Type, optional bool) {
	if of.Kind() == reflect.Pointer {
		of, optional = of.Elem(), true
	}
	enter := func(kind string) {
		if optional {
			kind += "?"
		}
		s[path] = kind
	}
	for name, root := range roots {
		if of == root {
			enter(name)
			return
		}
	}
	switch kind := of.Kind(); {
	case of == timeType:
		enter("time")
	case of == rawType || kind == reflect.Interface:
		enter("any")
	case reflect.PointerTo(of).Implements(textType) || kind == reflect.String:
		enter("string")
	case kind == reflect.Bool:
		enter("bool")
	case kind == reflect.Int || kind == reflect.Int64:
		enter("integer")
	case kind == reflect.Float64:
		enter("number")
	case kind == reflect.Slice:
		enter("list")
		s.add(roots, path+"[]", of.Elem(), false)
	case kind == reflect.Map:
		enter("map")
		s.add(roots, path+"{}", of.Elem(), false)
	case kind == reflect.Struct:
		enter("object")
		s.fields(roots, path, of)
	default:
		panic("inflight: no schema of " + of.String())
	}
}

// broken says what executions, records and rules of the released schema would miss in today's: what is gone, what has another
// type, and what is new where it cannot be absent.
func (s schema) broken(today schema) []string {
	var faults []string
	for path, kind := range s {
		switch now, is := today[path]; {
		case !is:
			faults = append(faults, fmt.Sprintf("%s is gone; it was a %s", path, kind))
		case strings.TrimSuffix(now, "?") != strings.TrimSuffix(kind, "?"):
			faults = append(faults, fmt.Sprintf("%s is a %s; it was a %s", path, now, kind))
		case strings.HasSuffix(now, "?") && !strings.HasSuffix(kind, "?"):
			faults = append(faults, fmt.Sprintf("%s can be absent now; state machines that run read it", path))
		}
	}
	for path, kind := range today {
		_, known := s[path]
		holder := path[:strings.LastIndexAny(path, ".[{")]
		_, held := s[holder]
		if old := held || !strings.Contains(holder, ".") && s.has(holder); old && !known && !strings.HasSuffix(kind, "?") {
			faults = append(faults, fmt.Sprintf("%s is new and cannot be absent; it is in nothing that runs: make it omitempty", path))
		}
	}
	slices.Sort(faults)
	return faults
}

// has reports whether the schema has a root.
func (s schema) has(root string) bool {
	for path := range s {
		if strings.HasPrefix(path, root+".") {
			return true
		}
	}
	return false
}

func (s schema) String() string {
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, "%s %s\n", path, s[path])
	}
	return b.String()
}

func readSchema(t *testing.T, file string) schema {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	s := schema{}
	for line := range strings.Lines(string(raw)) {
		path, kind, _ := strings.Cut(strings.TrimSpace(line), " ")
		s[path] = kind
	}
	return s
}

// Nothing that runs is left behind: no field was renamed, retyped or removed, what is new may be absent, and no error has another
// name.
func TestSchema(t *testing.T) {
	t.Parallel()
	released, today := readSchema(t, schemaFile), schemaOf(roots)
	for _, name := range connection.ErrorNames { // definitions that run retry and catch errors by these
		today["Error."+name] = "name?"
	}
	for _, fault := range released.broken(today) {
		t.Error(fault)
	}
	if t.Failed() {
		return
	}
	if released.String() == today.String() {
		return
	}
	if !*update {
		t.Fatalf("%s lacks what is new: run make golden", schemaFile)
	}
	maps.Copy(today, released) // a path stays as it was released
	if err := os.WriteFile(schemaFile, []byte(today.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The check sees every way to break what runs, and lets through what does not.
func TestSchemaChanges(t *testing.T) {
	t.Parallel()
	type inner struct {
		B int `json:"b"`
	}
	type released struct {
		A string           `json:"a"`
		O string           `json:"o,omitempty"`
		I inner            `json:"i"`
		L []inner          `json:"l"`
		M map[string]inner `json:"m"`
		T time.Time        `json:"t"`
	}
	type same = released
	for name, test := range map[string]struct {
		today any
		want  string // the fault, or ""
	}{
		"nothing": {same{}, ""},
		"a new optional field": {struct {
			same
			N *inner `json:"n"`
			S string `json:"s,omitempty"`
		}{}, ""},
		"a new field that must be there": {struct {
			same
			N string `json:"n"`
		}{}, "Root.n is new"},
		"renamed": {struct {
			AA string           `json:"aa"`
			O  string           `json:"o,omitempty"`
			I  inner            `json:"i"`
			L  []inner          `json:"l"`
			M  map[string]inner `json:"m"`
			T  time.Time        `json:"t"`
		}{}, "Root.a is gone"},
		"retyped": {struct {
			A int              `json:"a"`
			O string           `json:"o,omitempty"`
			I inner            `json:"i"`
			L []inner          `json:"l"`
			M map[string]inner `json:"m"`
			T time.Time        `json:"t"`
		}{}, "Root.a is a integer; it was a string"},
		"renamed inside": {struct {
			A string  `json:"a"`
			O string  `json:"o,omitempty"`
			I inner   `json:"i"`
			L []inner `json:"l"`
			M map[string]struct {
				BB int `json:"bb"`
			} `json:"m"`
			T time.Time `json:"t"`
		}{}, "Root.m{}.b is gone"},
		"one of several": {struct {
			A string           `json:"a"`
			O string           `json:"o,omitempty"`
			I inner            `json:"i"`
			L inner            `json:"l"`
			M map[string]inner `json:"m"`
			T time.Time        `json:"t"`
		}{}, "Root.l is a object; it was a list"},
		"no longer always there": {struct {
			A string           `json:"a,omitempty"`
			O string           `json:"o,omitempty"`
			I inner            `json:"i"`
			L []inner          `json:"l"`
			M map[string]inner `json:"m"`
			T time.Time        `json:"t"`
		}{}, "Root.a can be absent now"},
		"a time as text": {struct {
			A string           `json:"a"`
			O string           `json:"o,omitempty"`
			I inner            `json:"i"`
			L []inner          `json:"l"`
			M map[string]inner `json:"m"`
			T string           `json:"t"`
		}{}, "Root.t is a string; it was a time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			of := func(value any) schema { return schemaOf(map[string]reflect.Type{"Root": reflect.TypeOf(value)}) }
			faults := strings.Join(of(released{}).broken(of(test.today)), "\n")
			if test.want == "" && faults != "" || !strings.Contains(faults, test.want) {
				t.Errorf("faults %q, want %q", faults, test.want)
			}
		})
	}
}

// Every single field of everything that is kept is guarded: renamed in a copy of the schema, it is missed.
func TestEveryFieldIsGuarded(t *testing.T) {
	t.Parallel()
	released := readSchema(t, schemaFile)
	for path, kind := range released {
		if strings.HasSuffix(path, "]") || strings.HasSuffix(path, "}") {
			continue
		}
		renamed := maps.Clone(released)
		delete(renamed, path)
		renamed[path+"Renamed"] = kind
		if faults := released.broken(renamed); !slices.ContainsFunc(faults, func(f string) bool { return strings.HasPrefix(f, path+" is gone") }) {
			t.Errorf("the schema check did not report that %s was renamed: %q", path, faults)
		}
	}
}
