package network_test

import (
	"testing"
	"time"

	"postern/internal/local/clock"
	"postern/internal/local/network"
	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
	"postern/internal/local/wire"
)

const (
	vpc, otherVPC    = privatelink.SmallVPC, "vpc-other"
	subnetA, subnetC = privatelink.SmallSubnetA, privatelink.SmallSubnetC
	monteCarlo, host = privatelink.SmallService, privatelink.SmallHost
	addressA         = "10.20.1.4" // of the endpoint's interface in each subnet
	addressB         = "10.20.2.4"
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// cloud is the demo world with an endpoint that waits for acceptance, and its network.
type cloud struct {
	t        *testing.T
	clock    *clock.Clock
	world    *privatelink.World
	zones    *route53.Service
	network  *network.Network
	vendor   *privatelink.Vendor
	endpoint string
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{t: t, clock: clock.New(start)}
	c.world = privatelink.Small(c.clock)
	c.world.AddVPC(privatelink.VPC{
		ID: otherVPC, Region: privatelink.SmallRegion, CIDRs: []string{"10.30.0.0/16"}, DNSSupport: true, DNSHostnames: true,
	})
	c.zones = route53.New(c.clock, c.world, route53.DefaultOptions(privatelink.SmallAccount))
	c.world.SetZones(c.zones)
	var err error
	c.network, err = network.New(network.Config{World: c.world, Zones: c.zones, Now: c.clock.Now, Dir: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { must(t, c.network.Close()) })
	c.vendor = c.world.Vendor(monteCarlo)
	must(t, c.vendor.Allow(privatelink.SmallAccount))
	_, err = privatelink.NewService(c.world).Operations()["CreateVpcEndpoint"].Do(&wire.Call{
		Operation: "CreateVpcEndpoint", Region: privatelink.SmallRegion, AccountID: privatelink.SmallAccount,
		Form: map[string][]string{
			"VpcEndpointType": {"Interface"}, "VpcId": {vpc}, "ServiceName": {monteCarlo}, "SubnetId.1": {subnetA},
			"SubnetId.2": {privatelink.SmallSubnetB}, "SecurityGroupId.1": {privatelink.SmallEndpointGroup},
		},
	})
	must(t, err)
	c.endpoint = c.vendor.Waiting()[0]
	return c
}

// accepted is newCloud with the endpoint available.
func accepted(t *testing.T) *cloud {
	t.Helper()
	c := newCloud(t)
	must(t, c.vendor.Accept(c.endpoint))
	c.pass(time.Minute)
	return c
}

func (c *cloud) pass(d time.Duration) {
	c.t.Helper()
	over := false
	c.clock.After(d, "test", func() { over = true })
	must(c.t, c.clock.Run(func() bool { return over }, c.clock.Now().Add(d)))
}

func (c *cloud) update(change func(*privatelink.VendorService)) {
	c.t.Helper()
	must(c.t, c.vendor.Update(change))
}

// zone adds a private zone of the demo VPC.
func (c *cloud) zone(name string, records ...route53.Record) {
	c.zones.AddZone(route53.Zone{
		Name: name, Private: true, VPCs: []route53.VPC{{Region: privatelink.SmallRegion, ID: vpc}}, Records: records,
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
