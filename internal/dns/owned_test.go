package dns

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/awserr"
)

// Every zone that Postern made is found on whichever page, and none of anybody else's, whatever its reference looks like.
func TestManaged(t *testing.T) {
	t.Parallel()
	const id = "monte-carlo/agents-prod"
	ours := string(newReference(id, "arn:1", "a.example", "vpc-1"))
	fake := &fakeRoute53{pageSize: 1, zones: []*fakeZone{
		{id: "Z1", name: "a.example", reference: ours},
		{id: "Z2", name: "b.example", reference: "made by hand"},
		{id: "Z3", name: "c.example", reference: "postern:half"},
		{id: "Z4", name: "d.example", reference: string(newReference(id, "arn:2", "d.example", "vpc-2"))},
		{id: "Z5", name: "e.example", reference: string(newReference("snowflake/x", "arn:3", "e.example", "vpc-1"))},
	}}
	want := map[string][]Zone{
		id: {{ID: "Z1", Name: "a.example"}, {ID: "Z4", Name: "d.example"}}, "snowflake/x": {{ID: "Z5", Name: "e.example"}},
	}
	got, err := New(fake).Managed(t.Context())
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	fake.refuse = map[string][]error{"ListHostedZonesByName": {nil, code("Throttling")}}
	if got, err := New(fake).Managed(t.Context()); !awserr.IsThrottled(err) || got != nil {
		t.Errorf("a page that is missing: %v, %v", got, err)
	}
}
