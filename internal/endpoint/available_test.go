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
		NetworkInterfaceId: aws.String(id), AvailabilityZone: aws.String(az), PrivateIpAddress: aws.String(ip), SubnetId: aws.String("subnet-" + az),
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
		got, err := client(&fakeEC2{endpoints: []types.VpcEndpoint{e}, interfaces: enis, pageSize: pageSize}).Available(t.Context(), "vpce-1")
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
		"pendingAcceptance": {func(e *types.VpcEndpoint, _ *fakeEC2) { e.State = "pendingAcceptance" }, connection.EndpointPending, "pendingacceptance"},
		"pending":           {func(e *types.VpcEndpoint, _ *fakeEC2) { e.State = "Pending" }, connection.EndpointPending, "pending"},
		"partial":           {func(e *types.VpcEndpoint, _ *fakeEC2) { e.State = "partial" }, connection.EndpointPending, "partial"},
		"a new word":        {func(e *types.VpcEndpoint, _ *fakeEC2) { e.State = "thinking" }, connection.EndpointPending, "unknown"},
		"no names":          {func(e *types.VpcEndpoint, _ *fakeEC2) { e.DnsEntries = nil }, connection.EndpointPending, "DNS name"},
		"zonal names only":  {func(e *types.VpcEndpoint, _ *fakeEC2) { e.DnsEntries = e.DnsEntries[:1] }, connection.EndpointPending, "DNS name"},
		"no interfaces":     {func(e *types.VpcEndpoint, _ *fakeEC2) { e.NetworkInterfaceIds = nil }, connection.EndpointPending, "0 of 2"},
		"one of two": {
			func(e *types.VpcEndpoint, _ *fakeEC2) { e.NetworkInterfaceIds = e.NetworkInterfaceIds[:1] }, connection.EndpointPending, "1 of 2",
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
			func(e *types.VpcEndpoint, _ *fakeEC2) { e.State, e.FailureReason = "failed", aws.String("no room") }, connection.EndpointFailed, "no room",
		},
		"deleted": {func(e *types.VpcEndpoint, _ *fakeEC2) { e.VpcEndpointId = aws.String("vpce-2") }, connection.EndpointDeleted, "vpce-1"},
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
		"first":          {[]string{regional, "vpce-1-abcd-us-east-1a.vpce-svc-9.us-east-1.vpce.amazonaws.com"}, regional},
		"last":           {[]string{"*.api.vendor.com", "api.vendor.com", "vpce-1-abcd-us-east-1a.x.vpce.amazonaws.com", regional}, regional},
		"a private trap": {[]string{"vpce-2.vendor.com", "vpce-1.vpce-svc-9.us-east-1.vpce.amazonaws.com"}, "vpce-1.vpce-svc-9.us-east-1.vpce.amazonaws.com"},
		"upper case":     {[]string{strings.ToUpper(regional)}, strings.ToUpper(regional)},
		"a local zone":   {[]string{"vpce-1-abcd-us-west-2-lax-1a.vpce-svc-9.us-west-2.vpce.amazonaws.com"}, ""},
		"gov zone":       {[]string{"vpce-1-abcd-us-gov-west-1b.vpce-svc-9.us-gov-west-1.vpce.amazonaws.com"}, ""},
		"none":           {nil, ""},
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
		"gone while we looked": {&fakeEC2{
			endpoints:    []types.VpcEndpoint{ours("vpce-1", "available", "arn:exec:1")},
			unsuccessful: map[string]types.UnsuccessfulItemError{"vpce-1": {Code: aws.String("InvalidVpcEndpoint.NotFound")}},
		}, "", true},
		"200 and yet not done": {&fakeEC2{
			endpoints:    []types.VpcEndpoint{ours("vpce-1", "available", "arn:exec:1")},
			unsuccessful: map[string]types.UnsuccessfulItemError{"vpce-1": {Code: aws.String("OperationNotPermitted"), Message: aws.String("no")}},
		}, "?", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := client(test.fake).Remove(t.Context(), "vpce-1")
			if (err != nil) != (test.fault != "") || test.fault != "?" && connection.NameOf(err) != test.fault {
				t.Errorf("error %v", err)
			}
			if got := slices.Contains(test.fake.calls, "DeleteVpcEndpoints"); got != test.deletes {
				t.Errorf("called DeleteVpcEndpoints: %t", got)
			}
		})
	}
	fake := &fakeEC2{}
	if err := client(fake).Remove(t.Context(), ""); err == nil || len(fake.calls) != 0 {
		t.Errorf("an empty id: %v", err)
	}
}

func TestUnsuccessfulIsClassifiedAsAnyError(t *testing.T) {
	t.Parallel()
	fake := &fakeEC2{
		endpoints:    []types.VpcEndpoint{ours("vpce-1", "available", "arn:exec:1")},
		unsuccessful: map[string]types.UnsuccessfulItemError{"vpce-1": {Code: aws.String("UnauthorizedOperation")}},
	}
	if err := client(fake).Remove(t.Context(), "vpce-1"); !awserr.IsDenied(err) {
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
	if err := client(fake).RemoveNotifications(t.Context(), "vpce-1"); err != nil || len(fake.notifications) != 0 {
		t.Errorf("%v, left %v", err, fake.notifications)
	}
	fake.unsuccessful = map[string]types.UnsuccessfulItemError{"nfn-3": {Code: aws.String("UnauthorizedOperation")}}
	if err := client(fake).RemoveNotification(t.Context(), "nfn-3"); !awserr.IsDenied(err) {
		t.Errorf("200 and yet not done: %v", err)
	}
	for _, err := range []error{client(fake).RemoveNotification(t.Context(), ""), client(fake).RemoveNotifications(t.Context(), "")} {
		if err == nil {
			t.Error("an empty id was taken")
		}
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
			&fakeEC2{endpoints: []types.VpcEndpoint{ours("vpce-1", "available", "arn:exec:1")}, refuse: refused}, true, false, connection.Conflict,
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
