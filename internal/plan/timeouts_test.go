package plan

import (
	"testing"
	"time"

	"postern/internal/catalog"
	"postern/internal/connection"
)

func TestTimeouts(t *testing.T) {
	t.Parallel()
	profile := connection.Gates{
		Allowlist: connection.GatePlan{TimeoutSeconds: 14 * 86400}, Approval: connection.GatePlan{TimeoutSeconds: 14 * 86400},
	}
	tests := map[string]struct {
		raw                            string
		allowlist, approval, heartbeat int64
	}{
		"none":      {``, 14 * 86400, 14 * 86400, 3 * 3600},
		"empty":     {`{}`, 14 * 86400, 14 * 86400, 3 * 3600},
		"allowlist": {`{"allowlistDays": 3}`, 3 * 86400, 14 * 86400, 3 * 3600},
		"all":       {`{"allowlistDays": 1, "approvalDays": 180, "heartbeatHours": 23}`, 86400, 180 * 86400, 23 * 3600},
	}
	for name, tt := range tests {
		timeouts, err := ParseTimeouts(tt.raw)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := timeouts.apply(profile)
		if got.Allowlist.TimeoutSeconds != tt.allowlist || got.Approval.TimeoutSeconds != tt.approval ||
			got.Allowlist.HeartbeatSeconds != tt.heartbeat || got.Approval.HeartbeatSeconds != tt.heartbeat {
			t.Errorf("%s: got %+v", name, got)
		}
		// AWS refuses a heartbeat that is not shorter than its timeout.
		if got.Allowlist.HeartbeatSeconds >= got.Allowlist.TimeoutSeconds {
			t.Errorf("%s: heartbeat %d, timeout %d", name, got.Allowlist.HeartbeatSeconds, got.Allowlist.TimeoutSeconds)
		}
	}
}

// An approval may take the vendor's own days, or the configured time if that is longer. For an unknown vendor it may take the longest
// time of all vendors.
func TestApprovalTime(t *testing.T) {
	t.Parallel()
	vendors, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	for _, test := range []struct {
		days   int
		vendor string
		want   time.Duration
	}{{0, "monte-carlo", 14 * day}, {5, "monte-carlo", 14 * day}, {30, "monte-carlo", 30 * day}, {0, "gone", 14 * day}} {
		if got := (Timeouts{ApprovalDays: test.days}).Approval(vendors, test.vendor); got != test.want {
			t.Errorf("%d days, %s: %s, want %s", test.days, test.vendor, got, test.want)
		}
	}
}

func TestParseTimeoutsRefuses(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"approvalDay": 1}`:       `timeouts: json: unknown field "approvalDay"`,
		`{"approvalDays": -1}`:     "timeouts: -1 days; write 0 to 180",
		`{"allowlistDays": 181}`:   "timeouts: 181 days; write 0 to 180",
		`{"heartbeatHours": 24}`:   "timeouts: a heartbeat of 24 hours; write 0 to 23",
		`{"heartbeatHours": "3h"}`: "timeouts: json: cannot unmarshal string into Go struct field Timeouts.heartbeatHours of type int",
		`14`:                       "timeouts: json: cannot unmarshal number into Go value of type plan.Timeouts",
	} {
		if _, err := ParseTimeouts(raw); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", raw, err, want)
		}
	}
}
