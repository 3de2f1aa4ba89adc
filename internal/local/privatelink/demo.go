package privatelink

import "postern/internal/local/clock"

// The things of the demo world, by the names that documentation and tests use.
const (
	DemoAccount = "111122223333"
	DemoRegion  = "us-east-1"
	DemoVPC     = "vpc-0a1b2c3d4e5f60718"
	DemoSubnetA = "subnet-0a10000000000000a"
	DemoSubnetB = "subnet-0b10000000000000b"
	DemoSubnetC = "subnet-0c10000000000000c"
	// DemoEndpointGroup admits HTTPS from the VPC; DemoClientGroup admits nothing and lets everything out.
	DemoEndpointGroup = "sg-0e0000000000000e1"
	DemoClientGroup   = "sg-0c0000000000000c1"
	// MonteCarloService is the service of the demo's vendor, and MonteCarloHost the name its clients use.
	MonteCarloService = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0"
	MonteCarloHost    = "artemis.privatelink.getmontecarlo.com"
)

// DemoWorld returns the world of the demo: one VPC with three subnets and two security groups, and Monte Carlo, which has not
// allow-listed the account yet.
func DemoWorld(c *clock.Clock) *World {
	w := NewWorld(c, DefaultOptions())
	w.AddVPC(VPC{ID: DemoVPC, Region: DemoRegion, CIDRs: []string{"10.20.0.0/16"}, DNSSupport: true, DNSHostnames: true})
	for _, subnet := range []Subnet{
		{ID: DemoSubnetA, AZ: "us-east-1a", AZID: "use1-az1", CIDR: "10.20.1.0/24"},
		{ID: DemoSubnetB, AZ: "us-east-1b", AZID: "use1-az2", CIDR: "10.20.2.0/24"},
		{ID: DemoSubnetC, AZ: "us-east-1c", AZID: "use1-az3", CIDR: "10.20.3.0/24"},
	} {
		subnet.VPCID = DemoVPC
		w.AddSubnet(subnet)
	}
	w.AddSecurityGroup(SecurityGroup{
		ID: DemoEndpointGroup, VPCID: DemoVPC, Name: "endpoint", Description: "HTTPS from the VPC",
		Rules: []Rule{{Protocol: "tcp", FromPort: 443, ToPort: 443, CIDR: "10.20.0.0/16"}},
	})
	w.AddSecurityGroup(SecurityGroup{ID: DemoClientGroup, VPCID: DemoVPC, Name: "clients", Description: "Clients of vendors"})
	w.AddService(VendorService{
		Name: MonteCarloService, ID: "vpce-svc-0123456789abcdef0", Region: DemoRegion, Owner: "444455556666",
		AZIDs: []string{"use1-az1", "use1-az2"}, AcceptanceRequired: true,
		Hostnames: []string{MonteCarloHost}, Ports: []int{443}, ALPN: []string{"h2", "http/1.1"},
	})
	return w
}
