package offboard

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"postern/internal/bus"
	"postern/internal/connection"
	"postern/internal/remove"
	"postern/internal/store"
)

// Registry holds the connection for the execution, and records its end; *store.Store satisfies it.
type Registry interface {
	Claim(ctx context.Context, connectionID string, turn connection.Turn, ticket string, planned time.Time) error
	Finish(ctx context.Context, result store.Result) error
}

// Bus reports what was removed; *bus.Bus satisfies it.
type Bus interface {
	Put(ctx context.Context, events ...bus.Event) error
}

// Offboarder removes connections.
type Offboarder struct {
	remove.Remover
	Registry Registry
	Bus      Bus
	Log      *slog.Logger
}

// Offboard removes what the plan lists. It may run any number of times, and lists each time everything that is gone. The state
// machine retries the error when AWS throttles or is unavailable, or when something is not gone yet (connection.RemovalPending);
// connection.RemovalIncomplete says what could not be removed.
func (o *Offboarder) Offboard(ctx context.Context, in connection.Input) (connection.Removal, error) {
	none, plan := connection.Removal{}, in.State.Plan
	if plan == nil || plan.Offboard == nil {
		return none, connection.Errorf(connection.Internal, "offboarding: there is no plan")
	}
	if err := o.Registry.Claim(ctx, plan.ConnectionID, in.Turn(), plan.Ticket.Key(), plan.At); err != nil {
		return none, err
	}
	report := &remove.Report{Repeated: in.Retries > 0}
	o.Remove(ctx, inventory(plan), report)
	switch {
	case report.Again != nil:
		return none, report.Again
	case len(report.Pending) > 0:
		return none, connection.Errorf(connection.RemovalPending, "waiting until AWS has deleted %s", strings.Join(report.Pending, ", "))
	}
	removal := connection.Removal{
		At: in.EnteredAt, Removed: append(append([]string{}, report.Done...), report.Absent...), Kept: append([]string{}, report.Kept...),
		Notice: notice(plan, report.Deleted),
	}
	for _, id := range report.Released {
		removal.Kept = append(removal.Kept, id+" was created manually before; Postern's tags were removed")
	}
	if len(report.Left) > 0 {
		return none, connection.Errorf(connection.RemovalIncomplete, "%s", incomplete(plan.ConnectionID, report.Left, removal))
	}
	// The notice comes before the record is closed: a retry puts it again, and the function that mails it claims it for the
	// execution, so it is neither lost nor sent twice.
	if err := o.notify(ctx, in, removal); err != nil {
		return none, err
	}
	if err := o.Registry.Finish(ctx, store.Result{
		ConnectionID: plan.ConnectionID, Turn: in.Turn(), Status: store.StatusOffboarded,
	}); err != nil {
		return none, err
	}
	o.Log.InfoContext(ctx, "offboarded", slog.String("connection", plan.ConnectionID), slog.Int("removed", len(removal.Removed)),
		slog.Int("kept", len(removal.Kept)))
	return removal, nil
}

// inventory is what the plan lists, whichever execution made it.
func inventory(plan *connection.Plan) remove.Inventory {
	listed := plan.Offboard
	all := remove.Inventory{
		ConnectionID: plan.ConnectionID, Config: listed.Config, Outputs: plan.Outputs, Zones: listed.Zones,
		SecurityGroupID: listed.SecurityGroupID,
	}
	for _, id := range listed.EndpointIDs {
		all.Endpoints = append(all.Endpoints, remove.Endpoint{ID: id, Adopted: slices.Contains(listed.AdoptedIDs, id)})
	}
	if listed.SecurityGroupID != "" {
		all.VPCID = plan.Network.VPCID
	}
	return all
}

// incomplete is the message when something could not be removed.
func incomplete(connectionID string, left []string, removal connection.Removal) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Connection %s could not be removed completely: %d things are left.", connectionID, len(left))
	for _, part := range []struct {
		title string
		lines []string
	}{{"Left behind", left}, {"Removed", removal.Removed}, {"Kept", removal.Kept}} {
		if len(part.lines) > 0 {
			b.WriteString("\n" + part.title + ":\n- " + strings.Join(part.lines, "\n- "))
		}
	}
	b.WriteString("\nNext: correct what the lines above name, then start the same request again: it continues where this one ended.")
	return b.String()
}
