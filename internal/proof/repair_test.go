package proof_test

import (
	"encoding/json"
	"os"
	"regexp"
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
	"postern/internal/local/states"
)

// repair requests the repair of checks of a sample's connection.
func repair(t *testing.T, c *local.Cloud, sample string, checks ...connection.DriftCheck) states.Execution {
	t.Helper()
	raw, err := os.ReadFile("../../events/" + sample)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := connection.DecodeRequest(raw)
	if err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(connection.Request{
		SchemaVersion: 1, Action: connection.ActionRepair, Vendor: asked.Vendor, Name: asked.Name, Repair: &connection.Repair{Checks: checks},
	})
	if err != nil {
		t.Fatal(err)
	}
	return execute(t, c, input)
}

// repaired is the path of an onboarding that finds everything there.
var repaired = []string{
	"Plan", "ServiceVisible", "EnsureEndpoint", "AwaitApproval", "AwaitAvailable", "ProbeEndpoint", "ConfigureDNS", "VerifyConnectivity",
	"PublishConfig", "Onboarded",
}

const (
	monteCarlo = "onboard.monte-carlo.json"
	engflow    = "onboard.engflow.json"
)

// theEndpoint is the only one of ours.
func theEndpoint(t *testing.T, c *local.Cloud) privatelink.Endpoint {
	t.Helper()
	var ours []privatelink.Endpoint
	for _, e := range c.World.Endpoints() {
		if e.Tags[connection.TagManaged] == "true" && e.State != privatelink.Deleted {
			ours = append(ours, e)
		}
	}
	if len(ours) != 1 {
		t.Fatalf("%d endpoints", len(ours))
	}
	return ours[0]
}

// broken does one of the damages to the connection.
func broken(name string) func(*testing.T, *local.Cloud) {
	return func(t *testing.T, c *local.Cloud) {
		t.Helper()
		damage, err := people.ParseDamage(name)
		if err == nil {
			err = damage.Do(c, theEndpoint(t, c).ID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// What has drifted is as it was after a repair that names it; the endpoint stays the same, and nothing else is written.
func TestRepair(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		sample string
		change func(*testing.T, *local.Cloud)
		checks []connection.DriftCheck
		writes []string // but those of the record of the connection
	}{
		"record deleted": {monteCarlo, broken("record-deleted"), []connection.DriftCheck{connection.CheckRecord},
			[]string{"ChangeResourceRecordSets"}},
		"record changed": {monteCarlo, broken("record-changed"), []connection.DriftCheck{connection.CheckRecord},
			[]string{"ChangeResourceRecordSets"}},
		"zone deleted": {monteCarlo, broken("zone-deleted"), []connection.DriftCheck{connection.CheckZone},
			[]string{"CreateHostedZone", "ChangeResourceRecordSets"}},
		"zone associated with another VPC": {monteCarlo, func(t *testing.T, c *local.Cloud) {
			for _, zone := range c.Zones.Zones() {
				if strings.HasPrefix(zone.Name, "privatelink.") {
					must(t, c.Zones.ChangeByHand(zone.ID, func(z *route53.Zone) { z.VPCs = nil }))
				}
			}
		}, []connection.DriftCheck{connection.CheckZone}, []string{"AssociateVPCWithHostedZone"}},
		"security group replaced": {monteCarlo, broken("security-group-replaced"),
			[]connection.DriftCheck{connection.CheckSecurityGroups}, []string{"ModifyVpcEndpoint"}},
		"private DNS switched off": {engflow, broken("private-dns"), []connection.DriftCheck{connection.CheckPrivateDNS},
			[]string{"CreateTags", "ModifyVpcEndpoint"}},
		"tags removed": {monteCarlo, func(t *testing.T, c *local.Cloud) {
			e := theEndpoint(t, c)
			gone := map[string]string{}
			for key := range e.Tags {
				gone[key] = ""
			}
			must(t, c.World.SetTagsByHand(e.ID, gone))
		}, []connection.DriftCheck{connection.CheckTags}, []string{"CreateTags"}},
		"parameter edited": {monteCarlo, func(t *testing.T, c *local.Cloud) {
			for _, name := range c.Parameters.Names() {
				must(t, c.Parameters.PutByHand(name, "container:\n  backendServiceUrl: https://elsewhere.example.com\n"))
			}
		}, []connection.DriftCheck{connection.CheckParameters}, nil},
		"nothing": {monteCarlo, func(*testing.T, *local.Cloud) {}, []connection.DriftCheck{connection.CheckRecord, connection.CheckZone,
			connection.CheckTags, connection.CheckSecurityGroups, connection.CheckSubnets, connection.CheckNotification,
			connection.CheckParameters, connection.CheckPrivateDNS}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
			onboard(t, c, test.sample)
			before, endpoint := c.Inventory(), theEndpoint(t, c).ID
			test.change(t, c)
			if changed := c.Inventory(); name != "nothing" && name != "tags removed" && cmp.Equal(before, changed) {
				t.Fatal("nothing was changed")
			}
			called := len(c.Calls())
			ended := repair(t, c, test.sample, test.checks...)
			if diff := cmp.Diff(repaired, ended.Path); diff != "" {
				t.Fatalf("%s\n%s: %s", diff, ended.Error, ended.Cause)
			}
			if diff := cmp.Diff(untagged(before), untagged(c.Inventory())); diff != "" {
				t.Errorf("the account is not as it was:\n%s", diff)
			}
			if now := theEndpoint(t, c); now.ID != endpoint || now.Tags[connection.TagConnection] == "" {
				t.Errorf("endpoint %s became %s with tags %v", endpoint, now.ID, now.Tags)
			}
			var writes []string
			for _, call := range c.Calls()[called:] {
				if slices.Contains(repairWrites, call.Operation) {
					writes = append(writes, call.Operation)
				}
			}
			if test.checks[0] == connection.CheckParameters {
				if len(writes) == 0 || slices.ContainsFunc(writes, func(w string) bool { return w != "PutParameter" && w != "AddTagsToResource" }) {
					t.Errorf("wrote %q", writes)
				}
			} else if diff := cmp.Diff(test.writes, writes); diff != "" {
				t.Errorf("writes (-want +got):\n%s", diff)
			}
		})
	}
}

// untagged leaves tags out: a repair notes on an endpoint that it switched private DNS on, and does not know which execution made it.
func untagged(inventory []string) []string {
	var all []string
	for _, line := range inventory {
		all = append(all, tagsOf.ReplaceAllString(line, ""))
	}
	return all
}

var tagsOf = regexp.MustCompile(`, tags map\[[^]]*\]`)

// repairWrites are the calls that change what a connection consists of.
var repairWrites = []string{
	"CreateVpcEndpoint", "ModifyVpcEndpoint", "DeleteVpcEndpoints", "CreateTags", "CreateSecurityGroup", "AuthorizeSecurityGroupIngress",
	"CreateVpcEndpointConnectionNotification", "DeleteVpcEndpointConnectionNotifications", "CreateHostedZone", "DeleteHostedZone",
	"AssociateVPCWithHostedZone", "DisassociateVPCFromHostedZone", "ChangeResourceRecordSets", "PutParameter", "AddTagsToResource",
	"DeleteParameter",
}

// A repair of drift that needs manual repair is refused before anything is written. Its error says what to do.
func TestRepairRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before func(*testing.T, *local.Cloud)
		says   string
	}{
		"never onboarded":       {func(*testing.T, *local.Cloud) {}, "is not onboarded; onboard it"},
		"the endpoint is gone":  {linkedAnd(broken("deletion")), "a repair does not replace it; onboard the connection again"},
		"the vendor rejected":   {linkedAnd(broken("rejection")), "is rejected, which no repair changes; ask the vendor"},
		"the zone is another's": {linkedAnd(broken("zone-replaced")), "an owner that is not Postern"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			test.before(t, c)
			before := c.Inventory()
			ended := repair(t, c, monteCarlo, connection.CheckRecord)
			if ended.Status != states.Failed || ended.Path[len(ended.Path)-1] != "FailedClean" || !strings.Contains(ended.Cause, test.says) {
				t.Errorf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
			}
			if diff := cmp.Diff(before, c.Inventory()); diff != "" {
				t.Errorf("the account changed:\n%s", diff)
			}
		})
	}
}

func linkedAnd(change func(*testing.T, *local.Cloud)) func(*testing.T, *local.Cloud) {
	return func(t *testing.T, c *local.Cloud) {
		(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
		onboard(t, c, monteCarlo)
		change(t, c)
	}
}

// A repair that fails restores what it found: the manual change stays as it was.
func TestRepairThatFailsRestores(t *testing.T) {
	t.Parallel()
	for _, damage := range []string{"record-changed", "record-deleted"} {
		t.Run(damage, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			linkedAnd(broken(damage))(t, c)
			broken("certificate-expired")(t, c)
			before, id := c.Inventory(), theEndpoint(t, c).ID
			ended := repair(t, c, monteCarlo, connection.CheckRecord)
			if last := ended.Path[len(ended.Path)-1]; last != "FailedClean" {
				t.Fatalf("%v: %s", ended.Path, ended.Cause)
			}
			if diff := cmp.Diff(before, c.Inventory()); diff != "" || theEndpoint(t, c).ID != id {
				t.Errorf("the account is not as it was found:\n%s", diff)
			}
		})
	}
}

// optedIn returns a cloud with a connection whose drift of one check is to be repaired.
func optedIn(t *testing.T, sample string, check connection.DriftCheck) *local.Cloud {
	t.Helper()
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	ended := onboardWith(t, c, sample, func(request map[string]any) {
		request["drift"] = map[string]string{string(check): string(connection.PolicyRepair)}
	})
	if ended.Status != states.Succeeded {
		t.Fatalf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
	}
	return c
}

// repairs are the executions that the drift check started, in order.
func repairs(c *local.Cloud) []states.Execution {
	var started []states.Execution
	for _, e := range c.States.Executions() {
		if strings.Contains(string(e.Input), `"requester":"postern drift"`) {
			started = append(started, e)
		}
	}
	return started
}

func TestDriftIsRepairedWhenAskedFor(t *testing.T) {
	t.Parallel()
	c := optedIn(t, engflow, connection.CheckPrivateDNS)
	before, id := c.Inventory(), theEndpoint(t, c).ID
	broken("private-dns")(t, c)
	must(t, c.Advance(5*time.Hour))
	started := repairs(c)
	if len(started) != 1 || !slices.Equal(started[0].Path, repaired) {
		t.Fatalf("%d repairs: %+v", len(started), started)
	}
	if diff := cmp.Diff(untagged(before), untagged(c.Inventory())); diff != "" || theEndpoint(t, c).ID != id {
		t.Errorf("the account is not as it was:\n%s", diff)
	}
	said := drifts(t, c)
	if !slices.Contains(said, "opened private-dns drift") || !slices.Contains(said, "closed private-dns drift") {
		t.Errorf("said %q", said)
	}
}

// A manual change that returns after each repair stays after three repairs, and Postern reports it.
func TestFlappingEndsRepairs(t *testing.T) {
	t.Parallel()
	c := optedIn(t, engflow, connection.CheckPrivateDNS)
	for range 8 {
		if theEndpoint(t, c).PrivateDNSEnabled {
			broken("private-dns")(t, c)
		}
		must(t, c.Advance(2*time.Hour))
	}
	if started := repairs(c); len(started) != 3 {
		t.Errorf("%d repairs, want 3", len(started))
	}
	flapping := 0
	for _, said := range drifts(t, c) {
		if said == "flapping private-dns drift" {
			flapping++
		}
	}
	if flapping != 1 || theEndpoint(t, c).PrivateDNSEnabled {
		t.Errorf("said %q", drifts(t, c))
	}
	if by := lastNotice(t, c).Finding.By; by != "arn:aws:iam::111122223333:user/somebody (ModifyVpcEndpoint)" {
		t.Errorf("changed back by %q", by)
	}
	must(t, c.Advance(24*time.Hour)) // a day later it is tried again
	if started := repairs(c); len(started) != 4 || !theEndpoint(t, c).PrivateDNSEnabled {
		t.Errorf("%d repairs after a day, want 4", len(started))
	}
}

// lastNotice is the last thing that the drift check said.
func lastNotice(t *testing.T, c *local.Cloud) (last connection.DriftNotice) {
	t.Helper()
	for _, emitted := range c.Events.Events() {
		if emitted.Event.DetailType == connection.EventDrift {
			last = connection.DriftNotice{}
			must(t, json.Unmarshal(emitted.Event.Detail, &last))
		}
	}
	return last
}

// The request does not ask for repairs: Postern reports the drift and changes nothing.
func TestDriftIsOnlyToldByDefault(t *testing.T) {
	t.Parallel()
	c := optedIn(t, engflow, connection.CheckTags)
	broken("private-dns")(t, c)
	must(t, c.Advance(3*time.Hour))
	if started := repairs(c); len(started) != 0 || theEndpoint(t, c).PrivateDNSEnabled {
		t.Errorf("%d repairs", len(started))
	}
}

// Private DNS cannot be enabled while another owner's zone has the same name: Postern reports it and starts no repair. Once that zone
// is deleted, Postern repairs private DNS.
func TestPrivateDNSThatIsTakenIsForHands(t *testing.T) {
	t.Parallel()
	c := optedIn(t, engflow, connection.CheckPrivateDNS)
	broken("private-dns-taken")(t, c)
	pass(t, c, 5)
	if started := repairs(c); len(started) > 0 || slices.Contains(drifts(t, c), "flapping private-dns drift") {
		t.Errorf("%d repairs; said %q", len(started), drifts(t, c))
	}
	forHands := false
	for _, emitted := range c.Events.Events() {
		var n connection.DriftNotice
		if emitted.Event.DetailType == connection.EventDrift && json.Unmarshal(emitted.Event.Detail, &n) == nil && n.Finding.Check == connection.CheckPrivateDNS {
			forHands = n.Finding.ForHands && strings.Contains(n.Finding.Detail, "another zone of the VPC")
		}
	}
	if !forHands {
		t.Error("no notification reports that private DNS needs manual repair")
	}
	must(t, c.Zones.DeleteByHand(world.EngFlowHost))
	pass(t, c, 30)
	if started := repairs(c); len(started) != 1 || !theEndpoint(t, c).PrivateDNSEnabled {
		t.Errorf("%d repairs once the zone was gone", len(started))
	}
}

// Postern reports drift that needs manual repair and changes nothing: it starts no execution that would fail or change nothing.
func TestDriftForHandsStartsNoRepair(t *testing.T) {
	t.Parallel()
	zone := func(edit func(*route53.Zone)) func(*testing.T, *local.Cloud) {
		return func(t *testing.T, c *local.Cloud) { must(t, c.Zones.ChangeByHand(ownZone(t, c).ID, edit)) }
	}
	for name, test := range map[string]struct {
		check  connection.DriftCheck
		change func(*testing.T, *local.Cloud)
	}{
		"a rule of a group that the request named": {connection.CheckSecurityGroups, broken("security-group")},
		"a group lets anyone in":                   {connection.CheckSecurityGroups, addRule(world.EndpointGroup, httpsFromAnywhere)},
		"another owner's zone in place of ours":    {connection.CheckZone, broken("zone-replaced")},
		"the records of such a zone":               {connection.CheckRecord, broken("zone-replaced")},
		"a VPC more": {connection.CheckZone, zone(func(z *route53.Zone) {
			z.VPCs = append(z.VPCs, route53.VPC{ID: elsewhere, Region: world.Region})
		})},
		"a record of another type": {connection.CheckRecord, zone(func(z *route53.Zone) {
			for i := range z.Records {
				if z.Records[i].Type == "CNAME" {
					z.Records[i] = route53.Record{Name: z.Records[i].Name, Type: "A", TTL: 60, Values: []string{"203.0.113.9"}}
				}
			}
		})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := optedIn(t, monteCarlo, test.check)
			test.change(t, c)
			pass(t, c, 5)
			if said := drifts(t, c); !slices.Contains(said, "opened "+string(test.check)+" drift") ||
				slices.Contains(said, "flapping "+string(test.check)+" drift") {
				t.Errorf("said %q", said)
			}
			if started := repairs(c); len(started) > 0 {
				t.Errorf("%d repairs, the first %v: %s", len(started), started[0].Path, started[0].Cause)
			}
		})
	}
}
