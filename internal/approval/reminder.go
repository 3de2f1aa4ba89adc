package approval

import (
	"fmt"
	"strings"
	"time"

	"postern/internal/bus"
	"postern/internal/catalog/calendar"
	"postern/internal/connection"
	"postern/internal/store"
)

// thresholds are the percentages of the vendor's hours at which the operators are reminded, the highest first.
var thresholds = []int{100, 80, 50}

// due returns the highest threshold that has passed, 0 for none, and how much of the vendor's time has. A vendor who gives no
// figure, or whose calendar this release does not know, is never overdue.
func due(wait store.Wait, at time.Time) (percent int, passed time.Duration) {
	clock, err := calendar.Named(wait.Calendar)
	if err != nil || wait.SLAHours <= 0 || at.IsZero() {
		return 0, 0
	}
	passed = clock.Elapsed(wait.Asked, at)
	allowed := time.Duration(wait.SLAHours) * time.Hour
	for _, threshold := range thresholds {
		if passed*100 >= allowed*time.Duration(threshold) {
			return threshold, passed
		}
	}
	return 0, passed
}

// reminder says that a threshold has passed, unless the operators know of it. Every sweep sends it again until a notifier claims it.
func (s sight) reminder(wait store.Wait) (bus.Event, bool) {
	percent, passed := due(wait, s.at)
	if percent <= wait.Reminded {
		return bus.Event{}, false
	}
	r := connection.GateReminder{
		SchemaVersion: connection.SchemaVersion, ConnectionID: wait.ConnectionID, Execution: wait.Execution, Gate: wait.Gate,
		Percent: percent, Since: wait.Asked, ObservedAt: s.at, PassedHours: int(passed / time.Hour), SLAHours: wait.SLAHours,
		Calendar: wait.Calendar, To: wait.To, Subject: "Re: " + wait.Subject, ServiceName: wait.ServiceName,
		EndpointID: wait.EndpointID, Ticket: wait.Ticket,
	}
	r.Body = reminderText(r)
	return bus.Event{Type: connection.EventGateReminder, At: s.at, Detail: r}, true
}

// reminderText is what the operators send the vendor now.
func reminderText(r connection.GateReminder) string {
	asked := "allow-list our AWS account"
	if r.Gate == connection.GateApproval {
		asked = "accept our endpoint " + r.EndpointID
	}
	if account := accountOf(r.Execution); account != "" && r.Gate == connection.GateAllowlist {
		asked += " " + account
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Hello,\n\non %s we asked you to %s", r.Since.UTC().Format("2 January 2006, 15:04 MST"), asked)
	if r.ServiceName != "" {
		fmt.Fprintf(&b, " (service %s)", r.ServiceName)
	}
	fmt.Fprintf(&b, ". You say that this takes up to %d business hours; %d have passed.\n\n", r.SLAHours, r.PassedHours)
	if r.Percent >= 100 {
		b.WriteString("Please tell us today what keeps it, and who can help us further.\n")
	} else {
		b.WriteString("Is it on its way, or do you need anything from us?\n")
	}
	return b.String()
}

// accountOf returns the account in an execution's ARN, "" for another text.
func accountOf(execution string) string {
	parts := strings.Split(execution, ":") // arn:partition:states:region:account:execution:machine:name
	if len(parts) != 8 {
		return ""
	}
	return parts[4]
}
