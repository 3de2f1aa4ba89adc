package rollback

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/endpoint"
)

// An adopted endpoint is released by the execution that adopted it, and no execution deletes it.
func TestRollbackHandsBack(t *testing.T) {
	t.Parallel()
	taken := func(by string) endpoint.Endpoint {
		return endpoint.Endpoint{ID: "vpce-1", State: connection.StateAvailable, Tags: connection.AdoptionTags(id, by)}
	}
	const back = "Release vpce-1 topic"
	line := "endpoint vpce-1 handed back: it was created manually, and Postern's tags are removed"
	tests := map[string]struct {
		state     string // that failed
		endpoints []endpoint.Endpoint
		fail      map[string]error
		handed    bool
		undone    bool
		left      string // the endpoint that the record keeps
		dirty     bool
		retries   int
	}{
		"rejected":                        {state: stateAwaitApproval, endpoints: []endpoint.Endpoint{taken(execution)}, handed: true, undone: true},
		"EnsureEndpoint could not say":    {state: stateEnsureEndpoint, endpoints: []endpoint.Endpoint{taken(execution)}, handed: true, undone: true},
		"EnsureEndpoint did nothing":      {state: stateEnsureEndpoint, endpoints: []endpoint.Endpoint{{ID: "vpce-1", State: connection.StateAvailable}}},
		"handed back by an earlier try":   {state: stateAwaitApproval, endpoints: []endpoint.Endpoint{{ID: "vpce-1", State: connection.StateAvailable}}, handed: true, undone: true, retries: 1},
		"its tags were removed by others": {state: stateAwaitApproval, endpoints: []endpoint.Endpoint{{ID: "vpce-1", State: connection.StateAvailable}}},
		"deleted manually":                {state: stateAwaitApproval},
		"taken over by an earlier run":    {state: stateAwaitApproval, endpoints: []endpoint.Endpoint{taken("arn:earlier")}, left: "vpce-1"},
		"lost, and of an earlier run":     {state: stateEnsureEndpoint, endpoints: []endpoint.Endpoint{taken("arn:earlier")}},
		"it cannot be":                    {state: stateAwaitApproval, endpoints: []endpoint.Endpoint{taken(execution)}, fail: map[string]error{back: errors.New("no")}, handed: true, left: "vpce-1", dirty: true},
		"it cannot even be looked at":     {state: stateEnsureEndpoint, endpoints: []endpoint.Endpoint{taken(execution)}, fail: map[string]error{"Describe": errors.New("no")}, dirty: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{endpoints: test.endpoints, fail: test.fail}
			in := reached(test.state, connection.EndpointRejected, "no")
			in.State.Plan.HandMade, in.State.Plan.AdoptEndpointID = true, "vpce-1"
			in.Retries = test.retries
			if e := in.State.Endpoint; e != nil {
				e.Created, e.Adopted = false, true
			}
			outcome, err := w.roll(t, in)
			if err != nil || outcome.Clean == test.dirty {
				t.Fatalf("%+v, %v", outcome, err)
			}
			if got := slices.Contains(w.calls, back); got != test.handed {
				t.Errorf("handed back %v: %q", got, w.calls)
			}
			if got := slices.Contains(outcome.Undone, line); got != test.undone {
				t.Errorf("undone %q", outcome.Undone)
			}
			if slices.ContainsFunc(w.calls, func(call string) bool { return call == "Remove vpce-1" }) {
				t.Errorf("calls %q", w.calls)
			}
			if diff := cmp.Diff(test.left, w.finished[0].EndpointID); diff != "" {
				t.Errorf("the record's endpoint: %s", diff)
			}
		})
	}
}

// Names that were created manually are not undone.
func TestRollbackLeavesKeptNames(t *testing.T) {
	t.Parallel()
	w := &world{endpoints: []endpoint.Endpoint{{ID: "vpce-1", State: connection.StateAvailable, Tags: connection.AdoptionTags(id, execution)}}}
	in := reached(stateConfigureDNS, connection.Unavailable, "no")
	in.State.Plan.DNS.Kept, in.State.Endpoint.Created, in.State.Endpoint.Adopted = &connection.KeptDNS{ZoneID: "Z9"}, false, true
	if outcome, err := w.roll(t, in); err != nil || !outcome.Clean || slices.ContainsFunc(w.calls, func(call string) bool { return call[:4] == "dns." }) {
		t.Errorf("%+v, %v, %q", outcome, err, w.calls)
	}
}
