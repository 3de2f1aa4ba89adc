package plan

import (
	"testing"

	"postern/internal/connection"
)

// Timeouts that pass keep every gate within what AWS allows: a heartbeat shorter than its timeout, two waits within a year.
func FuzzParseTimeouts(f *testing.F) {
	for _, seed := range []string{`{"approvalDays":10}`, `{"allowlistDays":180,"heartbeatHours":23}`, `{"approvalDays":-1}`, `{"days":1}`, `null`, `{} {}`, `{"approvalDays":1e3}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		timeouts, err := ParseTimeouts(raw)
		if err != nil {
			return
		}
		gate := connection.GatePlan{TimeoutSeconds: secondsPerDay}
		gates := timeouts.apply(connection.Gates{Allowlist: gate, Approval: gate})
		var all int64
		for _, gate := range []connection.GatePlan{gates.Allowlist, gates.Approval} {
			if gate.TimeoutSeconds < secondsPerDay || gate.HeartbeatSeconds < 1 || gate.HeartbeatSeconds >= gate.TimeoutSeconds {
				t.Errorf("%s gives %+v", raw, gate)
			}
			all += gate.TimeoutSeconds
		}
		if all > 365*secondsPerDay {
			t.Errorf("%s waits for %d seconds", raw, all)
		}
	})
}
