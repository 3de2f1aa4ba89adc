package store_test

import (
	"testing"

	"postern/internal/connection"
	"postern/internal/store"
)

// The message about an orphan is claimed once while it lasts, and the claim makes no record of the connection.
func TestClaimOrphan(t *testing.T) {
	t.Parallel()
	s, table := open()
	orphan := func(kind connection.OrphanKind, digest string) connection.OrphanNotice {
		return connection.OrphanNotice{ConnectionID: id, Kind: kind, Digest: digest}
	}
	claim := func(o connection.OrphanNotice, want bool) (name string) {
		t.Helper()
		name, err := s.ClaimOrphan(t.Context(), o)
		if err != nil || (name != "") != want {
			t.Errorf("%s %s: claimed as %q, %v; want a claim: %v", o.Kind, o.Digest, name, err, want)
		}
		return name
	}
	stopped, unknown := orphan(connection.OrphanStopped, "1"), orphan(connection.OrphanUnknown, "2")
	first := claim(stopped, true)
	claim(stopped, false)
	second := claim(unknown, true)
	claim(stopped, false) // the one does not hide the other
	claim(orphan(connection.OrphanStopped, "3"), true)
	must(t, s.ReleaseOrphan(t.Context(), stopped, first)) // not the one that is held
	claim(orphan(connection.OrphanStopped, "3"), false)
	must(t, s.ReleaseOrphan(t.Context(), unknown, second))
	claim(unknown, true)
	must(t, s.ReleaseOrphan(t.Context(), unknown, second)) // the SDK retries, and another caller holds it
	claim(unknown, false)

	if table.Get(id) != nil {
		t.Errorf("the connection has a record: %v", table.Get(id))
	}
}

// The ledger of a connection that was offboarded is history, whatever came after.
func TestLedgerOfWhatIsOnboarded(t *testing.T) {
	t.Parallel()
	s, _ := open()
	finish := func(status store.Status, ledger *connection.Ledger) {
		t.Helper()
		must(t, s.Claim(t.Context(), id, turn("arn:1", noon), "", noon))
		must(t, s.Finish(t.Context(), store.Result{ConnectionID: id, Turn: turn("arn:1", noon), Status: status, Ledger: ledger}))
	}
	has := func(want bool) {
		t.Helper()
		if ledger, err := s.Ledger(t.Context(), id); err != nil || (ledger != nil) != want {
			t.Errorf("ledger %+v, %v", ledger, err)
		}
	}
	has(false)
	finish(store.StatusOnboarded, &connection.Ledger{})
	has(true)
	finish(store.StatusFailed, nil)
	has(true)
	finish(store.StatusOffboarded, nil)
	has(false)
	finish(store.StatusFailed, nil)
	has(false)
}
