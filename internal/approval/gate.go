package approval

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"postern/internal/bus"
	"postern/internal/connection"
	"postern/internal/store"
)

// GateInput is what the state machine hands to await-gate.
type GateInput struct {
	connection.Input
	Gate  connection.Gate `json:"gate"`
	Token store.Token     `json:"token"`
	// Attempt counts the tries of the task (AWS: $$.State.RetryCount); each has a token of its own.
	Attempt int `json:"attempt,omitempty"`
}

// check refuses an input that no state of ours sends; it would store a wait that nothing can end.
func (in GateInput) check() error {
	missing := func(what string) error {
		return connection.Errorf(connection.Internal, "waiting at gate %q: %s", in.Gate, what)
	}
	switch {
	case in.Gate != connection.GateAllowlist && in.Gate != connection.GateApproval:
		return missing("there is no such gate")
	case in.Token.Reveal() == "":
		return missing("no task token was handed over")
	case in.Execution == "" || in.EnteredAt.IsZero():
		return missing("no execution or no time was handed over")
	case in.State.Plan == nil || in.State.Plan.ConnectionID == "":
		return missing("the state has no plan")
	case in.Gate == connection.GateApproval && (in.State.Endpoint == nil || in.State.Endpoint.ID == ""):
		return missing("the state has no endpoint")
	}
	return nil
}

func (in GateInput) wait() store.Wait {
	gate := in.State.Plan.Gates.Of(in.Gate)
	wait := store.Wait{
		ConnectionID: in.State.Plan.ConnectionID, Gate: in.Gate, Execution: in.Execution, Since: in.EnteredAt, Attempt: in.Attempt,
		Planned: in.State.Plan.At, Redrive: in.RedriveCount,
		ServiceName: in.State.Plan.Service.Name, ServiceRegion: in.State.Plan.Service.Region, Ticket: in.State.Plan.Ticket.Key(),
		Access: in.State.Access(), Inputs: in.State.Plan.Inputs, Heartbeat: time.Duration(gate.HeartbeatSeconds) * time.Second,
		Asked: in.EnteredAt, SLAHours: gate.SLAHours, Calendar: gate.Calendar, To: gate.To,
	}
	if before := in.State.Allowlisting; in.Gate == connection.GateAllowlist && before != nil && !before.AskedAt.IsZero() {
		wait.Asked = before.AskedAt // the vendor's answer did not open the gate, and Postern did not ask again
	}
	if in.Gate == connection.GateApproval {
		wait.EndpointID, wait.LastSeen = in.State.Endpoint.ID, in.State.Endpoint.State
	}
	wait.Subject = strings.ReplaceAll(gate.Subject, "${vpcEndpointId}", wait.EndpointID)
	return wait
}

// Gatekeeper begins waits.
type Gatekeeper struct {
	waits     Registry
	endpoints Endpoints
	bus       *bus.Bus
	log       *slog.Logger
}

// NewGatekeeper returns a gatekeeper.
func NewGatekeeper(waits Registry, endpoints Endpoints, bus *bus.Bus, log *slog.Logger) *Gatekeeper {
	return &Gatekeeper{waits: waits, endpoints: endpoints, bus: bus, log: log}
}

// Await stores the wait, then looks. In this order no approval is missed: one that came before the token was stored is seen by
// the look, one that comes after finds the token. What it saw goes over the bus to resume, like everything else that is seen;
// otherwise "Gate Opened" tells the operators what to send. The state machine ignores the answer, it waits for the token.
func (g *Gatekeeper) Await(ctx context.Context, in GateInput) (struct{}, error) {
	var none struct{}
	if err := in.check(); err != nil {
		return none, err
	}
	wait := in.wait()
	if err := g.waits.Register(ctx, wait, in.Token); err != nil {
		return none, in.Token.Scrub(err)
	}
	say, err := g.look(ctx, in, wait)
	if err != nil {
		return none, err
	}
	sayings := []bus.Event{say}
	if say.Type != connection.EventGateOpened && in.State.Plan.Gates.Of(wait.Gate).ByConnection {
		sayings = append(sayings, opened(in, wait)) // AWS has no gate here, the vendor has: the text goes out, the probe waits
	}
	if err := g.bus.Put(ctx, sayings...); err != nil {
		return none, err
	}
	g.log.InfoContext(ctx, "waiting", "connection", wait.ConnectionID, "gate", wait.Gate, "endpoint", wait.EndpointID,
		"said", say.Type)
	return none, nil
}

// look returns what to say: that the wait is over already, or that it began.
func (g *Gatekeeper) look(ctx context.Context, in GateInput, wait store.Wait) (bus.Event, error) {
	seen := sight{by: connection.ObservedByRegistration, at: in.EnteredAt}
	if wait.Gate == connection.GateAllowlist && wait.ServiceName == "" {
		return opened(in, wait), nil // the vendor has yet to give the name: there is nothing to look at
	}
	if wait.Gate == connection.GateAllowlist {
		service, err := g.endpoints.Service(ctx, wait.ServiceName, wait.ServiceRegion, in.State.Plan.Network.Region)
		if err != nil {
			return bus.Event{}, fmt.Errorf("looking whether the service is visible: %w", err)
		}
		if service.Visible {
			return seen.service(wait), nil
		}
		return opened(in, wait), nil
	}
	found, err := g.endpoints.Describe(ctx, wait.EndpointID)
	if err != nil {
		return bus.Event{}, fmt.Errorf("looking whether the endpoint is accepted: %w", err)
	}
	if found.State.Waiting() || seen.unsettled(wait, found) {
		return opened(in, wait), nil
	}
	return seen.endpoint(wait, found), nil
}

// opened says that the wait began, with the text for the vendor.
func opened(in GateInput, wait store.Wait) bus.Event {
	gate := in.State.Plan.Gates.Of(wait.Gate)
	fill := strings.NewReplacer("${vpcEndpointId}", wait.EndpointID)
	return bus.Event{Type: connection.EventGateOpened, At: in.EnteredAt, Detail: connection.GateNotice{
		SchemaVersion: connection.SchemaVersion, ConnectionID: wait.ConnectionID, Execution: wait.Execution, Gate: wait.Gate,
		OpenedAt: in.EnteredAt, To: gate.To, Subject: fill.Replace(gate.Subject), Body: fill.Replace(gate.Body),
		SLAHours: gate.SLAHours, Calendar: gate.Calendar, EndpointID: wait.EndpointID,
		EndpointState: wait.LastSeen, Plan: planned(in.State), Ticket: in.State.Plan.Ticket,
	}}
}

// planned is the plan for the ticket, nil when it was told at the gate before.
func planned(s connection.State) *connection.PlanNotice {
	if s.Allowlisting != nil {
		return nil
	}
	return &connection.PlanNotice{Creates: s.Plan.Creates, Findings: s.Plan.Findings, Cost: s.Plan.Cost}
}
