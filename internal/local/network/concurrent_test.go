package network_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"postern/internal/local/privatelink"
	"postern/internal/local/wire"
)

// The endpoints ask Route 53 and Route 53 asks the endpoints, while functions, resolvers and the vendor are at it too.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	c := accepted(t)
	c.update(func(s *privatelink.VendorService) { s.PrivateDNSName, s.PrivateDNSVerification = host, "verified" })
	ec2 := privatelink.NewService(c.world).Operations()
	modify := func(enabled string) error {
		_, err := ec2["ModifyVpcEndpoint"].Do(&wire.Call{
			Operation: "ModifyVpcEndpoint", Region: privatelink.SmallRegion, AccountID: privatelink.SmallAccount,
			Form: map[string][]string{"VpcEndpointId": {c.endpoint}, "PrivateDnsEnabled": {enabled}},
		})
		return err
	}
	list := func() error {
		_, err := ec2["DescribeVpcEndpoints"].Do(&wire.Call{Operation: "DescribeVpcEndpoints", Region: privatelink.SmallRegion})
		return err
	}
	create := c.zones.Operations()["CreateHostedZone"]
	address, err := c.network.Resolver(vpc)
	must(t, err)
	const rounds = 50
	var all sync.WaitGroup
	for _, work := range []func(i int) error{
		func(i int) error { return modify(fmt.Sprint(i%2 == 0)) },
		func(int) error { return list() },
		func(i int) error {
			_, err := create.Do(&wire.Call{Operation: "CreateHostedZone", AccountID: privatelink.SmallAccount, Body: fmt.Appendf(nil,
				"<R><Name>zone-%d.example.com</Name><CallerReference>%d</CallerReference>"+
					"<VPC><VPCRegion>us-east-1</VPCRegion><VPCId>%s</VPCId></VPC></R>", i, i, vpc)})
			return err
		},
		func(int) error {
			_, err := dns.Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(host), dns.TypeA), address)
			return err
		},
		func(int) error { c.network.Decide(client(), addressA, 443); return nil },
		func(int) error { c.zones.HasZone(vpc, host); c.world.ManagedZones(vpc); return nil },
	} {
		all.Go(func() {
			for i := range rounds {
				if err := work(i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := len(c.zones.Zones()); got != rounds {
		t.Errorf("got %d zones, want %d", got, rounds)
	}
}
