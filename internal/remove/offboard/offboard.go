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
	"postern/internal/endpoint"
	"postern/internal/step"
	"postern/internal/store"
)

// Endpoints finds and removes endpoints; *endpoint.Client satisfies it.
type Endpoints interface {
	Describe(ctx context.Context, id string) (endpoint.Endpoint, error)
	Remove(ctx context.Context, id string) error
	RemoveNotifications(ctx context.Context, endpointID string) error
	HandBack(ctx context.Context, id, topicARN string) error
	GroupOfConnection(ctx context.Context, vpcID, connectionID string) (endpoint.SecurityGroup, error)
	RemoveGroup(ctx context.Context, group endpoint.SecurityGroup) error
}

// Names undoes zones and records; *dns.Client satisfies it.
type Names interface {
	Undo(ctx context.Context, done connection.DNS, connectionID string) error
}

// Parameters undoes published parameters; *publish.Client satisfies it.
type Parameters interface {
	Undo(ctx context.Context, config connection.Config) error
}

// Registry holds the connection for the execution, and records its end; *store.Store satisfies it.
type Registry interface {
	Claim(ctx context.Context, connectionID string, turn connection.Turn, planned time.Time) error
	Finish(ctx context.Context, result store.Result) error
}

// Bus tells of what was removed; *bus.Bus satisfies it.
type Bus interface {
	Put(ctx context.Context, events ...bus.Event) error
}

// Offboarder removes connections.
type Offboarder struct {
	Endpoints  Endpoints
	Names      Names
	Parameters Parameters
	Registry   Registry
	Bus        Bus
	TopicARN   string // of the connection notifications
	Log        *slog.Logger
}

// run is one try: what is gone, what is kept, what could not be removed, and what is on its way out.
type run struct {
	*Offboarder
	plan    *connection.Plan
	removal connection.Removal
	left    []string
	pending []string
	gone    []string // endpoints that AWS has deleted
	again   error    // asks for a retry
	// published is why what parameters lead to is kept, nil when no parameter does.
	published error
}

// Offboard removes what the plan lists. It may run any number of times, and tells each time of everything that is gone. The error
// is retried by the state machine when AWS throttles or is unavailable, or something is not gone yet (connection.RemovalPending);
// connection.RemovalIncomplete says what could not be removed.
func (o *Offboarder) Offboard(ctx context.Context, in connection.Input) (connection.Removal, error) {
	plan := in.State.Plan
	if plan == nil || plan.Offboard == nil {
		return connection.Removal{}, connection.Errorf(connection.Internal, "offboarding: there is no plan")
	}
	if err := o.Registry.Claim(ctx, plan.ConnectionID, in.Turn(), plan.At); err != nil {
		return connection.Removal{}, err
	}
	r := &run{Offboarder: o, plan: plan, removal: connection.Removal{Removed: []string{}, Kept: []string{}}}
	// Whoever reads the configuration is told first, the name goes before what it leads to. Neither is overtaken while AWS throttles.
	for _, remove := range []func(context.Context){r.parameters, r.names, r.endpoints, r.securityGroup} {
		if r.again == nil {
			remove(ctx)
		}
	}
	switch {
	case r.again != nil:
		return connection.Removal{}, r.again
	case len(r.pending) > 0:
		return connection.Removal{}, connection.Errorf(connection.RemovalPending, "waiting until AWS has deleted %s",
			strings.Join(r.pending, ", "))
	}
	if len(r.left) > 0 {
		return connection.Removal{}, connection.Errorf(connection.RemovalIncomplete, "%s", r.incomplete())
	}
	r.removal.At = in.EnteredAt
	r.removal.Notice = r.notice()
	if err := r.tell(ctx, in.Execution); err != nil {
		return connection.Removal{}, err
	}
	if err := o.Registry.Finish(ctx, store.Result{
		ConnectionID: plan.ConnectionID, Turn: in.Turn(), Status: store.StatusOffboarded,
	}); err != nil {
		return connection.Removal{}, err
	}
	o.Log.InfoContext(ctx, "offboarded", slog.String("connection", plan.ConnectionID), slog.Int("removed", len(r.removal.Removed)),
		slog.Int("kept", len(r.removal.Kept)))
	return r.removal, nil
}

func (r *run) incomplete() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Connection %s could not be removed whole: %d things are left.", r.plan.ConnectionID, len(r.left))
	for _, part := range []struct {
		title string
		lines []string
	}{{"Left behind", r.left}, {"Removed", r.removal.Removed}, {"Kept", r.removal.Kept}} {
		if len(part.lines) > 0 {
			b.WriteString("\n" + part.title + ":\n- " + strings.Join(part.lines, "\n- "))
		}
	}
	b.WriteString("\nNext: mend what the lines above name, then start the same request again: it goes on where this one ended.")
	return b.String()
}

// done notes how the removal of a thing ended. A conflict is somebody's own work on it, which stays.
func (r *run) done(err error, what string) {
	switch name := step.Name(err); {
	case err == nil:
		r.removal.Removed = append(r.removal.Removed, what)
	case name == connection.Throttled || name == connection.Unavailable:
		if r.again == nil {
			r.again = err
		}
	case name == connection.Conflict:
		r.removal.Kept = append(r.removal.Kept, fmt.Sprintf("%s: %v", what, err))
	case name == connection.RollbackPending:
		r.pending = append(r.pending, what+", which something still uses")
	default:
		r.left = append(r.left, fmt.Sprintf("%s: %v", what, err))
	}
}

func (r *run) parameters(ctx context.Context) {
	for _, parameter := range r.plan.Offboard.Config.Parameters {
		if !parameter.Changed {
			continue // it stood there before us, as it is
		}
		what := "parameter " + parameter.Name
		if parameter.PreviousVersion > 0 {
			what = fmt.Sprintf("our value of parameter %s, which has that of version %d again", parameter.Name, parameter.PreviousVersion)
		}
		err := r.Parameters.Undo(ctx, connection.Config{Parameters: []connection.Parameter{parameter}})
		r.done(err, what)
		if err != nil && step.Name(err) != connection.Conflict { // which is somebody else's value by now
			r.published = connection.Errorf(connection.RemovalIncomplete, "not removed while parameter %s leads there", parameter.Name)
		}
	}
}

// unpublished removes what parameters lead to, unless one does.
func (r *run) unpublished(remove func() error) error {
	if r.published != nil {
		return r.published
	}
	return remove()
}

func (r *run) names(ctx context.Context) {
	for _, zone := range r.plan.Offboard.Zones {
		what := fmt.Sprintf("hosted zone %s (%s)", zone.ZoneName, zone.ZoneID)
		for _, record := range zone.Records {
			what += ", record " + record.Name
		}
		r.done(r.unpublished(func() error { return r.Names.Undo(ctx, zone, r.plan.ConnectionID) }), what)
	}
}

func (r *run) endpoints(ctx context.Context) {
	for _, id := range r.plan.Offboard.EndpointIDs {
		what := "endpoint " + id
		if slices.Contains(r.plan.Offboard.AdoptedIDs, id) {
			r.handBack(ctx, id)
			continue
		}
		now, err := r.Endpoints.Describe(ctx, id)
		switch {
		case err != nil:
		case now.State == connection.StateDeleted:
			r.gone = append(r.gone, id)
		case now.State == connection.StateDeleting:
			r.pending = append(r.pending, what)
			continue
		case now.Connection() != r.plan.ConnectionID:
			err = connection.Errorf(connection.Conflict, "it does not carry the tags of this connection any more")
		default:
			err = r.unpublished(func() error {
				if err := r.Endpoints.RemoveNotifications(ctx, id); err != nil {
					return err
				}
				return r.Endpoints.Remove(ctx, id)
			})
			if err == nil {
				r.pending = append(r.pending, what)
				continue
			}
		}
		r.done(err, what)
	}
}

// handBack gives back an endpoint that was made by hand: what Postern put on it goes, the endpoint stays. Without our tags it was
// handed back before.
func (r *run) handBack(ctx context.Context, id string) {
	now, err := r.Endpoints.Describe(ctx, id)
	switch {
	case err != nil:
	case now.State.Gone():
		return // somebody deleted it
	case now.Connection() != "" && now.Connection() != r.plan.ConnectionID:
		err = connection.Errorf(connection.Conflict, "it belongs to the connection %s by now", now.Connection())
	default:
		err = r.unpublished(func() error { return r.Endpoints.HandBack(ctx, id, r.TopicARN) })
	}
	if err != nil {
		r.done(err, "endpoint "+id)
		return
	}
	r.removal.Kept = append(r.removal.Kept, id+" was made by hand before; Postern's tags were removed")
}

// securityGroup removes the group that Postern made, once nothing uses it.
func (r *run) securityGroup(ctx context.Context) {
	planned := r.plan.Offboard.SecurityGroupID
	if planned == "" || len(r.pending) > 0 {
		return
	}
	what := "security group " + planned
	group, err := r.Endpoints.GroupOfConnection(ctx, r.plan.Network.VPCID, r.plan.ConnectionID)
	if err == nil && group.ID != "" {
		err = r.unpublished(func() error { return r.Endpoints.RemoveGroup(ctx, group) })
	}
	r.done(err, what)
}
