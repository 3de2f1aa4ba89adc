package route53_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
)

func TestZoneLife(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	ctx := t.Context()
	out, err := c.sdk.CreateHostedZone(ctx, zoneRequest("Privatelink.Vendor-Example.com"))
	must(t, err)
	z := out.HostedZone
	if *z.Name != zoneName+"." || !strings.HasPrefix(*z.Id, "/hostedzone/Z") || !z.Config.PrivateZone ||
		*z.ResourceRecordSetCount != 2 ||
		out.ChangeInfo.Status != types.ChangeStatusPending || *out.VPC.VPCId != vpc {
		t.Errorf("got %+v with %+v", z, out.ChangeInfo)
	}
	if len(c.service.View(vpc)) != 0 {
		t.Error("resolvers see the zone before it is in sync")
	}
	c.pass(19 * time.Second)
	if len(c.service.View(vpc)) != 0 {
		t.Error("resolvers see the zone after 19 s")
	}
	c.pass(time.Second)
	if len(c.service.View(vpc)) != 1 || len(c.service.View(secondVPC)) != 0 {
		t.Error("resolvers do not see the zone after 20 s")
	}
	got, err := c.sdk.GetHostedZone(ctx, &sdk.GetHostedZoneInput{Id: z.Id})
	must(t, err)
	if *got.HostedZone.CallerReference != "ref Privatelink.Vendor-Example.com" || *got.HostedZone.Config.Comment != "postern" ||
		len(got.VPCs) != 1 || *got.VPCs[0].VPCId != vpc {
		t.Errorf("got %+v in %+v", got.HostedZone, got.VPCs)
	}
	_, err = c.change(*z.Id, cname(types.ChangeActionCreate, host, "a.example.com"))
	must(t, err)
	_, err = c.sdk.DeleteHostedZone(ctx, &sdk.DeleteHostedZoneInput{Id: z.Id})
	wantCode(t, err, "HostedZoneNotEmpty")
	_, err = c.change(*z.Id, cname(types.ChangeActionDelete, host, "a.example.com"))
	must(t, err)
	_, err = c.sdk.DeleteHostedZone(ctx, &sdk.DeleteHostedZoneInput{Id: z.Id})
	must(t, err)
	_, err = c.sdk.GetHostedZone(ctx, &sdk.GetHostedZoneInput{Id: z.Id})
	wantCode(t, err, "NoSuchHostedZone")
	if len(c.service.View(vpc)) != 1 {
		t.Error("resolvers forgot the zone before the change was in sync")
	}
	c.pass(20 * time.Second)
	if len(c.service.View(vpc)) != 0 {
		t.Error("resolvers still see the zone")
	}
}

func TestCreateHostedZoneRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		world  func(*cloud)
		change func(*sdk.CreateHostedZoneInput)
		code   string
		text   string
	}{
		{"caller reference used", func(c *cloud) { c.newZone("other.example.com") }, func(in *sdk.CreateHostedZoneInput) {
			in.CallerReference = aws.String("ref other.example.com")
		}, "HostedZoneAlreadyExists", ""},
		{"zone of that name", func(c *cloud) { c.newZone(zoneName) }, func(in *sdk.CreateHostedZoneInput) {
			in.CallerReference = aws.String("new")
		}, "ConflictingDomainExists", vpc},
		{"a foreign zone of that name", func(c *cloud) {
			c.service.AddZone(route53.Zone{Name: zoneName, Owner: foreigner, Private: true, VPCs: []route53.VPC{{Region: home, ID: vpc}}})
		}, nil, "ConflictingDomainExists", ""},
		{"zone of that name in another VPC", func(c *cloud) {
			c.service.AddZone(route53.Zone{Name: zoneName, Private: true, VPCs: []route53.VPC{{Region: home, ID: secondVPC}}})
		}, nil, "", ""},
		{"an endpoint's private DNS", func(c *cloud) { c.endpoint(true) },
			func(in *sdk.CreateHostedZoneInput) { in.Name = aws.String(host) },
			"ConflictingDomainExists", ""},
		{"parent of an endpoint's private DNS", func(c *cloud) { c.endpoint(true) }, nil, "", ""},
		{"unknown VPC", nil, func(in *sdk.CreateHostedZoneInput) { in.VPC = named("vpc-9") }, "InvalidVPCId", "vpc-9"},
		{"VPC of another Region", nil, func(in *sdk.CreateHostedZoneInput) { in.VPC.VPCRegion = "eu-west-1" }, "InvalidVPCId", ""},
		{"private without VPC", nil, func(in *sdk.CreateHostedZoneInput) { in.VPC = nil }, "InvalidInput", "VPCId"},
		{"bad name", nil, func(in *sdk.CreateHostedZoneInput) { in.Name = aws.String("a..b") }, "InvalidDomainName", ""},
		{"long reference", nil, func(in *sdk.CreateHostedZoneInput) { in.CallerReference = aws.String(strings.Repeat("x", 129)) },
			"InvalidInput", "CallerReference"},
		{"quota", func(c *cloud) { c.service.Configure(func(o *route53.Options) { o.ZoneQuota = 0 }) }, nil, "TooManyHostedZones", ""},
		{"an element not known here", nil, func(in *sdk.CreateHostedZoneInput) { in.DelegationSetId = aws.String("N1") },
			"NotImplemented", "DelegationSetId"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			if test.world != nil {
				test.world(c)
			}
			in := zoneRequest(zoneName)
			if test.change != nil {
				test.change(in)
			}
			_, err := c.sdk.CreateHostedZone(t.Context(), in)
			wantCode(t, err, test.code)
			if err != nil && !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v, want %q", err, test.text)
			}
		})
	}
}

func TestListHostedZonesByVPC(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	mine := strings.TrimPrefix(c.newZone("mine.example.com"), "/hostedzone/")
	foreign := c.service.AddZone(route53.Zone{
		Name: "Theirs.example.com", Owner: foreigner, Private: true, VPCs: []route53.VPC{{Region: home, ID: vpc}},
	})
	c.service.AddZone(route53.Zone{Name: "elsewhere.example.com", Private: true, VPCs: []route53.VPC{{Region: home, ID: secondVPC}}})
	c.endpoint(true)
	got := map[string]string{}
	pages := 0
	var token *string
	for {
		out, err := c.sdk.ListHostedZonesByVPC(t.Context(), &sdk.ListHostedZonesByVPCInput{
			VPCId: aws.String(vpc), VPCRegion: types.VPCRegion(home), MaxItems: aws.Int32(1), NextToken: token,
		})
		must(t, err)
		pages++
		for _, zone := range out.HostedZoneSummaries {
			got[*zone.Name] = *zone.HostedZoneId + " " + aws.ToString(zone.Owner.OwningAccount) + aws.ToString(zone.Owner.OwningService)
		}
		if token = out.NextToken; token == nil {
			break
		}
	}
	managed := c.world.ManagedZones(vpc)[0].ID
	want := map[string]string{
		"mine.example.com.": mine + " " + privatelink.SmallAccount, "theirs.example.com.": foreign + " " + foreigner,
		host + ".": managed + " vpce.amazonaws.com",
	}
	if diff := cmp.Diff(want, got); diff != "" || pages != 3 {
		t.Errorf("%d pages, zones (-want +got):\n%s", pages, diff)
	}
	_, err := c.sdk.ListHostedZonesByVPC(t.Context(), &sdk.ListHostedZonesByVPCInput{
		VPCId: aws.String("vpc-9"), VPCRegion: types.VPCRegion(home),
	})
	wantCode(t, err, "InvalidInput")
	if !c.service.HasZone(vpc, "MINE.example.com") || c.service.HasZone(secondVPC, "mine.example.com") {
		t.Error("HasZone does not say which VPC has the zone")
	}
}

func TestListHostedZonesByName(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	for _, name := range []string{"b.example.com", "example.org", "a.example.com", "example.com"} {
		c.newZone(name)
	}
	c.service.AddZone(route53.Zone{Name: "foreign.example.com", Owner: foreigner, Private: true})
	list := func(in *sdk.ListHostedZonesByNameInput) (names []string, out *sdk.ListHostedZonesByNameOutput) {
		out, err := c.sdk.ListHostedZonesByName(t.Context(), in)
		must(t, err)
		for _, zone := range out.HostedZones {
			names = append(names, *zone.Name)
		}
		return names, out
	}
	got, out := list(&sdk.ListHostedZonesByNameInput{MaxItems: aws.Int32(2)})
	if !slices.Equal(got, []string{"example.com.", "a.example.com."}) || !out.IsTruncated {
		t.Errorf("got %v, want the order of labels from the right", got)
	}
	got, out = list(&sdk.ListHostedZonesByNameInput{DNSName: out.NextDNSName, HostedZoneId: out.NextHostedZoneId})
	if !slices.Equal(got, []string{"b.example.com.", "example.org."}) || out.IsTruncated {
		t.Errorf("got second page %v", got)
	}
}

func TestAssociations(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	ctx := t.Context()
	zone := c.newZone(zoneName)
	associate := func(zone, id string) error {
		_, err := c.sdk.AssociateVPCWithHostedZone(ctx, &sdk.AssociateVPCWithHostedZoneInput{HostedZoneId: &zone, VPC: named(id)})
		return err
	}
	disassociate := func(zone, id string) error {
		_, err := c.sdk.DisassociateVPCFromHostedZone(ctx, &sdk.DisassociateVPCFromHostedZoneInput{HostedZoneId: &zone, VPC: named(id)})
		return err
	}
	wantCode(t, disassociate(zone, secondVPC), "VPCAssociationNotFound")
	wantCode(t, disassociate(zone, vpc), "LastVPCAssociation")
	wantCode(t, associate(zone, vpc), "ConflictingDomainExists")
	wantCode(t, associate(zone, "vpc-9"), "InvalidVPCId")
	wantCode(t, associate("Z9", secondVPC), "NoSuchHostedZone")
	must(t, associate(zone, secondVPC))
	c.pass(20 * time.Second)
	if len(c.service.View(secondVPC)) != 1 {
		t.Error("the second VPC does not see the zone")
	}
	must(t, disassociate(zone, vpc))
	c.pass(20 * time.Second)
	if len(c.service.View(vpc)) != 0 {
		t.Error("the first VPC still sees the zone")
	}
	public, err := c.sdk.CreateHostedZone(ctx, &sdk.CreateHostedZoneInput{Name: aws.String("public.example.com"),
		CallerReference: aws.String("p")})
	must(t, err)
	wantCode(t, associate(*public.HostedZone.Id, vpc), "PublicZoneVPCAssociation")

	theirs := c.service.AddZone(route53.Zone{
		Name: "theirs.example.com", Owner: foreigner, Private: true, VPCs: []route53.VPC{{Region: home, ID: "vpc-theirs"}},
	})
	wantCode(t, associate(theirs, vpc), "NotAuthorizedException")
	must(t, c.service.ChangeByHand(theirs, func(z *route53.Zone) { z.Authorized = []route53.VPC{{Region: home, ID: vpc}} }))
	must(t, associate(theirs, vpc))
	_, err = c.sdk.GetHostedZone(ctx, &sdk.GetHostedZoneInput{Id: &theirs})
	wantCode(t, err, "AccessDenied")
}

func TestAuthorizations(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	ctx := t.Context()
	zone := c.newZone(zoneName)
	for _, id := range []string{"vpc-b", "vpc-a", "vpc-a"} {
		_, err := c.sdk.CreateVPCAssociationAuthorization(ctx, &sdk.CreateVPCAssociationAuthorizationInput{HostedZoneId: &zone,
			VPC: named(id)})
		must(t, err)
	}
	remove := func() error {
		_, err := c.sdk.DeleteVPCAssociationAuthorization(ctx, &sdk.DeleteVPCAssociationAuthorizationInput{HostedZoneId: &zone,
			VPC: named("vpc-a")})
		return err
	}
	must(t, remove())
	wantCode(t, remove(), "VPCAssociationAuthorizationNotFound")
}

func TestThrottling(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.service.Configure(func(o *route53.Options) { o.RequestsPerSecond = 5 })
	list := func() error {
		_, err := c.sdk.ListHostedZonesByName(t.Context(), &sdk.ListHostedZonesByNameInput{},
			func(o *sdk.Options) { o.RetryMaxAttempts = 1 })
		return err
	}
	for range 5 {
		must(t, list())
	}
	wantCode(t, list(), "Throttling", "Rate exceeded")
	c.pass(time.Second)
	must(t, list())
}
