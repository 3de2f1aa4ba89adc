package proof_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
	"postern/internal/local/sns"
	"postern/internal/local/states"
	"postern/internal/local/wire"
	"postern/internal/proof/invariant"
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

// farewells are the mails that say what to tell the vendor of an endpoint that is deleted.
func farewells(t *testing.T, c *local.Cloud) []sns.Mail {
	t.Helper()
	advance(t, c, time.Hour)
	return slices.DeleteFunc(c.Mail(), func(mail sns.Mail) bool { return !strings.Contains(mail.Subject, " is removed: tell the vendor") })
}

// Whatever came before, an offboarding leaves the account as it was before the connection, with foreign things in it.
func TestOffboardLeavesTheAccountAsItWas(t *testing.T) {
	t.Parallel()
	approve := func(c *local.Cloud) { (&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c) }
	tests := map[string]struct {
		before  func(*testing.T, *local.Cloud)
		removed int // lines
		told    int // how many mails with the text for the vendor the operators got
	}{
		"nothing was ever made": {func(*testing.T, *local.Cloud) {}, 0, 0},
		"onboarded": {func(t *testing.T, c *local.Cloud) {
			approve(c)
			onboard(t, c, "onboard.monte-carlo.json")
		}, 4, 1},
		"onboarded twice": {func(t *testing.T, c *local.Cloud) {
			approve(c)
			onboard(t, c, "onboard.monte-carlo.json")
			onboard(t, c, "onboard.monte-carlo.json")
		}, 4, 1},
		"with a security group of ours": {func(t *testing.T, c *local.Cloud) {
			approve(c)
			execute(t, c, withoutGroups(t))
		}, 5, 1},
		"rejected": {func(t *testing.T, c *local.Cloud) {
			(&people.Vendor{Behaviour: people.Reject, After: time.Hour}).Join(c)
			onboard(t, c, "onboard.monte-carlo.json")
		}, 0, 0},
		"the endpoint was deleted manually": {func(t *testing.T, c *local.Cloud) {
			approve(c)
			onboard(t, c, "onboard.monte-carlo.json")
			for _, e := range c.World.Endpoints() {
				if err := c.World.DeleteByHand(e.ID); err != nil {
					t.Fatal(err)
				}
			}
		}, 4, 1},
		"offboarded before": {func(t *testing.T, c *local.Cloud) {
			approve(c)
			onboard(t, c, "onboard.monte-carlo.json")
			offboard(t, c)
		}, -1, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			c.Zones.AddZone(route53.Zone{
				Name: "corp.example", Private: true, VPCs: []route53.VPC{{ID: world.VPC, Region: world.Region}},
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
			if told := farewells(t, c); len(told) != test.told {
				t.Errorf("the operators got %d notices: %+v", len(told), told)
			}
			if dropped := c.Dropped(); len(dropped) > 0 {
				t.Errorf("dropped: %s", strings.Join(dropped, "\n"))
			}
		})
	}
}

// Offboarding keeps and reports what another person created or changed since.
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
			if err := c.Parameters.PutByHand(c.Parameters.Names()[0], "manual change"); err != nil {
				t.Fatal(err)
			}
		}, "was changed after version 1", `= "manual change"`},
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

// An offboarding that cannot finish reports what is left, and the same request continues where it ended.
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

// Offboarding is refused while another execution holds the connection; it does not wait.
func TestOffboardDoesNotWait(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	arn, err := c.StartExecution("", change(t, func(map[string]any) {}))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	must(t, c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()))
	advance(t, c, time.Hour)
	before := c.Inventory()
	ended := offboard(t, c)
	if ended.Error != connection.Conflict || !strings.Contains(ended.Cause, arn) || !strings.Contains(ended.Cause, "action cancel") ||
		ended.Path[len(ended.Path)-1] != "FailedClean" {
		t.Errorf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
	}
	if diff := cmp.Diff(before, c.Inventory()); diff != "" || len(farewells(t, c)) > 0 {
		t.Errorf("(-before +after)\n%s", diff)
	}
	accept(t, c)
	if ended := ending(t, c, arn); ended.Status != states.Succeeded {
		t.Errorf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
	}
}

// A security group of ours stays while another owner's endpoint uses it: the offboarding reports what it waited for, and the same
// request continues when the group is free.
func TestOffboardWaitsForTheSecurityGroup(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	before := c.Inventory()
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	execute(t, c, withoutGroups(t))
	group := ownGroups(c)[0].ID
	theirs := handMade(t, c, func(made *privatelink.HandMade) { made.ServiceName = world.EngFlowService })
	e, _ := c.World.Endpoint(theirs)
	must(t, c.World.SetSecurityGroupsByHand(theirs, group))
	ended := offboard(t, c)
	if end := ended.Path[len(ended.Path)-1]; end != "FailedDirty" || ended.Error != connection.RemovalPending ||
		!strings.Contains(ended.Cause, "security group "+group+", which something still uses") ||
		!strings.Contains(ended.Cause, "Next: find what still uses") {
		t.Errorf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
	}
	if now, _ := c.World.Endpoint(theirs); now.State != e.State || !slices.Equal(now.GroupIDs, []string{group}) || len(farewells(t, c)) > 0 {
		t.Errorf("theirs is %+v; notices %+v", now, farewells(t, c))
	}
	must(t, c.World.SetSecurityGroupsByHand(theirs, e.GroupIDs...))
	if ended := offboard(t, c); ended.Status != states.Succeeded || len(farewells(t, c)) != 1 {
		t.Errorf("%v %s: %s; notices %+v", ended.Path, ended.Error, ended.Cause, farewells(t, c))
	}
	must(t, c.World.DeleteByHand(theirs))
	advance(t, c, time.Hour)
	if diff := cmp.Diff(before, c.Inventory()); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
}

// Faults at every write of an offboarding: each ends with the account as it was.
func TestOffboardAfterFaults(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"DeleteVpcEndpoints", "DeleteVpcEndpointConnectionNotifications", "ChangeResourceRecordSets",
		"DeleteHostedZone", "DeleteParameter", "DeleteSecurityGroup", "PutEvents", "UpdateItem"} {
		for _, kind := range []wire.FaultKind{wire.LostAnswer, wire.CrashBefore, wire.CrashAfter, wire.ServerError, wire.Throttle} {
			t.Run(operation+" "+string(kind), func(t *testing.T) {
				t.Parallel()
				c := open(t, nil)
				before := c.Inventory()
				(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
				execute(t, c, withoutGroups(t))
				broken := breakOnce(c, "postern-offboard", operation, kind)
				ended := offboard(t, c)
				if diff := cmp.Diff(offboarded, ended.Path); diff != "" || !*broken {
					t.Fatalf("%v %s\n%s: %s", *broken, diff, ended.Error, ended.Cause)
				}
				if diff := cmp.Diff(before, c.Inventory()); diff != "" {
					t.Errorf("(-before +after)\n%s", diff)
				}
				if told := farewells(t, c); len(told) != 1 {
					t.Errorf("the operators got %d notices: %+v", len(told), told)
				}
			})
		}
	}
}

// The operators get one mail with the text for the vendor. It contains everything that the vendor asks for.
func TestOffboardTellsTheVendor(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	id := stateOf(t, onboard(t, c, "onboard.monte-carlo.json")).Endpoint.ID
	said := removal(t, offboard(t, c))
	mails := farewells(t, c)
	if len(mails) != 1 || said.Notice == nil {
		t.Fatalf("%+v, notice %+v", mails, said.Notice)
	}
	for _, want := range []string{
		said.Notice.Body, "Subject: AWS PrivateLink: endpoint " + id + " is deleted", "To: Monte Carlo support",
		"VPC endpoint ID: " + id + "\nVPC endpoint service: " + world.MonteCarloService + "\nAWS account ID: " + c.World.AccountID() +
			"\nAWS Region of the VPC endpoint: " + world.Region, "- endpoint " + id + " deleted\n",
	} {
		if !strings.Contains(mails[0].Body, want) {
			t.Errorf("the mail lacks %q:\n%s", want, mails[0].Body)
		}
	}
	offboard(t, c)
	if again := farewells(t, c); len(again) != 1 {
		t.Errorf("the second offboarding found nothing, and the operators got another notice: %+v", again)
	}
}

// An endpoint without our tags has another owner now: it stays, and Postern does not notify the vendor of a deletion.
func TestOffboardSendsNoNoticeOfWhatStays(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	id := stateOf(t, onboard(t, c, "onboard.monte-carlo.json")).Endpoint.ID
	must(t, c.World.SetTagsByHand(id, map[string]string{connection.TagConnection: "", connection.TagManaged: ""}))
	ended := offboard(t, c)
	said := removal(t, ended)
	if e, _ := c.World.Endpoint(id); e.State != privatelink.Available || said.Notice != nil || len(said.Kept) != 1 {
		t.Errorf("endpoint %s, notice %+v, kept %q", e.State, said.Notice, said.Kept)
	}
	if told := farewells(t, c); len(told) > 0 {
		t.Errorf("the operators got %+v", told)
	}
}

// What was published is known even when the execution was stopped before it could record that the connection is onboarded: the next
// offboarding takes it back, at once or after another onboarding.
func TestOffboardAfterAStopWhilePublishing(t *testing.T) {
	t.Parallel()
	const name, first = "/postern/monte-carlo/agents-prod/config.yaml", "container:\n  backendServiceUrl: https://before.example\n  other: 1\n"
	for _, stood := range []bool{false, true} {
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprintf("a value stood there %v, onboarded again %v", stood, again), func(t *testing.T) {
				t.Parallel()
				c := open(t, nil)
				if stood {
					must(t, c.Parameters.PutByHand(name, first))
				}
				before := c.Inventory()
				(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
				arn, published := begin(t, c), false
				c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
					if record.Function != "postern-publish-config" {
						return nil
					}
					if call.Operation == "PutParameter" && !published {
						published = true
						c.Clock.After(time.Second, "an operator stops the execution", func() { c.States.Stop(arn, "", "") })
					}
					if published && call.Service == "dynamodb" {
						return &wire.Fault{Kind: wire.ServerError}
					}
					return nil
				})
				if ended := ending(t, c, arn); ended.Status != states.Aborted || !published {
					t.Fatalf("%s %v: %s", ended.Status, ended.Path, ended.Cause)
				}
				c.Server.SetFault(nil)
				if cmp.Equal(before, c.Inventory()) {
					t.Fatal("nothing was left to take back")
				}
				if again {
					if ended := ending(t, c, begin(t, c)); ended.Status != states.Succeeded {
						t.Fatal(ended.Error, ended.Cause)
					}
				}
				checkEnd(t, c, say(t, c, connection.ActionOffboard, nil), offboarded, "", "")
				if diff := cmp.Diff(before, c.Inventory()); diff != "" {
					t.Errorf("(-before +after)\n%s", diff)
				}
			})
		}
	}
}

// An onboarding of an onboarded connection that fails at its end restores what agents read, under another version number. Postern
// still owns that parameter. It does not own a parameter that another person created again under the same name.
func TestOffboardKnowsOurValuesByTheirContent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		meanwhile func(*testing.T, *local.Cloud)
		kept      int
	}{
		"rewritten with our value": {func(t *testing.T, c *local.Cloud) {
			for _, name := range c.Parameters.Names() {
				now, _ := c.Parameters.Get(name)
				must(t, c.Parameters.PutByHand(name, "a manual mistake"))
				must(t, c.Parameters.PutByHand(name, now.Value))
			}
		}, 0},
		"deleted, and created again by another person": {func(t *testing.T, c *local.Cloud) {
			for _, name := range c.Parameters.Names() {
				must(t, c.Parameters.DeleteByHand(name))
				must(t, c.Parameters.PutByHand(name, "theirs"))
			}
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
			onboard(t, c, "onboard.monte-carlo.json")
			test.meanwhile(t, c)
			ended := offboard(t, c)
			if said := removal(t, ended); len(said.Kept) != test.kept || len(c.Parameters.Names()) != test.kept {
				t.Errorf("kept %q; there are %q", said.Kept, c.Parameters.Names())
			}
		})
	}
}

// If a service control policy forbids restoring a parameter, a rollback or an offboarding keeps the endpoint that the parameter points
// to. Once the parameter is fixed manually, or the policy allows it, the next request continues.
func TestWhatIsPublishedKeepsItsEndpoint(t *testing.T) {
	t.Parallel()
	const name, first = "/postern/monte-carlo/agents-prod/config.yaml", "container:\n  backendServiceUrl: https://before.example\n"
	ending := func(t *testing.T, c *local.Cloud, ended states.Execution, w *invariant.Witness) {
		t.Helper()
		if ended.Path[len(ended.Path)-1] != "FailedDirty" || !strings.Contains(ended.Cause, "points to it") {
			t.Fatalf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
		}
		for _, left := range []string{"endpoint vpce-", "hosted zone ", "security group sg-", "start"} {
			if !strings.Contains(ended.Cause, left) {
				t.Errorf("%q is not in %s", left, ended.Cause)
			}
		}
		for _, wrong := range w.Violations() {
			if strings.HasPrefix(wrong, "verified config") {
				t.Error(wrong)
			}
		}
		endpoints := c.World.Endpoints()
		if len(endpoints) != 1 || endpoints[0].State != privatelink.Available || len(c.Zones.Zones()) != 1 || len(ownGroups(c)) != 1 {
			t.Errorf("%+v\n%+v", endpoints, c.Zones.Zones())
		}
	}
	denied := func(function string) func(*wire.Call, wire.Recorded) *wire.Fault {
		return func(call *wire.Call, record wire.Recorded) *wire.Fault {
			undo := record.Function == function && (call.Operation == "PutParameter" || call.Operation == "DeleteParameter")
			if undo || function == "postern-rollback" && record.Function == "postern-publish-config" && call.Operation == "UpdateItem" {
				return &wire.Fault{Kind: wire.Deny}
			}
			return nil
		}
	}
	for _, stood := range []bool{false, true} {
		t.Run(fmt.Sprintf("a value stood there %v", stood), func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			if stood {
				must(t, c.Parameters.PutByHand(name, first))
			}
			before, w := c.Inventory(), invariant.Watch(c)
			(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
			c.Server.SetFault(denied("postern-rollback"))
			ending(t, c, execute(t, c, withoutGroups(t)), w)
			c.Server.SetFault(nil)
			for _, name := range c.Parameters.Names() {
				must(t, c.Parameters.DeleteByHand(name))
			}
			if stood {
				must(t, c.Parameters.PutByHand(name, first))
			}
			if ended := execute(t, c, withoutGroups(t)); ended.Status != states.Succeeded || len(c.World.Endpoints()) != 1 {
				t.Fatalf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
			}
			c.Server.SetFault(denied("postern-offboard"))
			ending(t, c, offboard(t, c), w)
			c.Server.SetFault(nil)
			checkEnd(t, c, say(t, c, connection.ActionOffboard, nil), offboarded, "", "")
			if diff := cmp.Diff(before, c.Inventory()); diff != "" {
				t.Errorf("(-before +after)\n%s", diff)
			}
		})
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
