package states

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"time"

	"postern/internal/local/clock"
	"postern/internal/local/wire"
)

// Service is Step Functions. Executions run on the clock's goroutine; its methods may be called from any.
type Service struct {
	// Latency is how long a function takes in virtual time.
	Latency time.Duration
	// HeartbeatError is the error of a task whose heartbeat stayed away, States.HeartbeatTimeout as the specification and the
	// Developer Guide name it. Recordings of real executions show States.Timeout instead (localstack/localstack,
	// tests/aws/services/stepfunctions/v2/timeouts/test_heartbeats.snapshot.json, validated on AWS in 2024), so a machine must be
	// able to live with either: set this to try the other.
	HeartbeatError string

	clock     *clock.Clock
	accountID string
	region    string
	invoker   Invoker
	seed      uint64

	mu         sync.Mutex
	machines   map[string]*machine // by ARN, that of a version too
	aliases    map[string]string   // ARN of the version, by the alias's
	executions map[string]*execution
	order      []*execution // as they were started
	attempts   map[string]*attempt
	names      *rand.Rand // of executions without a name

	onState  []func(StateEvent)
	onStatus []func(Execution)
}

// New returns a service without machines.
func New(c *clock.Clock, accountID, region string, invoker Invoker) *Service {
	const seed = 1
	return &Service{
		Latency: 120 * time.Millisecond, HeartbeatError: heartbeatError,
		clock: c, accountID: accountID, region: region, invoker: invoker, seed: seed, names: newChance(seed, "names"),
		machines: map[string]*machine{}, aliases: map[string]string{}, executions: map[string]*execution{}, attempts: map[string]*attempt{},
	}
}

// Seed makes jitter, random numbers, UUIDs and tokens other ones. Call it before the first execution.
func (s *Service) Seed(seed uint64) { s.seed, s.names = seed, newChance(seed, "names") }

// AddMachine loads a state machine. The error names every fault by its JSON path.
func (s *Service) AddMachine(m Machine) error {
	g, timeout, err := load(m.Definition)
	if err != nil {
		return fmt.Errorf("loading state machine %s: %w", m.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.machines[m.ARN] = &machine{m, g, timeout, s.clock.Now()}
	return nil
}

// OnState calls f for what happens to states, on the clock's goroutine. Call it before the first execution.
func (s *Service) OnState(f func(StateEvent)) { s.onState = append(s.onState, f) }

// OnStatusChange calls f when an execution starts, ends and is redriven, on the clock's goroutine. Call it before the first
// execution.
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
	for _, e := range s.order {
		all = append(all, e.snapshot())
	}
	return all
}

// execution finds an execution; the lock is held.
func (s *Service) execution(arn string) (*execution, error) {
	e, ok := s.executions[arn]
	if !ok || s.forgotten(e) {
		return nil, wire.Errorf("ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", arn)
	}
	return e, nil
}

// retention is how long an execution and its name are kept after its end. AWS: 90 days.
const retention = 90 * 24 * time.Hour

// forgotten reports whether an execution ended so long ago that its name is free again; the lock is held.
func (s *Service) forgotten(e *execution) bool {
	return !e.open() && s.clock.Now().Sub(e.StoppedAt) >= retention
}

// AWS: a name has no white space, wildcards, brackets or other special characters.
var namePattern = regexp.MustCompile("^[^\\s<>{}\\[\\]?*\"#%\\\\^|~`$&,;:/\\x00-\\x1f\\x7f-\\x9f]{1,80}$")

// Start starts an execution and returns its ARN. The same name and input give the same execution while it runs; a name that was
// used otherwise is ExecutionAlreadyExists. The name "" makes one up. AWS: StartExecution.
func (s *Service) Start(machineARN, name string, input []byte, startedBy string) (string, error) {
	value, err := decode(input)
	if err != nil {
		return "", wire.Errorf("InvalidExecutionInput", "Invalid State Machine Execution Input: '%v'", err)
	}
	if len(input) > maxPayload {
		return "", tooLong("input", maxPayload)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, version, alias, err := s.qualified(machineARN)
	if err != nil {
		return "", err
	}
	if name == "" {
		name = uuid(s.names)
	}
	if !namePattern.MatchString(name) {
		return "", wire.Errorf("InvalidName", "Invalid Name: '%s'", name)
	}
	arn := fmt.Sprintf("arn:aws:states:%s:%s:execution:%s:%s", s.region, s.accountID, m.Name, name)
	if known, exists := s.executions[arn]; exists && !s.forgotten(known) {
		if known.open() && string(known.Input) == string(input) {
			return arn, nil
		}
		return "", wire.Errorf("ExecutionAlreadyExists", "Execution Already Exists: '%s'", arn)
	}
	e := s.newExecution(m, arn, name, value)
	e.StartedBy, e.Input = startedBy, slices.Clone(input)
	e.VersionARN, e.AliasARN = version, alias
	s.executions[arn] = e
	s.order = append(s.order, e)
	s.clock.After(0, "the start of "+name, func() { s.begin(e) })
	return arn, nil
}

// uuid draws a UUID of version 4.
func uuid(chance *rand.Rand) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], chance.Uint64())
	binary.BigEndian.PutUint64(b[8:], chance.Uint64())
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (s *Service) newExecution(m *machine, arn, name string, input any) *execution {
	now := s.clock.Now()
	e := &execution{machine: m, input: input, chance: newChance(s.seed, arn)}
	e.Execution = Execution{ARN: arn, Name: name, MachineARN: m.ARN, Status: Running, StartedAt: now}
	e.context = map[string]any{
		"Execution": map[string]any{
			"Id": arn, "Name": name, "Input": input, "RoleArn": m.RoleARN, "StartTime": now.UTC().Format(timeLayout),
			"RedriveCount": int64(0),
		},
		"StateMachine": map[string]any{"Id": m.ARN, "Name": m.Name},
	}
	e.root = &run{service: s, exec: e, graph: m.graph, next: m.graph.start, data: input}
	e.root.done = func(output any, f *failure) {
		if f != nil {
			s.finish(e, Failed, nil, f)
			return
		}
		s.finish(e, Succeeded, encode(output), nil)
	}
	return e
}

func (s *Service) isOpen(e *execution) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.open()
}

func (s *Service) begin(e *execution) {
	if !s.isOpen(e) {
		return
	}
	s.changed(e)
	e.root.note("ExecutionStarted", details{"roleArn": e.machine.RoleARN}.but("stateMachineVersionArn", e.VersionARN).
		but("stateMachineAliasArn", e.AliasARN).with("input", e.input))
	s.startTimeout(e)
	e.root.enter(e.root.next, e.root.data)
}

// startTimeout starts the timeout of a whole execution. AWS: a redrive starts it anew.
func (s *Service) startTimeout(e *execution) {
	if e.machine.timeout == 0 {
		return
	}
	e.timeout = s.clock.After(e.machine.timeout, "the timeout of "+e.Name, func() {
		s.finish(e, TimedOut, nil, &failure{name: timeoutError})
	})
}

// finish ends an execution that runs.
func (s *Service) finish(e *execution, status Status, output []byte, f *failure) {
	if !s.isOpen(e) {
		return
	}
	d := details{}
	if f != nil {
		d = d.but("error", f.name).but("cause", f.cause)
	} else {
		d["output"], d["outputDetails"] = string(output), map[string]any{"truncated": false}
	}
	e.root.abort()
	e.root.note(eventOf[status], d)
	if e.timeout != nil {
		e.timeout.Stop()
	}
	var watchers []func(Execution)
	var ended Execution
	s.record(e, func(e *execution) {
		e.Status, e.Output, e.StoppedAt = status, output, s.clock.Now()
		if f != nil {
			e.Error, e.Cause = f.name, f.cause
		}
		watchers, e.watchers = e.watchers, nil
		ended = e.snapshot()
	})
	s.changed(e)
	for _, watch := range watchers {
		watch(ended)
	}
}

var eventOf = map[Status]string{
	Succeeded: "ExecutionSucceeded", Failed: "ExecutionFailed", TimedOut: "ExecutionTimedOut", Aborted: "ExecutionAborted",
}

// Stop ends an execution where it is: nothing is undone. It does nothing to one that has ended. AWS: StopExecution.
func (s *Service) Stop(arn, name, cause string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.execution(arn)
	if err != nil {
		return err
	}
	if !e.open() {
		return nil
	}
	s.clock.After(0, "the stop of "+e.Name, func() { s.finish(e, Aborted, nil, &failure{name: name, cause: cause}) })
	return nil
}

// watch calls f when an execution ends.
func (s *Service) watch(arn string, f func(Execution)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.executions[arn]
	e.watchers = append(e.watchers, f)
}

// record changes an execution under the lock.
func (s *Service) record(e *execution, change func(*execution)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(e)
}

func (s *Service) changed(e *execution) {
	s.mu.Lock()
	snapshot := e.snapshot()
	s.mu.Unlock()
	for _, f := range s.onStatus {
		f(snapshot)
	}
}
