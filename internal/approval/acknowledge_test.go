package approval

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/store"
	"postern/internal/store/storetest"
)

const (
	operatorARN = "arn:aws:states:us-east-1:111122223333:execution:postern:approve-0123456789abcdef"
	ticketKey   = "github:example/network#42"
)

// word is what an operator says of the sample connection.
func word(decision connection.Decision, inputs map[string]string) connection.Input {
	return connection.Input{Execution: operatorARN, EnteredAt: noon.Add(time.Hour), State: connection.State{
		Plan: &connection.Plan{ConnectionID: connectionID, Decision: decision, Inputs: inputs},
	}}
}

// waiting is a wait as await-gate stores it.
func waiting(wait store.Wait, change func(*store.Wait)) *store.Wait {
	wait.Execution, wait.Ticket, wait.Inputs = executionARN, ticketKey, map[string]string{"tenant": "a"}
	if change != nil {
		change(&wait)
	}
	return &wait
}

func TestAcknowledge(t *testing.T) {
	t.Parallel()
	unnamed := func(w *store.Wait) { w.ServiceName, w.ServiceRegion = "", "" }
	name := map[string]string{"serviceName": "svc-2"}
	type row struct {
		wait     *store.Wait // nil: nothing waits
		decision connection.Decision
		inputs   map[string]string
		ticket   *connection.Ticket
		world    awsWorld
		says     string // detail type of what is said, "" for nothing
		fails    string // error's name
		looks    int
		effect   string // or a part of the error
	}
	approved := connection.DecisionApprove
	visible := awsWorld{services: map[string]bool{"svc": true}}
	shows := func(state connection.EndpointState) awsWorld {
		return awsWorld{endpoints: map[string]endpoint.Endpoint{sampleEndpoint: ours(sampleEndpoint, state)}}
	}
	for title, test := range map[string]row{
		"nothing waits": {decision: approved, fails: connection.NotWaiting, effect: "nothing waits for the vendor"},
		"visible": {wait: waiting(allowlistWait(), nil), decision: approved, world: visible, says: connection.EventServiceVisible,
			looks: 1, effect: "the service is visible"},
		"not visible": {wait: waiting(allowlistWait(), nil), decision: approved, fails: connection.StillClosed, looks: 1,
			effect: "does not show service svc"},
		"could not be checked": {wait: waiting(allowlistWait(), nil), decision: approved, looks: 1, fails: connection.Unavailable,
			world: awsWorld{blind: map[string]error{"svc": connection.Errorf(connection.Unavailable, "no")}}, effect: "looking whether the service is visible"},
		"inputs": {wait: waiting(allowlistWait(), nil), decision: approved, inputs: name, says: connection.EventAcknowledged,
			effect: "plans again"},
		"inputs that are known": {wait: waiting(allowlistWait(), nil), decision: approved, inputs: map[string]string{"tenant": "a"},
			world: visible, says: connection.EventServiceVisible, looks: 1, effect: "the service is visible"},
		"inputs, one of them new": {wait: waiting(allowlistWait(), nil), decision: approved, says: connection.EventAcknowledged,
			inputs: map[string]string{"tenant": "a", "serviceName": "svc-2"}, effect: "plans again"},
		"no name yet": {wait: waiting(allowlistWait(), unnamed), decision: approved, fails: connection.StillClosed, effect: "is not known yet"},
		"the name":    {wait: waiting(allowlistWait(), unnamed), decision: approved, inputs: name, says: connection.EventAcknowledged, effect: "plans again"},
		"accepted": {wait: waiting(approvalWait(), nil), decision: approved, world: shows(connection.StateAvailable),
			says: connection.EventEndpointState, looks: 1, effect: "as available: the wait ends"},
		"rejected": {wait: waiting(approvalWait(), nil), decision: approved, world: shows(connection.StateRejected),
			says: connection.EventEndpointState, looks: 1, effect: "as rejected: the wait ends"},
		"not accepted": {wait: waiting(approvalWait(), nil), decision: approved, world: shows(connection.StatePendingAcceptance),
			fails: connection.StillClosed, looks: 1, effect: "as pendingacceptance"},
		"an unknown state": {wait: waiting(approvalWait(), nil), decision: approved, world: shows(connection.StateUnknown),
			fails: connection.StillClosed, looks: 1, effect: "the wait goes on"},
		"inputs, too late": {wait: waiting(approvalWait(), nil), decision: approved, inputs: name, fails: connection.InvalidRequest,
			effect: "before the endpoint is made"},
		"inputs that are known, with the endpoint": {wait: waiting(approvalWait(), nil), decision: approved, world: shows(connection.StateAvailable),
			inputs: map[string]string{"tenant": "a"}, says: connection.EventEndpointState, looks: 1, effect: "the wait ends"},
		"by its ticket": {wait: waiting(allowlistWait(), nil), decision: approved, world: visible, says: connection.EventServiceVisible,
			ticket: &connection.Ticket{System: "github", ID: "example/network#42"}, looks: 1, effect: "visible"},
		"by another ticket": {wait: waiting(allowlistWait(), nil), decision: approved, world: visible, fails: connection.Conflict,
			ticket: &connection.Ticket{System: "github", ID: "example/network#7"}, effect: "was not opened from ticket"},
		"by a ticket, of the operators' connection": {wait: waiting(allowlistWait(), func(w *store.Wait) { w.Ticket = "" }), decision: approved,
			world: visible, fails: connection.Conflict, ticket: &connection.Ticket{System: "github", ID: "example/network#42"}, effect: "was not opened from ticket"},
		"cancelled by a ticket, of the operators' connection": {wait: waiting(approvalWait(), func(w *store.Wait) { w.Ticket = "" }),
			decision: connection.DecisionCancel, fails: connection.Conflict, ticket: &connection.Ticket{System: "github", ID: "example/network#42"}, effect: "was not opened from ticket"},
		"cancelled": {wait: waiting(approvalWait(), nil), decision: connection.DecisionCancel, says: connection.EventCancelled,
			effect: "undoes what it made"},
		"cancelled, nothing at work": {decision: connection.DecisionCancel, fails: connection.NotWaiting, effect: "nothing is at work"},
		"cancelled by another ticket": {wait: waiting(approvalWait(), nil), decision: connection.DecisionCancel, fails: connection.Conflict,
			ticket: &connection.Ticket{System: "github", ID: "example/network#7"}, effect: "was not opened from ticket"},
		"another decision": {wait: waiting(approvalWait(), nil), decision: connection.DecisionProceed, fails: connection.Internal, effect: "proceed"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			table, bus := store.New(&storetest.Table{}, "connections"), &eventBus{}
			if test.wait != nil {
				must(t, table.Register(t.Context(), *test.wait, store.NewToken(canary)))
			}
			in := word(test.decision, test.inputs)
			in.State.Plan.Ticket = test.ticket
			var log strings.Builder
			a := NewAcknowledger(table, everywhere(&test.world), onBus(bus), "us-east-1", slog.New(slog.NewJSONHandler(&log, nil)))
			got, err := a.Acknowledge(t.Context(), in)
			if len(test.world.looks) != test.looks || strings.Contains(log.String(), canary) {
				t.Errorf("looked at %v, logged %s", test.world.looks, log.String())
			}
			if test.fails != "" {
				if connection.NameOf(err) != test.fails || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(test.effect)) || len(bus.taken) != 0 {
					t.Errorf("%v, after %d events; want %s", err, len(bus.taken), test.fails)
				}
				return
			}
			if err != nil || !strings.Contains(got.Effect, test.effect) || !got.At.Equal(in.EnteredAt) || got.Execution != executionARN ||
				len(bus.taken) != 1 || *bus.taken[0].DetailType != test.says {
				t.Fatalf("%+v, %v, %d events", got, err, len(bus.taken))
			}
			var o connection.Observation
			must(t, json.Unmarshal([]byte(*bus.taken[0].Detail), &o))
			wait, _, found, err := table.Token(t.Context(), connectionID)
			if action := decide(test.says, o, wait); err != nil || !found || action == ActionNone || action == ActionHeartbeat {
				t.Errorf("resume does %q with %+v, %v", action, o, err)
			}
			if o.By != "" && o.By != operatorARN || o.ObservedBy != connection.ObservedByOperator {
				t.Errorf("said by %q, %q", o.By, o.ObservedBy)
			}
			if test.says == connection.EventAcknowledged {
				if diff := cmp.Diff(map[string]string{"serviceName": "svc-2"}, o.Inputs); diff != "" {
					t.Errorf("inputs\n%s", diff)
				}
			}
		})
	}
	a := NewAcknowledger(store.New(&storetest.Table{}, "connections"), nil, nil, "", slog.New(slog.DiscardHandler))
	for _, in := range []connection.Input{{}, {Execution: operatorARN, EnteredAt: noon}, {State: word(approved, nil).State}} {
		if _, err := a.Acknowledge(t.Context(), in); connection.NameOf(err) != connection.Internal {
			t.Errorf("%+v: %v", in, err)
		}
	}
}

// A ticket approves a wait, and between the look at the record and at the wait another execution takes the connection: its wait is
// not the ticket's to end.
func TestApprovalOfAnothersWait(t *testing.T) {
	t.Parallel()
	table, bus := store.New(&storetest.Table{}, "connections"), &eventBus{}
	must(t, table.Register(t.Context(), *waiting(allowlistWait(), nil), store.NewToken(canary)))
	records := &changing{Store: table, meanwhile: func() {
		must(t, table.Finish(t.Context(), store.Result{ConnectionID: connectionID, Turn: connection.Turn{Execution: executionARN, EnteredAt: noon}, Status: store.StatusFailed}))
		must(t, table.Register(t.Context(), *waiting(allowlistWait(), func(w *store.Wait) {
			w.Execution, w.Ticket, w.Since = executionARN+"2", "", noon.Add(time.Minute)
		}), store.NewToken(canary)))
	}}
	in := word(connection.DecisionApprove, map[string]string{"serviceName": "svc-2"})
	in.State.Plan.Ticket = &connection.Ticket{System: "github", ID: "example/network#42"}
	a := NewAcknowledger(records, everywhere(&awsWorld{}), onBus(bus), "us-east-1", slog.New(slog.DiscardHandler))
	if _, err := a.Acknowledge(t.Context(), in); connection.NameOf(err) != connection.NotWaiting || len(bus.taken) > 0 {
		t.Errorf("%v, after %d events", err, len(bus.taken))
	}
}

// changing is records to which something happens after they were first read.
type changing struct {
	*store.Store
	meanwhile func()
}

func (c *changing) Record(ctx context.Context, connectionID string) (store.Record, error) {
	record, err := c.Store.Record(ctx, connectionID)
	c.meanwhile()
	return record, err
}

// An operator approves in the instant in which the sweep looks: both see the same, the task ends once, and neither fails.
func TestApprovalAndSweepAtOnce(t *testing.T) {
	t.Parallel()
	for _, gate := range []connection.Gate{connection.GateAllowlist, connection.GateApproval} {
		for _, order := range []string{"approval first", "sweep first", "together"} {
			t.Run(string(gate)+", "+order, func(t *testing.T) {
				t.Parallel()
				p := newPlace(gate)
				must(t, p.enter(p.now))
				must(t, p.drain())
				p.now, p.state, p.visible = p.now.Add(time.Hour), connection.StatePending, true
				a := NewAcknowledger(store.New(p.table, "connections"), everywhere(p), onBus(p.bus), "us-east-1",
					slog.New(slog.DiscardHandler))
				approve := func() {
					if _, err := a.Acknowledge(t.Context(), word(connection.DecisionApprove, nil)); err != nil {
						t.Error(err)
					}
				}
				sweep := func() {
					if err := p.sweep(); err != nil {
						t.Error(err)
					}
				}
				switch order {
				case "approval first":
					approve()
					sweep()
				case "sweep first":
					sweep()
					approve()
				default:
					var group sync.WaitGroup
					group.Go(approve)
					group.Go(sweep)
					group.Wait()
				}
				if p.queued() != 2 {
					t.Fatalf("%d events", p.queued())
				}
				must(t, p.drain())
				p.check(t, "succeeded")
				by := connection.ObservedByOperator
				if order == "sweep first" {
					by = connection.ObservedBySweep
				}
				if order != "together" && p.current.output.ObservedBy != by {
					t.Errorf("seen by the %s", p.current.output.ObservedBy)
				}
			})
		}
	}
}

// A service without a name is waited for, and never looked at.
func TestNoNameYet(t *testing.T) {
	t.Parallel()
	p := newPlace(connection.GateAllowlist)
	p.unnamed, p.between = true, func() { t.Error("looked") }
	must(t, p.enter(p.now))
	must(t, p.drain())
	for range 3 {
		p.now = p.now.Add(5 * time.Minute)
		must(t, p.sweep())
		must(t, p.drain())
	}
	p.check(t, "")
	if p.current.beats != 3 {
		t.Errorf("%d heartbeats, want 3", p.current.beats)
	}
	a := NewAcknowledger(store.New(p.table, "connections"), everywhere(p), onBus(p.bus), "us-east-1", slog.New(slog.DiscardHandler))
	given := map[string]string{"serviceName": "svc-2"}
	_, err := a.Acknowledge(t.Context(), word(connection.DecisionApprove, given))
	must(t, err)
	must(t, p.drain())
	p.check(t, "succeeded")
	if diff := cmp.Diff(given, p.current.output.Inputs); diff != "" || p.current.output.By != operatorARN {
		t.Errorf("by %s\n%s", p.current.output.By, diff)
	}
}
