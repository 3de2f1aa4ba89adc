package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"postern/internal/connection"
	"postern/internal/store"
)

// remind mails the operators that a part of the vendor's hours has passed. The caller that claims the reminder sends it;
// the store refuses the claim when the gate is closed by now.
func (n *Notifier) remind(ctx context.Context, detail json.RawMessage) (Result, error) {
	reminder, err := decodeReminder(detail)
	if err != nil {
		return Result{}, err
	}
	claim := store.Reminder{ConnectionID: reminder.ConnectionID, Execution: reminder.Execution, Gate: reminder.Gate,
		Percent: reminder.Percent}
	log := n.log.With("connection", claim.ConnectionID, "gate", claim.Gate, "percent", claim.Percent, "execution", claim.Execution)
	name, err := n.claims.ClaimReminder(ctx, claim)
	if err != nil {
		return Result{}, err
	}
	if name == "" {
		log.InfoContext(ctx, "the gate is closed, or the operators are reminded already")
		return Result{}, nil
	}
	err = n.publish(ctx, reminderSubject(reminder), reminderBody(reminder))
	if err == nil {
		log.InfoContext(ctx, "operators reminded")
		return Result{Sent: true}, nil
	}
	err = fmt.Errorf("reminding the operators of %s: %w", claim.ConnectionID, err)
	if notSent(err) {
		return Result{}, errors.Join(err, n.claims.ReleaseReminder(ctx, claim, name))
	}
	return Result{}, fmt.Errorf("%w; the reminder may be out and is not sent again", err)
}

// decodeReminder reads a reminder; observe may be newer than this function.
func decodeReminder(detail json.RawMessage) (connection.GateReminder, error) {
	var r connection.GateReminder
	if err := json.Unmarshal(detail, &r); err != nil {
		return r, connection.Errorf(connection.Internal, "reading the detail of %q: %w", connection.EventGateReminder, err)
	}
	known := r.Gate == connection.GateAllowlist || r.Gate == connection.GateApproval
	if r.ConnectionID == "" || r.Execution == "" || !known || r.Percent < 1 || r.Percent > 100 {
		return r, connection.Errorf(connection.Internal,
			"the detail of %q lacks a connection id, an execution, a known gate or a percentage", connection.EventGateReminder)
	}
	return r, nil
}

func reminderSubject(r connection.GateReminder) string {
	kind := "reminder"
	if r.Percent >= 100 {
		kind = "escalation"
	}
	return clip(ascii(fmt.Sprintf("Postern %s: %s: %d of the vendor's %d business hours have passed", kind, r.ConnectionID,
		r.PassedHours, r.SLAHours)))
}

func reminderBody(r connection.GateReminder) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s waits for the vendor to %s.", r.ConnectionID, wanted(r.Gate))
	line("")
	line("How long: %d of the vendor's %d business hours have passed (past %d percent) since %s, calendar %s.", r.PassedHours, r.SLAHours,
		r.Percent, r.Since.UTC().Format(time.RFC3339), r.Calendar)
	to := or(r.To, "the vendor's support")
	if r.Percent >= 100 {
		line("What to do: escalate. The vendor's own time is over: send the message below to %s, and to your account manager "+
			"at the vendor.", to)
	} else {
		line("What to do: remind the vendor. Send the message below to %s, in the same thread.", to)
	}
	line("What happens next: %s", next(r.Gate))
	line("")
	writeMessage(line, r.To, r.Subject, r.Body)
	line("")
	line("Connection: %s", r.ConnectionID)
	if r.EndpointID != "" {
		line("Endpoint: %s", r.EndpointID)
	}
	if r.Ticket != "" {
		line("Ticket: %s", r.Ticket)
	}
	line("Execution: %s", consoleLink(r.Execution))
	return b.String()
}
