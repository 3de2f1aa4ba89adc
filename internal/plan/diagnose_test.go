package plan

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
)

// connected is the world after an onboarding, and its network as the diagnosis knows it.
func connected() (*world, Config) {
	w := newWorld()
	made := ours("vpce-0a1", connection.StateAvailable)
	made.SubnetIDs, made.SecurityGroupIDs = []string{subnetA, subnetB}, []string{endpointSG}
	made.DNSNames = []endpoint.DNSName{{Name: "VPCE-0A1-abcd.vpce-svc-1.us-east-1.vpce.amazonaws.com."}}
	w.endpoints = []endpoint.Endpoint{made}
	w.interfaces = map[string][]connection.NetworkInterface{"vpce-0a1": {
		{ID: "eni-a", SubnetID: subnetA, AZ: "us-east-1a", IP: "10.20.1.10"}, {ID: "eni-b", SubnetID: subnetB, AZ: "us-east-1b", IP: "10.20.2.10"},
	}}
	w.zones = []dns.Zone{{ID: "Z1", Name: parentZone, OwningAccount: accountID}, {ID: "Z9", Name: "example.com", OwningAccount: accountID}}
	w.ourZones = []string{"Z1"}
	w.records = map[string][]connection.ZoneRecord{"Z1": {{Name: hostname, Type: "CNAME", Value: "vpce-0a1-abcd"}}}
	w.acls = []endpoint.NetworkACL{{ID: "acl-1", SubnetIDs: []string{subnetA, subnetB}, Entries: open()}}
	edit(w.groups, clientSG, func(g *endpoint.SecurityGroup) {
		g.Outbound = []endpoint.Rule{{Protocol: "-1", CIDRs: []string{"0.0.0.0/0"}}}
	})
	return w, config()
}

// open are the entries of a default network ACL.
func open() []endpoint.ACLEntry {
	const all = "0.0.0.0/0"
	return []endpoint.ACLEntry{
		{Number: 100, Allow: true, Protocol: "-1", CIDR: all, ToPort: 65535}, {Number: 100, Egress: true, Allow: true, Protocol: "-1", CIDR: all, ToPort: 65535},
		{Number: 32767, Protocol: "-1", CIDR: all, ToPort: 65535}, {Number: 32767, Egress: true, Protocol: "-1", CIDR: all, ToPort: 65535},
	}
}

func diagnosed(t *testing.T, w *world, config Config) connection.Plan {
	t.Helper()
	plan, err := w.planner(t, config).Plan(t.Context(), first(request(t, map[string]any{"action": "diagnose"})))
	if err != nil {
		t.Fatal(err)
	}
	if plan.Decision != connection.DecisionDiagnose || plan.Diagnosis == nil {
		t.Fatalf("decision %s, facts %v", plan.Decision, plan.Diagnosis)
	}
	return plan
}

func TestFacts(t *testing.T) {
	t.Parallel()
	w, config := connected()
	plan := diagnosed(t, w, config)
	check := func(kind, target, detail string) connection.Check {
		return connection.Check{Kind: kind, Target: target, Verdict: connection.Pass, Detail: detail}
	}
	const passes = "acl-1 lets them pass, and the answers"
	want := &connection.Facts{
		DNSSupport: true, DNSHostnames: true,
		Endpoint: &connection.EndpointFacts{
			ID: "vpce-0a1", Ours: true, State: connection.StateAvailable, SecurityGroupIDs: []string{endpointSG},
			Names: []string{"vpce-0a1-abcd.vpce-svc-1.us-east-1.vpce.amazonaws.com"}, Interfaces: w.interfaces["vpce-0a1"],
		},
		Zones: []connection.ZoneFacts{{ID: "Z1", Name: parentZone, Owner: accountID, Ours: true, Read: true, Records: w.records["Z1"]}},
		Filters: []connection.Check{
			check("security-group", endpointSG+" 443/tcp", "lets the clients in"),
			check("client-security-group", clientSG+" 443/tcp", "lets the probe out to the endpoint"),
			check("network-acl", subnetA+" 443/tcp in from the clients", passes),
			check("network-acl", subnetB+" 443/tcp in from the clients", passes),
			check("network-acl", subnetA+" 443/tcp out to the endpoint", passes),
		},
	}
	if diff := cmp.Diff(want, plan.Diagnosis); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if slices.Contains(w.calls, "Record") || slices.Contains(w.calls, "Find") {
		t.Errorf("calls %v: a diagnosis needs no claim, and our zone was there", w.calls)
	}
}

// What would stop an onboarding is told, and does not stop a diagnosis.
func TestDiagnoseInSpiteOfFaults(t *testing.T) {
	t.Parallel()
	w, config := connected()
	w.vpcs[vpcID] = endpoint.VPC{ID: vpcID, CIDRs: []string{"10.20.0.0/16"}, DNSSupport: true}
	w.endpoints = append(w.endpoints, foreignEndpoint(connection.StateAvailable, nil))
	w.zones = append(w.zones, dns.Zone{ID: "Z2", Name: hostname, OwningAccount: "999999999999"})
	plan := diagnosed(t, w, config)
	var told []string
	for _, finding := range plan.Findings {
		if finding.Code == "onboarding-would-fail" {
			told = append(told, finding.Message)
		}
	}
	text := strings.Join(told, "\n")
	for _, want := range []string{"enableDnsHostnames is off", "was not made by Postern", "zone " + hostname + " (Z2 of account 999999999999)"} {
		if !strings.Contains(text, want) {
			t.Errorf("no finding says %q:\n%s", want, text)
		}
	}
	facts := plan.Diagnosis
	if facts.DNSHostnames || facts.Endpoint.ID != "vpce-0a1" || !facts.Endpoint.Ours {
		t.Errorf("%+v", facts)
	}
	zones := []connection.ZoneFacts{
		{ID: "Z2", Name: hostname, Owner: "999999999999"},
		{ID: "Z1", Name: parentZone, Owner: accountID, Ours: true, Read: true, Records: w.records["Z1"]},
	}
	if diff := cmp.Diff(zones, facts.Zones); diff != "" {
		t.Errorf("zones: the most specific comes first, and another account's is not read (-want +got)\n%s", diff)
	}
	if slices.Contains(w.calls, "Records Z2") {
		t.Error("records of another account's zone were read")
	}
}

func TestDiagnosedEndpoint(t *testing.T) {
	t.Parallel()
	foreign := foreignEndpoint(connection.StateAvailable, nil)
	other := foreign
	other.ServiceName = "com.amazonaws.us-east-1.s3"
	for name, test := range map[string]struct {
		endpoints []endpoint.Endpoint
		want      string
		ours      bool
	}{
		"none":                    {nil, "", false},
		"of another service":      {[]endpoint.Endpoint{other}, "", false},
		"foreign":                 {[]endpoint.Endpoint{foreign}, foreign.ID, false},
		"ours before foreign":     {[]endpoint.Endpoint{foreign, ours("vpce-1", connection.StateRejected)}, "vpce-1", true},
		"live before dead":        {[]endpoint.Endpoint{ours("vpce-1", connection.StateDeleted), ours("vpce-2", connection.StatePending)}, "vpce-2", true},
		"the one that came first": {[]endpoint.Endpoint{ours("vpce-2", connection.StateAvailable), ours("vpce-1", connection.StateAvailable)}, "vpce-1", true},
		"accepted before waiting": {[]endpoint.Endpoint{ours("vpce-1", connection.StatePendingAcceptance), ours("vpce-2", connection.StateAvailable)}, "vpce-2", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, config := connected()
			w.endpoints = test.endpoints
			got := diagnosed(t, w, config).Diagnosis.Endpoint
			if got == nil && test.want == "" {
				return
			}
			if got == nil || got.ID != test.want || got.Ours != test.ours {
				t.Errorf("got %+v, want %s", got, test.want)
			}
		})
	}
}

func TestZoneApart(t *testing.T) {
	t.Parallel()
	w, config := connected()
	w.zones, w.apart = nil, dns.Zone{ID: "Z1", Name: parentZone}
	facts := diagnosed(t, w, config).Diagnosis
	want := &connection.ZoneFacts{ID: "Z1", Name: parentZone, Owner: accountID, Ours: true, Read: true, Records: w.records["Z1"]}
	if diff := cmp.Diff(want, facts.Apart); diff != "" || len(facts.Zones) > 0 {
		t.Errorf("zones %v, apart (-want +got)\n%s", facts.Zones, diff)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	group := func(rules ...endpoint.Rule) func(*world) {
		return func(w *world) { edit(w.groups, endpointSG, func(g *endpoint.SecurityGroup) { g.Inbound = rules }) }
	}
	outbound := func(rules ...endpoint.Rule) func(*world) {
		return func(w *world) { edit(w.groups, clientSG, func(g *endpoint.SecurityGroup) { g.Outbound = rules }) }
	}
	for name, test := range map[string]struct {
		change  func(*world)
		kind    string
		verdict connection.Verdict
		detail  string
	}{
		"no rule":             {group(), "security-group", connection.Fail, "no inbound rule lets 10.20.0.0/16 in on 443/tcp"},
		"half in":             {group(tcp(443, 443, "10.20.0.0/17")), "security-group", connection.Fail, "lets 10.20.0.0/16 in"},
		"another port":        {group(tcp(80, 80, "10.20.0.0/16")), "security-group", connection.Fail, "443/tcp"},
		"the clients' group":  {group(from443([]string{clientSG})), "security-group", connection.Pass, "lets the clients in"},
		"itself":              {group(from443([]string{endpointSG})), "security-group", connection.Fail, "no inbound rule"},
		"a group we know not": {group(from443([]string{"sg-9"})), "security-group", connection.Unknown, "lets sg-9 in, not 10.20.0.0/16"},
		"a prefix list":       {group(from443(nil, "pl-1")), "security-group", connection.Unknown, "pl-1"},
		"nothing out":         {outbound(), "client-security-group", connection.Fail, "out to 10.20.1.10/32, 10.20.2.10/32 on 443/tcp"},
		"out to one only":     {outbound(tcp(443, 443, "10.20.1.0/24")), "client-security-group", connection.Fail, "out to 10.20.2.10/32 on"},
		"out to the group":    {outbound(from443([]string{endpointSG})), "client-security-group", connection.Pass, ""},
		"out to a list":       {outbound(from443(nil, "pl-1")), "client-security-group", connection.Unknown, "pl-1"},
		"no interface":        {func(w *world) { w.interfaces = nil }, "client-security-group", connection.Unknown, "no interface"},
		"no ACL is shown":     {func(w *world) { w.acls = nil }, "network-acl", connection.Unknown, "no network ACL"},
		"an ACL denies": {func(w *world) {
			w.acls[0].Entries = append([]endpoint.ACLEntry{{Number: 90, Protocol: "6", CIDR: "10.20.9.0/24", FromPort: 443, ToPort: 443}}, open()...)
		}, "network-acl", connection.Fail, "acl-1 of " + subnetA + ": inbound rule 90 denies 10.20.9.0/24"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, config := connected()
			test.change(w)
			filters := diagnosed(t, w, config).Diagnosis.Filters
			i := slices.IndexFunc(filters, func(c connection.Check) bool { return c.Kind == test.kind })
			if i < 0 || filters[i].Verdict != test.verdict || !strings.Contains(filters[i].Detail, test.detail) {
				t.Errorf("got %+v\nwant %s %s: %s", filters, test.kind, test.verdict, test.detail)
			}
		})
	}
}

// A read that fails may succeed when it is tried again: it is an error, and never a fact.
func TestDiagnoseReadFails(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"VPC", "InVPC", "SecurityGroups", "Interfaces", "NetworkACLs", "Ours", "Records Z1"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			w, config := connected()
			want := errors.New("no answer")
			w.fail[call] = want
			_, err := w.planner(t, config).Plan(t.Context(), first(request(t, map[string]any{"action": "diagnose"})))
			if !errors.Is(err, want) {
				t.Errorf("got %v", err)
			}
		})
	}
	w, config := connected()
	w.zones, w.fail["Find"] = nil, errors.New("no answer")
	if _, err := w.planner(t, config).Plan(t.Context(), first(request(t, map[string]any{"action": "diagnose"}))); err == nil {
		t.Error("the list of zones by name failed, and that is taken for no zone")
	}
}

func TestDiagnoseRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		changes map[string]any
		world   func(*world)
		want    string
	}{
		"another VPC":       {map[string]any{"target.vpcId": "vpc-0fffffffffffffff0"}, nil, "is not a registered network"},
		"no such vendor":    {map[string]any{"vendor": "acme"}, nil, "there is no profile for acme"},
		"no service":        {map[string]any{"inputs.serviceName": nil}, nil, "inputs.serviceName"},
		"a VPC that went":   {nil, func(w *world) { delete(w.vpcs, vpcID) }, "does not exist in us-east-1"},
		"an unknown option": {map[string]any{"options.frobnicate": "x"}, nil, "options.frobnicate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, config := connected()
			if test.world != nil {
				test.world(w)
			}
			changes := map[string]any{"action": "diagnose"}
			for path, value := range test.changes {
				changes[path] = value
			}
			_, err := w.planner(t, config).Plan(t.Context(), first(request(t, changes)))
			if connection.NameOf(err) != connection.InvalidRequest || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Clients that are named by their groups are let in by name, or with the whole VPC.
func TestAdmissionOfClientGroups(t *testing.T) {
	t.Parallel()
	const client = "sg-0123456789abcdef0"
	for name, test := range map[string]struct {
		inbound endpoint.Rule
		want    connection.Verdict
	}{
		"by name":                   {from443([]string{client}), connection.Pass},
		"the whole VPC":             {tcp(443, 443, "10.20.0.0/16"), connection.Pass},
		"a part of the VPC":         {tcp(443, 443, "10.20.0.0/17"), connection.Fail},
		"another group":             {from443([]string{"sg-0fedcba9876543210"}), connection.Fail},
		"the probe's group only":    {from443([]string{clientSG}), connection.Fail},
		"a prefix list that may do": {from443(nil, "pl-1"), connection.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, config := connected()
			edit(w.groups, endpointSG, func(g *endpoint.SecurityGroup) { g.Inbound = []endpoint.Rule{test.inbound} })
			w.groups[client] = endpoint.SecurityGroup{ID: client, VPCID: vpcID}
			raw := request(t, map[string]any{
				"action": "diagnose", "target.clientCidrs": nil, "target.clientSecurityGroupIds": []string{client},
			})
			plan, err := w.planner(t, config).Plan(t.Context(), first(raw))
			if err != nil {
				t.Fatal(err)
			}
			filters := plan.Diagnosis.Filters
			if filters[0].Kind != "security-group" || filters[0].Verdict != test.want {
				t.Errorf("got %+v, want %s", filters[0], test.want)
			}
			if filters[2].Kind != "network-acl" || !strings.HasSuffix(filters[2].Target, "in from the clients") {
				t.Errorf("got %+v: the VPC's blocks stand for clients without one", filters[2])
			}
		})
	}
}
