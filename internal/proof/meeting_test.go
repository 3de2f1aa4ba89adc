package proof_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/local/dynamodb"
	"postern/internal/local/states"
)

// Two requests for one thing run at once: the second starts when the first is in a given state. The execution that is later or slower
// is refused, leaves nothing behind, and its error names what blocks it.
func TestMeetings(t *testing.T) {
	t.Parallel()
	const prod, other = "monte-carlo/agents-prod", "monte-carlo/agents-other"
	named := func(t *testing.T, name string, request []byte) []byte {
		t.Helper()
		var fields map[string]any
		must(t, json.Unmarshal(request, &fields))
		fields["name"] = name
		raw, err := json.Marshal(fields)
		must(t, err)
		return raw
	}
	adopts := func(t *testing.T, r *race) []byte { return named(t, "agents-other", r.request) }
	onboards := func(t *testing.T, _ *race) []byte {
		return named(t, "agents-other", change(t, func(map[string]any) {}))
	}
	// The endpoint was created manually after the first execution planned.
	adoptsNew := func(t *testing.T, r *race) []byte {
		return named(t, "agents-other", change(t, adopting(handMade(t, r.Cloud, nil))))
	}
	asks := func(tale string) func(*testing.T, *race) []byte {
		return func(t *testing.T, _ *race) []byte { return tales(t)[tale].input }
	}
	refused := func(until ...string) []string { return slices.Concat(until, failedClean) }
	planned := refused("Plan")
	for name, test := range map[string]struct {
		tale, state string // of the first
		second      func(*testing.T, *race) []byte
		first, then []string // their paths
		error, told string   // of the one that lost, "" when none did
		owner       string   // of the endpoint, "" when none is left
	}{
		"two adoptions at once": {tale: "adopt", state: "Plan", second: adopts, first: adopted,
			then: refused("Plan", "ServiceVisible", "EnsureEndpoint"), error: connection.Conflict, told: "belongs to the connection " + prod, owner: prod},
		"an adoption during an adoption": {tale: "adopt", state: "AwaitApproval", second: adopts, first: adopted, then: planned,
			error: connection.InvalidRequest, told: "belongs to the connection " + prod, owner: prod},
		"an adoption and an onboarding at once": {tale: "adopt", state: "Plan", second: onboards, first: adopted, then: planned,
			error: connection.InvalidRequest, told: `write "adoptEndpointId"`, owner: prod},
		"an onboarding during an adoption": {tale: "adopt", state: "AwaitApproval", second: onboards, first: adopted, then: planned,
			error: connection.InvalidRequest, told: "belongs to the connection " + prod, owner: prod},
		"two onboardings for one service at once": {tale: "onboard", state: "Plan", second: onboards,
			first: refused(untilApproval[:6]...), then: slices.Concat(untilApproval, afterApproval), error: connection.Conflict,
			told: "of connection " + other + " reaches", owner: other},
		"an adoption while an onboarding waits to be allow-listed": {tale: "onboard", state: "AwaitAllowlisting", second: adoptsNew,
			first: refused(untilApproval[:6]...), then: adopted, error: connection.Conflict, told: "start again with adoptEndpointId", owner: other},
		"an adoption while an onboarding waits to be accepted": {tale: "onboard", state: "AwaitApproval", second: adoptsNew,
			first: refused(slices.Concat(untilApproval, afterApproval[:3])...), then: adopted, error: connection.Conflict,
			told: "belongs to connection " + other, owner: other},
		"an offboarding and a repair at once": {tale: "repair", state: "Plan", second: asks("offboard"), first: repaired,
			then: refused(offboarded[:3]...), error: connection.Conflict, told: "is held by execution", owner: prod},
		"an offboarding during a repair": {tale: "repair", state: "ConfigureDNS", second: asks("offboard"), first: repaired, then: planned,
			error: connection.Conflict, told: "wait until that has ended", owner: prod},
		"an offboarding at the end of a repair": {tale: "repair", state: "PublishConfig", second: asks("offboard"), first: repaired,
			then: offboarded},
		"a repair and an offboarding at once": {tale: "offboard", state: "Plan", second: asks("repair"), first: offboarded,
			then: refused(repaired[:3]...), error: connection.Conflict, told: "is held by execution"},
		"a repair during an offboarding": {tale: "offboard", state: "Offboard", second: asks("repair"), first: offboarded, then: planned,
			error: connection.Conflict, told: "wait until that has ended"},
		"an onboarding during an offboarding": {tale: "offboard", state: "Offboard", second: asks("onboard"), first: offboarded,
			then: planned, error: connection.Conflict, told: "wait until that has ended"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var second string
			r := tales(t)[test.tale].begin(t, test.state, func(r *race) {
				r.Clock.After(0, "another begins", func() {
					var err error
					second, err = r.StartExecution("", test.second(t, r))
					must(t, err)
				})
			})
			first, then := ending(t, r.Cloud, r.arn), ending(t, r.Cloud, second)
			if diff := cmp.Diff(test.first, first.Path) + cmp.Diff(test.then, then.Path); diff != "" {
				t.Errorf("%s\n%s: %s\n%s: %s", diff, first.Error, first.Cause, then.Error, then.Cause)
			}
			if told := first.Cause + then.Cause; first.Error+then.Error != test.error || !strings.Contains(told, test.told) {
				t.Errorf("%s%s: %s; want %s: %s", first.Error, then.Error, told, test.error, test.told)
			}
			r.check(t, test.state)
			if test.owner == "" {
				if wrong := r.witness.Restored(r.before); len(wrong) > 0 {
					t.Error(wrong)
				}
				return
			}
			if owner := theEndpoint(t, r.Cloud).Tags[connection.TagConnection]; owner != test.owner || len(r.Zones.Zones()) != 1 {
				t.Errorf("the endpoint is %s's, with %d zones; want %s", owner, len(r.Zones.Zones()), test.owner)
			}
		})
	}
}

// An operator onboards a connection again while the drift check finds it broken and would repair it: only one of the two repairs it.
func TestOnboardedAgainDuringTheDriftCheck(t *testing.T) {
	t.Parallel()
	for state, wanted := range map[string]int{ // how many repairs are started
		"Plan":           1, // no execution holds the connection yet
		"AwaitAvailable": 0,
		"PublishConfig":  0,
	} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			c := optedIn(t, engflow, connection.CheckPrivateDNS)
			advance(t, c, time.Hour)
			before := c.Inventory()
			var again string
			for _, e := range c.States.Executions() {
				again, _ = c.StartExecution("", e.Input)
				break
			}
			c.Events.Disturb(forgetful)
			c.Tables.SetLag(dynamodb.Lag{Indexes: 5 * time.Second}) // what is listed does not say who holds it yet
			broken("private-dns")(t, c)
			reached := false
			c.States.OnState(func(e states.StateEvent) {
				if reached || e.Execution != again || e.State != state || e.Kind != states.Entered {
					return
				}
				reached = true
				c.Clock.After(0, "the drift check runs", func() {
					event, err := json.Marshal(map[string]any{"source": "aws.events", "detail-type": "Scheduled Event", "time": c.Clock.Now()})
					must(t, err)
					_, err = c.Invoke("postern-drift", event)
					must(t, err)
				})
			})
			ended := ending(t, c, again)
			if diff := cmp.Diff(repaired, ended.Path); diff != "" {
				t.Errorf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
			}
			advance(t, c, 3*time.Hour)
			if started := repairs(c); len(started) != wanted {
				t.Errorf("%d repairs were started", len(started))
			}
			said := drifts(t, c)
			for _, what := range said {
				if check, opened := strings.CutPrefix(what, "opened "); opened && !slices.Contains(said, "closed "+check) {
					t.Errorf("%s is still found: %q", check, said)
				}
			}
			if diff := cmp.Diff(untagged(before), untagged(c.Inventory())); diff != "" || !theEndpoint(t, c).PrivateDNSEnabled {
				t.Errorf("the account is not as it was:\n%s", diff)
			}
		})
	}
}
