package mail

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"postern/internal/connection"
)

func orphaned(t *testing.T, edit func(*connection.OrphanNotice)) event {
	t.Helper()
	return sample(t, "postern.orphan-found.json", edit)
}

func TestOrphanMail(t *testing.T) {
	t.Parallel()
	for kind, wants := range map[connection.OrphanKind][]string{
		connection.OrphanStopped: {"Postern orphan, $15.10 a month: stopped-execution: monte-carlo/agents-prod", "still holds the connection"},
		connection.OrphanUnknown: {"no such connection"},
		connection.OrphanSecond:  {"an endpoint that it does not use"},
		connection.OrphanOverdue: {"longer than it should"},
	} {
		var s topic
		result, err := newNotifier(&claims{}, &s, io.Discard).Notify(t.Context(), orphaned(t, func(o *connection.OrphanNotice) { o.Kind = kind }))
		if err != nil || !result.Sent || len(s.mails) != 1 {
			t.Fatalf("%s: %+v, %v, %d mails", kind, result, err, len(s.mails))
		}
		mail := s.mails[0]["Subject"] + "\n" + s.mails[0]["Message"]
		for _, want := range append(wants, `{"schemaVersion":1,"action":"offboard","vendor":"monte-carlo","name":"agents-prod"}`,
			"VPC endpoint vpce-0123456789abcdef0, account 111122223333, us-east-1, vpc-0a1b2c3d4e5f60718, pendingacceptance, made 2026-",
			"hosted zone Z0123456789ABCDEFGHIJ, account 111122223333\n", "Cost: $15.10 a month: 2 zones", "Since: 2026-11-23T10:30:00Z",
			"Ticket: github:example/network#42", "https://console.aws.amazon.com/states/", "nothing is deleted by itself") {
			if !strings.Contains(mail, want) {
				t.Errorf("%s: the mail lacks %q:\n%s", kind, want, mail)
			}
		}
	}
}

// An orphan is mailed once while it lasts, whatever more is known of it; another one of the same connection is mailed too.
func TestOrphanMailOnce(t *testing.T) {
	t.Parallel()
	var s topic
	n := newNotifier(&claims{}, &s, io.Discard)
	for i, test := range []struct {
		edit func(*connection.OrphanNotice)
		sent bool
	}{
		{func(*connection.OrphanNotice) {}, true},
		{func(o *connection.OrphanNotice) { o.Things = o.Things[:1] }, false},
		{func(o *connection.OrphanNotice) { o.Digest = "another" }, true},
		{func(o *connection.OrphanNotice) { o.Kind = connection.OrphanSecond }, true},
		{func(o *connection.OrphanNotice) { o.Things, o.Request, o.Cost = nil, nil, connection.Cost{} }, false},
	} {
		if result, err := n.Notify(t.Context(), orphaned(t, test.edit)); err != nil || result.Sent != test.sent {
			t.Errorf("%d: %+v, %v", i, result, err)
		}
	}
}

// A mail that AWS refused is sent by the retry; one that may be out is not sent again.
func TestOrphanMailFails(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func() (*http.Response, error){"refused": refused(500, "InternalError"), "no answer came": lost} {
		s := topic{answers: []func() (*http.Response, error){answer}}
		n := newNotifier(&claims{}, &s, io.Discard)
		e := orphaned(t, func(*connection.OrphanNotice) {})
		if result, err := n.Notify(t.Context(), e); err == nil || result.Sent {
			t.Errorf("%s: %+v, %v", name, result, err)
		}
		if _, err := n.Notify(t.Context(), e); err != nil || len(s.mails) != 1 {
			t.Errorf("%s: %v, %d mails", name, err, len(s.mails))
		}
	}
}

func TestOrphanMailRefuses(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*connection.OrphanNotice){
		"no connection": func(o *connection.OrphanNotice) { o.ConnectionID = "" },
		"no digest":     func(o *connection.OrphanNotice) { o.Digest = "" },
		"nothing to do": func(o *connection.OrphanNotice) { o.Next = "" },
		"another kind":  func(o *connection.OrphanNotice) { o.Kind = "lost" },
	} {
		var s topic
		if _, err := newNotifier(&claims{}, &s, io.Discard).Notify(t.Context(), orphaned(t, edit)); connection.NameOf(err) != connection.Internal ||
			len(s.mails) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
