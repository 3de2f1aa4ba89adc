package approval

import (
	"fmt"
	"strings"
	"time"

	"postern/internal/connection"
	"postern/internal/store"
)

// cause says, for the console's error panel, why a wait failed: a short first line, then details, then what to do. AWS: at most
// 32,768 characters.
func cause(o connection.Observation, wait store.Wait) string {
	happened, todo := verdict(o.State)
	var b strings.Builder
	fmt.Fprintf(&b, "%s: endpoint %s of connection %s.", happened, o.EndpointID, o.ConnectionID)
	if service := or(o.ServiceName, wait.ServiceName); service != "" {
		fmt.Fprintf(&b, "\n- service: %s", service)
	}
	if o.Reason != "" {
		fmt.Fprintf(&b, "\n- AWS says: %s", clip(o.Reason, maxReason))
	}
	fmt.Fprintf(&b, "\n- seen: %s, state %s", seenBy(o), o.State)
	fmt.Fprintf(&b, "\n- waited since: %s", wait.Since.UTC().Format(time.RFC3339))
	fmt.Fprintf(&b, "\nWhat to do: %s", todo)
	return b.String()
}

// cancellation says who gave up what.
func cancellation(o connection.Observation, wait store.Wait) string {
	return fmt.Sprintf("Cancelled: connection %s no longer waits at the gate %s.\n- cancelled by: %s\n- waited since: %s",
		o.ConnectionID, wait.Gate, or(o.By, "an operator"), wait.Since.UTC().Format(time.RFC3339))
}

func verdict(state connection.EndpointState) (happened, todo string) {
	switch state.Failure() {
	case connection.EndpointRejected:
		return "The vendor rejected the endpoint connection",
			"ask the vendor why; often the account or the Region is not the one on their list. Then start the execution again: " +
				"it makes a new endpoint."
	case connection.EndpointExpired:
		return "The vendor did not accept the endpoint before AWS expired it",
			"agree with the vendor on when they will accept it, then start the execution again: it makes a new endpoint."
	case connection.EndpointDeleted:
		return "The endpoint was deleted while we waited for the vendor",
			"find out who deleted it (CloudTrail, DeleteVpcEndpoints), then start the execution again: it makes a new endpoint."
	default:
		return "AWS reports the endpoint as failed",
			"mend what AWS names, or ask the vendor whether the service is healthy; then start the execution again."
	}
}

// seenBy says when and how, as far as known.
func seenBy(o connection.Observation) string {
	how := map[string]string{
		connection.ObservedByNotification: "after the endpoint's notification",
		connection.ObservedByCloudTrail:   "after an EC2 call in this account",
		connection.ObservedBySweep:        "by the sweep",
		connection.ObservedByRegistration: "when the wait began",
		connection.ObservedByOperator:     "when an operator said that the vendor confirmed",
	}[o.ObservedBy]
	if o.ObservedAt.IsZero() {
		return or(how, "at an unknown time")
	}
	return strings.TrimSpace(o.ObservedAt.UTC().Format(time.RFC3339) + " " + how)
}

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
