package plan

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/catalog"
	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/store"
)

// Two vendors of other kinds: one with private DNS of its own and one Region; and, from the vendor package's test data, one with
// four ports.
func otherVendor(t *testing.T, w *world, id string) (*Planner, json.RawMessage) {
	t.Helper()
	load := catalog.Load
	if id == "four-ports" {
		load = func() (catalog.Catalog, error) { return catalog.LoadFS(os.DirFS("../catalog/testdata")) }
	}
	vendors, err := load()
	if err != nil {
		t.Fatal(err)
	}
	inputs := map[string]map[string]any{
		"engflow":    {"clusterName": "acme", "serviceName": mcService},
		"four-ports": {"serviceName": mcService, "host": "db.example.com"},
	}
	return plannerOf(w, vendors), request(t, map[string]any{"vendor": id, "inputs": inputs[id], "cutover": true})
}

func plannerOf(w *world, vendors catalog.Catalog) *Planner {
	sources := func(connection.Access) Sources {
		return Sources{Account: w, Endpoints: w, Zones: zonesOf{w}, Parameters: w}
	}
	return New(vendors, config(), anyHolder{}, sources, slog.New(slog.DiscardHandler))
}

// anyHolder says that every connection is free.
type anyHolder struct{}

func (anyHolder) Ended(context.Context, string) (bool, error) { return false, nil }

func (anyHolder) Ran(context.Context, string) ([]byte, time.Time, error) {
	return nil, time.Time{}, nil
}

func (anyHolder) Record(context.Context, string) (store.Record, error) { return store.Record{}, nil }

func (anyHolder) Ledger(context.Context, string) (*connection.Ledger, error) { return nil, nil }

func TestPlanVendorPrivateDNS(t *testing.T) {
	t.Parallel()
	const name = "acme.cluster.engflow.com"
	tests := map[string]struct {
		world func(*world)
		want  []string // faults
	}{
		"verified": {world: func(*world) {}},
		"wildcard": {world: func(w *world) { w.service.PrivateDNSName = "*.cluster.engflow.com" }},
		"of the endpoint that is adopted": {world: func(w *world) {
			e := ours("vpce-00000000000000001", connection.StateAvailable)
			e.Tags, e.PrivateDNSEnabled = connection.Tags("engflow/agents-prod", "arn:earlier"), true
			w.endpoints = []endpoint.Endpoint{e}
			w.zones = []dns.Zone{{ID: "Z1", Name: name, OwningService: "vpce.amazonaws.com"}}
		}},
		"not verified": {world: func(w *world) { w.service.PrivateDNSVerified = false },
			want: []string{"vendor: the service's private DNS name acme.cluster.engflow.com is not verified, and cannot be used " +
				"before; ask the vendor to prove the domain (the TXT record that AWS names), and start again when it is verified"}},
		"none": {world: func(w *world) { w.service.PrivateDNSName, w.service.PrivateDNSVerified = "", false },
			want: []string{"vendor: " + mcService + " has no private DNS name, so an endpoint's private DNS cannot be switched on; ask " +
				"the vendor to set acme.cluster.engflow.com as the service's private DNS name, and to verify its domain"}},
		"another": {world: func(w *world) { w.service.PrivateDNSName = "*.engflow.com" },
			want: []string{"vendor: acme.cluster.engflow.com is not the private DNS name of the service, which is *.engflow.com; write " +
				"the private name that the vendor set up, or ask the vendor to set acme.cluster.engflow.com as the service's private " +
				"DNS name"}},
		"VPC without DNS": {world: func(w *world) { w.vpcs[vpcID] = endpoint.VPC{ID: vpcID, CIDRs: []string{"10.20.0.0/16"}} },
			want: []string{"target.vpcId: enableDnsSupport is off in vpc-0a1b2c3d4e5f60718; switch it on (aws ec2 modify-vpc-attribute): " +
				"without it private names are not answered in the VPC",
				"target.vpcId: enableDnsHostnames is off in vpc-0a1b2c3d4e5f60718; switch it on (aws ec2 modify-vpc-attribute): " +
					"without it private names are not answered in the VPC"}},
		"another endpoint's": {world: func(w *world) {
			w.endpoints = []endpoint.Endpoint{rivalEndpoint(name)}
			w.zones = []dns.Zone{{ID: "Z1", Name: name, OwningService: "vpce.amazonaws.com"}}
		}, want: []string{"target.vpcId: zone acme.cluster.engflow.com is made by vpce.amazonaws.com for the private DNS of " +
			"vpce-0000000000000000f (com.amazonaws.vpce.us-east-1.vpce-svc-0ffffffffffffffff); switch private DNS of that endpoint off, " +
			"or use another VPC"}},
		"another endpoint's, not listed": {world: func(w *world) {
			w.service.PrivateDNSName = "*.cluster.engflow.com"
			w.endpoints = []endpoint.Endpoint{rivalEndpoint("*.Cluster.engflow.com.")}
		}, want: []string{"target.vpcId: the private DNS of vpce-0000000000000000f " +
			"(com.amazonaws.vpce.us-east-1.vpce-svc-0ffffffffffffffff) answers for cluster.engflow.com in this VPC already; switch " +
			"private DNS of vpce-0000000000000000f off, or use another VPC"}},
		"another endpoint's, of another name": {world: func(w *world) {
			w.endpoints = []endpoint.Endpoint{rivalEndpoint("other.cluster.engflow.com")}
		}},
		"a wider zone that Postern does not own": {world: func(w *world) {
			w.zones = []dns.Zone{{ID: "Z1", Name: "cluster.engflow.com", OwningAccount: accountID}}
		}},
		"a zone like a wildcard's": {world: func(w *world) {
			w.service.PrivateDNSName = "*.cluster.engflow.com"
			w.zones = []dns.Zone{{ID: "Z1", Name: "cluster.engflow.com", OwningAccount: accountID}}
		}, want: []string{"target.vpcId: vpc-0a1b2c3d4e5f60718 already has a zone cluster.engflow.com (Z1 of account " +
			"111122223333) that Postern did not make for this connection; find out who uses that zone, and end its association with the VPC when nothing there needs its records"}},
		"a zone below a wildcard's": {world: func(w *world) {
			w.service.PrivateDNSName = "*.cluster.engflow.com"
			w.zones = []dns.Zone{{ID: "Z1", Name: name, OwningAccount: accountID}}
		}, want: []string{"target.vpcId: zone acme.cluster.engflow.com (Z1 of account 111122223333) is more specific than " +
			"cluster.engflow.com and would answer acme.cluster.engflow.com; find out who uses that zone, and end its association with the VPC when nothing there needs its records"}},
		"a zone for it": {world: func(w *world) { w.zones = []dns.Zone{{ID: "Z1", Name: name, OwningAccount: accountID}} },
			want: []string{"target.vpcId: vpc-0a1b2c3d4e5f60718 already has a zone acme.cluster.engflow.com (Z1 of account " +
				"111122223333) that Postern did not make for this connection; find out who uses that zone, and end its association with the VPC when nothing there needs its records"}},
		"in another Region": {world: func(w *world) { w.service.Region = "eu-west-1" },
			want: []string{"inputs.serviceName: the service name is of eu-west-1, its Region is said to be us-east-1; " +
				"write the service name and its Region as the vendor gave them"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.service.PrivateDNSName, w.service.PrivateDNSVerified = "acme.cluster.engflow.com", true
			tt.world(w)
			planner, raw := otherVendor(t, w, "engflow")
			if w.service.Region != "us-east-1" {
				raw = request(t, map[string]any{"vendor": "engflow", "cutover": true,
					"inputs": map[string]any{"clusterName": "acme", "serviceName": remoteService}})
			}
			got, err := planner.Plan(t.Context(), first(raw))
			if tt.want != nil {
				if diff := cmp.Diff(tt.want, lines(t, err)); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			plan := connection.DNSPlan{Mode: connection.ModeVendorPrivateDNS, Hostname: "acme.cluster.engflow.com"}
			if diff := cmp.Diff(plan, got.DNS); diff != "" {
				t.Errorf("DNS (-want +got)\n%s", diff)
			}
			if got, want := got.Findings[len(got.Findings)-1].Code, "live-cutover"; got != want {
				t.Errorf("the last finding is %s, want %s", got, want)
			}
			if got, want := got.Cost.MonthlyUSD, 14.60; got != want {
				t.Errorf("%v USD a month, want %v: there is no hosted zone", got, want)
			}
			if diff := cmp.Diff([]string{"h2"}, got.Probe.ALPN); diff != "" {
				t.Errorf("ALPN (-want +got)\n%s", diff)
			}
		})
	}
}

// rivalEndpoint is a foreign endpoint of another service with private DNS of a name.
func rivalEndpoint(name string) endpoint.Endpoint {
	return endpoint.Endpoint{
		ID: "vpce-0000000000000000f", ServiceName: "com.amazonaws.vpce.us-east-1.vpce-svc-0ffffffffffffffff", VPCID: vpcID,
		Type: "Interface", State: connection.StateAvailable, PrivateDNSEnabled: true,
		DNSNames: []endpoint.DNSName{
			{Name: "vpce-0000000000000000f-abcd.vpce-svc-0ffffffffffffffff.us-east-1.vpce.amazonaws.com"}, {Name: name},
		},
	}
}

// A name that is the public one moves live traffic: that has to be said, unless the request only asks for the plan.
func TestPlanCutover(t *testing.T) {
	t.Parallel()
	fault := "cutover: the private name acme.cluster.engflow.com equals the public one, so switching private DNS on moves every client " +
		"in vpc-0a1b2c3d4e5f60718 at once; write \"cutover\": true when they may move now, or use action plan to see all that would " +
		"happen; a private name of its own, in inputs.privateEndpoint, moves no client"
	const custom = "private.acme.cluster.engflow.com"
	tests := map[string]struct {
		changes map[string]any
		faults  []string
		finding bool
	}{
		"said":               {map[string]any{"cutover": true}, nil, true},
		"not said":           {map[string]any{"cutover": nil}, []string{fault}, false},
		"denied":             {map[string]any{"cutover": false}, []string{fault}, false},
		"plan only":          {map[string]any{"cutover": nil, "action": "plan"}, nil, true},
		"a name of its own":  {map[string]any{"cutover": nil, "inputs.privateEndpoint": custom}, nil, false},
		"said for no reason": {map[string]any{"cutover": true, "inputs.privateEndpoint": custom}, nil, false},
	}
	for name, test := range tests {
		w := newWorld()
		w.service.PrivateDNSName, w.service.PrivateDNSVerified = "acme.cluster.engflow.com", true
		if test.changes["inputs.privateEndpoint"] != nil {
			w.service.PrivateDNSName = custom
		}
		planner, _ := otherVendor(t, w, "engflow")
		changes := map[string]any{"vendor": "engflow", "inputs": map[string]any{"clusterName": "acme", "serviceName": mcService}}
		base := request(t, changes)
		for path, value := range test.changes {
			base = changed(t, base, path, value)
		}
		got, err := planner.Plan(t.Context(), first(base))
		if diff := cmp.Diff(test.faults, linesOf(t, err)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		finding := slices.ContainsFunc(got.Findings, func(f connection.Finding) bool { return f.Code == "live-cutover" })
		if finding != test.finding {
			t.Errorf("%s: finding %t, want %t", name, finding, test.finding)
		}
	}
	// No client uses Monte Carlo's name yet.
	w := newWorld()
	if _, err := w.planner(t, config()).Plan(t.Context(), first(request(t, nil))); err != nil {
		t.Error(err)
	}
}

// linesOf is lines, or nil without an error.
func linesOf(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	return lines(t, err)
}

// changed is a request with one more change.
func changed(t *testing.T, raw json.RawMessage, path string, value any) json.RawMessage {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	object := document
	if outer, inner, nested := strings.Cut(path, "."); nested {
		object, path = document[outer].(map[string]any), inner
	}
	if object[path] = value; value == nil {
		delete(object, path)
	}
	raw, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Confluent's records name zones by id, and a cross-Region endpoint has no names of zones.
func TestPlanSeveralRecords(t *testing.T) {
	t.Parallel()
	const domain = "4kgzg.us-east-1.aws.confluent.cloud"
	record := func(name, azID string) connection.NameRecord {
		return connection.NameRecord{Name: name, Type: connection.RecordCNAME, TTL: 60, AZID: azID}
	}
	confluent := func(w *world) {
		inbound(tcp(443, 443, "10.20.0.0/16"), tcp(9092, 9092, "10.20.0.0/16"))(w)
		w.service.AcceptanceRequired = false
	}
	faultOf := func(zone string) string {
		return "target.vpcId: zone " + zone + " (Z1 of account 111122223333) is more specific than " + domain + " and would answer "
	}
	tests := map[string]struct {
		world func(*world)
		want  []string
	}{
		"free":          {world: func(*world) {}},
		"zones' cousin": {world: func(w *world) { w.zones = []dns.Zone{{ID: "Z1", Name: "use1-az6." + domain, OwningAccount: accountID}} }},
		"a zonal name's zone": {
			world: func(w *world) { w.zones = []dns.Zone{{ID: "Z1", Name: "use1-az2." + domain, OwningAccount: accountID}} },
			want:  []string{faultOf("use1-az2."+domain) + "*.use1-az2." + domain + "; find out who uses that zone, and end its association with the VPC when nothing there needs its records"},
		},
		"the bootstrap server's zone": {
			world: func(w *world) {
				w.zones = []dns.Zone{{ID: "Z1", Name: "lkc-abc123." + domain, OwningAccount: accountID}}
			},
			want: []string{faultOf("lkc-abc123."+domain) + "lkc-abc123." + domain + "; find out who uses that zone, and end its association with the VPC when nothing there needs its records"},
		},
		"adopted with other subnets": {
			world: func(w *world) {
				e := ours("vpce-00000000000000001", connection.StateAvailable)
				e.Tags, e.SubnetIDs = connection.Tags("confluent-cloud/agents-prod", "arn:earlier"), []string{subnetA}
				w.endpoints = []endpoint.Endpoint{e}
			},
			want: []string{"target.subnetIds: vpce-00000000000000001, which is used again, has other subnets, and this vendor's records " +
				"name each Availability Zone; write " + subnetA + ", or change the endpoint's subnets first"},
		},
	}
	for name, test := range tests {
		w := newWorld()
		confluent(w)
		test.world(w)
		vendors, err := catalog.Load()
		if err != nil {
			t.Fatal(err)
		}
		raw := request(t, map[string]any{"vendor": "confluent-cloud", "inputs": map[string]any{
			"bootstrapHost": "lkc-abc123." + domain, "dnsDomain": domain, "networkId": "n-1", "serviceName": mcService,
		}})
		got, err := plannerOf(w, vendors).Plan(t.Context(), first(raw))
		if diff := cmp.Diff(test.want, linesOf(t, err)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		if err != nil {
			continue
		}
		records := []connection.NameRecord{
			record("*."+domain, ""), record("*.use1-az1."+domain, "use1-az1"), record("*.use1-az2."+domain, "use1-az2"),
		}
		if diff := cmp.Diff(records, got.DNS.Records); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		for _, line := range []string{"CNAME record *." + domain + " to the endpoint's name",
			"CNAME record *.use1-az2." + domain + " to the endpoint's name in use1-az2"} {
			if !slices.Contains(got.Creates, line) {
				t.Errorf("%s: the plan does not say %q: %q", name, line, got.Creates)
			}
		}
	}
}

// Across Regions: the service's Region is asked for, subnets of any zone are taken, and names of zones are left out.
func TestPlanSeveralRecordsAcrossRegions(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.service.Name, w.service.Region, w.service.AZIDs = remoteService, "eu-west-1", nil
	vendors, err := catalog.LoadFS(os.DirFS("../catalog/testdata"))
	if err != nil {
		t.Fatal(err)
	}
	planner := plannerOf(w, vendors)
	profile, _ := planner.vendors.Find("four-ports")
	profile.DNS.ZoneScope = catalog.ZoneScope{}
	inbound(tcp(80, 9440, "10.20.0.0/16"))(w)
	d := planner.newDraft(request(t, map[string]any{"vendor": "four-ports",
		"inputs": map[string]any{"serviceName": remoteService, "serviceRegion": "eu-west-1", "host": "db.example.com"}}))
	d.rendered.DNS.Records = []connection.NameRecord{{Name: "*.example.com", Type: connection.RecordCNAME, TTL: 60}}
	d.rendered.Zonal = []connection.NameRecord{{Name: "*.${azId}.example.com", Type: connection.RecordCNAME, TTL: 60}}
	if err := planner.in(d.plan.Network).look(t.Context(), d); err != nil || len(d.faults) > 0 {
		t.Fatal(err, d.faults)
	}
	if diff := cmp.Diff(d.rendered.DNS.Records, d.plan.DNS.Records); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !slices.ContainsFunc(d.plan.Findings, func(f connection.Finding) bool { return f.Code == "no-zonal-names" }) {
		t.Errorf("findings %+v", d.plan.Findings)
	}
}

// A seventh vendor is a file: no line of Go knows it, and the plan makes its endpoint, its names and its outputs.
func TestPlanOfAVendorAddedByFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../catalog/profiles")); err != nil {
		t.Fatal(err)
	}
	profiles := filepath.Join(t.TempDir(), "catalog")
	if err := os.Mkdir(profiles, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, filepath.Join(profiles, "profiles")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profiles, "profiles", "seventh.yaml"), []byte(seventh), 0o644); err != nil {
		t.Fatal(err)
	}
	vendors, err := catalog.LoadFS(os.DirFS(profiles))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(vendors.IDs()); n != 7 {
		t.Errorf("%d vendors, want 7", n)
	}
	w := newWorld()
	inbound(tcp(443, 443, "10.20.0.0/16"), tcp(7000, 7000, "10.20.0.0/16"))(w)
	raw := request(t, map[string]any{"vendor": "seventh", "inputs": map[string]any{"serviceName": mcService, "tenants": "one, two"}})
	got, err := plannerOf(w, vendors).Plan(t.Context(), first(raw))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, record := range got.DNS.Records {
		names = append(names, record.Type+" "+record.Name+" "+record.AZID)
	}
	want := []string{"ALIAS seventh.example ", "CNAME one.seventh.example ", "CNAME two.seventh.example ",
		"CNAME use1-az1.seventh.example use1-az1", "CNAME use1-az2.seventh.example use1-az2"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]int{443, 7000}, got.Probe.Ports); diff != "" {
		t.Errorf("ports (-want +got)\n%s", diff)
	}
	if got.Outputs[0].Parameter != "/postern/seventh/agents-prod/host" || got.Outputs[0].Value != "seventh.example" {
		t.Errorf("output %+v", got.Outputs[0])
	}
}

const seventh = `
id: seventh
displayName: The Seventh
version: 1.0.0
verifiedAt: 2026-11-21
sources: [https://example.com/privatelink]
inputs:
  - {name: serviceName, required: true, pattern: '^com\.amazonaws\.vpce\..+$', help: write the service name}
  - {name: tenants, required: true, list: true, pattern: '^[a-z]+$', help: write the tenants}
regions: {mode: sameRegionOnly}
service: {name: '${serviceName}', region: '${region}'}
ports: [{number: 443, tls: true}, {number: 7000, tls: false}]
acceptance: auto
az: {minZones: 2}
dns:
  mode: privateHostedZone
  hostname: seventh.example
  zone: seventh.example
  records:
    - {name: seventh.example, type: ALIAS, target: regional}
    - {name: '${item}.seventh.example', type: CNAME, target: regional, each: tenants}
    - {name: '${azId}.seventh.example', type: CNAME, target: zonal}
  ttl: 30
  sharedWithPublic: false
gates:
  allowlist: {kind: portal, to: us, subject: Account, body: '${awsAccountId}', timeoutDays: 1}
  approval: {to: them, subject: Endpoint, body: '${vpcEndpointId}', timeoutDays: 1}
outputs:
  - {key: host, format: text, value: seventh.example}
`

func TestPlanSameRegionOnly(t *testing.T) {
	t.Parallel()
	w := newWorld()
	planner, _ := otherVendor(t, w, "engflow")
	profile, _ := planner.vendors.Find("engflow")
	d := &draft{profile: profile, request: connection.Request{Target: connection.Target{Region: "us-east-1"}}}
	d.rendered = catalog.Rendered{
		Service:       catalog.Value{Text: remoteService, Path: "inputs.serviceName", Known: true},
		ServiceRegion: catalog.Value{Text: "eu-west-1", Known: true},
	}
	d.checkRegions()
	want := connection.Faults{{Path: "inputs.serviceName",
		Problem: "EngFlow Remote Execution serves endpoints of its own Region only, and the VPC is in us-east-1",
		Remedy:  "use a VPC in eu-west-1, or ask the vendor for a service in us-east-1"}}
	if diff := cmp.Diff(want, d.faults); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPlanChecksEveryPort(t *testing.T) {
	t.Parallel()
	w := newWorld()
	inbound(tcp(443, 443, "10.20.0.0/16"), tcp(8443, 9000, "10.20.0.0/17"), tcp(80, 80, "10.0.0.0/8"))(w)
	planner, raw := otherVendor(t, w, "four-ports")
	_, err := planner.Plan(t.Context(), first(raw))
	remedy := func(port string) string {
		return "add an inbound rule for TCP " + port + " from 10.20.0.0/16 to one of them; an outbound rule, which a vendor's " +
			"page may ask for, does not help: the clients connect to the endpoint"
	}
	want := []string{
		"target.securityGroupIds: sg-0e0000000000000e1 do not allow 10.20.0.0/16 on 8443/tcp; " + remedy("8443"),
		"target.securityGroupIds: sg-0e0000000000000e1 do not allow 10.20.0.0/16 on 9440/tcp; " + remedy("9440"),
	}
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
