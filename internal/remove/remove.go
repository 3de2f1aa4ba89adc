package remove

import (
	"context"
	"slices"
	"strings"

	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/publish"
	"postern/internal/step"
)

// Endpoints removes endpoints, their private DNS and their security groups; *endpoint.Client satisfies it.
type Endpoints interface {
	Describe(ctx context.Context, id string) (endpoint.Endpoint, error)
	Remove(ctx context.Context, id, connectionID string) error
	RemoveNotification(ctx context.Context, id string) error
	Release(ctx context.Context, id, connectionID, topicARN string) error
	GroupOfConnection(ctx context.Context, vpcID, connectionID string) (endpoint.SecurityGroup, error)
	RemoveGroup(ctx context.Context, group endpoint.SecurityGroup, connectionID string) error
	SetPrivateDNS(ctx context.Context, id string, on bool) (changed bool, err error)
}

// Names undoes zones and records; *dns.Client satisfies it.
type Names interface {
	Undo(ctx context.Context, done connection.DNS, connectionID string) error
}

// Parameters undoes published parameters; *publish.Client satisfies it.
type Parameters interface {
	Undo(ctx context.Context, parameter connection.Parameter, outputs []connection.Output) (publish.Undone, error)
}

// Inventory is what there is to remove of a connection.
type Inventory struct {
	ConnectionID string
	// Execution is the ARN of the execution whose work is undone: what others made stays. "" removes what is the connection's,
	// whichever execution made it.
	Execution string

	Config  connection.Config
	Outputs []connection.Output // what Config was made of, as far as it is known
	// Published is why everything that parameters point to must stay, nil when nothing is known to point there.
	Published error

	Zones      []connection.DNS
	PrivateDNS *PrivateDNS

	NotificationID string // "" for none
	Endpoints      []Endpoint

	// VPCID is where to look for the connection's security group, "" when there is none to remove.
	VPCID string
	// SecurityGroupID is the group's ID, "" when the inventory does not know it.
	SecurityGroupID string
}

// Endpoint is an endpoint of an inventory.
type Endpoint struct {
	ID string
	// Adopted says that the endpoint was created manually: it is released, never deleted.
	Adopted bool
	// Lost says that others deleted the endpoint, as AWS showed: its deletion is not this removal's.
	Lost bool
}

// PrivateDNS is an endpoint whose private DNS the execution may have switched on.
type PrivateDNS struct {
	EndpointID string
	// Reported says that ConfigureDNS reported that it switched it on.
	Reported bool
}

// Remover removes what an inventory lists.
type Remover struct {
	Endpoints  Endpoints
	Names      Names
	Parameters Parameters
	TopicARN   string // of the connection notifications
}

// removal is one try.
type removal struct {
	from Remover
	Inventory
	*Report
}

// Remove removes what the inventory lists, and records on the report how each removal ended. It may run any number of times.
//
// Readers lose the configuration first, then the names, then what the names point to. A removal that fails stops no other one, with
// two exceptions: what a parameter still points to stays, and nothing is removed before what AWS throttled is removed.
func (r Remover) Remove(ctx context.Context, inventory Inventory, report *Report) {
	try := removal{r, inventory, report}
	for _, remove := range []func(context.Context){try.parameters, try.names, try.privateDNS, try.endpoints, try.securityGroup} {
		if try.Again == nil {
			remove(ctx)
		}
	}
}

// parameters undoes what was published, newest first.
func (r *removal) parameters(ctx context.Context) {
	for _, parameter := range slices.Backward(r.Config.Parameters) {
		if !parameter.Changed {
			continue // it had this value before
		}
		thing := "parameter " + parameter.Name
		undone, err := r.from.Parameters.Undo(ctx, parameter, r.Outputs)
		if err == nil && undone.Before {
			r.absent(thing, undone.How, "has nothing of ours any longer")
			continue
		}
		r.Note(err, thing, undone.How)
		if err != nil && step.Name(err) != connection.Conflict { // a conflict: the value is not ours any longer
			r.Published = connection.Errorf(connection.RemovalIncomplete, "kept, because parameter %s points to it; %s", parameter.Name, Repoint)
		}
	}
}

// Repoint says what to do about things that stay because a parameter points to them.
const Repoint = "correct or delete that parameter, then start action offboard"

// unpublished makes a removal of what parameters point to, unless one does.
func (r *removal) unpublished(remove func() error) error {
	if r.Published != nil {
		return r.Published
	}
	return remove()
}

// names undoes zones, records and associations.
func (r *removal) names(ctx context.Context) {
	for _, zone := range r.Zones {
		if things, done := describe(zone); things != "" {
			r.Note(r.unpublished(func() error { return r.from.Names.Undo(ctx, zone, r.ConnectionID) }), things, done)
		}
	}
}

// describe names everything of a zone that Undo undoes, and says how each ends; "" for nothing. The last part of the things is
// completed by done.
func describe(zone connection.DNS) (things, done string) {
	var parts []string
	add := func(thing, how string) {
		if done != "" {
			parts[len(parts)-1] += " " + done
		}
		parts, done = append(parts, thing), how
	}
	for _, record := range zone.Records {
		switch {
		case !record.Changed:
		case record.Previous != nil:
			add("record "+record.Name, "set back to "+record.Previous.Value)
		default:
			add("record "+record.Name, "deleted")
		}
	}
	for _, vpc := range zone.Associations {
		add("association of "+vpc.VPCID+" with hosted zone "+zone.ZoneName, "ended")
	}
	if zone.ZoneCreated {
		add("hosted zone "+zone.ZoneName+" ("+zone.ZoneID+")", "deleted")
	}
	return strings.Join(parts, ", "), done
}
