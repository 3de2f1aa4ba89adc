package page

import (
	"fmt"
	"strings"
	"time"

	"postern/internal/connection"
	"postern/internal/store"
	"postern/internal/watch/remedy"
)

// nextAction is what an operator does now, in one sentence.
func nextAction(o store.Overview, status Status, worst *connection.DriftFinding, at time.Time) string {
	switch status {
	case Overdue:
		return fmt.Sprintf("Ask the vendor again to %s: the time it says it takes is over.", wanted(*o.Wait))
	case Waiting:
		return "See that the text was sent to the vendor; once it has answered, Postern goes on by itself."
	case Failed:
		return afterFailure(o)
	case Stalled:
		return "See whether the execution was stopped; if so, start it again."
	case Working:
		return "Nothing: an execution is at work."
	case Flapping:
		return "Find out who keeps changing it back, or why the repairs fail: Postern has stopped repairing."
	case Drifted:
		return sentence(remedy.Of(*worst))
	case Repairing:
		return "Nothing: the next drift check puts it right."
	case Unknown:
		return "Read why Postern could not look, and give it what it lacks."
	case Unreadable:
		return "Report this: its record in the table cannot be read."
	case Unverified:
		return fmt.Sprintf("See whether the drift check runs: it has not checked this link for %s.", span(at.Sub(verified(o))))
	case Offboarded, Cancelled:
		return fmt.Sprintf("Nothing: it was %s %s ago.", strings.ToLower(status.Label), span(at.Sub(o.UpdatedAt)))
	case NothingDone:
		return "Nothing is known of it; start the onboarding if it is wanted."
	}
	return "Nothing."
}

func afterFailure(o store.Overview) string {
	switch {
	case o.Expects == nil && o.EndpointID != "":
		return "Read the error in the execution: endpoint " + o.EndpointID + " is still there, and costs money."
	case o.Failure != nil && o.Failure.Dirty:
		return "Remove what the execution says it left behind, or start the same request again: it goes on from there."
	}
	return "Read the error in the execution, correct what it names, start it again."
}

// sentence begins with a capital.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// wanted is what the vendor must do.
func wanted(wait store.Wait) string {
	if wait.Gate == connection.GateAllowlist {
		return "allow-list our account"
	}
	return "accept the endpoint"
}

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

// span formats a length of time in words, such as 3 days.
func span(d time.Duration) string {
	count := func(n int, unit string) string {
		if n == 1 {
			return "1 " + unit
		}
		return fmt.Sprintf("%d %ss", n, unit)
	}
	switch {
	case d < time.Minute:
		return "moments"
	case d < time.Hour:
		return count(int(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return count(int(d/time.Hour), "hour")
	}
	return count(int(d/(24*time.Hour)), "day")
}
