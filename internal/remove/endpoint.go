package remove

import (
	"context"
	"errors"

	"postern/internal/connection"
	"postern/internal/endpoint"
)

// owns reports whether an endpoint is what this inventory removes: the connection's, and made by its execution when it names one.
func (i Inventory) owns(e endpoint.Endpoint) bool {
	return e.Connection() == i.ConnectionID && (i.Execution == "" || e.Tags[connection.TagExecution] == i.Execution)
}

// privateDNS switches private DNS off when the execution switched it on; what was on before stays. The endpoint's tags say which,
// also when ConfigureDNS did not report it. It is switched off on an endpoint that is deleted next, too: the name points to where it
// pointed before, while the endpoint still serves its open connections.
func (r *removal) privateDNS(ctx context.Context) {
	if r.PrivateDNS == nil {
		return
	}
	id := r.PrivateDNS.EndpointID
	now, err := r.from.Endpoints.Describe(ctx, id)
	switch {
	case err != nil:
	case now.SwitchedOnBy(r.Execution):
		err = r.unpublished(func() error { _, err := r.from.Endpoints.SetPrivateDNS(ctx, id, false); return err })
	case !r.PrivateDNS.Reported:
		return
	case now.PrivateDNSEnabled:
		err = connection.Errorf(connection.Conflict, "the endpoint no longer carries this execution's tag")
	}
	r.Note(err, "private DNS of endpoint "+id, "switched off")
}

// endpoints deletes the notification and the endpoints, and releases those that were adopted.
func (r *removal) endpoints(ctx context.Context) {
	if id := r.NotificationID; id != "" && r.Published == nil {
		r.Note(r.from.Endpoints.RemoveNotification(ctx, id), "connection notification "+id, "deleted")
	}
	for _, e := range r.Inventory.Endpoints {
		if e.Adopted {
			r.release(ctx, e.ID)
		} else {
			r.delete(ctx, e)
		}
	}
}

var errDeleting = errors.New("AWS has not deleted it yet")

// delete deletes an endpoint and waits for AWS, which takes minutes for it.
func (r *removal) delete(ctx context.Context, e Endpoint) {
	id, thing := e.ID, "endpoint "+e.ID
	now, err := r.from.Endpoints.Describe(ctx, id)
	switch {
	case err != nil:
	case now.State == connection.StateDeleted:
		r.Deleted = append(r.Deleted, id)
		if e.Lost {
			r.Absent = append(r.Absent, thing+" "+gone)
			return
		}
		r.absent(thing, "deleted", gone)
		return
	case now.State == connection.StateDeleting:
		r.leaving(id)
		return
	case !r.owns(now):
		err = connection.Errorf(connection.Conflict, "its tags no longer say that it belongs to %s", r.owner())
	default:
		if err = r.unpublished(func() error { return r.from.Endpoints.Remove(ctx, id, r.ConnectionID) }); err == nil {
			r.leaving(id)
			return
		}
	}
	r.leave(err, id)
	r.Note(err, thing, "deleted")
}

// leaving records an endpoint that AWS is deleting.
func (r *removal) leaving(id string) {
	if r.Last {
		r.LeftEndpoint = id
	}
	r.wait("endpoint "+id, errDeleting)
}

func (r *removal) owner() string {
	if r.Execution != "" {
		return "this execution"
	}
	return "this connection"
}

// leave remembers the endpoint that stays.
func (r *removal) leave(err error, id string) {
	if r.Last || !retried(err) {
		r.LeftEndpoint = id
	}
}

// release removes what Postern put on an endpoint that was created manually; the endpoint stays. One without Postern's tags was
// released by an earlier try, or by another person.
func (r *removal) release(ctx context.Context, id string) {
	now, err := r.from.Endpoints.Describe(ctx, id)
	switch {
	case err != nil:
	case now.State.Gone():
		r.Vanished = append(r.Vanished, id)
		return
	case now.Connection() == "" && !r.Repeated:
		r.Vanished = append(r.Vanished, id)
		return
	case now.Connection() != "" && r.Execution != "" && !now.AdoptedBy(r.Execution):
		return // another execution adopted it: it is not this one's to release
	case now.Connection() != "" && now.Connection() != r.ConnectionID:
		err = connection.Errorf(connection.Conflict, "it belongs to connection %s now", now.Connection())
	case now.Connection() != "" && !now.HandMade():
		err = connection.Errorf(connection.Conflict, "it lost its tag %s: remove its other tags that begin with %s manually", connection.TagAdopted,
			connection.TagPrefix)
	default:
		err = r.unpublished(func() error { return r.from.Endpoints.Release(ctx, id, r.ConnectionID, r.from.TopicARN) })
	}
	if err == nil {
		r.Released = append(r.Released, id)
		return
	}
	r.leave(err, id)
	r.Note(err, "endpoint "+id, "released")
}

// securityGroup deletes the group that Postern made, once no endpoint carries it.
func (r *removal) securityGroup(ctx context.Context) {
	if r.VPCID == "" || len(r.Pending) > 0 {
		return
	}
	group, err := r.from.Endpoints.GroupOfConnection(ctx, r.VPCID, r.ConnectionID)
	if err != nil {
		r.Note(err, "the security group of "+r.ConnectionID, "looked up")
		return
	}
	if group.ID == "" && r.SecurityGroupID != "" {
		r.absent("security group "+r.SecurityGroupID, "deleted", gone)
		return
	}
	if group.ID == "" || r.Execution != "" && group.Tags[connection.TagExecution] != r.Execution {
		return // there is none, or another execution made it
	}
	err = r.unpublished(func() error { return r.from.Endpoints.RemoveGroup(ctx, group, r.ConnectionID) })
	if connection.NameOf(err) == connection.RollbackPending && r.LeftEndpoint != "" {
		err = connection.Errorf(connection.RemovalIncomplete, "endpoint %s, which stays, may use it: %w", r.LeftEndpoint, err)
	}
	r.Note(err, "security group "+group.ID, "deleted")
}
