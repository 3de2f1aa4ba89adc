package approval

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"postern/internal/bus"
	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/step"
	"postern/internal/store"
)

// sweep looks at everything that is waited for: one read of the waits, one Describe for the endpoints of each account and Region,
// and one for each service. It says what a lost message would have reported, reminds, and asks for a heartbeat with "Gate Still
// Closed" for each wait that is due for one; a wait without news costs nothing else. What could not be looked at gets no heartbeat:
// a blind sweep must not look awake.
//
// A sweep may come late, twice or not at all: what it says is decided by what the waits and AWS show then, and is said again by the
// next sweep until it is recorded.
func (o *Observer) sweep(ctx context.Context, w wake) (Observed, error) {
	waits, err := o.waits.Waiting(ctx)
	if err != nil {
		return Observed{Woken: w.by}, fmt.Errorf("sweeping: %w", err)
	}
	endpoints, failed := map[string]endpoint.Endpoint{}, []error(nil)
	for _, a := range awaited(waits) {
		found, blind := o.describe(ctx, a.access, a.ids)
		maps.Copy(endpoints, found)
		failed = append(failed, blind...)
	}
	services, blind := o.visible(ctx, waits)
	failed = append(failed, blind...)

	seen := sight{by: w.by, at: w.at}
	var sayings, reminders []bus.Event
	repaired := 0
	for _, wait := range waits {
		said, ok := seen.wait(wait, endpoints, services)
		if !ok {
			continue
		}
		if said.Type == connection.EventGateStillClosed {
			reminder, remind := seen.reminder(wait)
			if remind {
				reminders = append(reminders, reminder)
			}
			if remind || seen.heartbeatDue(wait) { // with each reminder: resume then clears a wait whose execution has ended
				sayings = append(sayings, said)
			}
			continue
		}
		o.log.InfoContext(ctx, "the sweep saw a change", "connection", wait.ConnectionID, "gate", wait.Gate,
			"endpoint", wait.EndpointID)
		if said.Type == connection.EventEndpointState {
			repaired++
		}
		sayings = append(sayings, said)
	}
	sayings = append(sayings, reminders...) // after the heartbeats: a wait must not end for a reminder's sake
	failed = append(failed, o.bus.Put(ctx, sayings...), step.WriteMetrics(o.metrics, w.at, pending(waits, w.at, repaired)...))
	return Observed{Woken: w.by, Looked: len(endpoints) + len(services), Said: len(sayings)}, errors.Join(failed...)
}

// beatsInTime is how many heartbeats are sent in the time that Step Functions waits for one: all but one of them may be lost.
const beatsInTime = 3

// heartbeatDue reports whether a third of the heartbeat's time has passed since the last one, or since the wait began. A wait of
// which neither is known gets one from each sweep.
func (s sight) heartbeatDue(wait store.Wait) bool {
	last := wait.Since
	if wait.Beat.After(last) {
		last = wait.Beat
	}
	return s.at.IsZero() || s.at.Sub(last) >= wait.Heartbeat/beatsInTime
}

// wait returns what the sweep says about one wait; false when it could not be looked at, or was not shown yet.
func (s sight) wait(wait store.Wait, endpoints map[string]endpoint.Endpoint, services map[service]bool) (bus.Event, bool) {
	if wait.Gate == connection.GateAllowlist && wait.ServiceName == "" {
		return s.stillClosed(wait, ""), true // only what an operator gives opens it
	}
	if wait.Gate == connection.GateAllowlist {
		visible, looked := services[serviceOf(wait)]
		if visible {
			return s.service(wait), looked
		}
		return s.stillClosed(wait, ""), looked
	}
	found, looked := endpoints[wait.EndpointID]
	if looked && s.unsettled(wait, found) {
		return bus.Event{}, false
	}
	if found.State.Waiting() && (wait.LastSeen == "" || wait.LastSeen == found.State) {
		return s.stillClosed(wait, found.State), looked
	}
	return s.endpoint(wait, found), looked
}

// group is endpoints waited for in one account and Region.
type group struct {
	access connection.Access
	ids    []string // each once
}

// awaited returns the endpoints waited for by the account they are in, in the order of the waits.
func awaited(waits []store.Wait) []group {
	var groups []group
	for _, wait := range waits {
		if wait.EndpointID == "" {
			continue
		}
		i := slices.IndexFunc(groups, func(g group) bool { return g.access == wait.Access })
		if i < 0 {
			i, groups = len(groups), append(groups, group{access: wait.Access})
		}
		if !slices.Contains(groups[i].ids, wait.EndpointID) {
			groups[i].ids = append(groups[i].ids, wait.EndpointID)
		}
	}
	return groups
}

// service is a vendor's service, the Region it is in, and the account that shall see it.
type service struct {
	name, region string
	by           connection.Access
}

func serviceOf(wait store.Wait) service {
	return service{wait.ServiceName, wait.ServiceRegion, wait.Access}
}

// visible looks at every service waited for, once. One name for each call: AWS refuses a whole call for one name it does not
// show.
func (o *Observer) visible(ctx context.Context, waits []store.Wait) (map[service]bool, []error) {
	services := map[service]bool{}
	tried := map[service]bool{}
	var failed []error
	for _, wait := range waits {
		s := serviceOf(wait)
		if wait.Gate != connection.GateAllowlist || s.name == "" || tried[s] {
			continue
		}
		tried[s] = true
		found, err := o.endpoints(s.by).Service(ctx, s.name, s.region, cmp.Or(s.by.Region, o.region))
		if err != nil {
			failed = append(failed, fmt.Errorf("looking at the service of %s: %w", wait.ConnectionID, err))
			continue
		}
		services[s] = found.Visible
	}
	return services, failed
}
