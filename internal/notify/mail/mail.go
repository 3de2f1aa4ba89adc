package mail

import (
	"fmt"
	"strings"
	"time"

	"postern/internal/connection"
)

// maxSubject is the longest subject SNS takes. AWS: ASCII, no line breaks or control characters, fewer than 100 characters.
const maxSubject = 99

func subject(n connection.GateNotice) string {
	return clip(ascii("Postern: " + n.ConnectionID + " waits for the vendor to " + wanted(n.Gate)))
}

func wanted(gate connection.Gate) string {
	if gate == connection.GateAllowlist {
		return "allow-list our account"
	}
	return "accept the endpoint"
}

// ascii replaces what SNS refuses in a subject.
func ascii(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
}

func clip(text string) string {
	if len(text) <= maxSubject {
		return text
	}
	return text[:maxSubject-3] + "..."
}

// body is the whole mail: what to do, the message to send, and what happens by itself afterwards.
func body(n connection.GateNotice) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s waits for the vendor to %s.", n.ConnectionID, wanted(n.Gate))
	line("")
	line("What to do: send the message below to %s. Postern does not send it for you.", or(n.To, "the vendor's support"))
	line("How long it takes: %s", patience(n))
	line("What happens next: %s", next(n.Gate))
	line("")
	writeMessage(line, n.To, n.Subject, n.Body)
	line("")
	line("Connection: %s", n.ConnectionID)
	if n.EndpointID != "" {
		line("Endpoint: %s", n.EndpointID)
	}
	if !n.OpenedAt.IsZero() {
		line("Waiting since: %s", n.OpenedAt.UTC().Format(time.RFC3339))
	}
	line("Execution: %s", consoleLink(n.Execution))
	return b.String()
}

// writeMessage writes the message to the vendor, ready to be copied.
func writeMessage(line func(format string, args ...any), to, subject, body string) {
	line("---------- message to the vendor ----------")
	if to != "" {
		line("To: %s", to)
	}
	if subject != "" {
		line("Subject: %s", subject)
	}
	line("")
	line("%s", strings.TrimRight(body, "\n"))
	line("---------- end of the message ----------")
}

func patience(n connection.GateNotice) string {
	if n.SLAHours <= 0 {
		return "the vendor gives no figure."
	}
	text := fmt.Sprintf("the vendor says up to %d business hours", n.SLAHours)
	if n.Calendar != "" {
		text += " (calendar " + n.Calendar + ")"
	}
	return text + "."
}

func next(gate connection.Gate) string {
	if gate == connection.GateAllowlist {
		return "nothing for you to do. Postern looks every five minutes, and goes on by itself when the service becomes visible."
	}
	return "nothing for you to do. Postern goes on by itself when the endpoint is accepted: DNS, verification, configuration."
}

// consoleLink returns the address of an execution in the console, or what it is given when that is no ARN of one.
func consoleLink(execution string) string { return or(connection.ConsoleLink(execution), execution) }

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
