package stepfunctions

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"time"

	"postern/internal/local/clock"
	"postern/internal/local/wire"
)

// Machine is a state machine to run.
type Machine struct {
	ARN, Name, RoleARN string
	Definition         []byte
}

type machine struct {
	Machine
	graph *graph
}

// Service is Step Functions. Executions run on the clock's goroutine; calls may come from any.
type Service struct {
	// Latency is how long a function takes in virtual time.
	Latency time.Duration

	clock     *clock.Clock
	accountID string
	region    string
	invoker   Invoker
	seed      uint64

	mu         sync.Mutex
	rand       *rand.Rand
	machines   map[string]*machine
	executions map[string]*execution
	order      []string // ARNs as they were started
	tasks      map[string]*task
	onState    []func(StateEvent)
	onStatus   []func(Execution)
	onEnd      map[string][]func(Execution)
}

// New returns a service without machines.
func New(c *clock.Clock, accountID, region string, invoker Invoker) *Service {
	const seed = 1
	return &Service{
		Latency: 120 * time.Millisecond, clock: c, accountID: accountID, region: region, invoker: invoker, seed: seed,
		rand: rand.New(rand.NewPCG(seed, seed)), machines: map[string]*machine{}, executions: map[string]*execution{},
		tasks: map[string]*task{}, onEnd: map[string][]func(Execution){},
	}
}

// AddMachine loads a state machine, strictly.
func (s *Service) AddMachine(m Machine) error {
	g, err := load(m.Definition)
	if err != nil {
		return fmt.Errorf("machine %s: %w", m.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.machines[m.ARN] = &machine{m, g}
	return nil
}

// OnState calls f for what happens to states, on the clock's goroutine.
func (s *Service) OnState(f func(StateEvent)) { s.onState = append(s.onState, f) }

// OnStatusChange calls f when an execution starts and when it ends, on the clock's goroutine.
func (s *Service) OnStatusChange(f func(Execution)) { s.onStatus = append(s.onStatus, f) }

// Execution returns a snapshot.
func (s *Service) Execution(arn string) (Execution, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.executions[arn]
	if !ok {
		return Execution{}, false
	}
	return e.snapshot(), true
}

// Executions returns every execution in the order they were started.
func (s *Service) Executions() []Execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Execution
	for _, arn := range s.order {
		all = append(all, s.executions[arn].snapshot())
	}
	return all
}

var namePattern = regexp.MustCompile("^[^\\s<>{}\\[\\]?*\"#%\\\\^|~`$&,;:/]{1,80}$")

// Start starts an execution and returns its ARN. The same name and input give the same execution while it runs; a name that was
// used otherwise is ExecutionAlreadyExists. AWS: StartExecution.
func (s *Service) Start(machineARN, name string, input []byte, startedBy string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.machines[machineARN]
	if !ok {
		return "", wire.Errorf("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", machineARN)
	}
	var value any
	if err := json.Unmarshal(input, &value); err != nil {
		return "", wire.Errorf("InvalidExecutionInput", "Invalid State Machine Execution Input: '%v'", err)
	}
	if len(input) > maxPayload {
		return "", wire.Errorf("InvalidExecutionInput", "the input is larger than %d bytes", maxPayload)
	}
	if name == "" {
		name = fmt.Sprintf("00000000-0000-4000-8000-%012d", len(s.order)+1)
	}
	if !namePattern.MatchString(name) {
		return "", wire.Errorf("InvalidName", "Invalid Name: '%s'", name)
	}
	arn := fmt.Sprintf("arn:aws:states:%s:%s:execution:%s:%s", s.region, s.accountID, m.Name, name)
	if known, exists := s.executions[arn]; exists {
		if known.open() && string(known.Input) == string(input) {
			return arn, nil
		}
		return "", wire.Errorf("ExecutionAlreadyExists", "Execution Already Exists: '%s'", arn)
	}
	e := &execution{machine: m, Execution: Execution{
		ARN: arn, Name: name, MachineARN: machineARN, StartedBy: startedBy, Status: Running, Input: slices.Clone(input), StartedAt: s.clock.Now(),
	}}
	e.context = map[string]any{
		"Execution":    map[string]any{"Id": arn, "Name": name, "Input": value, "RoleArn": m.RoleARN, "StartTime": e.StartedAt.UTC().Format(timeLayout)},
		"StateMachine": map[string]any{"Id": machineARN, "Name": m.Name},
	}
	s.executions[arn] = e
	s.order = append(s.order, arn)
	s.clock.After(0, "the start of "+name, func() { s.begin(e, value) })
	return arn, nil
}

func (s *Service) begin(e *execution, input any) {
	s.changed(e)
	r := &run{service: s, exec: e, graph: e.machine.graph}
	r.done = func(output any, failed *failure) { s.end(e, output, failed) }
	e.cancel = r
	if seconds := e.machine.graph.TimeoutSeconds; seconds > 0 {
		s.clock.After(time.Duration(seconds)*time.Second, "the timeout of "+e.Name, func() {
			if e.open() {
				s.finish(e, TimedOut, nil, "States.Timeout", "")
			}
		})
	}
	r.enter(r.graph.StartAt, input)
}

func (s *Service) end(e *execution, output any, failed *failure) {
	if failed != nil {
		s.finish(e, Failed, nil, failed.Name, failed.Cause)
		return
	}
	raw, _ := json.Marshal(output) // it came from JSON
	s.finish(e, Succeeded, raw, "", "")
}

func (s *Service) finish(e *execution, status Status, output []byte, name, cause string) {
	s.record(e, func(e *execution) {
		e.Status, e.Output, e.Error, e.Cause, e.StoppedAt = status, output, name, cause, s.clock.Now()
		e.events++
	})
	if e.cancel != nil {
		e.cancel.ended = true
		e.cancel.release()
	}
	s.changed(e)
	s.mu.Lock()
	waiting := s.onEnd[e.ARN]
	delete(s.onEnd, e.ARN)
	s.mu.Unlock()
	for _, f := range waiting {
		f(e.snapshot())
	}
}

// Stop ends an execution where it is: nothing is undone. AWS: StopExecution.
func (s *Service) Stop(arn, name, cause string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.executions[arn]
	if !ok {
		return wire.Errorf("ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", arn)
	}
	s.clock.After(0, "the stop of "+e.Name, func() {
		if e.open() {
			s.finish(e, Aborted, nil, name, cause)
		}
	})
	return nil
}

func (s *Service) whenEnded(arn string, f func(Execution)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onEnd[arn] = append(s.onEnd[arn], f)
}

// record changes an execution under the lock.
func (s *Service) record(e *execution, change func(*execution)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(e)
}

func (s *Service) tell(event StateEvent) {
	for _, f := range s.onState {
		f(event)
	}
}

func (s *Service) changed(e *execution) {
	s.mu.Lock()
	snapshot := e.snapshot()
	s.mu.Unlock()
	for _, f := range s.onStatus {
		f(snapshot)
	}
}

// random is deterministic: every run of the same scenario is the same run.
func (s *Service) random() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rand.Float64()
}
