// Package world is the world around Postern on the simulator: the networks and vendors of the sample requests, and the ticket
// systems. Open deploys Postern's template into it.
package world

import (
	"strings"

	"postern/internal/local/clock"
	"postern/internal/local/privatelink"
)

// The parts of the world, by the names that the documentation and the tests use.
const (
	Account = "111122223333"
	Region  = "us-east-1"
	VPC     = "vpc-0a1b2c3d4e5f60718"
	SubnetA = "subnet-0a10000000000000a"
	SubnetB = "subnet-0b10000000000000b"
	SubnetC = "subnet-0c10000000000000c"
	// EndpointGroup allows HTTPS from the VPC; ClientGroup allows no traffic in and all traffic out.
	EndpointGroup = "sg-0e0000000000000e1"
	ClientGroup   = "sg-0c0000000000000c1"
	// HandMade is the ID of the endpoint that the demo creates manually.
	HandMade = "vpce-0a0d0b0e0a0d0b0e0"
	// The second VPC, with the same parts.
	StagingVPC           = "vpc-0b2c3d4e5f6071829"
	StagingSubnetA       = "subnet-0a20000000000000a"
	StagingSubnetB       = "subnet-0b20000000000000b"
	StagingEndpointGroup = "sg-0e0000000000000e2"
	StagingClientGroup   = "sg-0c0000000000000c2"
	// The network of another account. Its Availability Zones have other names there: us-east-1a is use1-az2.
	OtherAccount       = "222233334444"
	OtherVPC           = "vpc-0f1e2d3c4b5a69788"
	OtherSubnetA       = "subnet-0a40000000000000a"
	OtherSubnetB       = "subnet-0b40000000000000b"
	OtherEndpointGroup = "sg-0e0000000000000e4" // allows HTTPS from that VPC
	OtherClientGroup   = "sg-0c0000000000000c4"
	// The networks of another Region, in the first account and in the other one.
	EuropeRegion         = "eu-west-1"
	EuropeVPC            = "vpc-0c3d4e5f607182930"
	OtherEuropeVPC       = "vpc-0d4e5f60718293041"
	europeSubnetA        = "subnet-0a50000000000000a"
	europeSubnetB        = "subnet-0b50000000000000b"
	europeEndpointGroup  = "sg-0e0000000000000e5" // allows HTTPS from that VPC
	europeClientGroup    = "sg-0c0000000000000c5"
	otherEuropeSubnetA   = "subnet-0a60000000000000a"
	otherEuropeSubnetB   = "subnet-0b60000000000000b"
	otherEuropeEndpoints = "sg-0e0000000000000e6" // allows HTTPS from that VPC
	otherEuropeClients   = "sg-0c0000000000000c6"
	// MonteCarloService is the service of the demo's vendor, and MonteCarloHost the name its clients use.
	MonteCarloService = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0"
	MonteCarloHost    = "artemis.privatelink.getmontecarlo.com"
	// The services of the other vendors, and the groups that allow their ports from the VPC.
	EngFlowService    = "com.amazonaws.vpce.us-east-1.vpce-svc-0e0f0a0b0c0d0e0f0" // behind EndpointGroup
	EngFlowHost       = "acme.cluster.engflow.com"
	SnowflakeService  = "com.amazonaws.vpce.us-east-1.vpce-svc-0f0e0d0c0b0a09080"
	SnowflakeGroup    = "sg-0f0000000000000f1"
	ConfluentService  = "com.amazonaws.vpce.us-east-1.vpce-svc-0c0c0c0c0c0c0c0c0"
	ConfluentGroup    = "sg-0f0000000000000f2"
	ClickHouseService = "com.amazonaws.vpce.us-east-1.vpce-svc-0d0d0d0d0d0d0d0d0"
	ClickHouseGroup   = "sg-0f0000000000000f3"
	ElasticService    = "com.amazonaws.vpce.us-east-1.vpce-svc-0b0b0b0b0b0b0b0b0"
	ElasticGroup      = "sg-0f0000000000000f4"
)

// New returns the networks and the vendors: one VPC with three subnets and its security groups, a second VPC in the same account, a
// third in another account, and one of each account in another Region. Monte Carlo has not allow-listed the account yet.
func New(c *clock.Clock) *privatelink.World {
	w := privatelink.NewWorld(c, privatelink.DefaultOptions())
	addNetworks(w)
	w.AddSubnet(privatelink.Subnet{ID: SubnetC, VPCID: VPC, AZ: "us-east-1c", AZID: "use1-az3", CIDR: "10.20.3.0/24"})
	w.AddService(privatelink.VendorService{
		Name: MonteCarloService, ID: "vpce-svc-0123456789abcdef0", Region: Region, Owner: "444455556666",
		AZIDs: []string{"use1-az1", "use1-az2"}, AcceptanceRequired: true, ConsumerRegions: []string{EuropeRegion},
		Hostnames: []string{MonteCarloHost}, Ports: []int{443}, ALPN: []string{"h2", "http/1.1"},
	})
	addOtherVendors(w)
	return w
}

// addNetworks adds the VPCs, each with two subnets, a security group that allows HTTPS from the VPC, and one for clients.
func addNetworks(w *privatelink.World) {
	for _, n := range []struct{ account, region, vpc, block, subnetA, zoneA, subnetB, zoneB, endpoints, clients string }{
		{Account, Region, VPC, "10.20.", SubnetA, "use1-az1", SubnetB, "use1-az2", EndpointGroup, ClientGroup},
		{Account, Region, StagingVPC, "10.30.", StagingSubnetA, "use1-az1", StagingSubnetB, "use1-az2",
			StagingEndpointGroup, StagingClientGroup},
		{OtherAccount, Region, OtherVPC, "10.40.", OtherSubnetA, "use1-az2", OtherSubnetB, "use1-az1", OtherEndpointGroup, OtherClientGroup},
		{Account, EuropeRegion, EuropeVPC, "10.50.", europeSubnetA, "euw1-az1", europeSubnetB, "euw1-az2",
			europeEndpointGroup, europeClientGroup},
		{OtherAccount, EuropeRegion, OtherEuropeVPC, "10.60.", otherEuropeSubnetA, "euw1-az1", otherEuropeSubnetB, "euw1-az2",
			otherEuropeEndpoints, otherEuropeClients},
	} {
		all := n.block + "0.0/16"
		w.AddVPC(privatelink.VPC{ID: n.vpc, AccountID: n.account, Region: n.region, CIDRs: []string{all}, DNSSupport: true, DNSHostnames: true})
		w.AddSubnet(privatelink.Subnet{ID: n.subnetA, VPCID: n.vpc, AZ: n.region + "a", AZID: n.zoneA, CIDR: n.block + "1.0/24"})
		w.AddSubnet(privatelink.Subnet{ID: n.subnetB, VPCID: n.vpc, AZ: n.region + "b", AZID: n.zoneB, CIDR: n.block + "2.0/24"})
		w.AddSecurityGroup(privatelink.SecurityGroup{
			ID: n.endpoints, VPCID: n.vpc, Name: "endpoint", Description: "HTTPS from the VPC",
			Rules: []privatelink.Rule{{Protocol: "tcp", FromPort: 443, ToPort: 443, CIDR: all}},
		})
		w.AddSecurityGroup(privatelink.SecurityGroup{ID: n.clients, VPCID: n.vpc, Name: "clients", Description: "Clients of vendors"})
	}
}

// addOtherVendors adds the vendors of the other sample requests, each as its profile says. EngFlow accepts each endpoint manually, and
// its private DNS name is its public name. The account authorizes itself at Snowflake and Confluent. ClickHouse and Elastic accept
// every account; ClickHouse serves only the endpoints that its customer lists.
func addOtherVendors(w *privatelink.World) {
	const snowflake, confluent = ".privatelink.snowflakecomputing.com", "4kgzg.us-east-1.aws.confluent.cloud"
	two, three := []string{"use1-az1", "use1-az2"}, []string{"use1-az1", "use1-az2", "use1-az3"}
	for _, service := range []privatelink.VendorService{
		{Name: EngFlowService, Owner: "555566667777", AZIDs: two, AcceptanceRequired: true,
			PrivateDNSName: EngFlowHost, PrivateDNSVerification: "verified",
			Hostnames: []string{EngFlowHost}, Ports: []int{443}, ALPN: []string{"h2"}},
		{Name: SnowflakeService, Owner: "666677778888", AZIDs: two, Ports: []int{443, 80}, PlainPorts: []int{80}, Hostnames: []string{
			"xy12345.us-east-1" + snowflake, "acme-main" + snowflake, "ocsp.xy12345.us-east-1" + snowflake, "ocsp.acme-main" + snowflake,
			"app.us-east-1" + snowflake, "app-acme-main" + snowflake}},
		{Name: ConfluentService, Owner: "777788889999", AZIDs: three, Ports: []int{443, 9092}, Hostnames: []string{
			"*." + confluent, "*.use1-az1." + confluent, "*.use1-az2." + confluent, "*.use1-az3." + confluent}},
		{Name: ClickHouseService, Owner: "888899990000", AZIDs: two, AllowedAccounts: []string{"*"},
			Ports: []int{443, 8443, 9440, 3306}, PlainPorts: []int{3306}, Hostnames: []string{"*.us-east-1.vpce.aws.clickhouse.cloud"},
			ListedOnly: true},
		{Name: ElasticService, Owner: "999900001111", AZIDs: three, AllowedAccounts: []string{"*"},
			Ports: []int{443, 9243}, Hostnames: []string{"*.vpce.us-east-1.aws.elastic-cloud.com"}},
	} {
		service.ID, service.Region = service.Name[strings.LastIndex(service.Name, ".")+1:], Region
		w.AddService(service)
	}
	for _, group := range []struct {
		id, name string
		ports    []int
	}{
		{SnowflakeGroup, "snowflake", []int{443, 80}}, {ConfluentGroup, "confluent", []int{443, 9092}},
		{ClickHouseGroup, "clickhouse", []int{443, 8443, 9440, 3306}}, {ElasticGroup, "elastic", []int{443, 9243}},
	} {
		made := privatelink.SecurityGroup{ID: group.id, VPCID: VPC, Name: group.name, Description: "The vendor's ports from the VPC"}
		for _, port := range group.ports {
			made.Rules = append(made.Rules, privatelink.Rule{Protocol: "tcp", FromPort: port, ToPort: port, CIDR: "10.20.0.0/16"})
		}
		w.AddSecurityGroup(made)
	}
}
