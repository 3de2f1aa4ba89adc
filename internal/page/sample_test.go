package page_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"postern/internal/connection"
	"postern/internal/store"
)

// now is a Tuesday, at noon in New York.
var now = time.Date(2026, 3, 10, 16, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

const (
	day       = 24 * time.Hour
	execution = "arn:aws:states:us-east-1:111122223333:execution:postern:sample-0123456789abcdef"
)

// sample is a connection of a status, named after it.
func sample(status string) store.Overview {
	o := store.Overview{ConnectionID: "vendor/" + status, UpdatedAt: ago(2 * time.Hour), FinishedBy: execution}
	ends := now.Add(80 * day)
	expects := &connection.Expectation{
		At: ago(20 * day), AccountID: "111122223333", Region: "us-east-1", VPCID: "vpc-0a1b2c3d4e5f60718", EndpointID: "vpce-0123456789abcdef0",
		ZoneID: "Z0123456789ABCDEFGHIJ", Parameters: []string{"/postern/vendor/sample/url"}, NotAfter: &ends,
	}
	wait := &store.Wait{
		ConnectionID: o.ConnectionID, Execution: execution, Gate: connection.GateApproval, EndpointID: "vpce-0123456789abcdef0",
		Asked: ago(26 * time.Hour), Since: ago(26 * time.Hour), SLAHours: 48, Calendar: "us-business", To: "support@vendor.example",
	}
	found := func(check connection.DriftCheck, result connection.DriftResult, detail string) *connection.Drift {
		return &connection.Drift{SchemaVersion: 1, Ledger: expects.At, DeepAt: ago(3 * time.Hour), Findings: []connection.DriftFinding{{
			DriftAnswer: connection.DriftAnswer{Check: check, Result: result, Detail: detail}, Since: ago(5 * time.Hour), At: ago(time.Hour),
		}}}
	}
	linked := func(drift *connection.Drift) {
		o.Status, o.Expects, o.Drift, o.EndpointID = store.StatusOnboarded, expects, drift, expects.EndpointID
	}
	switch status {
	case "overdue":
		wait.Asked = ago(5 * day) // Thursday, two business days before
		o.Wait, o.Holder, o.Ticket = wait, execution, "jira/NET-1042"
	case "waiting":
		o.Wait, o.Holder = wait, execution
	case "waiting-allowlist":
		wait.Gate, wait.EndpointID = connection.GateAllowlist, ""
		o.Wait, o.Holder = wait, execution
	case "waiting-always":
		wait.Calendar = "24x7"
		o.Wait, o.Holder = wait, execution
	case "waiting-without-figure":
		wait.SLAHours, wait.Calendar, wait.To = 0, "", ""
		o.Wait, o.Holder = wait, execution
	case "failed":
		o.Status = store.StatusFailed
	case "failed-leaving":
		o.Status, o.EndpointID = store.StatusFailed, "vpce-0fedcba9876543210"
	case "failed-elsewhere":
		o.Status, o.EndpointID = store.StatusFailed, "vpce-0fedcba9876543210"
		o.Failure = &store.Failure{Error: connection.ApprovalTimedOut, Message: "The vendor did not accept the endpoint within 14 days.", Dirty: true,
			AccountID: "444455556666", Region: "eu-west-1", VPCID: "vpc-0f1e2d3c4b5a69788"}
	case "cancelled":
		o.Status, o.Failure = store.StatusFailed, &store.Failure{Error: connection.Cancelled, Message: "The operators cancelled it."}
	case "flapping":
		drift := found(connection.CheckSecurityGroups, connection.DriftFound, "sg-0a1b2c3d4e5f60718 is missing")
		drift.Findings[0].Flapping, drift.Findings[0].By = true, "arn:aws:sts::111122223333:assumed-role/admin/jo"
		linked(drift)
	case "drift":
		drift := found(connection.CheckPrivateDNS, connection.DriftFound, "private DNS is off, and should be on")
		drift.Findings = append(drift.Findings, drift.Findings[0], drift.Findings[0])
		drift.Findings[1].DriftAnswer = connection.DriftAnswer{Check: connection.CheckTags, Result: connection.DriftFound, Detail: "postern:managed is missing"}
		drift.Findings[2].DriftAnswer = connection.DriftAnswer{Check: connection.CheckParameters, Result: connection.DriftUnknown, Detail: "GetParameters: AccessDenied"}
		linked(drift)
	case "repairing":
		policies := connection.DriftPolicyOf{connection.CheckPrivateDNS: connection.PolicyRepair}
		expects.Policies = policies
		linked(found(connection.CheckPrivateDNS, connection.DriftFound, "private DNS is off, and should be on"))
	case "unknown":
		linked(found(connection.CheckResolution, connection.DriftUnknown, "the probe function could not be called: AccessDenied"))
	case "unreadable":
		o.Fault = errors.New("no time in waitSince")
	case "stalled":
		o.Holder, o.UpdatedAt = execution, ago(30*time.Hour)
	case "unverified":
		linked(nil)
	case "working":
		o.Holder, o.UpdatedAt = execution, ago(time.Minute)
	case "ok":
		linked(found(connection.CheckTags, connection.DriftFound, ""))
		o.Drift.Findings = nil
	case "certificate-ends":
		soon := now.Add(9 * day)
		linked(&connection.Drift{SchemaVersion: 1, DeepAt: ago(time.Hour), NotAfter: &soon})
	case "removed":
		o.Status = store.StatusOffboarded
	case "none":
		o.FinishedBy = ""
	default:
		panic("no sample of " + status)
	}
	return o
}

// samples are the names that sample knows, in the order of the page.
var samples = []string{
	"overdue", "failed-leaving", "failed-elsewhere", "failed", "flapping", "drift", "unknown", "unreadable", "stalled", "unverified", "repairing", "waiting-allowlist", "waiting", "waiting-always", "waiting-without-figure", "working",
	"ok", "certificate-ends", "removed", "cancelled", "none",
}

// fleet is n connections of which most are well.
func fleet(n int) []store.Overview {
	var all []store.Overview
	for i := range n {
		status := "ok"
		if i < 2*len(samples) {
			status = samples[i%len(samples)]
		}
		o := sample(status)
		o.ConnectionID = fmt.Sprintf("%s/%03d", []string{"monte-carlo", "snowflake", "engflow", "mongodb-atlas"}[i%4], i)
		if i%50 == 4 { // as long as names may be, and longer
			o.ConnectionID += strings.Repeat("x", 120)
			o.Ticket = strings.Repeat("y", 120)
		}
		all = append(all, o)
	}
	return all
}
