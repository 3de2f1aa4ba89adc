package main

import (
	"strings"
	"testing"

	"postern/internal/local/wire"
)

// Without a safeguard a run violates an invariant; with it, no run does.
func TestSafeguardsAreNeeded(t *testing.T) {
	t.Parallel()
	raw := golden(t)
	for _, m := range mutations() {
		t.Run(m.safeguard, func(t *testing.T) {
			t.Parallel()
			if err := m.noticed(raw); err != nil {
				t.Error(err)
			}
		})
	}
}

// A mutation that changes nothing must not pass for one that is noticed.
func TestMutationsThatAreNotNoticed(t *testing.T) {
	t.Parallel()
	m := mutations()[0]
	m.removed = wire.Rewrite{}
	if err := m.noticed(golden(t)); err == nil || !strings.Contains(err.Error(), "without the client token no violation begins with") {
		t.Errorf("of a mutation that changes nothing: %v", err)
	}
}
