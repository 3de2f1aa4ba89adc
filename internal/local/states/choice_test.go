package states_test

import (
	"testing"
)

func choice(rule string) string {
	return definition("A", `"Type":"Choice","Choices":[{`+rule+`,"Next":"Yes"}],"Default":"No"`,
		"Yes", `"Type":"Pass","Result":"yes","End":true`, "No", `"Type":"Pass","Result":"no","End":true`)
}

func TestChoices(t *testing.T) {
	t.Parallel()
	const input = `{"s":"b","n":2,"t":true,"z":null,"l":["b"]}`
	tests := []struct {
		rule string // after "Variable":
		want bool
	}{
		{`"$.s","StringEquals":"b"`, true}, {`"$.s","StringEquals":"B"`, false}, {`"$.n","StringEquals":"2"`, false},
		{`"$.z","StringEquals":""`, false}, {`"$.l[0]","StringEquals":"b"`, true}, {`"$.l","StringEquals":"b"`, false},
		{`"$.t","BooleanEquals":true`, true}, {`"$.t","BooleanEquals":false`, false}, {`"$.s","BooleanEquals":false`, false},
		{`"$$.State.Name","StringEquals":"A"`, true},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			decide(t, `"Variable":`+test.rule, input, test.want)
		})
	}
}

func decide(t *testing.T, rule, input string, want bool) {
	t.Helper()
	e := open(t, choice(rule), nil).run(input)
	if answer := map[bool]string{true: `"yes"`, false: `"no"`}[want]; string(e.Output) != answer {
		t.Errorf("%s %s %s, want %s", e.Output, e.Error, e.Cause, answer)
	}
}

func TestChoicesFail(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ definition, error, cause string }{
		"on what is missing": {choice(`"Variable":"$.b","StringEquals":"2"`), "States.Runtime",
			"An error occurred while executing the state 'A' (entered at the event id #2). Invalid path '$.b': " +
				"The choice state's condition path references an invalid value."},
		"without a match": {definition("A", `"Type":"Choice","Choices":[{"Variable":"$.a","StringEquals":"2","Next":"B"}]`, "B",
			`"Type":"Succeed"`),
			"States.NoChoiceMatched", "An error occurred while executing the state 'A' (entered at the event id #2). " +
				"no choice matches, and there is no Default"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := open(t, test.definition, nil).run(`{"a":1}`)
			if e.Error != test.error || e.Cause != test.cause {
				t.Errorf("got  %s %s\nwant %s %s", e.Error, e.Cause, test.error, test.cause)
			}
		})
	}
}
