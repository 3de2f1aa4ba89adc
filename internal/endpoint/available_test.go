package endpoint

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/awserr"
	"postern/internal/connection"
	"postern/internal/step"
)

func entries(names ...string) []types.DnsEntry {
	var all []types.DnsEntry
	for _, name := range names {
		all = append(all, types.DnsEntry{DnsName: aws.String(name), HostedZoneId: aws.String("Z-" + name[:4])})
	}
	return all
}

func eni(id, az, ip string) types.NetworkInterface {
	return types.NetworkInterface{
		NetworkInterfaceId: aws.String(id), AvailabilityZone: aws.String(az), PrivateIpAddress: aws.String(ip),
		SubnetId: aws.String("subnet-" + az),
	}
}

const regional = "vpce-1-abcd.vpce-svc-9.us-east-1.vpce.amazonaws.com"

func ready() (types.VpcEndpoint, []types.NetworkInterface) {
	e := ours("vpce-1", "available", "arn:exec:1")
	e.SubnetIds, e.NetworkInterfaceIds = []string{"subnet-a", "subnet-b"}, []string{"eni-b", "eni-a"}
	e.DnsEntries = entries("vpce-1-abcd-us-east-1a.vpce-svc-9.us-east-1.vpce.amazonaws.com", regional+".")
	return e, []types.NetworkInterface{eni("eni-b", "us-east-1b", "10.0.2.1"), eni("eni-a", "us-east-1a", "10.0.1.1")}
}

func TestAvailable(t *testing.T) {
	t.Parallel()
	for _, pageSize := range []int{0, 1} {
		e, enis := ready()
		got, err := client(&fakeEC2{endpoints: []types.VpcEndpoint{e}, interfaces: enis, pageSize: pageSize}).Available(t.Context(),
			"vpce-1")
		want := connection.Availability{
			State: connection.StateAvailable, DNSName: regional, HostedZoneID: "Z-vpce", Interfaces: []connection.NetworkInterface{
				{ID: "eni-a", SubnetID: "subnet-us-east-1a", AZ: "us-east-1a", IP: "10.0.1.1"},
				{ID: "eni-b", SubnetID: "subnet-us-east-1b", AZ: "us-east-1b", IP: "10.0.2.1"},
			},
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	}
}

func TestAvailableNotYet(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*types.VpcEndpoint, *fakeEC2)
		want   string
		says   string
	}{
		"pendingAcceptance": {func(e *types.VpcEndpoint, _ *fakeEC2) { e.State = "pendingAcceptance" }, connection.EndpointPending,
			"pendingacceptance"},
		"pending":    {func(e *types.VpcEndpoint, _ *fakeEC2) { e.State = "Pending" }, connection.EndpointPending, "pending"},
		"partial":    {func(e *types.VpcEndpoint, _ *fakeEC2) { e.State = "partial" }, connection.EndpointPending, "partial"},
		"a new word": {func(e *types.VpcEndpoint, _ *fakeEC2) { e.State = "thinking" }, connection.EndpointPending, "unknown"},
		"no names":   {func(e *types.VpcEndpoint, _ *fakeEC2) { e.DnsEntries = nil }, connection.EndpointPending, "DNS name"},
		"zonal names only": {func(e *types.VpcEndpoint, _ *fakeEC2) { e.DnsEntries = e.DnsEntries[:1] }, connection.EndpointPending,
			"DNS name"},
		"no interfaces": {func(e *types.VpcEndpoint, _ *fakeEC2) { e.NetworkInterfaceIds = nil }, connection.EndpointPending,
			"0 of 2"},
		"one of two": {
			func(e *types.VpcEndpoint, _ *fakeEC2) { e.NetworkInterfaceIds = e.NetworkInterfaceIds[:1] }, connection.EndpointPending,
			"1 of 2",
		},
		"an interface is not visible": {
			func(_ *types.VpcEndpoint, f *fakeEC2) { f.interfaces = f.interfaces[:1] }, connection.EndpointPending, "1 of 2",
		},
		"AWS does not know an interface": {
			func(_ *types.VpcEndpoint, f *fakeEC2) {
				f.refuse = map[string][]error{"DescribeNetworkInterfaces": {code("InvalidNetworkInterfaceID.NotFound")}}
			}, connection.EndpointPending, "visible",
		},
		"an interface without address": {
			func(_ *types.VpcEndpoint, f *fakeEC2) { f.interfaces[0].PrivateIpAddress = nil }, connection.EndpointPending, "eni-b",
		},
		"rejected": {func(e *types.VpcEndpoint, _ *fakeEC2) { e.State = "Rejected" }, connection.EndpointRejected, "vpce-1"},
		"expired":  {func(e *types.VpcEndpoint, _ *fakeEC2) { e.State = "expired" }, connection.EndpointExpired, "vpce-1"},
		"failed": {
			func(e *types.VpcEndpoint, _ *fakeEC2) { e.State, e.FailureReason = "failed", aws.String("no room") },
			connection.EndpointFailed, "no room",
		},
		"deleted": {func(e *types.VpcEndpoint, _ *fakeEC2) { e.VpcEndpointId = aws.String("vpce-2") }, connection.EndpointDeleted,
			"vpce-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, enis := ready()
			fake := &fakeEC2{interfaces: enis}
			test.change(&e, fake)
			fake.endpoints = []types.VpcEndpoint{e}
			_, err := client(fake).Available(t.Context(), "vpce-1")
			if connection.NameOf(err) != test.want || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: %v", connection.NameOf(err), err)
			}
		})
	}
	if _, err := client(&fakeEC2{}).awaitAvailable(t.Context(), connection.Input{}); connection.NameOf(err) != connection.Internal {
		t.Errorf("no endpoint: %v", err)
	}
}

// The order of an endpoint's names means nothing, and a vendor may choose any private name.
func TestRegionalName(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		names []string
		want  string
	}{
		"first": {[]string{regional, "vpce-1-abcd-us-east-1a.vpce-svc-9.us-east-1.vpce.amazonaws.com"}, regional},
		"last": {[]string{"*.api.vendor.com", "api.vendor.com", "vpce-1-abcd-us-east-1a.x.vpce.amazonaws.com", regional},
			regional},
		"a private trap": {[]string{"vpce-2.vendor.com", "vpce-1.vpce-svc-9.us-east-1.vpce.amazonaws.com"},
			"vpce-1.vpce-svc-9.us-east-1.vpce.amazonaws.com"},
		"upper case":   {[]string{strings.ToUpper(regional)}, strings.ToUpper(regional)},
		"a local zone": {[]string{"vpce-1-abcd-us-west-2-lax-1a.vpce-svc-9.us-west-2.vpce.amazonaws.com"}, ""},
		"gov zone":     {[]string{"vpce-1-abcd-us-gov-west-1b.vpce-svc-9.us-gov-west-1.vpce.amazonaws.com"}, ""},
		"none":         {nil, ""},
	} {
		for _, reversed := range []bool{false, true} {
			e := Endpoint{ID: "vpce-1"}
			for _, n := range test.names {
				e.DNSNames = append(e.DNSNames, DNSName{Name: n})
			}
			if reversed {
				slices.Reverse(e.DNSNames)
			}
			if got, ok := e.regionalName(); got.Name != test.want || ok != (test.want != "") {
				t.Errorf("%s: %q", name, got.Name)
			}
		}
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	foreign := ours("vpce-1", "available", "arn:exec:1")
	foreign.Tags = foreign.Tags[:1]
	for name, test := range map[string]struct {
		fake    *fakeEC2
		fault   string // of the error, "" for none, "?" for any
		deletes bool
	}{
		"live":    {&fakeEC2{endpoints: []types.VpcEndpoint{ours("vpce-1", "available", "arn:exec:1")}}, "", true},
		"refused": {&fakeEC2{endpoints: []types.VpcEndpoint{ours("vpce-1", "Rejected", "arn:exec:1")}}, "", true},
		"leaving": {&fakeEC2{endpoints: []types.VpcEndpoint{ours("vpce-1", "Deleting", "arn:exec:1")}}, "", false},
		"gone":    {&fakeEC2{}, "", false},
		"foreign": {&fakeEC2{endpoints: []types.VpcEndpoint{foreign}}, connection.Conflict, false},
		"another connection's": {&fakeEC2{endpoints: []types.VpcEndpoint{tagged("vpce-1", connection.Tags("monte-carlo/other", "arn:exec:1"))}},
			connection.Conflict, false},
		"adopted": {&fakeEC2{endpoints: []types.VpcEndpoint{tagged("vpce-1", connection.AdoptionTags("monte-carlo/prod", "arn:exec:1"))}},
			connection.Conflict, false},
		"gone while we looked": {&fakeEC2{
			endpoints:    []types.VpcEndpoint{ours("vpce-1", "available", "arn:exec:1")},
			unsuccessful: map[string]types.UnsuccessfulItemError{"vpce-1": {Code: aws.String("InvalidVpcEndpoint.NotFound")}},
		}, "", true},
		"200 and yet not done": {&fakeEC2{
			endpoints: []types.VpcEndpoint{ours("vpce-1", "available", "arn:exec:1")},
			unsuccessful: map[string]types.UnsuccessfulItemError{"vpce-1": {Code: aws.String("OperationNotPermitted"),
				Message: aws.String("no")}},
		}, "?", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := client(test.fake).Remove(t.Context(), "vpce-1", "monte-carlo/prod")
			if (err != nil) != (test.fault != "") || test.fault != "?" && connection.NameOf(err) != test.fault {
				t.Errorf("error %v", err)
			}
			if got := slices.Contains(test.fake.calls, "DeleteVpcEndpoints"); got != test.deletes {
				t.Errorf("called DeleteVpcEndpoints: %t", got)
			}
		})
	}
	fake := &fakeEC2{}
	for _, ids := range [][2]string{{"", "monte-carlo/prod"}, {"vpce-1", ""}} {
		if err := client(fake).Remove(t.Context(), ids[0], ids[1]); err == nil || len(fake.calls) != 0 {
			t.Errorf("%q: %v", ids, err)
		}
	}
}

// tagged is an available endpoint with these tags.
func tagged(id string, tags map[string]string) types.VpcEndpoint {
	e := ours(id, "available", "arn:exec:1")
	e.Tags = tagList(tags)
	return e
}

func TestRemoveGroupOfItsOwnOnly(t *testing.T) {
	t.Parallel()
	for name, tags := range map[string]map[string]string{"none": nil, "another connection's": connection.Tags("monte-carlo/other", "arn:exec:1")} {
		fake := &fakeEC2{}
		err := client(fake).RemoveGroup(t.Context(), SecurityGroup{ID: "sg-1", VPCID: "vpc-1", Tags: tags}, "monte-carlo/prod")
		if connection.NameOf(err) != connection.Conflict || len(fake.calls) > 0 {
			t.Errorf("%s: %v after %v", name, err, fake.calls)
		}
	}
}

func TestUnsuccessfulIsClassifiedAsAnyError(t *testing.T) {
	t.Parallel()
	fake := &fakeEC2{
		endpoints:    []types.VpcEndpoint{ours("vpce-1", "available", "arn:exec:1")},
		unsuccessful: map[string]types.UnsuccessfulItemError{"vpce-1": {Code: aws.String("UnauthorizedOperation")}},
	}
	if err := client(fake).Remove(t.Context(), "vpce-1", "monte-carlo/prod"); !awserr.IsDenied(err) {
		t.Errorf("%v", err)
	}
	if err := unsuccessful([]types.UnsuccessfulItem{{ResourceId: aws.String("vpce-1")}}); err == nil {
		t.Error("a failure without reason was swallowed")
	}
}

func TestRemoveNotification(t *testing.T) {
	t.Parallel()
	fake := &fakeEC2{pageSize: 1}
	for _, id := range []string{"nfn-1", "nfn-2"} {
		fake.notifications = append(fake.notifications, types.ConnectionNotification{
			ConnectionNotificationId: aws.String(id), VpcEndpointId: aws.String("vpce-1"), ConnectionNotificationArn: aws.String(topic),
		})
	}
	if err := client(fake).RemoveNotification(t.Context(), "nfn-absent"); err != nil {
		t.Errorf("absent is done: %v", err)
	}
	if err := client(fake).removeNotifications(t.Context(), "vpce-1"); err != nil || len(fake.notifications) != 0 {
		t.Errorf("%v, left %v", err, fake.notifications)
	}
	fake.unsuccessful = map[string]types.UnsuccessfulItemError{"nfn-3": {Code: aws.String("UnauthorizedOperation")}}
	if err := client(fake).RemoveNotification(t.Context(), "nfn-3"); !awserr.IsDenied(err) {
		t.Errorf("200 and yet not done: %v", err)
	}
	if client(fake).RemoveNotification(t.Context(), "") == nil {
		t.Error("an empty ID was taken")
	}
}

func TestSetPrivateDNS(t *testing.T) {
	t.Parallel()
	switched := ours("vpce-1", "available", "arn:exec:1")
	switched.PrivateDnsEnabled = aws.Bool(true)
	foreign := ours("vpce-1", "available", "arn:exec:1")
	foreign.Tags = nil
	refused := map[string][]error{"ModifyVpcEndpoint": {code("InvalidParameter")}}
	for name, test := range map[string]struct {
		fake    *fakeEC2
		on      bool
		changed bool
		fault   string
	}{
		"on":          {&fakeEC2{endpoints: []types.VpcEndpoint{ours("vpce-1", "available", "arn:exec:1")}}, true, true, ""},
		"on already":  {&fakeEC2{endpoints: []types.VpcEndpoint{switched}}, true, false, ""},
		"off":         {&fakeEC2{endpoints: []types.VpcEndpoint{switched}}, false, true, ""},
		"off already": {&fakeEC2{endpoints: []types.VpcEndpoint{ours("vpce-1", "available", "arn:exec:1")}}, false, false, ""},
		"on, gone":    {&fakeEC2{}, true, false, connection.EndpointDeleted},
		"off, gone":   {&fakeEC2{}, false, false, ""},
		"foreign":     {&fakeEC2{endpoints: []types.VpcEndpoint{foreign}}, true, false, connection.Conflict},
		"AWS refuses": {
			&fakeEC2{endpoints: []types.VpcEndpoint{ours("vpce-1", "available", "arn:exec:1")}, refuse: refused}, true, false,
			connection.Conflict,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed, err := client(test.fake).SetPrivateDNS(t.Context(), "vpce-1", test.on)
			if changed != test.changed || connection.NameOf(err) != test.fault || (err != nil) != (test.fault != "") {
				t.Errorf("changed %t, %v", changed, err)
			}
			if got := slices.Contains(test.fake.calls, "ModifyVpcEndpoint"); got != (test.changed || name == "AWS refuses") {
				t.Errorf("called ModifyVpcEndpoint: %t", got)
			}
		})
	}
	if _, err := client(&fakeEC2{}).SetPrivateDNS(t.Context(), "", true); err == nil {
		t.Error("an empty id was taken")
	}
}

func TestEnablePrivateDNS(t *testing.T) {
	t.Parallel()
	const execution, other = "arn:exec:1", "arn:exec:0"
	on := func(e types.VpcEndpoint, tags ...string) types.VpcEndpoint {
		e.PrivateDnsEnabled = aws.Bool(true)
		for _, by := range tags {
			e.Tags = append(e.Tags, types.Tag{Key: aws.String(connection.TagPrivateDNS), Value: aws.String(by)})
		}
		return e
	}
	untagged := ours("vpce-1", "available", execution)
	untagged.Tags = nil
	for name, test := range map[string]struct {
		endpoint types.VpcEndpoint
		ours     bool
		fault    string
		calls    string // after the look
	}{
		"made by us": {ours("vpce-1", "available", execution), true, connection.EndpointPending,
			" ModifyVpcEndpoint"},
		"adopted": {ours("vpce-1", "available", other), true, connection.EndpointPending,
			" CreateTags ModifyVpcEndpoint"},
		"made by us, on, pending again": {on(ours("vpce-1", "pending", execution)), false, connection.EndpointPending, ""},
		"made by us, on":                {on(ours("vpce-1", "available", execution)), true, "", ""},
		"adopted, on by an earlier try": {on(ours("vpce-1", "available", other), execution), true, "", ""},
		"adopted, on before us":         {on(ours("vpce-1", "available", other)), false, "", ""},
		"adopted, on by another run":    {on(ours("vpce-1", "available", other), other), false, "", ""},
		"not accepted":                  {ours("vpce-1", "pendingAcceptance", execution), false, connection.EndpointPending, ""},
		"rejected":                      {ours("vpce-1", "rejected", execution), false, connection.EndpointRejected, ""},
		"deleted":                       {ours("vpce-2", "available", execution), false, connection.EndpointDeleted, ""},
		"not ours":                      {untagged, false, connection.Conflict, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := &fakeEC2{endpoints: []types.VpcEndpoint{test.endpoint}}
			got, err := client(fake).EnablePrivateDNS(t.Context(), "vpce-1", execution)
			if got != test.ours || connection.NameOf(err) != test.fault || (err != nil) != (test.fault != "") {
				t.Errorf("ours %t, %v", got, err)
			}
			if fake.called() != "DescribeVpcEndpoints"+test.calls {
				t.Errorf("calls %s", fake.called())
			}
			if test.calls == "" {
				return
			}
			// The next try finds it on, and still knows whose doing it is.
			if again, err := client(fake).EnablePrivateDNS(t.Context(), "vpce-1", execution); err != nil || !again {
				t.Errorf("the next try: ours %t, %v", again, err)
			}
		})
	}
}

func TestEnablePrivateDNSRefused(t *testing.T) {
	t.Parallel()
	for operation, test := range map[string]struct{ answer, want string }{
		"CreateTags":        {"UnauthorizedOperation", connection.AccessDenied},
		"ModifyVpcEndpoint": {"InvalidParameter", connection.Conflict},
	} {
		fake := &fakeEC2{endpoints: []types.VpcEndpoint{ours("vpce-1", "available", "arn:exec:0")}}
		fake.refuse = map[string][]error{operation: {code(test.answer)}}
		if _, err := client(fake).EnablePrivateDNS(t.Context(), "vpce-1", "arn:exec:1"); step.Name(err) != test.want {
			t.Errorf("%s: %v", operation, err)
		}
	}
}

// The zone of a name follows from the subnets of the request: another account has another name for the same zone.
func TestZonalNames(t *testing.T) {
	t.Parallel()
	const zonalA = "vpce-1-abcd-us-east-1a.vpce-svc-9.us-east-1.vpce.amazonaws.com"
	const zonalB = "vpce-1-abcd-us-east-1b.vpce-svc-9.us-east-1.vpce.amazonaws.com"
	e, enis := ready()
	e.DnsEntries = entries("*.acme.example", zonalB+".", strings.ToUpper(zonalA), regional)
	state := connection.State{
		Plan: &connection.Plan{Network: connection.Network{Subnets: []connection.Subnet{
			{ID: "subnet-a", AZ: "us-east-1a", AZID: "use1-az4"}, {ID: "subnet-b", AZ: "us-east-1b", AZID: "use1-az6"},
		}}},
		Endpoint: &connection.Endpoint{ID: "vpce-1"},
	}
	fake := &fakeEC2{endpoints: []types.VpcEndpoint{e}, interfaces: enis}
	got, err := client(fake).awaitAvailable(t.Context(), connection.Input{State: state})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"use1-az4": zonalA, "use1-az6": zonalB}, got.ZonalNames); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if fake.called() != "DescribeVpcEndpoints DescribeNetworkInterfaces" {
		t.Errorf("calls %s", fake.called())
	}
	// AWS: an endpoint for a service of another Region has the Regional name alone, in the service's Region.
	const remote = "vpce-1-abcd.vpce-svc-9.eu-west-1.vpce.amazonaws.com"
	fake.endpoints[0].DnsEntries = entries(remote)
	got, err = client(fake).awaitAvailable(t.Context(), connection.Input{State: state})
	if err != nil || got.DNSName != remote || got.ZonalNames != nil {
		t.Errorf("across Regions: %+v, %v", got, err)
	}
}
