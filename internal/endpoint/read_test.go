package endpoint

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/awserr"
	"postern/internal/connection"
)

func TestVPC(t *testing.T) {
	t.Parallel()
	blocks := []types.VpcCidrBlockAssociation{
		{CidrBlock: aws.String("10.20.0.0/16"), CidrBlockState: &types.VpcCidrBlockState{State: "associated"}},
		{CidrBlock: aws.String("10.30.0.0/16"), CidrBlockState: &types.VpcCidrBlockState{State: "disassociated"}},
	}
	for name, test := range map[string]struct {
		vpc        types.Vpc
		attributes map[types.VpcAttributeName]bool
		want       VPC
	}{
		"blocks in use": {
			types.Vpc{CidrBlockAssociationSet: blocks}, map[types.VpcAttributeName]bool{"enableDnsSupport": true},
			VPC{ID: "vpc-1", CIDRs: []string{"10.20.0.0/16"}, DNSSupport: true},
		},
		"primary block only": {
			types.Vpc{CidrBlock: aws.String("10.9.0.0/16")}, map[types.VpcAttributeName]bool{"enableDnsHostnames": true},
			VPC{ID: "vpc-1", CIDRs: []string{"10.9.0.0/16"}, DNSHostnames: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.vpc.VpcId = aws.String("vpc-1")
			got, err := client(&fakeEC2{vpcs: []types.Vpc{test.vpc}, attributes: test.attributes}).VPC(t.Context(), "vpc-1")
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
	if _, err := client(&fakeEC2{}).VPC(t.Context(), "vpc-2"); !awserr.IsNotFound(err) || !strings.Contains(err.Error(), "vpc-2") {
		t.Errorf("a VPC that does not exist: %v", err)
	}
	throttled := &fakeEC2{
		vpcs: []types.Vpc{{VpcId: aws.String("vpc-1")}}, refuse: map[string][]error{"DescribeVpcAttribute": {nil, code("Throttling")}},
	}
	if _, err := client(throttled).VPC(t.Context(), "vpc-1"); !awserr.IsThrottled(err) {
		t.Errorf("a throttled attribute: %v", err)
	}
}

func TestSubnets(t *testing.T) {
	t.Parallel()
	fake := &fakeEC2{pageSize: 1, subnets: []types.Subnet{
		{SubnetId: aws.String("subnet-a"), VpcId: aws.String("vpc-1"), AvailabilityZone: aws.String("us-east-1a"),
			AvailabilityZoneId: aws.String("use1-az1"), AvailableIpAddressCount: aws.Int32(7)},
		{SubnetId: aws.String("subnet-b")},
	}}
	got, err := client(fake).Subnets(t.Context(), []string{"subnet-b", "subnet-a"})
	want := []Subnet{{ID: "subnet-b"}, {ID: "subnet-a", VPCID: "vpc-1", AZ: "us-east-1a", AZID: "use1-az1", FreeAddresses: 7}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if _, err := client(fake).Subnets(t.Context(), []string{"subnet-a", "subnet-x"}); !awserr.IsNotFound(err) {
		t.Errorf("an unknown subnet: %v", err)
	}
	if got, err := client(fake).Subnets(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("no ids must not list all: %v %v", got, err)
	}
}

func TestSecurityGroups(t *testing.T) {
	t.Parallel()
	fake := &fakeEC2{pageSize: 1, groups: []types.SecurityGroup{
		{GroupId: aws.String("sg-2")},
		{GroupId: aws.String("sg-1"), VpcId: aws.String("vpc-1"), IpPermissions: []types.IpPermission{
			{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(444),
				IpRanges:   []types.IpRange{{CidrIp: aws.String("10.0.0.0/8")}},
				Ipv6Ranges: []types.Ipv6Range{{CidrIpv6: aws.String("fd00::/8")}}},
			{IpProtocol: aws.String("-1"), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: aws.String("sg-9")}},
				PrefixListIds: []types.PrefixListId{{PrefixListId: aws.String("pl-1")}}},
		}},
	}}
	got, err := client(fake).SecurityGroups(t.Context(), []string{"sg-1"})
	want := []SecurityGroup{{ID: "sg-1", VPCID: "vpc-1", Tags: map[string]string{}, Inbound: []Rule{
		{Protocol: "tcp", FromPort: 443, ToPort: 444, CIDRs: []string{"10.0.0.0/8", "fd00::/8"}},
		{Protocol: "-1", GroupIDs: []string{"sg-9"}, PrefixListIDs: []string{"pl-1"}},
	}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if _, err := client(fake).SecurityGroups(t.Context(), []string{"sg-1", "sg-x"}); !awserr.IsNotFound(err) {
		t.Errorf("a group that was left out of the answer: %v", err)
	}
}

func TestService(t *testing.T) {
	t.Parallel()
	detail := types.ServiceDetail{
		ServiceName: aws.String("svc"), AcceptanceRequired: aws.Bool(true), AvailabilityZoneIds: []string{"use1-az2", "use1-az1"},
		PrivateDnsName: aws.String("p.example"), PrivateDnsNameVerificationState: types.DnsNameStateVerified,
		ServiceType: []types.ServiceTypeDetail{{ServiceType: "Gateway"}, {ServiceType: "Interface"}, {ServiceType: "Tunnel"}},
	}
	fake := &fakeEC2{services: []types.ServiceDetail{detail}}
	got, err := client(fake).Service(t.Context(), "svc", "us-east-1", "us-east-1")
	want := connection.Service{
		Name: "svc", Region: "us-east-1", Visible: true, AcceptanceRequired: true, Type: "Interface", PrivateDNSName: "p.example",
		PrivateDNSVerified: true, AZIDs: []string{"use1-az1", "use1-az2"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if len(fake.asked[0].ServiceRegions) != 0 {
		t.Errorf("a Region was sent for a service of our own: %v", fake.asked[0].ServiceRegions)
	}
	if _, err := client(fake).Service(t.Context(), "svc", "eu-west-1", "us-east-1"); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"eu-west-1"}, fake.asked[1].ServiceRegions); diff != "" {
		t.Error(diff)
	}
	got, err = client(fake).Service(t.Context(), "other", "us-east-1", "us-east-1")
	if diff := cmp.Diff(connection.Service{Name: "other", Region: "us-east-1"}, got); err != nil || diff != "" {
		t.Errorf("not allow-listed: %v %s", err, diff)
	}
	denied := &fakeEC2{refuse: map[string][]error{"DescribeVpcEndpointServices": {code("UnauthorizedOperation")}}}
	if _, err := client(denied).Service(t.Context(), "svc", "us-east-1", "us-east-1"); !awserr.IsDenied(err) {
		t.Errorf("denied: %v", err)
	}
}

// listed is a fake with n endpoints in vpc-1 and one elsewhere.
func listed(n, pageSize int) *fakeEC2 {
	fake := &fakeEC2{pageSize: pageSize}
	for i := range n {
		fake.endpoints = append(fake.endpoints, types.VpcEndpoint{
			VpcEndpointId: aws.String(fmt.Sprintf("vpce-%03d", i)), VpcId: aws.String("vpc-1"), State: "Available",
			VpcEndpointType: types.VpcEndpointTypeInterface,
		})
	}
	fake.endpoints = append(fake.endpoints, types.VpcEndpoint{VpcEndpointId: aws.String("vpce-far"), VpcId: aws.String("vpc-2")})
	return fake
}

func TestInVPCReadsEveryPage(t *testing.T) {
	t.Parallel()
	fake := listed(5, 2)
	got, err := client(fake).InVPC(t.Context(), "vpc-1")
	if err != nil || len(got) != 5 || len(fake.calls) != 3 {
		t.Errorf("%d endpoints in %d calls, %v", len(got), len(fake.calls), err)
	}
	if _, err := client(fake).InVPC(t.Context(), ""); err == nil {
		t.Error("an empty VPC id would list the whole Region")
	}
	if _, err := client(fake).OfConnection(t.Context(), "vpc-1", ""); err == nil {
		t.Error("an empty connection id was taken")
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	fake := &fakeEC2{endpoints: []types.VpcEndpoint{{
		VpcEndpointId: aws.String("vpce-1"), ServiceName: aws.String("svc"), ServiceRegion: aws.String("eu-west-1"),
		VpcId:           aws.String("vpc-1"),
		VpcEndpointType: types.VpcEndpointTypeInterface, State: "failed", SubnetIds: []string{"subnet-a"},
		PrivateDnsEnabled:   aws.Bool(true),
		Groups:              []types.SecurityGroupIdentifier{{GroupId: aws.String("sg-1")}},
		DnsEntries:          []types.DnsEntry{{DnsName: aws.String("n"), HostedZoneId: aws.String("Z")}},
		NetworkInterfaceIds: []string{"eni-1"},
		Tags:                []types.Tag{{Key: aws.String("postern:connection"), Value: aws.String("v/n")}},
		LastError:           &types.LastError{Code: aws.String("C"), Message: aws.String("why")},
	}}}
	got, err := client(fake).Describe(t.Context(), "vpce-1")
	want := Endpoint{
		ID: "vpce-1", ServiceName: "svc", ServiceRegion: "eu-west-1", VPCID: "vpc-1", Type: "Interface", State: connection.StateFailed,
		SubnetIDs: []string{"subnet-a"}, SecurityGroupIDs: []string{"sg-1"}, PrivateDNSEnabled: true, DNSNames: []DNSName{{"n", "Z"}},
		InterfaceIDs: []string{"eni-1"}, Tags: map[string]string{"postern:connection": "v/n"}, Reason: "C: why",
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if got.Connection() != "" {
		t.Error("without the managed tag it is not ours")
	}
	got, err = client(fake).Describe(t.Context(), "vpce-2")
	if diff := cmp.Diff(Endpoint{ID: "vpce-2", State: connection.StateDeleted}, got); err != nil || diff != "" {
		t.Errorf("absent: %v %s", err, diff)
	}
	if _, err := client(fake).Describe(t.Context(), ""); err == nil {
		t.Error("an empty id would describe every endpoint")
	}
	throttled := &fakeEC2{refuse: map[string][]error{"DescribeVpcEndpoints": {code("RequestLimitExceeded")}}}
	if _, err := client(throttled).Describe(t.Context(), "vpce-1"); !awserr.IsThrottled(err) {
		t.Errorf("throttled is not deleted: %v", err)
	}
}

// AWS writes states in both letter cases; the enum of the SDK has only one of them.
func TestDescribeReadsStatesInAnyCase(t *testing.T) {
	t.Parallel()
	spellings := []func(string) string{strings.ToLower, strings.ToUpper, strings.TrimSpace}
	for _, state := range types.State("").Values() {
		for _, spelled := range append(spellings, func(s string) string { return strings.ToLower(s[:1]) + s[1:] }) {
			raw := types.State(spelled(string(state)))
			fake := &fakeEC2{endpoints: []types.VpcEndpoint{{VpcEndpointId: aws.String("vpce-1"), State: raw}}}
			got, err := client(fake).Describe(t.Context(), "vpce-1")
			if want := connection.EndpointState(strings.ToLower(string(state))); err != nil || got.State != want {
				t.Errorf("%s: %s, %v", raw, got.State, err)
			}
		}
	}
}

func TestDescribeAll(t *testing.T) {
	t.Parallel()
	fake := listed(250, 90)
	ids := []string{"vpce-gone"}
	for i := 249; i >= 0; i-- {
		ids = append(ids, fmt.Sprintf("vpce-%03d", i))
	}
	got, err := client(fake).DescribeAll(t.Context(), ids)
	if err != nil || len(got) != 251 {
		t.Fatalf("%d endpoints, %v", len(got), err)
	}
	for i, endpoint := range got {
		want := connection.StateAvailable
		if i == 0 {
			want = connection.StateDeleted
		}
		if endpoint.ID != ids[i] || endpoint.State != want {
			t.Errorf("%d: %s %s, want %s %s", i, endpoint.ID, endpoint.State, ids[i], want)
		}
	}
	if len(fake.calls) != 3 {
		t.Errorf("%d calls for 3 pages", len(fake.calls))
	}
	if _, err := client(fake).DescribeAll(t.Context(), []string{"vpce-001", ""}); err == nil {
		t.Error("an empty id was taken")
	}
	fake.calls = nil
	if got, err := client(fake).DescribeAll(t.Context(), nil); err != nil || len(got) != 0 || len(fake.calls) != 0 {
		t.Errorf("no ids: %v %v %v", got, err, fake.calls)
	}
}
