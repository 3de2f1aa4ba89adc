package proof_test

import (
	"encoding/json"
	"testing"
	"time"

	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/local"
)

// drifts returns what the drift check has said so far: status, check and result of each.
func drifts(t *testing.T, c *local.Cloud) []string {
	t.Helper()
	said := []string{}
	for _, emitted := range c.Events.Events() {
		e := emitted.Event
		if e.DetailType != connection.EventDrift {
			continue
		}
		var notice connection.DriftNotice
		if err := json.Unmarshal(e.Detail, &notice); err != nil {
			t.Fatal(err)
		}
		said = append(said, notice.Status+" "+string(notice.Finding.Check)+" "+string(notice.Finding.Result))
	}
	return said
}

// linked returns a cloud with one onboarded connection, looked at by the drift check for a day without a finding.
func linked(t *testing.T, sample string) *local.Cloud {
	t.Helper()
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	onboard(t, c, sample)
	if err := c.Advance(26 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if said := drifts(t, c); len(said) > 0 {
		t.Fatalf("found drift, although nothing was changed: %q", said)
	}
	return c
}

// reject makes the vendor reject every endpoint of ours.
func reject(t *testing.T, c *local.Cloud) {
	t.Helper()
	for _, e := range c.World.Endpoints() {
		if err := c.World.Vendor(e.ServiceName).Reject(e.ID, "the contract ended"); err != nil {
			t.Fatal(err)
		}
	}
}
