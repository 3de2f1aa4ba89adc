package local_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/local"
	"postern/internal/local/invariant"
	"postern/internal/local/people"
	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
	"postern/internal/local/states"
	"postern/internal/local/wire"
)

func offboard(t *testing.T, c *local.Cloud) states.Execution {
	t.Helper()
	input, err := os.ReadFile("../../events/offboard.monte-carlo.json")
	if err != nil {
		t.Fatal(err)
	}
	return execute(t, c, input)
}

var offboarded = []string{"Plan", "ServiceVisible", "Offboard", "Offboarded"}

func removal(t *testing.T, ended states.Execution) connection.Removal {
	t.Helper()
	var state connection.State
	if err := json.Unmarshal(ended.Output, &state); err != nil || state.Removal == nil {
		t.Fatalf("%v: %s", err, ended.Output)
	}
	return *state.Removal
}

// Whatever came before, an offboarding leaves the account as it was before the connection, with foreign things in it.
func TestOffboardLeavesTheAccountAsItWas(t *testing.T) {
	t.Parallel()
	approve := func(c *local.Cloud) { (&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c) }
	tests := map[string]struct {
		before  func(*testing.T, *local.Cloud)
		removed int // lines
	}{
		"nothing was ever made": {func(*testing.T, *local.Cloud) {}, 0},
		"onboarded": {func(t *testing.T, c *local.Cloud) {
			approve(c)
			onboard(t, c, "onboard.monte-carlo.json")
		}, 4},
		"onboarded twice": {func(t *testing.T, c *local.Cloud) {
			approve(c)
			onboard(t, c, "onboard.monte-carlo.json")
			onboard(t, c, "onboard.monte-carlo.json")
		}, 4},
		"with a security group of ours": {func(t *testing.T, c *local.Cloud) {
			approve(c)
			execute(t, c, withoutGroups(t))
		}, 5},
		"rejected": {func(t *testing.T, c *local.Cloud) {
			(&people.Vendor{Behaviour: people.Reject, After: time.Hour}).Join(c)
			onboard(t, c, "onboard.monte-carlo.json")
		}, 0},
		"the endpoint was deleted by hand": {func(t *testing.T, c *local.Cloud) {
			approve(c)
			onboard(t, c, "onboard.monte-carlo.json")
			for _, e := range c.World.Endpoints() {
				if err := c.World.DeleteByHand(e.ID); err != nil {
					t.Fatal(err)
				}
			}
		}, 4},
		"offboarded before": {func(t *testing.T, c *local.Cloud) {
			approve(c)
			onboard(t, c, "onboard.monte-carlo.json")
			offboard(t, c)
		}, -1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			c.Zones.AddZone(route53.Zone{
				Name: "corp.example", Private: true, VPCs: []route53.VPC{{ID: privatelink.DemoVPC, Region: privatelink.DemoRegion}},
			})
			before := c.Inventory()
			test.before(t, c)
			ended := offboard(t, c)
			if diff := cmp.Diff(offboarded, ended.Path); diff != "" {
				t.Fatalf("%s\n%s: %s\n%s", diff, ended.Error, ended.Cause, dump(c))
			}
			if diff := cmp.Diff(before, c.Inventory()); diff != "" {
				t.Errorf("(-before +after)\n%s", diff)
			}
			if got := removal(t, ended); test.removed >= 0 && len(got.Removed) != test.removed || len(got.Kept) > 0 {
				t.Errorf("removed %q, kept %q", got.Removed, got.Kept)
			}
			if dropped := c.Dropped(); len(dropped) > 0 {
				t.Errorf("dropped: %s", strings.Join(dropped, "\n"))
			}
		})
	}
}

// What somebody else has put there or changed since is kept and said.
func TestOffboardKeepsWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		meanwhile func(*testing.T, *local.Cloud)
		kept      string
		there     string // part of a line of the account afterwards
	}{
		"a record in our zone": {func(t *testing.T, c *local.Cloud) {
			zone := c.Zones.Zones()[0]
			if err := c.Zones.ChangeByHand(zone.ID, func(z *route53.Zone) {
				z.Records = append(z.Records, route53.Record{Name: "other." + zone.Name, Type: "A", TTL: 60, Values: []string{"10.20.1.9"}})
			}); err != nil {
				t.Fatal(err)
			}
		}, "holds a record that Postern did not make", "hosted zone privatelink.getmontecarlo.com."},
		"a parameter": {func(t *testing.T, c *local.Cloud) {
			if err := c.Parameters.PutByHand(c.Parameters.Names()[0], "by hand"); err != nil {
				t.Fatal(err)
			}
		}, "was changed after version 1", `= "by hand"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
			onboard(t, c, "onboard.monte-carlo.json")
			test.meanwhile(t, c)
			ended := offboard(t, c)
			if diff := cmp.Diff(offboarded, ended.Path); diff != "" {
				t.Fatalf("%s\n%s: %s", diff, ended.Error, ended.Cause)
			}
			if kept := strings.Join(removal(t, ended).Kept, "\n"); !strings.Contains(kept, test.kept) {
				t.Errorf("kept %q, want %q", kept, test.kept)
			}
			if all := strings.Join(c.Inventory(), "\n"); !strings.Contains(all, test.there) || strings.Contains(all, "endpoint to") {
				t.Errorf("the account has\n%s", all)
			}
		})
	}
}

// A parameter that stood there before the connection gets its value back, however often the connection was onboarded since.
func TestOffboardRestoresWhatStoodThereFirst(t *testing.T) {
	t.Parallel()
	const name, first = "/postern/monte-carlo/agents-prod/config.yaml", "container:\n  backendServiceUrl: https://before.example\n  other: 1\n"
	c := open(t, nil)
	if err := c.Parameters.PutByHand(name, first); err != nil {
		t.Fatal(err)
	}
	before := c.Inventory()
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	for range 2 {
		if ended := onboard(t, c, "onboard.monte-carlo.json"); ended.Status != states.Succeeded {
			t.Fatal(ended.Error, ended.Cause)
		}
	}
	if ended := offboard(t, c); ended.Status != states.Succeeded {
		t.Fatal(ended.Error, ended.Cause)
	}
	if diff := cmp.Diff(before, c.Inventory()); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
}

// A removal that cannot be finished says what is left, and the same request goes on where it ended.
func TestOffboardGoesOn(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	before := c.Inventory()
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	onboard(t, c, "onboard.monte-carlo.json")
	c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
		if record.Function == "postern-offboard" && call.Operation == "DeleteVpcEndpoints" {
			return &wire.Fault{Kind: wire.Deny}
		}
		return nil
	})
	ended := offboard(t, c)
	want := []string{"Plan", "ServiceVisible", "Offboard", "Rollback", "RolledBack", "FailedDirty"}
	if diff := cmp.Diff(want, ended.Path); diff != "" || ended.Error != connection.RemovalIncomplete ||
		!strings.Contains(ended.Cause, "endpoint vpce-") {
		t.Fatalf("%s\n%s: %s", diff, ended.Error, ended.Cause)
	}
	c.Server.SetFault(nil)
	if ended = offboard(t, c); ended.Status != states.Succeeded {
		t.Fatal(ended.Error, ended.Cause)
	}
	if diff := cmp.Diff(before, c.Inventory()); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
}

// A connection that is being worked on is not taken away under the work.
func TestOffboardWaitsForNobody(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	arn, err := c.StartExecution("", change(t, func(map[string]any) {}))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	ended := offboard(t, c)
	if ended.Error != connection.Conflict || !strings.Contains(ended.Cause, arn) {
		t.Errorf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
	}
}

// Faults at every write of an offboarding: each ends with the account as it was.
func TestOffboardAfterFaults(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"DeleteVpcEndpoints", "DeleteVpcEndpointConnectionNotifications", "ChangeResourceRecordSets",
		"DeleteHostedZone", "DeleteParameter", "DeleteSecurityGroup", "UpdateItem"} {
		for _, kind := range []wire.FaultKind{wire.LostAnswer, wire.CrashBefore, wire.CrashAfter, wire.ServerError, wire.Throttle} {
			t.Run(operation+" "+string(kind), func(t *testing.T) {
				t.Parallel()
				c := open(t, nil)
				before := c.Inventory()
				(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
				execute(t, c, withoutGroups(t))
				done := false
				c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
					if done || call.Operation != operation || record.Function != "postern-offboard" {
						return nil
					}
					done = true
					return &wire.Fault{Kind: kind}
				})
				ended := offboard(t, c)
				if diff := cmp.Diff(offboarded, ended.Path); diff != "" || !done {
					t.Fatalf("%v %s\n%s: %s", done, diff, ended.Error, ended.Cause)
				}
				if diff := cmp.Diff(before, c.Inventory()); diff != "" {
					t.Errorf("(-before +after)\n%s", diff)
				}
			})
		}
	}
}

// While AWS throttles the undo of what is published, its endpoint stays.
func TestOffboardDeletesNoEndpointThatIsPublished(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	w := invariant.Watch(c)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	execute(t, c, withoutGroups(t))
	until := c.Clock.Now().Add(10 * time.Minute)
	c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
		if record.At.Before(until) && call.Operation == "DeleteParameter" {
			return &wire.Fault{Kind: wire.Throttle}
		}
		return nil
	})
	checkEnd(t, c, say(t, c, connection.ActionOffboard, nil), offboarded, "", "")
	if wrong := w.Violations(); len(wrong) > 0 {
		t.Error(wrong)
	}
}
