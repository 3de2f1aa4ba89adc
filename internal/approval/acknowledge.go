package approval

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"postern/internal/bus"
	"postern/internal/connection"
	"postern/internal/store"
)

// Records is what an operator's word is about; *store.Store satisfies it.
type Records interface {
	Record(ctx context.Context, connectionID string) (store.Record, error)
	WaitOf(ctx context.Context, connectionID string) (store.Wait, bool, error)
	Cancel(ctx context.Context, connectionID, holder string) (told bool, err error)
	Ended(ctx context.Context, execution string) (bool, error)
	Ran(ctx context.Context, execution string) (request []byte, since time.Time, err error)
}

// Acknowledger hears operators: the vendor confirmed, or the connection is given up. It holds no token. What it has to say goes over
// the bus to resume, like everything else.
type Acknowledger struct {
	records   Records
	endpoints func(connection.Access) Endpoints
	bus       *bus.Bus
	region    string // our own
	log       *slog.Logger
}

// NewAcknowledger returns an acknowledger in a Region.
func NewAcknowledger(records Records, endpoints func(connection.Access) Endpoints, bus *bus.Bus, region string,
	log *slog.Logger) *Acknowledger {
	return &Acknowledger{records: records, endpoints: endpoints, bus: bus, region: region, log: log}
}

// Acknowledge does what the plan decided. NotWaiting says that there is nothing to act on, StillClosed that AWS does not show what
// the operator says, Conflict that the connection belongs to another ticket.
func (a *Acknowledger) Acknowledge(ctx context.Context, in connection.Input) (connection.Acknowledgement, error) {
	var none connection.Acknowledgement
	plan := in.State.Plan
	if plan == nil || plan.ConnectionID == "" || in.Execution == "" || in.EnteredAt.IsZero() {
		return none, connection.Errorf(connection.Internal, "acknowledging: no plan, no execution or no time was handed over")
	}
	record, err := a.records.Record(ctx, plan.ConnectionID)
	if err != nil {
		return none, err
	}
	if ticket := plan.Ticket.Key(); !record.Owns(ticket) {
		return none, connection.NotOf(plan.ConnectionID, ticket)
	}
	var done connection.Acknowledgement
	switch plan.Decision {
	case connection.DecisionApprove:
		done, err = a.approve(ctx, in, record)
	case connection.DecisionCancel:
		done, err = a.cancel(ctx, in, record)
	default:
		err = connection.Errorf(connection.Internal, "acknowledging: the plan decided %q", plan.Decision)
	}
	if err != nil {
		return none, err
	}
	done.At = in.EnteredAt
	a.log.InfoContext(ctx, "acknowledged", "connection", plan.ConnectionID, "action", done.Action, "gate", done.Gate,
		"execution", done.Execution)
	return done, nil
}

// approve makes the wait be looked at now. What the vendor gave is passed on with it.
func (a *Acknowledger) approve(ctx context.Context, in connection.Input, record store.Record) (connection.Acknowledgement, error) {
	id, inputs := in.State.Plan.ConnectionID, in.State.Plan.Inputs
	done := connection.Acknowledgement{Action: connection.ActionApprove}
	wait, found, err := a.records.WaitOf(ctx, id)
	if err != nil {
		return done, err
	}
	if !found || wait.Execution != record.Holder { // else it is another's, who took the connection or had it before
		return done, notWaiting(id, record.Holder, "nothing waits for the vendor")
	}
	done.Execution, done.Gate = wait.Execution, wait.Gate
	// A ticket has its inputs still, whatever it asks for: only what is new is given.
	given := maps.Clone(inputs)
	maps.DeleteFunc(given, func(name, value string) bool { return wait.Inputs[name] == value })
	say, effect, err := a.look(ctx, in, wait, given)
	if err != nil {
		return done, err
	}
	done.Effect = effect
	return done, a.bus.Put(ctx, say)
}

// look returns what to say of a wait: what Describe shows, or what the vendor gave.
func (a *Acknowledger) look(ctx context.Context, in connection.Input, wait store.Wait, inputs map[string]string) (
	bus.Event, string, error) {
	seen, endpoints := sight{by: connection.ObservedByOperator, at: in.EnteredAt}, a.endpoints(wait.Access)
	switch {
	case wait.Gate == connection.GateAllowlist && len(inputs) > 0:
		say := seen.saying(connection.EventAcknowledged, wait, connection.Observation{
			ServiceName: wait.ServiceName, Execution: wait.Execution, By: in.Execution, Inputs: inputs,
		})
		return say, "the execution plans again with what the vendor gave", nil
	case wait.Gate == connection.GateAllowlist && wait.ServiceName == "":
		return bus.Event{}, "", connection.Errorf(connection.StillClosed, "The name of the vendor's service is not known yet.\n"+
			"What to do: start action approve again with inputs: what the vendor gave with the allow-listing, under the names that "+
			"the plan's finding %s lists. The wait goes on.", connection.FindingAwaited)
	case wait.Gate == connection.GateAllowlist:
		service, err := endpoints.Service(ctx, wait.ServiceName, wait.ServiceRegion, cmp.Or(wait.Access.Region, a.region))
		if err != nil {
			return bus.Event{}, "", fmt.Errorf("looking whether the service is visible: %w", err)
		}
		if !service.Visible {
			return bus.Event{}, "", connection.Errorf(connection.StillClosed, "AWS does not show service %s to this account.\n"+
				"What to do: ask the vendor whether it allow-listed this account, in this Region; or give the service's new name with "+
				"inputs. The wait goes on.", wait.ServiceName)
		}
		return seen.service(wait), "the service is visible: the execution goes on", nil
	case len(inputs) > 0:
		return bus.Event{}, "", connection.Errorf(connection.InvalidRequest, "Inputs can only be given before the endpoint is made.\n"+
			"What to do: leave them out, or cancel the connection and onboard it again.")
	}
	found, err := endpoints.Describe(ctx, wait.EndpointID)
	if err != nil {
		return bus.Event{}, "", fmt.Errorf("looking whether the endpoint is accepted: %w", err)
	}
	if found.State.Waiting() || seen.unsettled(wait, found) {
		return bus.Event{}, "", connection.Errorf(connection.StillClosed, "AWS shows endpoint %s as %s.\n"+
			"What to do: ask the vendor to accept this endpoint; approving does not accept it. The wait goes on.", found.ID, found.State)
	}
	return seen.endpoint(wait, found), fmt.Sprintf("AWS shows the endpoint as %s: the wait ends", found.State), nil
}

// cancel marks the connection before it ends the wait, so that a wait that begins meanwhile sees the mark.
func (a *Acknowledger) cancel(ctx context.Context, in connection.Input, record store.Record) (connection.Acknowledgement, error) {
	id := in.State.Plan.ConnectionID
	done := connection.Acknowledgement{Action: connection.ActionCancel, Execution: record.Holder}
	if record.Holder == "" {
		if record.Status == store.StatusOnboarded {
			return done, connection.Errorf(connection.NotWaiting, "Connection %s: nothing is at work on it, and it is onboarded.\n"+
				"What to do: nothing, or start action offboard to remove it.", id)
		}
		return done, notWaiting(id, "", "nothing is at work on it")
	}
	if err := a.cancellable(ctx, id, record.Holder); err != nil {
		return done, err
	}
	told, err := a.records.Cancel(ctx, id, record.Holder)
	if err != nil {
		return done, err
	}
	if !told {
		return done, notWaiting(id, "", "execution "+record.Holder+" has ended meanwhile")
	}
	wait, found, err := a.records.WaitOf(ctx, id)
	if err != nil {
		return done, err
	}
	if !found || wait.Execution != record.Holder {
		done.Effect = "the execution gives up before its next wait, or instead of finishing, and undoes what it made"
		return done, nil
	}
	done.Gate, done.Effect = wait.Gate, "the wait ends, and the execution undoes what it made"
	seen := sight{by: connection.ObservedByOperator, at: in.EnteredAt}
	return done, a.bus.Put(ctx, seen.saying(connection.EventCancelled, wait, connection.Observation{
		EndpointID: wait.EndpointID, ServiceName: wait.ServiceName, Execution: wait.Execution, By: in.Execution,
	}))
}

// cancellable returns nil when the execution that holds a connection can give up: one that has ended hears nothing, and what an
// offboarding removed does not come back.
func (a *Acknowledger) cancellable(ctx context.Context, id, holder string) error {
	ended, err := a.records.Ended(ctx, holder)
	if err != nil {
		return err
	}
	if ended {
		return connection.Errorf(connection.NotWaiting, "Connection %s: nothing is at work on it.\n- held by: %s, which was stopped and "+
			"undid nothing\nWhat to do: start action onboard to go on from what is there, or action offboard to remove it.", id, holder)
	}
	raw, _, err := a.records.Ran(ctx, holder)
	if err != nil {
		return err
	}
	var asked connection.Request
	if json.Unmarshal(raw, &asked) == nil && asked.Action == connection.ActionOffboard {
		return connection.Errorf(connection.NotWaiting, "Connection %s is being offboarded, and that cannot be cancelled.\n- held by: %s\n"+
			"What to do: let it end, then start action onboard to make the connection again.", id, holder)
	}
	return nil
}

func notWaiting(id, holder, why string) error {
	if holder == "" {
		return connection.Errorf(connection.NotWaiting, "Connection %s: %s.\nWhat to do: nothing, or start action onboard.", id, why)
	}
	return connection.Errorf(connection.NotWaiting, "Connection %s: %s.\n- held by: %s, which is between its waits\n"+
		"What to do: nothing; it goes on by itself.", id, why, holder)
}
