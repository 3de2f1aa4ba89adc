package states_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"postern/internal/local/states"
)

const childARN = "arn:aws:states:us-east-1:111122223333:stateMachine:child"

func parent(resource, fields string) string {
	return definition("A", `"Type":"Task","Resource":"arn:aws:states:::states:startExecution`+resource+`","End":true,`+
		`"Parameters":{"StateMachineArn":"`+childARN+`","Name.$":"$.name","Input":{"x.$":"$.x"}}`+fields)
}

func TestChildren(t *testing.T) {
	t.Parallel()
	ok := definition("C", `"Type":"Wait","Seconds":60,"End":true`)
	tests := map[string]struct {
		definition, child, selector string
		output, error, cause        string
		took                        time.Duration
	}{
		"started": {parent("", `,"ResultSelector":{"arn.$":"$.ExecutionArn"}`), ok, "",
			`{"arn":"arn:aws:states:us-east-1:111122223333:execution:child:c"}`, "", "", 0},
		"waited for": {parent(".sync:2", `,"ResultSelector":{"out.$":"$.Output","s.$":"$.Status"}`), ok, "",
			`{"out":{"x":1},"s":"SUCCEEDED"}`, "", "", time.Minute},
		"failed": {parent(".sync:2", ``), definition("C", `"Type":"Fail","Error":"E","Cause":"because"`), "", "",
			"States.TaskFailed", `"Error":"E"`, 0},
		"gone on without": {parent(".sync:2", `,"TimeoutSeconds":10`), ok, "", "", "States.Timeout", "", 10 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, test.definition, nil)
			w.add("child", test.child)
			e := w.run(`{"name":"c","x":1}`)
			if e.Error != test.error || !strings.Contains(e.Cause, test.cause) || e.StoppedAt.Sub(start) != test.took {
				t.Errorf("%q %q after %s", e.Error, e.Cause, e.StoppedAt.Sub(start))
			}
			if test.output != "" {
				jsonEqual(t, e.Output, test.output)
			}
			if test.cause != "" && !json.Valid([]byte(e.Cause)) {
				t.Errorf("the cause is not JSON: %s", e.Cause)
			}
			child := w.finish("arn:aws:states:us-east-1:111122223333:execution:child:c")
			if want := map[bool]states.Status{true: states.Aborted}[name == "gone on without"]; want != "" && child.Status != want {
				t.Errorf("the child is %s, want %s", child.Status, want)
			}
			if child.StartedBy != e.ARN {
				t.Errorf("the child was started by %s", child.StartedBy)
			}
		})
	}
}

func TestChildrenThatCannotStart(t *testing.T) {
	t.Parallel()
	w := open(t, parent("", ""), nil)
	if e := w.run(`{"name":"c","x":1}`); e.Error != "StepFunctions.StateMachineDoesNotExistException" {
		t.Errorf("%s %s", e.Error, e.Cause)
	}
	w = open(t, parent("", ""), nil)
	w.add("child", definition("C", `"Type":"Succeed"`))
	if e := w.run(`{"name":"a b","x":1}`); e.Error != "StepFunctions.InvalidNameException" {
		t.Errorf("%s %s", e.Error, e.Cause)
	}
}
