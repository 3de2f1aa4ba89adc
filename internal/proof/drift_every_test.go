package proof_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
)

// everyCheck breaks, for each check, exactly what it looks at. Consequences are listed too: a name that no longer resolves also fails
// the resolution check, whatever caused it.
var everyCheck = map[connection.DriftCheck]struct {
	sample  string // "" for Monte Carlo's
	change  func(*testing.T, *local.Cloud)
	follows []string
}{
	connection.CheckEndpointState:  {change: damage("rejection"), follows: []string{"resolution"}},
	connection.CheckEndpoint:       {change: damage("deletion"), follows: []string{"resolution", "interfaces"}},
	connection.CheckService:        {change: changed(func(e *privatelink.Endpoint) { e.ServiceRegion = "us-west-2" }), follows: []string{"resolution"}},
	connection.CheckSubnets:        {change: subnetRemoved, follows: []string{"interfaces", "resolution"}},
	connection.CheckZonesOffered:   {change: byVendor(func(s *privatelink.VendorService) { s.AZIDs = append(s.AZIDs, "use1-az3") })},
	connection.CheckInterfaces:     {change: onCloud(func(c *local.Cloud) error { return c.World.SetAddressByHand(c.World.Endpoints()[0].ID, "10.20.1.77") }), follows: []string{"resolution"}},
	connection.CheckSecurityGroups: {change: addRule(world.EndpointGroup, httpsFromAnywhere)},
	connection.CheckPrivateDNS:     {sample: engflow, change: damage("private-dns"), follows: []string{"resolution"}},
	connection.CheckVPCDNS:         {change: damage("dns-hostnames"), follows: []string{"resolution"}},
	connection.CheckZone: {change: inZone(func(z *route53.Zone) {
		z.VPCs = append(z.VPCs, route53.VPC{ID: elsewhere, Region: world.Region})
	})},
	connection.CheckRecord:         {change: func(t *testing.T, c *local.Cloud) { must(t, setTTL(7)(t, c)) }},
	connection.CheckShadowing:      {change: damage("zone-shadowed"), follows: []string{"resolution"}},
	connection.CheckPolicy:         {change: changed(func(e *privatelink.Endpoint) { e.Policy = `{"Statement":[]}` })},
	connection.CheckParameters:     {change: onCloud(func(c *local.Cloud) error { return c.Parameters.DeleteByHand(documentParameter) })},
	connection.CheckTags:           {change: changed(func(e *privatelink.Endpoint) { delete(e.Tags, connection.TagManaged) })},
	connection.CheckServiceVisible: {change: damage("withdrawal")},
	connection.CheckNotification: {change: onCloud(func(c *local.Cloud) error {
		c.World.RemoveNotificationsByHand(c.World.Endpoints()[0].ID)
		return nil
	})},
	connection.CheckResolution:  {change: damage("no-answer")},
	connection.CheckNetworkACL:  {change: damage("network-acl"), follows: []string{"resolution"}},
	connection.CheckCertificate: {change: byVendor(func(s *privatelink.VendorService) { s.Certificate = privatelink.ExpiringCertificate })},
}

func onCloud(change func(*local.Cloud) error) func(*testing.T, *local.Cloud) {
	return func(t *testing.T, c *local.Cloud) {
		t.Helper()
		must(t, change(c))
	}
}

func inZone(change func(*route53.Zone)) func(*testing.T, *local.Cloud) {
	return func(t *testing.T, c *local.Cloud) {
		t.Helper()
		must(t, edit(change)(t, c))
	}
}

func subnetRemoved(t *testing.T, c *local.Cloud) {
	t.Helper()
	must(t, c.World.RemoveSubnetByHand(c.World.Endpoints()[0].ID, world.SubnetB))
}

// Each check names what was broken of its own, once, and no other check does but for what follows.
func TestEveryCheckNamesItsDrift(t *testing.T) {
	t.Parallel()
	for _, info := range connection.DriftChecks {
		t.Run(string(info.Check), func(t *testing.T) {
			t.Parallel()
			test, known := everyCheck[info.Check]
			if !known {
				t.Fatal("everyCheck has no entry for this check: add one")
			}
			sample := test.sample
			if sample == "" {
				sample = monteCarlo
			}
			c := linked(t, sample)
			test.change(t, c)
			pass(t, c, 26)
			if diff := cmp.Diff(opened(append([]string{string(info.Check)}, test.follows...)...), drifts(t, c)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
