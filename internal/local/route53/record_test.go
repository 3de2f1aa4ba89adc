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

	"postern/internal/local/route53"
)

const (
	create = types.ChangeActionCreate
	upsert = types.ChangeActionUpsert
	remove = types.ChangeActionDelete
)

func TestChangeResourceRecordSets(t *testing.T) {
	t.Parallel()
	old := cname(create, host, "old.example.com")
	tests := []struct {
		name   string
		before []types.Change
		batch  []types.Change
		want   []string // records afterwards
		texts  []string // of InvalidChangeBatch
	}{
		{"create", nil, []types.Change{cname(create, "ARTEMIS."+zoneName, "x.example.com")},
			[]string{host + ". CNAME x.example.com"}, nil},
		{"create what exists", []types.Change{old}, []types.Change{old}, []string{host + ". CNAME old.example.com"},
			[]string{"[Tried to create resource record set [name='" + host + ".', type='CNAME'] but it already exists]"}},
		{"upsert anew", nil, []types.Change{cname(upsert, host, "x.example.com")}, []string{host + ". CNAME x.example.com"}, nil},
		{"upsert over", []types.Change{old}, []types.Change{cname(upsert, host, "x.example.com")},
			[]string{host + ". CNAME x.example.com"}, nil},
		{"delete", []types.Change{old}, []types.Change{cname(remove, host, "old.example.com")}, nil, nil},
		{"delete with another value", []types.Change{old}, []types.Change{cname(remove, host, "x.example.com")},
			[]string{host + ". CNAME old.example.com"}, []string{"but the values provided do not match the current values"}},
		{"delete with another TTL", []types.Change{old}, []types.Change{values(remove, host, types.RRTypeCname, 61, "old.example.com")},
			[]string{host + ". CNAME old.example.com"}, []string{"do not match"}},
		{"delete what is not there", nil, []types.Change{cname(remove, host, "x")}, nil, []string{"but it was not found"}},
		{"delete values in another order", []types.Change{values(create, host, types.RRTypeA, 60, "10.0.0.1", "10.0.0.2")},
			[]types.Change{values(remove, host, types.RRTypeA, 60, "10.0.0.2", "10.0.0.1")}, nil, nil},
		{"all or nothing", nil, []types.Change{cname(create, host, "x.example.com"), cname(remove, "b."+zoneName, "x")}, nil,
			[]string{"not found"}},
		{"every fault is told", nil, []types.Change{cname(remove, host, "x"), cname(create, "example.com", "x")}, nil,
			[]string{"not found, RRSet with DNS name example.com. is not permitted in zone " + zoneName + "."}},
		{"another type in one batch", []types.Change{old},
			[]types.Change{values(create, host, types.RRTypeA, 60, "10.0.0.1"), cname(remove, host, "old.example.com")},
			[]string{host + ". A 10.0.0.1"}, nil},
		{"beside a CNAME", []types.Change{old}, []types.Change{values(create, host, types.RRTypeA, 60, "10.0.0.1")},
			[]string{host + ". CNAME old.example.com"}, []string{"a conflicting RRSet of type A with the same DNS name already exists"}},
		{"CNAME at the apex", nil, []types.Change{cname(create, zoneName, "x.example.com")}, nil,
			[]string{"RRSet of type CNAME with DNS name " + zoneName + ". is not permitted at apex in zone " + zoneName + "."}},
		{"suffix without a dot", nil, []types.Change{cname(create, "x"+zoneName, "x.example.com")}, nil,
			[]string{"is not permitted in zone"}},
		{"wildcard", nil, []types.Change{cname(create, "*."+zoneName, "x.example.com")},
			[]string{`\052.` + zoneName + ". CNAME x.example.com"}, nil},
		{"bad address", nil, []types.Change{values(create, host, types.RRTypeA, 60, "10.0.0.300")}, nil,
			[]string{"not a valid IPv4 address"}},
		{"IPv4 in AAAA", nil, []types.Change{values(create, host, types.RRTypeAaaa, 60, "10.0.0.1")}, nil,
			[]string{"not a valid IPv6 address"}},
		{"no values", nil, []types.Change{values(create, host, types.RRTypeA, 60)}, nil, []string{"Missing field"}},
		{"two targets", nil, []types.Change{values(create, host, types.RRTypeCname, 60, "a", "b")}, nil, []string{"exactly one value"}},
		{"the zone's NS", nil, []types.Change{values(remove, zoneName, types.RRTypeNs, 172800, "ns-0.awsdns-00.com.",
			"ns-512.awsdns-00.net.",
			"ns-1024.awsdns-00.org.", "ns-1536.awsdns-00.co.uk.")}, nil, []string{"must contain"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			zone := c.newZone(zoneName)
			if test.before != nil {
				_, err := c.change(zone, test.before...)
				must(t, err)
			}
			_, err := c.change(zone, test.batch...)
			if test.texts != nil {
				wantCode(t, err, "InvalidChangeBatch", test.texts...)
			} else {
				must(t, err)
			}
			if diff := cmp.Diff(test.want, c.records(zone)); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAliasToEndpoint(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	_, name := c.endpoint(false)
	zone := c.newZone(host) // the narrowest zone: only an alias can stand at its apex
	_, err := c.change(zone, alias(create, host, name, "Z0000000"))
	wantCode(t, err, "InvalidChangeBatch", "does not lie within the target zone")
	_, err = c.change(zone, alias(create, host, "vpce-9."+strings.SplitN(name, ".", 2)[1], "Z7HUB22UULQXV"))
	wantCode(t, err, "InvalidChangeBatch", "that target was not found")
	withTTL := alias(create, host, name, "Z7HUB22UULQXV")
	withTTL.ResourceRecordSet.TTL = aws.Int64(60)
	_, err = c.change(zone, withTTL)
	wantCode(t, err, "InvalidChangeBatch", "neither TTL nor ResourceRecords")
	_, err = c.change(zone, alias(create, host, name, "Z7HUB22UULQXV"))
	must(t, err)
	if got := c.records(zone); !slices.Equal(got, []string{host + ". A alias " + name}) {
		t.Errorf("got %v", got)
	}
	other := alias(remove, host, name, "Z7HUB22UULQXV")
	other.ResourceRecordSet.AliasTarget.EvaluateTargetHealth = false
	_, err = c.change(zone, other)
	wantCode(t, err, "InvalidChangeBatch", "do not match")
	_, err = c.change(zone, alias(remove, host, strings.ToUpper(name), "Z7HUB22UULQXV"))
	must(t, err)
	own := strings.TrimPrefix(zone, "/hostedzone/")
	_, err = c.change(zone, alias(create, host, "nothing."+host, own))
	wantCode(t, err, "InvalidChangeBatch", "that target was not found")
	_, err = c.change(zone, values(create, "b."+host, types.RRTypeA, 60, "10.0.0.1"), alias(create, host, "b."+host, own))
	must(t, err)
}

func TestChangesAreSeenWhenInSync(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	zone := c.newZone(zoneName)
	c.pass(time.Minute)
	seen := func() (targets []string) {
		for _, record := range c.service.View(vpc)[0].Records {
			if record.Type == "CNAME" {
				targets = append(targets, record.Values...)
			}
		}
		return targets
	}
	_, err := c.change(zone, cname(upsert, host, "one.example.com"))
	must(t, err)
	c.pass(10 * time.Second)
	_, err = c.change(zone, cname(upsert, host, "two.example.com"))
	must(t, err)
	if got := seen(); got != nil {
		t.Errorf("got %v at once, want nothing", got)
	}
	c.pass(10 * time.Second)
	if got := seen(); !slices.Equal(got, []string{"one.example.com"}) {
		t.Errorf("got %v when the first change is in sync", got)
	}
	c.pass(10 * time.Second)
	if got := seen(); !slices.Equal(got, []string{"two.example.com"}) {
		t.Errorf("got %v when both are in sync", got)
	}
}

func TestOneChangeAtATime(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.service.Configure(func(o *route53.Options) { o.OneChangeAtATime = true })
	zone := c.newZone(zoneName)
	_, err := c.change(zone, cname(create, host, "x.example.com"))
	wantCode(t, err, "PriorRequestNotComplete")
	_, err = c.sdk.DeleteHostedZone(t.Context(), &sdk.DeleteHostedZoneInput{Id: &zone})
	wantCode(t, err, "PriorRequestNotComplete")
	c.pass(20 * time.Second)
	_, err = c.change(zone, cname(create, host, "x.example.com"))
	must(t, err)
}

func TestListResourceRecordSets(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	zone := c.newZone(zoneName)
	_, err := c.change(zone, cname(create, "b."+zoneName, "x"), cname(create, "a.b."+zoneName, "x"), cname(create, "*."+zoneName,
		"x"))
	must(t, err)
	list := func(in *sdk.ListResourceRecordSetsInput) (names []string, out *sdk.ListResourceRecordSetsOutput) {
		in.HostedZoneId = &zone
		out, err := c.sdk.ListResourceRecordSets(t.Context(), in)
		must(t, err)
		for _, set := range out.ResourceRecordSets {
			names = append(names, strings.TrimSuffix(*set.Name, zoneName+".")+string(set.Type))
		}
		return names, out
	}
	first, out := list(&sdk.ListResourceRecordSetsInput{MaxItems: aws.Int32(3)})
	second, end := list(&sdk.ListResourceRecordSetsInput{StartRecordName: out.NextRecordName, StartRecordType: out.NextRecordType})
	if !slices.Equal(first, []string{"NS", "SOA", `\052.CNAME`}) || !out.IsTruncated {
		t.Errorf("got first page %v", first)
	}
	if !slices.Equal(second, []string{"b.CNAME", "a.b.CNAME"}) || end.IsTruncated {
		t.Errorf("got second page %v", second)
	}
	from, _ := list(&sdk.ListResourceRecordSetsInput{StartRecordName: aws.String("*." + zoneName)})
	if len(from) != 3 {
		t.Errorf("got %v from the wildcard on", from)
	}
	_, err = c.sdk.ListResourceRecordSets(t.Context(), &sdk.ListResourceRecordSetsInput{HostedZoneId: aws.String("Z9")})
	wantCode(t, err, "NoSuchHostedZone")
}

func TestCanonicalNames(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Example.COM": "example.com.", "example.com.": "example.com.", "*.example.com": `\052.example.com.`,
		`\052.example.com.`: `\052.example.com.`, "_sip._tcp.x": "_sip._tcp.x.", "a!b.x": `a\041b.x.`,
	} {
		if got := route53.Canonical(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	zone := c.newZone(zoneName)
	id := strings.TrimPrefix(zone, "/hostedzone/")
	_, err := c.change(zone, cname(upsert, "*."+zoneName, "x"), cname(create, host+".", "x"))
	must(t, err)
	list := &sdk.ListHostedZonesByVPCInput{VPCId: aws.String(vpc), VPCRegion: types.VPCRegion(home)}
	_, err = c.sdk.ListHostedZonesByVPC(t.Context(), list)
	must(t, err)
	var got []string
	for _, p := range c.asked {
		line := p.Action + " " + p.Resource
		for _, key := range []string{
			"route53:vpcs", "route53:changeresourcerecordsetsnormalizedrecordnames", "route53:changeresourcerecordsetsrecordtypes",
			"route53:changeresourcerecordsetsactions",
		} {
			if values := p.Context[key]; values != nil {
				line += " " + strings.Join(values, "|")
			}
		}
		got = append(got, line)
	}
	in := " VPCId=" + vpc + ",VPCRegion=" + home
	want := []string{
		"route53:CreateHostedZone *" + in, "ec2:DescribeVpcs *",
		"route53:ChangeResourceRecordSets arn:aws:route53:::hostedzone/" + id +
			` \052.` + zoneName + "|" + host + " CNAME CREATE|UPSERT",
		"route53:ListHostedZonesByVPC *" + in, "ec2:DescribeVpcs *",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("permissions (-want +got):\n%s", diff)
	}
}
