package schedule

import (
	"context"
	"fmt"
	"time"

	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"postern/internal/approval"
	"postern/internal/connection"
	"postern/internal/store"
)

// state is a state of the machine, as far as the model has them.
type state int

const (
	plan state = iota
	awaitAllowlisting
	ensureEndpoint
	awaitApproval
	awaitAvailable
	finish // PublishConfig's last write
	rollback
	onboarded
	failedClean
	failedDirty
)

// The limits of a wait.
const (
	heartbeat = 3 * time.Hour
	timeout   = 5 * 24 * time.Hour
)

// execution is one run of the machine.
type execution struct {
	arn      string
	status   sfntypes.ExecutionStatus
	at       state
	entered  time.Time
	planned  time.Time
	tries    int
	redrives int
	redriven time.Time // last, zero for never
	try      int       // which of all: what an earlier one answers is not heard
	task     *task

	proceeds  bool // its plan goes on to EnsureEndpoint
	endpoint  *vpce
	available bool // as its last look at the endpoint said
}

func (x *execution) turn() connection.Turn {
	return connection.Turn{Execution: x.arn, EnteredAt: x.entered, Redrive: x.redrives, Attempt: x.tries}
}

func (x *execution) runs() bool { return x.status == sfntypes.ExecutionStatusRunning }

// task is one try of a waiting state.
type task struct {
	x      *execution
	token  string
	at     state
	beat   time.Time
	ended  bool
	stored bool // await-gate has returned
}

func (m *model) start() {
	x := &execution{arn: fmt.Sprintf("arn:aws:states:us-east-1:111122223333:execution:postern:run-%d", len(m.executions)),
		status: sfntypes.ExecutionStatusRunning}
	m.executions = append(m.executions, x)
	m.enter(x, plan)
}

func (m *model) enter(x *execution, at state) {
	m.now = m.now.Add(time.Millisecond) // no two states are entered at one time
	x.at, x.entered, x.tries = at, m.now, 0
	switch at {
	case onboarded:
		x.status = sfntypes.ExecutionStatusSucceeded
		if !x.available {
			m.violate("%s is Onboarded, and its last look did not show an available endpoint", x.arn)
		}
	case failedClean, failedDirty:
		x.status = sfntypes.ExecutionStatusFailed
	default:
		m.try(x)
	}
}

// try runs the step of the state that an execution is in.
func (m *model) try(x *execution) {
	x.tries, x.try = x.tries+1, x.try+1
	if x.at == awaitAllowlisting || x.at == awaitApproval {
		m.wait(x)
		return
	}
	step := map[state]func(context.Context, *execution) (state, error){
		plan: m.plan, ensureEndpoint: m.ensure, awaitAvailable: m.await, finish: m.finish, rollback: m.rollback,
	}[x.at]
	var next state
	after := *x // what the step adds counts when its answer is heard
	m.launch(x, func(ctx context.Context) (err error) {
		next, err = step(ctx, &after)
		return err
	}, func(err error) {
		if err != nil {
			m.failed(x, err)
			return
		}
		x.proceeds, x.endpoint, x.available = after.proceeds, after.endpoint, after.available
		m.enter(x, next)
	})
}

// failed tries again what may work then, like the machine's Retry; everything else is caught.
func (m *model) failed(x *execution, err error) {
	switch name := connection.NameOf(err); {
	case x.tries < 4 && (name == "" || name == connection.Unavailable || name == connection.EndpointPending):
		m.later = append(m.later, func() {
			if x.runs() {
				m.try(x)
			}
		})
	case x.at == rollback:
		m.enter(x, failedDirty)
	default:
		m.enter(x, rollback)
	}
}

// wait runs await-gate with a new token; a try keeps the time of entry.
func (m *model) wait(x *execution) {
	t := &task{x: x, token: fmt.Sprintf("%s%d", canary, len(m.tasks)), at: x.at, beat: m.now}
	m.tasks[t.token], x.task = t, t
	in := approval.GateInput{Gate: connection.GateAllowlist, Token: store.NewToken(t.token)}
	in.Execution, in.EnteredAt, in.RedriveCount, in.Attempt = x.arn, x.entered, x.redrives, x.tries
	gate := connection.GatePlan{To: "support@example.com", Subject: "please", Body: "please", SLAHours: 48, Calendar: "24x7",
		HeartbeatSeconds: int64(heartbeat / time.Second)}
	in.State.Plan = &connection.Plan{ConnectionID: connectionID, At: x.planned, Service: connection.Service{Name: serviceName, Region: region},
		Gates: connection.Gates{Allowlist: gate, Approval: gate}}
	if x.at == awaitApproval {
		in.Gate, in.State.Endpoint = connection.GateApproval, &connection.Endpoint{ID: x.endpoint.id, State: connection.StatePendingAcceptance}
	}
	m.launch(x, func(ctx context.Context) error {
		_, err := m.keeper.Await(ctx, in)
		return err
	}, func(err error) {
		switch {
		case t.ended: // the token was answered while the function ran
		case err == nil:
			t.stored = true
		default:
			t.ended = true
			m.failed(x, err)
		}
	})
}

// answer ends a task by its token.
func (m *model) answer(token, failure string) error {
	t, err := m.open(token)
	if err != nil {
		return err
	}
	m.checkAnswer(t, failure)
	t.ended = true
	m.later = append(m.later, func() {
		switch {
		case !t.x.runs() || t.x.task != t:
		case failure != "":
			m.enter(t.x, rollback)
		case t.at == awaitAllowlisting:
			m.enter(t.x, plan)
		default:
			m.enter(t.x, awaitAvailable)
		}
	})
	return nil
}

// checkAnswer: a task succeeds only when AWS showed what it waits for, and fails only for a state of its endpoint, or a person's word.
func (m *model) checkAnswer(t *task, failure string) {
	switch {
	case failure == connection.Cancelled:
		if !m.cancelled[t.x.arn] {
			m.violate("%s was cancelled, and nobody said so", t.x.arn)
		}
	case failure != "":
		for state := range t.x.endpoint.was {
			if state.Failure() == failure {
				return
			}
		}
		m.violate("%s failed with %s, and its endpoint never was in such a state", t.x.arn, failure)
	case t.at == awaitAllowlisting:
		if !m.visible {
			m.violate("%s was told that the service is visible, which it is not", t.x.arn)
		}
	case !t.x.endpoint.was[connection.StatePending] && !t.x.endpoint.was[connection.StateAvailable]:
		m.violate("%s was told that its endpoint is accepted, which it never was", t.x.arn)
	}
}

// checkHolder: whoever changes something holds the connection while it does. A function that nobody hears any more may still run, which
// no write to the table can stop.
func (m *model) checkHolder(does string) {
	f := m.running
	if holder := m.table.Get(connectionID)["holder"]; f.heard() && holder != f.x.arn {
		m.violate("%s %s, and the connection is held by %q", f.x.arn, does, holder)
	}
}

// The steps that are not of the approval, as small as they can be.

// plan finds out whether the connection is free, and the service visible.
func (m *model) plan(ctx context.Context, x *execution) (state, error) {
	holder, err := m.store.Holder(ctx, connectionID)
	if err != nil {
		return 0, err
	}
	if holder != "" && holder != x.arn {
		if ended, err := m.store.Ended(ctx, holder); err != nil {
			return 0, err
		} else if !ended {
			return 0, connection.Errorf(connection.Conflict, "held by %s", holder)
		}
	}
	x.planned = x.entered
	return call(m, func() (state, error) {
		if x.proceeds = m.visible; !x.proceeds {
			return awaitAllowlisting, nil
		}
		return ensureEndpoint, nil
	})
}

// ensure claims the connection, and adopts its live endpoint or makes one.
func (m *model) ensure(ctx context.Context, x *execution) (state, error) {
	if err := m.store.Claim(ctx, connectionID, x.turn(), "", x.planned); err != nil {
		return 0, err
	}
	return call(m, func() (state, error) {
		m.checkHolder("makes or adopts an endpoint")
		for _, e := range m.endpoints {
			if e.state.Live() {
				x.endpoint = e
			}
		}
		if x.endpoint == nil {
			x.endpoint = &vpce{id: fmt.Sprintf("vpce-%017x", len(m.endpoints)+1), madeBy: x.arn, was: map[connection.EndpointState]bool{}}
			x.endpoint.become(connection.StatePendingAcceptance)
			m.endpoints = append(m.endpoints, x.endpoint)
		}
		return awaitApproval, nil
	})
}

// await looks whether the endpoint is available.
func (m *model) await(ctx context.Context, x *execution) (state, error) {
	found, err := ec2{m}.Describe(ctx, x.endpoint.id)
	if err != nil {
		return 0, err
	}
	if x.available = found.State == connection.StateAvailable; x.available {
		return finish, nil
	}
	if name := found.State.Failure(); name != "" {
		return 0, connection.Errorf(name, "it is %s", found.State)
	}
	return 0, connection.Errorf(connection.EndpointPending, "it is %s", found.State)
}

// finish publishes, and ends the execution. One that was redriven, or tries again, first looks whether it still holds the connection.
func (m *model) finish(ctx context.Context, x *execution) (state, error) {
	if x.redrives > 0 || x.tries > 1 {
		if err := m.store.Holds(ctx, connectionID, x.turn()); err != nil {
			return 0, err
		}
	}
	if _, err := call(m, func() (struct{}, error) {
		m.checkHolder("publishes")
		return struct{}{}, nil
	}); err != nil {
		return 0, err
	}
	return onboarded, m.store.Finish(ctx, store.Result{ConnectionID: connectionID, Turn: x.turn(),
		Status: store.StatusOnboarded, EndpointID: x.endpoint.id, LastSeen: connection.StateAvailable})
}

// rollback deletes the endpoint that the execution made, unless another one has the connection, and lets the connection go.
func (m *model) rollback(ctx context.Context, x *execution) (state, error) {
	kept := false
	if x.proceeds {
		var err error
		if kept, err = m.store.Keep(ctx, connectionID, x.turn()); err != nil {
			return 0, err
		}
	}
	if kept {
		if _, err := call(m, func() (struct{}, error) {
			m.checkHolder("rolls back")
			for _, e := range m.endpoints {
				if e.madeBy == x.arn && !e.state.Gone() {
					e.become(connection.StateDeleted)
				}
			}
			return struct{}{}, nil
		}); err != nil {
			return 0, err
		}
	}
	return failedClean, m.store.Finish(ctx, store.Result{ConnectionID: connectionID, Turn: x.turn(), Status: store.StatusFailed})
}
