package route53_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"postern/internal/local/clock"
	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
	"postern/internal/local/wire"
)

const (
	vpc, home  = privatelink.SmallVPC, privatelink.SmallRegion
	secondVPC  = "vpc-2"
	zoneName   = "privatelink.vendor-example.com"
	host       = privatelink.SmallHost
	monteCarlo = privatelink.SmallService
	foreigner  = "999900001111"
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// cloud is the demo world with a second VPC, and an SDK client of its Route 53.
type cloud struct {
	t       *testing.T
	clock   *clock.Clock
	world   *privatelink.World
	service *route53.Service
	sdk     *sdk.Client

	mu    sync.Mutex
	asked []wire.Permission
}

func (c *cloud) Authorize(_ string, p wire.Permission) wire.Decision {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, p)
	return wire.Decision{Allowed: true}
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{t: t, clock: clock.New(start)}
	c.world = privatelink.Small(c.clock)
	c.world.AddVPC(privatelink.VPC{ID: secondVPC, Region: home, CIDRs: []string{"10.30.0.0/16"}, DNSSupport: true,
		DNSHostnames: true})
	c.service = route53.New(c.clock, c.world, route53.DefaultOptions(privatelink.SmallAccount))
	c.world.SetZones(c.service)
	server := wire.NewServer(wire.Config{
		AccountID: privatelink.SmallAccount, Region: home, Now: c.clock.Now, Authorizer: c,
	}, c.service)
	server.Register("AKIATEST", wire.Principal{RoleARN: "arn:aws:iam::111122223333:role/tester", Function: "tester"})
	c.sdk = sdk.NewFromConfig(server.AWS("AKIATEST"))
	return c
}

func (c *cloud) pass(d time.Duration) {
	c.t.Helper()
	over := false
	c.clock.After(d, "test", func() { over = true })
	must(c.t, c.clock.Run(func() bool { return over }, c.clock.Now().Add(d)))
}

func named(id string) *types.VPC { return &types.VPC{VPCId: &id, VPCRegion: types.VPCRegion(home)} }

// newZone creates a private zone in the demo VPC and returns its id as the API writes it.
func (c *cloud) newZone(name string) string {
	c.t.Helper()
	out, err := c.sdk.CreateHostedZone(c.t.Context(), zoneRequest(name))
	must(c.t, err)
	return *out.HostedZone.Id
}

func zoneRequest(name string, changes ...func(*sdk.CreateHostedZoneInput)) *sdk.CreateHostedZoneInput {
	in := &sdk.CreateHostedZoneInput{
		Name: &name, CallerReference: aws.String("ref " + name), VPC: named(vpc),
		HostedZoneConfig: &types.HostedZoneConfig{Comment: aws.String("postern"), PrivateZone: true},
	}
	for _, change := range changes {
		change(in)
	}
	return in
}

func (c *cloud) change(zone string, changes ...types.Change) (*types.ChangeInfo, error) {
	out, err := c.sdk.ChangeResourceRecordSets(c.t.Context(), &sdk.ChangeResourceRecordSetsInput{
		HostedZoneId: &zone, ChangeBatch: &types.ChangeBatch{Changes: changes},
	})
	if err != nil {
		return nil, err
	}
	return out.ChangeInfo, nil
}

func cname(action types.ChangeAction, name, target string) types.Change {
	return values(action, name, types.RRTypeCname, 60, target)
}

func values(action types.ChangeAction, name string, kind types.RRType, ttl int64, values ...string) types.Change {
	set := &types.ResourceRecordSet{Name: &name, Type: kind, TTL: &ttl}
	for _, value := range values {
		set.ResourceRecords = append(set.ResourceRecords, types.ResourceRecord{Value: &value})
	}
	return types.Change{Action: action, ResourceRecordSet: set}
}

func alias(action types.ChangeAction, name, target, zone string) types.Change {
	return types.Change{Action: action, ResourceRecordSet: &types.ResourceRecordSet{
		Name: &name, Type: types.RRTypeA, AliasTarget: &types.AliasTarget{DNSName: &target, HostedZoneId: &zone,
			EvaluateTargetHealth: true},
	}}
}

// records are the zone's records but NS and SOA, as "name type value".
func (c *cloud) records(zone string) []string {
	c.t.Helper()
	out, err := c.sdk.ListResourceRecordSets(c.t.Context(), &sdk.ListResourceRecordSetsInput{HostedZoneId: &zone})
	must(c.t, err)
	var all []string
	for _, set := range out.ResourceRecordSets {
		line := *set.Name + " " + string(set.Type)
		for _, value := range set.ResourceRecords {
			line += " " + *value.Value
		}
		if set.AliasTarget != nil {
			line += " alias " + *set.AliasTarget.DNSName
		}
		if set.Type != types.RRTypeNs && set.Type != types.RRTypeSoa {
			all = append(all, line)
		}
	}
	return all
}

// endpoint makes an endpoint that is available, and returns its id and Regional name.
func (c *cloud) endpoint(private bool) (id, name string) {
	c.t.Helper()
	vendor := c.world.Vendor(monteCarlo)
	must(c.t, vendor.Allow(privatelink.SmallAccount))
	form := map[string][]string{
		"Action": {"CreateVpcEndpoint"}, "VpcEndpointType": {"Interface"}, "VpcId": {vpc}, "ServiceName": {monteCarlo},
		"SubnetId.1": {privatelink.SmallSubnetA}, "SubnetId.2": {privatelink.SmallSubnetB},
	}
	create := privatelink.NewService(c.world).Operations()["CreateVpcEndpoint"]
	_, err := create.Do(&wire.Call{Operation: "CreateVpcEndpoint", Region: home, AccountID: privatelink.SmallAccount, Form: form})
	must(c.t, err)
	id = vendor.Waiting()[0]
	must(c.t, vendor.Accept(id))
	c.pass(time.Minute)
	if private {
		must(c.t, vendor.Update(func(s *privatelink.VendorService) { s.PrivateDNSName, s.PrivateDNSVerification = host, "verified" }))
		must(c.t, c.world.SetPrivateDNSByHand(id, true))
	}
	return id, c.world.DNSName(id)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, want string, texts ...string) {
	t.Helper()
	if got := code(err); got != want || (err != nil) != (want != "") {
		t.Fatalf("got code %q, want %q: %v", got, want, err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("got error %q, want it to contain %q", err, text)
		}
	}
}
