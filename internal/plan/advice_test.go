package plan

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
)

// TestAdviceLeavesWhatAnotherConnectionUses: what to do about a resource of another connection depends on what the registry has of that
// connection. Only of one that is not onboarded, and that no execution holds, the advice is to remove it, by an offboarding.
func TestAdviceLeavesWhatAnotherConnectionUses(t *testing.T) {
	t.Parallel()
	resources := map[string]func(*world){
		"endpoint": func(w *world) {
			w.endpoints = []endpoint.Endpoint{foreignEndpoint(connection.StateAvailable, connection.Tags(otherID, "arn:e"))}
		},
		"zone": func(w *world) {
			w.zones, w.zonesOfOthers = []dns.Zone{{ID: "Z1", Name: parentZone, OwningAccount: accountID}}, map[string]string{"Z1": otherID}
		},
		"more specific zone": func(w *world) {
			w.zones, w.zonesOfOthers = []dns.Zone{{ID: "Z1", Name: hostname, OwningAccount: accountID}}, map[string]string{"Z1": otherID}
		},
	}
	for state, test := range map[string]struct {
		world func(*world)
		want  string
	}{
		"onboarded": {func(w *world) { w.otherLedger = &connection.Ledger{} }, "use monte-carlo/other, which is onboarded and needs it; do not delete it"},
		"in the making": {func(w *world) { w.otherHolder = "arn:other" },
			"wait until execution arn:other has ended, which holds monte-carlo/other; do not delete it"},
		"unknown": {func(*world) {}, "run action offboard for monte-carlo/other, which is not onboarded and which no execution holds; that removes it"},
	} {
		for name, resource := range resources {
			w := newWorld()
			resource(w)
			test.world(w)
			_, err := w.planner(t, config()).Plan(t.Context(), first(request(t, nil)))
			got := lines(t, err)
			if len(got) != 1 || !strings.Contains(got[0], "; "+test.want) || strings.Contains(got[0], "association") {
				t.Errorf("%s, %s: %q", name, state, got)
			}
		}
	}
}

// TestZonesOfOtherAccountsAreNotRead: AWS refuses to read a zone of another account. The plan decides about it by its owner alone,
// also when it adopts an endpoint and when it diagnoses.
func TestZonesOfOtherAccountsAreNotRead(t *testing.T) {
	t.Parallel()
	const theirs = "444455556666"
	for name, test := range map[string]struct {
		zone    string
		changes map[string]any
		fault   string
	}{
		"of the same name":            {parentZone, nil, "already has a zone"},
		"more specific":               {hostname, nil, "is more specific than"},
		"answers an adopted endpoint": {parentZone, map[string]any{"adoptEndpointId": byHand}, "already has a zone"},
		"in a diagnosis":              {parentZone, map[string]any{"action": "diagnose"}, ""},
	} {
		w := newWorld()
		w.zones = []dns.Zone{{ID: "Z1", Name: test.zone, OwningAccount: theirs}}
		w.records = map[string][]connection.ZoneRecord{"Z1": {{Name: hostname, Type: "CNAME", Value: byHandName}}}
		if test.changes["adoptEndpointId"] != nil {
			w.endpoints = []endpoint.Endpoint{handMade(nil)}
		}
		plan, err := w.planner(t, config()).Plan(t.Context(), first(request(t, test.changes)))
		if test.fault == "" {
			if err != nil || len(plan.Diagnosis.Zones) != 1 || plan.Diagnosis.Zones[0].Read {
				t.Errorf("%s: %+v, %v", name, plan.Diagnosis, err)
			}
			continue
		}
		if got := lines(t, err); len(got) != 1 || !strings.Contains(got[0], test.fault) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestEveryActionIsPlanned: each action of a request has a row.
func TestEveryActionIsPlanned(t *testing.T) {
	t.Parallel()
	rows := slices.Sorted(maps.Keys(actions))
	if all := slices.Sorted(slices.Values(connection.Actions)); !slices.Equal(rows, all) {
		t.Errorf("planned are %v, requests have %v", rows, all)
	}
}
