package privatelink_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"postern/internal/local/privatelink"
)

func TestEndpointLife(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	out, err := c.ec2.CreateVpcEndpoint(t.Context(), request(func(in *ec2.CreateVpcEndpointInput) {
		in.ClientToken = aws.String("token-1")
		in.TagSpecifications = []types.TagSpecification{{
			ResourceType: types.ResourceTypeVpcEndpoint, Tags: []types.Tag{{Key: aws.String("postern:managed"),
				Value: aws.String("true")}},
		}}
	}))
	must(t, err)
	e := *out.VpcEndpoint
	id := *e.VpcEndpointId
	if !strings.HasPrefix(id, "vpce-0") || len(id) != len("vpce-")+17 || aws.ToString(out.ClientToken) != "token-1" {
		t.Errorf("got id %s and token %s", id, aws.ToString(out.ClientToken))
	}
	if e.State != "pendingAcceptance" || len(e.DnsEntries) != 0 || len(e.NetworkInterfaceIds) != 2 ||
		!e.CreationTimestamp.Equal(start) ||
		*e.Tags[0].Key != "postern:managed" || *e.Groups[0].GroupId != endpointGroup || *e.ServiceRegion != home {
		t.Errorf("got %+v just created", e)
	}
	must(t, c.vendor.Accept(id))
	if got := c.describe(id); got.State != "pending" || len(got.DnsEntries) != 3 {
		t.Errorf("got state %s with %d names after acceptance, want pending with 3", got.State, len(got.DnsEntries))
	}
	c.pass(44 * time.Second)
	if got := c.describe(id).State; got != "pending" {
		t.Errorf("got %s before 45 s, want pending", got)
	}
	c.pass(time.Second)
	got := c.describe(id)
	if got.State != "available" {
		t.Errorf("got %s after 45 s, want available", got.State)
	}
	names := []string{*got.DnsEntries[0].DnsName, *got.DnsEntries[1].DnsName, *got.DnsEntries[2].DnsName}
	suffix := strings.TrimSuffix(strings.TrimPrefix(names[0], id+"-"), ".vpce-svc-0123456789abcdef0.us-east-1.vpce.amazonaws.com")
	if len(suffix) != 8 {
		t.Errorf("got Regional name %s", names[0])
	}
	equal(t, "zonal names", names[1:], []string{
		strings.Replace(names[0], suffix, suffix+"-us-east-1a", 1), strings.Replace(names[0], suffix, suffix+"-us-east-1b", 1),
	})
	addresses, known := c.world.Resolve(names[0] + ".")
	equal(t, "addresses", addresses, []string{"10.20.1.4", "10.20.2.4"})
	zonal, _ := c.world.Resolve(names[2])
	equal(t, "zonal addresses", zonal, []string{"10.20.2.4"})
	if !known || *got.DnsEntries[0].HostedZoneId != "Z7HUB22UULQXV" {
		t.Errorf("got zone %s, resolved %v", *got.DnsEntries[0].HostedZoneId, known)
	}
}

func TestCreateVpcEndpointRefuses(t *testing.T) {
	t.Parallel()
	type input = *ec2.CreateVpcEndpointInput
	tests := []struct {
		name   string
		world  func(*cloud)
		change func(input)
		code   string
		texts  []string
	}{
		{"a type that is left out is Gateway", nil, func(in input) { in.VpcEndpointType = "" }, "InvalidParameter",
			[]string{"(Gateway)"}},
		{"unknown VPC", nil, func(in input) { in.VpcId = aws.String("vpc-1") }, "InvalidVpcID.NotFound", nil},
		{"unknown service", nil, func(in input) { in.ServiceName = aws.String("com.amazonaws.vpce.us-east-1.vpce-svc-9") },
			"InvalidServiceName", []string{"does not exist"}},
		{"not allow-listed", func(c *cloud) { must(c.t, c.vendor.Withdraw(account)) }, nil, "InvalidServiceName", nil},
		{"wrong service Region", nil, func(in input) { in.ServiceRegion = aws.String("us-west-2") }, "InvalidServiceName", nil},
		{"unknown subnet", nil, func(in input) { in.SubnetIds = []string{"subnet-9"} }, "InvalidSubnetId.NotFound", nil},
		{"zone not offered", nil, func(in input) { in.SubnetIds = []string{subnetA, subnetC} }, "InvalidParameter",
			[]string{"does not support the availability zone of the subnet: " + subnetC}},
		{"two subnets in one zone", func(c *cloud) {
			c.world.AddSubnet(privatelink.Subnet{ID: "subnet-2", VPCID: vpc, AZ: "us-east-1a", AZID: "use1-az1", CIDR: "10.20.9.0/24"})
		}, func(in input) { in.SubnetIds = []string{subnetA, "subnet-2"} }, "DuplicateSubnetsInSameZone", []string{"subnet-2"}},
		{"subnet full", func(c *cloud) {
			c.world.AddSubnet(privatelink.Subnet{ID: "subnet-2", VPCID: vpc, AZ: "us-east-1a", AZID: "use1-az1", CIDR: "10.20.9.0/28",
				Taken: 11})
		}, func(in input) { in.SubnetIds = []string{"subnet-2"} }, "InsufficientFreeAddressesInSubnet", nil},
		{"unknown group", nil, func(in input) { in.SecurityGroupIds = []string{"sg-9"} }, "InvalidGroup.NotFound", []string{"sg-9"}},
		{"policy", nil, func(in input) { in.PolicyDocument = aws.String("{}") }, "InvalidParameter", []string{"policies"}},
		{"dualstack", nil, func(in input) { in.IpAddressType = types.IpAddressTypeDualstack }, "InvalidParameter",
			[]string{"dualstack"}},
		{"tags of another resource", nil, func(in input) {
			in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeVpc,
				Tags: []types.Tag{{Key: aws.String("a")}}}}
		}, "InvalidParameterValue", []string{"'vpc'"}},
		{"reserved tag", nil, func(in input) {
			in.TagSpecifications = []types.TagSpecification{{
				ResourceType: types.ResourceTypeVpcEndpoint, Tags: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}},
			}}
		}, "InvalidParameterValue", []string{"aws:"}},
		{"token too long", nil, func(in input) { in.ClientToken = aws.String(strings.Repeat("x", 65)) }, "InvalidParameterValue", nil},
		{"quota", func(c *cloud) {
			c.world.Configure(func(o *privatelink.Options) { o.EndpointQuota = 1 })
			c.create()
		}, nil, "VpcEndpointLimitExceeded", nil},
		{"dry run", nil, func(in input) { in.DryRun = aws.Bool(true) }, "DryRunOperation", nil},
		{"a parameter not known here", nil, func(in input) { in.RouteTableIds = []string{"rtb-1"} }, "NotImplemented",
			[]string{"RouteTableId"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			if test.world != nil {
				test.world(c)
			}
			before := len(c.world.Endpoints())
			in := request()
			if test.change != nil {
				test.change(in)
			}
			_, err := c.ec2.CreateVpcEndpoint(t.Context(), in)
			wantCode(t, err, test.code, test.texts...)
			if got := len(c.world.Endpoints()); got != before {
				t.Errorf("got %d endpoints, want %d", got, before)
			}
		})
	}
}

func TestDefaultSecurityGroup(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	e := c.describe(c.create(func(in *ec2.CreateVpcEndpointInput) { in.SecurityGroupIds = nil }))
	if len(e.Groups) != 1 || *e.Groups[0].GroupName != "default" {
		t.Errorf("got groups %+v, want the VPC's default", e.Groups)
	}
}

func TestClientToken(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	tokened := func(in *ec2.CreateVpcEndpointInput) { in.ClientToken = aws.String("one") }
	first := c.available(tokened)
	out, err := c.ec2.CreateVpcEndpoint(t.Context(), request(tokened))
	must(t, err)
	if *out.VpcEndpoint.VpcEndpointId != first || out.VpcEndpoint.State != "available" {
		t.Errorf("got %s in %s, want %s as it is now", *out.VpcEndpoint.VpcEndpointId, out.VpcEndpoint.State, first)
	}
	_, err = c.ec2.CreateVpcEndpoint(t.Context(), request(tokened, func(in *ec2.CreateVpcEndpointInput) {
		in.SubnetIds = []string{subnetA}
	}))
	wantCode(t, err, "IdempotentParameterMismatch")
	if second := c.create(); second == first || len(c.world.Endpoints()) != 2 {
		t.Errorf("a call without a token gave %s", second)
	}
}

func TestAcceptanceNotRequired(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	must(t, c.vendor.Update(func(s *vendorService) { s.AcceptanceRequired = false }))
	id := c.create()
	if got := c.describe(id).State; got != "pending" {
		t.Errorf("got %s, want pending from the start", got)
	}
	c.pass(45 * time.Second)
	if got := c.describe(id).State; got != "available" {
		t.Errorf("got %s, want available", got)
	}
}

func TestVendorDecisions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		act       func(*cloud, string) error
		state     types.State
		lastError string
	}{
		{"reject", func(c *cloud, id string) error { return c.vendor.Reject(id, "no contract") }, "rejected", ""},
		{"expire", func(c *cloud, id string) error { return c.vendor.Expire(id) }, "expired", ""},
		{"fail", func(c *cloud, id string) error { return c.vendor.Fail(id, "InternalError", "out of order") }, "failed",
			"out of order"},
		{"reject while on its way", func(c *cloud, id string) error {
			must(c.t, c.vendor.Accept(id))
			return c.vendor.Reject(id, "")
		}, "rejected", ""},
		{"reject when available", func(c *cloud, id string) error {
			must(c.t, c.vendor.Accept(id))
			c.pass(time.Minute)
			return c.vendor.Reject(id, "")
		}, "rejected", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			id := c.create()
			must(t, test.act(c, id))
			c.pass(time.Hour) // a timer of an earlier state must not bring it back
			e := c.describe(id)
			message := ""
			if e.LastError != nil {
				message = *e.LastError.Message
			}
			if e.State != test.state || message != test.lastError {
				t.Errorf("got %s (%q), want %s (%q)", e.State, message, test.state, test.lastError)
			}
			if known, _ := c.world.Endpoint(id); known.Connected {
				t.Error("traffic still flows")
			}
			if err := c.vendor.Accept(id); err == nil {
				t.Error("accepting it afterwards succeeded")
			}
			_, err := c.ec2.ModifyVpcEndpoint(t.Context(), &ec2.ModifyVpcEndpointInput{
				VpcEndpointId: &id, AddSecurityGroupIds: []string{clientGroup},
			})
			wantCode(t, err, "IncorrectState")
		})
	}
}

func TestVendorRefusesStrangers(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	id := c.create()
	if got := c.vendor.Waiting(); len(got) != 1 || got[0] != id {
		t.Errorf("got waiting %v, want %s", got, id)
	}
	if err := c.vendor.Accept("vpce-9"); err == nil {
		t.Error("accepted an endpoint that does not exist")
	}
	if err := c.world.Vendor("com.other").Accept(id); err == nil {
		t.Error("another vendor accepted the endpoint")
	}
	if err := c.world.Vendor("com.other").Allow(account); err == nil {
		t.Error("a service that does not exist allowed an account")
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	t.Run("title case", func(t *testing.T) {
		t.Parallel()
		c := newCloud(t)
		c.ec2 = ec2.NewFromConfig(c.server(home).AWS("AKIATEST")) // AWS's model does not have this, but it was seen
		c.world.Configure(func(o *privatelink.Options) { o.TitleCaseStates = true })
		if got := c.describe(c.create()).State; got != types.StatePendingAcceptance {
			t.Errorf("got %s, want PendingAcceptance", got)
		}
	})
	t.Run("early DNS entries", func(t *testing.T) {
		t.Parallel()
		c := newCloud(t)
		c.world.Configure(func(o *privatelink.Options) { o.EarlyDNSEntries = true })
		e := c.describe(c.create())
		if len(e.DnsEntries) != 3 {
			t.Fatalf("got %d names before acceptance, want 3", len(e.DnsEntries))
		}
		if _, known := c.world.Resolve(*e.DnsEntries[0].DnsName); known {
			t.Error("the name resolves before the endpoint is available")
		}
	})
	t.Run("shuffled DNS entries", func(t *testing.T) {
		t.Parallel()
		c := newCloud(t)
		c.world.Configure(func(o *privatelink.Options) { o.ShuffledDNSEntries = true })
		if got := *c.describe(c.available()).DnsEntries[0].DnsName; !strings.Contains(got, "-us-east-1b.") {
			t.Errorf("got %s first, want a zonal name", got)
		}
	})
	t.Run("eventual consistency", func(t *testing.T) {
		t.Parallel()
		c := newCloud(t)
		c.world.Configure(func(o *privatelink.Options) { o.VisibleAfter = 3 * time.Second })
		id := c.create()
		_, err := c.ec2.DescribeVpcEndpoints(t.Context(), &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{id}})
		wantCode(t, err, "InvalidVpcEndpointId.NotFound", id)
		all, err := c.ec2.DescribeVpcEndpoints(t.Context(), &ec2.DescribeVpcEndpointsInput{})
		must(t, err)
		if len(all.VpcEndpoints) != 0 {
			t.Error("the list shows it already")
		}
		c.pass(3 * time.Second)
		if got := c.describe(id).State; got != "pendingAcceptance" {
			t.Errorf("got %s", got)
		}
	})
}

func TestDescribeVpcEndpoints(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.world.AddVPC(privatelink.VPC{ID: "vpc-2", Region: home, CIDRs: []string{"10.30.0.0/16"}})
	c.world.AddVPC(privatelink.VPC{ID: "vpc-3", Region: "eu-west-1", CIDRs: []string{"10.40.0.0/16"}})
	tagged := func(value string) func(*ec2.CreateVpcEndpointInput) {
		return func(in *ec2.CreateVpcEndpointInput) {
			in.TagSpecifications = []types.TagSpecification{{
				ResourceType: types.ResourceTypeVpcEndpoint, Tags: []types.Tag{{Key: aws.String("owner"), Value: aws.String(value)}},
			}}
		}
	}
	other := func(in *ec2.CreateVpcEndpointInput) {
		in.VpcId, in.SubnetIds, in.SecurityGroupIds = aws.String("vpc-2"), nil, nil
	}
	a, b, d := c.available(tagged("team/a")), c.create(tagged("team/b")), c.create(other)
	tests := []struct {
		name    string
		filters []types.Filter
		want    []string
	}{
		{"all", nil, []string{a, b, d}},
		{"VPC", filter("vpc-id", "vpc-2"), []string{d}},
		{"service", filter("service-name", monteCarlo), []string{a, b, d}},
		{"another service", filter("service-name", "x"), nil},
		{"tag", filter("tag:owner", "team/b"), []string{b}},
		{"wildcard", filter("tag:owner", "team/*"), []string{a, b}},
		{"dots and stars are not expressions", filter("tag:owner", "team.b"), nil},
		{"tag key", filter("tag-key", "owner"), []string{a, b}},
		{"state", filter("vpc-endpoint-state", "pendingAcceptance"), []string{b, d}},
		{"values are case-sensitive", filter("vpc-endpoint-state", "PendingAcceptance"), nil},
		{"two filters", append(filter("vpc-id", vpc), filter("vpc-endpoint-state", "available", "pending")...), []string{a}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, err := c.ec2.DescribeVpcEndpoints(t.Context(), &ec2.DescribeVpcEndpointsInput{Filters: test.filters})
			must(t, err)
			equal(t, "endpoints", ids(out.VpcEndpoints), test.want)
		})
	}
	abroad, err := c.client("eu-west-1").DescribeVpcEndpoints(t.Context(), &ec2.DescribeVpcEndpointsInput{})
	must(t, err)
	equal(t, "endpoints of another Region", ids(abroad.VpcEndpoints), nil)
	for code, in := range map[string]*ec2.DescribeVpcEndpointsInput{
		"InvalidVpcEndpointId.NotFound":  {VpcEndpointIds: []string{a, "vpce-0123456789abcdef0"}},
		"InvalidVpcEndpointId.Malformed": {VpcEndpointIds: []string{"endpoint"}},
		"InvalidParameterValue":          {Filters: filter("state", "available")},
		"InvalidNextToken":               {NextToken: aws.String("x")},
		"FilterLimitExceeded":            {Filters: filter("vpc-endpoint-id", slices.Repeat([]string{a}, 201)...)},
	} {
		_, err := c.ec2.DescribeVpcEndpoints(t.Context(), in)
		wantCode(t, err, code)
	}
}

func ids(endpoints []types.VpcEndpoint) []string {
	var all []string
	for _, e := range endpoints {
		all = append(all, *e.VpcEndpointId)
	}
	return all
}

func TestPaging(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	var want []string
	for range 5 {
		want = append(want, c.create())
	}
	read := func(in *ec2.DescribeVpcEndpointsInput) (got []string, pages int) {
		for pager := ec2.NewDescribeVpcEndpointsPaginator(c.ec2, in); pager.HasMorePages(); pages++ {
			page, err := pager.NextPage(t.Context())
			must(t, err)
			got = append(got, ids(page.VpcEndpoints)...)
		}
		return got, pages
	}
	got, pages := read(&ec2.DescribeVpcEndpointsInput{MaxResults: aws.Int32(2)})
	equal(t, "endpoints", got, want)
	c.world.Configure(func(o *privatelink.Options) { o.PageSize = 4 }) // AWS may answer with fewer than asked for
	got, small := read(&ec2.DescribeVpcEndpointsInput{})
	equal(t, "endpoints", got, want)
	if pages != 3 || small != 2 {
		t.Errorf("got %d and %d pages, want 3 and 2", pages, small)
	}
}

func TestDeleteVpcEndpoints(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	id, stuck := c.available(), c.create()
	c.world.RefuseDeletion(stuck, "OperationNotPermitted", "managed by a service")
	out, err := c.ec2.DeleteVpcEndpoints(t.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{id, "vpce-9", stuck}})
	must(t, err)
	var codes []string
	for _, item := range out.Unsuccessful {
		codes = append(codes, *item.ResourceId+" "+*item.Error.Code)
	}
	equal(t, "unsuccessful", codes, []string{"vpce-9 InvalidVpcEndpoint.NotFound", stuck + " OperationNotPermitted"})
	if got := c.describe(id).State; got != "deleting" {
		t.Errorf("got %s, want deleting", got)
	}
	again, err := c.ec2.DeleteVpcEndpoints(t.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{id}})
	must(t, err)
	if len(again.Unsuccessful) != 0 {
		t.Errorf("deleting it twice: %+v", again.Unsuccessful)
	}
	c.world.RefuseDeletion(stuck, "", "")
	_, err = c.ec2.DeleteVpcEndpoints(t.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{stuck}})
	must(t, err)
	_, err = c.ec2.DeleteSecurityGroup(t.Context(), &ec2.DeleteSecurityGroupInput{GroupId: aws.String(endpointGroup)})
	wantCode(t, err, "DependencyViolation", "has a dependent object")
	if free(t, c, subnetA) != 249 {
		t.Errorf("got %d free addresses while deleting, want 249", free(t, c, subnetA))
	}
	c.pass(30 * time.Second)
	if got := c.describe(id); got.State != "deleted" || len(got.NetworkInterfaceIds) != 0 {
		t.Errorf("got %s with interfaces %v, want deleted", got.State, got.NetworkInterfaceIds)
	}
	if free(t, c, subnetA) != 251 {
		t.Errorf("got %d free addresses afterwards, want 251", free(t, c, subnetA))
	}
	_, err = c.ec2.DeleteSecurityGroup(t.Context(), &ec2.DeleteSecurityGroupInput{GroupId: aws.String(endpointGroup)})
	must(t, err)
	c.pass(time.Hour)
	_, err = c.ec2.DescribeVpcEndpoints(t.Context(), &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{id}})
	wantCode(t, err, "InvalidVpcEndpointId.NotFound")
}

func free(t *testing.T, c *cloud, subnetID string) int32 {
	t.Helper()
	out, err := c.ec2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{SubnetIds: []string{subnetID}})
	must(t, err)
	return *out.Subnets[0].AvailableIpAddressCount
}

func TestModifyVpcEndpoint(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	id := c.available(func(in *ec2.CreateVpcEndpointInput) { in.SubnetIds = []string{subnetA} })
	_, err := c.ec2.ModifyVpcEndpoint(t.Context(), &ec2.ModifyVpcEndpointInput{
		VpcEndpointId: &id, AddSubnetIds: []string{subnetB}, RemoveSubnetIds: []string{subnetA},
		AddSecurityGroupIds: []string{clientGroup}, RemoveSecurityGroupIds: []string{endpointGroup},
	})
	must(t, err)
	e := c.describe(id)
	equal(t, "subnets", e.SubnetIds, []string{subnetB})
	if e.State != "pending" || len(e.Groups) != 1 || *e.Groups[0].GroupId != clientGroup {
		t.Errorf("got %s with groups %+v", e.State, e.Groups)
	}
	if known, _ := c.world.Endpoint(id); !known.Connected {
		t.Error("traffic stopped while it was modified")
	}
	if got := c.world.Interfaces(id); len(got) != 1 || got[0].SubnetID != subnetB || got[0].GroupIDs[0] != clientGroup {
		t.Errorf("got interfaces %+v", got)
	}
	c.pass(30 * time.Second)
	if got := c.describe(id).State; got != "available" {
		t.Errorf("got %s, want available again", got)
	}
	refused := []struct {
		name string
		in   ec2.ModifyVpcEndpointInput
		code string
	}{
		{"unknown endpoint", ec2.ModifyVpcEndpointInput{VpcEndpointId: aws.String("vpce-9")}, "InvalidVpcEndpointId.NotFound"},
		{"same zone", ec2.ModifyVpcEndpointInput{AddSubnetIds: []string{subnetB}}, "DuplicateSubnetsInSameZone"},
		{"zone not offered", ec2.ModifyVpcEndpointInput{AddSubnetIds: []string{subnetC}}, "InvalidParameter"},
		{"unknown group", ec2.ModifyVpcEndpointInput{AddSecurityGroupIds: []string{"sg-9"}}, "InvalidGroup.NotFound"},
		{"last group", ec2.ModifyVpcEndpointInput{RemoveSecurityGroupIds: []string{clientGroup}}, "InvalidParameter"},
	}
	for _, test := range refused {
		if test.in.VpcEndpointId == nil {
			test.in.VpcEndpointId = &id
		}
		_, err := c.ec2.ModifyVpcEndpoint(t.Context(), &test.in)
		t.Run(test.name, func(t *testing.T) { wantCode(t, err, test.code) })
	}
}

// zones says which names Route 53 has in the demo VPC.
type zones map[string]bool

func (z zones) HasZone(_, name string) bool { return z[name] }

func TestPrivateDNSRules(t *testing.T) {
	t.Parallel()
	const name = "example.cluster.engflow.com"
	tests := []struct {
		name  string
		world func(*cloud)
		code  string
		text  string
	}{
		{"works", nil, "", ""},
		{"no private name", func(c *cloud) { c.update(func(s *vendorService) { s.PrivateDNSName = "" }) },
			"InvalidParameter", "does not provide a private DNS name"},
		{"not verified", func(c *cloud) { c.update(func(s *vendorService) { s.PrivateDNSVerification = "pendingVerification" }) },
			"InvalidParameter", "not verified"},
		{"no DNS support", func(c *cloud) { must(c.t, c.world.SetVPCDNS(vpc, false, true)) }, "InvalidParameter", "enableDnsSupport"},
		{"no DNS hostnames", func(c *cloud) { must(c.t, c.world.SetVPCDNS(vpc, true, false)) }, "InvalidParameter",
			"enableDnsHostnames"},
		{"zone of the same name", func(c *cloud) { c.world.SetZones(zones{name: true}) }, "InvalidParameter", "conflicting DNS domain"},
		{"zone of a parent name", func(c *cloud) { c.world.SetZones(zones{"cluster.engflow.com": true}) }, "", ""},
		{"another endpoint", func(c *cloud) {
			other := c.available()
			must(c.t, c.world.SetPrivateDNSByHand(other, true))
		}, "InvalidParameter", "conflicting DNS domain"},
		{"another endpoint that is being deleted", func(c *cloud) {
			other := c.available()
			must(c.t, c.world.SetPrivateDNSByHand(other, true))
			must(c.t, c.world.DeleteByHand(other))
		}, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			c.update(func(s *vendorService) { s.PrivateDNSName, s.PrivateDNSVerification = name, "verified" })
			id := c.available()
			if test.world != nil {
				test.world(c)
			}
			_, err := c.ec2.ModifyVpcEndpoint(t.Context(), &ec2.ModifyVpcEndpointInput{
				VpcEndpointId: &id, PrivateDnsEnabled: aws.Bool(true),
			})
			wantCode(t, err, test.code)
			if test.code != "" && !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v, want %q", err, test.text)
			}
			if got := *c.describe(id).PrivateDnsEnabled; got != (test.code == "") {
				t.Errorf("got private DNS %v", got)
			}
		})
	}
}

func (c *cloud) update(change func(*vendorService)) {
	c.t.Helper()
	must(c.t, c.vendor.Update(change))
}

func TestPrivateDNSLife(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.update(func(s *vendorService) { s.PrivateDNSName, s.PrivateDNSVerification = "*.dbt.example.com", "verified" })
	private := func(in *ec2.CreateVpcEndpointInput) { in.PrivateDnsEnabled = aws.Bool(true) }
	_, err := c.ec2.CreateVpcEndpoint(t.Context(), request(private))
	wantCode(t, err, "InvalidParameter", "Private DNS can only be enabled after the endpoint connection is accepted by the owner of")
	id := c.create()
	_, err = c.ec2.ModifyVpcEndpoint(t.Context(), &ec2.ModifyVpcEndpointInput{VpcEndpointId: &id, PrivateDnsEnabled: aws.Bool(true)})
	wantCode(t, err, "InvalidParameter", "accepted by the owner")
	must(t, c.vendor.Accept(id))
	c.pass(time.Minute)
	_, err = c.ec2.ModifyVpcEndpoint(t.Context(), &ec2.ModifyVpcEndpointInput{VpcEndpointId: &id, PrivateDnsEnabled: aws.Bool(true)})
	must(t, err)
	managed := c.world.ManagedZones(vpc)
	if len(managed) != 1 || managed[0].Name != "dbt.example.com" || managed[0].Record != "*.dbt.example.com" ||
		len(managed[0].Addresses) != 0 {
		t.Errorf("got %+v at once, want a zone without addresses", managed)
	}
	c.pass(30 * time.Second)
	equal(t, "addresses", c.world.ManagedZones(vpc)[0].Addresses, []string{"10.20.1.4", "10.20.2.4"})
	entries := c.describe(id).DnsEntries
	if last := entries[len(entries)-1]; *last.DnsName != "*.dbt.example.com" || *last.HostedZoneId != managed[0].ID {
		t.Errorf("got last DNS entry %s in %s", *last.DnsName, *last.HostedZoneId)
	}
	must(t, c.world.DeleteByHand(id))
	if got := c.world.ManagedZones(vpc); len(got) != 0 {
		t.Errorf("got %+v while deleting, want none", got)
	}

	c.update(func(s *vendorService) { s.AcceptanceRequired = false })
	if e := c.describe(c.create(private)); !*e.PrivateDnsEnabled {
		t.Error("a service that accepts every account did not get private DNS at creation")
	}
}

func TestCrossRegion(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	const remote = "com.amazonaws.vpce.us-west-2.vpce-svc-0fedcba9876543210"
	service := vendorService{
		Name: remote, ID: "vpce-svc-0fedcba9876543210", Region: "us-west-2", Owner: "444455556666", AZIDs: []string{"usw2-az1"},
		AllowedAccounts: []string{"*"}, RemoteAZIDs: []string{"use1-az1", "use1-az2"},
		PrivateDNSName: "x.example.com", PrivateDNSVerification: "verified",
	}
	c.world.AddService(service)
	abroad := func(in *ec2.CreateVpcEndpointInput) {
		in.ServiceName, in.ServiceRegion = aws.String(remote), aws.String("us-west-2")
	}
	verify := &ec2.DescribeVpcEndpointServicesInput{ServiceNames: []string{remote}, ServiceRegions: []string{"us-west-2"}}
	_, err := c.ec2.DescribeVpcEndpointServices(t.Context(), verify)
	wantCode(t, err, "InvalidServiceName") // the vendor has not opened our Region
	must(t, c.world.Vendor(remote).Update(func(s *vendorService) { s.ConsumerRegions = []string{home} }))
	out, err := c.ec2.DescribeVpcEndpointServices(t.Context(), verify)
	must(t, err)
	if d := out.ServiceDetails[0]; len(d.AvailabilityZoneIds) != 0 || *d.ServiceRegion != "us-west-2" {
		t.Errorf("got zones %v in %s, want none", d.AvailabilityZoneIds, *d.ServiceRegion)
	}
	_, err = c.ec2.DescribeVpcEndpointServices(t.Context(), &ec2.DescribeVpcEndpointServicesInput{ServiceNames: []string{remote}})
	wantCode(t, err, "InvalidServiceName") // the Region was not named
	_, err = c.ec2.CreateVpcEndpoint(t.Context(), request(abroad, func(in *ec2.CreateVpcEndpointInput) {
		in.SubnetIds = []string{subnetC}
	}))
	wantCode(t, err, "InvalidParameter", "Only the following availability zones are supported for remote access: use1-az1, use1-az2")
	_, err = c.ec2.CreateVpcEndpoint(t.Context(), request(abroad, func(in *ec2.CreateVpcEndpointInput) {
		in.PrivateDnsEnabled = aws.Bool(true)
	}))
	wantCode(t, err, "InvalidParameter", "cross-region")
	must(t, c.world.Vendor(remote).Update(func(s *vendorService) { s.CrossRegionPrivateDNS = true }))
	e := c.describe(c.create(abroad, func(in *ec2.CreateVpcEndpointInput) { in.PrivateDnsEnabled = aws.Bool(true) }))
	if len(e.DnsEntries) != 2 || !strings.HasSuffix(*e.DnsEntries[0].DnsName,
		".vpce-svc-0fedcba9876543210.us-west-2.vpce.amazonaws.com") ||
		*e.DnsEntries[0].HostedZoneId != "Z1YSA3EXCYUU9Z" || *e.ServiceRegion != "us-west-2" {
		t.Errorf("got entries %+v", e.DnsEntries)
	}
}

func TestDescribeVpcEndpointServices(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	must(t, c.vendor.Withdraw(account))
	c.world.AddService(vendorService{
		Name: "com.open", ID: "vpce-svc-1", Region: home, AllowedAccounts: []string{"*"}, AZIDs: []string{"use1-az3", "use1-az5",
			"use1-az9"},
		PrivateDNSName: "open.example.com", PrivateDNSVerification: "pendingVerification",
	})
	read := func(names ...string) (*ec2.DescribeVpcEndpointServicesOutput, error) {
		return c.ec2.DescribeVpcEndpointServices(t.Context(), &ec2.DescribeVpcEndpointServicesInput{ServiceNames: names})
	}
	_, err := read(monteCarlo)
	wantCode(t, err, "InvalidServiceName", monteCarlo)
	_, err = read("com.open", monteCarlo)
	wantCode(t, err, "InvalidServiceName") // one bad name fails the whole call
	must(t, c.vendor.Allow(account))
	out, err := read(monteCarlo)
	must(t, err)
	d := out.ServiceDetails[0]
	if !*d.AcceptanceRequired || *d.ServiceId != "vpce-svc-0123456789abcdef0" || d.PrivateDnsName != nil ||
		d.ServiceType[0].ServiceType != "Interface" {
		t.Errorf("got %+v", d)
	}
	equal(t, "zones", d.AvailabilityZoneIds, []string{"use1-az1", "use1-az2"})
	equal(t, "zone names", d.AvailabilityZones, []string{"us-east-1a", "us-east-1b"})
	out, err = read()
	must(t, err)
	equal(t, "names", out.ServiceNames, []string{monteCarlo, "com.open"})
	open := out.ServiceDetails[1]
	equal(t, "common zones", open.AvailabilityZoneIds, []string{"use1-az3", "use1-az5"})
	if *open.PrivateDnsName != "open.example.com" || open.PrivateDnsNameVerificationState != types.DnsNameStatePendingVerification {
		t.Errorf("got private name %s %s", *open.PrivateDnsName, open.PrivateDnsNameVerificationState)
	}
}

func TestUnknownCallsAreLoud(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	_, err := c.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
	wantCode(t, err, "NotImplemented", fmt.Sprint(http.StatusNotImplemented))
}
