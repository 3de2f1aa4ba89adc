package mail

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"postern/internal/connection"
)

// drifted is the sample of a drift, of a connection without a ticket, changed.
func drifted(t *testing.T, edit func(*connection.DriftNotice)) event {
	t.Helper()
	return sample(t, "postern.connection-drift.json", func(d *connection.DriftNotice) {
		d.Ticket = ""
		edit(d)
	})
}

// The operators are told of what is grave and of what no ticket is told.
func TestDriftMail(t *testing.T) {
	t.Parallel()
	const (
		found  = "What is found: artemis.privatelink.getmontecarlo.com is a CNAME record to elsewhere.example.com"
		byHand = "What to do: change it back, or start an execution with action repair and check"
	)
	ticket := func(d *connection.DriftNotice) { d.Ticket = "github:example/network#42" }
	severity := func(s string) func(*connection.DriftNotice) {
		return func(d *connection.DriftNotice) { d.Severity = s }
	}
	unrepaired := func(d *connection.DriftNotice) {
		d.Policy, d.Finding.Repair, d.Finding.Repairs = connection.PolicyTicket, "", nil
	}
	for name, test := range map[string]struct {
		edit func(*connection.DriftNotice)
		says []string // nil: no mail
	}{
		"opened, and repaired": {func(*connection.DriftNotice) {}, []string{"Postern drift: monte-carlo/agents-prod: record (critical)",
			"is not as it was verified.", found, "Since: 2026-11-23T15:10:11Z", "assumed-role/admin/somebody (ChangeResourceRecordSets)",
			"What happens next: a repair was started, https://console.aws.amazon.com/states/", "Endpoint: vpce-0f1e2d3c4b5a69788"}},
		"opened":                          {unrepaired, []string{found, byHand, "docs/operate.md#drift"}},
		"changed by an unknown principal": {func(d *connection.DriftNotice) { d.Finding.By = "" }, []string{"Changed by, as CloudTrail says: unknown"}},
		"closed":                          {func(d *connection.DriftNotice) { d.Status = connection.DriftClosed }, []string{"Postern drift is over: monte-carlo/agents-prod", "What to do: nothing."}},
		"flapping":                        {func(d *connection.DriftNotice) { d.Status = connection.DriftFlapping }, []string{"Postern drift comes back: ", "was repaired 1 times within a day and is not repaired any more", "or the repairs fail", "read how the last repair ended, https://console.aws.amazon.com/states/"}},
		"for hands": {func(d *connection.DriftNotice) {
			unrepaired(d)
			d.Policy, d.Finding.ForHands = connection.PolicyRepair, true
		}, []string{"What to do: fix it manually: no repair is started"}},
		"high":                            {severity(connection.SeverityHigh), []string{"(high)"}},
		"medium":                          {severity(connection.SeverityMedium), nil},
		"low":                             {severity(connection.SeverityLow), nil},
		"a ticket is told":                {ticket, nil},
		"closed, on a ticket":             {func(d *connection.DriftNotice) { ticket(d); d.Status = connection.DriftClosed }, nil},
		"a ticket is not told of reports": {func(d *connection.DriftNotice) { ticket(d); d.Policy = connection.PolicyReport }, []string{found}},
		"a report":                        {func(d *connection.DriftNotice) { d.Policy = connection.PolicyReport }, []string{found}},
		"could not be checked":            {func(d *connection.DriftNotice) { d.Finding.Result = connection.DriftUnknown }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s topic
			result, err := newNotifier(&claims{}, &s, io.Discard).Notify(t.Context(), drifted(t, test.edit))
			if err != nil || result.Sent != (test.says != nil) || (len(s.mails) == 1) != result.Sent {
				t.Fatalf("%+v, %v, %d mails", result, err, len(s.mails))
			}
			if !result.Sent {
				return
			}
			mail := s.mails[0]["Subject"] + "\n" + s.mails[0]["Message"]
			for _, want := range test.says {
				if !strings.Contains(mail, want) {
					t.Errorf("the mail lacks %q:\n%s", want, mail)
				}
			}
		})
	}
}

// AWS: a subject is ASCII, of at most 100 characters, on one line.
func TestDriftMailOfALongName(t *testing.T) {
	t.Parallel()
	var s topic
	e := drifted(t, func(d *connection.DriftNotice) {
		d.ConnectionID = strings.Repeat("v", 40) + "/" + strings.Repeat("n", 40)
	})
	if _, err := newNotifier(&claims{}, &s, io.Discard).Notify(t.Context(), e); err != nil || len(s.mails[0]["Subject"]) > 100 {
		t.Errorf("%v, %q", err, s.mails)
	}
}

// What may not be out is mailed again, and what says too little is refused.
func TestDriftMailFails(t *testing.T) {
	t.Parallel()
	s := topic{answers: []func() (*http.Response, error){refused(500, "InternalError")}}
	n := newNotifier(&claims{}, &s, io.Discard)
	e := drifted(t, func(*connection.DriftNotice) {})
	if result, err := n.Notify(t.Context(), e); err == nil || result.Sent || !strings.Contains(err.Error(), "monte-carlo/agents-prod") {
		t.Errorf("%+v, %v", result, err)
	}
	if result, err := n.Notify(t.Context(), e); err != nil || !result.Sent || len(s.mails) != 1 {
		t.Errorf("%+v, %v, %d mails", result, err, len(s.mails))
	}
	for name, edit := range map[string]func(*connection.DriftNotice){
		"no connection": func(d *connection.DriftNotice) { d.ConnectionID = "" },
		"no check":      func(d *connection.DriftNotice) { d.Finding.Check = "" },
	} {
		if _, err := n.Notify(t.Context(), drifted(t, edit)); connection.NameOf(err) != connection.Internal || len(s.mails) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
