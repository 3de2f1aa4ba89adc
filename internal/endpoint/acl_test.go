package endpoint

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/awserr"
	"postern/internal/connection"
)

func TestNetworkACLs(t *testing.T) {
	t.Parallel()
	fake := &fakeEC2{pageSize: 1, acls: []types.NetworkAcl{
		{
			NetworkAclId: aws.String("acl-1"),
			Associations: []types.NetworkAclAssociation{{SubnetId: aws.String("subnet-a")}, {SubnetId: aws.String("subnet-b")}},
			Entries: []types.NetworkAclEntry{
				{RuleNumber: aws.Int32(32767), Protocol: aws.String("-1"), RuleAction: "deny", CidrBlock: aws.String("0.0.0.0/0"), Egress: aws.Bool(true)},
				{RuleNumber: aws.Int32(101), Protocol: aws.String("-1"), RuleAction: "allow", Ipv6CidrBlock: aws.String("::/0")},
				{RuleNumber: aws.Int32(100), Protocol: aws.String("6"), RuleAction: "allow", CidrBlock: aws.String("10.20.0.0/16"),
					PortRange: &types.PortRange{From: aws.Int32(443), To: aws.Int32(444)}},
			},
		},
		{NetworkAclId: aws.String("acl-2"), Associations: []types.NetworkAclAssociation{{SubnetId: aws.String("subnet-c")}}},
	}}
	got, err := client(fake).NetworkACLs(t.Context(), []string{"subnet-a", "subnet-c", "subnet-a"})
	want := []NetworkACL{
		{ID: "acl-1", SubnetIDs: []string{"subnet-a", "subnet-b"}, Entries: []ACLEntry{
			{Number: 100, Allow: true, Protocol: "6", CIDR: "10.20.0.0/16", FromPort: 443, ToPort: 444},
			{Number: 32767, Egress: true, Protocol: "-1", CIDR: "0.0.0.0/0", ToPort: 65535},
		}},
		{ID: "acl-2", SubnetIDs: []string{"subnet-c"}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if got, want := got[0].Entries[0].String(), "inbound rule 100 allows 10.20.0.0/16"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := got[0].Entries[1].String(), "outbound rule * denies 0.0.0.0/0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for name, ids := range map[string][]string{"none": nil, "an empty one": {"subnet-a", ""}} {
		if _, err := client(&fakeEC2{}).NetworkACLs(t.Context(), ids); err == nil {
			t.Errorf("%s: the ACLs of every subnet were asked for", name)
		}
	}
	throttled := &fakeEC2{refuse: map[string][]error{"DescribeNetworkAcls": {code("Throttling")}}}
	if _, err := client(throttled).NetworkACLs(t.Context(), []string{"subnet-a"}); !awserr.IsThrottled(err) {
		t.Errorf("throttled: %v", err)
	}
}

// What is gone or not ready is left out: an endpoint in any state can be looked at.
func TestInterfacesOfAnyEndpoint(t *testing.T) {
	t.Parallel()
	_, enis := ready()
	enis[0].PrivateIpAddress = nil
	fake := &fakeEC2{interfaces: enis, pageSize: 1}
	got, err := client(fake).Interfaces(t.Context(), Endpoint{ID: "vpce-1", InterfaceIDs: []string{"eni-b", "eni-a", "eni-gone"}})
	want := []connection.NetworkInterface{{ID: "eni-a", SubnetID: "subnet-us-east-1a", AZ: "us-east-1a", IP: "10.0.1.1"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if got, err := client(&fakeEC2{}).Interfaces(t.Context(), Endpoint{ID: "vpce-1"}); err != nil || got != nil {
		t.Errorf("no interface: %v, %v", got, err)
	}
	refused := &fakeEC2{refuse: map[string][]error{"DescribeNetworkInterfaces": {code("UnauthorizedOperation")}}}
	if _, err := client(refused).Interfaces(t.Context(), Endpoint{InterfaceIDs: []string{"eni-a"}}); !awserr.IsDenied(err) {
		t.Errorf("refused: %v", err)
	}
}

func TestSecurityGroupsOutbound(t *testing.T) {
	t.Parallel()
	fake := &fakeEC2{groups: []types.SecurityGroup{{GroupId: aws.String("sg-1"), IpPermissionsEgress: []types.IpPermission{
		{IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}},
	}}}}
	got, err := client(fake).SecurityGroups(t.Context(), []string{"sg-1"})
	want := []SecurityGroup{{ID: "sg-1", Tags: map[string]string{}, Outbound: []Rule{{Protocol: "-1", CIDRs: []string{"0.0.0.0/0"}}}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}
