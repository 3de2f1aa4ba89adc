package approval

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (p *place) check(t *testing.T, ended string) {
	t.Helper()
	if p.current.ended != ended {
		t.Errorf("the task ended %q, want %q", p.current.ended, ended)
	}
	if err := p.leaks(); err != nil {
		t.Error(err)
	}
}

func TestApprovalAfterTheTokenIsStored(t *testing.T) {
	t.Parallel()
	p := newPlace(connection.GateApproval)
	must(t, p.enter(p.now))
	if p.queued() != 1 { // Gate Opened: none of resume's business
		t.Fatalf("%d events", p.queued())
	}
	must(t, p.drain())
	p.check(t, "")
	p.now, p.state = p.now.Add(48*time.Hour), connection.StatePending
	must(t, p.notify())
	must(t, p.drain())
	p.check(t, "succeeded")
	want := connection.GateResult{ObservedAt: p.now, ObservedBy: connection.ObservedByNotification, State: connection.StatePending,
		AskedAt: p.current.since}
	if diff := cmp.Diff(want, p.current.output); diff != "" {
		t.Errorf("the gate's result (-want +got):\n%s", diff)
	}
	if item := p.table.Get(connectionID); item["waitToken"] != "" || item["waitGate"] != "" || item["lastSeen"] != "pending" ||
		item["holder"] != executionARN {
		t.Errorf("the item afterwards: %v", item)
	}
}

// TestApprovalBeforeTheTokenIsStored: the notification finds no token; the look after storing it sees the approval.
func TestApprovalBeforeTheTokenIsStored(t *testing.T) {
	t.Parallel()
	for _, state := range []connection.EndpointState{connection.StatePending, connection.StateAvailable, connection.StateRejected} {
		p := newPlace(connection.GateApproval)
		p.state = state
		must(t, p.notify())
		must(t, p.drain())
		must(t, p.enter(p.now))
		must(t, p.drain())
		ending, _ := p.decided()
		p.check(t, ending)
	}
}

// TestApprovalBetweenStoringAndLooking, and between looking and saying "Gate Opened".
func TestApprovalWhileRegistering(t *testing.T) {
	t.Parallel()
	for moment := 1; moment <= 2; moment++ {
		p := newPlace(connection.GateApproval)
		pauses := 0
		p.between = func() {
			if pauses++; pauses == moment {
				p.state = connection.StatePending
				must(t, p.notify())
				must(t, p.drain())
			}
		}
		must(t, p.enter(p.now))
		must(t, p.drain())
		p.check(t, "succeeded")
	}
}

func TestLostNotification(t *testing.T) {
	t.Parallel()
	p := newPlace(connection.GateApproval)
	must(t, p.enter(p.now))
	p.state, p.now = connection.StateAvailable, p.now.Add(5*time.Minute)
	must(t, p.sweep())
	must(t, p.drain())
	p.check(t, "succeeded")
	if !strings.Contains(p.log.String(), `"SweepRepaired":1`) {
		t.Error("the repair is not counted")
	}
}

func TestFailuresEndTheWaitWithTheirOwnName(t *testing.T) {
	t.Parallel()
	for state, want := range map[connection.EndpointState]string{
		connection.StateRejected: "EndpointRejected", connection.StateExpired: "EndpointExpired",
		connection.StateFailed:   "EndpointFailed",
		connection.StateDeleting: "EndpointDeleted", connection.StateDeleted: "EndpointDeleted",
	} {
		p := newPlace(connection.GateApproval)
		must(t, p.enter(p.now))
		p.state, p.now = state, p.now.Add(time.Hour)
		must(t, p.sweep())
		must(t, p.drain())
		p.check(t, want)
		if !strings.Contains(p.current.cause, sampleEndpoint) || !strings.Contains(p.current.cause, "What to do:") {
			t.Errorf("%s: cause %q", state, p.current.cause)
		}
	}
}

func TestHeartbeats(t *testing.T) {
	t.Parallel()
	for _, gate := range []connection.Gate{connection.GateAllowlist, connection.GateApproval} {
		p := newPlace(gate)
		must(t, p.enter(p.now))
		for range 3 {
			p.now = p.now.Add(5 * time.Minute)
			must(t, p.sweep())
			must(t, p.drain())
		}
		p.check(t, "")
		if p.current.beats != 3 {
			t.Errorf("%s: %d heartbeats, want 3", gate, p.current.beats)
		}
	}
}

// TestHeartbeatsWhenDue: over a day of sweeps a wait gets a heartbeat in each third of the heartbeat's time, and nothing else, also
// when sweeps come twice, events come twice, every second event is lost, or nothing can be recorded at times: what is lost is sent
// again by the next sweep.
func TestHeartbeatsWhenDue(t *testing.T) {
	t.Parallel()
	const every, days = 5 * time.Minute, 1
	const perDay = 24 // one an hour
	for name, test := range map[string]struct {
		disturb func(p *place, sweep int)
		most    int           // heartbeats
		gap     time.Duration // between two, at most
	}{
		"undisturbed":  {func(*place, int) {}, days * perDay, time.Hour},
		"sweeps twice": {func(p *place, _ int) { must(t, p.sweep()) }, 2 * days * perDay, time.Hour},
		"events twice": {func(p *place, _ int) {
			for range p.queued() {
				_, err := p.deliver(0, true)
				must(t, err)
			}
		}, 2 * days * perDay, time.Hour},
		"lost events": {func(p *place, sweep int) {
			for sweep%2 == 0 && p.queued() > 0 {
				p.lose(0)
			}
		}, days * perDay, time.Hour + every},
		"a table that cannot be written at times": {func(p *place, sweep int) {
			p.table.Fault = nil
			if sweep%2 == 0 {
				p.table.Fault = func(operation string, _ bool) error { return onlyFor(operation, "UpdateItem", errors.New("down")) }
			}
			for range p.queued() {
				_, _ = p.deliver(0, true)
			}
			p.table.Fault = nil
		}, 2 * days * perDay, time.Hour},
	} {
		for _, gate := range []connection.Gate{connection.GateAllowlist, connection.GateApproval} {
			p := newPlace(gate)
			plan := connection.GatePlan{HeartbeatSeconds: 3 * 3600}
			p.gates = connection.Gates{Allowlist: plan, Approval: plan}
			must(t, p.enter(p.now))
			must(t, p.drain())
			last, longest, before := p.now, time.Duration(0), 0
			for sweep := range days * 24 * 12 {
				p.now = p.now.Add(every)
				must(t, p.sweep())
				test.disturb(p, sweep)
				must(t, p.drain())
				if p.current.beats > before {
					last, before = p.now, p.current.beats
				}
				longest = max(longest, p.now.Sub(last))
			}
			p.check(t, "")
			if p.current.beats < days*(perDay-2) || p.current.beats > test.most || longest > test.gap {
				t.Errorf("%s, %s: %d heartbeats in %d days, at most %s between two; want at most %d and %s", name, gate, p.current.beats, days,
					longest, test.most, test.gap)
			}
		}
	}
}

// TestUnknownStateKeepsWaiting: a word AWS adds later is reported once, and waited on.
func TestUnknownStateKeepsWaiting(t *testing.T) {
	t.Parallel()
	p := newPlace(connection.GateApproval)
	must(t, p.enter(p.now))
	must(t, p.drain())
	p.state = connection.StateUnknown
	for i, want := range []string{connection.EventEndpointState, connection.EventGateStillClosed} {
		p.now = p.now.Add(5 * time.Minute)
		must(t, p.sweep())
		if got := p.bus.events(t); len(got) != 1 || got[0].detailType != want {
			t.Errorf("sweep %d said %+v, want %s", i, got, want)
		}
		must(t, p.drain())
	}
	p.check(t, "")
	if p.current.beats != 2 || p.table.Get(connectionID)["lastSeen"] != "unknown" {
		t.Errorf("%d heartbeats, last seen %s", p.current.beats, p.table.Get(connectionID)["lastSeen"])
	}
}

// TestAllowlisting: success leaves the used wait to be replaced; a sweep in between finds a used token, and clears it.
func TestAllowlisting(t *testing.T) {
	t.Parallel()
	p := newPlace(connection.GateAllowlist)
	must(t, p.enter(p.now))
	p.visible, p.now = true, p.now.Add(5*time.Minute)
	must(t, p.sweep())
	must(t, p.drain())
	p.check(t, "succeeded")
	if p.table.Get(connectionID)["waitGate"] != "allowlist" {
		t.Error("a write was spent on clearing the wait")
	}
	if strings.Contains(p.log.String(), `"SweepRepaired":1`) {
		t.Error("allow-listing is always found by the sweep: no repair")
	}
	must(t, p.sweep())
	r, err := p.deliver(0, false)
	if err != nil || !r.Late || p.table.Get(connectionID)["waitGate"] != "" {
		t.Errorf("%+v, %v, item %v", r, err, p.table.Get(connectionID))
	}
	p.check(t, "succeeded")
}

func TestLateAfterTimeout(t *testing.T) {
	t.Parallel()
	p := newPlace(connection.GateApproval)
	must(t, p.enter(p.now))
	must(t, p.drain())
	p.current.ended = "timed out"
	p.state = connection.StatePending
	must(t, p.notify())
	r, err := p.deliver(0, false)
	if err != nil || r.Action != ActionSucceed || !r.Late {
		t.Errorf("%+v, %v: a late token is not an error", r, err)
	}
	if item := p.table.Get(connectionID); item["waitToken"] != "" {
		t.Errorf("the used wait stays: %v", item)
	}
	p.check(t, "timed out")
}

// TestForgottenTask: after the execution was deleted, or its token became unreadable, AWS does not know the token.
func TestForgottenTask(t *testing.T) {
	t.Parallel()
	p := newPlace(connection.GateApproval)
	must(t, p.enter(p.now))
	must(t, p.drain())
	p.tasks.tasks = nil
	p.now = p.now.Add(time.Hour)
	must(t, p.sweep())
	r, err := p.deliver(0, false)
	if err != nil || !r.Late || p.table.Get(connectionID)["waitToken"] != "" {
		t.Errorf("%+v, %v", r, err)
	}
	must(t, p.leaks())
}

// TestRetryOfTheTask: Step Functions hands out a new token, and keeps the time of entry.
func TestRetryOfTheTask(t *testing.T) {
	t.Parallel()
	p := newPlace(connection.GateApproval)
	p.bus.fail = errors.New("down")
	if err := p.enter(p.now); err == nil {
		t.Fatal("the gate opened and no event was sent")
	}
	p.bus.fail = nil
	p.current.ended = "failed"
	must(t, p.enter(p.now))
	p.state = connection.StatePending
	must(t, p.notify())
	must(t, p.drain())
	p.check(t, "succeeded")
}

// TestRetryWhileResuming: resume holds the token of an attempt that has ended, while the next attempt registers with the same
// time.
// What resume settles must be the old wait, or the new attempt would wait for ever.
func TestRetryWhileResuming(t *testing.T) {
	t.Parallel()
	p := newPlace(connection.GateApproval)
	must(t, p.enter(p.now))
	must(t, p.drain())
	must(t, p.sweep())
	p.current.ended = "failed"
	p.sending = func() {
		p.sending = nil
		must(t, p.enter(p.now))
	}
	if r, err := p.deliver(0, false); err != nil || !r.Late {
		t.Fatalf("%+v, %v", r, err)
	}
	p.state, p.now = connection.StatePending, p.now.Add(5*time.Minute)
	must(t, p.sweep())
	must(t, p.drain())
	p.check(t, "succeeded")
}

// TestOldRejectionAfterRedrive: an event can come again from a dead-letter queue, days later.
func TestOldRejectionAfterRedrive(t *testing.T) {
	t.Parallel()
	p := newPlace(connection.GateApproval)
	must(t, p.enter(p.now))
	must(t, p.drain())
	p.now, p.state = p.now.Add(time.Hour), connection.StateRejected
	must(t, p.notify())
	p.current.ended = "timed out"
	p.now, p.state = p.now.Add(24*time.Hour), connection.StatePendingAcceptance
	must(t, p.enter(p.now))
	must(t, p.drain())
	p.check(t, "")
}

func TestTransientFailureIsRetried(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*place, error){
		"reading the token": func(p *place, err error) {
			p.table.Fault = func(operation string, _ bool) error { return onlyFor(operation, "GetItem", err) }
		},
		"sending it": func(p *place, err error) {
			p.tasks.fault = func(operation string, _ bool) error { return onlyFor(operation, "SendTaskSuccess", err) }
		},
		"settling": func(p *place, err error) {
			p.table.Fault = func(operation string, _ bool) error { return onlyFor(operation, "UpdateItem", err) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(connection.GateApproval)
			must(t, p.enter(p.now))
			must(t, p.drain())
			p.state = connection.StatePending
			must(t, p.notify())
			down := errors.New("down")
			fail(p, down)
			if _, err := p.deliver(0, true); !errors.Is(err, down) {
				t.Fatalf("%v: the event must come again", err)
			}
			p.table.Fault, p.tasks.fault = nil, nil
			must(t, p.drain())
			p.check(t, "succeeded")
			if p.table.Get(connectionID)["waitToken"] != "" {
				t.Error("the wait stays")
			}
		})
	}
}

func onlyFor(operation, want string, err error) error {
	if operation == want {
		return err
	}
	return nil
}

// TestAnswerOfSendLost: the token was used, we do not know it. The retry is told TaskTimedOut and is content.
func TestAnswerOfSendLost(t *testing.T) {
	t.Parallel()
	p := newPlace(connection.GateApproval)
	must(t, p.enter(p.now))
	must(t, p.drain())
	p.state = connection.StatePending
	must(t, p.notify())
	p.tasks.fault = func(_ string, after bool) error {
		if after {
			return errors.New("connection reset")
		}
		return nil
	}
	if _, err := p.deliver(0, true); err == nil {
		t.Fatal("a lost answer was taken for one")
	}
	p.tasks.fault = nil
	must(t, p.drain())
	p.check(t, "succeeded")
}

// TestDuplicatesAtOnce: the same events, delivered by many at the same time.
func TestDuplicatesAtOnce(t *testing.T) {
	t.Parallel()
	p := newPlace(connection.GateApproval)
	must(t, p.enter(p.now))
	must(t, p.drain())
	p.state = connection.StatePending
	must(t, p.notify())
	must(t, p.notify())
	p.log.Reset()
	entry := p.bus.events(t)[0]
	var wg sync.WaitGroup
	results := make([]Resumed, 16)
	for i := range results {
		wg.Go(func() {
			r, err := p.resumer.Resume(t.Context(), observed{"postern", entry.detailType, []byte(entry.raw)})
			if err != nil {
				t.Error(err)
			}
			results[i] = r
		})
	}
	wg.Wait()
	effective := 0
	for _, r := range results {
		if r.Action == ActionSucceed && !r.Late {
			effective++
		}
	}
	if effective != 1 {
		t.Errorf("%d deliveries took effect", effective)
	}
	p.check(t, "succeeded")
}
