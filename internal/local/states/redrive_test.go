package states_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/local/states"
)

func (w *world) redrive(arn string) {
	w.Helper()
	if _, err := w.sfn.Redrive(arn); err != nil {
		w.Fatal(err)
	}
}

func TestRedriveGoesOnFromTheFailedState(t *testing.T) {
	t.Parallel()
	w := open(t, definition("A", `"Type":"Pass","Result":{"a":1},"Next":"T"`,
		"T", `"Type":"Task","Resource":"`+function+`f",`+
			`"Retry":[{"ErrorEquals":["Boom"],"MaxAttempts":1}],"ResultPath":"$.r","Next":"Z"`,
		"Z", `"Type":"Pass","Parameters":{"n.$":"$$.Execution.RedriveCount","r.$":"$.r","a.$":"$.a"},"End":true`),
		map[string][]string{"f": {"!Boom", "!Boom", "!Boom", "7"}})
	arn := w.start(`{}`)
	if e := w.finish(arn); e.Error != "Boom" || len(w.fake.calls) != 2 {
		t.Fatalf("%s after %d calls", e.Error, len(w.fake.calls))
	}
	w.advance(time.Hour)
	w.redrive(arn)
	_, err := w.sfn.Redrive(arn)
	w.wantCode("ExecutionNotRedrivable", err)
	e := w.finish(arn) // the retrier counts anew: one failure more is borne
	jsonEqual(t, e.Output, `{"a":1,"n":1,"r":7}`)
	if diff := cmp.Diff([]string{"A", "T", "T", "Z"}, e.Path); diff != "" || e.Error != "" || e.Redrives != 1 {
		t.Errorf("%q %d %s", e.Error, e.Redrives, diff)
	}
	if want := []string{"RUNNING", "FAILED", "RUNNING", "SUCCEEDED"}; !cmp.Equal(want, w.status) {
		t.Errorf("statuses %v", w.status)
	}
	_, err = w.sfn.Redrive(arn)
	w.wantCode("ExecutionNotRedrivable", err)
	_, err = w.sfn.Redrive(arn + "x")
	w.wantCode("ExecutionDoesNotExist", err)
}

// A wait that was stopped can be redriven: it hands out a new token, and the old one stays dead.
func TestRedriveGivesANewToken(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*world, string){
		"stopped":   func(w *world, arn string) { w.must(w.sfn.Stop(arn, "Maintenance", "back soon")) },
		"timed out": func(w *world, arn string) { w.advance(2 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, gate(""), nil)
			arn := w.start(`{}`)
			w.advance(time.Minute)
			end(w, arn)
			if e := w.finish(arn); e.Status == states.Succeeded || len(e.CurrentStates) > 0 {
				t.Fatalf("%s in %v", e.Status, e.CurrentStates)
			}
			old := w.fake.lastToken()
			w.wantCode("TaskTimedOut", w.sfn.SendTaskSuccess(old, `{}`))
			w.redrive(arn)
			w.advance(time.Minute)
			w.wantCode("TaskTimedOut", w.sfn.SendTaskSuccess(old, `{}`))
			w.must(w.sfn.SendTaskSuccess(w.fake.lastToken(), `1`))
			if e := w.finish(arn); e.Status != states.Succeeded || strings.Join(e.Path, " ") != "A A" {
				t.Errorf("%s %s on %v", e.Status, e.Error, e.Path)
			}
		})
	}
}

func TestRedriveKeepsWhatSucceeded(t *testing.T) {
	t.Parallel()
	call := `"Type":"Task","Resource":"` + function
	tests := map[string]struct {
		definition, input string
		path, output      string
	}{
		"Map": {definition("A", `"Type":"Map","MaxConcurrency":1,"End":true,"ItemProcessor":`+
			definition("C", `"Type":"Choice","Choices":[{"Variable":"$","StringEquals":"2","Next":"Bad"}],"Default":"Good"`,
				"Good", call+`good","End":true`, "Bad", call+`bad","End":true`)), `[1,"2",3]`,
			"A C Good C Bad A Bad C Good", `["good","bad","good"]`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, test.definition, map[string][]string{"good": {`"good"`}, "bad": {"!Boom", `"bad"`}})
			arn := w.start(test.input)
			if e := w.finish(arn); e.Error != "Boom" {
				t.Fatalf("%s %s", e.Error, e.Cause)
			}
			w.redrive(arn)
			e := w.finish(arn)
			jsonEqual(t, e.Output, test.output)
			if path := strings.Join(e.Path, " "); path != test.path {
				t.Errorf("path %s, want %s", path, test.path)
			}
		})
	}
}

// A Map whose runs all succeeded, and whose own result could not be stored, runs none of them again.
func TestRedriveOfAResult(t *testing.T) {
	t.Parallel()
	w := open(t, each(`,"ItemsPath":"$.a","ResultPath":"$.a[7]"`), nil)
	arn := w.start(`{"a":[1,2]}`)
	w.finish(arn)
	w.redrive(arn)
	if e := w.finish(arn); e.Error != "States.ResultPathMatchFailure" || strings.Join(e.Path, " ") != "A P P A" {
		t.Errorf("%s on %v", e.Error, e.Path)
	}
}

func TestRedriveHasItsDays(t *testing.T) {
	t.Parallel()
	w := open(t, definition("A", `"Type":"Fail","Error":"E"`), nil)
	arn := w.start(`{}`)
	w.finish(arn)
	w.redrive(arn) // AWS: a Fail fails again
	if e := w.finish(arn); e.Error != "E" || strings.Join(e.Path, " ") != "A A" {
		t.Errorf("%s on %v", e.Error, e.Path)
	}
	w.advance(14*24*time.Hour + time.Second)
	_, err := w.sfn.Redrive(arn)
	w.wantCode("ExecutionNotRedrivable", err)
}

// The timeout of the whole execution starts anew, and one that is stopped before it began goes on from its start.
func TestRedriveStartsTheTimeoutAnew(t *testing.T) {
	t.Parallel()
	w := open(t, `{"TimeoutSeconds":60,`+definition("A", `"Type":"Wait","Seconds":40,"Next":"B"`, "B",
		`"Type":"Wait","Seconds":40,"End":true`)[1:], nil)
	arn := w.start(`{}`)
	w.must(w.sfn.Stop(arn, "", ""))
	if e := w.finish(arn); e.Status != states.Aborted || len(e.Path) > 0 {
		t.Fatalf("%s on %v", e.Status, e.Path)
	}
	w.redrive(arn)
	if e := w.finish(arn); e.Status != states.TimedOut || e.StoppedAt.Sub(start) != time.Minute {
		t.Fatalf("%s after %s", e.Status, e.StoppedAt.Sub(start))
	}
	w.redrive(arn)
	if e := w.finish(arn); e.Status != states.Succeeded || strings.Join(e.Path, " ") != "A B B" {
		t.Errorf("%s on %v", e.Status, e.Path)
	}
}
