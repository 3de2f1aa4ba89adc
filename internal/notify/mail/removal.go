package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"postern/internal/connection"
)

// removed mails the operators what to tell a vendor whose endpoint is deleted, once for each offboarding.
func (n *Notifier) removed(ctx context.Context, detail json.RawMessage) (Result, error) {
	report, err := decodeRemoval(detail)
	if err != nil {
		return Result{}, err
	}
	log := n.log.With("connection", report.ConnectionID, "execution", report.Execution)
	name, err := n.claims.ClaimRemoval(ctx, report.ConnectionID, report.Execution, report.OffboardedAt)
	if err != nil {
		return Result{}, err
	}
	if name == "" {
		log.InfoContext(ctx, "the operators know of the removal")
		return Result{}, nil
	}
	err = n.publish(ctx, removalSubject(report), removalBody(report))
	if err == nil {
		log.InfoContext(ctx, "removal reported")
		return Result{Sent: true}, nil
	}
	err = fmt.Errorf("mailing the operators about the removal of %s: %w", report.ConnectionID, err)
	if notSent(err) {
		return Result{}, errors.Join(err, n.claims.ReleaseRemoval(ctx, report.ConnectionID, report.Execution, name))
	}
	return Result{}, fmt.Errorf("%w; the message may be out and is not sent again: see removal.notice in execution %s", err,
		report.Execution)
}

// decodeRemoval reads a report; offboard may be newer than this function.
func decodeRemoval(detail json.RawMessage) (connection.RemovalReport, error) {
	var r connection.RemovalReport
	if err := json.Unmarshal(detail, &r); err != nil {
		return r, connection.Errorf(connection.Internal, "reading the detail of %q: %w", connection.EventOffboarded, err)
	}
	if r.ConnectionID == "" || r.Execution == "" || r.Body == "" {
		return r, connection.Errorf(connection.Internal, "the detail of %q lacks a connection id, an execution or a body",
			connection.EventOffboarded)
	}
	return r, nil
}

func removalSubject(r connection.RemovalReport) string {
	return clip(ascii("Postern: " + r.ConnectionID + " is removed: tell the vendor"))
}

func removalBody(r connection.RemovalReport) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s is removed, and its endpoint is deleted.", r.ConnectionID)
	line("")
	line("What to do: send the message below to %s, so that the endpoint leaves the vendor's lists. Postern does not send it for you.",
		or(r.To, "the vendor's support"))
	line("What happens next: nothing; Postern waits for no answer. Where you keep the list yourself, take the endpoint off it.")
	line("")
	writeMessage(line, r.To, r.Subject, r.Body)
	for _, part := range []struct {
		title string
		lines []string
	}{{"Removed", r.Removed}, {"Kept", r.Kept}} {
		if len(part.lines) > 0 {
			line("")
			line("%s:", part.title)
			line("- %s", strings.Join(part.lines, "\n- "))
		}
	}
	line("")
	line("Connection: %s", r.ConnectionID)
	if !r.OffboardedAt.IsZero() {
		line("Removed at: %s", r.OffboardedAt.UTC().Format(time.RFC3339))
	}
	if r.Ticket != "" {
		line("Ticket: %s", r.Ticket)
	}
	line("Execution: %s", consoleLink(r.Execution))
	return b.String()
}
