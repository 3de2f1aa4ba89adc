package proof_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
	"postern/internal/local/states"
	"postern/internal/local/wire"
)

// adopted is the path of an onboarding that adopts an existing endpoint: the vendor does not need to allow-list anything.
var adopted = slices.Concat([]string{"Plan", "ServiceVisible", "EnsureEndpoint", "AwaitApproval"}, afterApproval)

// handMade creates an endpoint as an operator would without Postern, with its own tag and notification, and has the vendor
// accept it.
func handMade(t *testing.T, c *local.Cloud, change func(*privatelink.HandMade)) string {
	t.Helper()
	id, err := people.MakeByHand(c, byHand(change))
	must(t, err)
	return id
}

func pendingByHand(t *testing.T, c *local.Cloud) string {
	t.Helper()
	id, err := people.AskByHand(c, byHand(nil))
	must(t, err)
	return id
}

func byHand(change func(*privatelink.HandMade)) privatelink.HandMade {
	made := people.HandMade
	if change != nil {
		change(&made)
	}
	return made
}

func inOtherAccount(made *privatelink.HandMade) {
	made.VPCID, made.GroupIDs = world.OtherVPC, []string{world.OtherEndpointGroup}
	made.SubnetIDs = []string{world.OtherSubnetA, world.OtherSubnetB}
}

// adopting is the sample request with consent to take an endpoint over.
func adopting(id string) func(map[string]any) {
	return func(request map[string]any) { request["adoptEndpointId"] = id }
}

func zoneByHand(c *local.Cloud, name, target string) {
	host := world.MonteCarloHost + "."
	c.Zones.AddZone(route53.Zone{
		Name: name, Private: true, VPCs: []route53.VPC{{ID: world.VPC, Region: world.Region}},
		Records: []route53.Record{{Name: host, Type: "CNAME", TTL: 300, Values: []string{target}}},
	})
}

func stateOf(t *testing.T, ended states.Execution) connection.State {
	t.Helper()
	var state connection.State
	if err := json.Unmarshal(ended.Output, &state); err != nil {
		t.Fatalf("%v: %s", err, ended.Output)
	}
	return state
}

// Postern adopts an endpoint that was created manually, never creates a second one, and releases it as it was.
func TestAdopt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		sample string
		world  func(*testing.T, *local.Cloud) string
		zones  int // of the account, while the connection exists
		check  func(*testing.T, connection.State)
	}{
		"available": {"onboard.monte-carlo.json", func(t *testing.T, c *local.Cloud) string {
			return handMade(t, c, nil)
		}, 1, nil},
		"still pending": {"onboard.monte-carlo.json", func(t *testing.T, c *local.Cloud) string {
			id := pendingByHand(t, c)
			c.Clock.After(48*time.Hour, "the vendor accepts", func() { must(t, c.World.Vendor(world.MonteCarloService).Accept(id)) })
			return id
		}, 1, nil},
		"in one other subnet": {"onboard.monte-carlo.json", func(t *testing.T, c *local.Cloud) string {
			return handMade(t, c, func(made *privatelink.HandMade) { made.SubnetIDs = made.SubnetIDs[:1] })
		}, 1, func(t *testing.T, state connection.State) {
			t.Helper()
			if len(state.Plan.Network.Subnets) != 1 || !has(state.Plan.Findings, "adopted-endpoint-differs") {
				t.Errorf("%+v %+v", state.Plan.Network.Subnets, state.Plan.Findings)
			}
		}},
		"private DNS is on": {"onboard.engflow.json", func(t *testing.T, c *local.Cloud) string {
			id := handMade(t, c, func(made *privatelink.HandMade) { made.ServiceName = world.EngFlowService })
			must(t, c.World.SetPrivateDNSByHand(id, true))
			advance(t, c, time.Hour)
			return id
		}, 0, func(t *testing.T, state connection.State) {
			t.Helper()
			if state.DNS.PrivateDNSEnabled || !has(state.Plan.Findings, "private-dns-kept") || has(state.Plan.Findings, "live-cutover") {
				t.Errorf("%+v %+v", state.DNS, state.Plan.Findings)
			}
		}},
		"private DNS is off": {"onboard.engflow.json", func(t *testing.T, c *local.Cloud) string {
			return handMade(t, c, func(made *privatelink.HandMade) { made.ServiceName = world.EngFlowService })
		}, 0, func(t *testing.T, state connection.State) {
			t.Helper()
			if !state.DNS.PrivateDNSEnabled {
				t.Errorf("%+v", state.DNS)
			}
		}},
		"with a zone created manually": {"onboard.monte-carlo.json", func(t *testing.T, c *local.Cloud) string {
			id := handMade(t, c, nil)
			zoneByHand(c, "privatelink.getmontecarlo.com.", c.World.DNSName(id))
			return id
		}, 1, func(t *testing.T, state connection.State) {
			t.Helper()
			if !state.DNS.Kept || state.DNS.ZoneID != "" || !has(state.Plan.Findings, "names-kept") {
				t.Errorf("%+v %+v", state.DNS, state.Plan.Findings)
			}
		}},
		"with a wider zone created manually": {"onboard.monte-carlo.json", func(t *testing.T, c *local.Cloud) string {
			id := handMade(t, c, nil)
			zoneByHand(c, "getmontecarlo.com.", c.World.DNSName(id))
			return id
		}, 1, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			id := test.world(t, c)
			before := c.Inventory()
			ended := onboardWith(t, c, test.sample, adopting(id))
			if diff := cmp.Diff(adopted, ended.Path); diff != "" {
				t.Fatalf("%s\n%s: %s\n%s", diff, ended.Error, ended.Cause, dump(c))
			}
			state := stateOf(t, ended)
			if e := state.Endpoint; e.ID != id || e.Created || !e.Adopted || e.NotificationID == "" {
				t.Errorf("%+v", e)
			}
			if n := len(c.World.Endpoints()); n != 1 {
				t.Errorf("%d endpoints", n)
			}
			e, _ := c.World.Endpoint(id)
			if want := connection.AdoptionTags(state.Plan.ConnectionID, ended.ARN); e.Tags["Name"] != people.HandMade.Tags["Name"] ||
				e.Tags[connection.TagAdopted] != want[connection.TagAdopted] || e.Tags[connection.TagConnection] != want[connection.TagConnection] {
				t.Errorf("tags %v", e.Tags)
			}
			if n := len(c.Zones.Zones()); n != test.zones {
				t.Errorf("%d zones", n)
			}
			if test.check != nil {
				test.check(t, state)
			}
			again := onboardWith(t, c, test.sample, adopting(id))
			if diff := cmp.Diff(adopted, again.Path); diff != "" || !stateOf(t, again).Endpoint.Adopted {
				t.Errorf("the second run: %s\n%s: %s", diff, again.Error, again.Cause)
			}
			gone := onboardWith(t, c, strings.Replace(test.sample, "onboard", "offboard", 1), func(map[string]any) {})
			if diff := cmp.Diff(offboarded, gone.Path); diff != "" {
				t.Fatalf("%s\n%s: %s", diff, gone.Error, gone.Cause)
			}
			advance(t, c, time.Hour)
			was := slices.Clone(before)
			for i := range was { // what the vendor did meanwhile stays
				was[i] = strings.Replace(was[i], ": pendingAcceptance,", ": available,", 1)
			}
			if diff := cmp.Diff(was, c.Inventory()); diff != "" {
				t.Errorf("(-before +after)\n%s", diff)
			}
			said := removal(t, gone)
			if want := id + " was created manually before; Postern's tags were removed"; !slices.Contains(said.Kept, want) || said.Notice != nil {
				t.Errorf("kept %q, notice %v", said.Kept, said.Notice)
			}
		})
	}
}

func has(findings []connection.Finding, code string) bool {
	return slices.ContainsFunc(findings, func(f connection.Finding) bool { return f.Code == code })
}

// Postern adopts and releases the endpoint in another account, too. It has no notification: AWS notifies no topic in another account.
func TestAdoptInAnotherAccount(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	id := handMade(t, c, inOtherAccount)
	before := c.Inventory()
	ended := onboardWith(t, c, otherAccount, adopting(id))
	if e := stateOf(t, ended).Endpoint; ended.Path[len(ended.Path)-1] != "Onboarded" || e.ID != id || !e.Adopted || e.NotificationID != "" {
		t.Fatalf("%v %s: %s\n%+v", ended.Path, ended.Error, ended.Cause, e)
	}
	onboardWith(t, c, otherAccount, func(request map[string]any) {
		maps.DeleteFunc(request, func(key string, _ any) bool {
			return !slices.Contains([]string{"schemaVersion", "vendor", "name"}, key)
		})
		request["action"] = "offboard"
	})
	if diff := cmp.Diff(before, c.Inventory()); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
}

const ownPolicy = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":["execute-api:Invoke","execute-api:ManageConnections"],"Resource":"*"}]}`

// The policy of an endpoint that was created manually belongs to its owner, as adopted. A later change of it is drift, until it is
// changed back or an operator onboards again and is notified of it.
func TestAdoptWithAPolicyOfItsOwn(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	id := handMade(t, c, nil)
	set := func(policy string) {
		t.Helper()
		must(t, c.World.ChangeByHand(id, func(e *privatelink.Endpoint) { e.Policy = policy }))
		advance(t, c, 2*time.Hour)
	}
	set(ownPolicy)
	ended := onboardWith(t, c, monteCarlo, adopting(id))
	if !has(stateOf(t, ended).Plan.Findings, "policy-kept") {
		t.Errorf("%+v", stateOf(t, ended).Plan.Findings)
	}
	said := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, shallowDrifts(t, c), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
	advance(t, c, 2*time.Hour)
	said()
	set(`{"Statement":[]}`)
	said("opened policy drift")
	set(strings.Replace(ownPolicy, `"execute-api:Invoke","execute-api:ManageConnections"`, ` "execute-api:ManageConnections", "execute-api:Invoke"`, 1))
	said("opened policy drift", "closed policy drift")
	set(strings.Replace(ownPolicy, "Allow", "Deny", 1))
	onboardWith(t, c, monteCarlo, adopting(id))
	advance(t, c, 2*time.Hour)
	said("opened policy drift", "closed policy drift", "opened policy drift", "closed policy drift")
}

// A failed adoption gives the endpoint back as it was, wherever it fails.
func TestAdoptFails(t *testing.T) {
	t.Parallel()
	for _, at := range []struct {
		function   string
		operations []string
		kind       wire.FaultKind
	}{
		{"ensure-endpoint", []string{"DescribeVpcEndpointConnectionNotifications"}, wire.ServerError}, // it can no longer report what it did
		{"await-gate", []string{"UpdateItem"}, wire.Deny},
		{"await-available", []string{"DescribeNetworkInterfaces"}, wire.Deny},
		{"configure-dns", []string{"ChangeResourceRecordSets", "ModifyVpcEndpoint"}, wire.Deny},
		{"publish-config", []string{"UpdateItem"}, wire.Deny},
	} {
		for _, sample := range []string{"onboard.monte-carlo.json", "onboard.engflow.json"} {
			t.Run(at.function+" "+sample, func(t *testing.T) {
				t.Parallel()
				c := open(t, nil)
				id := handMade(t, c, func(made *privatelink.HandMade) {
					if strings.Contains(sample, "engflow") {
						made.ServiceName = world.EngFlowService
					}
				})
				before := c.Inventory()
				c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
					if record.Function != "postern-"+at.function || !slices.Contains(at.operations, call.Operation) {
						return nil
					}
					return &wire.Fault{Kind: at.kind}
				})
				ended := onboardWith(t, c, sample, adopting(id))
				if ended.Path[len(ended.Path)-1] != "FailedClean" || !strings.Contains(ended.Cause, "handed back") {
					t.Fatalf("%v %s: %s\n%s", ended.Path, ended.Error, ended.Cause, dump(c))
				}
				advance(t, c, time.Hour)
				if diff := cmp.Diff(before, c.Inventory()); diff != "" {
					t.Errorf("(-before +after)\n%s", diff)
				}
			})
		}
	}
}

// A vendor who rejects what is taken over ends it, and the endpoint is its owner's again.
func TestAdoptIsRejected(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	id := pendingByHand(t, c)
	c.Clock.After(time.Hour, "the vendor rejects", func() { must(t, c.World.Vendor(world.MonteCarloService).Reject(id, "no")) })
	ended := onboardWith(t, c, "onboard.monte-carlo.json", adopting(id))
	if diff := cmp.Diff(slices.Concat(adopted[:4], failedClean), ended.Path); diff != "" || ended.Error != connection.EndpointRejected {
		t.Fatalf("%s\n%s: %s", diff, ended.Error, ended.Cause)
	}
	e, _ := c.World.Endpoint(id)
	if diff := cmp.Diff(people.HandMade.Tags, e.Tags); diff != "" || len(c.World.Notifications()) > 0 {
		t.Errorf("%s\n%v", diff, c.World.Notifications())
	}
}

// What happens at each write of taking over and handing back does no harm: lost answers, crashes and throttling.
func TestAdoptAfterFaults(t *testing.T) {
	t.Parallel()
	for _, at := range []struct{ function, operation string }{
		{"postern-ensure-endpoint", "CreateTags"}, {"postern-ensure-endpoint", "CreateVpcEndpointConnectionNotification"},
		{"postern-configure-dns", "ModifyVpcEndpoint"}, {"postern-offboard", "ModifyVpcEndpoint"},
		{"postern-offboard", "DeleteVpcEndpointConnectionNotifications"}, {"postern-offboard", "DeleteTags"},
	} {
		for _, kind := range []wire.FaultKind{wire.LostAnswer, wire.CrashBefore, wire.CrashAfter, wire.ServerError, wire.Throttle} {
			t.Run(at.function+" "+at.operation+" "+string(kind), func(t *testing.T) {
				t.Parallel()
				c := open(t, nil)
				id := handMade(t, c, func(made *privatelink.HandMade) { made.ServiceName = world.EngFlowService })
				before, broken := c.Inventory(), breakOnce(c, at.function, at.operation, kind)
				ended := onboardWith(t, c, "onboard.engflow.json", adopting(id))
				if diff := cmp.Diff(adopted, ended.Path); diff != "" || !stateOf(t, ended).Endpoint.Adopted {
					t.Fatalf("%s\n%s: %s\n%s", diff, ended.Error, ended.Cause, dump(c))
				}
				gone := onboardWith(t, c, "offboard.engflow.json", func(map[string]any) {})
				if diff := cmp.Diff(offboarded, gone.Path); diff != "" || !*broken || len(removal(t, gone).Kept) != 1 {
					t.Fatalf("%v %s\n%s: %s\n%s", *broken, diff, gone.Error, gone.Cause, dump(c))
				}
				advance(t, c, time.Hour)
				if diff := cmp.Diff(before, c.Inventory()); diff != "" {
					t.Errorf("(-before +after)\n%s", diff)
				}
			})
		}
	}
}

// A plan shows what would change, and changes nothing.
func TestAdoptPlanOnly(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	id := handMade(t, c, nil)
	before := c.Inventory()
	ended := onboardWith(t, c, "plan.monte-carlo.json", adopting(id))
	plan := stateOf(t, ended).Plan
	want := "tags postern:adopted, postern:connection, postern:managed on " + id
	if ended.Path[len(ended.Path)-1] != "Planned" || !slices.Contains(plan.Creates, want) || !has(plan.Findings, "taking-over") {
		t.Errorf("%v %s\n%+v\n%q", ended.Path, ended.Cause, plan.Findings, plan.Creates)
	}
	if diff := cmp.Diff(before, c.Inventory()); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
}

// What cannot be taken over is refused in words, before anything is written.
func TestAdoptRefuses(t *testing.T) {
	t.Parallel()
	other := func(made *privatelink.HandMade) {
		made.VPCID, made.GroupIDs = world.StagingVPC, []string{world.StagingEndpointGroup}
		made.SubnetIDs = []string{world.StagingSubnetA, world.StagingSubnetB}
	}
	tests := map[string]struct {
		world func(*testing.T, *local.Cloud) string // the id to write, "" for none
		want  string
	}{
		"without consent": {func(t *testing.T, c *local.Cloud) string {
			handMade(t, c, nil)
			return ""
		}, `write "adoptEndpointId": "vpce-`},
		"no such endpoint": {func(t *testing.T, c *local.Cloud) string {
			handMade(t, c, nil)
			return "vpce-0ffffffffffffffff"
		}, "vpce-0ffffffffffffffff does not exist in us-east-1"},
		"malformed":   {func(*testing.T, *local.Cloud) string { return "vpce-1" }, "is not an endpoint id"},
		"another VPC": {func(t *testing.T, c *local.Cloud) string { return handMade(t, c, other) }, "is in " + world.StagingVPC},
		"another connection's": {func(t *testing.T, c *local.Cloud) string {
			id := handMade(t, c, nil)
			must(t, c.World.SetTagsByHand(id, connection.Tags("monte-carlo/other", "arn:other")))
			return id
		}, "belongs to the connection monte-carlo/other"},
		"tagged without a manager": {func(t *testing.T, c *local.Cloud) string {
			id := handMade(t, c, nil)
			must(t, c.World.SetTagsByHand(id, map[string]string{connection.TagConnection: "monte-carlo/agents-prod"}))
			return id
		}, "carries tags that begin with postern:"},
		"another service": {func(t *testing.T, c *local.Cloud) string {
			return handMade(t, c, func(made *privatelink.HandMade) { made.ServiceName = world.EngFlowService })
		}, "reaches another service"},
		"rejected": {func(t *testing.T, c *local.Cloud) string {
			id := pendingByHand(t, c)
			must(t, c.World.Vendor(world.MonteCarloService).Reject(id, "no"))
			return id
		}, "is rejected, and can no longer be used"},
		"groups that do not allow inbound HTTPS": {func(t *testing.T, c *local.Cloud) string {
			return handMade(t, c, func(made *privatelink.HandMade) { made.GroupIDs = []string{world.ClientGroup} })
		}, "do not allow 10.20.0.0/16 on 443/tcp"},
		"a zone that points elsewhere": {func(t *testing.T, c *local.Cloud) string {
			id := handMade(t, c, nil)
			zoneByHand(c, "privatelink.getmontecarlo.com.", "elsewhere.example.com.")
			return id
		}, "that Postern did not make for this connection"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			id := test.world(t, c)
			before := c.Inventory()
			ended := onboardWith(t, c, "onboard.monte-carlo.json", func(request map[string]any) {
				if id != "" {
					request["adoptEndpointId"] = id
				}
			})
			if diff := cmp.Diff(slices.Concat([]string{"Plan"}, failedClean), ended.Path); diff != "" || ended.Error != connection.InvalidRequest ||
				!strings.Contains(ended.Cause, test.want) {
				t.Errorf("%s\n%s: %s\nwant %s", diff, ended.Error, ended.Cause, test.want)
			}
			if diff := cmp.Diff(before, c.Inventory()); diff != "" {
				t.Errorf("(-before +after)\n%s", diff)
			}
		})
	}
}

// If another execution adopts the endpoint between plan and adoption, that execution keeps it.
func TestAdoptIsOvertaken(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	id := handMade(t, c, nil)
	done := false
	c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
		if !done && call.Operation == "CreateTags" && record.Function == "postern-ensure-endpoint" {
			done = true
			must(t, c.World.SetTagsByHand(id, connection.AdoptionTags("monte-carlo/other", "arn:other")))
		}
		return nil
	})
	ended := onboardWith(t, c, "onboard.monte-carlo.json", adopting(id))
	if diff := cmp.Diff(slices.Concat(adopted[:3], failedClean), ended.Path); diff != "" || ended.Error != connection.Conflict ||
		!strings.Contains(ended.Cause, "belongs to the connection monte-carlo/other by now") {
		t.Errorf("%s\n%s: %s", diff, ended.Error, ended.Cause)
	}
	if e, _ := c.World.Endpoint(id); e.Tags[connection.TagConnection] != "monte-carlo/other" || len(c.World.Notifications()) > 0 {
		t.Errorf("%v, %v", e.Tags, c.World.Notifications())
	}
}
