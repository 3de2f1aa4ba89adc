package main

import (
	"fmt"
	"strings"
	"time"

	"postern/internal/local"
	"postern/internal/local/states"
	"postern/internal/local/wire"
	"postern/internal/proof/invariant"
)

// disturbance is a way to break one call.
type disturbance struct {
	name string
	kind wire.FaultKind
	// lasting breaks every call of the same operation by the same function for so long, zero the one call only.
	lasting time.Duration
}

var disturbances = []disturbance{
	{name: "throttled once", kind: wire.Throttle},
	{name: "throttled for ten minutes", kind: wire.Throttle, lasting: 10 * time.Minute},
	{name: "answered with 500", kind: wire.ServerError},
	{name: "timed out", kind: wire.Hang},
	{name: "done, the answer lost", kind: wire.LostAnswer},
	{name: "denied once", kind: wire.Deny},
	{name: "function killed before", kind: wire.CrashBefore},
	{name: "function killed after", kind: wire.CrashAfter},
}

// failedClean is the last state of an execution that failed and left nothing.
const failedClean = "FailedClean"

// limit is how much simulated time a run may take: longer than every wait.
const limit = 30 * 24 * time.Hour

// site is one call of a scenario: the one that is broken.
type site struct {
	number              int // among the calls of the disturbed request
	function, operation string
}

func (s site) String() string {
	return fmt.Sprintf("call %d, %s by %s", s.number, s.operation, s.function)
}

// outcome is how a disturbed run ended.
type outcome struct {
	end        string   // the last state
	violations []string // of the invariants
}

// driftCheck finds what is to be repaired, on its schedule and on others' changes.
const driftCheck = "postern-drift"

// sites runs a scenario undisturbed and returns its calls. The sweeps look alike: of the schedule's calls the first two of each
// operation by each function stand for all, but those of the drift check where it has something to find.
func (s scenario) sites(raw []byte) ([]site, error) {
	var sites []site
	scheduled := map[string]int{}
	ended, violations, err := s.run(raw, func(number int, call *wire.Call, record wire.Recorded) *wire.Fault {
		shared := record.Origin == local.OriginSchedule && (s.damage == "" || record.Function != driftCheck)
		at := site{number, record.Function, call.Service + "." + call.Operation}
		if shared {
			scheduled[at.function+" "+at.operation]++
		}
		if !shared || scheduled[at.function+" "+at.operation] <= 2 {
			sites = append(sites, at)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if ended != s.end || len(violations) > 0 {
		return nil, fmt.Errorf("%s: undisturbed it ends %s, not %s: %s", s.name, ended, s.end, strings.Join(violations, "; "))
	}
	return sites, nil
}

// disturb runs a scenario with one call broken, and expects it to end as it does undisturbed, or in FailedClean.
func (s scenario) disturb(raw []byte, at site, d disturbance) (outcome, error) {
	var until time.Time
	var broken string
	end, violations, err := s.run(raw, func(number int, call *wire.Call, record wire.Recorded) *wire.Fault {
		again := d.lasting > 0 && record.At.Before(until) && record.Function == at.function &&
			call.Service+"."+call.Operation == at.operation
		if number != at.number && !again {
			return nil
		}
		if until.IsZero() {
			until = record.At.Add(d.lasting)
			broken = site{number, record.Function, call.Service + "." + call.Operation}.String()
		}
		return &wire.Fault{Kind: d.kind}
	})
	if err == nil && broken != at.String() {
		err = fmt.Errorf("what was broken is %q: undisturbed runs differ", broken)
	}
	if end != s.end && end != failedClean {
		violations = append(violations, fmt.Sprintf("ended: in %s, neither %s nor %s", end, s.end, failedClean))
	}
	return outcome{end, violations}, err
}

// run runs a scenario once. Fault is asked about each call of the request that is disturbed.
func (s scenario) run(raw []byte, fault func(number int, call *wire.Call, record wire.Recorded) *wire.Fault) (
	end string, violations []string, err error) {
	c, err := s.open(raw)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = c.Close() }()
	witness, untouched := invariant.Watch(c), c.Inventory()
	var damaged *mending
	if s.damage != "" {
		if damaged, err = newMending(c, s.damage); err != nil {
			return "", nil, err
		}
	}
	if s.before != nil {
		if _, err := execute(c, s.before); err != nil {
			return "", nil, err
		}
	}
	before := c.Inventory()
	number := 0
	c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
		number++
		return fault(number, call, record)
	})
	if damaged != nil {
		if err := damaged.do(); err != nil {
			return "", nil, fmt.Errorf("%s: %w", s.name, err)
		}
		c.Server.SetFault(nil)
		end, violations = damaged.end()
		return end, append(violations, witness.Violations()...), nil
	}
	ended, err := execute(c, s.request)
	if err != nil {
		return "", nil, err
	}
	c.Server.SetFault(nil)
	// What was still under way when the execution ended has an hour to come to rest.
	if err := c.Advance(time.Hour); err != nil {
		return "", nil, err
	}
	end = "no state"
	if len(ended.Path) > 0 {
		end = ended.Path[len(ended.Path)-1]
	}
	violations = witness.Violations()
	switch end {
	case failedClean:
		violations = append(violations, witness.Restored(before)...)
	case "Offboarded":
		violations = append(violations, witness.Restored(untouched)...)
	}
	return end, violations, nil
}

func execute(c *local.Cloud, input []byte) (states.Execution, error) {
	arn, err := c.StartExecution("", input)
	if err != nil {
		return states.Execution{}, err
	}
	return c.Run(arn, limit)
}
