package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"postern/internal/connection"
	"postern/internal/local/states"
	"postern/internal/sla"
)

// state prints what happened to a state: how it ended, what it waits for, why it is tried again.
func (t *timeline) state(e states.StateEvent) {
	switch e.Kind {
	case states.Waiting:
		t.line(e.At, markWait, e.State, t.waitsFor(e))
	case states.Retrying:
		t.line(e.At, markRetry, e.State, fmt.Sprintf("%s: again in %s\n%s", e.Error, simulated(e.Delay), message(e.Cause)))
	case states.Caught:
		t.line(e.At, markFail, e.State, e.Error+"\n"+message(e.Cause))
	case states.Exited:
		t.exited(e)
	case states.Entered:
	}
}

// waitsFor says whom a state waits for, when an answer is due by the vendor's own clock, and when the wait ends without one.
func (t *timeline) waitsFor(e states.StateEvent) string {
	text, gate := "waits for the vendor to accept the endpoint", t.gates.Approval
	if e.State == "AwaitAllowlisting" {
		text, gate = "waits for the vendor to allow-list the account", t.gates.Allowlist
	}
	const layout = "Mon 2 Jan 15:04"
	if clock, err := sla.Named(gate.Calendar); err == nil && gate.SLAHours > 0 {
		due := clock.Due(e.At, time.Duration(gate.SLAHours)*time.Hour)
		text += fmt.Sprintf("\nthe vendor says %d hours (%s): due %s", gate.SLAHours, gate.Calendar, due.In(e.At.Location()).Format(layout))
	}
	return text + "\ngives up " + e.Deadline.Format(layout)
}

func (t *timeline) exited(e states.StateEvent) {
	switch e.Type {
	case "Choice":
		return
	case "Succeed":
		t.line(e.At, markDone, e.State, "")
		return
	case "Fail":
		t.line(e.At, markFail, e.State, "")
		return
	}
	var s connection.State
	if json.Unmarshal(e.Output, &s) != nil {
		return
	}
	if s.Plan != nil {
		t.gates = s.Plan.Gates
	}
	if text := told(e.State, s); text != "" {
		t.line(e.At, markEnter, e.State, text)
	}
}

// told says in a line or two what a state came to; "" when there is nothing to tell.
func told(state string, s connection.State) string {
	switch {
	case s.Plan == nil:
		return ""
	case state == "Plan":
		return plan(*s.Plan)
	case state == "AwaitAllowlisting" && s.Allowlisting != nil:
		return "the service is visible, seen by the " + s.Allowlisting.ObservedBy
	case state == "EnsureEndpoint" && s.Endpoint != nil:
		made := "found"
		if s.Endpoint.Created {
			made = "made"
		}
		return fmt.Sprintf("%s %s (%s)", made, s.Endpoint.ID, s.Endpoint.State)
	case state == "AwaitApproval" && s.Approval != nil:
		return fmt.Sprintf("accepted (%s), seen by the %s", s.Approval.State, s.Approval.ObservedBy)
	case state == "AwaitAvailable" && s.Availability != nil:
		return "available at " + addresses(s.Availability.Interfaces)
	case state == "ProbeEndpoint" && s.Probe != nil:
		return proof(*s.Probe)
	case state == "ConfigureDNS" && s.DNS != nil:
		return dns(*s.DNS)
	case state == "VerifyConnectivity" && s.Verification != nil:
		return proof(*s.Verification)
	case state == "PublishConfig" && s.Config != nil:
		return fmt.Sprintf("%d parameters written", len(s.Config.Parameters))
	case state == "Rollback" && s.Outcome != nil:
		return rollback(*s.Outcome)
	default:
		return ""
	}
}

func plan(p connection.Plan) string {
	text := map[connection.Decision]string{
		connection.DecisionPlanned:   "the request can work; this is a dry run",
		connection.DecisionAllowlist: "the request can work; the vendor has to allow-list account " + p.Network.AccountID + " first",
		connection.DecisionProceed:   "the vendor's service is visible: make the endpoint",
	}[p.Decision]
	for _, finding := range p.Findings {
		if finding.Severity == connection.SeverityWarning {
			text += "\nwarning: " + finding.Message
		}
	}
	return text
}

func addresses(interfaces []connection.NetworkInterface) string {
	list := make([]string, len(interfaces))
	for i, one := range interfaces {
		list[i] = one.IP
	}
	return strings.Join(list, ", ")
}

func proof(p connection.Proof) string {
	text := fmt.Sprintf("%s: %d checks from inside the VPC", p.Verdict, len(p.Checks))
	if len(p.Addresses) > 0 {
		text += fmt.Sprintf("; %s is %s", p.Host, strings.Join(p.Addresses, ", "))
	}
	return text
}

func dns(d connection.DNS) string {
	switch {
	case d.Mode == connection.ModeVendorPrivateDNS:
		return "private DNS of the endpoint is on: " + d.Hostname
	case d.Record == nil:
		return "nothing to do"
	default:
		return fmt.Sprintf("%s %s %s in zone %s", d.Record.Name, d.Record.Type, d.Record.Value, d.ZoneName)
	}
}

func rollback(o connection.Outcome) string {
	lines := []string{"nothing was made"}
	if len(o.Undone) > 0 {
		lines = append([]string{"undone:"}, o.Undone...)
	}
	if len(o.Left) > 0 {
		lines = append(append(lines, "LEFT BEHIND:"), o.Left...)
	}
	return strings.Join(lines, "\n")
}

// message is the readable part of a cause: a function's is JSON.
func message(cause string) string {
	var payload struct {
		Message string `json:"errorMessage"`
	}
	if json.Unmarshal([]byte(cause), &payload) == nil && payload.Message != "" {
		return payload.Message
	}
	return cause
}
