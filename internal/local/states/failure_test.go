package states_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/local/states"
)

func TestFailures(t *testing.T) {
	t.Parallel()
	const where = "An error occurred while executing the state 'A' (entered at the event id #2). "
	boom := map[string][]string{"f": {"!Boom"}}
	tests := map[string]struct {
		definition, input string
		answers           map[string][]string
		error, path       string
		cause             string // when it matters
	}{
		"Parameters find nothing": {parameters("$.b"), `{"a":1}`, nil, "States.Runtime", "A",
			where + `The JSONPath '$.b' specified for the field 'x.$' could not be found in the input '{"a":1}'`},
		"a function's argument finds nothing": {parameters("States.ArrayLength($.b)"), `{}`, nil, "States.Runtime", "A", ""},
		"InputPath finds nothing": {pass(`,"InputPath":"$.b"`), `{}`, nil, "States.Runtime", "A",
			where + `The JSONPath '$.b' specified for the field 'InputPath' could not be found in the input '{}'`},
		"OutputPath finds nothing":     {pass(`,"OutputPath":"$.b"`), `{}`, nil, "States.Runtime", "A", ""},
		"ResultSelector finds nothing": {task(`,"ResultSelector":{"x.$":"$.b"}`), `{}`, nil, "States.Runtime", "A", ""},
		"the context lacks it":         {parameters("$$.Task.Token"), `{}`, nil, "States.Runtime", "A", ""},
		"ResultPath into a text": {pass(`,"Result":1,"ResultPath":"$.a.b"`), `{"a":"x"}`, nil,
			"States.ResultPathMatchFailure", "A", ""},
		"ResultPath behind a list": {pass(`,"Result":1,"ResultPath":"$.a[1]"`), `{"a":[0]}`, nil,
			"States.ResultPathMatchFailure", "A", ""},
		"Fail":                {definition("A", `"Type":"Fail","Error":"E","Cause":"C"`), `{}`, nil, "E", "A", "C"},
		"Fail without a word": {definition("A", `"Type":"Fail"`), `{}`, nil, "", "A", ""},
		"Fail by paths": {definition("A", `"Type":"Fail","ErrorPath":"$.e","CausePath":"States.Format('{}!', $.e)"`), `{"e":"X"}`, nil,
			"X", "A", "X!"},
		"Fail by a number":    {definition("A", `"Type":"Fail","ErrorPath":"$.e"`), `{"e":1}`, nil, "States.Runtime", "A", ""},
		"a function's error":  {task(""), `{}`, boom, "Boom", "A", `{"errorMessage":"because","errorType":"Boom"}`},
		"an answer, not JSON": {task(""), `{}`, map[string][]string{"f": {"{"}}, "States.Runtime", "A", ""},
		"catch": {task(`,"Catch":[{"ErrorEquals":["Other"],"Next":"A"},{"ErrorEquals":["Boom"],"Next":"B"}]`), `{}`, boom,
			"", "A B", ""},
		"catch all":               {task(`,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"B"}]`), `{}`, boom, "", "A B", ""},
		"catch States.TaskFailed": {task(`,"Catch":[{"ErrorEquals":["States.TaskFailed"],"Next":"B"}]`), `{}`, boom, "", "A B", ""},
		"catch something else":    {task(`,"Catch":[{"ErrorEquals":["Other"],"Next":"B"}]`), `{}`, boom, "Boom", "A", ""},
		"catch in another case":   {task(`,"Catch":[{"ErrorEquals":["boom"],"Next":"B"}]`), `{}`, boom, "Boom", "A", ""},
		"catch a failing ResultPath": {task(`,"ResultPath":"$.a.b","Catch":[{"ErrorEquals":["States.ALL"],"Next":"B"}]`), `{"a":1}`,
			nil, "", "A B", ""},
		"nothing catches States.Runtime": {task(`,"Parameters":{"x.$":"$.b"},"Retry":[{"ErrorEquals":["States.ALL"]}],` +
			`"Catch":[{"ErrorEquals":["States.Runtime"],"Next":"B"},{"ErrorEquals":["States.ALL"],"Next":"B"}]`),
			`{}`, nil, "States.Runtime", "A", ""},
		"a catcher's ResultPath fails": {task(`,"Catch":[{"ErrorEquals":["Boom"],"ResultPath":"$.a.b","Next":"B"}]`), `{"a":1}`, boom,
			"States.ResultPathMatchFailure", "A", ""},
		"retried until it works": {task(`,"Retry":[{"ErrorEquals":["Boom"],"MaxAttempts":2}]`), `{}`,
			map[string][]string{"f": {"!Boom", "!Boom", "1"}}, "", "A", ""},
		"retried in vain": {task(`,"Retry":[{"ErrorEquals":["Boom"],"MaxAttempts":2}]`), `{}`, boom, "Boom", "A", ""},
		"never retried": {task(`,"Retry":[{"ErrorEquals":["Boom"],"MaxAttempts":0}]`), `{}`, map[string][]string{"f": {"!Boom", "1"}},
			"Boom", "A", ""},
		"the first retrier that matches decides": {
			task(`,"Retry":[{"ErrorEquals":["Boom"],"MaxAttempts":0},{"ErrorEquals":["States.ALL"]}]`), `{}`,
			map[string][]string{"f": {"!Boom", "1"}}, "Boom", "A", ""},
		"a Map over an object": {each(`,"ItemsPath":"$.a"`), `{"a":{}}`, nil, "States.Runtime", "A",
			where + `Reference path "$.a" must point to array.`},
		"a Map's bad selector":   {each(`,"ItemSelector":{"x.$":"$.no"}`), `[1]`, nil, "States.Runtime", "A", ""},
		"no positive timeout":    {task(`,"TimeoutSecondsPath":"$.s"`), `{"s":0}`, nil, "States.Runtime", "A", ""},
		"a timeout that is gone": {task(`,"HeartbeatSecondsPath":"$.s"`), `{}`, nil, "States.Runtime", "A", ""},
		"a function by number": {definition("A",
			`"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":7},"End":true`),
			`{}`, nil, "States.Runtime", "A", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := open(t, test.definition, test.answers).run(test.input)
			if e.Error != test.error {
				t.Errorf("%s %q (%s), want %q", e.Status, e.Error, e.Cause, test.error)
			}
			if path := strings.Join(e.Path, " "); path != test.path {
				t.Errorf("path %s, want %s", path, test.path)
			}
			if test.cause != "" && e.Cause != test.cause {
				t.Errorf("cause %s\nwant  %s", e.Cause, test.cause)
			}
			if len(e.CurrentStates) > 0 {
				t.Errorf("ended, and still in %v", e.CurrentStates)
			}
		})
	}
}

func TestErrorOutput(t *testing.T) {
	t.Parallel()
	const failure = `{"Error":"Boom","Cause":"{\"errorMessage\":\"because\",\"errorType\":\"Boom\"}"}`
	tests := map[string]struct{ path, want string }{
		"replaces the input": {``, failure},
		"beside the input":   {`,"ResultPath":"$.e"`, `{"a":1,"e":` + failure + `}`},
		"thrown away":        {`,"ResultPath":null`, `{"a":1}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Parameters, InputPath and OutputPath do not touch what a catcher passes on.
			w := open(t, task(`,"InputPath":null,"Parameters":{"b":1},"OutputPath":null,`+
				`"Catch":[{"ErrorEquals":["Boom"],"Next":"B"`+test.path+`}]`),
				map[string][]string{"f": {"!Boom"}})
			jsonEqual(t, w.run(`{"a":1}`).Output, test.want)
			if diff := cmp.Diff([]string{"A Boom"}, w.kinds(states.Caught)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRetryDelays(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		retriers string
		answers  []string
		want     []time.Duration
	}{
		"defaults": {`{"ErrorEquals":["Boom"]}`, []string{"!Boom", "!Boom", "!Boom", "1"}, []time.Duration{1, 2, 4}},
		"no backoff": {`{"ErrorEquals":["Boom"],"IntervalSeconds":10,"BackoffRate":1}`, []string{"!Boom", "!Boom", "1"},
			[]time.Duration{10, 10}},
		"capped": {`{"ErrorEquals":["Boom"],"IntervalSeconds":10,"BackoffRate":3,"MaxDelaySeconds":20}`,
			[]string{"!Boom", "!Boom", "!Boom", "1"},
			[]time.Duration{10, 20, 20}},
		"each retrier counts its own": {`{"ErrorEquals":["Boom"],"MaxAttempts":2},` +
			`{"ErrorEquals":["States.ALL"],"IntervalSeconds":5,"MaxAttempts":2}`,
			[]string{"!Boom", "!Bang", "!Boom", "!Bang", "1"}, []time.Duration{1, 5, 2, 10}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, task(`,"Retry":[`+test.retriers+`]`), map[string][]string{"f": test.answers})
			e := w.run(`{}`)
			var got []time.Duration
			for _, event := range w.events {
				if event.Kind == states.Retrying {
					got = append(got, event.Delay/time.Second)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" || e.Status != states.Succeeded {
				t.Errorf("%s %s %s", e.Status, e.Error, diff)
			}
			if want := len(test.answers); e.Transitions != want {
				t.Errorf("%d transitions, want %d: the entry and each retry", e.Transitions, want)
			}
			if took := e.StoppedAt.Sub(e.StartedAt); took != sum(test.want)*time.Second+time.Duration(len(test.answers))*latency {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func sum(all []time.Duration) (total time.Duration) {
	for _, d := range all {
		total += d
	}
	return total
}

// AWS: with JitterStrategy FULL a delay is drawn from 0 to what it would be without.
func TestJitter(t *testing.T) {
	t.Parallel()
	delays := func() (all []time.Duration) {
		w := open(t, task(`,"Retry":[{"ErrorEquals":["Boom"],"IntervalSeconds":60,"BackoffRate":1,`+
			`"MaxAttempts":20,"JitterStrategy":"FULL"}]`),
			map[string][]string{"f": {"!Boom"}})
		w.run(`{}`)
		for _, event := range w.events {
			if event.Kind == states.Retrying {
				all = append(all, event.Delay)
			}
		}
		return all
	}
	first := delays()
	if diff := cmp.Diff(first, delays()); diff != "" {
		t.Errorf("the same scenario gave other delays: %s", diff)
	}
	if len(first) != 20 || slices.Max(first) > time.Minute || slices.Min(first) == slices.Max(first) {
		t.Errorf("got %v", first)
	}
}

// AWS: the data of a state has at most 262,144 bytes, and nothing but its own name catches that.
func TestDataLimit(t *testing.T) {
	t.Parallel()
	big := `"` + strings.Repeat("x", 262_143) + `"`
	tests := map[string]struct {
		definition, input string
		answers           map[string][]string
		path              string
	}{
		"a state's output": {pass(`,"Parameters":{"x.$":"States.Format('{}{}{}{}{}', $.a, $.a, $.a, $.a, $.a)"}`),
			`{"a":"` + strings.Repeat("x", 60_000) + `"}`, nil, "A"},
		"a task's result": {task(`,"ResultPath":null,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"B"}]`), `{}`,
			map[string][]string{"f": {big}}, "A"},
		"caught by its name": {task(`,"Catch":[{"ErrorEquals":["States.DataLimitExceeded"],"Next":"B"}]`), `{}`,
			map[string][]string{"f": {big}}, "A B"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := open(t, test.definition, test.answers).run(test.input)
			if path := strings.Join(e.Path, " "); path != test.path || (path == "A" && e.Error != "States.DataLimitExceeded") {
				t.Errorf("%s on %s, want %s", e.Error, path, test.path)
			}
		})
	}
	if e := open(t, task(""), map[string][]string{"f": {big[1:]}}).run(`{}`); e.Error != "States.Runtime" {
		t.Errorf("no JSON: %s", e.Error)
	}
	if e := open(t, task(""), map[string][]string{"f": {`"` + strings.Repeat("x",
		262_142) + `"`}}).run(`{}`); e.Status != states.Succeeded {
		t.Errorf("at the limit: %s", e.Error)
	}
}

// AWS: an execution fails when its history has 25,000 events.
func TestHistoryLimit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ definition, input string }{
		"a loop": {definition("A", `"Type":"Pass","Next":"B"`,
			"B", `"Type":"Choice","Choices":[{"Variable":"$.never","BooleanEquals":true,"Next":"C"}],"Default":"A"`,
			"C", `"Type":"Succeed"`), `{"never":false}`},
		"a long Map": {each(""), "[0" + strings.Repeat(",0", 6_999) + "]"},
		"retries":    {task(`,"Retry":[{"ErrorEquals":["States.ALL"],"BackoffRate":1,"MaxAttempts":99999}]`), `{}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, test.definition, map[string][]string{"f": {"!Boom"}})
			arn := w.start(test.input)
			e := w.finish(arn)
			const want = "The execution reached the maximum number of history events (25000)."
			if e.Error != "States.Runtime" || e.Cause != want {
				t.Errorf("%s %s, want %s", e.Error, e.Cause, want)
			}
			out, err := w.client(nil).GetExecutionHistory(context.Background(), &sfn.GetExecutionHistoryInput{
				ExecutionArn: aws.String(arn), ReverseOrder: true, MaxResults: 1,
			})
			if err != nil || out.Events[0].Id != 25_000 || out.Events[0].Type != types.HistoryEventTypeExecutionFailed {
				t.Errorf("the last event: %+v %v", out, err)
			}
			_, err = w.sfn.Redrive(arn)
			w.wantCode("ExecutionNotRedrivable", err)
		})
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	both := `[{"ErrorEquals":["%s"],"Next":"B"}]`
	catch := func(name string) string { return `,"HeartbeatSeconds":600,"Catch":` + fmt.Sprintf(both, name) }
	tests := map[string]struct {
		definition string
		error      string
		path       string
		after      time.Duration
	}{
		"no answer":           {gate(``), "States.Timeout", "A", time.Hour},
		"no heartbeat":        {gate(`,"HeartbeatSeconds":600`), "States.HeartbeatTimeout", "A", 10 * time.Minute},
		"a timeout is caught": {gate(`,"Catch":` + fmt.Sprintf(both, "States.Timeout")), "", "A B", time.Hour},
		"a timeout is no lost heartbeat": {gate(`,"Catch":` + fmt.Sprintf(both, "States.HeartbeatTimeout")),
			"States.Timeout", "A", time.Hour},
		"a timeout is no failure of the task": {gate(`,"Catch":` + fmt.Sprintf(both, "States.TaskFailed")), "States.Timeout", "A",
			time.Hour},
		"a timeout is one of all":            {gate(`,"Catch":` + fmt.Sprintf(both, "States.ALL")), "", "A B", time.Hour},
		"a lost heartbeat is caught":         {gate(catch("States.HeartbeatTimeout")), "", "A B", 10 * time.Minute},
		"a lost heartbeat is a timeout":      {gate(catch("States.Timeout")), "", "A B", 10 * time.Minute},
		"a lost heartbeat is no failed task": {gate(catch("States.TaskFailed")), "States.HeartbeatTimeout", "A", 10 * time.Minute},
		"a retry waits again": {gate(`,"Retry":[{"ErrorEquals":["States.Timeout"],"MaxAttempts":1}]`),
			"States.Timeout", "A", 2*time.Hour + time.Second},
		"the execution's own": {`{"TimeoutSeconds":60,` + gate("")[1:], "States.Timeout", "A", time.Minute},
		"the execution's own cannot be caught": {`{"TimeoutSeconds":60,` + gate(`,"Catch":` + fmt.Sprintf(both, "States.ALL"))[1:],
			"States.Timeout", "A", time.Minute},
		"a Wait ends with its execution's time": {`{"TimeoutSeconds":5,` + definition("A",
			`"Type":"Wait","Seconds":9,"End":true`)[1:], "States.Timeout", "A", 5 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := open(t, test.definition, nil).run(`{}`)
			if path := strings.Join(e.Path, " "); e.Error != test.error || path != test.path || e.Cause != "" {
				t.Errorf("%q %q on %s, want %q on %s", e.Error, e.Cause, path, test.error, test.path)
			}
			if took := e.StoppedAt.Sub(e.StartedAt); took != test.after {
				t.Errorf("after %s, want %s", took, test.after)
			}
			if own := strings.Contains(name, "execution"); (e.Status == states.TimedOut) != own {
				t.Errorf("status %s", e.Status) // AWS: an uncaught timeout of a task is FAILED
			}
		})
	}
}

// A machine must live with both names of a lost heartbeat, the documented one and the recorded one.
func TestRecordedHeartbeatError(t *testing.T) {
	t.Parallel()
	for _, caught := range []string{"States.Timeout", "States.HeartbeatTimeout"} {
		w := open(t, gate(`,"HeartbeatSeconds":600,"Catch":[{"ErrorEquals":["`+caught+`"],"Next":"B"}]`), nil)
		w.sfn.HeartbeatError = "States.Timeout"
		jsonEqual(t, w.run(`{}`).Output, `{"Error":"States.Timeout","Cause":""}`)
	}
}
