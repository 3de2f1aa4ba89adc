package drift

import (
	"slices"
	"time"

	"postern/internal/connection"
	"postern/internal/store"
)

// merge adds the answers of a run to what is known, and returns what opened and closed. A check without an answer keeps its
// finding. Unknown opens a finding of its own, but neither closes a drift nor becomes one.
func merge(link store.Link, answers []connection.DriftAnswer, at time.Time) (connection.Drift, []connection.DriftNotice) {
	after := link.Drift
	after.SchemaVersion, after.Ledger = connection.SchemaVersion, link.Expects.At
	after.Findings = []connection.DriftFinding{}
	var changes []connection.DriftNotice
	for _, info := range connection.DriftChecks {
		was, open := findingOf(link.Drift, info.Check)
		now, answered := answerOf(answers, info.Check)
		switch {
		case !answered, now.Result == connection.DriftUnknown && open && was.Result == connection.DriftFound:
			if open {
				after.Findings = append(after.Findings, was)
			}
		case now.Result == connection.DriftOK:
			if open {
				changes = append(changes, notice(link, was, connection.DriftClosed, at))
			}
		case open && was.Result == now.Result:
			was.DriftAnswer, was.At = now, at
			after.Findings = append(after.Findings, was)
		default:
			found := connection.DriftFinding{DriftAnswer: now, Since: at, At: at}
			after.Findings = append(after.Findings, found)
			changes = append(changes, notice(link, found, connection.DriftOpened, at))
		}
	}
	return after, changes
}

const besideAnotherZone = "; it cannot be switched on while another zone of the VPC answers for its name"

// taken marks private DNS that should be on and is off for manual repair while another zone of the VPC answers for a name of the connection.
// The lists show no zone, so it is known by the deep check's finding.
//
// AWS: private DNS is refused when the VPC has a zone of its name; with a more specific one it would be on, and would not answer.
func taken(want connection.Expectation, drift *connection.Drift) {
	shadow, shadowed := findingOf(*drift, connection.CheckShadowing)
	if !shadowed || shadow.Result != connection.DriftFound || !want.PrivateDNS {
		return
	}
	for i := range drift.Findings {
		f := &drift.Findings[i]
		if f.Check == connection.CheckPrivateDNS && f.Result == connection.DriftFound && !f.ForHands {
			f.ForHands, f.Detail = true, f.Detail+besideAnotherZone
		}
	}
}

// notice lacks the ticket, which is looked up when it is told.
func notice(link store.Link, finding connection.DriftFinding, status string, at time.Time) connection.DriftNotice {
	info, _ := finding.Check.Info()
	return connection.DriftNotice{
		SchemaVersion: connection.SchemaVersion, ConnectionID: link.ConnectionID, Status: status, Severity: info.Severity,
		Policy: link.Expects.Policies.Of(finding.Check), Finding: finding, ObservedAt: at, EndpointID: link.Expects.EndpointID,
	}
}

func findingOf(drift connection.Drift, check connection.DriftCheck) (connection.DriftFinding, bool) {
	i := slices.IndexFunc(drift.Findings, func(f connection.DriftFinding) bool { return f.Check == check })
	if i < 0 {
		return connection.DriftFinding{}, false
	}
	return drift.Findings[i], true
}

func answerOf(answers []connection.DriftAnswer, check connection.DriftCheck) (connection.DriftAnswer, bool) {
	i := slices.IndexFunc(answers, func(a connection.DriftAnswer) bool { return a.Check == check })
	if i < 0 {
		return connection.DriftAnswer{}, false
	}
	return answers[i], true
}
