package states

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"

	"postern/internal/local/clock"
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
	// VersionARN and AliasARN are what it was started by; "" for the machine itself.
	VersionARN, AliasARN string
	StartedBy            string
	Status               Status
	Input, Output        []byte
	Error, Cause         string
	// Path are the states that were entered, in order, those inside a Map too.
	Path []string
	// CurrentStates are the states it is in; several inside a Map.
	CurrentStates []string
	// Transitions is what AWS bills: each entry of a state, and each retry. https://aws.amazon.com/step-functions/pricing/
	Transitions          int
	Redrives             int
	StartedAt, StoppedAt time.Time // StoppedAt is zero while it runs
	RedrivenAt           time.Time // zero when it never was
}

// StateEvent is something that happened to a state of an execution.
type StateEvent struct {
	Execution string
	State     string
	Type      string // Task, Choice, …
	Kind      EventKind
	At        time.Time
	TokenWait bool          // the state is a task that waits for its token
	Error     string        // of Retrying and Caught
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

// execution is the living one. The clock's goroutine changes it, under the service's lock where others read.
type execution struct {
	Execution // under the lock
	machine   *machine
	input     any
	context   map[string]any // the context object without State, Task and Map
	chance    *rand.Rand     // of jitter and functions: the same in every run of the same scenario
	root      *run
	timeout   *clock.Timer
	tokens    []string // issued so far
	history   []event  // under the lock
	watchers  []func(Execution)
}

func (e *execution) snapshot() Execution {
	copied := e.Execution
	copied.Path, copied.CurrentStates = slices.Clone(e.Path), slices.Clone(e.CurrentStates)
	return copied
}

func (e *execution) open() bool { return e.Status == Running }

// newChance returns an execution's own chance, so that it does not depend on what other executions do.
func newChance(seed uint64, arn string) *rand.Rand {
	sum := sha256.Sum256([]byte(arn))
	return rand.New(rand.NewPCG(seed, binary.BigEndian.Uint64(sum[:])))
}
