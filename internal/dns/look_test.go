package dns

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// What takes a name of ours away is a difference; what stands at other names of the zone is none.
func TestDifferences(t *testing.T) {
	t.Parallel()
	const target = "vpce-1.vpce-svc-1.us-east-1.vpce.amazonaws.com"
	ours := connection.Record{Name: host, Type: connection.RecordCNAME, Value: target, TTL: 60}
	wildcard := connection.Record{Name: "*." + parent, Type: connection.RecordCNAME, Value: target, TTL: 60}
	alias := connection.Record{Name: host, Type: connection.RecordAlias, Value: target, AliasZoneID: "Z7HUB22UULQXV"}
	weighted := write(ours)
	weighted.SetIdentifier = aws.String("blue")
	below := plainA(types.RRTypeA, "10.9.9.9")
	below.Name = aws.String("other." + parent + ".")
	six := plainA(types.RRTypeAaaa, "fd00::1")
	for name, test := range map[string]struct {
		written []connection.Record
		have    []types.ResourceRecordSet
		want    []string // one word of each
		hands   bool
	}{
		"as written":                    {written: []connection.Record{ours}, have: []types.ResourceRecordSet{write(ours)}},
		"an alias as written":           {written: []connection.Record{alias}, have: []types.ResourceRecordSet{write(alias)}},
		"at another name":               {written: []connection.Record{ours}, have: []types.ResourceRecordSet{write(ours), below}},
		"gone":                          {written: []connection.Record{ours}, want: []string{"should be CNAME"}},
		"another TTL":                   {[]connection.Record{ours}, []types.ResourceRecordSet{cname(target, 7)}, []string{"TTL 7 s", "TTL 60 s"}, false},
		"weighted":                      {[]connection.Record{ours}, []types.ResourceRecordSet{weighted}, []string{"is CNAME", "should be CNAME"}, true},
		"a plain address":               {[]connection.Record{ours}, []types.ResourceRecordSet{plainA(types.RRTypeA, "10.9.9.9")}, []string{"is A", "should be CNAME"}, true},
		"IPv6 beside the alias":         {[]connection.Record{alias}, []types.ResourceRecordSet{write(alias), six}, []string{"fd00::1"}, true},
		"a name of the wildcard's":      {[]connection.Record{wildcard}, []types.ResourceRecordSet{write(wildcard), below}, []string{"10.9.9.9"}, true},
		"that, and ours is gone":        {[]connection.Record{wildcard}, []types.ResourceRecordSet{below}, []string{"10.9.9.9", "should be CNAME"}, false},
		"our own name, of the wildcard": {written: []connection.Record{wildcard, ours}, have: []types.ResourceRecordSet{write(wildcard), write(ours)}},
	} {
		var written []connection.WrittenRecord
		for _, record := range test.written {
			written = append(written, connection.WrittenRecord{Record: record})
		}
		fake := &fakeRoute53{pageSize: 1, zones: []*fakeZone{zoneOf(want(), "arn:earlier", test.have...)}}
		got, hands, err := New(fake).Differences(t.Context(), "Z1", written)
		if err != nil || len(got) != len(test.want) || hands != test.hands {
			t.Errorf("%s: %q, for hands %t, %v", name, got, hands, err)
			continue
		}
		for i, word := range test.want {
			if !strings.Contains(got[i], word) {
				t.Errorf("%s: %q lacks %q", name, got[i], word)
			}
		}
	}
}

func TestLook(t *testing.T) {
	t.Parallel()
	fake := &fakeRoute53{zones: []*fakeZone{zoneOf(want(), "arn:earlier")}}
	fake.zones[0].further = []string{"vpc-2"}
	found, exists, err := New(fake).Look(t.Context(), "Z1", id)
	if err != nil || !exists || !found.Ours || len(found.VPCIDs) != 2 || found.VPCIDs[1] != "vpc-2" {
		t.Errorf("%+v %t %v", found, exists, err)
	}
	if found, _, _ := New(fake).Look(t.Context(), "Z1", "another/connection"); found.Ours {
		t.Error("another connection's zone is taken for ours")
	}
	if _, exists, err := New(fake).Look(t.Context(), "Z2", id); exists || err != nil {
		t.Errorf("one that is gone: %t %v", exists, err)
	}
	fake.refuse = map[string][]error{"GetHostedZone": {code("Throttling")}}
	if _, _, err := New(fake).Look(t.Context(), "Z1", id); !awserr.IsThrottled(err) {
		t.Errorf("throttled: %v", err)
	}
}
