package drift

import (
	"bytes"
	"slices"
	"testing"

	"postern/events"
	"postern/internal/connection"
	"postern/internal/store"
)

// For any event, the check looks only at connections that no execution holds: at all of them by the schedule, and by a change at those
// that it names.
func FuzzWake(f *testing.F) {
	for _, name := range []string{"schedule.sweep.json", "cloudtrail.create.json", "cloudtrail.modify.json", "cloudtrail.delete.json"} {
		f.Add(events.Read(name), "vpce-0f1e2d3c4b5a69788")
	}
	for _, seed := range []string{
		`{"source":"aws.ssm","detail-type":"Parameter Store Change","time":"2026-11-02T14:00:00Z","detail":{"name":"/postern/x"}}`,
		`{"source":"aws.ssm","detail-type":"Parameter Store Change","detail":null}`, `{"time":"yesterday"}`, `null`, `[]`, `{}`,
	} {
		f.Add([]byte(seed), "/postern/x")
		f.Add([]byte(seed), "")
	}
	f.Fuzz(func(t *testing.T, raw []byte, id string) {
		w := decodeWake(raw, Config{}.ours)
		if (w.by == "") != (w.note != "") {
			t.Fatalf("woken by %q, note %q", w.by, w.note)
		}
		if w.by == "" {
			return
		}
		links := []store.Link{
			{ConnectionID: "v/free", Expects: connection.Expectation{EndpointID: id}},
			{ConnectionID: "v/held", Holder: "arn:1", Expects: connection.Expectation{EndpointID: id}},
		}
		named := id != "" && bytes.Contains(raw, []byte(`"`+id+`"`))
		for _, link := range w.concerned(slices.Clone(links)) {
			if link.Holder != "" || w.by == byChange && w.wide == nil && !named {
				t.Errorf("%s by %s is looked at", link.ConnectionID, w.by)
			}
		}
		if turns := w.turns(slices.Clone(links)); w.by == byChange && w.wide == nil && len(turns) != len(links) {
			t.Errorf("%d of %d are looked at deeply", len(turns), len(links))
		}
	})
}
