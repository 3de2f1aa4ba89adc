package differential

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// group is a file of testdata/cases.
type group struct {
	Group string `json:"group"`
	Cases []*one `json:"cases"`
}

// one is a case: a state machine, what it is given, and what comes of it.
type one struct {
	Name       string                     `json:"name"`
	Definition json.RawMessage            `json:"definition"`
	Machines   map[string]json.RawMessage `json:"machines"` // others, that it may start, by name
	Input      json.RawMessage            `json:"input"`    // absent: {}
	Answers    map[string][]answer        `json:"answers"`  // by function, in order, the last one for good; none: its input
	Note       string                     `json:"note"`     // why something else is wanted than the specification says
	Want       outcome                    `json:"want"`

	group string
	id    string // a prefix that sets its functions and machines apart from those of other cases
}

// answer is how a function answers, and what becomes of the token that it was given.
type answer struct {
	Output json.RawMessage `json:"output"` // absent: its input
	Error  string          `json:"error"`  // it fails
	Cause  string          `json:"cause"`
	Then   []callback      `json:"then"`
}

// callback answers a task by its token, some seconds after the function was called.
type callback struct {
	After   float64         `json:"after"`
	Success json.RawMessage `json:"success"`
	Failure *struct {
		Error string `json:"error"`
		Cause string `json:"cause"`
	} `json:"failure"`
	Heartbeat bool `json:"heartbeat"`
}

// outcome is what came of an execution.
type outcome struct {
	Status string          `json:"status"` // REFUSED: the state machine could not be created
	Error  string          `json:"error,omitempty"`
	Cause  string          `json:"cause,omitempty"` // compared where the case says it
	Output json.RawMessage `json:"output,omitempty"`
	Path   []string        `json:"path,omitempty"` // the states that were entered; sorted where they run side by side
	// Seconds is how long it takes: exactly, or at most after "<". It is compared on the virtual clock only.
	Seconds string `json:"seconds,omitempty"`
}

// String is the outcome in one line: SUCCEEDED {"a":1} by A, B.
func (o outcome) String() string {
	parts := []string{o.Status}
	for _, part := range []string{o.Error, o.Cause, string(o.Output)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if len(o.Path) > 0 {
		parts = append(parts, "by "+strings.Join(o.Path, ", "))
	}
	return strings.Join(parts, " ")
}

// normal is an outcome that can be compared: JSON in one form, no cause unless it is asked for.
func (o outcome) normal(withCause, sideBySide bool) outcome {
	o.Seconds = ""
	if !withCause {
		o.Cause = ""
	}
	if len(o.Output) > 0 {
		var value any
		if json.Unmarshal(o.Output, &value) != nil {
			value = "not JSON: " + string(o.Output) // in differences.json such an output is written so
		}
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(value); err != nil {
			panic(err) // it came from JSON
		}
		o.Output = bytes.TrimSpace(b.Bytes())
	}
	if sideBySide {
		o.Path = slices.Sorted(slices.Values(o.Path))
	}
	return o
}

// compared is an outcome of the case as it is compared with others of the same case.
func (c *one) compared(o outcome) string {
	return o.normal(c.Want.Cause != "", fans.Match(c.Definition)).String()
}

// fans finds the states whose branches run side by side.
var fans = regexp.MustCompile(`"Type":\s*"(Map|Parallel)"`)

// own replaces the names of functions and machines in a definition by ones of this case alone.
func (c *one) own(definition []byte) []byte {
	return regexp.MustCompile(`:(function|stateMachine):`).ReplaceAll(definition, []byte("${0}"+c.id))
}

func (c *one) input() []byte {
	if c.Input == nil {
		return []byte("{}")
	}
	return c.Input
}

// answer is the n-th answer of a function, counted from 0.
func (c *one) answer(function string, n int) answer {
	answers := c.Answers[function]
	if len(answers) == 0 {
		return answer{}
	}
	return answers[min(n, len(answers)-1)]
}

// token is the task token in what a function was given.
func token(payload []byte) string {
	var given struct{ Token string }
	_ = json.Unmarshal(payload, &given) // other payloads have none
	return given.Token
}

// cases reads every case.
func cases(t *testing.T) []*one {
	t.Helper()
	files, err := filepath.Glob("testdata/cases/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata/cases: %v", err)
	}
	var all []*one
	names := map[string]bool{}
	for _, file := range files {
		var g group
		read(t, file, &g)
		for _, c := range g.Cases {
			c.group, c.id = g.Group, fmt.Sprintf("c%03d-", len(all))
			if full := c.String(); names[full] || c.Name == "" || c.Want.Status == "" {
				t.Errorf("%s: %q needs a name of its own, and what is wanted", file, full)
			}
			names[c.String()] = true
			all = append(all, c)
		}
	}
	return all
}

func (c *one) String() string { return c.group + ": " + c.Name }

// read reads a file of JSON strictly.
func read(t *testing.T, file string, into any) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
