package dns

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
)

// repairing is a repair, by an execution that made neither the endpoint nor the zone, of a name where the plan saw a record.
func repairing(w Want, before ...connection.Record) Want {
	w.EndpointCreated, w.Repair = false, true
	w.Plan.ZoneID, w.Plan.Present = "Z1", before
	return w
}

// The name was the connection's: a repair overwrites a manual change there if it could be restored, and keeps it otherwise.
func TestRepairOverwrites(t *testing.T) {
	t.Parallel()
	of := func(value string, ttl int64) *connection.Record {
		return &connection.Record{Name: host, Type: connection.RecordCNAME, Value: value, TTL: ttl}
	}
	toLB := &connection.Record{Name: host, Type: connection.RecordAlias, Value: "x.elb.amazonaws.com", AliasZoneID: "ZALIAS"}
	weighted := cname("lb.example", 60)
	weighted.SetIdentifier = aws.String("half")
	two := cname("lb.example", 60)
	two.ResourceRecords = append(two.ResourceRecords, types.ResourceRecord{Value: aws.String("other.example")})
	for name, test := range map[string]struct {
		want     Want
		records  []types.ResourceRecordSet
		previous *connection.Record
		conflict string
	}{
		"deleted":               {want: want()},
		"another TTL":           {want: want(), records: []types.ResourceRecordSet{cname(target, 60)}, previous: of(target, 60)},
		"another endpoint":      {want: want(), records: []types.ResourceRecordSet{cname(earlier, 300)}, previous: of(earlier, 300)},
		"a foreign name":        {want: want(), records: []types.ResourceRecordSet{cname("lb.example", 60)}, previous: of("lb.example", 60)},
		"a foreign alias":       {want: want(), records: []types.ResourceRecordSet{aliasTo("x.elb.amazonaws.com")}, previous: toLB},
		"an alias, changed":     {want: alias(), records: []types.ResourceRecordSet{aliasTo("x.elb.amazonaws.com")}, previous: toLB},
		"an alias, made a name": {want: aliasInParent(), records: []types.ResourceRecordSet{cname("lb.example", 60)}, previous: of("lb.example", 60)},
		"an address":            {want: want(), records: []types.ResourceRecordSet{plainA(types.RRTypeA, "10.9.9.9")}, conflict: "10.9.9.9"},
		"an address, by alias":  {want: alias(), records: []types.ResourceRecordSet{plainA(types.RRTypeAaaa, "fd00::1")}, conflict: "fd00::1"},
		"a text":                {want: want(), records: []types.ResourceRecordSet{plainA(types.RRTypeTxt, `"note"`)}, conflict: "TXT"},
		"weighted":              {want: want(), records: []types.ResourceRecordSet{weighted}, conflict: "lb.example"},
		"several values":        {want: want(), records: []types.ResourceRecordSet{two}, conflict: "lb.example, …"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var before []connection.Record
			if test.previous != nil {
				before = append(before, *test.previous)
			}
			w := repairing(test.want, before...)
			fake := &fakeRoute53{zones: []*fakeZone{zoneOf(test.want, "arn:earlier", test.records...)}}
			got, err := New(fake).Ensure(t.Context(), w)
			if test.conflict != "" {
				if connection.NameOf(err) != connection.Conflict || !strings.Contains(err.Error(), test.conflict) || len(fake.writes()) > 0 {
					t.Errorf("%v, writes %v", err, fake.writes())
				}
				return
			}
			if err != nil || !wrote(got) || got.ZoneCreated || len(fake.writes()) != 1 {
				t.Fatalf("%+v, %v, writes %v", got, err, fake.writes())
			}
			if diff := cmp.Diff(test.previous, got.Records[0].Previous); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			// A step that died after it wrote, and could not say so, knows what stood there by the plan.
			again, err := New(fake).Ensure(t.Context(), w)
			if err != nil || len(fake.writes()) != 1 || wrote(again) != (test.previous != nil) {
				t.Errorf("again: %+v, %v, writes %v", again, err, fake.writes())
			}
			if diff := cmp.Diff(test.previous, again.Records[0].Previous); diff != "" {
				t.Errorf("again (-want +got):\n%s", diff)
			}
		})
	}
}

// What an onboarding may not touch a repair may, and no other execution.
func TestOnlyARepairOverwrites(t *testing.T) {
	t.Parallel()
	for _, record := range []types.ResourceRecordSet{cname("lb.example", 60), aliasTo("x.elb.amazonaws.com")} {
		fake := &fakeRoute53{zones: []*fakeZone{zoneOf(want(), "arn:earlier", record)}}
		if _, err := New(fake).Ensure(t.Context(), want()); connection.NameOf(err) != connection.Conflict || len(fake.writes()) > 0 {
			t.Errorf("%v, writes %v", err, fake.writes())
		}
	}
}

// A repair that finds all as it should be has changed nothing, so its rollback undoes nothing.
func TestRepairOfNothing(t *testing.T) {
	t.Parallel()
	w := repairing(want(), connection.Record{Name: host, Type: connection.RecordCNAME, Value: target, TTL: 300})
	fake := &fakeRoute53{zones: []*fakeZone{zoneOf(want(), "arn:earlier", cname(target, 300))}}
	got, err := New(fake).Ensure(t.Context(), w)
	if err != nil || wrote(got) || got.Records[0].Previous != nil || len(fake.writes()) > 0 {
		t.Errorf("%+v, %v, writes %v", got, err, fake.writes())
	}
}

// The zone that the plan found answers in the VPC again; one that is not ours any more, or gone, is made anew.
func TestRepairReassociates(t *testing.T) {
	t.Parallel()
	apart := func(reference string) *fakeZone {
		zone := zoneOf(want(), "arn:earlier", cname(target, 300))
		if zone.vpc = "vpc-2"; reference != "" {
			zone.reference = reference
		}
		return zone
	}
	for name, test := range map[string]struct {
		zones  []*fakeZone
		writes string
		made   bool
	}{
		"ours, elsewhere": {[]*fakeZone{apart("")}, "AssociateVPCWithHostedZone", false},
		"not ours":        {[]*fakeZone{apart("another")}, "CreateHostedZone ChangeResourceRecordSets", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := &fakeRoute53{zones: test.zones}
			got, err := New(fake).Ensure(t.Context(), repairing(want()))
			if err != nil || strings.Join(fake.writes(), " ") != test.writes || got.ZoneCreated != test.made {
				t.Fatalf("%+v, %v, writes %v", got, err, fake.writes())
			}
			if associated := len(got.Associations) == 1 && got.Associations[0].VPCID == "vpc-1"; associated == test.made {
				t.Errorf("associations %+v", got.Associations)
			}
		})
	}
}
