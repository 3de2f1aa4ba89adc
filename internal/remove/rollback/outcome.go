package rollback

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/internal/connection"
)

// maxCause is the most characters of a failure's own text that we repeat.
//
// AWS: the cause of a failed execution has at most 32,768 characters.
const maxCause = 20_000

// maxGaveUp is the most characters of the failure of rollback itself.
const maxGaveUp = 4_000

// maxMessage is the most characters of it that the connection's record keeps.
const maxMessage = 400

func (r *run) outcome() connection.Outcome {
	name := r.in.name()
	outcome := connection.Outcome{Error: name, Clean: len(r.left()) == 0, Undone: r.undone(), Left: r.left()}
	var b strings.Builder
	b.WriteString(r.in.State.happened(name))
	if at := r.in.State.failedAt(); at != statePlan {
		b.WriteString("\nFailed in: " + at)
	}
	if gaveUp := r.in.GaveUp; gaveUp != nil {
		fmt.Fprintf(&b, "\nRollback gave up after its last retry, with %s: %s", gaveUp.Error, clipped(cmp.Or(message(gaveUp.Cause), "no message"), maxGaveUp))
	}
	list(&b, "Undone", outcome.Undone)
	list(&b, "Left behind", outcome.Left)
	switch {
	case r.lost:
		b.WriteString("\nAnother execution has claimed the connection since, so nothing was undone.")
	case !outcome.Clean || len(outcome.Undone) > 0:
	case len(r.report.Absent)+len(r.report.Vanished) > 0:
		b.WriteString("\nWhat was made was gone already, so nothing is left behind.")
	default:
		b.WriteString("\nNothing was made, so nothing is left behind.")
	}
	if !outcome.Clean {
		b.WriteString("\nNext: remove manually what is left behind; docs/operate.md says how.")
	}
	if next := r.in.remedy(name); next != "" {
		b.WriteString("\nNext: " + next)
	}
	outcome.Cause = b.String()
	return outcome
}

// clipped returns at most so many characters of a text.
func clipped(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

func list(b *strings.Builder, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	b.WriteString("\n" + title + ":")
	for _, line := range lines {
		b.WriteString("\n- " + line)
	}
}

// remedies are for the failures whose own text does not say what to do.
var remedies = map[string]string{
	connection.InvalidRequest: "correct the request, then start a new execution.",
	connection.AccessDenied: "grant the action that is named above, or find the service control policy that denies it; " +
		"then start again.",
	connection.LimitExceeded:        "raise the quota that is named above; then start again.",
	connection.Throttled:            "start again later.",
	connection.Unavailable:          "look at the AWS Health Dashboard, then start again.",
	connection.EndpointPending:      "ask AWS Support, with the id of the endpoint; then start again.",
	connection.AllowlistingTimedOut: "ask the vendor; was the e-mail with the account id sent and read? Then start again.",
	connection.ApprovalTimedOut: "ask the vendor; was the e-mail with the endpoint id sent and read? Then start again: " +
		"a new endpoint is made, with a new id.",
	connection.EndpointNotListed: "do at the vendor what the e-mail with the endpoint's id says; then start again: " +
		"a new endpoint is made, with a new id.",
	connection.Cancelled:      "nothing; to make the connection after all, start action onboard.",
	connection.RemovalPending: "find what still uses the things named above, then start the same request again: it continues where this one ended.",
	connection.WatchLost:      "repair the sweep (docs/operate.md), then start again.",
	connection.Internal:       "report this with the execution's ARN.",
}

// remedy is what to do after a failure that does not say it itself.
func (in Input) remedy(name string) string {
	if plan := in.State.Plan; name == connection.Cancelled && plan != nil && plan.Repair != nil {
		return "nothing; the connection is as the repair found it. To repair it after all, start action repair again."
	}
	return remedies[name]
}

// watchLost reports whether a wait ended before its time was over, which only a heartbeat that stayed away can do.
//
// AWS: the documentation names that States.HeartbeatTimeout, but recordings of the service show States.Timeout, the name of a wait
// whose time is over. The time that passed tells them apart whichever name arrives.
func (in Input) watchLost() bool {
	s := in.State
	switch s.failedAt() {
	case stateAwaitAllowlisting:
		return early(in.EnteredAt, s.Plan.At, s.Plan.Gates.Allowlist)
	case stateAwaitApproval:
		return early(in.EnteredAt, s.Endpoint.At, s.Plan.Gates.Approval)
	}
	return false
}

// early reports whether a wait that began at began had time left. A state of an earlier release does not know when it began.
func early(now, began time.Time, gate connection.GatePlan) bool {
	return !began.IsZero() && now.Before(began.Add(time.Duration(gate.TimeoutSeconds)*time.Second))
}

// name returns the error name that the execution ends with.
//
// AWS: a task that ran out of time is States.Timeout whichever task it was, and a function that did not get to answer has a name
// that begins with Lambda.
func (in Input) name() string {
	s := in.State
	failed := s.failure().Error
	switch failed {
	case statesTimeout:
		if in.watchLost() {
			return connection.WatchLost
		}
		switch s.failedAt() {
		case stateAwaitAllowlisting:
			return connection.AllowlistingTimedOut
		case stateAwaitApproval:
			return connection.ApprovalTimedOut
		}
		return connection.Unavailable
	case statesHeartbeatTimeout:
		return connection.WatchLost
	case "States.Permissions", "Lambda.AccessDeniedException":
		return connection.AccessDenied
	case "Lambda.TooManyRequestsException":
		return connection.Throttled
	case "Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException", "Lambda.Unknown",
		"Lambda.ClientExecutionTimeoutException", "Sandbox.Timedout":
		return connection.Unavailable
	}
	if slices.Contains(connection.ErrorNames, failed) {
		return failed
	}
	return connection.Internal
}

// happened says what went wrong: the failing step's own words when it had any, else what its silence means.
func (s State) happened(name string) string {
	failure := s.failure()
	message := clipped(message(failure.Cause), maxCause)
	switch {
	case name == connection.AllowlistingTimedOut:
		return fmt.Sprintf("The vendor did not allow-list account %s for %s within %s.", s.Plan.Network.AccountID,
			cmp.Or(s.Plan.Service.Name, "its service"), spoken(s.Plan.Gates.Allowlist.TimeoutSeconds))
	case name == connection.ApprovalTimedOut:
		return fmt.Sprintf("The vendor did not accept endpoint %s within %s.", s.Endpoint.ID,
			spoken(s.Plan.Gates.Approval.TimeoutSeconds))
	case name == connection.WatchLost:
		return "The wait for the vendor failed because the sweep sent no heartbeat."
	case failure.Error == statesTimeout:
		return s.failedAt() + " did not end in time."
	case message == "":
		return fmt.Sprintf("%s failed with %s and gave no message.", s.failedAt(), failure.Error)
	case name != failure.Error:
		return fmt.Sprintf("%s failed with %s: %s", s.failedAt(), failure.Error, message)
	}
	return message
}

// spoken writes seconds in the largest unit that needs no fraction.
func spoken(seconds int64) string {
	switch {
	case seconds > 0 && seconds%3600 == 0:
		return fmt.Sprintf("%d hours", seconds/3600)
	case seconds > 0 && seconds%60 == 0:
		return fmt.Sprintf("%d minutes", seconds/60)
	}
	return fmt.Sprintf("%d seconds", seconds)
}
