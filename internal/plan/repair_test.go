package plan

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
)

const repairRequest = `{"schemaVersion": 1, "action": "repair", "vendor": "monte-carlo", "name": "agents-prod",
	"repair": {"checks": ["record", "tags"]}, "requester": "alice"}`

// onboarded is the world after an onboarding: its ledger, and the endpoint that it made.
func onboarded(t *testing.T) *world {
	t.Helper()
	w := newWorld()
	planned, err := w.planner(t, config()).Plan(t.Context(), first(request(t, nil)))
	if err != nil {
		t.Fatal(err)
	}
	record := connection.WrittenRecord{Record: connection.Record{Name: hostname, Value: "e"}, Changed: true, Previous: &connection.Record{}}
	w.ledger = &connection.Ledger{
		Plan: planned, Execution: "arn:earlier", Endpoint: connection.Endpoint{ID: "vpce-1", Created: true},
		DNS:    connection.DNS{Mode: planned.DNS.Mode, ZoneID: "Z1", ZoneCreated: true, Records: []connection.WrittenRecord{record}},
		Config: connection.Config{Parameters: []connection.Parameter{{Name: "/p", Version: 3, PreviousVersion: 2, Changed: true}}},
	}
	w.endpoints = []endpoint.Endpoint{{ID: "vpce-9", VPCID: vpcID, State: connection.StateRejected},
		{ID: "vpce-1", VPCID: vpcID, ServiceName: mcService, State: connection.StateAvailable, Tags: connection.Tags(connID, "arn:earlier")}}
	w.apart = dns.Zone{ID: "Z1", Name: parentZone}
	w.present = map[string][]connection.Record{"Z1": {{Name: hostname, Type: connection.RecordCNAME, Value: "elsewhere.example.com", TTL: 60}}}
	w.calls = nil
	return w
}

func (w *world) repaired(t *testing.T, raw string) (connection.Plan, error) {
	t.Helper()
	return w.planner(t, config()).Plan(t.Context(), first(json.RawMessage(raw)))
}

// The plan is the ledger's. What is read anew is what a rollback would have to put back.
func TestPlanRepair(t *testing.T) {
	t.Parallel()
	w := onboarded(t)
	ledger := *w.ledger
	before, err := json.Marshal(ledger)
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.repaired(t, repairRequest)
	if err != nil {
		t.Fatal(err)
	}
	want := ledger.Plan
	want.Decision, want.AdoptEndpointID, want.Requester = connection.DecisionProceed, "vpce-1", "alice"
	want.Gates.Approval.ByConnection = false
	want.DNS.ZoneID, want.DNS.Present = "Z1", w.present["Z1"]
	want.Findings = []connection.Finding{}
	want.Creates = []string{
		"repair: record (the zone's records lead to the endpoint, with their TTL)", "repair: tags (the endpoint carries our tags)",
	}
	record := connection.WrittenRecord{Record: ledger.DNS.Records[0].Record}
	want.Repair = &connection.RepairPlan{
		Checks: []connection.DriftCheck{connection.CheckRecord, connection.CheckTags}, Endpoint: ledger.Endpoint, Execution: "arn:earlier",
		DNS:    connection.DNS{Mode: ledger.DNS.Mode, ZoneID: "Z1", Records: []connection.WrittenRecord{record}},
		Config: connection.Config{Parameters: []connection.Parameter{{Name: "/p", Version: 3}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if after, _ := json.Marshal(ledger); string(after) != string(before) {
		t.Error("the ledger was changed")
	}
	for _, call := range []string{"Service", "Parameters", "SecurityGroups", "Subnets"} {
		if slices.Contains(w.calls, call) {
			t.Errorf("read %s anew", call)
		}
	}
}

// A ticket of the repair is told, otherwise that of the connection; what the onboarding warned of is still so.
func TestPlanRepairCarriesOver(t *testing.T) {
	t.Parallel()
	w := onboarded(t)
	w.ledger.Plan.Ticket, w.ledger.Open = &connection.Ticket{System: "jira", ID: "NET-1"}, true
	got, err := w.repaired(t, repairRequest)
	if err != nil || got.Ticket.Key() != "jira:NET-1" {
		t.Errorf("ticket %v, %v", got.Ticket, err)
	}
	if got.Repair.Ticket != "jira:NET-1" {
		t.Errorf("claims for %q", got.Repair.Ticket)
	}
	in := connection.Input{State: connection.State{Plan: &got}}
	if !connection.NewLedger(in, connection.Config{}, nil).Open {
		t.Error("the next ledger does not know that the groups let anyone in from the start")
	}
	got, err = w.repaired(t, strings.Replace(repairRequest, `"requester"`, `"ticket": {"system": "jira", "id": "NET-2"}, "requester"`, 1))
	if err != nil || got.Ticket.Key() != "jira:NET-2" || got.Repair.Ticket != "jira:NET-1" {
		t.Errorf("ticket %v, claims for %q, %v", got.Ticket, got.Repair.Ticket, err)
	}
}

// A zone that answers in the VPC no more is found; one that is gone is made again.
func TestPlanRepairOfNames(t *testing.T) {
	t.Parallel()
	further := connection.Association{Name: "further", AccountID: accountID, Region: "us-east-1", VPCID: vpcID, Existing: true}
	for name, test := range map[string]struct {
		change   func(*world)
		zone     string
		existing bool
	}{
		"there, and answers":  {func(w *world) { w.zones = []dns.Zone{{ID: "Z1", Name: parentZone}} }, "Z1", true},
		"there, and does not": {func(w *world) { w.zones = []dns.Zone{{ID: "Z2", Name: parentZone}} }, "Z1", false},
		"gone":                {func(w *world) { w.apart = dns.Zone{} }, "", true},
	} {
		w := onboarded(t)
		w.ledger.Plan.DNS.Associations = []connection.Association{further}
		test.change(w)
		got, err := w.repaired(t, repairRequest)
		if err != nil || got.DNS.ZoneID != test.zone || got.DNS.Associations[0].Existing != test.existing {
			t.Errorf("%s: %+v, %v", name, got.DNS, err)
		}
		if !w.ledger.Plan.DNS.Associations[0].Existing {
			t.Errorf("%s: the ledger was changed", name)
		}
	}
	w := onboarded(t)
	w.ledger.Plan.DNS.Mode = connection.ModeVendorPrivateDNS
	if _, err := w.repaired(t, repairRequest); err != nil || slices.Contains(w.calls, "Find") {
		t.Errorf("private DNS: %q, %v", w.calls, err)
	}
}

func TestPlanRepairRefuses(t *testing.T) {
	t.Parallel()
	throttled := errors.New("throttled")
	for name, test := range map[string]struct {
		change func(*world)
		fault  string
		says   string
	}{
		"not onboarded": {func(w *world) { w.ledger = nil }, connection.InvalidRequest,
			"name: monte-carlo/agents-prod is not onboarded; onboard it: a repair makes nothing new"},
		"held": {func(w *world) { w.holder = "arn:other" }, connection.Conflict, "is held by execution arn:other"},
		"the network is registered no more": {func(w *world) { w.ledger.Plan.Network.VPCID = "vpc-0b0000000000000b0" }, connection.InvalidRequest,
			"is no longer registered; register it again"},
		"the endpoint is gone": {func(w *world) { w.endpoints = w.endpoints[:1] }, connection.InvalidRequest,
			"endpoint vpce-1 is no longer in " + vpcID + ", and a repair does not replace it; onboard the connection again"},
		"the endpoint is being deleted": {func(w *world) { w.endpoints[1].State = connection.StateDeleting }, connection.InvalidRequest,
			"a repair does not replace it"},
		"the endpoint was rejected": {func(w *world) { w.endpoints[1].State = connection.StateRejected }, connection.InvalidRequest,
			"endpoint vpce-1 is rejected, which no repair changes; ask the vendor"},
		"the endpoint waits again": {func(w *world) { w.endpoints[1].State = connection.StatePendingAcceptance }, connection.InvalidRequest,
			"which no repair changes"},
		"the endpoint is another connection's": {func(w *world) { w.endpoints[1].Tags = connection.Tags("monte-carlo/other", "arn:e") },
			connection.Conflict, "endpoint vpce-1 carries the tags of connection monte-carlo/other; use that connection, or correct the tags manually"},
		"the ledger cannot be read":    {func(w *world) { w.fail["Ledger"] = throttled }, connection.Internal, "throttled"},
		"the endpoints cannot be read": {func(w *world) { w.fail["InVPC"] = throttled }, connection.Internal, "throttled"},
		"the zone cannot be read":      {func(w *world) { w.fail["Find"] = throttled }, connection.Internal, "throttled"},
		"the records cannot be read":   {func(w *world) { w.fail["Present"] = throttled }, connection.Internal, "throttled"},
		"the holder cannot be read":    {func(w *world) { w.fail["Record"] = throttled }, connection.Internal, "throttled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onboarded(t)
			test.change(w)
			_, err := w.repaired(t, repairRequest)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("got %v", err)
			}
			if got := connection.NameOf(err); got != test.fault && !errors.Is(err, throttled) {
				t.Errorf("%s: %v", got, err)
			}
		})
	}
	for name, change := range map[string]func(*world){
		"an execution that has ended": func(w *world) { w.holder, w.holderEnded = "arn:other", true },
		"this execution":              func(w *world) { w.holder = execution },
		"a modified endpoint":         func(w *world) { w.endpoints[1].State = connection.StatePending },
		"an endpoint without tags":    func(w *world) { w.endpoints[1].Tags = nil },
	} {
		w := onboarded(t)
		change(w)
		if _, err := w.repaired(t, repairRequest); err != nil {
			t.Errorf("%s stands in the way: %v", name, err)
		}
	}
}
