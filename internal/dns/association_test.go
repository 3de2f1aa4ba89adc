package dns

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
)

const (
	furtherVPC  = "vpc-0b0000000000000b0" // of the zone's account
	theirVPC    = "vpc-0f1e2d3c4b5a69788" // of another one
	theirZoneID = "ZTHEIRS"
)

// theirs is the Route 53 of the other account, over the same zones: it may associate what was authorized.
type theirs struct{ *fakeRoute53 }

func (f theirs) AssociateVPCWithHostedZone(
	ctx context.Context, in *route53.AssociateVPCWithHostedZoneInput, options ...func(*route53.Options),
) (*route53.AssociateVPCWithHostedZoneOutput, error) {
	zone := f.zone(aws.ToString(in.HostedZoneId))
	if !slices.Contains(zone.authorized, aws.ToString(in.VPC.VPCId)) {
		f.calls = append(f.calls, "AssociateVPCWithHostedZone")
		return nil, code("NotAuthorizedException")
	}
	return f.fakeRoute53.AssociateVPCWithHostedZone(ctx, in, options...)
}

func (f *fakeRoute53) AssociateVPCWithHostedZone(
	_ context.Context, in *route53.AssociateVPCWithHostedZoneInput, _ ...func(*route53.Options),
) (*route53.AssociateVPCWithHostedZoneOutput, error) {
	if err := f.enter("AssociateVPCWithHostedZone"); err != nil {
		return nil, err
	}
	zone, vpc := f.zone(aws.ToString(in.HostedZoneId)), aws.ToString(in.VPC.VPCId)
	for _, other := range f.zones {
		if other.name == zone.name && slices.Contains(other.vpcs(), vpc) {
			return nil, code("ConflictingDomainExists")
		}
	}
	zone.further = append(zone.further, vpc)
	return &route53.AssociateVPCWithHostedZoneOutput{}, take(f.lose, "AssociateVPCWithHostedZone")
}

func (f *fakeRoute53) DisassociateVPCFromHostedZone(
	_ context.Context, in *route53.DisassociateVPCFromHostedZoneInput, _ ...func(*route53.Options),
) (*route53.DisassociateVPCFromHostedZoneOutput, error) {
	if err := f.enter("DisassociateVPCFromHostedZone"); err != nil {
		return nil, err
	}
	zone, vpc := f.zone(aws.ToString(in.HostedZoneId)), aws.ToString(in.VPC.VPCId)
	i := slices.Index(zone.further, vpc)
	if i < 0 {
		return nil, code("VPCAssociationNotFound")
	}
	zone.further = slices.Delete(zone.further, i, i+1)
	return &route53.DisassociateVPCFromHostedZoneOutput{}, nil
}

func (f *fakeRoute53) CreateVPCAssociationAuthorization(
	_ context.Context, in *route53.CreateVPCAssociationAuthorizationInput, _ ...func(*route53.Options),
) (*route53.CreateVPCAssociationAuthorizationOutput, error) {
	if err := f.enter("CreateVPCAssociationAuthorization"); err != nil {
		return nil, err
	}
	zone := f.zone(aws.ToString(in.HostedZoneId))
	zone.authorized = append(zone.authorized, aws.ToString(in.VPC.VPCId))
	return &route53.CreateVPCAssociationAuthorizationOutput{}, take(f.lose, "CreateVPCAssociationAuthorization")
}

func (f *fakeRoute53) DeleteVPCAssociationAuthorization(
	_ context.Context, in *route53.DeleteVPCAssociationAuthorizationInput, _ ...func(*route53.Options),
) (*route53.DeleteVPCAssociationAuthorizationOutput, error) {
	if err := f.enter("DeleteVPCAssociationAuthorization"); err != nil {
		return nil, err
	}
	zone := f.zone(aws.ToString(in.HostedZoneId))
	before := len(zone.authorized)
	zone.authorized = slices.DeleteFunc(zone.authorized, func(id string) bool { return id == aws.ToString(in.VPC.VPCId) })
	if len(zone.authorized) == before {
		return nil, code("VPCAssociationAuthorizationNotFound")
	}
	return &route53.DeleteVPCAssociationAuthorizationOutput{}, nil
}

func associations() []connection.Association {
	return []connection.Association{
		{VPCID: furtherVPC, Region: "us-east-1", AccountID: "111122223333"},
		{VPCID: theirVPC, Region: "us-east-1", AccountID: "222233334444", RoleARN: "arn:aws:iam::222233334444:role/r", CrossAccount: true},
	}
}

// in returns the client of an account.
func (f *fakeRoute53) in(access connection.Access) *Client {
	if access.Home() {
		return New(f)
	}
	return New(theirs{f})
}

// Whatever is refused or lost on the way, one more run ends in the same state, and no authorization is left, also when there is no
// more run.
func TestAssociate(t *testing.T) {
	t.Parallel()
	const authorize, associate, deauthorize = "CreateVPCAssociationAuthorization", "AssociateVPCWithHostedZone",
		"DeleteVPCAssociationAuthorization"
	lost := errors.New("the answer was lost")
	for name, test := range map[string]struct {
		refuse, lose string
		zone         func(*fakeZone)
		other        *fakeZone
		want         string // error name of the first run, "" for none
		left         bool   // the authorization is, until the next run
		final        string // of the second run
	}{
		"new":                         {},
		"already":                     {zone: func(z *fakeZone) { z.further = []string{furtherVPC, theirVPC} }},
		"died before it took it back": {zone: func(z *fakeZone) { z.further, z.authorized = []string{theirVPC}, []string{theirVPC} }},
		"authorization refused":       {refuse: authorize, want: connection.Throttled},
		"authorization's answer lost": {lose: authorize, want: "lost"},
		"association refused":         {refuse: associate, want: connection.Throttled},
		"association's answer lost":   {lose: associate, want: "lost"},
		"taking it back refused":      {refuse: deauthorize, want: connection.Throttled, left: true},
		"another zone of the name":    {other: &fakeZone{id: theirZoneID, name: "example.com", vpc: theirVPC}, want: connection.Conflict, final: connection.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone := &fakeZone{id: "ZOURS", name: "example.com", vpc: "vpc-0a0000000000000a0"}
			if test.zone != nil {
				test.zone(zone)
			}
			fake := &fakeRoute53{zones: []*fakeZone{zone}, refuse: map[string][]error{}, lose: map[string][]error{}}
			if test.other != nil {
				fake.zones = append(fake.zones, test.other)
			}
			fake.refuse[test.refuse] = []error{code("Throttling")}
			fake.lose[test.lose] = []error{lost}
			done := connection.DNS{ZoneID: "ZOURS", ZoneName: "example.com", Associations: associations()}
			err := New(fake).Associate(t.Context(), done, fake.in)
			switch test.want {
			case "lost":
				if !errors.Is(err, lost) {
					t.Errorf("first run: %v", err)
				}
			case connection.Throttled:
				if err == nil || !strings.Contains(err.Error(), "Throttling") {
					t.Errorf("first run: %v", err)
				}
			default:
				if connection.NameOf(err) != test.want || (err != nil) != (test.want != "") {
					t.Errorf("first run: %v", err)
				}
			}
			if left := len(zone.authorized) > 0; left != test.left {
				t.Errorf("after the first run VPCs %v are authorized", zone.authorized)
			}
			err = New(fake).Associate(t.Context(), done, fake.in)
			if connection.NameOf(err) != test.final || len(zone.authorized) > 0 {
				t.Errorf("second run: %v; VPCs %v are authorized", err, zone.authorized)
			}
			slices.Sort(zone.further)
			want := []string{furtherVPC, theirVPC}
			if test.final != "" {
				want = want[:1]
			}
			if diff := cmp.Diff(want, zone.further); diff != "" {
				t.Errorf("associated (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUndoAssociations(t *testing.T) {
	t.Parallel()
	reference := string(newReference("v/n", "arn:exec", "example.com", "vpc-0a0000000000000a0"))
	done := connection.DNS{ZoneID: "ZOURS", ZoneName: "example.com", Associations: associations()}
	for name, test := range map[string]struct {
		further, authorized []string
		refuse              error
		left                []string
		err                 string
	}{
		"both":                {further: []string{furtherVPC, theirVPC}},
		"and a foreign one":   {further: []string{"vpc-0e0000000000000e0", theirVPC}, left: []string{"vpc-0e0000000000000e0"}},
		"authorized only":     {authorized: []string{theirVPC}},
		"nothing came so far": {},
		"the zone's last":     {further: []string{theirVPC}, refuse: code("LastVPCAssociation"), left: []string{theirVPC}, err: connection.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone := &fakeZone{id: "ZOURS", name: "example.com", vpc: "vpc-0a0000000000000a0", reference: reference,
				further: test.further, authorized: test.authorized}
			fake := &fakeRoute53{zones: []*fakeZone{zone}, refuse: map[string][]error{}}
			if test.refuse != nil {
				fake.refuse["DisassociateVPCFromHostedZone"] = []error{test.refuse}
			}
			if err := New(fake).Undo(t.Context(), done, "v/n"); connection.NameOf(err) != test.err {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(test.left, slices.Clip(zone.further), cmp.Transformer("empty", func(s []string) []string {
				return append([]string{}, s...)
			})); diff != "" || len(zone.authorized) > 0 {
				t.Errorf("VPCs %v are authorized; associated (-want +got):\n%s", zone.authorized, diff)
			}
		})
	}
}
