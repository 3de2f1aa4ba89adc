package dns

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/step"
)

// What Ensure did, Undo takes back: the zones are again as they were before, and a second Undo finds nothing to do.
func TestUndoIsTheInverseOfEnsure(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		want    Want
		records []types.ResourceRecordSet
		fresh   bool
	}{
		"zone and record":     {want: want(), fresh: true},
		"zone and alias":      {want: alias(), fresh: true},
		"record only":         {want: want()},
		"a record of ours":    {want: want(), records: []types.ResourceRecordSet{cname(earlier, 60)}},
		"an alias of ours":    {want: alias(), records: []types.ResourceRecordSet{aliasTo(earlier)}},
		"cname became alias":  {want: aliasInParent(), records: []types.ResourceRecordSet{cname(earlier, 60)}},
		"alias became cname":  {want: want(), records: []types.ResourceRecordSet{aliasTo(earlier)}},
		"a stranger's beside": {want: want(), records: []types.ResourceRecordSet{cname(earlier, 60), stranger()}},
	} {
		for _, pageSize := range []int{0, 1} {
			fake := &fakeRoute53{pageSize: pageSize}
			if !test.fresh {
				fake.zones = []*fakeZone{zoneOf(test.want, "arn:earlier", test.records...)}
			}
			before := snapshot(fake)
			done, err := New(fake).Ensure(t.Context(), test.want)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for range 2 {
				if err := New(fake).Undo(t.Context(), done, id); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if diff := cmp.Diff(before, snapshot(fake)); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		}
	}
}

func stranger() types.ResourceRecordSet {
	r := plainA(types.RRTypeA, "10.1.2.3")
	r.Name = aws.String("x." + parent + ".")
	return r
}

// snapshot is what is in the zones, in an order that does not depend on history.
func snapshot(f *fakeRoute53) map[string]bool {
	all := map[string]bool{}
	for _, zone := range f.zones {
		all[zone.name] = true
		for _, r := range zone.records {
			all[zone.name+" "+string(r.Type)+" "+Name(aws.ToString(r.Name))+" "+shown(r)] = true
		}
	}
	return all
}

func TestUndoLeavesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		meanwhile func(*fakeRoute53, *connection.DNS)
		says      string
		left      int // records besides the apex
	}{
		"the record was changed": {func(f *fakeRoute53, _ *connection.DNS) { f.zones[0].records[2] = cname("lb.example", 60) },
			"lb.example", 1},
		"its TTL was changed": {func(f *fakeRoute53, _ *connection.DNS) { f.zones[0].records[2] = cname(target, 5) },
			"changed since", 1},
		"another record came": {func(f *fakeRoute53, _ *connection.DNS) {
			f.zones[0].records = append(f.zones[0].records,
				stranger())
		}, "x." + parent, 1},
		"a zone of another": {func(f *fakeRoute53, _ *connection.DNS) { f.zones[0].reference = "terraform" }, "is not of", 1},
	} {
		fake := &fakeRoute53{}
		done, err := New(fake).Ensure(t.Context(), want())
		if err != nil {
			t.Fatal(err)
		}
		test.meanwhile(fake, &done)
		err = New(fake).Undo(t.Context(), done, id)
		if connection.NameOf(err) != connection.Conflict || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
		if len(fake.zones) != 1 || len(fake.zones[0].records) != 2+test.left {
			t.Errorf("%s: %d zones", name, len(fake.zones))
		}
	}
}

// A deletion that was done although its answer was lost is refused when the SDK tries it again: the next try finds it done.
func TestUndoWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	fake := &fakeRoute53{}
	c := New(fake)
	done, err := c.Ensure(t.Context(), want())
	if err != nil {
		t.Fatal(err)
	}
	fake.refuse = map[string][]error{"ChangeResourceRecordSets": {code("InvalidChangeBatch")}}
	if err := c.Undo(t.Context(), done, id); connection.NameOf(err) != connection.Unavailable {
		t.Errorf("%v, want a retry", err)
	}
	if err := c.Undo(t.Context(), done, id); err != nil || len(fake.zones) != 0 {
		t.Errorf("%v, %d zones", err, len(fake.zones))
	}
}

func TestUndoOfNothing(t *testing.T) {
	t.Parallel()
	for name, done := range map[string]connection.DNS{
		"none": {Mode: connection.ModeNone}, "private DNS": {Mode: connection.ModeVendorPrivateDNS, PrivateDNSEnabled: true},
		"nothing changed": {ZoneID: "Z1", Records: []connection.WrittenRecord{{}}},
	} {
		fake := &fakeRoute53{}
		if err := New(fake).Undo(t.Context(), done, id); err != nil || len(fake.calls) != 0 {
			t.Errorf("%s: %v %v", name, err, fake.calls)
		}
	}
	gone := connection.DNS{ZoneID: "Z404", ZoneCreated: true, Records: []connection.WrittenRecord{{Changed: true}}}
	if err := New(&fakeRoute53{}).Undo(t.Context(), gone, id); err != nil {
		t.Errorf("a zone that is gone: %v", err)
	}
	fake := &fakeRoute53{refuse: map[string][]error{"DeleteHostedZone": {code("PriorRequestNotComplete")}}}
	done, err := New(fake).Ensure(t.Context(), want())
	if err != nil {
		t.Fatal(err)
	}
	if err := New(fake).Undo(t.Context(), done, id); step.Name(err) != connection.Throttled {
		t.Errorf("a change in flight is waited for: %v", err)
	}
	if err := New(fake).Undo(t.Context(), done, id); err != nil || len(fake.zones) != 0 {
		t.Errorf("the retry: %v", err)
	}
}

// Made finds what Ensure did when its answer was lost.
func TestMade(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func() *fakeRoute53{
		"nothing":             func() *fakeRoute53 { return &fakeRoute53{} },
		"a zone and a record": func() *fakeRoute53 { return &fakeRoute53{} },
		"a record": func() *fakeRoute53 {
			return &fakeRoute53{zones: []*fakeZone{zoneOf(want(), "arn:earlier", stranger())}}
		},
	} {
		fake := prepare()
		before := snapshot(fake)
		if name != "nothing" {
			if _, err := New(fake).Ensure(t.Context(), want()); err != nil {
				t.Fatal(err)
			}
		}
		made, err := New(fake).Made(t.Context(), want())
		if err != nil || wrote(made) != (name != "nothing") || made.ZoneCreated != (name == "a zone and a record") {
			t.Errorf("%s: %+v %v", name, made, err)
		}
		if err := New(fake).Undo(t.Context(), made, id); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(before, snapshot(fake)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	foreign := &fakeRoute53{zones: []*fakeZone{{id: "Z1", name: parent, vpc: "vpc-1", reference: "terraform"}}}
	if made, err := New(foreign).Made(t.Context(), want()); err != nil || made.ZoneID != "" {
		t.Errorf("a stranger's zone: %+v %v", made, err)
	}
	adopted := want()
	adopted.EndpointCreated = false
	standing := &fakeRoute53{zones: []*fakeZone{zoneOf(adopted, "arn:earlier", cname(target, 300))}}
	if made, err := New(standing).Made(t.Context(), adopted); err != nil || wrote(made) || made.ZoneCreated {
		t.Errorf("the record of an adopted endpoint stood there before: %+v %v", made, err)
	}
	empty := &fakeRoute53{refuse: map[string][]error{"ChangeResourceRecordSets": {code("Throttling")}}}
	_, _ = New(empty).Ensure(t.Context(), want()) // made the zone, then failed
	if made, err := New(empty).Made(t.Context(), want()); err != nil || !made.ZoneCreated || wrote(made) {
		t.Errorf("only the zone: %+v %v", made, err)
	}
	denied := &fakeRoute53{refuse: map[string][]error{"ListHostedZonesByVPC": {code("AccessDenied")}}}
	if _, err := New(denied).Made(t.Context(), want()); step.Name(err) != connection.AccessDenied {
		t.Errorf("%v", err)
	}
}

// Ensure died before it could say what it overwrote: what the plan saw is put back, whether Made finds the traces or a second
// Ensure does.
func TestUndoAfterEnsureCouldNotSay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		want    Want
		records []types.ResourceRecordSet
	}{
		"a record of ours":    {want(), []types.ResourceRecordSet{cname(earlier, 60)}},
		"an alias of ours":    {alias(), []types.ResourceRecordSet{aliasTo(earlier)}},
		"cname became alias":  {aliasInParent(), []types.ResourceRecordSet{cname(earlier, 60)}},
		"none":                {want(), nil},
		"a stranger's beside": {want(), []types.ResourceRecordSet{cname(earlier, 60), stranger()}},
	} {
		for how, told := range map[string]func(context.Context, *Client, Want) (connection.DNS, error){
			"made": func(ctx context.Context, c *Client, w Want) (connection.DNS, error) { return c.Made(ctx, w) },
			"ensure": func(ctx context.Context, c *Client, w Want) (connection.DNS, error) {
				return c.Ensure(ctx, w)
			},
		} {
			fake := &fakeRoute53{}
			test.want.EndpointCreated = true
			fake.zones = []*fakeZone{zoneOf(test.want, "arn:earlier", test.records...)}
			before := snapshot(fake)
			var err error
			c := New(fake)
			if test.want.Plan.Present, err = c.Present(t.Context(), fake.zones[0].id, test.want.Plan.Records); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Ensure(t.Context(), test.want); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			done, err := told(t.Context(), c, test.want)
			if err != nil {
				t.Fatalf("%s, %s: %v", name, how, err)
			}
			if err := c.Undo(t.Context(), done, id); err != nil {
				t.Errorf("%s, %s: %v", name, how, err)
			}
			if diff := cmp.Diff(before, snapshot(fake)); diff != "" {
				t.Errorf("%s, %s: %s", name, how, diff)
			}
		}
	}
}
