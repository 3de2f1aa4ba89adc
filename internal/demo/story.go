package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"postern/internal/catalog/calendar"
	"postern/internal/connection"
	"postern/internal/local/states"
)

// state prints what happened to a state: how it ended, what it waits for, why it is tried again.
func (t *timeline) state(e states.StateEvent) {
	switch e.Kind {
	case states.Waiting:
		t.of(e, markWait, t.waitsFor(e))
	case states.Retrying:
		t.of(e, markRetry, fmt.Sprintf("%s: again in %s\n%s", e.Error, simulated(e.Delay), connection.Failure{Cause: e.Cause}.Message()))
	case states.Caught:
		if !strings.HasPrefix(e.State, "OnboardTarget") { // the execution has reported it itself
			t.of(e, markFail, e.Error+"\n"+connection.Failure{Cause: e.Cause}.Message())
		}
	case states.Exited:
		t.exited(e)
	case states.Entered:
	}
}

// of prints a line of a state; in a fleet with the name of the connection.
func (t *timeline) of(e states.StateEvent, mark, why string) {
	if name := t.names[e.Execution]; name != "" {
		why = strings.TrimSuffix(name+": "+why, ": ")
	}
	t.line(e.At, mark, e.State, why)
}

// waitsFor says whom a state waits for, when an answer is due by the vendor's own clock, and when the wait ends without one.
func (t *timeline) waitsFor(e states.StateEvent) string {
	text, gate := "waits for the vendor to accept the endpoint", t.gates[e.Execution].Approval
	if e.State == "AwaitAllowlisting" {
		text, gate = "waits for the vendor to allow-list the account", t.gates[e.Execution].Allowlist
	}
	const layout = "Mon 2 Jan 15:04"
	if clock, err := calendar.Named(gate.Calendar); err == nil && gate.SLAHours > 0 {
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
		t.of(e, markDone, "")
		return
	case "Fail":
		t.of(e, markFail, "")
		return
	}
	var s connection.State
	if json.Unmarshal(e.Output, &s) != nil {
		return
	}
	if s.Plan != nil {
		t.gates[e.Execution] = s.Plan.Gates
	}
	text := told(e.State, s)
	if tell, of := fleetStories[e.State]; of {
		text = tell(e.Output)
	}
	if text != "" {
		t.of(e, markEnter, text)
	}
}

// told returns the result of a state in a line or two; "" when there is nothing to tell.
func told(name string, s connection.State) string {
	if tell, known := stories[name]; known && s.Plan != nil {
		return tell(s)
	}
	return ""
}

// stories tell what a state came to. A state that failed has no section to tell of.
var stories = map[string]func(connection.State) string{
	"Plan": func(s connection.State) string { return plan(*s.Plan) },
	"Diagnose": section(func(s connection.State) *connection.Diagnosis { return s.Diagnosis }, func(d connection.Diagnosis) string {
		return fmt.Sprintf("%s, from %d checks\n%s", d.Cause, len(d.Evidence), d.Sentence)
	}),
	"AwaitAllowlisting": section(func(s connection.State) *connection.GateResult { return s.Allowlisting }, func(g connection.GateResult) string {
		if len(g.Inputs) > 0 {
			return "an operator gave " + strings.Join(slices.Sorted(maps.Keys(g.Inputs)), ", ")
		}
		return "the service is visible, seen by the " + g.ObservedBy
	}),
	"Acknowledge": section(func(s connection.State) *connection.Acknowledgement { return s.Acknowledgement }, func(a connection.Acknowledgement) string {
		return a.Effect
	}),
	"EnsureEndpoint": section(func(s connection.State) *connection.Endpoint { return s.Endpoint }, func(e connection.Endpoint) string {
		made := "found"
		switch {
		case e.Created:
			made = "made"
		case e.Adopted:
			made = "adopted"
		}
		return fmt.Sprintf("%s %s (%s)", made, e.ID, e.State)
	}),
	"AwaitApproval": section(func(s connection.State) *connection.GateResult { return s.Approval }, func(g connection.GateResult) string {
		return fmt.Sprintf("accepted (%s), seen by the %s", g.State, g.ObservedBy)
	}),
	"AwaitAvailable": section(func(s connection.State) *connection.Availability { return s.Availability }, func(a connection.Availability) string {
		return "available at " + addresses(a.Interfaces)
	}),
	"ProbeEndpoint":      section(func(s connection.State) *connection.Proof { return s.Probe }, proof),
	"ConfigureDNS":       section(func(s connection.State) *connection.DNS { return s.DNS }, dns),
	"VerifyConnectivity": section(func(s connection.State) *connection.Proof { return s.Verification }, proof),
	"PublishConfig": section(func(s connection.State) *connection.Config { return s.Config }, func(c connection.Config) string {
		written := 0
		for _, parameter := range c.Parameters {
			if parameter.Changed {
				written++
			}
		}
		return fmt.Sprintf("%d parameters written", written)
	}),
	"Rollback": section(func(s connection.State) *connection.Outcome { return s.Outcome }, rollback),
}

// section tells of the section of a state, and nothing when it is absent.
func section[T any](of func(connection.State) *T, tell func(T) string) func(connection.State) string {
	return func(s connection.State) string {
		if part := of(s); part != nil {
			return tell(*part)
		}
		return ""
	}
}

func plan(p connection.Plan) string {
	proceed := "the vendor's service is visible: make the endpoint"
	if p.HandMade {
		proceed = p.AdoptEndpointID + " was created manually: adopt it"
	}
	text := map[connection.Decision]string{
		connection.DecisionPlanned:   "the request can work; this is a dry run",
		connection.DecisionDiagnose:  "AWS's facts are gathered: look from inside the VPC",
		connection.DecisionAllowlist: "the request can work; the vendor has to allow-list account " + p.Network.AccountID + " first",
		connection.DecisionApprove:   "an operator says that the vendor confirmed",
		connection.DecisionProceed:   proceed,
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
	case d.Kept:
		return "existing DNS records answer already: left unchanged"
	case d.Mode == connection.ModeVendorPrivateDNS:
		return "private DNS of the endpoint is on: " + d.Hostname
	case len(d.Records) == 0:
		return "nothing to do"
	}
	first := fmt.Sprintf("%s %s %s in zone %s", d.Records[0].Name, d.Records[0].Type, d.Records[0].Value, d.ZoneName)
	if more := len(d.Records) - 1; more > 0 {
		return fmt.Sprintf("%s, and %d more", first, more)
	}
	return first
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
