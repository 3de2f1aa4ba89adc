package orphan

import (
	"context"
	"slices"
	"strings"
	"time"

	"postern/internal/connection"
	"postern/internal/plan"
	"postern/internal/store"
)

// settled is how old something must be before it can be an orphan: an execution may be between two states, and AWS's lists are
// eventually consistent.
const settled = time.Hour

// judge decides about one connection.
type judge struct {
	*Sweeper
	at     time.Time
	id     string
	record *store.Overview // nil for none
	things []connection.OrphanThing
}

// holding is what is known of the execution that holds a connection.
type holding struct {
	held  bool // by an execution that runs
	ended bool // by one that has ended, at a time that may be zero
	at    time.Time
}

// orphans returns the orphaned resources of a connection. It returns an error when it cannot find out whether the holder runs.
func (j *judge) orphans(ctx context.Context) ([]connection.OrphanNotice, error) {
	if j.record != nil && j.young(j.record.UpdatedAt) {
		return nil, nil
	}
	j.things = slices.DeleteFunc(j.things, func(thing connection.OrphanThing) bool { return j.young(thing.CreatedAt) })
	holder, err := j.holder(ctx)
	if err != nil || holder.ended && j.young(holder.at) {
		return nil, err
	}
	linked := j.record != nil && j.record.Expects != nil
	switch {
	case holder.held:
		return j.overdue(), nil
	case linked:
		return slices.Concat(j.stoppedChange(holder), j.second()), nil
	case holder.ended:
		return []connection.OrphanNotice{j.stopped(holder)}, nil
	case len(j.things) > 0:
		return []connection.OrphanNotice{j.unknown()}, nil
	}
	return nil, nil
}

// young reports whether a time is too recent for an orphan; false for an unknown time.
func (j *judge) young(since time.Time) bool { return !since.IsZero() && j.at.Sub(since) < settled }

func (j *judge) holder(ctx context.Context) (holding, error) {
	if j.record == nil || j.record.Holder == "" {
		return holding{}, nil
	}
	ended, at, err := j.Registry.EndedAt(ctx, j.record.Holder)
	if err != nil {
		return holding{}, err
	}
	return holding{held: !ended, ended: ended, at: at}, nil
}

// stopped is what an execution left behind that was stopped manually, or whose rollback failed.
func (j *judge) stopped(holder holding) connection.OrphanNotice {
	n := j.notice(connection.OrphanStopped, j.things, j.record.Holder)
	n.Execution, n.Since = j.record.Holder, holder.at
	j.offboard(&n)
	return n
}

// stoppedChange is an execution that was stopped while it worked on an onboarded connection. Offboarding would remove the connection.
func (j *judge) stoppedChange(holder holding) []connection.OrphanNotice {
	if !holder.ended {
		return nil
	}
	n := j.notice(connection.OrphanStopped, nil, j.record.Holder)
	n.Execution, n.Since = j.record.Holder, holder.at
	n.Next = "The connection is onboarded, and this execution was stopped while it changed or removed it. Start that execution's " +
		"request again: it goes on from what is there."
	return []connection.OrphanNotice{n}
}

// unknown is resources tagged with a connection that does not exist.
func (j *judge) unknown() connection.OrphanNotice {
	ended := ""
	if j.record != nil {
		ended = j.record.FinishedBy
	}
	n := j.notice(connection.OrphanUnknown, j.things, ended)
	n.Execution = ended
	if j.record != nil {
		n.Since = j.record.UpdatedAt
	}
	j.offboard(&n)
	return n
}

// second are the endpoints of an onboarded connection but the one that it was verified with.
func (j *judge) second() []connection.OrphanNotice {
	uses := j.record.Expects.EndpointID
	others := j.endpoints(func(thing connection.OrphanThing) bool { return thing.ID != uses })
	if len(others) == 0 {
		return nil
	}
	n := j.notice(connection.OrphanSecond, others, names(others))
	n.Since = oldest(others)
	n.Next = "The connection uses endpoint " + uses + ". Delete in the VPC console, with its connection notification, what it does not use: " +
		described(others) + ". Offboarding would remove the connection."
	for _, thing := range others {
		if thing.Adopted {
			n.Next += " " + thing.ID + " was created manually: delete it only when nothing else uses it, or remove its tags that begin with postern:."
		}
	}
	return []connection.OrphanNotice{n}
}

// overdue are the endpoints that wait for the vendor for longer than the timeout. The execution that holds the connection should have
// ended the wait.
func (j *judge) overdue() []connection.OrphanNotice {
	vendorID, _, _ := strings.Cut(j.id, "/")
	patience := j.Patience(vendorID) + settled
	late := j.endpoints(func(thing connection.OrphanThing) bool {
		since := j.waitsSince(thing)
		return thing.State == connection.StatePendingAcceptance && !since.IsZero() && j.at.Sub(since) > patience
	})
	if len(late) == 0 {
		return nil
	}
	n := j.notice(connection.OrphanOverdue, late, names(late))
	n.Execution, n.Since = j.record.Holder, j.waitsSince(late[0])
	n.Next = "Ask the vendor, or start the state machine with the request below: it makes the execution stop waiting and undo what it made."
	n.Request = j.request(connection.ActionCancel)
	return []connection.OrphanNotice{n}
}

// waitsSince is when the wait for an endpoint began; without a wait, when the endpoint was made.
func (j *judge) waitsSince(thing connection.OrphanThing) time.Time {
	if wait := j.record.Wait; wait != nil && wait.EndpointID == thing.ID {
		return wait.Since
	}
	return thing.CreatedAt
}

func (j *judge) endpoints(which func(connection.OrphanThing) bool) []connection.OrphanThing {
	var found []connection.OrphanThing
	for _, thing := range j.things {
		if thing.Type == connection.ThingEndpoint && which(thing) {
			found = append(found, thing)
		}
	}
	return found
}

// notice is the part that all kinds share. What names the orphan is the same as long as it lasts, also when a part of it cannot be
// seen.
func (j *judge) notice(kind connection.OrphanKind, things []connection.OrphanThing, named string) connection.OrphanNotice {
	n := connection.OrphanNotice{
		SchemaVersion: connection.SchemaVersion, Kind: kind, ConnectionID: j.id, Things: slices.Concat([]connection.OrphanThing{}, things),
		ObservedAt: j.at, Digest: digest(string(kind), j.id, named),
	}
	if j.record != nil {
		n.Ticket = j.record.Ticket
	}
	subnets, zone := 0, false
	for _, thing := range things {
		subnets += thing.Subnets
		zone = zone || thing.Type == connection.ThingHostedZone
	}
	if subnets > 0 || zone {
		n.Cost = plan.CostOf(subnets, zone)
	}
	return n
}
