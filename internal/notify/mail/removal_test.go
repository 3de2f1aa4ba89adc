package mail

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"postern/events"
	"postern/internal/connection"
)

func offboarded(t *testing.T, edit func(*connection.RemovalReport)) event {
	t.Helper()
	var e event
	if err := json.Unmarshal(events.Read("postern.connection-offboarded.json"), &e); err != nil {
		t.Fatal(err)
	}
	var r connection.RemovalReport
	if err := json.Unmarshal(e.Detail, &r); err != nil {
		t.Fatal(err)
	}
	edit(&r)
	e.Detail, _ = json.Marshal(r)
	return e
}

func TestRemovalMail(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit  func(*connection.RemovalReport)
		wants []string
		never string
	}{
		"the sample": {func(*connection.RemovalReport) {}, []string{
			"Postern: monte-carlo/agents-prod is removed: tell the vendor", "send the message below to support@example.com",
			"---------- message to the vendor ----------\nTo: support@example.com\nSubject: AWS PrivateLink: endpoint vpce-0f1e2d3c4b5a69788 is deleted",
			"VPC endpoint ID: vpce-0f1e2d3c4b5a69788", "Removed:\n- parameter /postern/monte-carlo/agents-prod/config.yaml\n- hosted zone ",
			"Kept:\n- parameter /postern/monte-carlo/agents-prod/extra: ", "Removed at: 2026-12-01T09:30:00Z", "Ticket: github:example/network#42",
			"https://console.aws.amazon.com/states/",
		}, "vendor's support"},
		"no recipient, nothing kept, no ticket": {func(r *connection.RemovalReport) { r.To, r.Kept, r.Ticket = "", nil, "" },
			[]string{"send the message below to the vendor's support"}, "Kept:"},
	} {
		var s topic
		result, err := newNotifier(&claims{}, &s, io.Discard).Notify(t.Context(), offboarded(t, test.edit))
		if err != nil || !result.Sent || len(s.mails) != 1 {
			t.Fatalf("%s: %+v, %v, %d mails", name, result, err, len(s.mails))
		}
		mail := s.mails[0]["Subject"] + "\n" + s.mails[0]["Message"]
		for _, want := range test.wants {
			if !strings.Contains(mail, want) {
				t.Errorf("%s: the mail lacks %q:\n%s", name, want, mail)
			}
		}
		if strings.Contains(mail, test.never) {
			t.Errorf("%s: the mail has %q:\n%s", name, test.never, mail)
		}
	}
}

// Once for each offboarding: a repetition of the event mails nothing, the next offboarding of the connection does.
func TestRemovalMailOnce(t *testing.T) {
	t.Parallel()
	var s topic
	n := newNotifier(&claims{}, &s, io.Discard)
	for i, test := range []struct {
		edit func(*connection.RemovalReport)
		sent bool
	}{
		{func(*connection.RemovalReport) {}, true},
		{func(r *connection.RemovalReport) { r.Removed = r.Removed[:1] }, false},
		{func(r *connection.RemovalReport) { r.Execution += "-2" }, true},
	} {
		if result, err := n.Notify(t.Context(), offboarded(t, test.edit)); err != nil || result.Sent != test.sent {
			t.Errorf("%d: %+v, %v", i, result, err)
		}
	}
}

// A mail that AWS refused is sent by the retry; one that may be out is not sent again.
func TestRemovalMailFails(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func() (*http.Response, error){"refused": refused(500, "InternalError"), "no answer came": lost} {
		s := topic{answers: []func() (*http.Response, error){answer}}
		n := newNotifier(&claims{}, &s, io.Discard)
		e := offboarded(t, func(*connection.RemovalReport) {})
		if result, err := n.Notify(t.Context(), e); err == nil || result.Sent {
			t.Errorf("%s: %+v, %v", name, result, err)
		}
		if _, err := n.Notify(t.Context(), e); err != nil || len(s.mails) != 1 {
			t.Errorf("%s: %v, %d mails", name, err, len(s.mails))
		}
	}
}

func TestRemovalMailRefuses(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*connection.RemovalReport){
		"no connection":  func(r *connection.RemovalReport) { r.ConnectionID = "" },
		"no execution":   func(r *connection.RemovalReport) { r.Execution = "" },
		"nothing to say": func(r *connection.RemovalReport) { r.Body = "" },
	} {
		var s topic
		if _, err := newNotifier(&claims{}, &s, io.Discard).Notify(t.Context(), offboarded(t, edit)); connection.NameOf(err) != connection.Internal ||
			len(s.mails) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
