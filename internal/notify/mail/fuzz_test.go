package mail

import (
	"strings"
	"testing"

	"postern/internal/connection"

	"postern/events"
)

// Whatever the detail, it is refused as Internal, or gives a mail that SNS takes: a subject of printable ASCII on one line, below 100
// characters, and a body.
//
// AWS: Publish, Subject.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"postern.gate-opened.json", "postern.gate-reminder.json", "postern.connection-offboarded.json"} {
		_, detail, _ := strings.Cut(string(events.Read(name)), `"detail":`)
		f.Add([]byte(strings.TrimSuffix(strings.TrimSpace(detail), "}")))
	}
	for _, seed := range []string{
		`{"connectionId":"v/n","execution":"x","gate":"approval","body":"b","subject":"\u202e\n`, `null`, `[]`,
		`{"connectionId":"` + strings.Repeat("é", 80) + `","execution":"e","gate":"approval","body":"b","percent":100}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, detail []byte) {
		check := func(subject, body string, err error) {
			switch {
			case err != nil:
				if connection.NameOf(err) != connection.Internal {
					t.Errorf("the error is %v", err)
				}
			case subject == "" || len(subject) >= 100 || body == "" || strings.ContainsFunc(subject, func(r rune) bool { return r < ' ' || r > '~' }):
				t.Errorf("subject %q, body %q", subject, body)
			}
		}
		if n, err := decode(detail); err != nil {
			check("", "", err)
		} else {
			check(subject(n), body(n), nil)
		}
		if r, err := decodeReminder(detail); err != nil {
			check("", "", err)
		} else {
			check(reminderSubject(r), reminderBody(r), nil)
		}
		if r, err := decodeRemoval(detail); err != nil {
			check("", "", err)
		} else {
			check(removalSubject(r), removalBody(r), nil)
		}
	})
}
