package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"postern/internal/connection"
	"postern/internal/watch/remedy"
)

// drifted mails the operators the drift of a link in use when no ticket is notified. It takes no claim: a duplicate mail does no harm,
// a lost one does.
func (n *Notifier) drifted(ctx context.Context, detail json.RawMessage) (Result, error) {
	var d connection.DriftNotice
	if err := json.Unmarshal(detail, &d); err != nil || d.ConnectionID == "" || d.Finding.Check == "" {
		return Result{}, connection.Errorf(connection.Internal, "the detail of %q lacks a connection id or a check: %w", connection.EventDrift, err)
	}
	grave := d.Severity == connection.SeverityCritical || d.Severity == connection.SeverityHigh
	if d.Ticket != "" && d.Policy != connection.PolicyReport || d.Finding.Result != connection.DriftFound || !grave {
		n.log.InfoContext(ctx, "nothing to mail", "connection", d.ConnectionID, "check", d.Finding.Check)
		return Result{}, nil
	}
	if err := n.publish(ctx, driftSubject(d), driftBody(d)); err != nil {
		return Result{}, fmt.Errorf("mailing the operators about %s: %w", d.ConnectionID, err)
	}
	return Result{Sent: true}, nil
}

func driftSubject(d connection.DriftNotice) string {
	head := "drift"
	switch d.Status {
	case connection.DriftClosed:
		head = "drift is over"
	case connection.DriftFlapping:
		head = "drift comes back"
	}
	return clip(ascii(fmt.Sprintf("Postern %s: %s: %s (%s)", head, d.ConnectionID, d.Finding.Check, d.Severity)))
}

func driftBody(d connection.DriftNotice) string {
	f := d.Finding
	info, _ := f.Check.Info()
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	switch d.Status {
	case connection.DriftClosed:
		line("%s is as it was verified again.", d.ConnectionID)
	case connection.DriftFlapping:
		line("%s: a person or a tool keeps changing %s back, or the repairs fail. It was repaired %d times within a day and is not repaired any more.",
			d.ConnectionID, f.Check, len(f.Repairs))
	default:
		line("%s is not as it was verified.", d.ConnectionID)
	}
	line("")
	line("What is checked: %s", info.What)
	line("What is found: %s", f.Detail)
	line("Since: %s", f.Since.UTC().Format(time.RFC3339))
	line("Changed by, as CloudTrail says: %s", or(f.By, "unknown"))
	switch {
	case d.Status == connection.DriftClosed:
		line("What to do: nothing.")
	case f.Repair != "" && d.Status == connection.DriftOpened:
		line("What happens next: a repair was started, %s", consoleLink(f.Repair))
	case d.Status == connection.DriftFlapping:
		line("What to do: read how the last repair ended, %s; if it went well, agree with who changes it back: docs/operate.md#drift",
			consoleLink(f.Repair))
	default:
		line("What to do: %s Action diagnose tells whether the link works: docs/operate.md#drift", remedy.Of(f))
	}
	line("")
	line("Connection: %s", d.ConnectionID)
	if d.EndpointID != "" {
		line("Endpoint: %s", d.EndpointID)
	}
	return b.String()
}
