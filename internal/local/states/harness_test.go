package states_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/internal/local/clock"
	"postern/internal/local/states"
)

var start = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

const (
	account    = "111122223333"
	region     = "us-east-1"
	machineARN = "arn:aws:states:us-east-1:111122223333:stateMachine:m"
	function   = "arn:aws:lambda:us-east-1:111122223333:function:"
	latency    = 120 * time.Millisecond
)

// functions answers invocations by the function's name; a token that it is given is kept.
type functions struct {
	answers map[string][]string // in order, the last one for good; one that begins with ! is the name of a failure
	tokens  []string
	calls   []states.Invocation
	during  func(call states.Invocation) // what happens while a function runs
}

func (f *functions) Invoke(call states.Invocation) ([]byte, *states.Failure, time.Duration) {
	name := call.Function[strings.LastIndex(call.Function, ":")+1:]
	f.calls = append(f.calls, call)
	var payload struct {
		Token string `json:"token"`
	}
	if json.Unmarshal(call.Payload, &payload) == nil && payload.Token != "" {
		f.tokens = append(f.tokens, payload.Token)
	}
	if f.during != nil {
		f.during(call)
	}
	answers := f.answers[name]
	if len(answers) == 0 {
		return []byte("{}"), nil, 0
	}
	if len(answers) > 1 {
		f.answers[name] = answers[1:]
	}
	if failed, ok := strings.CutPrefix(answers[0], "!"); ok {
		return nil, &states.Failure{Error: failed, Cause: `{"errorMessage":"because","errorType":"` + failed + `"}`}, 0
	}
	return []byte(answers[0]), nil, 0
}

func (f *functions) lastToken() string { return f.tokens[len(f.tokens)-1] }

// world is a service with one machine, and what happened in it.
type world struct {
	*testing.T
	clock  *clock.Clock
	sfn    *states.Service
	fake   *functions
	events []states.StateEvent
	status []string
}

func open(t *testing.T, definition string, answers map[string][]string) *world {
	t.Helper()
	w := &world{T: t, clock: clock.New(start), fake: &functions{answers: maps.Clone(answers)}}
	w.sfn = states.New(w.clock, account, region, w.fake)
	w.add("m", definition)
	w.sfn.OnState(func(e states.StateEvent) { w.events = append(w.events, e) })
	w.sfn.OnStatusChange(func(e states.Execution) { w.status = append(w.status, string(e.Status)) })
	return w
}

func (w *world) add(name, definition string) {
	w.Helper()
	m := states.Machine{
		ARN: strings.TrimSuffix(machineARN, "m") +
			name, Name: name, RoleARN: "arn:aws:iam::111122223333:role/machine", Definition: []byte(definition),
	}
	if err := w.sfn.AddMachine(m); err != nil {
		w.Fatal(err)
	}
}

func (w *world) start(input string) string {
	w.Helper()
	arn, err := w.sfn.Start(machineARN, "n", []byte(input), "arn:aws:iam::111122223333:role/caller")
	if err != nil {
		w.Fatal(err)
	}
	return arn
}

func (w *world) execution(arn string) states.Execution {
	w.Helper()
	e, known := w.sfn.Execution(arn)
	if !known {
		w.Fatalf("there is no execution %s", arn)
	}
	return e
}

// finish lets time pass until an execution has ended.
func (w *world) finish(arn string) states.Execution {
	w.Helper()
	ended := func() bool { return w.execution(arn).Status != states.Running }
	if err := w.clock.Run(ended, start.AddDate(1, 0, 0)); err != nil {
		w.Fatalf("%v; path %v", err, w.execution(arn).Path)
	}
	return w.execution(arn)
}

func (w *world) run(input string) states.Execution {
	w.Helper()
	return w.finish(w.start(input))
}

// advance lets time pass.
func (w *world) advance(d time.Duration) {
	w.Helper()
	passed := false
	w.clock.After(d, "the end of the wait", func() { passed = true })
	if err := w.clock.Run(func() bool { return passed }, start.AddDate(2, 0, 0)); err != nil {
		w.Fatal(err)
	}
}

// whenWaiting calls f each time a task waits for its token.
func (w *world) whenWaiting(f func(state, token string)) {
	w.sfn.OnState(func(e states.StateEvent) {
		if e.Kind == states.Waiting {
			f(e.State, w.fake.lastToken())
		}
	})
}

// kinds are the events of a kind, each as "state error".
func (w *world) kinds(kind states.EventKind) []string {
	var all []string
	for _, e := range w.events {
		if e.Kind == kind {
			all = append(all, strings.TrimSpace(e.State+" "+e.Error))
		}
	}
	return all
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Error(err)
	}
}

// definition is a machine of states that are given as "Name", "fields", starting with the first.
func definition(states ...string) string {
	var all []string
	for pair := range slices.Chunk(states, 2) {
		all = append(all, fmt.Sprintf("%q:{%s}", pair[0], pair[1]))
	}
	return fmt.Sprintf(`{"StartAt":%q,"States":{%s}}`, states[0], strings.Join(all, ","))
}

func pass(fields string) string { return definition("A", `"Type":"Pass","End":true`+fields) }

// task is a Task that calls f, and B for its catchers.
func task(fields string) string {
	a := `"Type":"Task","Resource":"` + function + `f","End":true` + fields
	if strings.Contains(fields, `"Next":"B"`) {
		return definition("A", a, "B", `"Type":"Pass","End":true`)
	}
	return definition("A", a)
}

// gate is a Task that waits for its token, for at most an hour.
func gate(fields string) string {
	a := `"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","TimeoutSeconds":3600,"End":true,` +
		`"Parameters":{"FunctionName":"f","Payload":{"token.$":"$$.Task.Token"}}` + fields
	if strings.Contains(fields, `"Next":"B"`) {
		return definition("A", a, "B", `"Type":"Pass","End":true`)
	}
	return definition("A", a)
}

func parameters(expression string) string { return pass(`,"Parameters":{"x.$":"` + expression + `"}`) }

// jsonEqual compares two JSON texts.
func jsonEqual(t *testing.T, got []byte, want string) {
	t.Helper()
	compact := func(raw []byte) string {
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		out, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	if got, want := compact(got), compact([]byte(want)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
