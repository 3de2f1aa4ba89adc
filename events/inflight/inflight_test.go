package inflight

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/internal/connection"
	"postern/internal/fleet"
	"postern/internal/proof/handlers"
)

var update = flag.Bool("update", false, "add to the recordings and the schema what is new; what is there stays")

// The files of the released schema version.
var (
	recordingsFile = fmt.Sprintf("%d.json", connection.SchemaVersion)
	schemaFile     = fmt.Sprintf("%d.schema", connection.SchemaVersion)
)

// Every scenario runs again with what was recorded in the place of what is handed over: today's functions take each recorded
// input, give all that state machines of then read, and the execution ends as it did.
func TestRecordings(t *testing.T) {
	t.Parallel()
	all := readRecordings(t)
	var mu sync.Mutex
	runs := recordings{}
	t.Cleanup(func() {
		changed := false
		for _, s := range scenarios() {
			changed = *update && all.add(s.name, runs[s.name]) || changed
		}
		if changed && !t.Failed() {
			raw, err := all.marshal()
			must(t, err)
			must(t, os.WriteFile(recordingsFile, raw, 0o644))
		}
	})
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			released, known := all[s.name]
			if !known && !*update {
				t.Fatal("there is no recording of it: run make golden")
			}
			p := newTape(s)
			p.replay = released.Calls
			replayed := map[string]bool{}
			p.answered = func(key string, was, is call) {
				replayed[key] = true
				for _, fault := range lacks(was.Output, is.Output) {
					t.Errorf("%s: the answer %s", key, fault)
				}
				if was.Error != is.Error {
					t.Errorf("%s ended %q, then %q", key, was.Error, is.Error)
				}
			}
			made := s.run(t, p)
			for key := range released.Calls {
				if !replayed[key] {
					t.Errorf("%s was not handed over again: executions that run are there, keep what serves them", key)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			runs[s.name] = made
		})
	}
}

// lacks compares the shapes of two JSON documents: everything in was has to be in is, of the same type. Null stands for any type.
func lacks(was, is json.RawMessage) []string {
	before, after := shape(was), shape(is)
	var faults []string
	for path, kind := range before {
		now, there := after[path]
		switch {
		case kind == "null":
		case !there:
			faults = append(faults, fmt.Sprintf("lacks %s", path))
		case now != kind && now != "null":
			faults = append(faults, fmt.Sprintf("has a %s at %s, not a %s", now, path, kind))
		}
	}
	slices.Sort(faults)
	return faults
}

// shape is the JSON type of every path in a document.
func shape(raw json.RawMessage) map[string]string {
	paths := map[string]string{}
	if len(raw) == 0 {
		return paths
	}
	var document any
	if err := json.Unmarshal(raw, &document); err != nil {
		paths[""] = err.Error()
		return paths
	}
	var walk func(path string, value any)
	walk = func(path string, value any) {
		switch value := value.(type) {
		case map[string]any:
			paths[path] = "object"
			for name, item := range value {
				walk(path+"."+name, item)
			}
		case []any:
			paths[path] = "list"
			for _, item := range value {
				walk(path+"[]", item)
			}
		case nil:
			if paths[path] == "" {
				paths[path] = "null"
			}
		default:
			paths[path] = reflect.TypeOf(value).String()
		}
	}
	walk("", document)
	return paths
}

// What is recorded is what the functions are handed: each state of both state machines that calls one is there.
func TestEveryStateIsRecorded(t *testing.T) {
	t.Parallel()
	recorded := map[string]bool{}
	for _, r := range readRecordings(t) {
		for key := range r.Calls {
			recorded[strings.Split(key, "/")[1]] = true
		}
	}
	for _, file := range []string{"workflow", "fleet"} {
		raw, err := os.ReadFile("../../infra/" + file + ".asl.json")
		must(t, err)
		for _, state := range calling(t, raw) {
			// More than 40 targets would be a long recording: the states of the distributed Map hand over what those of the other do. The
			// last try of a rollback comes after hours of retries, and is handed what the other tries are, and why the last one failed.
			if same := strings.TrimSuffix(strings.TrimSuffix(state, "Distributed"), "GaveUp"); !recorded[same] {
				t.Errorf("%s of %s calls a function, and nothing is recorded: add a scenario", state, file)
			}
		}
	}
}

func TestANewStateIsNoticed(t *testing.T) {
	t.Parallel()
	got := calling(t, []byte(`{"States": {"A": {"Type": "Task", "Resource": "${AFunction}"}, "B": {"Type": "Choice"}, "M": {"Type": "Map",
		"ItemProcessor": {"States": {"C": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"}}}}}}`))
	if want := []string{"A", "C"}; !slices.Equal(got, want) {
		t.Errorf("states %q, want %q", got, want)
	}
}

// calling returns the states of a definition that call a function.
func calling(t *testing.T, definition []byte) []string {
	t.Helper()
	type graph struct {
		States map[string]json.RawMessage
	}
	var states []string
	var walk func(raw []byte)
	walk = func(raw []byte) {
		var g graph
		must(t, json.Unmarshal(raw, &g))
		for name, raw := range g.States {
			var state struct {
				Resource      string
				ItemProcessor json.RawMessage
			}
			must(t, json.Unmarshal(raw, &state))
			if strings.HasSuffix(state.Resource, "Function}") || strings.Contains(state.Resource, ":lambda:invoke") {
				states = append(states, name)
			}
			if state.ItemProcessor != nil {
				walk(state.ItemProcessor)
			}
		}
	}
	walk(definition)
	slices.Sort(states)
	return states
}

// inputs are the types that the functions decode their inputs into.
var inputs = map[string]string{
	"plan": "PlanInput", "await-gate": "GateInput", "rollback": "RollbackInput", "probe": "ProbeInput", "relay": "ProbeInput",
	"fleet": "FleetInput",
}

// functionOf returns a function's handler: the function postern-probe-agents-prod is a probe.
func functionOf(name string) string {
	var best string
	for handler := range handlers.All() {
		if strings.HasPrefix(strings.TrimPrefix(name, "postern-"), handler) && len(handler) > len(best) {
			best = handler
		}
	}
	return best
}

// Every recorded field is read into today's types and written again with the same value.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	details := map[string]string{
		connection.EventGateOpened: "GateNotice", connection.EventGateReminder: "GateReminder", connection.EventDrift: "DriftNotice",
		connection.EventOrphan: "OrphanNotice", connection.EventOffboarded: "RemovalReport",
	}
	for name, r := range readRecordings(t) {
		for key, c := range r.Calls {
			var in struct {
				State json.RawMessage
				Step  fleet.Step
			}
			must(t, json.Unmarshal(c.Input, &in))
			switch function := functionOf(c.Function); {
			case function == "fleet" && in.Step == fleet.StepTarget: // the input has a whole DescribeExecution, of which little is read
				continue
			case function == "plan": // decodes the state later
				checkKept(t, name+": "+key, in.State, "State")
			}
			checkKept(t, name+": "+key, c.Input, cmp.Or(inputs[functionOf(c.Function)], "StepInput"))
		}
		for key, e := range r.Events {
			checkKept(t, name+": event "+key, e.Detail, cmp.Or(details[e.DetailType], "Observation"))
		}
		for key, item := range r.Items {
			for attribute, root := range map[string]string{"ledger": "Ledger", "expects": "Expectation", "drift": "Drift"} {
				if kept := item[attribute]; kept != "" {
					checkKept(t, name+": "+attribute+" "+key, json.RawMessage(kept), root)
				}
			}
		}
	}
}

// ofRequest are the fields of a request at the top of a path: the state of a machine begins as the request, and no function reads
// them there.
var ofRequest = regexp.MustCompile(`^\.(` + strings.Join(jsonNames(reflect.TypeFor[connection.Request]()), "|") + `)\b`)

func jsonNames(of reflect.Type) []string {
	var names []string
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// checkKept reads a document as one of the roots and writes it again.
func checkKept(t *testing.T, what string, raw json.RawMessage, root string) {
	t.Helper()
	into := reflect.New(roots[root])
	if err := json.Unmarshal(raw, into.Interface()); err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	again, err := json.Marshal(into.Interface())
	must(t, err)
	var was, is any
	must(t, decode(raw, &was))
	must(t, decode(again, &is))
	for _, path := range lost("", was, is) {
		state, within := strings.CutPrefix(path, ".state")
		if root == "State" {
			state, within = path, true
		}
		if !within || !ofRequest.MatchString(state) {
			t.Errorf("%s: %s is lost as a %s", what, path, root)
		}
	}
}

func decode(raw []byte, into *any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return decoder.Decode(into)
}

// lost returns the paths of was whose values are not in is. Null is nothing, and so is a zero that is left out: it is read again
// as zero. A field that is gone, TestSchema sees.
func lost(path string, was, is any) []string {
	switch was := was.(type) {
	case nil:
		return nil
	case map[string]any:
		object, _ := is.(map[string]any)
		var paths []string
		for _, name := range slices.Sorted(maps.Keys(was)) {
			paths = append(paths, lost(path+"."+name, was[name], object[name])...)
		}
		return paths
	case []any:
		list, _ := is.([]any)
		if len(list) != len(was) {
			return []string{path}
		}
		var paths []string
		for i := range was {
			paths = append(paths, lost(fmt.Sprintf("%s[%d]", path, i), was[i], list[i])...)
		}
		return paths
	case string:
		text, _ := is.(string)
		a, errA := time.Parse(time.RFC3339Nano, was)
		b, errB := time.Parse(time.RFC3339Nano, text)
		if was == text || errA == nil && errB == nil && a.Equal(b) {
			return nil
		}
	default:
		if was == is || is == nil && was == json.Number("0") {
			return nil
		}
	}
	return []string{path}
}

// The comparison sees a field that is renamed, retyped or dropped by a type of today's.
func TestLost(t *testing.T) {
	t.Parallel()
	recorded := `{"a": "x", "n": 3, "at": "2026-11-02T14:00:00.100Z", "list": [{"b": true}], "none": null, "zero": 0}`
	for name, test := range map[string]struct {
		today string
		want  []string
	}{
		"the same":             {recorded, nil},
		"another form of time": {`{"a": "x", "n": 3, "at": "2026-11-02T14:00:00.1Z", "list": [{"b": true}], "new": 1}`, nil},
		"renamed":              {`{"aa": "x", "n": 3, "at": "2026-11-02T14:00:00.1Z", "list": [{"b": true}]}`, []string{".a"}},
		"retyped":              {`{"a": "x", "n": "3", "at": "2026-11-02T14:00:00.1Z", "list": [{"b": true}]}`, []string{".n"}},
		"renamed in a list":    {`{"a": "x", "n": 3, "at": "2026-11-02T14:00:00.1Z", "list": [{"c": true}]}`, []string{".list[0].b"}},
		"a list cut":           {`{"a": "x", "n": 3, "at": "2026-11-02T14:00:00.1Z", "list": []}`, []string{".list"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var was, is any
			must(t, decode([]byte(recorded), &was))
			must(t, decode([]byte(test.today), &is))
			if got := lost("", was, is); !slices.Equal(got, test.want) {
				t.Errorf("lost %q, want %q", got, test.want)
			}
		})
	}
}

// A recording is never made again, and holds no secret.
func TestRecordingsStay(t *testing.T) {
	t.Parallel()
	have := recordings{"s": {Calls: map[string]call{"x/A": {Error: "old"}}, Items: map[string]map[string]string{}, Events: map[string]event{}}}
	made := recording{Calls: map[string]call{"x/A": {Error: "new"}, "x/B": {Error: "new"}, "y/B": {Error: "new"}}}
	if !have.add("s", made) || have["s"].Calls["x/A"].Error != "old" || have["s"].Calls["x/B"].Error != "new" || len(have["s"].Calls) != 2 {
		t.Errorf("after an addition: %+v", have)
	}
	if have.add("s", made) {
		t.Error("nothing was new, and something was added")
	}
	raw, err := os.ReadFile(recordingsFile)
	must(t, err)
	if at := token.FindIndex(raw); at != nil {
		t.Errorf("a task token is recorded, at byte %d", at[0])
	}
	if secret := regexp.MustCompile(`(?i)whsec_|bearer |secretaccesskey`).Find(raw); secret != nil {
		t.Errorf("a secret is recorded: %s", secret)
	}
}
