package store_test

import (
	"testing"

	"postern/internal/connection"
	"postern/internal/store"
)

func TestClaimReminder(t *testing.T) {
	t.Parallel()
	s, _ := open()
	reminder := func(execution string, gate connection.Gate, percent int) store.Reminder {
		return store.Reminder{ConnectionID: id, Execution: execution, Gate: gate, Percent: percent}
	}
	claim := func(execution string, gate connection.Gate, percent int, want bool) (name string) {
		t.Helper()
		name, err := s.ClaimReminder(t.Context(), reminder(execution, gate, percent))
		if err != nil || (name != "") != want {
			t.Errorf("%s %s %d: claimed as %q, %v; want a claim: %v", execution, gate, percent, name, err, want)
		}
		return name
	}
	reminded := func(want int) {
		t.Helper()
		if waits, err := s.Waiting(t.Context()); err != nil || len(waits) != 1 || waits[0].Reminded != want {
			t.Errorf("waits %+v, %v; want one reminded at %d", waits, err, want)
		}
	}
	claim("arn:1", connection.GateApproval, 50, false) // nothing waits
	must(t, s.Register(t.Context(), approval("arn:1", noon), store.NewToken(canary)))
	reminded(0)
	claim("arn:1", connection.GateAllowlist, 50, false) // another gate
	claim("arn:2", connection.GateApproval, 50, false)  // another execution
	first := claim("arn:1", connection.GateApproval, 80, true)
	claim("arn:1", connection.GateApproval, 80, false) // twice
	claim("arn:1", connection.GateApproval, 50, false) // late
	reminded(80)
	must(t, s.Register(t.Context(), approval("arn:1", noon), store.NewToken(canary+"2"))) // a retry of await-gate
	reminded(80)
	second := claim("arn:1", connection.GateApproval, 100, true)
	must(t, s.ReleaseReminder(t.Context(), reminder("arn:1", connection.GateApproval, 80), first)) // not the one that is held
	reminded(100)
	for range 2 {
		must(t, s.ReleaseReminder(t.Context(), reminder("arn:1", connection.GateApproval, 100), second))
	}
	claim("arn:1", connection.GateApproval, 80, false) // it may have been sent
	claim("arn:1", connection.GateApproval, 100, true)
	must(t, s.ReleaseReminder(t.Context(), reminder("arn:1", connection.GateApproval, 100), second)) // the SDK asks again
	claim("arn:1", connection.GateApproval, 100, false)

	wait, _ := stored(t, s)
	must(t, s.Settle(t.Context(), wait, connection.StatePending))
	claim("arn:1", connection.GateApproval, 100, false) // closed
	must(t, s.Finish(t.Context(), store.Result{ConnectionID: id, Turn: turn("arn:1", noon), Status: store.StatusFailed}))
	must(t, s.Register(t.Context(), approval("arn:2", noon), store.NewToken(canary)))
	reminded(0)
	claim("arn:2", connection.GateApproval, 50, true)
}
