package schedule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"postern/internal/connection"
)

// check is what holds after each thing that happens.
func (m *model) check(t *rapid.T) {
	live := 0
	for _, e := range m.endpoints {
		if e.state.Live() {
			live++
		}
	}
	if live > 1 {
		m.violate("%d live endpoints", live)
	}
	for _, x := range m.executions {
		if !x.runs() || x.task == nil || x.task.ended || !x.task.stored || x.task.at != x.at {
			continue
		}
		item := m.table.Get(connectionID)
		if item["waitToken"] != x.task.token || item["waitExecution"] != x.arn || item["waitGate"] == "" || item["waitSince"] == "" {
			m.violate("%s waits, and its token is not stored", x.arn)
		}
	}
	if len(m.wrong) > 0 {
		t.Fatalf("%s", strings.Join(m.wrong, "\n"))
	}
}

// rest lets everything that is under way end without faults, and delivers every event.
func (m *model) rest(t *rapid.T) {
	for len(m.flights) > 0 || len(m.events) > 0 {
		for len(m.flights) > 0 {
			m.step(m.flights[0], none)
			m.follow()
			m.check(t)
		}
		if len(m.events) > 0 {
			m.deliver(0, false)
		}
	}
}

// calm ends the storm: everything works, and the sweep comes by. An execution that waits for something that is decided goes on; one
// that waits on has had a heartbeat in the last third of the heartbeat's time, until its time is over. In the end none waits.
func (m *model) calm(t *rapid.T) {
	m.rest(t)
	m.pass(5 * time.Minute) // a failure counts when it is seen after the wait began, and a sweep's time is in whole seconds
	m.follow()
	m.rest(t)
	swept := m.now
	m.sweep()
	m.rest(t)
	for _, x := range m.executions {
		if !x.runs() || x.task == nil || x.task.ended {
			continue
		}
		switch {
		case x.at == awaitAllowlisting && m.visible:
			t.Fatalf("%s waits for a service that is visible", x.arn)
		case x.at == awaitApproval && !x.endpoint.state.Waiting():
			t.Fatalf("%s waits for an endpoint that is %s", x.arn, x.endpoint.state)
		case swept.Sub(x.task.beat) >= heartbeat/3:
			t.Fatalf("%s waits unwatched: its last heartbeat was %s before the sweep", x.arn, swept.Sub(x.task.beat))
		}
	}
	for range 4 { // an execution may come to a second wait
		m.pass(timeout)
		m.follow()
		m.accepted(connection.StatePending)
		m.rest(t)
	}
	for _, x := range m.executions {
		if x.runs() {
			t.Fatalf("%s never ends: it is in state %d", x.arn, x.at)
		}
	}
}

// again: whatever happened, a new request is carried out when the vendor accepts.
func (m *model) again(t *rapid.T) {
	m.visible = true
	m.start()
	x := m.executions[len(m.executions)-1]
	for range 3 {
		m.rest(t)
		m.accepted(connection.StatePending, connection.StatePendingAcceptance, connection.StateUnknown)
		m.sweep()
	}
	m.rest(t)
	if x.at != onboarded {
		t.Fatalf("a new request ends in state %d", x.at)
	}
}

// accepted makes the endpoints that are in some states available.
func (m *model) accepted(in ...connection.EndpointState) {
	for _, e := range m.endpoints {
		if slices.Contains(in, e.state) {
			e.become(connection.StateAvailable)
		}
	}
}

// String is what there is, for whoever reads a schedule that failed. Tokens are left out.
func (m *model) String() string {
	var b strings.Builder
	item := m.table.Get(connectionID)
	fmt.Fprintf(&b, "  visible %v, holder %q, cancelled %q, waits %q at %q since %s, fence %q\n", m.visible, item["holder"], item["cancelledHolder"],
		item["waitExecution"], item["waitGate"], item["waitSince"], item["fence"])
	for _, x := range m.executions {
		fmt.Fprintf(&b, "  %s %s in state %d", x.arn, x.status, x.at)
		if x.task != nil {
			fmt.Fprintf(&b, ", task of state %d: ended %v, stored %v", x.task.at, x.task.ended, x.task.stored)
		}
		if x.endpoint != nil {
			fmt.Fprintf(&b, ", %s", x.endpoint.id)
		}
		b.WriteString("\n")
	}
	for _, e := range m.endpoints {
		fmt.Fprintf(&b, "  %s of %s is %s\n", e.id, e.madeBy, e.state)
	}
	for _, f := range m.flights {
		if f.x != nil {
			fmt.Fprintf(&b, "  under way: %s, try %d, heard %v\n", f.x.arn, f.try, f.heard())
		}
	}
	for _, e := range m.events {
		fmt.Fprintf(&b, "  event %s\n", e.detailType)
	}
	return strings.ReplaceAll(b.String(), "arn:aws:states:us-east-1:111122223333:execution:postern:", "")
}
