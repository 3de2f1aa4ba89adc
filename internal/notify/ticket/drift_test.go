package ticket

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"postern/events"
	"postern/internal/connection"
)

// drifting is the sample of a drift, changed.
func drifting(t *testing.T, change func(*connection.DriftNotice)) Event {
	t.Helper()
	var e Event
	if err := json.Unmarshal(events.Read("postern.connection-drift.json"), &e); err != nil {
		t.Fatal(err)
	}
	var n connection.DriftNotice
	if err := json.Unmarshal(e.Detail, &n); err != nil {
		t.Fatal(err)
	}
	change(&n)
	var err error
	if e.Detail, err = json.Marshal(n); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestWhatADriftTells(t *testing.T) {
	t.Parallel()
	const (
		found  = "What is found: artemis.privatelink.getmontecarlo.com is a CNAME record to elsewhere.example.com"
		by     = "Changed by, as CloudTrail says: arn:aws:sts::111122223333:assumed-role/admin/somebody (ChangeResourceRecordSets)"
		link   = "https://console.aws.amazon.com/states/"
		waits  = "a repair was started; this ticket is told when the next check finds it in order"
		byHand = "change it back, or start an execution with action repair and check record"
	)
	ofItsOwn := func(n *connection.DriftNotice) {
		n.Policy, n.Finding.Repair, n.Finding.Repairs = connection.PolicyTicket, "", nil
	}
	for name, test := range map[string]struct {
		change func(*connection.DriftNotice)
		want   string // state of the comment, "" for nothing to tell
		says   []string
		not    []string
	}{
		"opened, and repaired": {func(*connection.DriftNotice) {}, "drift",
			[]string{"The connection has drifted: record (critical)", "monte-carlo/agents-prod", "vpce-0f1e2d3c4b5a69788", found, by, waits,
				"the zone's records lead to the endpoint, with their TTL", "Since: 2026-11-23T15:10:11Z", link}, []string{byHand}},
		"opened":                          {ofItsOwn, "drift", []string{found, by, byHand}, []string{link, "repair was started"}},
		"opened, by an unknown principal": {func(n *connection.DriftNotice) { n.Finding.By = "" }, "drift", []string{found}, []string{"Changed by"}},
		"flapping": {func(n *connection.DriftNotice) { n.Status, n.Finding.Flapping = connection.DriftFlapping, true }, "drift-flapping",
			[]string{"it is not repaired any more", found, by, link, "a day after the first of the three repairs"}, []string{waits}},
		"for hands": {func(n *connection.DriftNotice) {
			ofItsOwn(n)
			n.Policy, n.Finding.ForHands = connection.PolicyRepair, true
		}, "drift", []string{found, "fix it manually: no repair is started"}, []string{link, waits}},
		"closed": {func(n *connection.DriftNotice) { n.Status = connection.DriftClosed }, "drift-closed",
			[]string{"Drift is over: record is as it was verified", "Nothing is left to do", link}, []string{found, by, waits}},
		"closed by a manual change": {func(n *connection.DriftNotice) { ofItsOwn(n); n.Status = connection.DriftClosed }, "drift-closed",
			[]string{"Drift is over"}, []string{link}},
		"to be reported only":         {func(n *connection.DriftNotice) { n.Policy = connection.PolicyReport }, "", nil, nil},
		"closed, to be reported only": {func(n *connection.DriftNotice) { n.Policy, n.Status = connection.PolicyReport, connection.DriftClosed }, "", nil, nil},
		"could not be checked":        {func(n *connection.DriftNotice) { n.Finding.Result = connection.DriftUnknown }, "", nil, nil},
		"could not be checked, and is now in order": {func(n *connection.DriftNotice) {
			n.Finding.Result, n.Status = connection.DriftUnknown, connection.DriftClosed
		}, "", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := tell(drifting(t, test.change))
			if err != nil || (n == nil) != (test.want == "") {
				t.Fatalf("told %+v, %v", n, err)
			}
			if n == nil {
				return
			}
			if n.comment.State != test.want || n.connectionID != "monte-carlo/agents-prod" || n.ticket.Key() != "github:example/network#42" {
				t.Errorf("told %+v", n)
			}
			text := n.comment.Text()
			for _, block := range n.comment.Blocks {
				text += block.Link
			}
			for _, want := range test.says {
				if !strings.Contains(text, want) {
					t.Errorf("lacks %q:\n%s", want, text)
				}
			}
			for _, never := range test.not {
				if strings.Contains(text, never) {
					t.Errorf("has %q:\n%s", never, text)
				}
			}
		})
	}
	n, err := tell(drifting(t, func(n *connection.DriftNotice) { n.Ticket = "" }))
	if err != nil || n == nil || n.ticket != nil {
		t.Errorf("the operators' drift is told to a ticket: %+v, %v", n, err)
	}
}

// A finding is told once while it lasts, whatever more is known of it; another one of the same check is told too.
func TestADriftIsOneCommentWhileItLasts(t *testing.T) {
	t.Parallel()
	of := func(change func(*connection.DriftNotice)) string {
		n, err := tell(drifting(t, change))
		if err != nil || n == nil {
			t.Fatalf("%+v, %v", n, err)
		}
		return Reference(append([]string{n.comment.State}, n.scope...)...)
	}
	first := of(func(*connection.DriftNotice) {})
	for name, change := range map[string]func(*connection.DriftNotice){
		"seen again": func(n *connection.DriftNotice) {
			n.Finding.At, n.ObservedAt = n.ObservedAt.Add(time.Hour), n.ObservedAt.Add(time.Hour)
		},
		"worse":                func(n *connection.DriftNotice) { n.Finding.Detail = "the zone has no record of that name" },
		"repaired again":       func(n *connection.DriftNotice) { n.Finding.Repair += "2" },
		"in another time zone": func(n *connection.DriftNotice) { n.Finding.Since = n.Finding.Since.In(time.FixedZone("", 3600)) },
	} {
		if again := of(change); again != first {
			t.Errorf("%s: told again", name)
		}
	}
	for name, change := range map[string]func(*connection.DriftNotice){
		"later":         func(n *connection.DriftNotice) { n.Finding.Since = n.Finding.Since.Add(time.Hour) },
		"another check": func(n *connection.DriftNotice) { n.Finding.Check = connection.CheckZone },
		"closed":        func(n *connection.DriftNotice) { n.Status = connection.DriftClosed },
		"flapping":      func(n *connection.DriftNotice) { n.Status = connection.DriftFlapping },
	} {
		if other := of(change); other == first {
			t.Errorf("%s: not told", name)
		}
	}
}
