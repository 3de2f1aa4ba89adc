package offboard

import (
	"context"
	"fmt"
	"strings"

	"postern/internal/bus"
	"postern/internal/connection"
)

// tell says what the vendor should know. It comes before the record is closed: a retry says it again, and who mails it claims it for
// the execution, so it is neither lost nor sent twice.
func (r *run) tell(ctx context.Context, execution string) error {
	if r.removal.Notice == nil {
		return nil
	}
	return r.Bus.Put(ctx, bus.Event{Type: connection.EventOffboarded, At: r.removal.At, Detail: connection.RemovalReport{
		SchemaVersion: connection.SchemaVersion, ConnectionID: r.plan.ConnectionID, Execution: execution, OffboardedAt: r.removal.At,
		RemovalNotice: *r.removal.Notice, Removed: r.removal.Removed, Kept: r.removal.Kept, Ticket: r.plan.Ticket.Key(),
	}})
}

// notice is the text for the vendor, who may still hold a place for the endpoint; nil when no endpoint is gone. One that was handed
// back, or is somebody's by now, still uses its place.
func (r *run) notice() *connection.RemovalNotice {
	if len(r.gone) == 0 {
		return nil
	}
	ids := strings.Join(r.gone, ", ")
	var b strings.Builder
	fmt.Fprintf(&b, "Hello,\n\nwe no longer use AWS PrivateLink to reach you from the VPC endpoint below, and have deleted it.\n"+
		"Please remove it, and our account if nothing else uses it, from your lists.\n\nVPC endpoint ID: %s\n", ids)
	for _, line := range [][2]string{
		{"VPC endpoint service", r.plan.Service.Name}, {"AWS account ID", r.plan.Network.AccountID},
		{"AWS Region of the VPC endpoint", r.plan.Network.Region},
	} {
		if line[1] != "" {
			fmt.Fprintf(&b, "%s: %s\n", line[0], line[1])
		}
	}
	b.WriteString("\nThank you.\n")
	return &connection.RemovalNotice{
		To: r.plan.Offboard.To, Subject: "AWS PrivateLink: endpoint " + ids + " is deleted", Body: b.String(), EndpointIDs: r.gone,
	}
}
