package privatelink_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/local/privatelink"
)

func TestVPCs(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	out, err := c.ec2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{vpc}})
	must(t, err)
	if v := out.Vpcs[0]; *v.CidrBlock != "10.20.0.0/16" || *v.CidrBlockAssociationSet[0].CidrBlock != "10.20.0.0/16" ||
		*v.OwnerId != account {
		t.Errorf("got %+v", v)
	}
	_, err = c.ec2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{"vpc-9"}})
	wantCode(t, err, "InvalidVpcID.NotFound")
	_, err = c.ec2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{MaxResults: aws.Int32(2)})
	wantCode(t, err, "InvalidParameterValue") // AWS: at least 5
	_, err = c.client("eu-west-1").DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{vpc}})
	wantCode(t, err, "InvalidVpcID.NotFound")

	attribute := func(name types.VpcAttributeName) *ec2.DescribeVpcAttributeOutput {
		out, err := c.ec2.DescribeVpcAttribute(t.Context(), &ec2.DescribeVpcAttributeInput{VpcId: aws.String(vpc), Attribute: name})
		must(t, err)
		return out
	}
	support := attribute(types.VpcAttributeNameEnableDnsSupport)
	if support.EnableDnsSupport == nil || !*support.EnableDnsSupport.Value || support.EnableDnsHostnames != nil {
		t.Errorf("got %+v, want only DNS support, true", support)
	}
	must(t, c.world.SetVPCDNS(vpc, true, false))
	if *attribute(types.VpcAttributeNameEnableDnsHostnames).EnableDnsHostnames.Value {
		t.Error("DNS hostnames are still on")
	}
	_, err = c.ec2.DescribeVpcAttribute(t.Context(), &ec2.DescribeVpcAttributeInput{VpcId: aws.String(vpc), Attribute: "other"})
	wantCode(t, err, "InvalidParameterValue")
}

func TestSubnets(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	out, err := c.ec2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{Filters: filter("vpc-id", vpc)})
	must(t, err)
	if len(out.Subnets) != 3 {
		t.Fatalf("got %d subnets, want 3", len(out.Subnets))
	}
	s := out.Subnets[1]
	if *s.SubnetId != subnetB || *s.AvailabilityZone != "us-east-1b" || *s.AvailabilityZoneId != "use1-az2" ||
		*s.AvailableIpAddressCount != 251 {
		t.Errorf("got %+v", s)
	}
	c.create()
	if got := free(t, c, subnetB); got != 250 {
		t.Errorf("got %d free addresses with an endpoint, want 250", got)
	}
	_, err = c.ec2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{SubnetIds: []string{subnetA, "subnet-9"}})
	wantCode(t, err, "InvalidSubnetID.NotFound", "subnet-9")
}

func TestNetworkInterfaces(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	id := c.create()
	client, err := c.world.AddInterface(subnetA, clientGroup)
	must(t, err)
	if client.IP != "10.20.1.5" {
		t.Errorf("got address %s, want the next one", client.IP)
	}
	read := func(in *ec2.DescribeNetworkInterfacesInput) []types.NetworkInterface {
		t.Helper()
		out, err := c.ec2.DescribeNetworkInterfaces(t.Context(), in)
		must(t, err)
		return out.NetworkInterfaces
	}
	mine := read(&ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: c.describe(id).NetworkInterfaceIds})
	if len(mine) != 2 {
		t.Fatalf("got %d interfaces, want 2", len(mine))
	}
	n := mine[1]
	if *n.PrivateIpAddress != "10.20.2.4" || *n.SubnetId != subnetB || *n.AvailabilityZone != "us-east-1b" ||
		n.InterfaceType != "vpc_endpoint" ||
		*n.Description != "VPC Endpoint Interface "+id || *n.Groups[0].GroupId != endpointGroup || !*n.RequesterManaged ||
		n.Status != "pending" {
		t.Errorf("got %+v", n)
	}
	if got := read(&ec2.DescribeNetworkInterfacesInput{Filters: filter("group-id", clientGroup)}); len(got) != 1 {
		t.Errorf("got %d interfaces of the clients' group, want 1", len(got))
	}
	if got := read(&ec2.DescribeNetworkInterfacesInput{Filters: filter("description", "*"+id)}); len(got) != 2 {
		t.Errorf("got %d interfaces by description, want 2", len(got))
	}
	_, err = c.ec2.DescribeNetworkInterfaces(t.Context(),
		&ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{"eni-9"}})
	wantCode(t, err, "InvalidNetworkInterfaceID.NotFound")
	_, err = c.ec2.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{
		NetworkInterfaceIds: []string{client.ID}, MaxResults: aws.Int32(5),
	})
	wantCode(t, err, "InvalidParameterCombination")
	if _, err := c.world.AddInterface("subnet-9"); err == nil {
		t.Error("added an interface to a subnet that does not exist")
	}
}

func TestSecurityGroups(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	ctx := t.Context()
	made, err := c.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		GroupName: aws.String("made"), Description: aws.String("for a test"), VpcId: aws.String(vpc),
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeSecurityGroup, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
		}},
	})
	must(t, err)
	_, err = c.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		GroupName: aws.String("made"), Description: aws.String("again"), VpcId: aws.String(vpc),
	})
	wantCode(t, err, "InvalidGroup.Duplicate")
	permission := func(protocol string, port int32, cidrs ...string) types.IpPermission {
		p := types.IpPermission{IpProtocol: &protocol, FromPort: &port, ToPort: &port}
		for _, cidr := range cidrs {
			p.IpRanges = append(p.IpRanges, types.IpRange{CidrIp: &cidr, Description: aws.String("test")})
		}
		return p
	}
	authorize := func(permissions ...types.IpPermission) error {
		_, err := c.ec2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
			GroupId: made.GroupId, IpPermissions: permissions,
		})
		return err
	}
	must(t, authorize(permission("tcp", 443, "10.20.0.0/16", "10.30.0.0/16"), types.IpPermission{
		IpProtocol: aws.String("-1"), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: aws.String(clientGroup)}},
	}))
	wantCode(t, authorize(permission("tcp", 80, "10.20.0.0/16"), permission("6", 443, "10.30.0.0/16")),
		"InvalidPermission.Duplicate",
		"peer: 10.30.0.0/16, TCP, from port: 443, to port: 443, ALLOW")
	wantCode(t, authorize(permission("tcp", 80, "10.20.0.1/16")), "InvalidParameterValue", "malformed")
	wantCode(t, authorize(permission("gre", 80, "10.20.0.0/16")), "InvalidParameterValue", "gre")
	wantCode(t, authorize(permission("tcp", 70000, "10.20.0.0/16")), "InvalidParameterValue", "portRange")
	wantCode(t, authorize(types.IpPermission{
		IpProtocol: aws.String("-1"), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: aws.String("sg-9")}},
	}), "InvalidGroup.NotFound")

	out, err := c.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{*made.GroupId}})
	must(t, err)
	g := out.SecurityGroups[0]
	if len(g.IpPermissions) != 2 || len(g.IpPermissions[0].IpRanges) != 2 || *g.IpPermissions[0].FromPort != 443 ||
		g.IpPermissions[1].FromPort != nil || *g.IpPermissions[1].UserIdGroupPairs[0].GroupId != clientGroup {
		t.Errorf("got inbound %+v", g.IpPermissions)
	}
	if len(g.IpPermissionsEgress) != 1 || *g.IpPermissionsEgress[0].IpProtocol != "-1" || *g.Tags[0].Value != "b" {
		t.Errorf("got outbound %+v and tags %+v", g.IpPermissionsEgress, g.Tags)
	}
	deletion := func(id string) error {
		_, err := c.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &id})
		return err
	}
	wantCode(t, deletion(clientGroup), "DependencyViolation") // the other group's rule names it
	must(t, deletion(*made.GroupId))
	must(t, deletion(clientGroup))
	wantCode(t, deletion(*made.GroupId), "InvalidGroup.NotFound")
	byName, err := c.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: filter("group-name", "default")})
	must(t, err)
	wantCode(t, deletion(*byName.SecurityGroups[0].GroupId), "CannotDelete")
}

func TestAdmits(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.world.AddPrefixList("pl-1", "192.0.2.0/24", "198.51.100.0/24")
	c.world.AddSecurityGroup(privatelink.SecurityGroup{ID: "sg-1", VPCID: vpc, Name: "one", Rules: []privatelink.Rule{
		{Protocol: "tcp", FromPort: 443, ToPort: 445, CIDR: "10.20.1.0/24"},
		{Protocol: "-1", GroupID: clientGroup},
		{Protocol: "tcp", FromPort: 80, ToPort: 80, PrefixList: "pl-1"},
		{Protocol: "udp", FromPort: 53, ToPort: 53, CIDR: "0.0.0.0/0"},
		{Protocol: "tcp", FromPort: 443, ToPort: 443, CIDR: "10.20.0.0/16", Egress: true},
	}})
	tests := []struct {
		name   string
		egress bool
		ip     string
		groups []string
		port   int
		want   bool
	}{
		{"CIDR", false, "10.20.1.7", nil, 444, true},
		{"port outside", false, "10.20.1.7", nil, 446, false},
		{"address outside", false, "10.20.2.7", nil, 443, false},
		{"group", false, "172.16.0.1", []string{"sg-9", clientGroup}, 9092, true},
		{"prefix list", false, "198.51.100.9", nil, 80, true},
		{"UDP rule for TCP", false, "10.20.2.7", nil, 53, false},
		{"out", true, "10.20.2.7", nil, 443, true},
		{"out elsewhere", true, "10.30.2.7", nil, 443, false},
	}
	for _, test := range tests {
		peer := privatelink.Peer{IP: netip.MustParseAddr(test.ip), GroupIDs: test.groups}
		if got := c.world.Admits([]string{"sg-unknown", "sg-1"}, test.egress, peer, test.port); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func TestNetworkACLs(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	read := func(subnet string) types.NetworkAcl {
		out, err := c.ec2.DescribeNetworkAcls(t.Context(), &ec2.DescribeNetworkAclsInput{Filters: filter("association.subnet-id",
			subnet)})
		must(t, err)
		if len(out.NetworkAcls) != 1 {
			t.Fatalf("got %d ACLs of %s, want 1", len(out.NetworkAcls), subnet)
		}
		return out.NetworkAcls[0]
	}
	if a := read(subnetA); !*a.IsDefault || len(a.Entries) != 4 || len(a.Associations) != 3 {
		t.Errorf("got default ACL %+v", a)
	}
	must(t, c.world.SetACL(subnetA,
		privatelink.ACLEntry{Number: 200, Allow: true, Protocol: "6", CIDR: "10.0.0.0/8", FromPort: 443, ToPort: 443},
		privatelink.ACLEntry{Number: 100, Allow: false, Protocol: "6", CIDR: "10.20.2.0/24", FromPort: 0, ToPort: 65535},
		privatelink.ACLEntry{Number: 100, Allow: true, Egress: true, Protocol: "-1", CIDR: "0.0.0.0/0"},
	))
	a := read(subnetA)
	if *a.IsDefault || len(a.Entries) != 5 || *a.Entries[0].PortRange.From != 443 ||
		a.Entries[1].RuleAction != types.RuleActionDeny {
		t.Errorf("got ACL %+v", a)
	}
	if got := read(subnetB); !*got.IsDefault || len(got.Associations) != 2 {
		t.Errorf("got %+v for the other subnets", got)
	}
	acl, _ := c.world.ACL(subnetA)
	for _, test := range []struct {
		name   string
		egress bool
		ip     string
		port   int
		want   bool
	}{
		{"allowed", false, "10.20.1.9", 443, true},
		{"denied by a lower number", false, "10.20.2.9", 443, false},
		{"no entry", false, "10.20.1.9", 80, false},
		{"outbound", true, "10.20.2.9", 49152, true},
	} {
		if got := acl.Allows(test.egress, netip.MustParseAddr(test.ip), test.port); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
	if c.world.SetACL("subnet-9") == nil {
		t.Error("set the ACL of a subnet that does not exist")
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	id := c.create()
	tag := func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }
	put := func(resource string, tags ...types.Tag) error {
		_, err := c.ec2.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{resource}, Tags: tags})
		return err
	}
	drop := func(tags ...types.Tag) {
		_, err := c.ec2.DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: []string{id}, Tags: tags})
		must(t, err)
	}
	have := func() map[string]string {
		e, _ := c.world.Endpoint(id)
		return e.Tags
	}
	must(t, put(id, tag("a", "1"), tag("b", "2"), tag("c", "3")))
	must(t, put(id, tag("a", "new")))
	drop(tag("b", "other"), types.Tag{Key: aws.String("c")})
	if diff := cmp.Diff(map[string]string{"a": "new", "b": "2"}, have()); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	drop()
	if len(have()) != 0 {
		t.Errorf("got %v, want none", have())
	}
	must(t, put(subnetA, tag("tier", "private")))
	out, err := c.ec2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{Filters: filter("tag:tier", "private")})
	must(t, err)
	if len(out.Subnets) != 1 {
		t.Errorf("got %d subnets with the tag, want 1", len(out.Subnets))
	}
	wantCode(t, put("vpce-9", tag("a", "1")), "InvalidVpcEndpointId.NotFound")
	wantCode(t, put("thing-9", tag("a", "1")), "InvalidID")
	wantCode(t, put(id, tag("aws:a", "1")), "InvalidParameterValue")
}

func TestHands(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	id := c.available()
	must(t, c.world.SetSecurityGroupsByHand(id, clientGroup))
	must(t, c.world.SetTagsByHand(id, map[string]string{"postern:managed": "true", "other": "x"}))
	must(t, c.world.SetTagsByHand(id, map[string]string{"other": ""}))
	e, _ := c.world.Endpoint(id)
	if diff := cmp.Diff(map[string]string{"postern:managed": "true"}, e.Tags); diff != "" || !slices.Equal(e.GroupIDs,
		[]string{clientGroup}) {
		t.Errorf("got groups %v, tags (-want +got):\n%s", e.GroupIDs, diff)
	}
	is443 := func(r privatelink.Rule) bool { return r.FromPort == 443 }
	must(t, c.world.RemoveSecurityGroupRule(endpointGroup, is443))
	if c.world.RemoveSecurityGroupRule(endpointGroup, is443) == nil {
		t.Error("removed a rule that is not there")
	}
	must(t, c.world.AddSecurityGroupRule(endpointGroup, privatelink.Rule{Protocol: "tcp", FromPort: 8443, ToPort: 8443,
		CIDR: "10.0.0.0/8"}))
	group, _ := c.world.SecurityGroup(endpointGroup)
	if len(group.Rules) != 2 || group.Rules[1].FromPort != 8443 {
		t.Errorf("got rules %+v", group.Rules)
	}
	for _, err := range []error{
		c.world.DeleteByHand("vpce-9"), c.world.AddSecurityGroupRule("sg-9", privatelink.Rule{}), c.world.SetVPCDNS("vpc-9", true,
			true),
		c.world.Notify("vpce-9", "Accept"),
	} {
		if err == nil {
			t.Error("something was done to a thing that does not exist")
		}
	}
}
