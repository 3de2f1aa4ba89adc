package proof_test

import (
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
	"postern/internal/local/wire"
)

// shallowDrifts are what the drift check has said so far of the checks that come out of lists.
func shallowDrifts(t *testing.T, c *local.Cloud) []string {
	t.Helper()
	return slices.DeleteFunc(drifts(t, c), func(said string) bool {
		info, _ := connection.DriftCheck(strings.Fields(said)[1]).Info()
		return info.Deep
	})
}

// damage does a damage to the connection's endpoint.
func damage(name string) func(*testing.T, *local.Cloud) {
	return func(t *testing.T, c *local.Cloud) {
		t.Helper()
		d, err := people.ParseDamage(name)
		must(t, err)
		must(t, d.Do(c, c.World.Endpoints()[0].ID))
	}
}

// changed changes the connection's endpoint.
func changed(change func(*privatelink.Endpoint)) func(*testing.T, *local.Cloud) {
	return func(t *testing.T, c *local.Cloud) {
		t.Helper()
		must(t, c.World.ChangeByHand(c.World.Endpoints()[0].ID, change))
	}
}

// byVendor changes the service behind the connection's endpoint.
func byVendor(change func(*privatelink.VendorService)) func(*testing.T, *local.Cloud) {
	return func(t *testing.T, c *local.Cloud) {
		t.Helper()
		must(t, c.World.Vendor(c.World.Endpoints()[0].ServiceName).Update(change))
	}
}

var openACL = []privatelink.ACLEntry{
	{Number: 100, Allow: true, Protocol: "-1", CIDR: "0.0.0.0/0"},
	{Number: 100, Egress: true, Allow: true, Protocol: "-1", CIDR: "0.0.0.0/0"},
}

const httpsFromAnywhere = "0.0.0.0/0"

func addRule(group, cidr string) func(*testing.T, *local.Cloud) {
	return func(t *testing.T, c *local.Cloud) {
		t.Helper()
		must(t, c.World.AddSecurityGroupRule(group, privatelink.Rule{Protocol: "tcp", FromPort: 443, ToPort: 443, CIDR: cidr}))
	}
}

// A manual change breaks one thing, and exactly that check reports it. A manual repair closes the finding.
func TestShallowDriftIsNamedAndCloses(t *testing.T) {
	t.Parallel()
	const own = "own group"
	type step = func(*testing.T, *local.Cloud)
	withDNS := func(t *testing.T, c *local.Cloud) { must(t, c.World.SetVPCDNS(world.VPC, true, true)) }
	withACLs := func(t *testing.T, c *local.Cloud) {
		for _, subnet := range []string{world.SubnetA, world.SubnetB} {
			must(t, c.World.SetACL(subnet, openACL...))
		}
	}
	withoutOpen := func(t *testing.T, c *local.Cloud) {
		must(t, c.World.RemoveSecurityGroupRule(world.EndpointGroup, func(r privatelink.Rule) bool { return !r.Egress && r.CIDR == httpsFromAnywhere }))
	}
	groupOf := func(c *local.Cloud) string { return c.World.Endpoints()[0].GroupIDs[0] }
	for name, test := range map[string]struct {
		request string
		broken  connection.DriftCheck
		change  step
		mend    step // nil if a manual repair is impossible
	}{
		"rejected":         {monteCarloSample, connection.CheckEndpointState, damage("rejection"), nil},
		"deleted":          {monteCarloSample, connection.CheckEndpoint, damage("deletion"), nil},
		"partial":          {monteCarloSample, connection.CheckEndpointState, changed(func(e *privatelink.Endpoint) { e.State = "partial" }), changed(func(e *privatelink.Endpoint) { e.State = privatelink.Available })},
		"failed":           {monteCarloSample, connection.CheckEndpointState, changed(func(e *privatelink.Endpoint) { e.State, e.FailText = privatelink.Failed, "why" }), nil},
		"another service":  {monteCarloSample, connection.CheckService, changed(func(e *privatelink.Endpoint) { e.ServiceName = world.EngFlowService }), changed(func(e *privatelink.Endpoint) { e.ServiceName = world.MonteCarloService })},
		"service's Region": {monteCarloSample, connection.CheckService, changed(func(e *privatelink.Endpoint) { e.ServiceRegion = "us-west-2" }), changed(func(e *privatelink.Endpoint) { e.ServiceRegion = world.Region })},
		"a subnet less": {monteCarloSample, connection.CheckSubnets, func(t *testing.T, c *local.Cloud) {
			must(t, c.World.RemoveSubnetByHand(c.World.Endpoints()[0].ID, world.SubnetB))
		}, changed(func(e *privatelink.Endpoint) {
			e.SubnetIDs = []string{world.SubnetB, world.SubnetA}
		})},
		"a zone more":      {monteCarloSample, connection.CheckZonesOffered, byVendor(func(s *privatelink.VendorService) { s.AZIDs = append(slices.Clone(s.AZIDs), "use1-az3") }), byVendor(func(s *privatelink.VendorService) { s.AZIDs = s.AZIDs[:2] })},
		"the rule removed": {monteCarloSample, connection.CheckSecurityGroups, damage("security-group"), addRule(world.EndpointGroup, "10.20.0.0/16")},
		"the rule is narrower": {monteCarloSample, connection.CheckSecurityGroups, func(t *testing.T, c *local.Cloud) {
			damage("security-group")(t, c)
			addRule(world.EndpointGroup, "10.20.0.0/17")(t, c)
		}, addRule(world.EndpointGroup, "10.20.128.0/17")},
		"another group": {monteCarloSample, connection.CheckSecurityGroups, damage("security-group-replaced"), func(t *testing.T, c *local.Cloud) {
			must(t, c.World.SetSecurityGroupsByHand(c.World.Endpoints()[0].ID, world.EndpointGroup))
		}},
		"open to anyone": {monteCarloSample, connection.CheckSecurityGroups, addRule(world.EndpointGroup, httpsFromAnywhere), withoutOpen},
		"our own group's rule": {own, connection.CheckSecurityGroups, func(t *testing.T, c *local.Cloud) {
			must(t, c.World.RemoveSecurityGroupRule(groupOf(c), func(r privatelink.Rule) bool { return r.CIDR == "10.20.0.0/16" }))
		}, func(t *testing.T, c *local.Cloud) { addRule(groupOf(c), "10.20.0.0/16")(t, c) }},
		"private DNS": {"onboard.engflow.json", connection.CheckPrivateDNS, damage("private-dns"), func(t *testing.T, c *local.Cloud) {
			must(t, c.World.SetPrivateDNSByHand(c.World.Endpoints()[0].ID, true))
		}},
		"DNS hostnames": {monteCarloSample, connection.CheckVPCDNS, damage("dns-hostnames"), withDNS},
		"DNS support":   {"onboard.engflow.json", connection.CheckVPCDNS, damage("dns-support"), withDNS},
		"policy": {monteCarloSample, connection.CheckPolicy, changed(func(e *privatelink.Endpoint) { e.Policy = `{"Statement":[]}` }), changed(func(e *privatelink.Endpoint) {
			e.Policy = `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["*"],"Resource":"*"}]}`
		})},
		"our tag": {monteCarloSample, connection.CheckTags, changed(func(e *privatelink.Endpoint) { delete(e.Tags, connection.TagManaged) }), changed(func(e *privatelink.Endpoint) { e.Tags[connection.TagManaged] = "true" })},
		"withdrawn": {monteCarloSample, connection.CheckServiceVisible, damage("withdrawal"), func(t *testing.T, c *local.Cloud) {
			must(t, c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()))
		}},
		"acceptance":       {monteCarloSample, connection.CheckServiceVisible, byVendor(func(s *privatelink.VendorService) { s.AcceptanceRequired = false }), byVendor(func(s *privatelink.VendorService) { s.AcceptanceRequired = true })},
		"private name":     {"onboard.engflow.json", connection.CheckServiceVisible, byVendor(func(s *privatelink.VendorService) { s.PrivateDNSVerification = "failed" }), byVendor(func(s *privatelink.VendorService) { s.PrivateDNSVerification = "verified" })},
		"notification":     {monteCarloSample, connection.CheckNotification, func(_ *testing.T, c *local.Cloud) { c.World.RemoveNotificationsByHand(c.World.Endpoints()[0].ID) }, nil},
		"network ACL":      {monteCarloSample, connection.CheckNetworkACL, damage("network-acl"), withACLs},
		"the answers' ACL": {monteCarloSample, connection.CheckNetworkACL, damage("network-acl-answers"), withACLs},
		"the clients' ACL": {monteCarloSample, connection.CheckNetworkACL, damage("client-network-acl"), withACLs},
		"a tag of theirs":  {monteCarloSample, "", changed(func(e *privatelink.Endpoint) { e.Tags["team"] = "data" }), nil},
		"a rule of theirs": {monteCarloSample, "", addRule(world.EndpointGroup, "192.0.2.0/24"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			must(t, c.World.Vendor(world.MonteCarloService).Update(func(s *privatelink.VendorService) { s.PolicySupported = true }))
			(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
			if test.request == own {
				execute(t, c, withoutGroups(t))
			} else {
				onboard(t, c, test.request)
			}
			advance(t, c, 3*time.Hour)
			if said := shallowDrifts(t, c); len(said) > 0 {
				t.Fatalf("found drift, although nothing was changed: %q", said)
			}
			test.change(t, c)
			advance(t, c, 3*time.Hour) // said once, however often it is seen
			want := []string{}
			if test.broken != "" {
				want = append(want, "opened "+string(test.broken)+" drift")
			}
			if diff := cmp.Diff(want, shallowDrifts(t, c)); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			if test.mend == nil {
				return
			}
			test.mend(t, c)
			advance(t, c, 2*time.Hour)
			if diff := cmp.Diff(append(want, "closed "+string(test.broken)+" drift"), shallowDrifts(t, c)); diff != "" {
				t.Errorf("after the repair (-want +got):\n%s", diff)
			}
		})
	}
}

// After a new Availability Zone appears, an onboarding accepts the zones of the service. It does not change the endpoint's subnets,
// whatever the request names, and reports that.
func TestOnboardingAgainAcceptsNewZones(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	onboard(t, c, monteCarloSample)
	byVendor(func(s *privatelink.VendorService) { s.AZIDs = append(slices.Clone(s.AZIDs), "use1-az3") })(t, c)
	advance(t, c, 2*time.Hour)
	said := []string{"opened availability-zones drift"}
	if diff := cmp.Diff(said, shallowDrifts(t, c)); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	again := onboardWith(t, c, monteCarloSample, func(r map[string]any) {
		target(r)["subnetIds"] = []string{world.SubnetA, world.SubnetB, world.SubnetC}
	})
	if state := stateOf(t, again); len(c.World.Endpoints()[0].SubnetIDs) != 2 || !has(state.Plan.Findings, "adopted-endpoint-differs") {
		t.Errorf("%v, %+v", c.World.Endpoints()[0].SubnetIDs, state.Plan.Findings)
	}
	advance(t, c, 2*time.Hour)
	if diff := cmp.Diff(append(said, "closed availability-zones drift"), shallowDrifts(t, c)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

const monteCarloSample = "onboard.monte-carlo.json"

// A read that fails makes unknown what depends on it, and nothing else. A drift that was found before stays open.
func TestAFailedListIsUnknown(t *testing.T) {
	t.Parallel()
	everything := []connection.DriftCheck{}
	for _, info := range connection.DriftChecks {
		if !info.Deep {
			everything = append(everything, info.Check)
		}
	}
	without := func(checks ...connection.DriftCheck) []connection.DriftCheck {
		return slices.DeleteFunc(slices.Clone(everything), func(c connection.DriftCheck) bool { return slices.Contains(checks, c) })
	}
	for operation, want := range map[string][]connection.DriftCheck{
		"DescribeVpcEndpoints":                       without(connection.CheckVPCDNS, connection.CheckServiceVisible),
		"DescribeSecurityGroups":                     {connection.CheckSecurityGroups},
		"DescribeVpcs":                               {connection.CheckSecurityGroups, connection.CheckNetworkACL},
		"DescribeVpcAttribute":                       {connection.CheckVPCDNS},
		"DescribeNetworkAcls":                        {connection.CheckNetworkACL},
		"DescribeVpcEndpointServices":                {connection.CheckZonesOffered, connection.CheckServiceVisible},
		"DescribeVpcEndpointConnectionNotifications": {connection.CheckNotification},
		"Describe":                                   everything,
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			must(t, c.World.Vendor(world.MonteCarloService).Update(func(s *privatelink.VendorService) { s.PolicySupported = true }))
			(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
			onboard(t, c, monteCarloSample)
			changed(func(e *privatelink.Endpoint) { delete(e.Tags, connection.TagManaged) })(t, c)
			advance(t, c, 2*time.Hour)
			said := []string{"opened tags drift"}
			c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
				failed := call.Operation == operation || operation == "Describe" && strings.HasPrefix(call.Operation, operation)
				if record.Function == "postern-drift" && call.Service == "ec2" && failed {
					return &wire.Fault{Kind: wire.Deny}
				}
				return nil
			})
			advance(t, c, 2*time.Hour)
			for _, how := range []string{"opened", "closed"} {
				for _, check := range want {
					if check != connection.CheckTags {
						said = append(said, how+" "+string(check)+" unknown")
					}
				}
				if diff := cmp.Diff(said, shallowDrifts(t, c)); diff != "" {
					t.Fatalf("%s (-want +got):\n%s", how, diff)
				}
				c.Server.SetFault(nil)
				advance(t, c, 2*time.Hour)
			}
		})
	}
}

// A connection of another account, or of another Region, is looked at there, by that network's role.
func TestDriftElsewhereIsNamed(t *testing.T) {
	t.Parallel()
	samples := []string{otherAccount}
	for sample := range abroad {
		samples = append(samples, sample)
	}
	for _, sample := range samples {
		t.Run(sample, func(t *testing.T) {
			t.Parallel()
			c := linked(t, sample)
			reject(t, c)
			advance(t, c, 2*time.Hour)
			if diff := cmp.Diff([]string{"opened endpoint-state drift"}, shallowDrifts(t, c)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
