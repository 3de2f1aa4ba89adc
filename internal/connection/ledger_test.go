package connection

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLedgerKeepsWhatStoodThereFirst(t *testing.T) {
	t.Parallel()
	earlier := Ledger{Config: Config{Parameters: []Parameter{
		{Name: "made", Version: 1, Changed: true},
		{Name: "changed", Version: 4, PreviousVersion: 3, Changed: true},
		{Name: "theirs", Version: 7},
	}}}
	now := Config{Parameters: []Parameter{
		{Name: "made", Version: 2, PreviousVersion: 1, Changed: true},
		{Name: "changed", Version: 4},
		{Name: "theirs", Version: 7},
		{Name: "new", Version: 1, Changed: true},
	}}
	want := []Parameter{
		{Name: "made", Version: 2, Changed: true},
		{Name: "changed", Version: 4, PreviousVersion: 3, Changed: true},
		{Name: "theirs", Version: 7},
		{Name: "new", Version: 1, Changed: true},
	}
	got := NewLedger(Input{}, now, &earlier)
	if diff := cmp.Diff(want, got.Config.Parameters); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(now, NewLedger(Input{}, now, nil).Config); diff != "" {
		t.Error(diff)
	}
}

func TestLedgerLeavesTextsOut(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)
	plan := Plan{ConnectionID: "v/n", Findings: []Finding{{Code: "x"}}, Creates: []string{"x"}, ClientActions: []string{"x"},
		Gates: Gates{Approval: GatePlan{To: "x", Subject: "x", Body: "x", SLAHours: 48}}}
	got := NewLedger(Input{Execution: "arn:e", EnteredAt: at, State: State{
		Plan: &plan, Endpoint: &Endpoint{ID: "vpce-1"}, Availability: &Availability{DNSName: "n"}, DNS: &DNS{ZoneID: "Z"},
		Verification: &Proof{Verdict: Pass},
	}}, Config{}, nil)
	want := Ledger{
		SchemaVersion: SchemaVersion, At: at, Execution: "arn:e",
		Plan:     Plan{ConnectionID: "v/n", Gates: Gates{Approval: GatePlan{SLAHours: 48}}},
		Endpoint: Endpoint{ID: "vpce-1"}, Availability: Availability{DNSName: "n"}, DNS: DNS{ZoneID: "Z"},
		Verification: Proof{Verdict: Pass},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if plan.Gates.Approval.Body != "x" || len(plan.Findings) != 1 {
		t.Error("the plan itself was changed")
	}
}

func TestConfigContinues(t *testing.T) {
	t.Parallel()
	for want, config := range map[bool]Config{
		true:  {Parameters: []Parameter{{Changed: true}, {Changed: true, PreviousVersion: 2}}},
		false: {Parameters: []Parameter{{Changed: true}, {Changed: true}}},
	} {
		if got := config.Continues(); got != want {
			t.Errorf("%+v: %v", config, got)
		}
	}
	if !(Config{Parameters: []Parameter{{}}}).Continues() {
		t.Error("an unchanged parameter has an origin that this execution does not know")
	}
}
