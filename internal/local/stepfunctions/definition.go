package stepfunctions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// graph is a state machine, or the inner one of a Map or a branch of a Parallel.
type graph struct {
	Comment        string                     `json:"Comment"`
	StartAt        string                     `json:"StartAt"`
	States         map[string]json.RawMessage `json:"States"`
	TimeoutSeconds int64                      `json:"TimeoutSeconds"`
	QueryLanguage  string                     `json:"QueryLanguage"`
	Version        string                     `json:"Version"`
	// ProcessorConfig belongs to a Map's inner machine.
	ProcessorConfig map[string]any `json:"ProcessorConfig"`

	states map[string]*state
}

// state is one state with every field that any type has; load refuses the fields that its type does not have.
type state struct {
	name string

	Type       string `json:"Type"`
	Comment    string `json:"Comment"`
	Next       string `json:"Next"`
	End        bool   `json:"End"`
	InputPath  place  `json:"InputPath"`
	OutputPath place  `json:"OutputPath"`
	ResultPath place  `json:"ResultPath"`

	Parameters     *template `json:"Parameters"`
	ResultSelector *template `json:"ResultSelector"`
	Result         any       `json:"Result"`

	Retry []retrier `json:"Retry"`
	Catch []catcher `json:"Catch"`

	Resource             string `json:"Resource"`
	TimeoutSeconds       int64  `json:"TimeoutSeconds"`
	TimeoutSecondsPath   *path  `json:"TimeoutSecondsPath"`
	HeartbeatSeconds     int64  `json:"HeartbeatSeconds"`
	HeartbeatSecondsPath *path  `json:"HeartbeatSecondsPath"`

	Choices []*rule `json:"Choices"`
	Default string  `json:"Default"`

	Seconds       *float64 `json:"Seconds"`
	SecondsPath   *path    `json:"SecondsPath"`
	Timestamp     string   `json:"Timestamp"`
	TimestampPath *path    `json:"TimestampPath"`

	Error     string      `json:"Error"`
	Cause     string      `json:"Cause"`
	ErrorPath *expression `json:"ErrorPath"`
	CausePath *expression `json:"CausePath"`

	ItemsPath          *path     `json:"ItemsPath"`
	ItemSelector       *template `json:"ItemSelector"`
	ItemProcessor      *graph    `json:"ItemProcessor"`
	MaxConcurrency     int       `json:"MaxConcurrency"`
	MaxConcurrencyPath *path     `json:"MaxConcurrencyPath"`
	Branches           []*graph  `json:"Branches"`

	kind resource
}

// retrier is one entry of Retry.
type retrier struct {
	ErrorEquals     []string `json:"ErrorEquals"`
	IntervalSeconds *int64   `json:"IntervalSeconds"` // default 1
	MaxAttempts     *int     `json:"MaxAttempts"`     // default 3
	BackoffRate     *float64 `json:"BackoffRate"`     // default 2
	MaxDelaySeconds int64    `json:"MaxDelaySeconds"`
	JitterStrategy  string   `json:"JitterStrategy"` // FULL or NONE
	Comment         string   `json:"Comment"`
}

// catcher is one entry of Catch.
type catcher struct {
	ErrorEquals []string `json:"ErrorEquals"`
	ResultPath  place    `json:"ResultPath"`
	Next        string   `json:"Next"`
	Comment     string   `json:"Comment"`
}

// fields are what each type of state may have, beside Type and Comment.
var fields = map[string][]string{
	"Task": {"Next", "End", "InputPath", "OutputPath", "ResultPath", "Parameters", "ResultSelector", "Retry", "Catch", "Resource",
		"TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath"},
	"Pass":     {"Next", "End", "InputPath", "OutputPath", "ResultPath", "Parameters", "Result"},
	"Choice":   {"InputPath", "OutputPath", "Choices", "Default"},
	"Wait":     {"Next", "End", "InputPath", "OutputPath", "Seconds", "SecondsPath", "Timestamp", "TimestampPath"},
	"Succeed":  {"InputPath", "OutputPath"},
	"Fail":     {"Error", "Cause", "ErrorPath", "CausePath"},
	"Parallel": {"Next", "End", "InputPath", "OutputPath", "ResultPath", "Parameters", "ResultSelector", "Retry", "Catch", "Branches"},
	"Map": {"Next", "End", "InputPath", "OutputPath", "ResultPath", "Parameters", "ResultSelector", "Retry", "Catch", "ItemsPath", "ItemSelector",
		"ItemProcessor", "MaxConcurrency", "MaxConcurrencyPath"},
}

// load reads a definition and returns every fault of it, each with the state it is in.
func load(definition []byte) (*graph, error) {
	g := &graph{}
	if err := strict(definition, g); err != nil {
		return nil, fmt.Errorf("state machine: %w", err)
	}
	var faults []error
	g.check("", &faults)
	return g, errors.Join(faults...)
}

func strict(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

func (g *graph) check(where string, faults *[]error) {
	fault := func(name, format string, args ...any) {
		*faults = append(*faults, fmt.Errorf("%s%s: %s", where, name, fmt.Sprintf(format, args...)))
	}
	if g.QueryLanguage != "" && g.QueryLanguage != "JSONPath" {
		fault("QueryLanguage", "%q is not supported", g.QueryLanguage)
	}
	g.states = map[string]*state{}
	for _, name := range slices.Sorted(maps.Keys(g.States)) {
		s := &state{name: name}
		if err := strict(g.States[name], s); err != nil {
			fault(name, "%v", err)
			continue
		}
		g.states[name] = s
		for _, problem := range s.problems(g.States[name]) {
			fault(name, "%s", problem)
		}
		for i, inner := range s.inner() {
			inner.check(fmt.Sprintf("%s%s[%d].", where, name, i), faults)
		}
	}
	g.checkFlow(fault)
}

// checkFlow checks that every state named exists and every state is reached.
func (g *graph) checkFlow(fault func(name, format string, args ...any)) {
	reached := map[string]bool{}
	var visit func(from, name string)
	visit = func(from, name string) {
		s, ok := g.states[name]
		if !ok {
			if _, malformed := g.States[name]; !malformed {
				fault(from, "there is no state %q", name)
			}
			return
		}
		if reached[name] {
			return
		}
		reached[name] = true
		for _, next := range s.targets() {
			visit(name, next)
		}
	}
	visit("StartAt", g.StartAt)
	for _, name := range slices.Sorted(maps.Keys(g.states)) {
		if !reached[name] {
			fault(name, "no state leads here")
		}
	}
}

// targets are the states that s names.
func (s *state) targets() []string {
	var names []string
	add := func(name string) {
		if name != "" {
			names = append(names, name)
		}
	}
	add(s.Next)
	add(s.Default)
	for _, c := range s.Catch {
		add(c.Next)
	}
	for _, r := range s.Choices {
		add(r.Next)
	}
	return names
}

func (s *state) inner() []*graph {
	if s.ItemProcessor != nil {
		return []*graph{s.ItemProcessor}
	}
	return s.Branches
}

// problems are what is wrong with a state by itself.
func (s *state) problems(raw json.RawMessage) []string {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	allowed, known := fields[s.Type]
	if !known {
		return []string{fmt.Sprintf("unknown type %q", s.Type)}
	}
	var present map[string]json.RawMessage
	if err := json.Unmarshal(raw, &present); err != nil {
		return []string{err.Error()}
	}
	for _, field := range slices.Sorted(maps.Keys(present)) {
		if field != "Type" && field != "Comment" && !slices.Contains(allowed, field) {
			problem("a %s has no field %s", s.Type, field)
		}
	}
	if slices.Contains(allowed, "Next") && (s.Next == "") == !s.End {
		problem("one of Next and End is needed")
	}
	for _, c := range s.Catch {
		if len(c.ErrorEquals) == 0 || c.Next == "" {
			problem("a catcher needs ErrorEquals and Next")
		}
	}
	for _, r := range s.Retry {
		if len(r.ErrorEquals) == 0 {
			problem("a retrier needs ErrorEquals")
		}
		if r.JitterStrategy != "" && r.JitterStrategy != "FULL" && r.JitterStrategy != "NONE" {
			problem("unknown JitterStrategy %q", r.JitterStrategy)
		}
	}
	return append(problems, s.typeProblems()...)
}

func (s *state) typeProblems() []string {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	switch s.Type {
	case "Task":
		var err error
		if s.kind, err = parseResource(s.Resource); err != nil {
			problem("%v", err)
		}
		if s.kind.token && s.TimeoutSeconds == 0 && s.TimeoutSecondsPath == nil {
			problem("a task that waits for a token needs a timeout: without one it can hang for a year, unseen")
		}
	case "Choice":
		if len(s.Choices) == 0 {
			problem("a Choice needs Choices")
		}
		for _, r := range s.Choices {
			if r.Next == "" {
				problem("a choice needs Next")
			}
			if err := r.check(); err != nil {
				problem("%v", err)
			}
		}
	case "Map":
		if s.ItemProcessor == nil {
			problem("a Map needs ItemProcessor")
		}
	case "Parallel":
		if len(s.Branches) == 0 {
			problem("a Parallel needs Branches")
		}
	case "Wait":
		if s.Seconds == nil && s.SecondsPath == nil && s.Timestamp == "" && s.TimestampPath == nil {
			problem("a Wait needs Seconds, SecondsPath, Timestamp or TimestampPath")
		}
	}
	return problems
}

// resource is what a Task does.
type resource struct {
	function string // ARN of a function called directly
	invoke   bool   // arn:aws:states:::lambda:invoke
	start    bool   // arn:aws:states:::states:startExecution
	sync     bool   // .sync:2
	token    bool   // .waitForTaskToken
}

func parseResource(arn string) (resource, error) {
	if strings.Contains(arn, ":lambda:") && strings.Contains(arn, ":function:") {
		return resource{function: arn}, nil
	}
	_, integration, ok := strings.Cut(arn, ":states:::")
	if !ok {
		return resource{}, fmt.Errorf("the resource %q is not supported", arn)
	}
	switch integration {
	case "lambda:invoke":
		return resource{invoke: true}, nil
	case "lambda:invoke.waitForTaskToken":
		return resource{invoke: true, token: true}, nil
	case "states:startExecution":
		return resource{start: true}, nil
	case "states:startExecution.sync:2":
		return resource{start: true, sync: true}, nil
	default:
		return resource{}, fmt.Errorf("the resource %q is not supported", arn)
	}
}
