package stepfunctions

import (
	"slices"
	"time"
)

// Status is the status of an execution.
type Status string

// The statuses, as AWS spells them.
const (
	Running   Status = "RUNNING"
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	TimedOut  Status = "TIMED_OUT"
	Aborted   Status = "ABORTED"
)

// Execution is a snapshot of an execution.
type Execution struct {
	ARN, Name, MachineARN string
	StartedBy             string
	Status                Status
	Input, Output         []byte
	Error, Cause          string
	// Path are the states that were entered, in order, those inside Map and Parallel too.
	Path []string
	// Transitions is what AWS bills: each entry of a state, and each retry. https://aws.amazon.com/step-functions/pricing/
	Transitions          int
	StartedAt, StoppedAt time.Time
}

// StateEvent is something that happened to a state of an execution.
type StateEvent struct {
	Execution string
	State     string
	Type      string // Task, Choice, …
	Kind      EventKind
	At        time.Time
	Error     string        // of Retrying, Caught and Failed
	Cause     string        // likewise
	Delay     time.Duration // of Retrying: until the next try
	Deadline  time.Time     // of Waiting: when the task times out
	Output    []byte        // of Exited: the state's data
}

// EventKind is what happened.
type EventKind string

// The kinds of a StateEvent.
const (
	Entered  EventKind = "entered"
	Waiting  EventKind = "waiting" // for a task token
	Retrying EventKind = "retrying"
	Caught   EventKind = "caught"
	Exited   EventKind = "exited"
)

// execution is the living one. Its run touches it on the clock's goroutine only, under the service's lock where others read.
type execution struct {
	Execution
	machine *machine
	context map[string]any // the context object without State, Task and Map
	events  int            // of the history; AWS fails an execution past 25,000
	cancel  *run           // what it runs
	tokens  int
}

const maxEvents = 25_000

func (e *execution) snapshot() Execution {
	copied := e.Execution
	copied.Path = slices.Clone(e.Path)
	return copied
}

func (e *execution) open() bool { return e.Status == Running }
