package offboard

import (
	"context"
	"fmt"
	"strings"

	"postern/internal/bus"
	"postern/internal/connection"
)

// notify puts the event by which the operators get the text for the vendor; nothing when there is no text.
func (o *Offboarder) notify(ctx context.Context, in connection.Input, removal connection.Removal) error {
	if removal.Notice == nil {
		return nil
	}
	plan := in.State.Plan
	return o.Bus.Put(ctx, bus.Event{Type: connection.EventOffboarded, At: removal.At, Detail: connection.RemovalReport{
		SchemaVersion: connection.SchemaVersion, ConnectionID: plan.ConnectionID, Execution: in.Execution, OffboardedAt: removal.At,
		RemovalNotice: *removal.Notice, Removed: removal.Removed, Kept: removal.Kept, Ticket: plan.Ticket.Key(),
	}})
}

// notice is the text for the vendor, whose lists may still have the endpoints that were deleted; nil when none was. An endpoint that
// was released, or that belongs to others now, is still in use.
func notice(plan *connection.Plan, deleted []string) *connection.RemovalNotice {
	if len(deleted) == 0 {
		return nil
	}
	ids := strings.Join(deleted, ", ")
	var b strings.Builder
	fmt.Fprintf(&b, "Hello,\n\nwe no longer use AWS PrivateLink to reach you from the VPC endpoint below, and have deleted it.\n"+
		"Please remove it, and our account if nothing else uses it, from your lists.\n\nVPC endpoint ID: %s\n", ids)
	for _, line := range [][2]string{
		{"VPC endpoint service", plan.Service.Name}, {"AWS account ID", plan.Network.AccountID},
		{"AWS Region of the VPC endpoint", plan.Network.Region},
	} {
		if line[1] != "" {
			fmt.Fprintf(&b, "%s: %s\n", line[0], line[1])
		}
	}
	b.WriteString("\nThank you.\n")
	return &connection.RemovalNotice{
		To: plan.Offboard.To, Subject: "AWS PrivateLink: endpoint " + ids + " is deleted", Body: b.String(), EndpointIDs: deleted,
	}
}
