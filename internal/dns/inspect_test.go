package dns

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/awserr"
	"postern/internal/connection"
)

func TestRecords(t *testing.T) {
	t.Parallel()
	wildcard := cname("vpce-2.example.", 60)
	wildcard.Name = aws.String(`\052.` + parent + ".")
	text := plainA(types.RRTypeTxt, "x")
	two := plainA(types.RRTypeA, "10.0.0.1")
	two.Name = aws.String("two." + parent + ".")
	two.ResourceRecords = append(two.ResourceRecords, types.ResourceRecord{Value: aws.String("10.0.0.2")})
	fake := &fakeRoute53{pageSize: 1, zones: []*fakeZone{zoneOf(want(), "arn:earlier", cname("VPCE-1.Example.", 60), text, wildcard, two)}}
	got, err := New(fake).Records(t.Context(), "Z1", []string{host, "*." + parent, "two." + parent, "none." + parent, parent})
	want := []connection.ZoneRecord{
		{Name: "*." + parent, Type: "CNAME", Value: "vpce-2.example"}, {Name: host, Type: "CNAME", Value: "vpce-1.example"},
		{Name: "two." + parent, Type: "A", Value: "10.0.0.1"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	fake.zones[0].records = []types.ResourceRecordSet{aliasTo("Vpce-1.Example")}
	got, err = New(fake).Records(t.Context(), "Z1", []string{host})
	if diff := cmp.Diff([]connection.ZoneRecord{{Name: host, Type: "A", Value: "vpce-1.example"}}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	fake.refuse = map[string][]error{"ListResourceRecordSets": {code("Throttling")}}
	if _, err := New(fake).Records(t.Context(), "Z1", []string{host}); !awserr.IsThrottled(err) {
		t.Errorf("throttled: %v", err)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	foreign := &fakeZone{id: "Z0", name: parent, reference: "terraform-1", vpc: "vpc-1"}
	elsewhere := zoneOf(want(), "arn:earlier")
	elsewhere.vpc = "vpc-2"
	after := &fakeZone{id: "Z9", name: "z." + parent, reference: elsewhere.reference}
	for name, test := range map[string]struct {
		zones []*fakeZone
		want  string
	}{
		"ours, of another VPC":       {[]*fakeZone{foreign, elsewhere}, "Z1"},
		"foreign":                    {[]*fakeZone{foreign}, ""},
		"of another name":            {[]*fakeZone{after}, ""},
		"another name ends the list": {[]*fakeZone{foreign, after}, ""},
		"none":                       {nil, ""},
	} {
		for _, pageSize := range []int{0, 1} {
			zone, found, err := New(&fakeRoute53{pageSize: pageSize, zones: test.zones}).Find(t.Context(), parent, id)
			if err != nil || zone.ID != test.want || found != (test.want != "") {
				t.Errorf("%s, %d a page: %+v, %v, %v", name, pageSize, zone, found, err)
			}
		}
	}
	refused := &fakeRoute53{refuse: map[string][]error{"ListHostedZonesByName": {code("AccessDenied")}}}
	if _, _, err := New(refused).Find(t.Context(), parent, id); !awserr.IsDenied(err) {
		t.Errorf("refused: %v", err)
	}
}
