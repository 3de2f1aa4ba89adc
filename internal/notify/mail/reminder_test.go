package mail

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"postern/internal/connection"
)

func reminded(t *testing.T, percent int) event {
	t.Helper()
	return sample(t, "postern.gate-reminder.json", func(r *connection.GateReminder) { r.Percent = percent })
}

func TestReminderMail(t *testing.T) {
	t.Parallel()
	for percent, wants := range map[int][]string{
		50:  {"Postern reminder: monte-carlo/agents-prod: 24 of the vendor's 48 business hours have passed", "remind the vendor"},
		80:  {"Postern reminder: ", "remind the vendor", "past 80 percent"},
		100: {"Postern escalation: ", "escalate", "your account manager"},
	} {
		var s topic
		result, err := newNotifier(&claims{}, &s, io.Discard).Notify(t.Context(), reminded(t, percent))
		if err != nil || !result.Sent || len(s.mails) != 1 {
			t.Fatalf("%+v, %v, %d mails", result, err, len(s.mails))
		}
		mail := s.mails[0]["Subject"] + "\n" + s.mails[0]["Message"]
		wants = append(wants, "To: support@example.com", "Subject: Re: PrivateLink endpoint", "since 2026-11-23T14:00:00Z",
			"Ticket: github:example/network#42", "https://console.aws.amazon.com/states/")
		for _, want := range wants {
			if !strings.Contains(mail, want) {
				t.Errorf("%d percent: the mail lacks %q:\n%s", percent, want, mail)
			}
		}
	}
}

// TestRemindOnce: as with the first text, a lost answer must not mail twice, a refusal must not lose the mail.
func TestRemindOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers       []func() (*http.Response, error)
		errors, mails int
	}{
		"duplicates":           {nil, 0, 1},
		"throttled, then sent": {[]func() (*http.Response, error){refused(400, "Throttled")}, 1, 1},
		"the answer lost":      {[]func() (*http.Response, error){lost}, 1, 1},
	} {
		s := topic{answers: test.answers}
		n := newNotifier(&claims{}, &s, io.Discard)
		failed := 0
		for range 3 {
			if _, err := n.Notify(t.Context(), reminded(t, 50)); err != nil {
				failed++
			}
		}
		if failed != test.errors || len(s.mails) != test.mails {
			t.Errorf("%s: %d errors, %d mails; want %d, %d", name, failed, len(s.mails), test.errors, test.mails)
		}
	}
}

func TestReminderThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, detail := range []string{
		`[]`, `{}`, `{"connectionId":"v/n","execution":"arn:1","gate":"approval"}`,
		`{"connectionId":"v/n","execution":"arn:1","gate":"approval","percent":101}`,
		`{"connectionId":"v/n","execution":"arn:1","gate":"garden","percent":50}`,
	} {
		e := event{connection.EventSource, connection.EventGateReminder, json.RawMessage(detail)}
		var s topic
		if _, err := newNotifier(&claims{}, &s, io.Discard).Notify(t.Context(), e); connection.NameOf(err) != connection.Internal || s.tries > 0 {
			t.Errorf("%s: %v, %d tries", detail, err, s.tries)
		}
	}
}
