package filter

import (
	"slices"
	"testing"

	"postern/internal/connection"
	"postern/internal/endpoint"
)

func TestDenies(t *testing.T) {
	t.Parallel()
	rule := func(number int, allow bool, cidr string, from, to int) endpoint.ACLEntry {
		return endpoint.ACLEntry{Number: number, Allow: allow, Protocol: "6", CIDR: cidr, FromPort: from, ToPort: to}
	}
	const block = "10.20.0.0/16"
	last := endpoint.ACLEntry{Number: 32767, Protocol: "-1", CIDR: "0.0.0.0/0", ToPort: 65535}
	udp, out := rule(90, false, block, 443, 443), rule(90, false, block, 443, 443)
	udp.Protocol, out.Egress = "17", true
	for name, test := range map[string]struct {
		entries []endpoint.ACLEntry
		want    int // the rule's number; 0: nothing is denied
	}{
		"allowed":                     {[]endpoint.ACLEntry{rule(100, true, block, 443, 443)}, 0},
		"allowed by more":             {[]endpoint.ACLEntry{rule(100, true, "0.0.0.0/0", 0, 65535)}, 0},
		"allowed in two halves":       {[]endpoint.ACLEntry{rule(100, true, "10.20.0.0/17", 443, 443), rule(110, true, "10.20.128.0/17", 443, 443)}, 0},
		"half allowed":                {[]endpoint.ACLEntry{rule(100, true, "10.20.0.0/17", 443, 443)}, 32767},
		"nothing":                     {nil, 32767},
		"denied first":                {[]endpoint.ACLEntry{rule(90, false, block, 443, 443), rule(100, true, block, 443, 443)}, 90},
		"denied after":                {[]endpoint.ACLEntry{rule(100, true, block, 443, 443), rule(110, false, block, 443, 443)}, 0},
		"a part denied":               {[]endpoint.ACLEntry{rule(90, false, "10.20.7.0/24", 1, 1023), rule(100, true, block, 443, 443)}, 90},
		"the denied part is allowed":  {[]endpoint.ACLEntry{rule(80, true, "10.20.7.0/24", 443, 443), rule(90, false, "10.20.7.0/24", 443, 443), rule(100, true, block, 443, 443)}, 0},
		"a wider denial after a part": {[]endpoint.ACLEntry{rule(80, true, "10.20.7.0/24", 443, 443), rule(90, false, "10.0.0.0/8", 443, 443)}, 90},
		"another port":                {[]endpoint.ACLEntry{rule(90, false, block, 80, 80), rule(100, true, block, 443, 443)}, 0},
		"another block":               {[]endpoint.ACLEntry{rule(90, false, "10.21.0.0/16", 443, 443), rule(100, true, block, 443, 443)}, 0},
		"another protocol":            {[]endpoint.ACLEntry{udp, rule(100, true, block, 443, 443)}, 0},
		"another direction":           {[]endpoint.ACLEntry{out, rule(100, true, block, 443, 443)}, 0},
	} {
		entry, denied := denies(endpoint.NetworkACL{Entries: append(test.entries, last)}, false, Blocks([]string{block})[0], 443, 443)
		if denied != (test.want != 0) || entry.Number != test.want {
			t.Errorf("%s: got %s, %v; want rule %d", name, entry, denied, test.want)
		}
	}
	// Answers go to many ports: a rule for some of them is not enough.
	some := endpoint.NetworkACL{Entries: []endpoint.ACLEntry{rule(100, true, block, 50000, 50100), last}}
	if entry, denied := denies(some, false, Blocks([]string{block})[0], firstEphemeral, lastEphemeral); !denied {
		t.Errorf("a few ports: %s, %v", entry, denied)
	}
}

// An ACL is stateless: connections pass in one direction and their answers in the other, to the clients' ports.
func TestPassageJudgesBothDirections(t *testing.T) {
	t.Parallel()
	const clients = "10.20.0.0/16"
	allow := func(egress bool, from, to int) endpoint.ACLEntry {
		return endpoint.ACLEntry{Number: 100, Egress: egress, Allow: true, Protocol: "6", CIDR: clients, FromPort: from, ToPort: to}
	}
	last := []endpoint.ACLEntry{{Number: 32767, Protocol: "-1", CIDR: "0.0.0.0/0", ToPort: 65535},
		{Number: 32767, Egress: true, Protocol: "-1", CIDR: "0.0.0.0/0", ToPort: 65535}}
	for name, test := range map[string]struct {
		in, out []endpoint.ACLEntry // rules inbound and outbound
		toUs    connection.Verdict  // for the endpoint's subnet: connections in, answers out
		fromUs  connection.Verdict  // for a client's subnet: connections out, answers in
	}{
		"443 in, ephemeral out":  {[]endpoint.ACLEntry{allow(false, 443, 443)}, []endpoint.ACLEntry{allow(true, 1024, 65535)}, connection.Pass, connection.Fail},
		"443 out, ephemeral in":  {[]endpoint.ACLEntry{allow(false, 1024, 65535)}, []endpoint.ACLEntry{allow(true, 443, 443)}, connection.Fail, connection.Pass},
		"everything":             {[]endpoint.ACLEntry{allow(false, 0, 65535)}, []endpoint.ACLEntry{allow(true, 0, 65535)}, connection.Pass, connection.Pass},
		"everything in, no more": {[]endpoint.ACLEntry{allow(false, 0, 65535)}, nil, connection.Fail, connection.Fail},
		"everything out":         {nil, []endpoint.ACLEntry{allow(true, 0, 65535)}, connection.Fail, connection.Fail},
	} {
		acl := endpoint.NetworkACL{ID: "acl-1", SubnetIDs: []string{"subnet-1"}, Entries: slices.Concat(test.in, test.out, last)}
		for out, want := range map[bool]connection.Verdict{false: test.toUs, true: test.fromUs} {
			if got := passage([]endpoint.NetworkACL{acl}, "subnet-1", out, Blocks([]string{clients}), 443); got.Verdict != want {
				t.Errorf("%s, out %v: %+v, want %s", name, out, got, want)
			}
		}
	}
}
