package ticket

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"postern/events"
	"postern/internal/connection"
)

// Whatever event comes, it has something to tell about a connection, or nothing, or it is an Internal error; what it tells can be
// written in every system's way.
func FuzzTell(f *testing.F) {
	for _, name := range events.Names() {
		if strings.HasPrefix(name, "postern.") {
			f.Add(events.Read(name))
		}
	}
	for _, status := range []string{"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE", ""} {
		f.Add([]byte(`{"source":"aws.states","detail-type":"Step Functions Execution Status Change","detail":{"executionArn":"arn:aws:states:us-east-1:111122223333:execution:postern:x","status":"` + status +
			`","input":"{\"vendor\":\"v\",\"name\":\"n\",\"ticket\":{\"system\":\"github\",\"id\":\"o/r#1\"}}","output":"{\"plan\":{\"connectionId\":\"v/n\"}}"}}`))
	}
	f.Add([]byte(`{"source":"aws.states","detail-type":"Step Functions Execution Status Change","detail":{"input":"[]","output":"null"}}`))
	f.Add([]byte(`{"source":"postern","detail-type":"VPC Endpoint State Change","detail":{"state":"Available","gate":"approval"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var e Event
		if json.Unmarshal(raw, &e) != nil {
			return
		}
		n, err := tell(e)
		if err != nil {
			if connection.NameOf(err) != connection.Internal {
				t.Errorf("the error is %v", err)
			}
			return
		}
		if n != nil && (n.connectionID == "" || n.comment.State == "" || n.comment.Head == "") {
			t.Errorf("it tells %+v", n)
		}
	})
}

// Settings that pass lead to a host by https, and to no address.
func FuzzParseSettings(f *testing.F) {
	for _, seed := range []string{
		`{"github":{"account":"example"}}`, `{"jira":{"baseUrl":"https://example.atlassian.net"}}`, `{"servicenow":{"baseUrl":"https://a.b","table":"t"}}`,
		`{"jira":{"baseUrl":"https://127.0.0.1"}}`, `{"jira":{"baseUrl":"https://a.b@c.d/?x#y"}}`, `{"github":null}`, `null`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		settings, err := ParseSettings(raw)
		if err != nil {
			return
		}
		for system, s := range settings {
			if base := s.base("https://api.github.com"); !strings.HasPrefix(base, "https://") || strings.ContainsAny(base, "@?#") {
				t.Errorf("%s goes to %s", system, base)
			}
			if err := errors.Join(s.Check(system)); err != nil {
				t.Error(err)
			}
		}
	})
}
