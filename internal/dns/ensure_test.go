package dns

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/step"
)

const (
	host    = "artemis.privatelink.getmontecarlo.com"
	parent  = "privatelink.getmontecarlo.com"
	target  = "vpce-0a1-abcd.vpce-svc-9.us-east-1.vpce.amazonaws.com"
	earlier = "vpce-0b2-abcd.vpce-svc-9.us-east-1.vpce.amazonaws.com"
	id      = "monte-carlo/prod"
)

func want() Want {
	return Want{
		ConnectionID: id, Execution: "arn:aws:states:us-east-1:111122223333:execution:postern:run-1",
		Network: connection.Network{AccountID: "111122223333", Region: "us-east-1", VPCID: "vpc-1"},
		Plan: connection.DNSPlan{
			Mode: connection.ModePrivateHostedZone, Hostname: host, Zone: parent,
			Records: []connection.NameRecord{{Name: host, Type: connection.RecordCNAME, TTL: 300}},
		},
		Target: target, TargetZoneID: "ZALIAS", EndpointCreated: true,
	}
}

func alias() Want {
	w := aliasInParent()
	w.Plan.Zone = host
	return w
}

func cname(value string, ttl int64) types.ResourceRecordSet {
	return types.ResourceRecordSet{
		Name: aws.String(host + "."), Type: types.RRTypeCname, TTL: aws.Int64(ttl),
		ResourceRecords: []types.ResourceRecord{{Value: aws.String(value)}},
	}
}

func aliasTo(value string) types.ResourceRecordSet {
	return types.ResourceRecordSet{
		Name: aws.String(host + "."), Type: types.RRTypeA,
		AliasTarget: &types.AliasTarget{DNSName: aws.String(value + "."), HostedZoneId: aws.String("ZALIAS"),
			EvaluateTargetHealth: true},
	}
}

func plainA(kind types.RRType, value string) types.ResourceRecordSet {
	r := cname(value, 60)
	r.Type = kind
	return r
}

// zoneOf is a zone of the connection's, made by an execution.
func zoneOf(w Want, execution string, records ...types.ResourceRecordSet) *fakeZone {
	w.Execution = execution
	return &fakeZone{
		id: "Z1", name: w.Plan.Zone, reference: string(w.reference()), vpc: "vpc-1", records: append(apex(w.Plan.Zone), records...),
	}
}

func TestEnsureCreates(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]Want{"cname": want(), "alias": alias()} {
		fake := &fakeRoute53{zones: []*fakeZone{{id: "Z9", name: "other.example", vpc: "vpc-1"}, {id: "Z8", name: parent,
			vpc: "vpc-2"}}}
		got, err := New(fake).Ensure(t.Context(), w)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		record := connection.Record{Name: host, Type: connection.RecordCNAME, Value: target, TTL: 300}
		if name == "alias" {
			record = connection.Record{Name: host, Type: connection.RecordAlias, Value: target, AliasZoneID: "ZALIAS"}
		}
		done := connection.DNS{
			Mode: connection.ModePrivateHostedZone, Hostname: host, ZoneID: "ZNEW3", ZoneName: w.Plan.Zone, ZoneCreated: true,
			Records: []connection.WrittenRecord{{Record: record, Changed: true}},
		}
		if diff := cmp.Diff(done, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if got := strings.Join(fake.calls, " "); got != "ListHostedZonesByVPC CreateHostedZone ChangeResourceRecordSets" {
			t.Errorf("%s: calls %s", name, got)
		}
		if !strings.Contains(fake.comment, id) || !strings.Contains(fake.comment, "run-1") {
			t.Errorf("comment %q", fake.comment)
		}
		made := fake.zone("ZNEW3").records[2]
		if name == "alias" && (made.Type != types.RRTypeA || !made.AliasTarget.EvaluateTargetHealth || made.TTL != nil) {
			t.Errorf("alias record %+v", made)
		}
	}
}

// The longest ids that a request may have fit into a caller reference and a comment; the fake panics otherwise.
func TestEnsureLongestIdentity(t *testing.T) {
	t.Parallel()
	w := want()
	w.ConnectionID = strings.Repeat("v", 40) + "/" + strings.Repeat("n", 40)
	w.Execution = "arn:aws:states:us-east-1:111122223333:execution:" + strings.Repeat("s", 80) + ":" + strings.Repeat("e", 80)
	if _, err := New(&fakeRoute53{}).Ensure(t.Context(), w); err != nil {
		t.Error(err)
	}
}

func TestEnsureAgainAfterALostAnswer(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"CreateHostedZone", "ChangeResourceRecordSets"} {
		for _, unlisted := range []bool{false, true} {
			fake := &fakeRoute53{pageSize: 1, lose: map[string][]error{operation: {errors.New("connection reset")}}}
			fake.zones = []*fakeZone{{id: "A", name: parent, vpc: "vpc-2"}, {id: "B", name: parent, vpc: "vpc-3"}}
			if _, err := New(fake).Ensure(t.Context(), want()); err == nil {
				t.Fatalf("%s: the answer was not lost", operation)
			}
			fake.zones[2].unlisted = unlisted
			got, err := New(fake).Ensure(t.Context(), want())
			if err != nil || !got.ZoneCreated || !wrote(got) || got.ZoneID != "ZNEW3" {
				t.Errorf("%s: %+v, %v", operation, got, err)
			}
			if len(fake.zones) != 3 || len(fake.zones[2].records) != 3 {
				t.Errorf("%s: %d zones", operation, len(fake.zones))
			}
		}
	}
}

func TestEnsureInAZoneOfOurs(t *testing.T) {
	t.Parallel()
	old := connection.Record{Name: host, Type: connection.RecordCNAME, Value: earlier, TTL: 60}
	oldAlias := connection.Record{Name: host, Type: connection.RecordAlias, Value: earlier, AliasZoneID: "ZALIAS"}
	weighted := cname(earlier, 60)
	weighted.SetIdentifier = aws.String("half")
	neighbour := plainA(types.RRTypeA, "10.0.0.1")
	neighbour.Name = aws.String("b." + parent + ".")
	txt := plainA(types.RRTypeTxt, `"note"`)
	for name, test := range map[string]struct {
		want     Want
		records  []types.ResourceRecordSet
		changed  bool
		writes   int
		previous *connection.Record
		conflict string
	}{
		"empty":             {want: want(), changed: true, writes: 1},
		"neighbours":        {want: want(), records: []types.ResourceRecordSet{neighbour}, changed: true, writes: 1},
		"identical, dotted": {want: want(), records: []types.ResourceRecordSet{cname(target+".", 300)}, changed: true},
		"identical, upper case": {want: want(), records: []types.ResourceRecordSet{cname(strings.ToUpper(target), 300)},
			changed: true},
		"ours, earlier": {want: want(), records: []types.ResourceRecordSet{cname(earlier, 60)}, changed: true,
			writes: 1, previous: &old},
		"ours, another TTL": {want: want(), records: []types.ResourceRecordSet{cname(target, 60)}, changed: true, writes: 1,
			previous: &connection.Record{Name: host, Type: connection.RecordCNAME, Value: target, TTL: 60}},
		"alias identical": {want: alias(), records: []types.ResourceRecordSet{aliasTo(target)}, changed: true},
		"alias earlier": {want: alias(), records: []types.ResourceRecordSet{aliasTo(earlier)}, changed: true, writes: 1,
			previous: &oldAlias},
		"alias beside TXT": {want: alias(), records: []types.ResourceRecordSet{txt}, changed: true, writes: 1},
		"cname becomes alias": {want: aliasInParent(), records: []types.ResourceRecordSet{cname(earlier, 60)}, changed: true,
			writes: 1, previous: &old},
		"alias becomes cname": {want: want(), records: []types.ResourceRecordSet{aliasTo(earlier)}, changed: true, writes: 1,
			previous: &oldAlias},
		"foreign cname": {want: want(), records: []types.ResourceRecordSet{cname("lb.example", 60)},
			conflict: "lb.example"},
		"foreign address": {want: want(), records: []types.ResourceRecordSet{plainA(types.RRTypeA, "10.9.9.9")},
			conflict: "10.9.9.9"},
		"foreign alias": {want: alias(), records: []types.ResourceRecordSet{aliasTo("x.elb.amazonaws.com")},
			conflict: "x.elb.amazonaws.com"},
		"foreign AAAA beside alias": {want: alias(), records: []types.ResourceRecordSet{plainA(types.RRTypeAaaa, "fd00::1")},
			conflict: "fd00::1"},
		"TXT where a CNAME is wanted": {want: want(), records: []types.ResourceRecordSet{txt}, conflict: "TXT"},
		"weighted":                    {want: want(), records: []types.ResourceRecordSet{weighted}, conflict: "CNAME"},
		"no endpoint's name": {want: want(), records: []types.ResourceRecordSet{cname("vpce-x.attacker.example", 60)},
			conflict: "attacker"},
	} {
		for _, pageSize := range []int{0, 1} {
			fake := &fakeRoute53{pageSize: pageSize, zones: []*fakeZone{zoneOf(test.want, "arn:earlier", test.records...)}}
			got, err := New(fake).Ensure(t.Context(), test.want)
			if test.conflict != "" {
				if connection.NameOf(err) != connection.Conflict || !strings.Contains(err.Error(), test.conflict) || len(fake.writes()) > 0 {
					t.Errorf("%s: %v, writes %v", name, err, fake.writes())
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if wrote(got) != test.changed || got.ZoneCreated || len(fake.writes()) != test.writes {
				t.Errorf("%s: changed %t, zone created %t, writes %v", name, wrote(got), got.ZoneCreated, fake.writes())
			}
			if diff := cmp.Diff(test.previous, got.Records[0].Previous); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			again, err := New(fake).Ensure(t.Context(), test.want)
			if err != nil || len(fake.writes()) != test.writes || again.Records[0].Record != got.Records[0].Record {
				t.Errorf("%s: a second run wrote: %v %v", name, fake.writes(), err)
			}
		}
	}
}

// wrote reports whether an execution wrote a record.
func wrote(done connection.DNS) bool {
	return slices.ContainsFunc(done.Records, func(r connection.WrittenRecord) bool { return r.Changed })
}

// aliasInParent is an alias that is not at its zone's apex.
func aliasInParent() Want {
	w := want()
	w.Plan.Records = []connection.NameRecord{{Name: host, Type: connection.RecordAlias}}
	return w
}

// A record that was there before an adopted endpoint's run is not that run's doing.
func TestEnsureWithAnAdoptedEndpoint(t *testing.T) {
	t.Parallel()
	w := want()
	w.EndpointCreated = false
	fake := &fakeRoute53{zones: []*fakeZone{zoneOf(w, "arn:earlier", cname(target, 300))}}
	got, err := New(fake).Ensure(t.Context(), w)
	if err != nil || wrote(got) || got.ZoneCreated {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestEnsureConflicts(t *testing.T) {
	t.Parallel()
	other := want()
	other.ConnectionID = "monte-carlo/prod-2"
	for name, test := range map[string]struct {
		zone *fakeZone
		says string
	}{
		"another connection's": {zoneOf(other, "arn:earlier"), "connection monte-carlo/prod-2"},
		"a manual zone":        {&fakeZone{id: "Z1", name: parent, vpc: "vpc-1", reference: "terraform-1"}, "an owner that is not Postern"},
		"a crafted reference": {&fakeZone{id: "Z1", name: parent, vpc: "vpc-1", reference: "postern:" + id},
			"an owner that is not Postern"},
		"a service's":           {&fakeZone{id: "Z1", name: parent, vpc: "vpc-1", service: "vpce.amazonaws.com"}, "vpce.amazonaws.com"},
		"another account's":     {&fakeZone{id: "Z1", name: parent, vpc: "vpc-1", account: "999988887777"}, "999988887777"},
		"a narrower one":        {&fakeZone{id: "Z1", name: host, vpc: "vpc-1", reference: "x"}, "instead of " + parent},
		"one that came between": {&fakeZone{id: "Z1", name: parent, vpc: "vpc-1", reference: "x", unlisted: true}, "a moment ago"},
	} {
		fake := &fakeRoute53{zones: []*fakeZone{test.zone}}
		_, err := New(fake).Ensure(t.Context(), want())
		if connection.NameOf(err) != connection.Conflict || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
		if len(fake.zones) != 1 {
			t.Errorf("%s: a zone was made", name)
		}
	}
}

func TestEnsurePassesErrorsOn(t *testing.T) {
	t.Parallel()
	for operation, test := range map[string]struct{ answer, want string }{
		"ListHostedZonesByVPC":     {"AccessDenied", connection.AccessDenied},
		"CreateHostedZone":         {"TooManyHostedZones", connection.LimitExceeded},
		"ChangeResourceRecordSets": {"PriorRequestNotComplete", connection.Throttled},
	} {
		fake := &fakeRoute53{refuse: map[string][]error{operation: {code(test.answer)}}}
		if _, err := New(fake).Ensure(t.Context(), want()); step.Name(err) != test.want {
			t.Errorf("%s: %v", operation, err)
		}
	}
	exists := &fakeRoute53{refuse: map[string][]error{"CreateHostedZone": {code("HostedZoneAlreadyExists")}}}
	if _, err := New(exists).Ensure(t.Context(), want()); step.Name(err) != connection.Unavailable {
		t.Errorf("a zone that is not listed yet is looked for again: %v", err)
	}
}

func TestZonesAndOurs(t *testing.T) {
	t.Parallel()
	ours := zoneOf(want(), "arn:earlier")
	fake := &fakeRoute53{pageSize: 1, zones: []*fakeZone{
		ours, {id: "Z2", name: "b.example", vpc: "vpc-1", service: "vpce.amazonaws.com"}, {id: "Z3", name: "c.example", vpc: "vpc-2"},
	}}
	got, err := New(fake).Zones(t.Context(), "vpc-1", "us-east-1")
	want := []Zone{
		{ID: "Z1", Name: parent, OwningAccount: "111122223333"}, {ID: "Z2", Name: "b.example", OwningService: "vpce.amazonaws.com"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for zone, connections := range map[string]map[string]bool{
		"Z1": {id: true, "monte-carlo/pro": false, "monte-carlo/prod-2": false, "": false}, "Z2": {id: false, "": false},
		"Z404": {id: false},
	} {
		for connectionID, want := range connections {
			if got, err := New(fake).Ours(t.Context(), zone, connectionID); err != nil || got != want {
				t.Errorf("%s of %q: %t, %v", zone, connectionID, got, err)
			}
		}
	}
	if _, err := New(fake).Ours(t.Context(), "", id); err == nil {
		t.Error("an empty id was taken")
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"A.Example.": "a.example", "a.example": "a.example", `\052.example.`: "*.example", `a\134b.`: `a\b`, `\0`: `\0`,
		`\999.x`: `\999.x`,
		"":       "", ".": "",
	} {
		if got := Name(raw); got != want {
			t.Errorf("Name(%q) = %q, want %q", raw, got, want)
		}
	}
	zone := Zone{Name: "example.com"}
	for name, want := range map[string]bool{"Example.com.": true, "a.example.com": true, "notexample.com": false, "com": false} {
		if zone.Answers(name) != want {
			t.Errorf("Answers(%q) = %t", name, !want)
		}
	}
}

type switches struct {
	ours  bool
	err   error
	asked []string
}

func (s *switches) EnablePrivateDNS(_ context.Context, endpointID, execution string) (bool, error) {
	s.asked = append(s.asked, endpointID+" for "+execution)
	return s.ours, s.err
}

func TestHandle(t *testing.T) {
	t.Parallel()
	state := func(mode string, created bool) connection.Input {
		w := want()
		w.Plan.Mode = mode
		plan := connection.Plan{ConnectionID: id, Network: w.Network, DNS: w.Plan}
		return connection.Input{Execution: w.Execution, State: connection.State{
			Plan: &plan, Endpoint: &connection.Endpoint{ID: "vpce-1", Created: created},
			Availability: &connection.Availability{DNSName: target, HostedZoneID: "ZALIAS"},
		}}
	}
	kept := func(mode string) connection.Input {
		in := state(mode, false)
		in.State.Plan.DNS.Kept = &connection.KeptDNS{ZoneID: "Z9", ZoneName: parent}
		return in
	}
	for name, test := range map[string]struct {
		in       connection.Input
		switches switches
		want     connection.DNS
		fault    string
		asked    int
	}{
		"none": {in: state(connection.ModeNone, true), want: connection.DNS{Mode: connection.ModeNone, Hostname: host}},
		"private DNS, switched on by us": {
			state(connection.ModeVendorPrivateDNS, false), switches{ours: true},
			connection.DNS{Mode: connection.ModeVendorPrivateDNS, Hostname: host, PrivateDNSEnabled: true}, "", 1,
		},
		"private DNS, on before": {
			state(connection.ModeVendorPrivateDNS, false), switches{}, connection.DNS{Mode: connection.ModeVendorPrivateDNS,
				Hostname: host}, "", 1,
		},
		"a zone made by hand is kept": {in: kept(connection.ModePrivateHostedZone),
			want: connection.DNS{Mode: connection.ModePrivateHostedZone, Hostname: host, Kept: true}},
		"a zone made by hand instead of private DNS": {in: kept(connection.ModeVendorPrivateDNS),
			want: connection.DNS{Mode: connection.ModeVendorPrivateDNS, Hostname: host, Kept: true}},
		"private DNS, not yet available": {
			in:       state(connection.ModeVendorPrivateDNS, true),
			switches: switches{ours: true, err: connection.Errorf(connection.EndpointPending, "wait")},
			fault:    connection.EndpointPending, asked: 1,
		},
		"private DNS, refused": {
			in: state(connection.ModeVendorPrivateDNS, true), switches: switches{err: connection.Errorf(connection.Conflict, "taken")},
			fault: connection.Conflict, asked: 1,
		},
		"an unknown mode": {in: state("magic", true), fault: connection.Internal},
		"no plan":         {fault: connection.Internal},
	} {
		fake := &fakeRoute53{}
		got, err := Configurer{Holders: held{}, Zones: New(fake), PrivateDNS: &test.switches}.Handle(t.Context(), test.in)
		if connection.NameOf(err) != test.fault || len(test.switches.asked) != test.asked || len(fake.calls) != 0 {
			t.Errorf("%s: %v, asked %v, calls %v", name, err, test.switches.asked, fake.calls)
		}
		if diff := cmp.Diff(test.want, got); err == nil && diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	lost := held{connection.Errorf(connection.Conflict, "another execution holds it")}
	redriven := state(connection.ModePrivateHostedZone, true)
	redriven.RedriveCount = 1
	for name, test := range map[string]struct {
		in    connection.Input
		held  held
		fault string
	}{
		"a zone":             {in: state(connection.ModePrivateHostedZone, true)},
		"redriven, and held": {in: redriven},
		"redriven, and lost": {redriven, lost, connection.Conflict},
		"a running execution cannot lose its claim, so its claim is not checked": {in: state(connection.ModePrivateHostedZone, true), held: lost},
	} {
		fake := &fakeRoute53{}
		got, err := Configurer{Holders: test.held, Zones: New(fake)}.Handle(t.Context(), test.in)
		switch {
		case connection.NameOf(err) != test.fault, err != nil && len(fake.calls) > 0:
			t.Errorf("%s: %v, calls %v", name, err, fake.calls)
		case err == nil && (len(got.Records) != 1 || got.Records[0].Value != target || !got.ZoneCreated):
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// held is a connection that the execution holds, or why it does not.
type held struct{ err error }

func (h held) Holds(context.Context, string, connection.Turn) error { return h.err }
