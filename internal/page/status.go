package page

import (
	"fmt"
	"slices"
	"time"

	"postern/internal/catalog/calendar"
	"postern/internal/connection"
	"postern/internal/store"
)

// Status is the status of a connection, as the page shows it.
type Status struct {
	Name  string // of its CSS class
	Label string
	// Person is set when the connection waits for a person at your side.
	Person bool
}

// The statuses.
var (
	Overdue     = Status{"overdue", "Overdue", true}       // the vendor's own hours are over
	Failed      = Status{"failed", "Failed", true}         // the last execution failed
	Flapping    = Status{"flapping", "Flapping", true}     // a repair was changed back again and again
	Drifted     = Status{"drift", "Drift", true}           // a check found a difference
	Unknown     = Status{"unknown", "Unknown", true}       // a check could not be made
	Unreadable  = Status{"unknown", "Unreadable", true}    // its record cannot be read
	Stalled     = Status{"stalled", "Stalled", true}       // an execution holds it and has not moved for a day
	Unverified  = Status{"unverified", "Unverified", true} // not checked for a week
	Repairing   = Status{"repairing", "Repairing", false}  // an execution will put right what drifted
	Waiting     = Status{"waiting", "Waiting", false}      // for the vendor, within its hours
	Working     = Status{"working", "At work", false}      // an execution holds it
	Onboarded   = Status{"ok", "Onboarded", false}
	Offboarded  = Status{"removed", "Offboarded", false}
	Cancelled   = Status{"removed", "Cancelled", false} // the onboarding was cancelled
	NothingDone = Status{"none", "No record", false}    // no execution has come to an end
)

// Statuses lists every status in the order of the page: what needs a person comes first.
var Statuses = []Status{
	Overdue, Failed, Flapping, Drifted, Unknown, Unreadable, Stalled, Unverified, Repairing, Waiting, Working, Onboarded, Offboarded, Cancelled,
	NothingDone,
}

const (
	// stalledAfter is longer than any step takes that waits for no person.
	stalledAfter = 24 * time.Hour
	// unverifiedAfter is many times the period of the drift check.
	unverifiedAfter = 7 * 24 * time.Hour
)

// statusOf decides how a connection is. What an execution does now comes before how the last one ended, and that before drift.
func statusOf(o store.Overview, at time.Time) Status {
	switch {
	case o.Fault != nil:
		return Unreadable
	case o.Wait != nil && patienceOf(*o.Wait, at).over():
		return Overdue
	case o.Wait != nil:
		return Waiting
	case o.Holder != "" && at.Sub(o.UpdatedAt) > stalledAfter:
		return Stalled
	case o.Holder != "":
		return Working
	case o.Status == store.StatusFailed && !givenUp(o):
		return Failed
	case o.Expects != nil:
		return linkStatus(o, at)
	case o.Status == store.StatusOffboarded:
		return Offboarded
	case givenUp(o):
		return Cancelled
	}
	return NothingDone
}

// givenUp reports whether the last execution ended as requested, and left nothing behind.
func givenUp(o store.Overview) bool {
	return o.Failure != nil && o.Failure.Error == connection.Cancelled && !o.Failure.Dirty
}

func linkStatus(o store.Overview, at time.Time) Status {
	if o.Drift != nil {
		any := func(is func(connection.DriftFinding) bool) bool { return slices.ContainsFunc(o.Drift.Findings, is) }
		switch {
		case any(func(f connection.DriftFinding) bool { return f.Flapping }):
			return Flapping
		case any(func(f connection.DriftFinding) bool { return f.Result == connection.DriftFound && !repaired(o, f) }):
			return Drifted
		case any(func(f connection.DriftFinding) bool { return f.Result != connection.DriftFound }):
			return Unknown
		case len(o.Drift.Findings) > 0:
			return Repairing
		}
	}
	if at.Sub(verified(o)) > unverifiedAfter {
		return Unverified
	}
	return Onboarded
}

// repaired reports whether Postern repairs a finding by itself.
func repaired(o store.Overview, f connection.DriftFinding) bool {
	return o.Expects.Policies.Of(f.Check) == connection.PolicyRepair && !f.ForHands
}

// verified returns when the whole link was last looked at, from inside the VPC too; zero when it is not onboarded.
func verified(o store.Overview) time.Time {
	if o.Expects == nil {
		return time.Time{}
	}
	if o.Drift != nil && o.Drift.DeepAt.After(o.Expects.At) {
		return o.Drift.DeepAt
	}
	return o.Expects.At
}

// certificate returns when the vendor's certificate expires, nil when it was never seen.
func certificate(o store.Overview) *time.Time {
	switch {
	case o.Expects == nil:
		return nil
	case o.Drift != nil && o.Drift.NotAfter != nil:
		return o.Drift.NotAfter
	}
	return o.Expects.NotAfter
}

// patience is how much of the hours that a vendor says it takes has passed.
type patience struct {
	Passed  time.Duration // by the vendor's calendar; by the clock on the wall when it gives no figure
	Allowed time.Duration // 0 when the vendor gives no figure
	unit    string        // of the figure
}

func patienceOf(wait store.Wait, at time.Time) patience {
	clock, err := calendar.Named(wait.Calendar)
	if err != nil || wait.SLAHours <= 0 {
		return patience{Passed: max(0, at.Sub(wait.Asked))}
	}
	unit := "business hours"
	if wait.Calendar == calendar.Always {
		unit = "hours"
	}
	return patience{clock.Elapsed(wait.Asked, at), time.Duration(wait.SLAHours) * time.Hour, unit}
}

func (p patience) over() bool { return p.Allowed > 0 && p.Passed >= p.Allowed }

// Percent is how much of the hours has passed, at most 100.
func (p patience) Percent() int {
	if p.Allowed <= 0 {
		return 0
	}
	return int(min(100, 100*p.Passed/p.Allowed))
}

// String says how much of the hours has passed.
func (p patience) String() string {
	if p.Allowed <= 0 {
		return "it gives no figure"
	}
	return fmt.Sprintf("%d of %d %s", int(p.Passed/time.Hour), int(p.Allowed/time.Hour), p.unit)
}
