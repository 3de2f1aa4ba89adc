package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/internal/connection"
)

// reportOrphan mails the operators an orphaned resource, once while it lasts.
func (n *Notifier) reportOrphan(ctx context.Context, detail json.RawMessage) (Result, error) {
	orphan, err := decodeOrphan(detail)
	if err != nil {
		return Result{}, err
	}
	log := n.log.With("connection", orphan.ConnectionID, "kind", orphan.Kind)
	name, err := n.claims.ClaimOrphan(ctx, orphan)
	if err != nil {
		return Result{}, err
	}
	if name == "" {
		log.InfoContext(ctx, "the operators know of the orphan")
		return Result{}, nil
	}
	err = n.publish(ctx, orphanSubject(orphan), orphanBody(orphan))
	if err == nil {
		log.InfoContext(ctx, "orphan reported")
		return Result{Sent: true}, nil
	}
	err = fmt.Errorf("reporting the %s of %s: %w", orphan.Kind, orphan.ConnectionID, err)
	if notSent(err) {
		return Result{}, errors.Join(err, n.claims.ReleaseOrphan(ctx, orphan, name))
	}
	return Result{}, fmt.Errorf("%w; the mail may be out and is not sent again", err)
}

// decodeOrphan reads a report; orphan may be newer than this function.
func decodeOrphan(detail json.RawMessage) (connection.OrphanNotice, error) {
	var orphan connection.OrphanNotice
	if err := json.Unmarshal(detail, &orphan); err != nil {
		return orphan, connection.Errorf(connection.Internal, "reading the detail of %q: %w", connection.EventOrphan, err)
	}
	if orphan.ConnectionID == "" || orphan.Digest == "" || orphan.Next == "" || !slices.Contains(connection.OrphanKinds, orphan.Kind) {
		return orphan, connection.Errorf(connection.Internal,
			"the detail of %q lacks a connection id, a digest, what to do or a known kind", connection.EventOrphan)
	}
	return orphan, nil
}

func orphanSubject(o connection.OrphanNotice) string {
	text := fmt.Sprintf("Postern orphan: %s: %s", o.Kind, o.ConnectionID)
	if o.Cost.MonthlyUSD > 0 {
		text = fmt.Sprintf("Postern orphan, $%.2f a month: %s: %s", o.Cost.MonthlyUSD, o.Kind, o.ConnectionID)
	}
	return clip(ascii(text))
}

// because says what each kind is.
var because = map[connection.OrphanKind]string{
	connection.OrphanStopped: "An execution of %s has ended and still holds the connection: nothing that it made was undone.",
	connection.OrphanUnknown: "There are things of %s in AWS, and no such connection.",
	connection.OrphanSecond:  "%s has an endpoint that it does not use.",
	connection.OrphanOverdue: "An endpoint of %s waits for the vendor for longer than it should.",
}

func orphanBody(o connection.OrphanNotice) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line(because[o.Kind], o.ConnectionID)
	line("")
	line("What to do: %s", o.Next)
	line("What happens next: nothing is deleted by itself. This mail is not sent again while this lasts.")
	if len(o.Request) > 0 {
		line("")
		line("---------- request ----------")
		line("%s", o.Request)
		line("---------- end of the request ----------")
	}
	line("")
	for _, thing := range o.Things {
		line("%s", orphanThing(thing))
	}
	if len(o.Things) == 0 && o.Kind == connection.OrphanStopped {
		line("No endpoint, security group or hosted zone is listed with it.")
	}
	if o.Cost.MonthlyUSD > 0 {
		line("Cost: $%.2f a month: %s", o.Cost.MonthlyUSD, o.Cost.Basis)
	}
	if !o.Since.IsZero() {
		line("Since: %s", o.Since.UTC().Format(time.RFC3339))
	}
	if o.Ticket != "" {
		line("Ticket: %s", o.Ticket)
	}
	if o.Execution != "" {
		line("Execution: %s", consoleLink(o.Execution))
	}
	return b.String()
}

func orphanThing(thing connection.OrphanThing) string {
	text := thing.Type + " " + thing.ID + ", account " + thing.AccountID
	for _, part := range []string{thing.Region, thing.VPCID, string(thing.State)} {
		if part != "" {
			text += ", " + part
		}
	}
	if !thing.CreatedAt.IsZero() {
		text += ", made " + thing.CreatedAt.UTC().Format(time.RFC3339)
	}
	return text
}
