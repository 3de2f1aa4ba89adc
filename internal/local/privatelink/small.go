package privatelink

import "postern/internal/local/clock"

// The parts of the small world.
const (
	SmallAccount = "111122223333"
	SmallRegion  = "us-east-1"
	SmallVPC     = "vpc-0a1b2c3d4e5f60718"
	SmallSubnetA = "subnet-0a10000000000000a"
	SmallSubnetB = "subnet-0b10000000000000b"
	SmallSubnetC = "subnet-0c10000000000000c"
	// SmallEndpointGroup allows HTTPS from the VPC; SmallClientGroup allows no traffic in and all traffic out.
	SmallEndpointGroup = "sg-0e0000000000000e1"
	SmallClientGroup   = "sg-0c0000000000000c1"
	// SmallService is an endpoint service in two of the three zones that accepts each endpoint manually. Its clients use SmallHost.
	SmallService = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0"
	SmallHost    = "artemis.privatelink.vendor-example.com"
)

// Small returns a world with one account, one VPC with three subnets, two security groups, and one endpoint service of another
// account, which has not allow-listed the account yet.
func Small(c *clock.Clock) *World {
	w := NewWorld(c, DefaultOptions())
	w.AddVPC(VPC{ID: SmallVPC, Region: SmallRegion, CIDRs: []string{"10.20.0.0/16"}, DNSSupport: true, DNSHostnames: true})
	w.AddSubnet(Subnet{ID: SmallSubnetA, VPCID: SmallVPC, AZ: "us-east-1a", AZID: "use1-az1", CIDR: "10.20.1.0/24"})
	w.AddSubnet(Subnet{ID: SmallSubnetB, VPCID: SmallVPC, AZ: "us-east-1b", AZID: "use1-az2", CIDR: "10.20.2.0/24"})
	w.AddSubnet(Subnet{ID: SmallSubnetC, VPCID: SmallVPC, AZ: "us-east-1c", AZID: "use1-az3", CIDR: "10.20.3.0/24"})
	w.AddSecurityGroup(SecurityGroup{
		ID: SmallEndpointGroup, VPCID: SmallVPC, Name: "endpoint", Description: "HTTPS from the VPC",
		Rules: []Rule{{Protocol: "tcp", FromPort: 443, ToPort: 443, CIDR: "10.20.0.0/16"}},
	})
	w.AddSecurityGroup(SecurityGroup{ID: SmallClientGroup, VPCID: SmallVPC, Name: "clients", Description: "Clients of vendors"})
	w.AddService(VendorService{
		Name: SmallService, ID: "vpce-svc-0123456789abcdef0", Region: SmallRegion, Owner: "444455556666",
		AZIDs: []string{"use1-az1", "use1-az2"}, AcceptanceRequired: true, ConsumerRegions: []string{"eu-west-1"},
		Hostnames: []string{SmallHost}, Ports: []int{443}, ALPN: []string{"h2", "http/1.1"},
	})
	return w
}
