package plan

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/endpoint"
)

// early are the changes to the sample request before the vendor gave the service.
func early(more map[string]any) map[string]any {
	changes := map[string]any{"inputs.serviceName": nil, "inputs.serviceRegion": nil}
	for path, value := range more {
		changes[path] = value
	}
	return changes
}

// An input that arrives with the allow-listing may be left out: nothing of the service is looked at, everything else is.
func TestPlanBeforeAllowListing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		changes map[string]any
		want    connection.Decision
		awaited string
	}{
		"onboard":             {changes: early(nil), want: connection.DecisionAllowlist, awaited: "serviceName, serviceRegion"},
		"plan":                {changes: early(map[string]any{"action": "plan"}), want: connection.DecisionPlanned, awaited: "serviceName, serviceRegion"},
		"the Region only":     {changes: map[string]any{"inputs.serviceRegion": nil}, want: connection.DecisionAllowlist, awaited: "serviceRegion"},
		"the name only, else": {changes: map[string]any{"inputs.serviceName": nil}, want: connection.DecisionAllowlist, awaited: "serviceName"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			got, err := w.planner(t, config()).Plan(t.Context(), first(request(t, tt.changes)))
			if err != nil {
				t.Fatal(err)
			}
			if got.Decision != tt.want || got.Service.Name != "" || got.Service.Region != "" {
				t.Errorf("decision %s with service %+v", got.Decision, got.Service)
			}
			if slices.Contains(w.calls, "Service") || !slices.Contains(w.calls, "Subnets") {
				t.Errorf("calls %v", w.calls)
			}
			first := got.Findings[0]
			if first.Code != connection.FindingAwaited || !strings.Contains(first.Message, "gives "+tt.awaited+" with") {
				t.Errorf("findings %+v", got.Findings)
			}
			if !strings.HasPrefix(got.Creates[0], "interface endpoint to the vendor's service in ") {
				t.Errorf("creates %q", got.Creates)
			}
		})
	}
}

func TestPlanBeforeAllowListingRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.endpoints = []endpoint.Endpoint{ours("vpce-00000000000000001", connection.StateAvailable)}
	_, err := w.planner(t, config()).Plan(t.Context(), first(request(t, early(nil))))
	want := []string{
		"inputs.serviceName: vpce-00000000000000001 of this connection reaches " + mcService +
			", so the service is known by now; write what the vendor gave for it",
		"inputs.serviceRegion: vpce-00000000000000001 of this connection reaches " + mcService +
			", so the service is known by now; write what the vendor gave for it",
	}
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	_, err = newWorld().planner(t, config()).Plan(t.Context(), first(request(t, early(map[string]any{"action": "diagnose"}))))
	if got := lines(t, err); len(got) != 2 || !strings.HasPrefix(got[0], "inputs.serviceName: missing") {
		t.Errorf("a diagnosis without the service: %q", got)
	}
}

// What the vendor gave is planned with, together with what was known; until all is there the wait goes on.
func TestPlanWithInputs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		given map[string]string
		want  connection.Decision
		fault string
	}{
		"all":           {given: map[string]string{"serviceName": mcService, "serviceRegion": "us-east-1"}, want: connection.DecisionProceed},
		"the name only": {given: map[string]string{"serviceName": mcService}, want: connection.DecisionAllowlist},
		"a service that is not visible": {given: map[string]string{"serviceName": strings.Replace(mcService, "def0", "def1", 1),
			"serviceRegion": "us-east-1"}, want: connection.DecisionAllowlist},
		"another name for the zone": {given: map[string]string{"serviceName": mcService, "serviceRegion": "us-east-1",
			"privateHostname": "apollo.privatelink.getmontecarlo.com"}, want: connection.DecisionProceed},
		"a contradiction": {given: map[string]string{"serviceName": mcService, "serviceRegion": "eu-west-1"}, fault: "inputs.serviceRegion: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			raw := request(t, early(nil))
			plan, err := w.planner(t, config()).Plan(t.Context(), first(raw))
			if err != nil {
				t.Fatal(err)
			}
			in := first(raw)
			in.State, err = json.Marshal(connection.State{Plan: &plan, Allowlisting: &connection.GateResult{
				ObservedBy: connection.ObservedByOperator, Inputs: tt.given,
			}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := w.planner(t, config()).Plan(t.Context(), in)
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) || connection.NameOf(err) != connection.InvalidRequest {
					t.Fatalf("got %v", err)
				}
				return
			}
			if err != nil || got.Decision != tt.want {
				t.Fatalf("decision %s, %v", got.Decision, err)
			}
			if tt.want == connection.DecisionProceed && (got.Service.Name != mcService || got.Inputs["vendorAccountId"] == "") {
				t.Errorf("planned %+v with %v", got.Service, got.Inputs)
			}
			if hostname := tt.given["privateHostname"]; hostname != "" && got.DNS.Hostname != hostname {
				t.Errorf("hostname %s", got.DNS.Hostname)
			}
		})
	}
}

// The operator's acknowledgement is checked as far as the profile allows, so that the waiting execution does not fail on its faults later.
func TestAcknowledge(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		changes map[string]any
		want    connection.Decision
		faults  []string
	}{
		"approve":                   {want: connection.DecisionApprove},
		"cancel":                    {changes: map[string]any{"action": "cancel"}, want: connection.DecisionCancel},
		"cancel, vendor unknown":    {changes: map[string]any{"action": "cancel", "vendor": "acme"}, want: connection.DecisionCancel},
		"approve with inputs":       {changes: map[string]any{"inputs": map[string]any{"serviceName": mcService, "serviceRegion": "us-east-1"}}, want: connection.DecisionApprove},
		"approve with one of them":  {changes: map[string]any{"inputs": map[string]any{"serviceName": remoteService}}, want: connection.DecisionApprove},
		"no private service's name": {changes: map[string]any{"inputs": map[string]any{"serviceName": "svc-1"}}, faults: []string{"inputs.serviceName: "}},
		"no such input":             {changes: map[string]any{"inputs": map[string]any{"tenant": "x"}}, faults: []string{"inputs.tenant: "}},
		"too long": {changes: map[string]any{"inputs": map[string]any{"privateHostname": strings.Repeat("a.", 130) + "privatelink.getmontecarlo.com"}},
			faults: []string{"inputs.privateHostname: "}},
		"contradicting each other": {changes: map[string]any{"inputs": map[string]any{"serviceName": remoteService, "serviceRegion": "us-east-1"}},
			faults: []string{"inputs.serviceRegion: "}},
		"inputs for a vendor that is unknown": {changes: map[string]any{"vendor": "acme", "inputs": map[string]any{"x": "y"}}, faults: []string{"vendor: "}},
		"cancel with inputs":                  {changes: map[string]any{"action": "cancel", "inputs": map[string]any{"x": "y"}}, faults: []string{"inputs: "}},
		"a target":                            {changes: map[string]any{"target": map[string]any{"region": "us-east-1"}}, faults: []string{"target: "}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			changes := map[string]any{"action": "approve", "target": nil, "inputs": nil}
			for path, value := range tt.changes {
				changes[path] = value
			}
			got, err := w.planner(t, config()).Plan(t.Context(), first(request(t, changes)))
			if len(w.calls) > 0 {
				t.Errorf("AWS was asked: %v", w.calls)
			}
			if tt.faults == nil {
				if err != nil || got.Decision != tt.want || got.Findings == nil || got.Creates == nil {
					t.Errorf("got %+v, %v", got, err)
				}
				return
			}
			faults := lines(t, err)
			if len(faults) != len(tt.faults) {
				t.Fatalf("got %q, want %q", faults, tt.faults)
			}
			for i, fault := range faults {
				if !strings.HasPrefix(fault, tt.faults[i]) {
					t.Errorf("got %q, want %q", fault, tt.faults[i])
				}
			}
		})
	}
}
