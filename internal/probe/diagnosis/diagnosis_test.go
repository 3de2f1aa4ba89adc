package diagnosis

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
)

const (
	host     = "artemis.privatelink.getmontecarlo.com"
	domain   = "privatelink.getmontecarlo.com"
	regional = "vpce-1-abcd.vpce-svc-1.us-east-1.vpce.amazonaws.com"
	zonalA   = "vpce-1-abcd-us-east-1a.vpce-svc-1.us-east-1.vpce.amazonaws.com"
	oneA     = "10.20.1.10:443"
	oneB     = "10.20.2.10:443"
)

var at = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// patient is a connection and what the probe saw of it.
type patient struct {
	plan  connection.Plan
	facts *connection.Facts
	seen  []connection.Check
}

// healthy is a connection that works.
func healthy() *patient {
	facts := &connection.Facts{
		DNSSupport: true, DNSHostnames: true,
		Endpoint: &connection.EndpointFacts{
			ID: "vpce-1", Ours: true, State: connection.StateAvailable, Names: []string{regional, zonalA},
			Interfaces: []connection.NetworkInterface{{AZ: "us-east-1a", IP: "10.20.1.10"}, {AZ: "us-east-1b", IP: "10.20.2.10"}},
		},
		Zones: []connection.ZoneFacts{{
			ID: "Z1", Name: domain, Owner: "111122223333", Ours: true, Read: true,
			Records: []connection.ZoneRecord{{Name: host, Type: "CNAME", Value: regional}},
		}},
		Filters: []connection.Check{{Kind: "security-group", Verdict: connection.Pass}, {Kind: "network-acl", Verdict: connection.Pass}},
	}
	return &patient{facts: facts, plan: connection.Plan{
		ConnectionID: "monte-carlo/agents", Diagnosis: facts,
		Network: connection.Network{VPCID: "vpc-1", AccountID: "111122223333", Subnets: []connection.Subnet{
			{AZ: "us-east-1a", AZID: "use1-az1"}, {AZ: "us-east-1b", AZID: "use1-az2"},
		}},
		Service: connection.Service{Name: "svc", Region: "us-east-1", Visible: true},
		DNS: connection.DNSPlan{Mode: connection.ModePrivateHostedZone, Hostname: host, Zone: domain,
			Records: []connection.NameRecord{{Name: host, Type: connection.RecordCNAME}}},
	}, seen: []connection.Check{
		{Kind: KindDNS, Target: host, Verdict: connection.Pass},
		{Kind: KindTCP, Target: oneA, Verdict: connection.Pass}, {Kind: KindTCP, Target: oneB, Verdict: connection.Pass},
		{Kind: KindTLS, Target: oneA, Verdict: connection.Pass}, {Kind: KindTLS, Target: oneB, Verdict: connection.Pass},
		{Kind: KindALPN, Target: oneA, Verdict: connection.Pass},
	}}
}

// fails makes the probe's checks of a kind, and of a target when there is one, fail with a symptom.
func (p *patient) fails(kind, target, symptom string) {
	for i, check := range p.seen {
		if check.Kind == kind && (target == "" || check.Target == target) {
			p.seen[i].Verdict, p.seen[i].Cause, p.seen[i].Detail = connection.Fail, symptom, "it failed"
		}
	}
}

// silent makes nothing answer.
func (p *patient) silent() {
	p.fails(KindTCP, "", SymptomTimeout)
	for i, check := range p.seen {
		if check.Kind == KindTLS || check.Kind == KindALPN {
			p.seen[i].Verdict = connection.Unknown
		}
	}
}

func TestCauses(t *testing.T) {
	t.Parallel()
	unresolved := func(p *patient) { p.fails(KindDNS, "", SymptomNXDomain) }
	for name, test := range map[string]struct {
		change  func(*patient)
		want    string
		because string
	}{
		"all well":              {func(*patient) {}, AllWell, ""},
		"nothing is visible":    {func(p *patient) { p.plan.Service.Visible, p.facts.Endpoint = false, nil }, ServiceNotVisible, "svc in us-east-1"},
		"only a dead endpoint":  {func(p *patient) { p.plan.Service.Visible, p.facts.Endpoint.State = false, "rejected" }, ServiceNotVisible, ""},
		"hidden, but it works":  {func(p *patient) { p.plan.Service.Visible = false }, ServiceWithdrawn, ""},
		"hidden, and broken":    {func(p *patient) { p.plan.Service.Visible = false; p.silent() }, NoAnswer, ""},
		"no endpoint":           {func(p *patient) { p.facts.Endpoint, p.seen = nil, nil }, NoEndpoint, "monte-carlo/agents"},
		"waiting":               {func(p *patient) { p.facts.Endpoint.State = connection.StatePendingAcceptance; p.silent() }, EndpointNotAccepted, "vpce-1"},
		"failed":                {func(p *patient) { p.facts.Endpoint.State, p.facts.Endpoint.Reason = "failed", "no room" }, EndpointFailed, "no room"},
		"pending and silent":    {func(p *patient) { p.facts.Endpoint.State = connection.StatePending; p.silent() }, EndpointPending, ""},
		"pending and answering": {func(p *patient) { p.facts.Endpoint.State = connection.StatePending }, AllWell, ""},
		"a new word":            {func(p *patient) { p.facts.Endpoint.State = connection.StateUnknown; p.seen = p.seen[:1] }, Inconclusive, ""},
		"DNS attribute":         {func(p *patient) { p.facts.DNSHostnames = false; unresolved(p) }, VPCDNSOff, "enableDnsHostnames off in vpc-1"},
		"both DNS attributes": {func(p *patient) { p.facts.DNSSupport, p.facts.DNSHostnames = false, false; unresolved(p) }, VPCDNSOff,
			"enableDnsSupport and enableDnsHostnames"},
		"DNS attribute, but another resolver answers": {func(p *patient) { p.facts.DNSHostnames = false }, Inconclusive, ""},
		"no zone":          {func(p *patient) { p.facts.Zones = nil; unresolved(p) }, ZoneMissing, domain},
		"a zone elsewhere": {func(p *patient) { p.facts.Apart, p.facts.Zones = &p.facts.Zones[0], nil; unresolved(p) }, ZoneNotAssociated, "(Z1)"},
		"no zone, but a wider one": {func(p *patient) {
			p.facts.Zones[0].Name, p.facts.Zones[0].Ours = "getmontecarlo.com", false
			unresolved(p)
		},
			ZoneMissing, domain},
		"no zone, but the name resolves": {func(p *patient) { p.facts.Zones = nil }, AllWell, ""},
		"a manual zone":                  {func(p *patient) { p.facts.Zones[0].Ours = false; unresolved(p) }, ZoneForeign, "zone " + domain + " (Z1 of account"},
		"a manual zone that points to the endpoint": {func(p *patient) {
			p.facts.Zones[0].Ours = false
			p.plan.DNS.Kept = &connection.KeptDNS{ZoneID: "Z1", ZoneName: domain}
			unresolved(p)
		}, NameUnresolved, "artemis"},
		"a more specific zone": {func(p *patient) {
			p.facts.Zones = append([]connection.ZoneFacts{{ID: "Z2", Name: host, Owner: "vpce.amazonaws.com"}}, p.facts.Zones...)
			unresolved(p)
		}, ZoneShadowed, "(Z2 of vpce.amazonaws.com)"},
		"another zone of a longer name": {func(p *patient) {
			p.facts.Zones = append([]connection.ZoneFacts{{ID: "Z2", Name: "x" + host}}, p.facts.Zones...)
			unresolved(p)
		}, NameUnresolved, "artemis"},
		"no record":                         {func(p *patient) { p.facts.Zones[0].Records = nil; unresolved(p) }, RecordMissing, host + " in zone"},
		"a record of another name":          {func(p *patient) { p.facts.Zones[0].Records[0].Name = "x." + domain; unresolved(p) }, RecordMissing, ""},
		"a record of an endpoint that went": {func(p *patient) { p.facts.Zones[0].Records[0].Value = "vpce-0." + domain; unresolved(p) }, RecordElsewhere, "CNAME vpce-0"},
		"a record of the wrong zone": {func(p *patient) {
			p.plan.DNS.Records = []connection.NameRecord{{Name: host, Type: "CNAME", AZID: "use1-az2"}}
			p.facts.Zones[0].Records[0].Value = zonalA
			p.fails(KindDNS, "", SymptomElsewhere)
		}, RecordElsewhere, zonalA},
		"a record of the right zone": {func(p *patient) {
			p.plan.DNS.Records = []connection.NameRecord{{Name: host, Type: "CNAME", AZID: "use1-az1"}}
			p.facts.Zones[0].Records[0].Value = zonalA
			p.fails(KindDNS, "", SymptomElsewhere)
		}, NameElsewhere, ""},
		"all is right, but NXDOMAIN":  {unresolved, NameUnresolved, host},
		"a load balancer":             {func(p *patient) { p.fails(KindDNS, "", SymptomLoadBalancer) }, LoadBalancer, host},
		"another network's addresses": {func(p *patient) { p.fails(KindDNS, "", SymptomElsewhere) }, NameElsewhere, host},
		"no address":                  {func(p *patient) { p.fails(KindDNS, "", SymptomNoAddress) }, NameUnresolved, host},
		"no answer of the resolver":   {func(p *patient) { p.seen[0].Verdict = connection.Unknown }, Inconclusive, ""},
		"private DNS": {func(p *patient) {
			p.plan.DNS.Mode, p.facts.Zones = connection.ModeVendorPrivateDNS, nil
			p.fails(KindDNS, "", SymptomLoadBalancer)
		}, PrivateDNSOff, "vpce-1"},
		"private DNS, and a zone": {func(p *patient) {
			p.plan.DNS.Mode = connection.ModeVendorPrivateDNS
			unresolved(p)
		}, PrivateDNSConflict, "Z1"},
		"private DNS on, and a manual zone": {func(p *patient) {
			p.plan.DNS.Mode, p.facts.Endpoint.PrivateDNSEnabled = connection.ModeVendorPrivateDNS, true
			unresolved(p)
		}, ZoneShadowed, "Z1"},
		"private DNS on, and its own zone": {func(p *patient) {
			p.plan.DNS.Mode, p.facts.Endpoint.PrivateDNSEnabled = connection.ModeVendorPrivateDNS, true
			p.facts.Zones[0].Owner = "vpce.amazonaws.com"
			unresolved(p)
		}, NameUnresolved, ""},
		"no DNS of ours": {func(p *patient) { p.plan.DNS.Mode = connection.ModeNone; unresolved(p) }, NameUnresolved, ""},
		"DNS comes before filters": {func(p *patient) {
			p.facts.Filters[0].Verdict = connection.Fail
			p.facts.Zones = nil
			unresolved(p)
			p.silent()
		}, ZoneMissing, ""},
		"security group":       {func(p *patient) { p.facts.Filters[0].Verdict = connection.Fail; p.silent() }, SecurityGroup, ""},
		"network ACL":          {func(p *patient) { p.facts.Filters[1].Verdict = connection.Fail; p.fails(KindTCP, oneB, SymptomTimeout) }, NetworkACL, ""},
		"a filter not known":   {func(p *patient) { p.facts.Filters[0].Verdict = connection.Unknown; p.silent() }, NoAnswer, ""},
		"one zone":             {func(p *patient) { p.fails(KindTCP, oneB, SymptomTimeout) }, ZoneDown, oneB + ": in us-east-1b, it failed"},
		"one zone unreachable": {func(p *patient) { p.fails(KindTCP, oneB, SymptomUnreachable) }, ZoneDown, ""},
		"silence":              {(*patient).silent, NoAnswer, oneA + ": in us-east-1a"},
		"refused":              {func(p *patient) { p.fails(KindTCP, "", SymptomRefused) }, PortClosed, ""},
		"reset in TLS":         {func(p *patient) { p.fails(KindTLS, "", SymptomReset) }, VendorReset, ""},
		"silence in TLS":       {func(p *patient) { p.fails(KindTLS, "", SymptomTimeout) }, TLSFailed, ""},
		"certificate":          {func(p *patient) { p.fails(KindTLS, oneB, SymptomName) }, CertificateName, oneB},
		"protocol":             {func(p *patient) { p.fails(KindALPN, "", SymptomProtocol) }, ALPN, ""},
		"nothing was dialled":  {func(p *patient) { p.seen = p.seen[:1] }, Inconclusive, ""},
		"nothing was seen":     {func(p *patient) { p.seen = nil }, Inconclusive, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := healthy()
			test.change(p)
			got := Of(p.plan, at, p.seen)
			if got.Cause != test.want || !strings.Contains(got.Sentence, test.because) || !got.At.Equal(at) {
				t.Errorf("got %s: %s\nwant %s with %q\n%+v", got.Cause, got.Sentence, test.want, test.because, got.Evidence)
			}
			if strings.ContainsAny(got.Next+got.Sentence, "{}") || strings.HasSuffix(got.Sentence, "..") {
				t.Errorf("%s %s", got.Sentence, got.Next)
			}
		})
	}
}

// A plan of another release has no facts: nothing is claimed to be well.
func TestWithoutFacts(t *testing.T) {
	t.Parallel()
	if got := Of(connection.Plan{}, at, nil); got.Cause == AllWell {
		t.Errorf("got %+v", got)
	}
}

func TestEvidenceKeepsWhatWasNotRun(t *testing.T) {
	t.Parallel()
	p := healthy()
	p.silent()
	for _, check := range Of(p.plan, at, p.seen).Evidence {
		if check.Kind == KindTLS && (check.Verdict != connection.Unknown || check.Cause != "") {
			t.Errorf("TLS was not run, but is %+v", check)
		}
	}
}

// Every cause is in the table of docs/operate.md, in the order in which they are looked for.
func TestPageListsTheCauses(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "\n### Causes\n")
	rest, _, _ = strings.Cut(rest, "\n##")
	var want, got []string
	for _, line := range strings.Split(rest, "\n") {
		if strings.HasPrefix(line, "| ") {
			for _, code := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(line, -1) {
				got = append(got, code[1])
			}
		}
	}
	for _, cause := range Causes {
		want = append(want, cause.Code)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/operate.md (-causes +page):\n%s", diff)
	}
}
