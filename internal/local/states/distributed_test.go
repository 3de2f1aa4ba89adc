package states_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/local/clock"
	"postern/internal/local/states"
)

// distributed is a distributed Map whose items are numbers; "6" and "7" fail.
func distributed(fields string) string {
	return definition("A", `"Type":"Map","End":true`+fields+`,"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED",`+
		`"ExecutionType":"STANDARD"},`+definition("C", `"Type":"Choice","Choices":[{"Variable":"$","StringEquals":"6","Next":"F"},{"Variable":"$","StringEquals":"7","Next":"F"}],`+
		`"Default":"W"`, "F", `"Type":"Fail","Error":"E"`, "W", `"Type":"Wait","Seconds":60,"End":true`)[1:])
}

// AWS: a Map Run fails when more items than tolerated have failed; without a tolerance one is too many.
func TestToleratedFailures(t *testing.T) {
	t.Parallel()
	const exceeded = "States.ExceedToleratedFailureThreshold"
	tests := map[string]struct{ fields, input, output, error string }{
		"none fails":               {``, `[1,2]`, `[1,2]`, ""},
		"one fails":                {``, `[1,"6"]`, ``, exceeded},
		"the percentage":           {`,"ToleratedFailurePercentage":50`, `["6",1,2,"7"]`, `[1,2]`, ""},
		"more than the percentage": {`,"ToleratedFailurePercentage":49.9`, `["6",1,2,"7"]`, ``, exceeded},
		"all":                      {`,"ToleratedFailurePercentage":100`, `["6","7"]`, `[]`, ""},
		"caught":                   {`,"Catch":[{"ErrorEquals":["` + exceeded + `"],"ResultPath":null,"Next":"B"}]`, `["6"]`, `["6"]`, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			machine := distributed(test.fields)
			if name == "caught" {
				machine = strings.TrimSuffix(machine, "}}") + `,"B":{"Type":"Pass","End":true}}}`
			}
			e := open(t, machine, nil).run(test.input)
			if e.Error != test.error {
				t.Fatalf("%s: %s %s", e.Status, e.Error, e.Cause)
			}
			if test.output != "" {
				jsonEqual(t, e.Output, test.output)
			}
		})
	}
}

func TestAnInlineMapToleratesNothing(t *testing.T) {
	t.Parallel()
	inline := strings.Replace(distributed(""), "DISTRIBUTED", "INLINE", 1)
	inline = strings.Replace(inline, `,"ExecutionType":"STANDARD"`, "", 1)
	if e := open(t, inline, nil).run(`["6"]`); e.Error != "E" {
		t.Errorf("%s %s", e.Error, e.Cause)
	}
	faults := strings.Join(loadFaults(strings.Replace(inline, `"Type":"Map"`, `"Type":"Map","ToleratedFailurePercentage":1`, 1)), "\n")
	if !strings.Contains(faults, "$.States.A.ToleratedFailurePercentage: a Map has no such field here") {
		t.Error(faults)
	}
}

func TestDistributedMapsThatDoNotLoad(t *testing.T) {
	t.Parallel()
	for want, text := range map[string]string{
		"a percentage is expected":   distributed(`,"ToleratedFailurePercentage":101`),
		"ToleratedFailureCount":      distributed(`,"ToleratedFailureCount":1`),
		"a number of at least 0":     distributed(`,"ToleratedFailurePercentage":"5"`),
		"$$.Execution is that of":    strings.Replace(distributed(""), `"Seconds":60`, `"Seconds":60,"InputPath":"$$.Execution.Input.s"`, 1),
		"$$.StateMachine is that of": strings.Replace(distributed(""), `"Seconds":60`, `"Seconds":60,"InputPath":"$$.StateMachine.Id"`, 1),
	} {
		if faults := strings.Join(loadFaults(text), "\n"); !strings.Contains(faults, want) {
			t.Errorf("got %q, want %q", faults, want)
		}
	}
}

// AWS: each item has a history of its own; an inline Map's are in the execution's.
func TestItemsOfADistributedMapHaveTheirOwnHistory(t *testing.T) {
	t.Parallel()
	w := open(t, distributed(""), nil)
	arn := w.start(`[1,2]`)
	w.finish(arn)
	want := []string{
		"1<0 ExecutionStarted", "2<0 MapStateEntered", "3<2 MapStateStarted", "4<3 MapStateSucceeded", "5<4 MapStateExited",
		"6<5 ExecutionSucceeded",
	}
	if diff := cmp.Diff(want, lines(w.history(arn))); diff != "" {
		t.Error(diff)
	}
}

// judge is an invoker that allows some actions.
type judge struct {
	*functions
	denied string
	asked  *[]string
}

func (j judge) Authorize(roleARN, action, resource string) error {
	*j.asked = append(*j.asked, action+" "+resource[strings.LastIndex(resource, ":")+1:])
	if !strings.HasSuffix(roleARN, ":role/machine") || action == j.denied {
		return fmt.Errorf("not authorized to perform: %w", errors.New(action))
	}
	return nil
}

func TestRolesAreChecked(t *testing.T) {
	t.Parallel()
	describe := definition("A", `"Type":"Task","Resource":"arn:aws:states:::aws-sdk:sfn:describeExecution","End":true,`+
		`"Parameters":{"ExecutionArn.$":"$$.Execution.Id"}`)
	tests := map[string]struct{ definition, denied, error, asked string }{
		"start": {parent("", ""), "states:StartExecution", "StepFunctions.AWSStepFunctionsException", "states:StartExecution child"},
		"wait": {parent(".sync:2", ""), "states:DescribeExecution", "StepFunctions.AWSStepFunctionsException",
			"states:StartExecution child,states:DescribeExecution c"},
		"start only": {parent("", ""), "states:DescribeExecution", "", "states:StartExecution child"},
		"stop": {parent(".sync:2", `,"TimeoutSeconds":1`), "", "States.Timeout",
			"states:StartExecution child,states:DescribeExecution c,states:StopExecution c"},
		"describe":        {describe, "states:DescribeExecution", "Sfn.SfnException", "states:DescribeExecution n"},
		"distributed Map": {distributed(`,"ItemsPath":"$.items"`), "states:StartExecution", "States.Permissions", "states:StartExecution m"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{T: t, clock: clock.New(start)}
			var asked []string
			w.sfn = states.New(w.clock, account, region, judge{&functions{}, test.denied, &asked})
			w.add("m", test.definition)
			w.add("child", definition("C", `"Type":"Wait","Seconds":9,"End":true`))
			e := w.run(`{"name":"c","x":1,"items":[1]}`)
			if e.Error != test.error || strings.Join(asked, ",") != test.asked {
				t.Errorf("%s %s, asked %v", e.Error, e.Cause, asked)
			}
		})
	}
}

// A child that the role may not stop goes on.
func TestAChildThatMayNotBeStopped(t *testing.T) {
	t.Parallel()
	w := &world{T: t, clock: clock.New(start)}
	w.sfn = states.New(w.clock, account, region, judge{&functions{}, "states:StopExecution", new([]string)})
	w.add("m", parent(".sync:2", `,"TimeoutSeconds":1`))
	w.add("child", definition("C", `"Type":"Wait","Seconds":9,"End":true`))
	w.run(`{"name":"c","x":1}`)
	if child := w.finish("arn:aws:states:us-east-1:111122223333:execution:child:c"); child.Status != states.Succeeded {
		t.Errorf("the child is %s", child.Status)
	}
}

// A second start of what runs waits for the first; what has ended is refused and can be described.
func TestWhatWasStartedBefore(t *testing.T) {
	t.Parallel()
	again := definition("A", `"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync:2","ResultPath":"$.run",`+
		`"ResultSelector":{"out.$":"$.Output"},"Parameters":{"StateMachineArn":"`+childARN+`","Name":"c","Input":{"x":1}},`+
		`"Catch":[{"ErrorEquals":["StepFunctions.ExecutionAlreadyExistsException"],"ResultPath":null,"Next":"B"}],"End":true`,
		"B", `"Type":"Task","Resource":"arn:aws:states:::aws-sdk:sfn:describeExecution","ResultPath":"$.run","End":true,`+
			`"ResultSelector":{"out.$":"$.Output","s.$":"$.Status","in.$":"$.Input","m.$":"$.StateMachineArn","n.$":"$.Name"},`+
			`"Parameters":{"ExecutionArn":"arn:aws:states:us-east-1:111122223333:execution:child:c"}`)
	for name, test := range map[string]struct{ wait, output string }{
		"runs":      {"0s", `{"run":{"out":{"x":1}}}`},
		"has ended": {"1m", `{"run":{"out":"{\"x\":1}","s":"SUCCEEDED","in":"{\"x\":1}","m":"` + childARN + `","n":"c"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, again, nil)
			w.add("child", definition("C", `"Type":"Wait","Seconds":9,"End":true`))
			arn, err := w.sfn.Start(childARN, "c", []byte(`{"x":1}`), "")
			w.must(err)
			if test.wait != "0s" {
				w.finish(arn)
			}
			e := w.run(`{}`)
			if e.Status != states.Succeeded || len(w.sfn.Executions()) != 2 {
				t.Fatalf("%s %s, %d executions", e.Error, e.Cause, len(w.sfn.Executions()))
			}
			jsonEqual(t, e.Output, test.output)
		})
	}
}

func TestDescribingNothing(t *testing.T) {
	t.Parallel()
	e := open(t, definition("A", `"Type":"Task","Resource":"arn:aws:states:::aws-sdk:sfn:describeExecution","End":true,`+
		`"Parameters":{"ExecutionArn":"x"}`), nil).run(`{}`)
	if e.Error != "Sfn.ExecutionDoesNotExistException" {
		t.Errorf("%s %s", e.Error, e.Cause)
	}
}

func TestFleetLoads(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/fleet.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	filled := strings.NewReplacer("${AWS::Partition}", "aws", "${Machine}", childARN, "${FleetFunction}", function+"f").Replace(string(raw))
	if faults := loadFaults(filled); faults != nil {
		t.Error(faults)
	}
}
