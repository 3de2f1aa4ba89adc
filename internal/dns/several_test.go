package dns

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
)

const (
	domain = "abc.us-east-1.aws.confluent.cloud"
	zonal1 = "vpce-0a1-abcd-us-east-1a.vpce-svc-9.us-east-1.vpce.amazonaws.com"
	zonal2 = "vpce-0a1-abcd-us-east-1b.vpce-svc-9.us-east-1.vpce.amazonaws.com"
)

// wildcards are the names of a cluster: one wildcard for all zones, and one for each.
func wildcards() Want {
	w := want()
	w.Plan = connection.DNSPlan{
		Mode: connection.ModePrivateHostedZone, Hostname: "lkc-1." + domain, Zone: domain,
		Records: []connection.NameRecord{
			{Name: "*." + domain, Type: connection.RecordCNAME, TTL: 60},
			{Name: "*.use1-az1." + domain, Type: connection.RecordCNAME, TTL: 60, AZID: "use1-az1"},
			{Name: "*.use1-az2." + domain, Type: connection.RecordAlias, AZID: "use1-az2"},
		},
	}
	w.ZonalTargets = map[string]string{"use1-az1": zonal1, "use1-az2": zonal2, "use1-az3": "another"}
	return w
}

// records are what the wildcards become.
func wildcardRecords() []connection.Record {
	return []connection.Record{
		{Name: "*." + domain, Type: connection.RecordCNAME, Value: target, TTL: 60},
		{Name: "*.use1-az1." + domain, Type: connection.RecordCNAME, Value: zonal1, TTL: 60},
		{Name: "*.use1-az2." + domain, Type: connection.RecordAlias, Value: zonal2, AliasZoneID: "ZALIAS"},
	}
}

func recordAt(name, value string) types.ResourceRecordSet {
	r := cname(value, 60)
	r.Name = aws.String(strings.ReplaceAll(name, "*", `\052`) + ".") // as AWS writes it
	return r
}

func TestEnsureSeveralInOneChange(t *testing.T) {
	t.Parallel()
	records := wildcardRecords()
	old := connection.Record{Name: records[1].Name, Type: connection.RecordCNAME, Value: earlier, TTL: 60}
	for name, test := range map[string]struct {
		zones    []*fakeZone
		previous *connection.Record
	}{
		"in a new zone": {},
		"in a zone of ours": {zones: []*fakeZone{zoneOf(wildcards(), "arn:earlier", recordAt(records[0].Name, target),
			recordAt(old.Name, earlier), recordAt("other."+domain, "elsewhere.example"))}, previous: &old},
	} {
		fake := &fakeRoute53{pageSize: 1, zones: test.zones}
		got, err := New(fake).Ensure(t.Context(), wildcards())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := []connection.WrittenRecord{
			{Record: records[0], Changed: true}, {Record: records[1], Changed: true, Previous: test.previous}, {Record: records[2],
				Changed: true},
		}
		if diff := cmp.Diff(want, got.Records); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if n := strings.Count(strings.Join(fake.calls, " "), "ChangeResourceRecordSets"); n != 1 {
			t.Errorf("%s: %d changes, want one", name, n)
		}
		writes := len(fake.writes())
		if _, err := New(fake).Ensure(t.Context(), wildcards()); err != nil || len(fake.writes()) != writes {
			t.Errorf("%s: a second run wrote %v: %v", name, fake.writes(), err)
		}
	}
}

func TestEnsureSeveralIsAllOrNothing(t *testing.T) {
	t.Parallel()
	narrower := &fakeZone{id: "Z2", name: "use1-az2." + domain, vpc: "vpc-1", reference: "x"}
	for name, test := range map[string]struct {
		zones  []*fakeZone
		change func(*Want)
		says   string
	}{
		"one is foreign": {[]*fakeZone{zoneOf(wildcards(), "arn:earlier", recordAt("*.use1-az1."+domain, "lb.example"))}, nil,
			"lb.example"},
		"a narrower zone": {[]*fakeZone{narrower}, nil, "*.use1-az2." + domain},
		"no subnet there": {nil, func(w *Want) { delete(w.ZonalTargets, "use1-az2") }, "no name in use1-az2"},
	} {
		fake := &fakeRoute53{zones: test.zones}
		w := wildcards()
		if test.change != nil {
			test.change(&w)
		}
		_, err := New(fake).Ensure(t.Context(), w)
		if connection.NameOf(err) != connection.Conflict || !strings.Contains(err.Error(), test.says) || len(fake.writes()) > 0 {
			t.Errorf("%s: %v, writes %v", name, err, fake.writes())
		}
		if made, err := New(fake).Made(t.Context(), w); err != nil || wrote(made) || made.ZoneCreated {
			t.Errorf("%s: made %+v, %v", name, made, err)
		}
	}
}

func TestUndoSeveral(t *testing.T) {
	t.Parallel()
	for name, zones := range map[string][]*fakeZone{
		"with the zone": nil,
		"without": {zoneOf(wildcards(), "arn:earlier", recordAt("*.use1-az1."+domain, earlier),
			recordAt("other."+domain, "elsewhere.example"))},
	} {
		fake := &fakeRoute53{zones: zones}
		before := snapshot(fake)
		done, err := New(fake).Ensure(t.Context(), wildcards())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		made, err := New(fake).Made(t.Context(), wildcards())
		if err != nil || len(made.Records) != 3 || !wrote(made) {
			t.Errorf("%s: the answer was lost, and made is %+v, %v", name, made, err)
		}
		changes := strings.Count(strings.Join(fake.calls, " "), "ChangeResourceRecordSets")
		for range 2 {
			if err := New(fake).Undo(t.Context(), done, id); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if diff := cmp.Diff(before, snapshot(fake)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		if n := strings.Count(strings.Join(fake.calls, " "), "ChangeResourceRecordSets") - changes; n != 1 {
			t.Errorf("%s: %d changes, want one", name, n)
		}
	}
}

// A record with a manual change stays; the others are removed all the same.
func TestUndoSeveralLeavesWhatChanged(t *testing.T) {
	t.Parallel()
	fake := &fakeRoute53{}
	done, err := New(fake).Ensure(t.Context(), wildcards())
	if err != nil {
		t.Fatal(err)
	}
	zone := fake.zones[0]
	for i, r := range zone.records {
		if Name(aws.ToString(r.Name)) == "*.use1-az1."+domain {
			zone.records[i] = recordAt("*.use1-az1."+domain, "lb.example")
		}
	}
	err = New(fake).Undo(t.Context(), done, id)
	if connection.NameOf(err) != connection.Conflict || !strings.Contains(err.Error(), "*.use1-az1."+domain+" is now lb.example") {
		t.Errorf("got %v", err)
	}
	if len(fake.zones) != 1 || len(zone.records) != 3 {
		t.Errorf("%d zones, %d records, want the apex and the one that was changed", len(fake.zones), len(zone.records))
	}
}
