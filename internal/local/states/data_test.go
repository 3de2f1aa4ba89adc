package states_test

import (
	"regexp"
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
	twoBranches := `,"Branches":[` + definition("W", `"Type":"Wait","Seconds":9,"End":true`) + "," +
		definition("P", `"Type":"Pass","Result":2,"End":true`) + `]`
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
		"an item":                    {parameters("$.a[1]"), `{"a":[1,2]}`, `{"x":2}`},
		"all items":                  {parameters("$.a[*].b"), `{"a":[{"b":1},{"b":2}]}`, `{"x":[1,2]}`},
		"all fields, by name":        {parameters("$.a.*"), `{"a":{"q":1,"p":2,"r":3}}`, `{"x":[2,1,3]}`},
		"some items":                 {parameters("$.a[0:2]"), `{"a":[1,2,3]}`, `{"x":[1,2]}`},
		"two items":                  {parameters("$.a[0,2]"), `{"a":[1,2,3]}`, `{"x":[1,3]}`},
		"a filter":                   {parameters("$.a[?(@.b==1)].c"), `{"a":[{"b":1,"c":"y"},{"b":2,"c":"n"}]}`, `{"x":["y"]}`},
		"at any depth":               {parameters("$..b"), `{"z":{"b":1},"a":[{"b":2}],"b":0}`, `{"x":[0,2,1]}`},
		"a wildcard that finds none": {parameters("$.a[*].c"), `{"a":[{"b":1}]}`, `{"x":[]}`},
		"Succeed":                    {definition("A", `"Type":"Succeed","InputPath":"$.a","OutputPath":"$.b"`), `{"a":{"b":1}}`, `1`},
		"Wait":                       {waited(`"Seconds":90`), `{}`, `{"x":"2026-11-23T14:01:30.000Z"}`},
		"Wait by a path":             {waited(`"SecondsPath":"$.s"`), `{"s":90}`, `{"x":"2026-11-23T14:01:30.000Z"}`},
		"Wait until":                 {waited(`"Timestamp":"2026-11-23T15:00:00Z"`), `{}`, `{"x":"2026-11-23T15:00:00.000Z"}`},
		"Wait until, by a path": {waited(`"TimestampPath":"$.t"`), `{"t":"2026-11-23T16:00:00+01:00"}`,
			`{"x":"2026-11-23T15:00:00.000Z"}`},
		"Wait for the past": {waited(`"Timestamp":"2020-01-01T00:00:00Z"`), `{}`, `{"x":"2026-11-23T14:00:00.000Z"}`},
		"Parallel":          {definition("A", `"Type":"Parallel","End":true`+twoBranches), `{"a":1}`, `[{"a":1},2]`},
		"Parallel, selected": {definition("A", `"Type":"Parallel","End":true,"Parameters":{"b.$":"$.a"},`+
			`"ResultSelector":{"first.$":"$[0].b"},`+
			`"ResultPath":"$.r"`+twoBranches), `{"a":1}`, `{"a":1,"r":{"first":1}}`},
		"Map": {each(`,"ItemsPath":"$.a","MaxConcurrency":2,` +
			`"ItemSelector":{"i.$":"$$.Map.Item.Index","v.$":"$$.Map.Item.Value","k.$":"$.k"}`),
			`{"a":["p","q","r"],"k":1}`, `[{"i":0,"v":"p","k":1},{"i":1,"v":"q","k":1},{"i":2,"v":"r","k":1}]`},
		"Map with the old name of ItemSelector": {each(`,"Parameters":{"v.$":"$$.Map.Item.Value"}`), `[1,2]`, `[{"v":1},{"v":2}]`},
		"Map over nothing":                      {each(`,"ItemsPath":"$.a"`), `{"a":[]}`, `[]`},
		"a distributed Map": {definition("A", `"Type":"Map","End":true,"MaxConcurrencyPath":"$.n","ItemsPath":"$.a","ItemProcessor":`+
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
		`States.Format('{}-{}: {} {}', $.s, 2, true, null)`:       `"x-2: true null"`,
		`States.Format('it\\'s \\{\\} {} \\\\', $.f)`:             `"it's {} it's {} \\"`,
		`States.Format($.f, $.s)`:                                 `"it's x"`,
		`States.Format('{}', 9007199254740993)`:                   `"9007199254740993"`,
		`States.StringToJson('\\{\"b\":[1]\\}')`:                  `{"b":[1]}`,
		`States.JsonToString($.o)`:                                `"{\"p\":1,\"q\":1}"`,
		`States.JsonToString($.t)`:                                `"\"<&>\""`,
		`States.Array($.s, 'b', -3, 1.5, true, null)`:             `["x","b",-3,1.5,true,null]`,
		`States.Array()`:                                          `[]`,
		`States.ArrayPartition($.a, 2)`:                           `[[1,2],[3]]`,
		`States.ArrayContains($.a, 2)`:                            `true`,
		`States.ArrayContains($.d, $.r)`:                          `false`,
		`States.ArrayRange(1, 7, 3)`:                              `[1,4,7]`,
		`States.ArrayRange(3, 1, -1)`:                             `[3,2,1]`,
		`States.ArrayGetItem($.a, 1)`:                             `2`,
		`States.ArrayLength($.a[?(@ > 1)])`:                       `2`,
		`States.ArrayUnique($.d)`:                                 `[1,{"b":1}]`,
		`States.Base64Decode(States.Base64Encode('Grüße, Welt'))`: `"Grüße, Welt"`,
		`States.Hash('abc', 'SHA-1')`:                             `"a9993e364706816aba3e25717850c26c9cd0d89d"`,
		`States.Hash('abc', 'MD5')`:                               `"900150983cd24fb0d6963f7d28e17f72"`,
		`States.Hash($.n, 'SHA-256')`:                             `"4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce"`,
		`States.JsonMerge($.o, $.r, false)`:                       `{"p":1,"q":2}`,
		`States.MathAdd($.n, -1)`:                                 `2`,
		`States.MathAdd(1.6, 1)`:                                  `3`,
		`States.StringSplit('p,q;;r', ',;')`:                      `["p","q","r"]`,

		// nested
		`States.ArrayGetItem(States.Array('a', $['s']),States.MathAdd(0, 1) )`: `"x"`,
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
		`States.MathAdd('a', 1)`, `States.ArrayGetItem($.a, 3)`, `States.ArrayGetItem($.a, -1)`, `States.ArrayRange(1, 5000, 1)`,
		`States.ArrayRange(1, 2, 0)`, `States.ArrayPartition($.a, 0)`, `States.ArrayLength('a')`, `States.StringToJson('x')`,
		`States.Base64Decode('%')`, `States.Hash('a', 'CRC')`, `States.JsonMerge($, $, true)`, `States.Format('{}', $.a)`,
		`States.Format($.f, 1)`, `States.StringSplit(1, ',')`, `States.MathRandom(2, 2)`, `States.ArrayContains(1, 1)`,
		`States.ArrayUnique($)`,
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

// Chance is the same in every run of a scenario, and another for each execution.
func TestChance(t *testing.T) {
	t.Parallel()
	draw := func(seed uint64, name string) string {
		w := open(t, pass(`,"Parameters":{"id.$":"States.UUID()","r.$":"States.MathRandom(1, 1000)",`+
			`"s.$":"States.MathRandom(1, 1000, 7)"}`), nil)
		w.sfn.Seed(seed)
		arn, err := w.sfn.Start(machineARN, name, []byte("{}"), "")
		if err != nil {
			t.Fatal(err)
		}
		return string(w.finish(arn).Output)
	}
	first := draw(1, "n")
	if again := draw(1, "n"); again != first {
		t.Errorf("the same scenario gave %s and %s", first, again)
	}
	if other := draw(1, "o"); other == first {
		t.Errorf("another execution gave %s as well", other)
	}
	if other := draw(2, "n"); other == first {
		t.Errorf("another seed gave %s as well", other)
	}
	fixed := regexp.MustCompile(`"s":\d+`)
	if got, want := fixed.FindString(draw(2, "o")), fixed.FindString(first); got != want || got == "" {
		t.Errorf("with a seed of its own: %s and %s", got, want)
	}
	if !regexp.MustCompile(`"id":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"`).MatchString(first) {
		t.Errorf("no UUID in %s", first)
	}
}
