package states_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/local/clock"
	"postern/internal/local/states"
)

func loadFaults(definition string) []string {
	err := states.New(clock.New(start), account, region, &functions{}).AddMachine(states.Machine{ARN: "m", Name: "m",
		Definition: []byte(definition)})
	if err == nil {
		return nil
	}
	return strings.Split(strings.TrimPrefix(err.Error(), "loading state machine m: "), "\n")
}

func TestUnknownThingsRefuseToLoad(t *testing.T) {
	t.Parallel()
	invoke := func(fields string) string {
		return definition("A", `"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","End":true`+fields)
	}
	wait := func(fields string) string { return definition("A", `"Type":"Wait","End":true`+fields) }
	retry := func(fields string) string { return task(`,"Retry":[{"ErrorEquals":["E"]` + fields + `}]`) }
	tests := map[string]struct{ definition, want string }{
		"nothing":                     {``, "$: not JSON at byte 0: unexpected EOF"},
		"half":                        {`{"StartAt":"A"`, "$: not JSON at byte 14: unexpected EOF"},
		"two":                         {pass("") + "{}", "more than one JSON value"},
		"a list":                      {`[]`, "$: an object is expected"},
		"no start":                    {`{"States":{"A":{"Type":"Succeed"}}}`, "$.StartAt: is needed"},
		"no states":                   {`{"StartAt":"A","States":{}}`, "$.States: at least one state is expected"},
		"a field twice":               {pass(`,"Type":"Pass"`), "$.States.A.Type: is given twice"},
		"an unknown field":            {`{"Frobnicate":1,` + pass("")[1:], "$.Frobnicate: a state machine has no such field here"},
		"a field in another case":     {`{"startAt":"A",` + pass("")[1:], "$.startAt: a state machine has no such field here"},
		"an unknown field of a state": {pass(`,"Frobnicate":1`), "$.States.A.Frobnicate: a Pass has no such field here"},
		"another type's field":        {pass(`,"Resource":"x"`), "$.States.A.Resource: a Pass has no such field here"},
		"Assign":                      {pass(`,"Assign":{}`), "$.States.A.Assign: a Pass has no such field here"},
		"Credentials":                 {task(`,"Credentials":{}`), "$.States.A.Credentials: a Task has no such field here"},
		"another version":             {`{"Version":"2.0",` + pass("")[1:], "$.Version: 2.0 is none of 1.0"},
		"an unknown next":             {definition("A", `"Type":"Pass","Next":"B"`), `$.States.A.Next: there is no state "B"`},
		"an unknown start":            {`{"StartAt":"B","States":{"A":{"Type":"Succeed"}}}`, `$.StartAt: there is no state "B"`},
		"an unknown default": {strings.Replace(choice(`"Variable":"$.a","BooleanEquals":true`), `"No"`, `"X"`, 1),
			`$.States.A.Default: there is no state "X"`},
		"an unknown catcher's next": {task(`,"Catch":[{"ErrorEquals":["E"],"Next":"X"}]`),
			`$.States.A.Catch[0].Next: there is no state "X"`},
		"a catcher without next": {task(`,"Catch":[{"ErrorEquals":["E"]}]`), `$.States.A.Catch[0].Next: is needed`},
		"no next":                {definition("A", `"Type":"Pass"`), "$.States.A: Next, or End: true, is needed"},
		"no end":                 {definition("A", `"Type":"Pass","End":false`), "$.States.A: Next, or End: true, is needed"},
		"next and end": {definition("A", `"Type":"Pass","End":true,"Next":"A"`),
			"$.States.A: Next and End exclude each other"},
		"unreachable": {definition("A", `"Type":"Succeed"`, "B b", `"Type":"Succeed"`),
			"$.States['B b']: no state leads here"},
		"a long name": {definition(strings.Repeat("x", 81), `"Type":"Succeed"`),
			"the name of a state has 1 to 80 characters"},
		"the same name inside": {definition("A", `"Type":"Map","End":true,"ItemProcessor":`+definition("A",
			`"Type":"Succeed"`)), "$.States.A has the same name"},

		"no operator": {choice(`"Variable":"$.a"`), "$.States.A.Choices[0]: one of the operators StringEquals and BooleanEquals is expected"},
		"two operators": {choice(`"Variable":"$.a","StringEquals":"x","BooleanEquals":true`),
			"$.States.A.Choices[0]: StringEquals and BooleanEquals exclude each other"},
		"an operator of AWS that is not simulated": {choice(`"Variable":"$.a","NumericEquals":1`),
			"$.States.A.Choices[0].NumericEquals: a choice has no such field here"},
		"And":                    {choice(`"And":[]`), "$.States.A.Choices[0].And: a choice has no such field here"},
		"a number for a text":    {choice(`"Variable":"$.a","StringEquals":1`), "StringEquals does not compare with 1"},
		"a text for a truth":     {choice(`"Variable":"$.a","BooleanEquals":"true"`), "BooleanEquals does not compare with true"},
		"a variable of many":     {choice(`"Variable":"$.a[*]","StringEquals":"x"`), "the path \"$.a[*]\" can select several values, which is not simulated"},
		"JSONata":                {`{"QueryLanguage":"JSONata",` + pass("")[1:], "$.QueryLanguage: a state machine has no such field here"},
		"an unknown type":        {definition("A", `"Type":"Nap"`), `$.States.A: the state type "Nap" is not simulated`},
		"Parallel":               {definition("A", `"Type":"Parallel","End":true`), `$.States.A: the state type "Parallel" is not simulated`},
		"a filter":               {parameters("$.a[?(@.b == 1)]"), "can select several values"},
		"at any depth":           {parameters("$..a"), "can select several values"},
		"no wait":                {wait(``), "$.States.A: Seconds is needed"},
		"a wait until":           {wait(`,"Seconds":1,"Timestamp":"2026-11-23T14:00:00Z"`), "$.States.A.Timestamp: a Wait has no such field here"},
		"too few arguments":      {parameters("States.ArrayLength()"), "States.ArrayLength does not take 0 arguments"},
		"too many arguments":     {parameters("States.ArrayLength($.a, 1)"), "States.ArrayLength does not take 2 arguments"},
		"no argument":            {parameters("States.JsonMerge($.a, x, false)"), `"x" is no argument`},
		"a call without begin":   {parameters("States.Format"), `the function "States.Format" has no arguments`},
		"something after a call": {parameters("States.ArrayLength($.a) $"), `is followed by " $"`},
		"a function of AWS that is not simulated": {parameters("States.UUID()"), `there is no function "States.UUID"`},
		"Fail by a number": {definition("A", `"Type":"Fail","ErrorPath":"States.ArrayLength($.a)"`),
			"$.States.A.ErrorPath: States.ArrayLength gives no text"},
		"an unknown operator": {choice(`"Variable":"$.a","StringIsh":"x"`),
			"$.States.A.Choices[0].StringIsh: a choice has no such field here"},
		"no variable": {choice(`"StringEquals":"x"`), "$.States.A.Choices[0]: a choice is a comparison of a Variable"},
		"no choices": {definition("A", `"Type":"Choice","Choices":[],"Default":"B"`, "B", `"Type":"Succeed"`),
			"$.States.A.Choices: a list of at least 1"},
		"a choice without next": {definition("A", `"Type":"Choice","Choices":[{"Variable":"$.a","BooleanEquals":true}]`),
			"$.States.A.Choices[0].Next: is needed"},
		"a choice with End": {definition("A", `"Type":"Choice","End":true,"Choices":[]`),
			"$.States.A.End: a Choice has no such field here"},
		"a bad path":             {parameters("$.a["), "$.States.A.Parameters['x.$']: the path \"$.a[\": "},
		"no path":                {parameters("a"), "$.States.A.Parameters['x.$']: the path \"a\" does not begin with $"},
		"a variable of Assign":   {parameters("$a.b"), "$.States.A.Parameters['x.$']: the path \"$a.b\": "},
		"a path with a function": {parameters("$.a.length()"), "the path \"$.a.length()\": "},
		"from the end":           {parameters("$.a[-1]"), "counts from the end"},
		"a computed number":      {pass(`,"Parameters":{"x.$":1}`), "$.States.A.Parameters['x.$']: a path or a function is expected"},
		"a field and its twin":   {pass(`,"Parameters":{"x.$":"$","x":1}`), "$.States.A.Parameters['x.$']: there is a field x as well"},
		"Parameters, a list":     {pass(`,"Parameters":["$"]`), "$.States.A.Parameters: an object is expected"},
		"deep in Parameters":     {pass(`,"Parameters":{"a":[{"b.$":"x"}]}`), "$.States.A.Parameters.a[0]['b.$']: the path \"x\""},
		"an InputPath, a number": {pass(`,"InputPath":1`), "$.States.A.InputPath: a path is expected"},
		"ResultPath elsewhere": {pass(`,"ResultPath":"$$.a"`),
			"$.States.A.ResultPath: a reference path into the state's data is expected"},
		"a timeout elsewhere": {task(`,"TimeoutSecondsPath":"$$.a"`),
			"$.States.A.TimeoutSecondsPath: the context object cannot be used here"},

		"an unknown function":  {parameters("States.Shout($.a)"), `there is no function "States.Shout"`},
		"a call without end":   {parameters("States.Format('a'"), `in States.Format: no ) before ""`},
		"a text without end":   {parameters("States.Format('a)"), "a text without end"},
		"a wrong escape":       {parameters(`States.Format('\\n')`), `\n is no escape`},
		"too few placeholders": {parameters("States.Format('{}', 1, 2)"), "States.Format: 2 arguments for 1 placeholders"},
		"Fail twice": {definition("A", `"Type":"Fail","Error":"E","ErrorPath":"$.e"`),
			"$.States.A: Error and ErrorPath exclude each other"},
		"Fail with an input": {definition("A", `"Type":"Fail","InputPath":"$"`),
			"$.States.A.InputPath: a Fail has no such field here"},

		"half a second":     {wait(`,"Seconds":0.5`), "$.States.A.Seconds: a whole number from 0 to 99999999 is expected"},
		"no attempts":       {retry(`,"MaxAttempts":-1`), "$.States.A.Retry[0].MaxAttempts: a whole number from 0"},
		"no interval":       {retry(`,"IntervalSeconds":0`), "$.States.A.Retry[0].IntervalSeconds: a whole number from 1"},
		"a shrinking delay": {retry(`,"BackoffRate":0.5`), "$.States.A.Retry[0].BackoffRate: a number of at least 1 is expected"},
		"a cap too low": {retry(`,"MaxDelaySeconds":1`),
			"$.States.A.Retry[0]: MaxDelaySeconds must be greater than IntervalSeconds"},
		"an unknown jitter":  {retry(`,"JitterStrategy":"HALF"`), "$.States.A.Retry[0].JitterStrategy: HALF is none of NONE, FULL"},
		"a misspelt retrier": {retry(`,"MaxAttemps":1`), "$.States.A.Retry[0].MaxAttemps: a retrier has no such field here"},
		"no errors": {task(`,"Retry":[{"ErrorEquals":[]}]`),
			"$.States.A.Retry[0].ErrorEquals: a list of at least 1 is expected"},
		"ALL and another": {task(`,"Retry":[{"ErrorEquals":["States.ALL","E"]}]`), "States.ALL must stand alone, in the last entry"},
		"ALL comes first": {task(`,"Retry":[{"ErrorEquals":["States.ALL"]},{"ErrorEquals":["E"]}]`),
			"$.States.A.Retry[0].ErrorEquals: States.ALL must stand alone"},
		"a misspelt error": {task(`,"Retry":[{"ErrorEquals":["States.Timout"]}]`),
			"$.States.A.Retry[0].ErrorEquals[0]: there is no error States.Timout"},
		"a Choice retried": {strings.Replace(choice(`"Variable":"$.a","BooleanEquals":true`), `"Default"`, `"Retry":[],"Default"`, 1),
			"$.States.A.Retry: a Choice has no such field"},

		"no resource": {definition("A", `"Type":"Task","End":true`), "$.States.A.Resource: is needed"},
		"an unknown resource": {definition("A", `"Type":"Task","Resource":"arn:aws:states:::batch:submitJob","End":true`),
			`$.States.A.Resource: the resource "arn:aws:states:::batch:submitJob" is not supported`},
		"an SDK call": {definition("A",
			`"Type":"Task","Resource":"arn:aws:states:::aws-sdk:ec2:describeVpcs","End":true`), "is not supported"},
		"an activity": {definition("A",
			`"Type":"Task","Resource":"arn:aws:states:us-east-1:111122223333:activity:a","End":true`), "is not supported"},
		"a placeholder": {definition("A", `"Type":"Task","Resource":"${PlanFunction}","End":true`), "is not supported"},
		"startExecution.sync": {definition("A",
			`"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync","End":true`), "is not supported"},
		"no function": {invoke(``), "$.States.A.Parameters: FunctionName is needed"},
		"an unknown parameter": {invoke(`,"Parameters":{"FunctionName":"f","InvocationType":"Event"}`),
			"$.States.A.Parameters: InvocationType is not supported"},
		"a token without a taker": {strings.Replace(gate(""), "$$.Task.Token", "$$.Task.Id", 1),
			"$.States.A: nothing hands out $$.Task.Token"},
		"a token without an end": {strings.Replace(gate(""), `"TimeoutSeconds":3600,`, "", 1),
			"needs TimeoutSeconds or TimeoutSecondsPath"},
		"two timeouts": {task(`,"TimeoutSeconds":1,"TimeoutSecondsPath":"$.t"`),
			"$.States.A: TimeoutSeconds and TimeoutSecondsPath exclude each other"},
		"a slow heartbeat": {gate(`,"HeartbeatSeconds":3600`),
			"$.States.A: HeartbeatSeconds must be smaller than TimeoutSeconds"},
		"no time at all":    {task(`,"TimeoutSeconds":0`), "$.States.A.TimeoutSeconds: a whole number from 1"},
		"no item processor": {definition("A", `"Type":"Map","End":true`), "$.States.A.ItemProcessor: an object is expected"},
		"an item reader":    {each(`,"ItemReader":{}`), "$.States.A.ItemReader: a Map has no such field here"},
		"an unknown mode": {strings.Replace(each(""), `{"StartAt":"P"`,
			`{"ProcessorConfig":{"Mode":"OTHER"},"StartAt":"P"`, 1), "Mode: OTHER is none of INLINE, DISTRIBUTED"},
		"a fault inside a Map": {strings.Replace(each(""), `"Type":"Pass","End":true`, `"Type":"Pass"`, 1),
			"$.States.A.ItemProcessor.States.P: Next, or End: true, is needed"},
		"a timeout inside": {strings.Replace(each(""), `{"StartAt":"P"`, `{"TimeoutSeconds":1,"StartAt":"P"`, 1),
			"$.States.A.ItemProcessor.TimeoutSeconds: an ItemProcessor has no such field here"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(loadFaults(test.definition), "\n"); !strings.Contains(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestEveryFaultIsNamed(t *testing.T) {
	t.Parallel()
	got := loadFaults(definition("A", `"Type":"Pass","Nxt":"B","InputPath":"a","End":true`, "B", `"Type":"Fail","Error":1`))
	want := []string{
		`$.States.A.InputPath: the path "a" does not begin with $`, "$.States.A.Nxt: a Pass has no such field here",
		"$.States.B.Error: text is expected", "$.States.B: no state leads here",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Each placeholder that is not filled in, and each letter that is lost, must refuse to load.
func TestWorkflowLoads(t *testing.T) {
	t.Parallel()
	if faults := loadFaults(workflow(t)); faults != nil {
		t.Fatal(faults)
	}
	raw, err := os.ReadFile("testdata/workflow.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	if faults := loadFaults(string(raw)); len(faults) < 10 {
		t.Errorf("with its placeholders: %v", faults)
	}
	names := regexp.MustCompile(`"[A-Za-z]+":`).FindAllStringIndex(workflow(t), -1)
	for i, at := range names {
		text := workflow(t)
		result := strings.LastIndex(text[:at[0]], `"Result": {`)
		if name := text[at[0]+1 : at[1]-2]; i%7 != 0 || strings.ToUpper(name[:1]) != name[:1] ||
			result >= 0 && !strings.Contains(text[result:at[0]], "}") {
			continue // one of seven is enough; fields of payloads, and of a Pass state's result, are free
		} else if name != "Payload" && loadFaults(text[:at[0]+1]+"X"+text[at[0]+1:]) == nil {
			t.Errorf("field X%s at byte %d loads", name, at[0])
		}
	}
}
