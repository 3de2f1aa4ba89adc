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
	lengths  = rapid.IntRange(1, 40)
	actions  = rapid.SampledFrom(weighted)
	calls    = rapid.IntRange(1, 4)
	faulty   = rapid.IntRange(0, 4*int(faults)) // most calls work
	indices  = rapid.IntRange(0, 1<<10)
	decided  = rapid.SampledFrom([]connection.EndpointState{connection.StatePending, connection.StatePending, connection.StateAvailable, connection.StateRejected, connection.StateExpired, connection.StateFailed, connection.StateUnknown})
	pauses   = rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 5 * time.Minute, time.Hour, 30 * time.Hour})
	keep     = rapid.Bool()
	weighted = weigh(map[string]int{
		"go on": 10, "deliver": 6, "sweep": 3, "notification": 3, "trail": 1, "vendor": 4, "time": 3, "lose": 1, "approve": 1, "cancel": 1,
		"delete by hand": 1, "stop": 1, "redrive": 1, "give up on a function": 1, "start": 2,
	})
)

func weigh(weights map[string]int) []string {
	var all []string
	for name, weight := range weights {
		all = append(all, slices.Repeat([]string{name}, weight)...)
	}
	slices.Sort(all) // a seed gives the same schedule in every run
	return all
}

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
	switch actions.Draw(t, "action") {
	case "go on":
		if f, ok := some(t, m.flights, "flight"); ok {
			for range calls.Draw(t, "calls") {
				if !slices.Contains(m.flights, f) {
					break
				}
				with := fault(faulty.Draw(t, "fault"))
				if with >= faults {
					with = none
				}
				m.step(f, with)
			}
		}
	case "deliver":
		if len(m.events) > 0 {
			m.deliver(indices.Draw(t, "event")%len(m.events), keep.Draw(t, "again"))
		}
	case "lose":
		if len(m.events) > 0 {
			i := indices.Draw(t, "event") % len(m.events)
			m.events = slices.Delete(m.events, i, i+1)
		}
	case "sweep":
		m.sweep()
	case "notification":
		if e, ok := some(t, m.endpoints, "endpoint"); ok {
			m.observe(fmt.Sprintf(`{"Records":[{"EventSource":"aws:sns","Sns":{"Message":%q,"Timestamp":%q}}]}`, e.id, m.stamp()))
		}
	case "trail":
		if e, ok := some(t, m.endpoints, "endpoint"); ok {
			m.observe(fmt.Sprintf(`{"source":"aws.ec2","detail-type":"AWS API Call via CloudTrail","time":%q,"detail":`+
				`{"eventName":"ModifyVpcEndpoint","requestParameters":{"vpcEndpointId":%q}}}`, m.stamp(), e.id))
		}
	case "vendor":
		m.vendor(t)
	case "delete by hand":
		if e, ok := some(t, m.endpoints, "endpoint"); ok && !e.state.Gone() {
			e.become(connection.StateDeleted)
		}
	case "time":
		m.pass(pauses.Draw(t, "time"))
	case "approve":
		m.acknowledge(connection.DecisionApprove)
	case "cancel":
		m.acknowledge(connection.DecisionCancel)
	case "start":
		if len(m.executions) < 4 {
			m.start()
		}
	case "stop":
		if x, ok := some(t, m.executions, "execution"); ok && x.runs() {
			m.stop(x)
		}
	case "redrive":
		if x, ok := some(t, m.executions, "execution"); ok && x.status == sfntypes.ExecutionStatusAborted {
			x.status = sfntypes.ExecutionStatusRunning
			m.enter(x, x.at)
		}
	case "give up on a function":
		// Step Functions lost the answer and tries again, while the function goes on.
		if f, ok := some(t, m.flights, "flight"); ok && f.x != nil && f.heard() {
			if f.x.task != nil {
				f.x.task.ended = true
			}
			m.failed(f.x, errDown)
		}
	}
	m.follow()
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
