package rollback

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"

	"postern/internal/connection"
	"postern/internal/remove"
	"postern/internal/store"
)

// Registry keeps and ends the execution's hold on the connection; *store.Store satisfies it.
type Registry interface {
	Holder(ctx context.Context, connectionID string) (string, error)
	Keep(ctx context.Context, connectionID string, turn connection.Turn) (kept bool, err error)
	Finish(ctx context.Context, result store.Result) error
}

// Roller undoes executions.
type Roller struct {
	remove.Remover
	Made     Made
	Registry Registry
	Log      *slog.Logger
}

// run is one try of rollback.
type run struct {
	*Roller
	in     Input
	report *remove.Report
	// lost says that another execution has had the connection since this one made something.
	lost bool
	// stays is an endpoint that stays because nothing is undone, "" for none.
	stays string
}

// Roll undoes what an execution made, with package remove. The state machine retries the error, and the connection stays held until
// then: AWS is throttling or unavailable, or an endpoint is not gone yet (connection.RollbackPending). The last try returns no such
// error: its outcome lists what is left.
func (r *Roller) Roll(ctx context.Context, in Input) (connection.Outcome, error) {
	run := &run{Roller: r, in: in, report: &remove.Report{Repeated: in.Retries > 0 || in.GaveUp != nil, Last: in.GaveUp != nil}}
	switch {
	case in.State.Plan == nil, in.diagnoses(), in.State.Plan.Acknowledges():
	case in.State.Plan.Decision == connection.DecisionOffboard:
		run.offboarding()
	case run.overtaken(ctx):
	default:
		if made := run.inventory(ctx); run.report.Again == nil {
			r.Remove(ctx, made, run.report)
		}
	}
	switch {
	case run.report.Again != nil:
		return connection.Outcome{}, run.report.Again
	case len(run.report.Pending) > 0:
		return connection.Outcome{}, connection.Errorf(connection.RollbackPending, "waiting until AWS has deleted %s",
			strings.Join(run.report.Pending, ", "))
	}
	run.finish(ctx)
	if run.report.Again != nil {
		return connection.Outcome{}, run.report.Again
	}
	outcome := run.outcome()
	r.Log.InfoContext(ctx, "rolled back", slog.String("connection", in.connectionID()), slog.String("error", outcome.Error),
		slog.Bool("clean", outcome.Clean))
	return outcome, nil
}

// undone lists what was undone.
func (r *run) undone() []string {
	lines := append([]string{}, r.report.Done...)
	for _, id := range r.report.Released {
		lines = append(lines, "endpoint "+id+" handed back: it was created manually, and Postern's tags are removed")
	}
	return lines
}

// left lists what was not undone: what could not be removed, and what others have changed since.
func (r *run) left() []string { return append(append([]string{}, r.report.Left...), r.report.Kept...) }

// overtaken reports whether another execution has had the connection: an execution that was aborted may have lost it to the next one,
// which uses what it finds, and was redriven then. Otherwise the execution keeps the connection, so that no other one claims it while
// things are being undone. When the table cannot be written nothing is undone.
func (r *run) overtaken(ctx context.Context) bool {
	id, plan, made := r.in.connectionID(), r.in.State.Plan, r.in.State.Endpoint
	if made == nil && plan.Decision != connection.DecisionProceed {
		return false // EnsureEndpoint was not reached
	}
	kept, err := r.Registry.Keep(ctx, id, r.in.turn())
	if err != nil {
		r.report.Note(err, "the hold on "+id, "kept")
		return true
	}
	r.lost = !kept && (made != nil || r.in.RedriveCount > 0)
	return !kept
}

// offboarding undoes nothing: what an offboarding removed stays removed. What it did not remove is left behind, unless it was
// refused before it began.
func (r *run) offboarding() {
	plan := r.in.State.Plan.Offboard
	if r.in.State.failure().Error == connection.Conflict || plan == nil {
		return
	}
	r.report.Left = append(r.report.Left, "what the cause names, of the connection that was being removed")
	if len(plan.EndpointIDs) > 0 {
		r.stays = plan.EndpointIDs[0]
	}
}

// finish ends the hold on the connection. It comes last: the next execution must not start while things are being undone.
func (r *run) finish(ctx context.Context) {
	id := r.in.connectionID()
	if id == "" || r.in.diagnoses() {
		return
	}
	if r.in.State.Plan == nil {
		// Plan holds nothing, but the wait for allow-listing does, and a plan that is refused after it leaves no section in the state.
		holder, err := r.Registry.Holder(ctx, id)
		if err != nil || holder != r.in.Execution {
			r.ended(err)
			return
		}
	}
	// An execution that does not hold the connection changes nothing by this.
	result := store.Result{
		ConnectionID: id, Turn: r.in.turn(), Status: store.StatusFailed, EndpointID: cmp.Or(r.report.LeftEndpoint, r.stays),
	}
	result.Failure = r.failure()
	if adopted := r.in.State.Endpoint; adopted != nil && !adopted.Created && !r.released(adopted.ID) {
		result.EndpointID = adopted.ID
	}
	r.ended(r.Registry.Finish(ctx, result))
}

// released reports whether an endpoint that this execution did not make is no longer the connection's.
func (r *run) released(id string) bool {
	return slices.Contains(r.report.Released, id) || slices.Contains(r.report.Vanished, id)
}

// failure is the end of this execution for lists.
func (r *run) failure() *store.Failure {
	name := r.in.name()
	message, _, _ := strings.Cut(r.in.State.happened(name), "\n")
	failure := store.Failure{Error: name, Message: message, Dirty: len(r.left()) > 0}
	if plan := r.in.State.Plan; plan != nil {
		failure.AccountID, failure.Region, failure.VPCID = plan.Network.AccountID, plan.Network.Region, plan.Network.VPCID
	}
	if runes := []rune(message); len(runes) > maxMessage {
		failure.Message = string(runes[:maxMessage])
	}
	return &failure
}

// ended notes how the last write ended.
func (r *run) ended(err error) {
	if err != nil {
		r.report.Note(err, "the claim on connection "+r.in.connectionID(), "released")
	}
}
