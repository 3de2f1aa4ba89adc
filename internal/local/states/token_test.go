package states_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/local/states"
)

func code(err error) string {
	if err == nil {
		return ""
	}
	name, _, _ := strings.Cut(err.Error(), ":")
	return name
}

func (w *world) wantCode(want string, err error) {
	w.Helper()
	if got := code(err); got != want {
		w.Errorf("got %v, want %s", err, want)
	}
}

func TestTokensAreUsedOnce(t *testing.T) {
	t.Parallel()
	w := open(t, gate(""), nil)
	w.whenWaiting(func(_, token string) {
		w.wantCode("InvalidOutput", w.sfn.SendTaskSuccess(token, "{"))
		w.wantCode("ValidationException", w.sfn.SendTaskSuccess(token, `"`+strings.Repeat("x", 262_143)+`"`))
		w.wantCode("ValidationException", w.sfn.SendTaskFailure(token, strings.Repeat("x", 257), ""))
		w.wantCode("ValidationException", w.sfn.SendTaskFailure(token, "", strings.Repeat("x", 32_769)))
		w.must(w.sfn.SendTaskSuccess(token, `{"a":1}`))
		w.wantCode("TaskTimedOut", w.sfn.SendTaskSuccess(token, `{}`))
		w.wantCode("TaskTimedOut", w.sfn.SendTaskFailure(token, "E", "C"))
		w.wantCode("TaskTimedOut", w.sfn.SendTaskHeartbeat(token))
		w.wantCode("TaskDoesNotExist", w.sfn.SendTaskHeartbeat(strings.Repeat("A", 40)))
		w.wantCode("InvalidToken", w.sfn.SendTaskHeartbeat("what?"))
		w.wantCode("ValidationException", w.sfn.SendTaskHeartbeat(""))
		w.wantCode("ValidationException", w.sfn.SendTaskHeartbeat(strings.Repeat("A", 2049)))
	})
	e := w.run(`{}`)
	jsonEqual(t, e.Output, `{"a":1}`)
	w.wantCode("TaskTimedOut", w.sfn.SendTaskSuccess(w.fake.lastToken(), `{}`))
}

func TestTokensLookLikeAWS(t *testing.T) {
	t.Parallel()
	issue := func(name string) []string {
		w := open(t, gate(`,"Retry":[{"ErrorEquals":["States.Timeout"],"MaxAttempts":1}]`), nil)
		arn, err := w.sfn.Start(machineARN, name, []byte("{}"), "")
		if err != nil {
			t.Fatal(err)
		}
		w.finish(arn)
		return w.fake.tokens
	}
	first := issue("n")
	if len(first) != 2 || first[0] == first[1] {
		t.Fatalf("a retry waits for the same token: %v", first)
	}
	if diff := cmp.Diff(first, issue("n")); diff != "" {
		t.Errorf("the same scenario issues other tokens: %s", diff)
	}
	if other := issue("o"); slices.Contains(first, other[0]) {
		t.Error("another execution waits for the same token")
	}
	for _, token := range first {
		if !regexp.MustCompile(`^[A-Za-z0-9+/]+=*$`).MatchString(token) || len(token) < 200 || len(token) > 1024 {
			t.Errorf("got %s", token)
		}
	}
}

func TestFailureByToken(t *testing.T) {
	t.Parallel()
	w := open(t, gate(`,"Catch":[{"ErrorEquals":["Rejected"],"Next":"B"}]`), nil)
	w.whenWaiting(func(_, token string) { w.must(w.sfn.SendTaskFailure(token, "Rejected", "no")) })
	jsonEqual(t, w.run(`{}`).Output, `{"Error":"Rejected","Cause":"no"}`)
}

// A callback may overtake the answer of the function that handed the token out. It ends the task; what the function then says,
// even that it failed, is of no consequence.
func TestTheTokenOvertakesItsFunction(t *testing.T) {
	t.Parallel()
	const retriers = `,"Retry":[{"ErrorEquals":["Boom"]}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"B"}]`
	tests := map[string]struct {
		answer string
		send   func(*world) error
		path   string
	}{
		"success, then an answer": {"{}", func(w *world) error { return w.sfn.SendTaskSuccess(w.fake.lastToken(), `1`) }, "A"},
		"success, then a failure": {"!Boom", func(w *world) error { return w.sfn.SendTaskSuccess(w.fake.lastToken(), `1`) }, "A"},
		"success, then no JSON":   {"{", func(w *world) error { return w.sfn.SendTaskSuccess(w.fake.lastToken(), `1`) }, "A"},
		"failure, then an answer": {"{}", func(w *world) error { return w.sfn.SendTaskFailure(w.fake.lastToken(), "E", "") }, "A B"},
		"failure, then a failure": {"!Boom", func(w *world) error { return w.sfn.SendTaskFailure(w.fake.lastToken(), "E", "") },
			"A B"},
		"a failure comes first":    {"!Bang", func(*world) error { return nil }, "A B"},
		"the execution is stopped": {"{}", func(w *world) error { return w.sfn.Stop(w.execution(executionARN).ARN, "S", "") }, "A"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, gate(retriers), map[string][]string{"f": {test.answer}})
			w.fake.during = func(states.Invocation) { w.must(test.send(w)) }
			e := w.run(`{}`)
			w.advance(2 * time.Hour) // nothing may come after
			if path := strings.Join(w.execution(e.ARN).Path, " "); path != test.path || len(w.fake.calls) != 1 {
				t.Errorf("path %s after %d calls, want %s", path, len(w.fake.calls), test.path)
			}
			if waited := w.kinds(states.Waiting); len(waited) > 0 && name != "the execution is stopped" {
				t.Errorf("told to wait for what had come: %v", waited)
			}
			if retried := w.kinds(states.Retrying); len(retried) > 0 {
				t.Errorf("retried: %v", retried)
			}
			w.wantCode("TaskTimedOut", w.sfn.SendTaskSuccess(w.fake.lastToken(), `1`))
		})
	}
}

const executionARN = "arn:aws:states:us-east-1:111122223333:execution:m:n"

func TestHeartbeats(t *testing.T) {
	t.Parallel()
	w := open(t, gate(`,"HeartbeatSeconds":600`), nil)
	w.whenWaiting(func(_, token string) {
		var beat func()
		beat = func() {
			if w.clock.Now().Sub(start) < 40*time.Minute {
				w.must(w.sfn.SendTaskHeartbeat(token))
				w.clock.After(9*time.Minute, "a beat", beat)
			}
		}
		beat()
	})
	e := w.run(`{}`)
	want := 36*time.Minute + latency + 10*time.Minute // the last beat, and what it is good for
	if took := e.StoppedAt.Sub(start); took != want || e.Error != "States.HeartbeatTimeout" {
		t.Errorf("%s after %s, want a lost heartbeat after %s", e.Error, took, want)
	}
}

// AWS: TimeoutSeconds is the most that a task takes, however many heartbeats come.
func TestHeartbeatsDoNotProlongTheTimeout(t *testing.T) {
	t.Parallel()
	w := open(t, gate(`,"HeartbeatSeconds":600`), nil)
	w.whenWaiting(func(_, token string) {
		var beat func()
		beat = func() {
			if w.sfn.SendTaskHeartbeat(token) == nil {
				w.clock.After(5*time.Minute, "a beat", beat)
			}
		}
		beat()
	})
	if e := w.run(`{}`); e.Error != "States.Timeout" || e.StoppedAt.Sub(start) != time.Hour {
		t.Errorf("%s after %s", e.Error, e.StoppedAt.Sub(start))
	}
}

func TestStateEvents(t *testing.T) {
	t.Parallel()
	w := open(t, gate(`,"Retry":[{"ErrorEquals":["Boom"]}],"Catch":[{"ErrorEquals":["Rejected"],"Next":"B"}]`),
		map[string][]string{"f": {"!Boom", "{}"}})
	w.whenWaiting(func(_, token string) {
		w.clock.After(time.Minute, "the vendor", func() { w.must(w.sfn.SendTaskFailure(token, "Rejected", "no")) })
	})
	arn := w.start(`{}`)
	w.finish(arn)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	event := func(e states.StateEvent) states.StateEvent {
		e.Execution = arn
		if e.State == "" {
			e.State, e.Type, e.TokenWait = "A", "Task", true
		}
		return e
	}
	failure := `{"Cause":"no","Error":"Rejected"}`
	want := []states.StateEvent{
		event(states.StateEvent{Kind: states.Entered, At: at(0)}),
		event(states.StateEvent{Kind: states.Retrying, At: at(latency), Error: "Boom",
			Cause: `{"errorMessage":"because","errorType":"Boom"}`,
			Delay: time.Second}),
		event(states.StateEvent{Kind: states.Waiting, At: at(2*latency + time.Second),
			Deadline: at(latency + time.Second + time.Hour)}),
		event(states.StateEvent{Kind: states.Caught, At: at(2*latency + time.Second + time.Minute), Error: "Rejected", Cause: "no"}),
		event(states.StateEvent{Kind: states.Exited, At: at(2*latency + time.Second + time.Minute), Output: []byte(failure)}),
		event(states.StateEvent{State: "B", Type: "Pass", Kind: states.Entered, At: at(2*latency + time.Second + time.Minute)}),
		event(states.StateEvent{State: "B", Type: "Pass", Kind: states.Exited, At: at(2*latency + time.Second + time.Minute),
			Output: []byte(failure)}),
	}
	if diff := cmp.Diff(want, w.events); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"RUNNING", "SUCCEEDED"}, w.status); diff != "" {
		t.Error(diff)
	}
}

func TestInvocations(t *testing.T) {
	t.Parallel()
	direct := task(`,"Parameters":{"b.$":"$.a"},"ResultPath":"$.r"`)
	integration := definition("A", `"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","End":true,`+
		`"Parameters":{"FunctionName.$":"$.name","Payload":{"b.$":"$.a"}},"ResultPath":"$.r"`)
	tests := map[string]struct{ definition, function, output string }{
		"direct": {direct, function + "f", `{"a":1,"name":"f","r":{"ok":true}}`},
		"integration": {integration, "f",
			`{"a":1,"name":"f","r":{"ExecutedVersion":"$LATEST","Payload":{"ok":true},"StatusCode":200}}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, test.definition, map[string][]string{"f": {`{"ok":true}`}})
			e := w.run(`{"a":1,"name":"f"}`)
			jsonEqual(t, e.Output, test.output)
			want := []states.Invocation{{Principal: "arn:aws:iam::111122223333:role/machine", Function: test.function,
				Payload:   []byte(`{"b":1}`),
				Execution: e.ARN, State: "A"}}
			if diff := cmp.Diff(want, w.fake.calls); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A Map keeps to its width.
func TestMapWidth(t *testing.T) {
	t.Parallel()
	w := open(t, definition("A", `"Type":"Map","MaxConcurrency":2,"End":true,"ItemProcessor":`+definition("P",
		`"Type":"Wait","Seconds":10,"End":true`)), nil)
	arn := w.start(`[1,2,3,4,5]`)
	w.advance(5 * time.Second)
	if got := w.execution(arn).CurrentStates; !slices.Equal(got, []string{"A", "P", "P"}) {
		t.Errorf("in %v", got)
	}
	e := w.finish(arn)
	jsonEqual(t, e.Output, `[1,2,3,4,5]`)
	if took := e.StoppedAt.Sub(start); took != 30*time.Second || e.Transitions != 6 {
		t.Errorf("it took %s and %d transitions", took, e.Transitions)
	}
}
