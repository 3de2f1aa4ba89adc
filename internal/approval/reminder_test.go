package approval

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"postern/internal/catalog/calendar"
	"postern/internal/connection"
	"postern/internal/store"
)

func TestDue(t *testing.T) {
	t.Parallel()
	friday := time.Date(2026, 11, 20, 23, 0, 0, 0, time.UTC) // 18:00 in New York
	for name, test := range map[string]struct {
		calendar string
		hours    int
		after    time.Duration
		want     int
	}{
		"before the half":                  {calendar.Always, 48, 24*time.Hour - time.Second, 0},
		"the half":                         {calendar.Always, 48, 24 * time.Hour, 50},
		"four fifths":                      {calendar.Always, 10, 8 * time.Hour, 80},
		"all":                              {calendar.Always, 48, 48 * time.Hour, 100},
		"long past":                        {calendar.Always, 48, 480 * time.Hour, 100},
		"a weekend does not count":         {calendar.USBusiness, 48, 54 * time.Hour, 0},
		"the half, on Tuesday":             {calendar.USBusiness, 48, 78 * time.Hour, 50},
		"Thanksgiving does not count":      {calendar.USBusiness, 96, 6 * 24 * time.Hour, 80},
		"no figure":                        {calendar.Always, 0, 480 * time.Hour, 0},
		"a calendar of a later release":    {"mars", 48, 480 * time.Hour, 0},
		"no calendar, of an older release": {"", 48, 480 * time.Hour, 0},
	} {
		wait := store.Wait{Asked: friday, SLAHours: test.hours, Calendar: test.calendar}
		if got, passed := due(wait, friday.Add(test.after)); got != test.want {
			t.Errorf("%s: %d percent (%s), want %d", name, got, passed, test.want)
		}
	}
	if got, _ := due(store.Wait{Asked: friday, SLAHours: 1, Calendar: calendar.Always}, time.Time{}); got != 0 {
		t.Errorf("%d percent at an unknown time", got)
	}
}

// A reminder follows a heartbeat, due or not, which clears a wait whose execution has ended; what has changed, could not be looked at
// or is known to the operators is not reminded of.
func TestSweepReminds(t *testing.T) {
	t.Parallel()
	p := newPlace(connection.GateApproval)
	p.gates.Approval = connection.GatePlan{SLAHours: 10, Calendar: calendar.Always, To: "support@example.com", Subject: "please accept ${vpcEndpointId}",
		HeartbeatSeconds: 30 * 3600}
	p.ticket = &connection.Ticket{System: "github", ID: "example/network#42"}
	since := p.now
	if err := p.enter(since); err != nil {
		t.Fatal(err)
	}
	sweep := func(after time.Duration, want ...string) {
		t.Helper()
		p.bus.taken = nil
		p.now = since.Add(after)
		if err := p.sweep(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, entry := range p.bus.taken {
			got = append(got, *entry.DetailType)
		}
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Fatalf("after %s: said %q, want %q", after, got, want)
		}
	}
	sweep(time.Hour)
	sweep(5*time.Hour, connection.EventGateStillClosed, connection.EventGateReminder)
	sweep(5*time.Hour+time.Minute, connection.EventGateStillClosed, connection.EventGateReminder) // not claimed yet
	claim := store.Reminder{ConnectionID: connectionID, Execution: executionARN, Gate: connection.GateApproval, Percent: 50}
	if name, err := store.New(p.table, "connections").ClaimReminder(t.Context(), claim); err != nil || name == "" {
		t.Fatal(name, err)
	}
	sweep(6 * time.Hour)
	sweep(30*time.Hour, connection.EventGateStillClosed, connection.EventGateReminder)
	var r connection.GateReminder
	if err := json.Unmarshal([]byte(*p.bus.taken[1].Detail), &r); err != nil {
		t.Fatal(err)
	}
	if r.Percent != 100 || r.PassedHours != 30 || r.SLAHours != 10 || !r.Since.Equal(since) || r.Ticket != "github:example/network#42" ||
		r.To != "support@example.com" || r.Subject != "Re: please accept "+sampleEndpoint || r.Execution != executionARN ||
		!strings.Contains(r.Body, "accept our endpoint "+sampleEndpoint+" (service svc)") || !strings.Contains(r.Body, "30 have passed") {
		t.Errorf("reminder %+v", r)
	}
	p.state = connection.StatePending
	sweep(31*time.Hour, connection.EventEndpointState)
}
