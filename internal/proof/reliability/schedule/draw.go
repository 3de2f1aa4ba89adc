package schedule

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"pgregory.net/rapid"

	"postern/internal/connection"
)

// Model draws one schedule of the model, and fails when an invariant does not hold in it.
func Model(t *rapid.T) {
	m := newModel()
	defer func() { // whatever is under way holds a goroutine
		for _, f := range m.flights {
			f.stop()
		}
	}()
	m.start()
	for range lengths.Draw(t, "length") {
		m.draw(t)
		t.Logf("%v", m) // for a schedule that failed
		m.check(t)
	}
	m.calm(t)
	m.again(t)
}

var (
	lengths = rapid.IntRange(1, 40)
	calls   = rapid.IntRange(1, 4)
	faulty  = rapid.IntRange(0, 4*int(faults)) // most calls work
	indices = rapid.IntRange(0, 1<<10)
	decided = rapid.SampledFrom([]connection.EndpointState{connection.StatePending, connection.StatePending, connection.StateAvailable, connection.StateRejected, connection.StateExpired, connection.StateFailed, connection.StateUnknown})
	pauses  = rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 5 * time.Minute, time.Hour, 30 * time.Hour})
	keep    = rapid.Bool()
)

// move is one thing that can happen next, and how often it does, beside the others.
type move struct {
	name   string
	weight int
	do     func(m *model, t *rapid.T)
}

// The order is fixed: a seed gives the same schedule in every run.
var moves = []move{
	{"go on", 10, (*model).goOn},
	{"deliver", 6, func(m *model, t *rapid.T) {
		if len(m.events) > 0 {
			m.deliver(indices.Draw(t, "event")%len(m.events), keep.Draw(t, "again"))
		}
	}},
	{"lose", 1, func(m *model, t *rapid.T) {
		if len(m.events) > 0 {
			i := indices.Draw(t, "event") % len(m.events)
			m.events = slices.Delete(m.events, i, i+1)
		}
	}},
	{"sweep", 3, func(m *model, _ *rapid.T) { m.sweep() }},
	{"notification", 3, func(m *model, t *rapid.T) {
		if e, ok := some(t, m.endpoints, "endpoint"); ok {
			m.observe(fmt.Sprintf(`{"Records":[{"EventSource":"aws:sns","Sns":{"Message":%q,"Timestamp":%q}}]}`, e.id, m.stamp()))
		}
	}},
	{"trail", 1, func(m *model, t *rapid.T) {
		if e, ok := some(t, m.endpoints, "endpoint"); ok {
			m.observe(fmt.Sprintf(`{"source":"aws.ec2","detail-type":"AWS API Call via CloudTrail","time":%q,"detail":`+
				`{"eventName":"ModifyVpcEndpoint","requestParameters":{"vpcEndpointId":%q}}}`, m.stamp(), e.id))
		}
	}},
	{"vendor", 4, (*model).vendor},
	{"delete by hand", 1, func(m *model, t *rapid.T) {
		if e, ok := some(t, m.endpoints, "endpoint"); ok && !e.state.Gone() {
			e.become(connection.StateDeleted)
		}
	}},
	{"time", 3, func(m *model, t *rapid.T) { m.pass(pauses.Draw(t, "time")) }},
	{"approve", 1, func(m *model, _ *rapid.T) { m.acknowledge(connection.DecisionApprove) }},
	{"cancel", 1, func(m *model, _ *rapid.T) { m.acknowledge(connection.DecisionCancel) }},
	{"start", 2, func(m *model, _ *rapid.T) {
		if len(m.executions) < 4 {
			m.start()
		}
	}},
	{"stop", 1, func(m *model, t *rapid.T) {
		if x, ok := some(t, m.executions, "execution"); ok && x.runs() {
			m.stop(x)
		}
	}},
	{"redrive", 1, func(m *model, t *rapid.T) {
		if x, ok := some(t, m.executions, "execution"); ok && x.status == sfntypes.ExecutionStatusAborted {
			x.status = sfntypes.ExecutionStatusRunning
			x.redrives++
			x.redriven = m.now
			m.enter(x, x.at)
		}
	}},
	{"give up on a function", 1, (*model).giveUp},
}

var weighted = func() *rapid.Generator[string] {
	var names []string
	for _, next := range moves {
		names = append(names, slices.Repeat([]string{next.name}, next.weight)...)
	}
	return rapid.SampledFrom(names)
}()

// some draws one of a list, none of an empty one.
func some[T any](t *rapid.T, list []T, what string) (T, bool) {
	var nothing T
	if len(list) == 0 {
		return nothing, false
	}
	return list[indices.Draw(t, what)%len(list)], true
}

// draw does the next thing.
func (m *model) draw(t *rapid.T) {
	name := weighted.Draw(t, "move")
	for _, next := range moves {
		if next.name == name {
			next.do(m, t)
		}
	}
	m.follow()
}

// goOn lets one of the functions make its next calls, with a fault or without.
func (m *model) goOn(t *rapid.T) {
	f, ok := some(t, m.flights, "flight")
	if !ok {
		return
	}
	for range calls.Draw(t, "calls") {
		if !slices.Contains(m.flights, f) {
			return
		}
		with := fault(faulty.Draw(t, "fault"))
		if with >= faults {
			with = none
		}
		m.step(f, with)
	}
}

// giveUp lets Step Functions lose an answer and try again, while the function goes on.
func (m *model) giveUp(t *rapid.T) {
	f, ok := some(t, m.flights, "flight")
	if !ok || f.x == nil || !f.heard() {
		return
	}
	if f.x.task != nil {
		f.x.task.ended = true
	}
	m.failed(f.x, errDown)
}

// follow does what follows from answers and failures.
func (m *model) follow() {
	for len(m.later) > 0 {
		next := m.later[0]
		m.later = m.later[1:]
		next()
	}
}

func (m *model) stamp() string { return m.now.Format(time.RFC3339Nano) }

func (m *model) observe(raw string) {
	m.launch(nil, func(ctx context.Context) error {
		_, err := m.observer.Observe(ctx, json.RawMessage(raw))
		return err
	}, func(error) {})
}

func (m *model) sweep() {
	m.observe(fmt.Sprintf(`{"source":"aws.events","detail-type":"Scheduled Event","time":%q}`, m.now.Format(time.RFC3339)))
}

// deliver hands an event to who subscribed to it. One that fails comes again, and one that is kept.
func (m *model) deliver(i int, kept bool) {
	e := m.events[i]
	if !kept {
		m.events = slices.Delete(m.events, i, i+1)
	}
	m.launch(nil, func(ctx context.Context) error {
		if e.detailType == connection.EventGateOpened || e.detailType == connection.EventGateReminder {
			return handle(ctx, m.notifier.Notify, e.raw)
		}
		return handle(ctx, m.resumer.Resume, e.raw)
	}, func(err error) {
		if err != nil && !kept {
			m.events = append(m.events, e)
		}
	})
}

// handle calls a function with an event, as Lambda does.
func handle[In, Out any](ctx context.Context, do func(context.Context, In) (Out, error), raw []byte) error {
	var in In
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	_, err := do(ctx, in)
	return err
}

func (m *model) acknowledge(decision connection.Decision) {
	in := connection.Input{Execution: "arn:aws:states:us-east-1:111122223333:execution:postern:operator", EnteredAt: m.now,
		State: connection.State{Plan: &connection.Plan{ConnectionID: connectionID, Decision: decision}}}
	m.launch(nil, func(ctx context.Context) error {
		_, err := m.operator.Acknowledge(ctx, in)
		return err
	}, func(error) {})
}

// vendor allow-lists the account, or decides about an endpoint.
func (m *model) vendor(t *rapid.T) {
	if !m.visible {
		m.visible = true
		return
	}
	for _, e := range m.endpoints {
		switch {
		case e.state.Waiting():
			e.become(decided.Draw(t, "state"))
			return
		case e.state == connection.StatePending:
			e.become(connection.StateAvailable)
			return
		}
	}
}

// stop ends an execution where it is. Its function goes on: but for EnsureEndpoint's, which two executions could then run at once,
// and EC2 has no token for a connection.
func (m *model) stop(x *execution) {
	x.status = sfntypes.ExecutionStatusAborted
	if x.task != nil {
		x.task.ended = true
	}
	for _, f := range slices.Clone(m.flights) {
		if f.x == x && x.at == ensureEndpoint {
			m.step(f, killed)
		}
	}
}

// pass lets time pass: a wait whose time is over ends, and one that nobody watched.
func (m *model) pass(d time.Duration) {
	m.now = m.now.Add(d)
	for _, x := range m.executions {
		waits := x.at == awaitAllowlisting || x.at == awaitApproval
		if !x.runs() || !waits || x.task.ended {
			continue
		}
		if m.now.Sub(x.task.beat) > heartbeat || m.now.Sub(x.entered) > timeout {
			x.task.ended = true
			m.enter(x, rollback)
		}
	}
}
