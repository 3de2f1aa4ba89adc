package rollback

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/step"
	"postern/internal/store"
)

// Endpoints finds and removes endpoints; *endpoint.Client satisfies it.
type Endpoints interface {
	Describe(ctx context.Context, id string) (endpoint.Endpoint, error)
	OfConnection(ctx context.Context, vpcID, connectionID string) ([]endpoint.Endpoint, error)
	Remove(ctx context.Context, id string) error
	RemoveNotification(ctx context.Context, id string) error
	RemoveNotifications(ctx context.Context, endpointID string) error
	HandBack(ctx context.Context, id, topicARN string) error
	GroupOfConnection(ctx context.Context, vpcID, connectionID string) (endpoint.SecurityGroup, error)
	RemoveGroup(ctx context.Context, group endpoint.SecurityGroup) error
	SetPrivateDNS(ctx context.Context, id string, on bool) (changed bool, err error)
}

// Names finds and undoes zones and records; *dns.Client satisfies it.
type Names interface {
	Made(ctx context.Context, want dns.Want) (connection.DNS, error)
	Undo(ctx context.Context, done connection.DNS, connectionID string) error
}

// Parameters finds and undoes published parameters; *publish.Client satisfies it.
type Parameters interface {
	Made(ctx context.Context, outputs []connection.Output, since time.Time) (connection.Config, error)
	Undo(ctx context.Context, config connection.Config) error
}

// Registry keeps and ends the execution's hold on the connection; *store.Store satisfies it.
type Registry interface {
	Keep(ctx context.Context, connectionID string, turn connection.Turn) (kept bool, err error)
	Finish(ctx context.Context, result store.Result) error
}

// Roller undoes executions.
type Roller struct {
	Endpoints  Endpoints
	Names      Names
	Parameters Parameters
	Registry   Registry
	TopicARN   string // of the connection notifications
	Log        *slog.Logger
}

// run is one call of rollback: what it undid, what it could not, and what is still on its way out.
type run struct {
	*Roller
	in Input

	undone, left []string
	leftEndpoint string // id of an endpoint that stays behind
	lost         bool   // another execution has had the connection since this one made something
	handedBack   bool   // the endpoint is not the connection's any more
	pending      []string
	again        error // asks for a retry
	published    error // why what parameters lead to is kept, nil when no parameter does
}

// Roll undoes what an execution made. An undo that cannot be done stops no other one, but that a parameter stays published keeps what
// it leads to. The error is retried by the state machine, and
// what comes after waits for it: AWS is throttling or unavailable, or an endpoint is not gone yet (connection.RollbackPending).
func (r *Roller) Roll(ctx context.Context, in Input) (connection.Outcome, error) {
	run := &run{Roller: r, in: in, undone: []string{}, left: []string{}}
	switch {
	case in.State.Plan == nil, in.diagnoses(), in.State.Plan.Acknowledges():
	case in.State.Plan.Decision == connection.DecisionOffboard:
		run.offboarding()
	default:
		if run.overtaken(ctx) {
			break
		}
		// What AWS will take later comes first then, too: nothing that is published leads to what is gone.
		for _, undo := range []func(context.Context){run.config, run.names, run.endpoint, run.securityGroup} {
			if run.again == nil {
				undo(ctx)
			}
		}
	}
	switch {
	case run.again != nil:
		return connection.Outcome{}, run.again
	case len(run.pending) > 0:
		return connection.Outcome{}, connection.Errorf(connection.RollbackPending, "waiting until AWS has deleted %s",
			strings.Join(run.pending, ", "))
	}
	run.release(ctx)
	if run.again != nil {
		return connection.Outcome{}, run.again
	}
	outcome := run.outcome()
	r.Log.InfoContext(ctx, "rolled back", slog.String("connection", in.connectionID()), slog.String("error", outcome.Error),
		slog.Bool("clean", outcome.Clean))
	return outcome, nil
}

// overtaken reports whether another execution has had the connection since: one that was stopped may have lost it, and is then
// redriven. The next execution builds upon what it finds, so nothing of that is undone. Otherwise the connection is kept, so that no
// other execution takes it while things are being undone. When that cannot be found out, nothing is undone either.
func (r *run) overtaken(ctx context.Context) bool {
	id, plan, made := r.in.connectionID(), r.in.State.Plan, r.in.State.Endpoint
	if made == nil && plan.Decision != connection.DecisionProceed {
		return false // EnsureEndpoint was not reached
	}
	kept, err := r.Registry.Keep(ctx, id, r.in.turn())
	if err != nil {
		r.done(err, "the hold on "+id+" kept")
		return true
	}
	r.lost = !kept && (made != nil || r.in.RedriveCount > 0)
	return !kept
}

// offboarding has nothing to undo: what is removed is removed. What it did not come to is left behind, unless it was refused before
// it began.
func (r *run) offboarding() {
	plan := r.in.State.Plan.Offboard
	if r.in.State.failure().Error == connection.Conflict || plan == nil {
		return
	}
	r.left = append(r.left, "what the cause names, of the connection that was being removed")
	if len(plan.EndpointIDs) > 0 {
		r.leftEndpoint = plan.EndpointIDs[0]
	}
}

// done notes how the undo of a thing ended.
func (r *run) done(err error, undone string) {
	switch {
	case err == nil:
		r.undone = append(r.undone, undone)
	case retried(err):
		if r.again == nil {
			r.again = err
		}
	default:
		r.left = append(r.left, fmt.Sprintf("%s: not done, %v", undone, err))
	}
}

func retried(err error) bool {
	name := step.Name(err)
	return name == connection.Throttled || name == connection.Unavailable
}

// config undoes what was published.
func (r *run) config(ctx context.Context) {
	state := r.in.State
	config := state.Config
	if config == nil {
		if state.Verification == nil || state.Verification.Verdict != connection.Pass {
			return // PublishConfig was not reached
		}
		made, err := r.Parameters.Made(ctx, state.Plan.Outputs, state.PublishedSince())
		if err != nil {
			r.done(err, "parameters looked through")
			r.published = connection.Errorf(connection.Conflict, "nobody knows whether a parameter leads there; %s", goOn)
			return
		}
		config = &made
	}
	for _, parameter := range slices.Backward(config.Parameters) {
		if !parameter.Changed {
			continue
		}
		undone := fmt.Sprintf("parameter %s deleted", parameter.Name)
		if parameter.PreviousVersion > 0 {
			undone = fmt.Sprintf("parameter %s set back to the value of version %d", parameter.Name, parameter.PreviousVersion)
		}
		err := r.Parameters.Undo(ctx, connection.Config{Parameters: []connection.Parameter{parameter}})
		r.done(err, undone)
		if err != nil && step.Name(err) != connection.Conflict { // which is somebody else's value by now
			r.published = connection.Errorf(connection.Conflict, "parameter %s leads there; %s", parameter.Name, goOn)
		}
	}
}

// goOn is what to do about what is kept because of a parameter. Whose its value is would be forgotten by the next onboarding.
const goOn = "put that right by hand first, then start action offboard, or the same request again"

// unpublished makes an undo of what parameters lead to, unless one does.
func (r *run) unpublished(undo func() error) error {
	if r.published != nil {
		return r.published
	}
	return undo()
}

// names undoes DNS.
func (r *run) names(ctx context.Context) {
	state := r.in.State
	done := state.DNS
	if state.Plan.DNS.Kept != nil {
		return // nothing was written
	}
	if state.Plan.DNS.Mode == connection.ModeVendorPrivateDNS {
		r.privateDNS(ctx)
		return
	}
	if done == nil {
		if state.Availability == nil || state.Endpoint == nil || state.Plan.DNS.Mode != connection.ModePrivateHostedZone {
			return // ConfigureDNS was not reached, or left nothing of its own
		}
		made, err := r.Names.Made(ctx, dns.WantOf(r.in.Execution, state.State))
		if err != nil {
			r.done(err, "hosted zones looked through")
			return
		}
		done = &made
	}
	if undone := describe(*done); undone != "" {
		r.done(r.unpublished(func() error { return r.Names.Undo(ctx, *done, state.Plan.ConnectionID) }), undone)
	}
}

// privateDNS switches private DNS off when this execution switched it on; what was on before stays. The endpoint's tags say which,
// whether or not ConfigureDNS could still say so. An endpoint that is deleted next is switched off too: the name goes back to
// where it led before, while the endpoint still serves whoever has not noticed yet.
func (r *run) privateDNS(ctx context.Context) {
	state := r.in.State
	if state.Probe == nil || state.Endpoint == nil {
		return // ConfigureDNS was not reached
	}
	id, told := state.Endpoint.ID, state.DNS != nil && state.DNS.PrivateDNSEnabled
	undone := "private DNS of endpoint " + id + " switched off"
	now, err := r.Endpoints.Describe(ctx, id)
	switch {
	case err != nil:
	case now.SwitchedOnBy(r.in.Execution):
		err = r.unpublished(func() error { _, err := r.Endpoints.SetPrivateDNS(ctx, id, false); return err })
	case !told:
		return
	case now.PrivateDNSEnabled:
		err = connection.Errorf(connection.Conflict, "it does not carry this execution's tag")
	}
	r.done(err, undone)
}

func describe(done connection.DNS) string {
	var parts []string
	for _, record := range done.Records {
		if !record.Changed {
			continue
		}
		part := "record " + record.Name + " deleted"
		if record.Previous != nil {
			part = "record " + record.Name + " set back to " + record.Previous.Value
		}
		parts = append(parts, part)
	}
	for _, vpc := range done.Associations {
		parts = append(parts, "association of "+vpc.VPCID+" with hosted zone "+done.ZoneName+" ended")
	}
	if done.ZoneCreated {
		parts = append(parts, "hosted zone "+done.ZoneName+" ("+done.ZoneID+") deleted")
	}
	return strings.Join(parts, ", ")
}

// endpoint removes the notification and the endpoint that this execution made. An adopted endpoint is never deleted.
func (r *run) endpoint(ctx context.Context) {
	state := r.in.State
	switch {
	case state.Endpoint == nil && state.Plan.Decision == connection.DecisionProceed:
		r.lostEndpoint(ctx)
	case state.Endpoint == nil:
		// EnsureEndpoint was not reached
	default:
		if id := state.Endpoint.NotificationID; id != "" && r.published == nil {
			r.done(r.Endpoints.RemoveNotification(ctx, id), "connection notification "+id+" deleted")
		}
		switch {
		case state.Endpoint.Created:
			r.remove(ctx, state.Endpoint.ID)
		case state.Endpoint.Adopted:
			r.handBack(ctx, state.Endpoint.ID)
		}
	}
}

// handBack gives an endpoint back that was made by hand and that this execution took over, as its tags say; it is never deleted.
func (r *run) handBack(ctx context.Context, id string) {
	now, err := r.Endpoints.Describe(ctx, id)
	switch {
	case err == nil && now.State.Gone():
		r.handedBack = true // by whoever deleted it
		return
	case err == nil && now.Connection() != "" && !now.AdoptedBy(r.in.Execution):
		return // an earlier execution took it over
	case err == nil && now.Connection() != "":
		err = r.unpublished(func() error { return r.Endpoints.HandBack(ctx, id, r.TopicARN) })
	}
	if err != nil && !retried(err) {
		r.leftEndpoint = id
	}
	r.handedBack = err == nil
	r.done(err, "endpoint "+id+" handed back: it was made by hand, and our tags are removed")
}

// lostEndpoint looks for an endpoint that EnsureEndpoint made and could not report any more.
func (r *run) lostEndpoint(ctx context.Context) {
	plan := r.in.State.Plan
	if plan.HandMade {
		r.lostAdoption(ctx, plan.AdoptEndpointID)
		return
	}
	found, err := r.Endpoints.OfConnection(ctx, plan.Network.VPCID, plan.ConnectionID)
	if err != nil {
		r.done(err, "endpoints of "+plan.ConnectionID+" looked through")
		return
	}
	for _, e := range found {
		if e.Tags[connection.TagExecution] != r.in.Execution {
			continue
		}
		if !e.State.Gone() {
			r.done(r.Endpoints.RemoveNotifications(ctx, e.ID), "connection notifications of "+e.ID+" deleted")
		}
		r.remove(ctx, e.ID)
	}
}

// lostAdoption hands back what EnsureEndpoint took over and could not report any more, if it came so far.
func (r *run) lostAdoption(ctx context.Context, id string) {
	now, err := r.Endpoints.Describe(ctx, id)
	switch {
	case err != nil:
		r.done(err, "endpoint "+id+" looked at")
	case now.AdoptedBy(r.in.Execution):
		r.handBack(ctx, id)
	}
}

// securityGroup deletes the group that this execution made, once the endpoint that carries it is gone.
func (r *run) securityGroup(ctx context.Context) {
	plan := r.in.State.Plan
	carried := len(r.pending) > 0 || r.leftEndpoint != "" && r.published == nil
	if plan.SecurityGroup == nil || plan.Decision != connection.DecisionProceed || carried {
		return
	}
	group, err := r.Endpoints.GroupOfConnection(ctx, plan.Network.VPCID, plan.ConnectionID)
	if err == nil && group.Tags[connection.TagExecution] != r.in.Execution {
		return // there is none, or an earlier execution made it
	}
	if err == nil {
		err = r.unpublished(func() error { return r.Endpoints.RemoveGroup(ctx, group) })
	}
	if connection.NameOf(err) == connection.RollbackPending {
		r.pending = append(r.pending, "what uses security group "+group.ID)
		return
	}
	r.done(err, "security group "+group.ID+" deleted")
}

// remove deletes an endpoint that carries this execution's tag, and notes that it is on its way out until AWS says it is gone.
func (r *run) remove(ctx context.Context, id string) {
	undone := "endpoint " + id + " deleted"
	now, err := r.Endpoints.Describe(ctx, id)
	switch {
	case err != nil:
	case now.State == connection.StateDeleted:
		r.done(nil, undone)
		return
	case now.State == connection.StateDeleting:
		r.pending = append(r.pending, id)
		return
	case now.Tags[connection.TagExecution] != r.in.Execution:
		err = connection.Errorf(connection.Conflict, "it does not carry this execution's tag")
	default:
		if err = r.unpublished(func() error { return r.Endpoints.Remove(ctx, id) }); err == nil {
			r.pending = append(r.pending, id)
			return
		}
	}
	if !retried(err) {
		r.leftEndpoint = id
	}
	r.done(err, undone)
}

// release ends the hold on the connection. It comes last: the next execution must not start among things that are being undone.
func (r *run) release(ctx context.Context) {
	id := r.in.connectionID()
	if id == "" || r.in.diagnoses() {
		return
	}
	result := store.Result{
		ConnectionID: id, Turn: r.in.turn(), Status: store.StatusFailed, EndpointID: r.leftEndpoint,
	}
	result.Failure = r.failure()
	if adopted := r.in.State.Endpoint; adopted != nil && !adopted.Created && !r.handedBack {
		result.EndpointID = adopted.ID
	}
	r.ended(r.Registry.Finish(ctx, result))
}

// failure is the end of this execution for lists.
func (r *run) failure() *store.Failure {
	name := r.in.name()
	message, _, _ := strings.Cut(r.in.State.happened(name), "\n")
	failure := store.Failure{Error: name, Message: message, Dirty: len(r.left) > 0}
	if plan := r.in.State.Plan; plan != nil {
		failure.AccountID, failure.Region, failure.VPCID = plan.Network.AccountID, plan.Network.Region, plan.Network.VPCID
	}
	if runes := []rune(message); len(runes) > maxMessage {
		failure.Message = string(runes[:maxMessage])
	}
	return &failure
}

func (r *run) ended(err error) {
	switch {
	case err == nil:
	case retried(err):
		r.again = err
	default:
		r.left = append(r.left, fmt.Sprintf("the claim on connection %s: %v", r.in.connectionID(), err))
	}
}
