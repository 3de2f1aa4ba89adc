package stepfunctions_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"postern/internal/local/clock"
	"postern/internal/local/stepfunctions"
)

const function = "arn:aws:lambda:us-east-1:111122223333:function:"

// interpret runs a definition over fake functions to its end.
func interpret(t *testing.T, definition, input string, answers map[string][]string) stepfunctions.Execution {
	t.Helper()
	c := clock.New(start)
	s := stepfunctions.New(c, "111122223333", "us-east-1", &functions{answers: answers})
	if err := s.AddMachine(stepfunctions.Machine{ARN: machineARN, Name: "m", Definition: []byte(definition)}); err != nil {
		t.Fatal(err)
	}
	arn, err := s.Start(machineARN, "n", []byte(input), "")
	if err != nil {
		t.Fatal(err)
	}
	ended := func() bool {
		e, _ := s.Execution(arn)
		return e.Status != stepfunctions.Running
	}
	if err := c.Run(ended, start.AddDate(1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	e, _ := s.Execution(arn)
	return e
}

func pass(fields string) string {
	return `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true` + fields + `}}}`
}

func choice(rule string) string {
	return `{"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{` + rule + `,"Next":"Yes"}],"Default":"No"},
		"Yes":{"Type":"Pass","Result":"yes","End":true},"No":{"Type":"Pass","Result":"no","End":true}}}`
}

func task(fields string) string {
	other := ""
	if strings.Contains(fields, `"Next":"B"`) {
		other = `,"B":{"Type":"Pass","End":true}`
	}
	return `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"` + function + `f","End":true` + fields + `}` + other + `}}`
}

func parameters(value string) string { return pass(`,"Parameters":{"x.$":"` + value + `"}`) }

func TestData(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ definition, input, output string }{
		"the whole":                   {pass(""), `{"a":1}`, `{"a":1}`},
		"a string":                    {pass(""), `"a"`, `"a"`},
		"Result":                      {pass(`,"Result":{"b":2}`), `{"a":1}`, `{"b":2}`},
		"Result below the input":      {pass(`,"Result":2,"ResultPath":"$.b.c"`), `{"a":1}`, `{"a":1,"b":{"c":2}}`},
		"ResultPath replaces a field": {pass(`,"Result":2,"ResultPath":"$.a"`), `{"a":{"x":1}}`, `{"a":2}`},
		"ResultPath null":             {pass(`,"Result":2,"ResultPath":null`), `{"a":1}`, `{"a":1}`},
		"InputPath":                   {pass(`,"InputPath":"$.a.b"`), `{"a":{"b":[1]}}`, `[1]`},
		"InputPath null":              {pass(`,"InputPath":null`), `{"a":1}`, `{}`},
		"OutputPath":                  {pass(`,"OutputPath":"$.a"`), `{"a":1}`, `1`},
		"OutputPath null":             {pass(`,"OutputPath":null`), `{"a":1}`, `{}`},
		"Parameters":                  {pass(`,"Parameters":{"x":{"y.$":"$.a","z":[{"w.$":"$.a"}]}}`), `{"a":1}`, `{"x":{"y":1,"z":[{"w":1}]}}`},
		"Parameters with null":        {parameters("$.a"), `{"a":null}`, `{"x":null}`},
		"the context object":          {parameters("$$.Execution.Input.a"), `{"a":7}`, `{"x":7}`},
		"the state's name":            {parameters("$$.State.Name"), `{}`, `{"x":"A"}`},
		"an item":                     {parameters("$.a[1]"), `{"a":[1,2]}`, `{"x":2}`},
		"all items":                   {parameters("$.a[*].b"), `{"a":[{"b":1},{"b":2}]}`, `{"x":[1,2]}`},
		"a wildcard that finds none":  {parameters("$.a[*].c"), `{"a":[{"b":1}]}`, `{"x":[]}`},
		"Format":                      {parameters(`States.Format('{}-{}: {}', $.a, 2, $.b)`), `{"a":"x","b":{"c":1}}`, `{"x":"x-2: {\"c\":1}"}`},
		"Format escapes":              {parameters(`States.Format('it\\'s {}', $.a)`), `{"a":"{}"}`, `{"x":"it's {}"}`},
		"StringToJson":                {parameters("States.StringToJson($.a)"), `{"a":"{\"b\":[1]}"}`, `{"x":{"b":[1]}}`},
		"JsonToString":                {parameters("States.JsonToString($.a)"), `{"a":{"b":1}}`, `{"x":"{\"b\":1}"}`},
		"Array":                       {parameters("States.Array($.a, 'b', 3, true, null)"), `{"a":1}`, `{"x":[1,"b",3,true,null]}`},
		"ArrayPartition":              {parameters("States.ArrayPartition($.a, 2)"), `{"a":[1,2,3]}`, `{"x":[[1,2],[3]]}`},
		"ArrayContains":               {parameters("States.ArrayContains($.a, 2)"), `{"a":[1,2]}`, `{"x":true}`},
		"ArrayRange":                  {parameters("States.ArrayRange(1, 7, 3)"), `{}`, `{"x":[1,4,7]}`},
		"ArrayGetItem":                {parameters("States.ArrayGetItem($.a, 1)"), `{"a":["p","q"]}`, `{"x":"q"}`},
		"ArrayLength":                 {parameters("States.ArrayLength($.a)"), `{"a":["p","q"]}`, `{"x":2}`},
		"ArrayUnique":                 {parameters("States.ArrayUnique($.a)"), `{"a":[1,{"b":1},1,{"b":1}]}`, `{"x":[1,{"b":1}]}`},
		"Base64":                      {parameters("States.Base64Decode(States.Base64Encode($.a))"), `{"a":"hello"}`, `{"x":"hello"}`},
		"Hash":                        {parameters("States.Hash('abc', 'SHA-256')"), `{}`, `{"x":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}`},
		"JsonMerge":                   {parameters("States.JsonMerge($.a, $.b, false)"), `{"a":{"p":1,"q":1},"b":{"q":2}}`, `{"x":{"p":1,"q":2}}`},
		"MathAdd":                     {parameters("States.MathAdd($.a, -1)"), `{"a":3}`, `{"x":2}`},
		"StringSplit":                 {parameters("States.StringSplit($.a, ',;')"), `{"a":"p,q;r"}`, `{"x":["p","q","r"]}`},
		"nested functions":            {parameters("States.ArrayGetItem(States.StringSplit('a-b', '-'), States.MathAdd(0, 1))"), `{}`, `{"x":"b"}`},
		"Wait":                        {`{"StartAt":"A","States":{"A":{"Type":"Wait","SecondsPath":"$.s","Next":"B"},"B":{"Type":"Pass","Parameters":{"x.$":"$$.State.EnteredTime"},"End":true}}}`, `{"s":90}`, `{"x":"2026-11-23T14:01:30.000Z"}`},
		"Wait until":                  {`{"StartAt":"A","States":{"A":{"Type":"Wait","Timestamp":"2026-11-23T15:00:00Z","Next":"B"},"B":{"Type":"Pass","Parameters":{"x.$":"$$.State.EnteredTime"},"End":true}}}`, `{}`, `{"x":"2026-11-23T15:00:00.000Z"}`},
		"Succeed":                     {`{"StartAt":"A","States":{"A":{"Type":"Succeed","InputPath":"$.a"}}}`, `{"a":1}`, `1`},
		"Parallel": {`{"StartAt":"A","States":{"A":{"Type":"Parallel","End":true,"Branches":[
			{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":9,"End":true}}},{"StartAt":"P","States":{"P":{"Type":"Pass","Result":2,"End":true}}}]}}}`, `{"a":1}`, `[{"a":1},2]`},
		"Map": {`{"StartAt":"A","States":{"A":{"Type":"Map","ItemsPath":"$.a","MaxConcurrency":2,"ItemSelector":{"i.$":"$$.Map.Item.Index","v.$":"$$.Map.Item.Value","k.$":"$.k"},
			"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}}`, `{"a":["p","q","r"],"k":1}`,
			`[{"i":0,"v":"p","k":1},{"i":1,"v":"q","k":1},{"i":2,"v":"r","k":1}]`},
		"Map over nothing": {`{"StartAt":"A","States":{"A":{"Type":"Map","ItemsPath":"$.a","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}}`, `{"a":[]}`, `[]`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := interpret(t, test.definition, test.input, nil)
			if e.Status != stepfunctions.Succeeded {
				t.Fatalf("%s: %s %s", e.Status, e.Error, e.Cause)
			}
			var got, want any
			if json.Unmarshal(e.Output, &got) != nil || json.Unmarshal([]byte(test.output), &want) != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("output %s, want %s", e.Output, test.output)
			}
		})
	}
}

func TestChoices(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rule, input string
		want        bool
	}{
		"equal strings":              {`"Variable":"$.a","StringEquals":"x"`, `{"a":"x"}`, true},
		"strings differ in case":     {`"Variable":"$.a","StringEquals":"X"`, `{"a":"x"}`, false},
		"a number is no string":      {`"Variable":"$.a","StringEquals":"1"`, `{"a":1}`, false},
		"against a path":             {`"Variable":"$.a","StringEqualsPath":"$.b"`, `{"a":"x","b":"x"}`, true},
		"string order":               {`"Variable":"$.a","StringLessThan":"b"`, `{"a":"a"}`, true},
		"matches":                    {`"Variable":"$.a","StringMatches":"log-*.txt"`, `{"a":"log-1.txt"}`, true},
		"matches a literal star":     {`"Variable":"$.a","StringMatches":"a\\*"`, `{"a":"ab"}`, false},
		"equal numbers":              {`"Variable":"$.a","NumericEquals":1`, `{"a":1.0}`, true},
		"at least":                   {`"Variable":"$.a","NumericGreaterThanEquals":2`, `{"a":2}`, true},
		"more":                       {`"Variable":"$.a","NumericGreaterThan":2`, `{"a":2}`, false},
		"boolean":                    {`"Variable":"$.a","BooleanEquals":false`, `{"a":false}`, true},
		"the word true":              {`"Variable":"$.a","BooleanEquals":true`, `{"a":"true"}`, false},
		"timestamps in two zones":    {`"Variable":"$.a","TimestampEquals":"2026-01-01T12:00:00Z"`, `{"a":"2026-01-01T13:00:00+01:00"}`, true},
		"earlier":                    {`"Variable":"$.a","TimestampLessThan":"2026-01-01T12:00:00Z"`, `{"a":"2025-01-01T12:00:00Z"}`, true},
		"null":                       {`"Variable":"$.a","IsNull":true`, `{"a":null}`, true},
		"not null":                   {`"Variable":"$.a","IsNull":false`, `{"a":1}`, true},
		"present though null":        {`"Variable":"$.a","IsPresent":true`, `{"a":null}`, true},
		"absent":                     {`"Variable":"$.b","IsPresent":false`, `{"a":1}`, true},
		"a string":                   {`"Variable":"$.a","IsString":true`, `{"a":"x"}`, true},
		"a number":                   {`"Variable":"$.a","IsNumeric":true`, `{"a":1}`, true},
		"a boolean":                  {`"Variable":"$.a","IsBoolean":true`, `{"a":1}`, false},
		"a timestamp":                {`"Variable":"$.a","IsTimestamp":true`, `{"a":"2026-01-01T12:00:00Z"}`, true},
		"And":                        {`"And":[{"Variable":"$.a","IsPresent":true},{"Variable":"$.a","NumericEquals":1}]`, `{"a":1}`, true},
		"And ends at the first no":   {`"And":[{"Variable":"$.b","IsPresent":true},{"Variable":"$.b","NumericEquals":1}]`, `{"a":1}`, false},
		"Or":                         {`"Or":[{"Variable":"$.a","NumericEquals":2},{"Variable":"$.a","NumericEquals":1}]`, `{"a":1}`, true},
		"Not":                        {`"Not":{"Variable":"$.a","NumericEquals":2}`, `{"a":1}`, true},
		"the context object as well": {`"Variable":"$$.State.Name","StringEquals":"A"`, `{}`, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := interpret(t, choice(test.rule), test.input, nil)
			if want := map[bool]string{true: `"yes"`, false: `"no"`}[test.want]; string(e.Output) != want {
				t.Errorf("%s %s %s, want %s", e.Output, e.Error, e.Cause, want)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		definition, input string
		answers           map[string][]string
		error             string
		path              string
	}{
		"a path that finds nothing":         {parameters("$.b"), `{"a":1}`, nil, "States.ParameterPathFailure", "A"},
		"an InputPath that finds nothing":   {pass(`,"InputPath":"$.b"`), `{}`, nil, "States.Runtime", "A"},
		"a ResultPath into a string":        {pass(`,"Result":1,"ResultPath":"$.a.b"`), `{"a":"x"}`, nil, "States.ResultPathMatchFailure", "A"},
		"a function with wrong arguments":   {parameters("States.MathAdd('a', 1)"), `{}`, nil, "States.IntrinsicFailure", "A"},
		"no choice":                         {`{"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Variable":"$.a","NumericEquals":2,"Next":"B"}]},"B":{"Type":"Succeed"}}}`, `{"a":1}`, nil, "States.NoChoiceMatched", "A"},
		"a choice on what is missing":       {choice(`"Variable":"$.b","NumericEquals":2`), `{}`, nil, "States.Runtime", "A"},
		"Fail":                              {`{"StartAt":"A","States":{"A":{"Type":"Fail","Error":"E","Cause":"C"}}}`, `{}`, nil, "E", "A"},
		"Fail by path":                      {`{"StartAt":"A","States":{"A":{"Type":"Fail","ErrorPath":"$.e","CausePath":"States.Format('{}', $.e)"}}}`, `{"e":"X"}`, nil, "X", "A"},
		"a function's error":                {task(""), `{}`, map[string][]string{"f": {"!Boom"}}, "Boom", "A"},
		"catch":                             {task(`,"Catch":[{"ErrorEquals":["Other"],"Next":"A"},{"ErrorEquals":["Boom"],"Next":"B"}]`), `{}`, map[string][]string{"f": {"!Boom"}}, "", "A B"},
		"catch all":                         {task(`,"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.e","Next":"B"}]`), `{}`, map[string][]string{"f": {"!Boom"}}, "", "A B"},
		"catch States.TaskFailed":           {task(`,"Catch":[{"ErrorEquals":["States.TaskFailed"],"Next":"B"}]`), `{}`, map[string][]string{"f": {"!Boom"}}, "", "A B"},
		"a catch that does not match":       {task(`,"Catch":[{"ErrorEquals":["Other"],"Next":"B"}]`), `{}`, map[string][]string{"f": {"!Boom"}}, "Boom", "A"},
		"retried until it works":            {task(`,"Retry":[{"ErrorEquals":["Boom"],"MaxAttempts":2}]`), `{}`, map[string][]string{"f": {"!Boom", "!Boom", "1"}}, "", "A"},
		"retried in vain":                   {task(`,"Retry":[{"ErrorEquals":["Boom"],"MaxAttempts":2}]`), `{}`, map[string][]string{"f": {"!Boom"}}, "Boom", "A"},
		"never retried":                     {task(`,"Retry":[{"ErrorEquals":["Boom"],"MaxAttempts":0}]`), `{}`, map[string][]string{"f": {"!Boom", "1"}}, "Boom", "A"},
		"a branch fails":                    {`{"StartAt":"A","States":{"A":{"Type":"Parallel","End":true,"Branches":[{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":9,"End":true}}},{"StartAt":"F","States":{"F":{"Type":"Fail","Error":"E"}}}],"Catch":[{"ErrorEquals":["E"],"Next":"B"}]},"B":{"Type":"Succeed"}}}`, `{}`, nil, "", "A W F B"},
		"a Map over something else":         {`{"StartAt":"A","States":{"A":{"Type":"Map","ItemsPath":"$.a","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}}`, `{"a":1}`, nil, "States.Runtime", "A"},
		"more data than AWS carries":        {pass(`,"Parameters":{"x.$":"States.Format('{}{}{}{}{}', $.a, $.a, $.a, $.a, $.a)"}`), `{"a":"` + strings.Repeat("x", 60_000) + `"}`, nil, "States.DataLimitExceeded", "A"},
		"an execution that ran too long":    {`{"TimeoutSeconds":5,"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":9,"End":true}}}`, `{}`, nil, "States.Timeout", "A"},
		"a loop is ended by the history":    {`{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Choice","Choices":[{"Variable":"$.never","IsPresent":true,"Next":"C"}],"Default":"A"},"C":{"Type":"Succeed"}}}`, `{}`, nil, "States.Runtime", "*"},
		"States.Runtime cannot be caught":   {task(`,"Parameters":{"FunctionName.$":"$.a"},"TimeoutSecondsPath":"$.t","Catch":[{"ErrorEquals":["States.ALL"],"Next":"B"}]`), `{"a":1}`, nil, "States.Runtime", "A"},
		"an answer that is not JSON at all": {task(""), `{}`, map[string][]string{"f": {"{"}}, "States.Runtime", "A"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := interpret(t, test.definition, test.input, test.answers)
			if e.Error != test.error {
				t.Errorf("%s %q (%s), want %q", e.Status, e.Error, e.Cause, test.error)
			}
			if path := strings.Join(e.Path, " "); test.path != "*" && path != test.path {
				t.Errorf("path %s, want %s", path, test.path)
			}
		})
	}
}

func TestRetryDelays(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		retrier string
		want    time.Duration // of three tries' delays
	}{
		"defaults":   {`{"ErrorEquals":["Boom"]}`, 7 * time.Second},
		"no backoff": {`{"ErrorEquals":["Boom"],"IntervalSeconds":10,"BackoffRate":1}`, 30 * time.Second},
		"capped":     {`{"ErrorEquals":["Boom"],"IntervalSeconds":10,"BackoffRate":3,"MaxDelaySeconds":20}`, 50 * time.Second},
		"each retrier counts its own": {`{"ErrorEquals":["Other"],"MaxAttempts":1},{"ErrorEquals":["Boom"],"IntervalSeconds":4,"BackoffRate":1}`,
			12 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := interpret(t, task(`,"Retry":[`+test.retrier+`]`), `{}`, map[string][]string{"f": {"!Boom", "!Boom", "!Boom", "1"}})
			latency := 4 * 120 * time.Millisecond
			if got := e.StoppedAt.Sub(start) - latency; got != test.want || e.Status != stepfunctions.Succeeded {
				t.Errorf("%s after %s, want %s", e.Status, got, test.want)
			}
			if e.Transitions != 4 {
				t.Errorf("%d transitions, want one entry and three retries", e.Transitions)
			}
		})
	}
}

func TestUnknownThingsRefuseToLoad(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ definition, want string }{
		"not JSON":                  {`{`, "unexpected"},
		"unknown field":             {pass(`,"Frobnicate":1`), "Frobnicate"},
		"a field of another type":   {pass(`,"Resource":"x"`), "has no field Resource"},
		"unknown type":              {`{"StartAt":"A","States":{"A":{"Type":"Nap"}}}`, `unknown type "Nap"`},
		"unknown next":              {`{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"}}}`, `no state "B"`},
		"no next":                   {`{"StartAt":"A","States":{"A":{"Type":"Pass"}}}`, "Next and End"},
		"unreachable":               {`{"StartAt":"A","States":{"A":{"Type":"Succeed"},"B":{"Type":"Succeed"}}}`, "no state leads here"},
		"unknown operator":          {choice(`"Variable":"$.a","StringIsh":"x"`), "unknown operator StringIsh"},
		"two operators":             {choice(`"Variable":"$.a","StringEquals":"x","NumericEquals":1`), "two operators"},
		"no variable":               {choice(`"StringEquals":"x"`), "Variable"},
		"bad path":                  {parameters("$.a["), "the path"},
		"no path":                   {parameters("a"), "does not begin with $"},
		"unknown function":          {parameters("States.Shout($.a)"), "unknown function"},
		"a function without end":    {parameters("States.Format('a'"), "no )"},
		"JSONata":                   {`{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Succeed"}}}`, "JSONata"},
		"unknown resource":          {`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::batch:submitJob","End":true}}}`, "not supported"},
		"a token without a timeout": {`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","End":true}}}`, "timeout"},
		"a fault inside a Map":      {`{"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass"}}},"End":true}}}`, "A[0].P"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stepfunctions.New(clock.New(start), "1", "r", &functions{})
			err := s.AddMachine(stepfunctions.Machine{ARN: "m", Name: "m", Definition: []byte(test.definition)})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one that contains %q", err, test.want)
			}
		})
	}
}
