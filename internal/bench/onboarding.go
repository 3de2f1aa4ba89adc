package main

import (
	"fmt"
	"strings"
	"time"

	"postern/events"
	"postern/internal/local"
	"postern/internal/local/bill"
	"postern/internal/local/people"
	"postern/internal/local/states"
)

// onboarding onboards Monte Carlo, through both gates of which each takes a day and two hours, and measures what that took.
func onboarding(cloud *local.Cloud) ([]figure, error) {
	hops := &resume{cloud: cloud}
	(&people.Vendor{Behaviour: people.Approve, After: 26 * time.Hour, Tell: hops.tell}).Join(cloud)
	cloud.States.OnState(hops.state)
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
	if ended.Status != states.Succeeded || !hops.done {
		return nil, fmt.Errorf("the onboarding did not end well: %s after %v: %s %s", ended.Status, ended.Path, ended.Error, ended.Cause)
	}
	ours := map[string]bool{local.OriginOutside: true, ended.ARN: true}
	c := bill.Of(ended.Transitions, bill.InvocationsOf(cloud.Invocations(), ours), cloud.Calls())
	days := ended.StoppedAt.Sub(ended.StartedAt).Hours() / 24
	return []figure{
		{transitions, "", float64(c.Transitions)}, {calls, "", float64(c.Calls)}, {writes, "", float64(c.Writes)}, {cost, "", c.USD},
		{resumeRuns, "", float64(hops.invocations)}, {resumePuts, "", float64(hops.events)},
		{speed, "", days / wall.Seconds()},
	}, nil
}

// resume counts what runs between the vendor's acceptance and the end of the wait for it: SNS, observe, the bus, resume. The sweep,
// which runs whatever the vendor does, is left out.
type resume struct {
	cloud               *local.Cloud
	accepted            bool
	at                  hops // when the vendor accepted
	done                bool
	invocations, events int
}

// hops are how many of each the cloud has seen.
type hops struct{ invocations, events int }

func (r *resume) seen() hops {
	n := hops{invocations: bill.InvocationsOf(r.cloud.Invocations(), map[string]bool{local.OriginOutside: true})}
	for _, call := range r.cloud.Calls() {
		if call.Origin == local.OriginOutside && call.Operation == "PutEvents" {
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
	if r.accepted && !r.done && e.Kind == states.Exited && e.State == "AwaitApproval" {
		now := r.seen()
		r.done, r.invocations, r.events = true, now.invocations-r.at.invocations, now.events-r.at.events
	}
}
