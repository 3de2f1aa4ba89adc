// Package load starts many onboardings at once on the embedded cloud, which answers at the rates that AWS publishes, and measures
// how they get through.
package load

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"postern/internal/demo/bill"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/states"
	"postern/internal/local/wire"
	"postern/internal/proof/handlers"
	"postern/internal/proof/invariant"
	"postern/internal/proof/load/limits"
)

// Report is how the onboardings of a run got through.
type Report struct {
	Onboarded   int
	Failures    []string       // how the others ended
	First, Last time.Duration  // simulated, from the start of all to the first and the last end
	Calls       int            // of the onboardings themselves
	Sweep       int            // calls of the shared sweep
	Throttled   int            // how many of Calls and Sweep were
	Retries     int            // transitions that are retries
	ByOperation map[string]int // throttled answers
}

// answered is how long the people at the vendors take, at each gate.
const answered = 30 * time.Minute

// patience is how much simulated time a run may take.
const patience = 7 * 24 * time.Hour

// Run starts n onboardings in one instant, and lets time pass until the last has ended. Limited says whether AWS's rates hold. A
// violated invariant is an error.
func Run(template []byte, n int, limited bool) (report Report, err error) {
	c, err := world.Open(local.Config{Template: template, Functions: handlers.InProcess(), World: crowd(n), Mutate: raiseQuota})
	if err != nil {
		return Report{}, fmt.Errorf("opening the embedded cloud: %w", err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	witness := invariant.Watch(c)
	(&people.Vendor{Behaviour: people.Approve, After: answered}).Join(c)
	if limited {
		c.Server.SetFault(limits.New().Fault)
	}
	open := n
	c.States.OnStatusChange(func(e states.Execution) {
		if e.Status != states.Running {
			open--
		}
	})
	began := c.Clock.Now()
	for i := range n {
		if _, err := c.StartExecution("", request(i)); err != nil {
			return Report{}, err
		}
	}
	if err := c.Clock.Run(func() bool { return open == 0 }, began.Add(patience)); err != nil {
		return Report{}, fmt.Errorf("%d of %d onboardings have not ended: %w", open, n, err)
	}
	if wrong := witness.Violations(); len(wrong) > 0 {
		return Report{}, fmt.Errorf("%d onboardings at once violate an invariant:\n%s", n, strings.Join(wrong, "\n"))
	}
	return measure(c, began), nil
}

// measure reads what happened off the cloud's records.
func measure(c *local.Cloud, began time.Time) Report {
	r := Report{ByOperation: map[string]int{}}
	for i, e := range c.States.Executions() {
		took := e.StoppedAt.Sub(began)
		if r.Last = max(r.Last, took); i == 0 || took < r.First {
			r.First = took
		}
		r.Retries += e.Transitions - len(e.Path)
		if e.Status == states.Succeeded && e.Path[len(e.Path)-1] == "Onboarded" {
			r.Onboarded++
			continue
		}
		r.Failures = append(r.Failures, fmt.Sprintf("%s after %s: %s: %s", e.Status, e.Path[len(e.Path)-1], e.Error, e.Cause))
	}
	calls := c.Calls()
	counts := bill.Of(0, 0, calls)
	r.Calls, r.Sweep = counts.Calls, counts.Sweep
	for _, call := range calls {
		if call.Fault == wire.Throttle {
			r.Throttled++
			r.ByOperation[call.Service+":"+call.Operation]++
		}
	}
	return r
}
