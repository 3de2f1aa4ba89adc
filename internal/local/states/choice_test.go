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
	const input = `{"s":"b","n":2,"t":true,"z":null,"at":"2026-01-01T13:00:00+01:00","same":"b","two":2.0,"yes":true,
		"utc":"2026-01-01T12:00:00Z","file":"log-1.txt","star":"a*b","l":[1],"later":"2027-01-01T00:00:00Z","c":"c"}`
	tests := []struct {
		rule string // after "Variable":
		want bool
	}{
		{`"$.s","StringEquals":"b"`, true}, {`"$.s","StringEquals":"B"`, false}, {`"$.n","StringEquals":"2"`, false},
		{`"$.s","StringEqualsPath":"$.same"`, true}, {`"$.s","StringEqualsPath":"$.n"`, false},
		{`"$.s","StringLessThan":"c"`, true}, {`"$.s","StringLessThan":"b"`, false}, {`"$.s","StringLessThanPath":"$.c"`, true},
		{`"$.s","StringGreaterThan":"a"`, true}, {`"$.s","StringGreaterThan":"b"`, false}, {`"$.c","StringGreaterThanPath":"$.s"`,
			true},
		{`"$.s","StringLessThanEquals":"b"`, true}, {`"$.s","StringLessThanEquals":"a"`, false},
		{`"$.s","StringLessThanEqualsPath":"$.same"`, true},
		{`"$.s","StringGreaterThanEquals":"b"`, true}, {`"$.s","StringGreaterThanEquals":"c"`, false},
		{`"$.s","StringGreaterThanEqualsPath":"$.c"`, false},
		{`"$.file","StringMatches":"log-*.txt"`, true}, {`"$.file","StringMatches":"*"`,
			true}, {`"$.file","StringMatches":"log-*.tx"`, false},
		{`"$.file","StringMatches":"*-*-*"`, false}, {`"$.star","StringMatches":"a\\*b"`, true}, {`"$.s","StringMatches":"a\\*b"`,
			false},
		{`"$.file","StringMatches":"*txt*txt"`, false}, {`"$.n","StringMatches":"*"`,
			false}, {`"$.file","StringMatches":"log-1.txt"`, true},
		{`"$.n","NumericEquals":2.0`, true}, {`"$.n","NumericEquals":3`, false}, {`"$.s","NumericEquals":2`, false},
		{`"$.n","NumericEqualsPath":"$.two"`, true},
		{`"$.n","NumericLessThan":3`, true}, {`"$.n","NumericLessThan":2`, false}, {`"$.n","NumericLessThanPath":"$.two"`, false},
		{`"$.n","NumericGreaterThan":1`, true}, {`"$.n","NumericGreaterThan":2`, false}, {`"$.n","NumericGreaterThanPath":"$.two"`,
			false},
		{`"$.n","NumericLessThanEquals":2`, true}, {`"$.n","NumericLessThanEquals":1`, false},
		{`"$.n","NumericLessThanEqualsPath":"$.two"`, true},
		{`"$.n","NumericGreaterThanEquals":2`, true}, {`"$.n","NumericGreaterThanEquals":2.5`, false},
		{`"$.n","NumericGreaterThanEqualsPath":"$.two"`, true},
		{`"$.t","BooleanEquals":true`, true}, {`"$.t","BooleanEquals":false`, false}, {`"$.s","BooleanEquals":false`, false},
		{`"$.t","BooleanEqualsPath":"$.yes"`, true},
		{`"$.at","TimestampEquals":"2026-01-01T12:00:00Z"`, true}, {`"$.s","TimestampEquals":"2026-01-01T12:00:00Z"`, false},
		{`"$.at","TimestampEqualsPath":"$.utc"`, true},
		{`"$.at","TimestampLessThan":"2026-01-01T12:00:01Z"`, true}, {`"$.at","TimestampLessThanPath":"$.utc"`, false},
		{`"$.at","TimestampGreaterThan":"2026-01-01T11:00:00Z"`, true}, {`"$.at","TimestampGreaterThanPath":"$.later"`, false},
		{`"$.at","TimestampLessThanEquals":"2026-01-01T12:00:00Z"`, true}, {`"$.later","TimestampLessThanEqualsPath":"$.utc"`, false},
		{`"$.at","TimestampGreaterThanEquals":"2026-01-01T12:00:00Z"`, true}, {`"$.at","TimestampGreaterThanEqualsPath":"$.later"`,
			false},
		{`"$.z","IsNull":true`, true}, {`"$.n","IsNull":true`, false}, {`"$.n","IsNull":false`, true},
		{`"$.z","IsPresent":true`, true}, {`"$.no","IsPresent":true`, false}, {`"$.no","IsPresent":false`,
			true}, {`"$.l[1]","IsPresent":false`, true},
		{`"$.n","IsNumeric":true`, true}, {`"$.s","IsNumeric":true`, false}, {`"$.s","IsString":true`,
			true}, {`"$.n","IsString":false`, true},
		{`"$.t","IsBoolean":true`, true}, {`"$.n","IsBoolean":true`, false}, {`"$.at","IsTimestamp":true`,
			true}, {`"$.s","IsTimestamp":true`, false},
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

func TestChoicesOfChoices(t *testing.T) {
	t.Parallel()
	const (
		one    = `{"Variable":"$.a","NumericEquals":1}`
		two    = `{"Variable":"$.a","NumericEquals":2}`
		absent = `{"Variable":"$.b","IsPresent":true}`
	)
	tests := map[string]struct {
		rule string
		want bool
	}{
		"And":                      {`"And":[` + one + `,{"Variable":"$.a","IsPresent":true}]`, true},
		"And, one is false":        {`"And":[` + one + `,` + two + `]`, false},
		"And ends at the first no": {`"And":[` + absent + `,{"Variable":"$.b","NumericEquals":1}]`, false},
		"Or":                       {`"Or":[` + two + `,` + one + `]`, true},
		"Or ends at the first yes": {`"Or":[` + one + `,{"Variable":"$.b","NumericEquals":1}]`, true},
		"Or, all are false":        {`"Or":[` + two + `,` + absent + `]`, false},
		"Not":                      {`"Not":` + two, true},
		"nested":                   {`"Not":{"Or":[` + two + `,{"And":[` + one + `,` + absent + `]}]}`, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			decide(t, test.rule, `{"a":1}`, test.want)
		})
	}
}

func TestChoicesFail(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ definition, error, cause string }{
		"on what is missing": {choice(`"Variable":"$.b","NumericEquals":2`), "States.Runtime",
			"An error occurred while executing the state 'A' (entered at the event id #2). Invalid path '$.b': " +
				"The choice state's condition path references an invalid value."},
		"against what is missing": {choice(`"Variable":"$.a","NumericEqualsPath":"$.b"`), "States.Runtime",
			"An error occurred while executing the state 'A' (entered at the event id #2). Invalid path '$.b': " +
				"The choice state's condition path references an invalid value."},
		"without a match": {definition("A", `"Type":"Choice","Choices":[{"Variable":"$.a","NumericEquals":2,"Next":"B"}]`, "B",
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
