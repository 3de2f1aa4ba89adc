package main

import (
	"fmt"
	"strings"
	"time"

	"postern/events"
	"postern/internal/demo/bill"
	"postern/internal/demo/people"
	"postern/internal/local"
	"postern/internal/local/states"
	"postern/internal/local/wire"
)

// onboarding onboards Monte Carlo, through both gates of which each takes a day and two hours, and measures what that took.
func onboarding(cloud *local.Cloud) ([]figure, error) {
	wake := &resume{cloud: cloud}
	(&people.Vendor{Behaviour: people.Approve, After: 26 * time.Hour, Tell: wake.tell}).Join(cloud)
	cloud.States.OnState(wake.state)
	began := time.Now()
	execution, err := cloud.StartExecution("", events.Read("onboard.monte-carlo.json"))
	if err != nil {
		return nil, err
	}
	ended, err := cloud.Run(execution, 30*24*time.Hour)
	if err != nil {
		return nil, err
	}
	wall := time.Since(began)
	if ended.Status != states.Succeeded {
		return nil, fmt.Errorf("the onboarding did not end well: %s after %v: %s %s", ended.Status, ended.Path, ended.Error, ended.Cause)
	}
	if wake.took.invocations == 0 || wake.took.events == 0 {
		return nil, fmt.Errorf("the vendor's acceptance did not end the wait: %d invocations, %d events", wake.took.invocations, wake.took.events)
	}
	ours := map[string]bool{local.OriginOutside: true, ended.ARN: true}
	c := bill.Of(ended.Transitions, bill.InvocationsOf(cloud.Invocations(), ours), cloud.Calls())
	days := ended.StoppedAt.Sub(ended.StartedAt).Hours() / 24
	return []figure{
		{transitions, "", float64(c.Transitions)}, {calls, "", float64(c.Calls)}, {writes, "", float64(c.Writes)}, {cost, "", c.USD},
		{waiting, "", float64(swept(cloud.Calls()))},
		{resumeRuns, "", float64(wake.took.invocations)}, {resumePuts, "", float64(wake.took.events)},
		{speed, "", days / wall.Seconds()},
	}, nil
}

// swept counts the calls of the sweep, and those of the heartbeats that it sends. The calls of drift and orphan, which run for
// every connection, are not counted.
func swept(calls []wire.Recorded) int {
	n := 0
	for _, call := range calls {
		if call.Origin == local.OriginSchedule && (call.Function == "postern-observe" || call.Function == "postern-resume") {
			n++
		}
	}
	return n
}

// resume counts what runs between the vendor's acceptance and the end of the wait for it: SNS, observe, the bus, resume. The sweep,
// which runs whatever the vendor does, and what tells the ticket, which nothing waits for, are left out.
type resume struct {
	cloud    *local.Cloud
	accepted bool
	at       hops // what had run when the vendor accepted
	took     hops
}

// hops are what our own code does of a wake.
type hops struct{ invocations, events int }

func (r *resume) seen() hops {
	var n hops
	for _, invocation := range r.cloud.Invocations() {
		if invocation.Origin != local.OriginSchedule && invocation.Function != bill.Commenter {
			n.invocations++
		}
	}
	for _, call := range r.cloud.Calls() {
		if call.Origin != local.OriginSchedule && call.Operation == "PutEvents" {
			n.events++
		}
	}
	return n
}

func (r *resume) tell(_ time.Time, what string) {
	if strings.HasPrefix(what, "the vendor accepts ") {
		r.accepted, r.at = true, r.seen()
	}
}

func (r *resume) state(e states.StateEvent) {
	if r.accepted && e.Kind == states.Exited && e.State == "AwaitApproval" {
		now := r.seen()
		r.took = hops{invocations: now.invocations - r.at.invocations, events: now.events - r.at.events}
	}
}
