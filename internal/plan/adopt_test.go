package plan

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
)

const (
	elsewhere  = "vpc-00000000000000bad"
	byHand     = "vpce-0f000000000000000"
	byHandName = byHand + "-abcd1234.vpce-svc-0123456789abcdef0.us-east-1.vpce.amazonaws.com"
)

func (w *world) Describe(_ context.Context, id string) (endpoint.Endpoint, error) {
	if id == "vpce-0e000000000000000" {
		return endpoint.Endpoint{ID: id, VPCID: elsewhere, State: connection.StateAvailable}, w.call("Describe")
	}
	return endpoint.Endpoint{ID: id, State: connection.StateDeleted}, w.call("Describe")
}

// handMade is an endpoint that was created manually, with a change.
func handMade(change func(*endpoint.Endpoint)) endpoint.Endpoint {
	e := foreignEndpoint(connection.StateAvailable, map[string]string{"Name": "by hand"})
	e.DNSNames = []endpoint.DNSName{{Name: byHandName}, {Name: strings.Replace(byHandName, "abcd1234", "abcd1234-us-east-1a", 1)}}
	if change != nil {
		change(&e)
	}
	return e
}

// Every fault of an endpoint that cannot be taken over, with its whole text, and nothing else.
func TestAdoptFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		id     string // byHand when ""
		change func(*endpoint.Endpoint)
		world  func(*world)
		want   []string
	}{
		"malformed": {id: "vpce-xyz", want: []string{
			`adoptEndpointId: "vpce-xyz" is not an endpoint id; write vpce- and 8 or 17 hexadecimal digits`}},
		"no such endpoint": {id: "vpce-0d000000000000000", want: []string{
			"adoptEndpointId: vpce-0d000000000000000 does not exist in us-east-1; write an endpoint of vpc-0a1b2c3d4e5f60718, or leave it out"}},
		"in another VPC": {id: "vpce-0e000000000000000", want: []string{
			"adoptEndpointId: vpce-0e000000000000000 is in vpc-00000000000000bad, not in vpc-0a1b2c3d4e5f60718; write an endpoint of the " +
				"target's VPC, or correct target.vpcId"}},
		"another type": {change: func(e *endpoint.Endpoint) { e.Type = "Gateway" }, want: []string{
			"adoptEndpointId: vpce-0f000000000000000 is a Gateway endpoint, not an interface endpoint; write the endpoint that reaches the " +
				"service, or leave it out: then one is made"}},
		"another service": {change: func(e *endpoint.Endpoint) { e.ServiceName = remoteService }, want: []string{
			"adoptEndpointId: vpce-0f000000000000000 reaches another service, " + remoteService + "; write the endpoint that reaches the " +
				"service, or leave it out: then one is made"}},
		"another Region": {change: func(e *endpoint.Endpoint) { e.ServiceRegion = "eu-west-1" }, want: []string{
			"adoptEndpointId: vpce-0f000000000000000 reaches the service in eu-west-1, not in us-east-1; write the endpoint that reaches the " +
				"service, or leave it out: then one is made"}},
		"rejected": {change: func(e *endpoint.Endpoint) { e.State = connection.StateRejected }, want: []string{
			"adoptEndpointId: vpce-0f000000000000000 is rejected, and can no longer be used; write the endpoint that reaches the " +
				"service, or leave it out: then one is made"}},
		"in an unknown state": {change: func(e *endpoint.Endpoint) { e.State = connection.StateUnknown }, want: []string{
			"adoptEndpointId: vpce-0f000000000000000 is unknown, and can no longer be used; write the endpoint that reaches the " +
				"service, or leave it out: then one is made"}},
		"of another connection": {change: func(e *endpoint.Endpoint) { e.Tags = connection.Tags("monte-carlo/other", "arn:e") }, want: []string{
			"adoptEndpointId: vpce-0f000000000000000 belongs to the connection monte-carlo/other; use that connection, or offboard it first if it is no longer needed"}},
		"with tags of ours that are not whole": {change: func(e *endpoint.Endpoint) { delete(e.Tags, "Name"); e.Tags[connection.TagAdopted] = "arn:e" },
			want: []string{"adoptEndpointId: vpce-0f000000000000000 carries tags that begin with postern:, and no connection's; remove those " +
				"tags when no connection uses the endpoint"}},
		"the connection has one": {world: func(w *world) {
			w.endpoints = append(w.endpoints, ours("vpce-00000000000000001", connection.StateAvailable))
		}, want: []string{"adoptEndpointId: monte-carlo/agents-prod has the endpoint vpce-00000000000000001 already; leave it out; or offboard this " +
			"connection first, which removes vpce-00000000000000001"}},
		"its groups do not allow the clients": {change: func(e *endpoint.Endpoint) { e.SecurityGroupIDs = []string{clientSG} }, want: []string{
			"target.securityGroupIds: sg-0c0000000000000c1 do not allow 10.20.0.0/16 on 443/tcp; add an inbound rule for TCP 443 from " +
				"10.20.0.0/16 to one of them; an outbound rule, which a vendor's page may ask for, does not help: the clients connect to the endpoint"}},
		"a zone that leads elsewhere": {world: func(w *world) {
			w.zones = []dns.Zone{{ID: "Z1", Name: parentZone, OwningAccount: accountID}}
			w.records = map[string][]connection.ZoneRecord{"Z1": {{Name: hostname, Type: "CNAME", Value: "elsewhere.example.com"}}}
		}, want: []string{"target.vpcId: vpc-0a1b2c3d4e5f60718 already has a zone privatelink.getmontecarlo.com (Z1 of account 111122223333) that " +
			"Postern did not make for this connection; find out who uses that zone, and end its association with the VPC when nothing there needs its records, or write options.zoneScope: hostname"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.endpoints = []endpoint.Endpoint{handMade(test.change)}
			if test.world != nil {
				test.world(w)
			}
			if test.id == "" {
				test.id = byHand
			}
			_, err := w.planner(t, config()).Plan(t.Context(), first(request(t, map[string]any{"adoptEndpointId": test.id})))
			if diff := cmp.Diff(test.want, lines(t, err)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What is planned for an endpoint that is taken over, by what stands beside it.
func TestAdopts(t *testing.T) {
	t.Parallel()
	zone := func(name, value string) func(*world) {
		return func(w *world) {
			w.zones = []dns.Zone{{ID: "Z1", Name: name, OwningAccount: accountID}}
			w.records = map[string][]connection.ZoneRecord{"Z1": {{Name: hostname, Type: "CNAME", Value: value}}}
		}
	}
	tags := "tags postern:adopted, postern:connection, postern:managed on " + byHand
	zoneMade := "private hosted zone " + parentZone + " for " + vpcID
	tests := map[string]struct {
		changes map[string]any
		change  func(*endpoint.Endpoint)
		world   func(*world)
		codes   []string // findings
		creates []string // some of them
		not     string   // none begins so
		kept    string   // zone
		subnets int
		monthly float64
	}{
		"alone": {codes: []string{"taking-over", "shadows-siblings"}, creates: []string{tags, zoneMade}, not: "interface endpoint", subnets: 2,
			monthly: 15.10},
		"the vendor no longer shows the service": {world: func(w *world) { w.service.Visible = false }, codes: []string{"service-not-visible",
			"taking-over", "shadows-siblings"}, creates: []string{tags}, subnets: 2, monthly: 15.10},
		"the request names no groups": {changes: map[string]any{"target.securityGroupIds": nil}, codes: []string{"taking-over",
			"shadows-siblings"}, creates: []string{tags}, not: "security group", subnets: 2, monthly: 15.10},
		"a second run": {change: func(e *endpoint.Endpoint) { e.Tags = connection.AdoptionTags(connID, "arn:earlier") },
			codes: []string{"adopting", "shadows-siblings"}, not: "tags", subnets: 2, monthly: 15.10},
		"with a policy of its own": {change: func(e *endpoint.Endpoint) { e.Policy = `{"Statement":[]}` }, codes: []string{"taking-over",
			"policy-kept", "shadows-siblings"}, creates: []string{tags}, subnets: 2, monthly: 15.10},
		"a second run with a policy of its own": {change: func(e *endpoint.Endpoint) {
			e.Tags, e.Policy = connection.AdoptionTags(connID, "arn:earlier"), `{"Statement":[]}`
		}, codes: []string{"adopting", "policy-kept", "shadows-siblings"}, not: "tags", subnets: 2, monthly: 15.10},
		"in other subnets": {change: func(e *endpoint.Endpoint) { e.SubnetIDs = []string{subnetA} }, codes: []string{"taking-over",
			"adopted-endpoint-differs", "shadows-siblings"}, creates: []string{tags}, subnets: 1, monthly: 7.80},
		"beside another": {world: func(w *world) {
			other := handMade(nil)
			other.ID = "vpce-0f00000000000000f"
			w.endpoints = append(w.endpoints, other)
		}, codes: []string{"another-endpoint", "taking-over", "shadows-siblings"}, creates: []string{tags}, subnets: 2, monthly: 15.10},
		"with its zone": {world: zone(parentZone, byHandName), codes: []string{"taking-over", "names-kept"}, creates: []string{tags},
			not: "private hosted zone", kept: "Z1", subnets: 2, monthly: 14.60},
		"with a zone of the name alone": {world: zone(hostname, byHandName), codes: []string{"taking-over", "names-kept"},
			not: "CNAME", kept: "Z1", subnets: 2, monthly: 14.60},
		"with a wider zone": {world: zone("getmontecarlo.com", byHandName), codes: []string{"taking-over", "names-kept"}, kept: "Z1",
			subnets: 2, monthly: 14.60},
		"with a wider zone that leads elsewhere": {world: zone("getmontecarlo.com", "elsewhere.example.com"), codes: []string{"taking-over",
			"wider-zone", "shadows-siblings"}, creates: []string{zoneMade}, subnets: 2, monthly: 15.10},
		"answered by its private DNS": {change: func(e *endpoint.Endpoint) {
			e.PrivateDNSEnabled = true
			e.DNSNames = append(e.DNSNames, endpoint.DNSName{Name: "*.privatelink.getmontecarlo.com"})
		}, world: func(w *world) {
			w.zones = []dns.Zone{{ID: "Z2", Name: parentZone, OwningService: "vpce.amazonaws.com"}}
		},
			codes: []string{"taking-over", "private-dns-kept", "names-kept"}, kept: "Z2", subnets: 2, monthly: 14.60},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.endpoints = []endpoint.Endpoint{handMade(test.change)}
			if test.world != nil {
				test.world(w)
			}
			changes := map[string]any{"adoptEndpointId": byHand}
			maps.Copy(changes, test.changes)
			plan, err := w.planner(t, config()).Plan(t.Context(), first(request(t, changes)))
			if err != nil {
				t.Fatal(err)
			}
			if plan.Decision != connection.DecisionProceed || !plan.HandMade || plan.AdoptEndpointID != byHand || plan.SecurityGroup != nil {
				t.Errorf("%+v", plan)
			}
			var codes []string
			for _, finding := range plan.Findings {
				codes = append(codes, finding.Code)
			}
			if diff := cmp.Diff(test.codes, codes); diff != "" {
				t.Errorf("findings (-want +got)\n%s\n%+v", diff, plan.Findings)
			}
			for _, line := range test.creates {
				if !slices.Contains(plan.Creates, line) {
					t.Errorf("%q is not among %q", line, plan.Creates)
				}
			}
			if test.not != "" && slices.ContainsFunc(plan.Creates, func(line string) bool { return strings.HasPrefix(line, test.not) }) {
				t.Errorf("%s: %q", test.not, plan.Creates)
			}
			kept := ""
			if plan.DNS.Kept != nil {
				kept = plan.DNS.Kept.ZoneID
			}
			if kept != test.kept || len(plan.Network.Subnets) != test.subnets || plan.Cost.MonthlyUSD != test.monthly {
				t.Errorf("keeps %q, %d subnets, $%v", kept, len(plan.Network.Subnets), plan.Cost.MonthlyUSD)
			}
		})
	}
}

// Of a vendor with several names all must lead to the endpoint, those of an Availability Zone to its name there.
func TestKeptNamesAreWhole(t *testing.T) {
	t.Parallel()
	const zone = "4kgzg.us-east-1.aws.confluent.cloud"
	zonalName := strings.Replace(byHandName, "abcd1234", "abcd1234-us-east-1a", 1)
	all := []connection.ZoneRecord{{Name: "*." + zone, Type: "CNAME", Value: byHandName},
		{Name: "*.use1-az1." + zone, Type: "CNAME", Value: zonalName}}
	tests := map[string]struct {
		records []connection.ZoneRecord
		want    bool
	}{
		"all":                  {all, true},
		"one is missing":       {all[:1], false},
		"one leads elsewhere":  {append(slices.Clone(all[:1]), connection.ZoneRecord{Name: "*.use1-az1." + zone, Value: "db.example.com"}), false},
		"a zone's name to all": {append(slices.Clone(all[:1]), connection.ZoneRecord{Name: "*.use1-az1." + zone, Value: byHandName}), false},
		"another endpoint's": {append(slices.Clone(all[:1]),
			connection.ZoneRecord{Name: "*.use1-az1." + zone, Value: strings.ReplaceAll(zonalName, "0f", "0e")}), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &draft{adopted: handMade(nil)}
			d.plan.DNS = connection.DNSPlan{Mode: connection.ModePrivateHostedZone, Hostname: "*." + zone, Records: []connection.NameRecord{
				{Name: "*." + zone}, {Name: "*.use1-az1." + zone, AZID: "use1-az1"}}}
			d.plan.Network.Subnets = []connection.Subnet{{ID: subnetA, AZ: "us-east-1a", AZID: "use1-az1"}}
			if got := d.leadThere(test.records); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
