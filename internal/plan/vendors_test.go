package plan

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/vendor"
)

// Two vendors of other kinds, from the vendor package's test data: one with private DNS of its own and one Region, one with four
// ports.
func otherVendor(t *testing.T, w *world, id string) (*Planner, json.RawMessage) {
	t.Helper()
	catalog, err := vendor.LoadFS(os.DirFS("../vendor/testdata"))
	if err != nil {
		t.Fatal(err)
	}
	inputs := map[string]map[string]any{
		"engflow":    {"clusterName": "acme", "serviceName": mcService},
		"four-ports": {"serviceName": mcService, "host": "db.example.com"},
	}
	sources := Sources{Endpoints: w, Zones: zonesOf{w}, Parameters: w, Holders: anyHolder{}}
	planner := New(catalog, config(), sources, slog.New(slog.DiscardHandler))
	return planner, request(t, map[string]any{"vendor": id, "inputs": inputs[id]})
}

// anyHolder says that every connection is free.
type anyHolder struct{}

func (anyHolder) Holder(context.Context, string) (string, error) { return "", nil }

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
			want: []string{"vendor: the service's private DNS name acme.cluster.engflow.com is not verified; " +
				"ask the vendor to verify the domain of the service"}},
		"none": {world: func(w *world) { w.service.PrivateDNSName = "" },
			want: []string{`vendor: acme.cluster.engflow.com is not the private DNS name of the service, which is ""; ` +
				"ask the vendor to set it as the service's private DNS name"}},
		"another": {world: func(w *world) { w.service.PrivateDNSName = "*.engflow.com" },
			want: []string{`vendor: acme.cluster.engflow.com is not the private DNS name of the service, which is "*.engflow.com"; ` +
				"ask the vendor to set it as the service's private DNS name"}},
		"a zone for it": {world: func(w *world) { w.zones = []dns.Zone{{ID: "Z1", Name: name, OwningAccount: account}} },
			want: []string{"target.vpcId: vpc-0a1b2c3d4e5f60718 already has a zone acme.cluster.engflow.com (Z1 of account " +
				"111122223333) that Postern did not make for this connection; remove that zone from the VPC"}},
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
				raw = request(t, map[string]any{"vendor": "engflow",
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
			if diff := cmp.Diff(connection.DNSPlan{Mode: connection.ModeVendorPrivateDNS, Hostname: "acme.cluster.engflow.com"}, got.DNS); diff != "" {
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

func TestPlanSameRegionOnly(t *testing.T) {
	t.Parallel()
	w := newWorld()
	planner, _ := otherVendor(t, w, "engflow")
	profile, _ := planner.catalog.Find("engflow")
	d := &draft{profile: profile, request: connection.Request{Target: connection.Target{Region: "us-east-1"}}}
	d.rendered = vendor.Rendered{
		Service:       vendor.Value{Text: remoteService, Path: "inputs.serviceName", Known: true},
		ServiceRegion: vendor.Value{Text: "eu-west-1", Known: true},
	}
	d.checkRegions()
	want := connection.Faults{{Path: "inputs.serviceName",
		Problem: "EngFlow serves endpoints of its own Region only, and the VPC is in us-east-1",
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
		"target.securityGroupIds: sg-0e0000000000000e1 do not let 10.20.0.0/16 in on 8443/tcp; " + remedy("8443"),
		"target.securityGroupIds: sg-0e0000000000000e1 do not let 10.20.0.0/16 in on 9440/tcp; " + remedy("9440"),
	}
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
