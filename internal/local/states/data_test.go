package states_test

import (
	"strings"
	"testing"

	"postern/internal/local/states"
)

func each(fields string) string {
	return definition("A", `"Type":"Map","End":true,"ItemProcessor":`+definition("P", `"Type":"Pass","End":true`)+fields)
}

func TestData(t *testing.T) {
	t.Parallel()
	waited := func(fields string) string {
		return definition("A", `"Type":"Wait","Next":"B",`+fields, "B",
			`"Type":"Pass","Parameters":{"x.$":"$$.State.EnteredTime"},"End":true`)
	}
	tests := map[string]struct{ definition, input, output string }{
		"the whole":                   {pass(""), `{"a":1}`, `{"a":1}`},
		"a string":                    {pass(""), `"a"`, `"a"`},
		"a number of 64 bits":         {pass(`,"OutputPath":"$.a"`), `{"a":9007199254740993}`, `9007199254740993`},
		"Result":                      {pass(`,"Result":{"b":2}`), `{"a":1}`, `{"b":2}`},
		"Result null":                 {pass(`,"Result":null`), `{"a":1}`, `null`},
		"Result wins over Parameters": {pass(`,"Result":2,"Parameters":{"x":1}`), `{"a":1}`, `2`},
		"Result is not computed":      {pass(`,"Result":{"x.$":"$.a"}`), `{"a":1}`, `{"x.$":"$.a"}`},
		"Result below the input":      {pass(`,"Result":2,"ResultPath":"$.b.c"`), `{"a":1}`, `{"a":1,"b":{"c":2}}`},
		"ResultPath replaces a field": {pass(`,"Result":2,"ResultPath":"$.a"`), `{"a":{"x":1}}`, `{"a":2}`},
		"ResultPath replaces an item": {pass(`,"Result":2,"ResultPath":"$.a[1]"`), `{"a":[0,1]}`, `{"a":[0,2]}`},
		"ResultPath null":             {pass(`,"Result":2,"ResultPath":null`), `{"a":1}`, `{"a":1}`},
		"ResultPath and the raw input": {pass(`,"InputPath":"$.a","Parameters":{"y.$":"$.x"},"ResultPath":"$.r"`),
			`{"a":{"x":1}}`, `{"a":{"x":1},"r":{"y":1}}`},
		"InputPath":           {pass(`,"InputPath":"$.a.b"`), `{"a":{"b":[1]}}`, `[1]`},
		"InputPath in quotes": {pass(`,"InputPath":"$['a b']"`), `{"a b":3}`, `3`},
		"InputPath null":      {pass(`,"InputPath":null`), `{"a":1}`, `{}`},
		"OutputPath":          {pass(`,"OutputPath":"$.a"`), `{"a":1}`, `1`},
		"OutputPath null":     {pass(`,"OutputPath":null`), `{"a":1}`, `{}`},
		"Parameters": {pass(`,"Parameters":{"x":{"y.$":"$.a","z":[{"w.$":"$.a"},"$.a"]}}`),
			`{"a":1}`, `{"x":{"y":1,"z":[{"w":1},"$.a"]}}`},
		"Parameters with null": {parameters("$.a"), `{"a":null}`, `{"x":null}`},
		"an empty list":        {pass(`,"Parameters":{"x":[]}`), `{}`, `{"x":[]}`},
		"the context object":   {parameters("$$.Execution.Input.a"), `{"a":7}`, `{"x":7}`},
		"the whole context object": {pass(`,"InputPath":"$$.State"`), `{}`,
			`{"Name":"A","EnteredTime":"2026-11-23T14:00:00.000Z","RetryCount":0}`},
		"an item": {parameters("$.a[1]"), `{"a":[1,2]}`, `{"x":2}`},
		"Succeed": {definition("A", `"Type":"Succeed","InputPath":"$.a","OutputPath":"$.b"`), `{"a":{"b":1}}`, `1`},
		"Wait":    {waited(`"Seconds":90`), `{}`, `{"x":"2026-11-23T14:01:30.000Z"}`},
		"Map": {each(`,"ItemsPath":"$.a","MaxConcurrency":2,` +
			`"ItemSelector":{"i.$":"$$.Map.Item.Index","v.$":"$$.Map.Item.Value","k.$":"$.k"}`),
			`{"a":["p","q","r"],"k":1}`, `[{"i":0,"v":"p","k":1},{"i":1,"v":"q","k":1},{"i":2,"v":"r","k":1}]`},
		"Map over nothing": {each(`,"ItemsPath":"$.a"`), `{"a":[]}`, `[]`},
		"a distributed Map": {definition("A", `"Type":"Map","End":true,"MaxConcurrency":1,"ItemsPath":"$.a","ItemProcessor":`+
			`{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},`+definition("P", `"Type":"Pass","End":true`)[1:]),
			`{"a":[1,2],"n":1}`, `[1,2]`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := open(t, test.definition, nil).run(test.input)
			if e.Status != states.Succeeded {
				t.Fatalf("%s: %s %s", e.Status, e.Error, e.Cause)
			}
			jsonEqual(t, e.Output, test.output)
			if strings.Contains(test.output, "9007") && string(e.Output) != test.output {
				t.Errorf("got %s, want %s", e.Output, test.output)
			}
		})
	}
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	const input = `{"a":[1,2,3],"d":[1,{"b":1},1.0,{"b":1}],"o":{"p":1,"q":1},"r":{"q":2},"s":"x","n":3,"t":"<&>","f":"it's {}"}`
	tests := map[string]string{ // call: result
		`States.Format('{}-{}: {} {}', $.s, 2, true, null)`: `"x-2: true null"`,
		`States.Format('it\\'s \\{\\} {} \\\\', $.f)`:       `"it's {} it's {} \\"`,
		`States.Format($.f, $.s)`:                           `"it's x"`,
		`States.Format('{}', 9007199254740993)`:             `"9007199254740993"`,
		`States.ArrayLength($.a)`:                           `3`,
		`States.JsonMerge($.o, $.r, false)`:                 `{"p":1,"q":2}`,

		// nested
		`States.Format( '{}/{}', $['s'],States.ArrayLength($.a) )`: `"x/3"`,
	}
	for call, want := range tests {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			e := open(t, parameters(call), nil).run(input)
			if e.Status != states.Succeeded {
				t.Fatalf("%s %s", e.Error, e.Cause)
			}
			jsonEqual(t, e.Output, `{"x":`+want+`}`)
		})
	}
}

func TestFunctionsRefuse(t *testing.T) {
	t.Parallel()
	for _, call := range []string{
		`States.Format($.f, 1)`, `States.Format($.a, 1)`, `States.ArrayLength($.f)`, `States.JsonMerge($.f, $.f, false)`, `States.Format('{}', $.a)`,
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			e := open(t, parameters(call), nil).run(`{"a":[1,2,3],"f":"{} {}"}`)
			if e.Error != "States.IntrinsicFailure" || !strings.Contains(e.Cause, strings.SplitN(call, "(", 2)[0]) {
				t.Errorf("%s %s: %s %s", e.Status, e.Output, e.Error, e.Cause)
			}
		})
	}
}
