package rollback

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/endpoint"
)

// The group goes after the endpoint that carries it, and only when this execution made it.
func TestRollbackOfASecurityGroup(t *testing.T) {
	t.Parallel()
	group := func(execution string) endpoint.SecurityGroup {
		return endpoint.SecurityGroup{ID: "sg-1", Tags: connection.Tags(id, execution)}
	}
	inUse := connection.Errorf(connection.RollbackPending, "security group sg-1 is still in use")
	tests := map[string]struct {
		state     string
		group     endpoint.SecurityGroup
		endpoints []endpoint.Endpoint
		fail      map[string]error
		removed   bool
		name      string // of the error
		left      []string
	}{
		"made, endpoint gone":            {state: stateAwaitApproval, group: group(execution), removed: true},
		"made, endpoint not gone yet":    {state: stateAwaitApproval, group: group(execution), endpoints: []endpoint.Endpoint{mine("vpce-1", connection.StateRejected)}, name: connection.RollbackPending},
		"made, and no endpoint after it": {state: stateEnsureEndpoint, group: group(execution), removed: true},
		"made by an earlier execution":   {state: stateAwaitApproval, group: group("arn:earlier")},
		"none":                           {state: stateAwaitApproval},
		"interfaces linger":              {state: stateAwaitApproval, group: group(execution), fail: map[string]error{"RemoveGroup": inUse}, removed: true, name: connection.RollbackPending},
		"refused":                        {state: stateAwaitApproval, group: group(execution), fail: map[string]error{"RemoveGroup": errors.New("no")}, removed: true, left: []string{"security group sg-1: no"}},
		"before anything could be made":  {state: stateAwaitAllowlisting, group: group(execution)},
		"the endpoint that uses it is left": {state: stateAwaitApproval, group: group(execution), endpoints: []endpoint.Endpoint{theirs("vpce-1", connection.StateAvailable)}, fail: map[string]error{"RemoveGroup": inUse}, removed: true,
			left: []string{"security group sg-1: endpoint vpce-1, which stays, may use it: security group sg-1 is still in use", "endpoint vpce-1: its tags no longer say that it belongs to this execution"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{group: test.group, endpoints: test.endpoints, fail: test.fail}
			in := reached(test.state, connection.EndpointRejected, "no")
			in.State.Plan.SecurityGroup = &connection.SecurityGroupPlan{Name: "postern:" + id}
			outcome, err := w.roll(t, in)
			if connection.NameOf(err) != test.name {
				t.Fatalf("%v, want %s", err, test.name)
			}
			if got := slices.Contains(w.calls, "RemoveGroup sg-1"); got != test.removed {
				t.Errorf("removed: %v\n%q", got, w.calls)
			}
			if err == nil && !cmp.Equal(outcome.Left, append([]string{}, test.left...)) {
				t.Errorf("left: %q", outcome.Left)
			}
		})
	}
}
