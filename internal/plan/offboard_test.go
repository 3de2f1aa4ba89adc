package plan

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/endpoint"
)

const removeRequest = `{"schemaVersion": 1, "action": "offboard", "vendor": "monte-carlo", "name": "agents-prod"}`

func TestPlanOffboard(t *testing.T) {
	t.Parallel()
	const id, configName = "monte-carlo/agents-prod", "/postern/monte-carlo/agents-prod/config.yaml"
	ours := func(endpointID string, state connection.EndpointState) endpoint.Endpoint {
		return endpoint.Endpoint{ID: endpointID, ServiceName: "com.example", VPCID: vpcID, State: state, Tags: connection.Tags(id, "arn:e")}
	}
	zone := connection.DNS{ZoneID: "Z1", ZoneName: parentZone, ZoneCreated: true}
	published := connection.Config{Parameters: []connection.Parameter{{Name: "/p", Changed: true}}}
	ledger := connection.Ledger{
		Plan: connection.Plan{Network: connection.Network{VPCID: vpcID, Region: "us-east-1"}}, Endpoint: connection.Endpoint{ID: "vpce-1"},
		Config: published,
	}
	for name, test := range map[string]struct {
		world func(*world)
		want  connection.OffboardPlan
		vpc   string
		// service is what the vendor is told: of the ledger, or of the endpoint.
		service string
		fault   string
	}{
		"nothing was made": {world: func(*world) {}},
		"never onboarded": {world: func(w *world) {
			w.endpoints = []endpoint.Endpoint{ours("vpce-2", connection.StateRejected)}
			w.groups["sg-1"] = endpoint.SecurityGroup{ID: "sg-1", VPCID: vpcID, Tags: connection.Tags(id, "arn:e")}
		}, want: connection.OffboardPlan{EndpointIDs: []string{"vpce-2"}, SecurityGroupID: "sg-1"}, vpc: vpcID, service: "com.example"},
		"onboarded": {world: func(w *world) {
			known := ledger
			known.Plan.Service.Name = "com.example.known"
			w.ledger = &known
			w.endpoints = []endpoint.Endpoint{ours("vpce-1", connection.StateAvailable)}
			w.owned = map[string][]connection.DNS{vpcID: {zone}}
		}, want: connection.OffboardPlan{EndpointIDs: []string{"vpce-1"}, Zones: []connection.DNS{zone}, Config: published}, vpc: vpcID,
			service: "com.example.known"},
		"the endpoint is gone": {world: func(w *world) { w.ledger = &ledger },
			want: connection.OffboardPlan{EndpointIDs: []string{"vpce-1"}, Config: published}, vpc: vpcID},
		"made by hand": {world: func(w *world) {
			taken := ours("vpce-4", connection.StateAvailable)
			taken.Tags = connection.AdoptionTags(id, "arn:e")
			w.endpoints = []endpoint.Endpoint{taken}
		}, want: connection.OffboardPlan{EndpointIDs: []string{"vpce-4"}, AdoptedIDs: []string{"vpce-4"}}, vpc: vpcID, service: "com.example"},
		"made by hand, its tags are gone": {world: func(w *world) {
			adopted := ledger
			adopted.Endpoint.Adopted = true
			w.ledger = &adopted
		}, want: connection.OffboardPlan{EndpointIDs: []string{"vpce-1"}, AdoptedIDs: []string{"vpce-1"}, Config: published}, vpc: vpcID},
		"another owner's tag": {world: func(w *world) {
			theirs := ours("vpce-3", connection.StateAvailable)
			delete(theirs.Tags, connection.TagManaged)
			w.endpoints = []endpoint.Endpoint{theirs}
		}},
		"stopped while it published": {world: func(w *world) {
			w.holder, w.holderEnded, w.ranSince = "arn:other", true, time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
			w.ran = request(t, nil)
			w.made = map[string]connection.Parameter{configName: {Name: configName, Version: 2, PreviousVersion: 1, Changed: true}}
			w.endpoints = []endpoint.Endpoint{ours("vpce-1", connection.StateAvailable)}
		}, want: connection.OffboardPlan{EndpointIDs: []string{"vpce-1"}, Config: connection.Config{Parameters: []connection.Parameter{
			{Name: configName, Version: 2, PreviousVersion: 1, Changed: true}}}}, vpc: vpcID, service: "com.example"},
		"a repair was stopped while it published": {world: func(w *world) {
			w.holder, w.holderEnded, w.ranSince = "arn:other", true, time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
			w.ran = []byte(`{"schemaVersion": 1, "action": "repair", "vendor": "monte-carlo", "name": "agents-prod", "repair": {"checks": ["parameters"]}}`)
			repaired := ledger
			repaired.Plan.Outputs = []connection.Output{{Parameter: "/p"}}
			repaired.Config.Parameters = []connection.Parameter{{Name: "/p", Version: 4, PreviousVersion: 3, Changed: true}, {Name: "/q", Changed: true}}
			w.ledger, w.made = &repaired, map[string]connection.Parameter{"/p": {Name: "/p", Version: 6, PreviousVersion: 5, Changed: true}}
		}, want: connection.OffboardPlan{EndpointIDs: []string{"vpce-1"}, Config: connection.Config{Parameters: []connection.Parameter{
			{Name: "/p", Version: 6, PreviousVersion: 3, Changed: true}, {Name: "/q", Changed: true}}}}, vpc: vpcID},
		"stopped, and forgotten by AWS": {world: func(w *world) {
			w.holder, w.holderEnded, w.ledger = "arn:other", true, &ledger
		}, want: connection.OffboardPlan{EndpointIDs: []string{"vpce-1"}, Config: published}, vpc: vpcID},
		"held": {world: func(w *world) { w.holder = "arn:other" }, fault: connection.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			test.world(w)
			if test.want.EndpointIDs == nil {
				test.want.EndpointIDs = []string{}
			}
			if test.want.Zones == nil {
				test.want.Zones = []connection.DNS{}
			}
			got, err := w.planner(t, config()).Plan(t.Context(), first(json.RawMessage(removeRequest)))
			if connection.NameOf(err) != test.fault {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			test.want.To = "Monte Carlo support, at the address on https://docs.getmontecarlo.com/docs/agent-service-aws-private-link"
			if got.Service.Name != test.service {
				t.Errorf("service %q", got.Service.Name)
			}
			if diff := cmp.Diff(test.want, *got.Offboard); diff != "" || got.Decision != connection.DecisionOffboard || got.Network.VPCID != test.vpc {
				t.Errorf("%s in %q: %s", got.Decision, got.Network.VPCID, diff)
			}
		})
	}
}

func TestOffboardNeedsNamesOnly(t *testing.T) {
	t.Parallel()
	raw := `{"schemaVersion": 1, "action": "offboard", "vendor": "acme", "name": "n", "target": {"region": "us-east-1"}, "inputs": {"a": "b"}}`
	_, err := newWorld().planner(t, config()).Plan(t.Context(), first(json.RawMessage(raw)))
	want := []string{
		"target: is not used by offboard; leave it out: vendor and name say which connection",
		"inputs: are not used by offboard; leave it out: vendor and name say which connection",
	}
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Error(diff)
	}
}
