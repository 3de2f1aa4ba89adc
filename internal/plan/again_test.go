package plan

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
)

// waited returns the input of the second visit: what the first visit planned, and the end of the wait.
func waited(t *testing.T, w *world) (Input, connection.Plan) {
	t.Helper()
	w.service.Visible = false
	raw := request(t, nil)
	plan, err := w.planner(t, config()).Plan(t.Context(), first(raw))
	if err != nil {
		t.Fatal(err)
	}
	if plan.Decision != connection.DecisionAllowlist {
		t.Fatalf("decision %s", plan.Decision)
	}
	state := map[string]any{}
	if err := json.Unmarshal(raw, &state); err != nil {
		t.Fatal(err)
	}
	state["plan"], state["allowlisting"] = plan, connection.GateResult{ObservedBy: connection.ObservedBySweep}
	in := first(raw)
	in.EnteredAt = in.EnteredAt.Add(48 * time.Hour)
	if in.State, err = json.Marshal(state); err != nil {
		t.Fatal(err)
	}
	w.service.Visible, w.calls = true, nil
	return in, plan
}

func TestPlanAgain(t *testing.T) {
	t.Parallel()
	w := newWorld()
	in, want := waited(t, w)
	got, err := w.planner(t, config()).Plan(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	want.Decision, want.Service = connection.DecisionProceed, w.service
	want.Findings = want.Findings[1:] // service-not-visible is no more
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Service", "Record"}, w.calls); diff != "" {
		t.Errorf("calls (-want +got)\n%s", diff)
	}
}

func TestPlanAgainEnds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		world func(*world)
		want  string // error name
		text  string
	}{
		"zones": {func(w *world) { w.service.AZIDs = []string{"use1-az1"} }, connection.InvalidRequest,
			"The request has 1 fault:\n- target.subnetIds[1]: subnet-0b10000000000000b is in use1-az2 (us-east-1b), where the " +
				"service is not " +
				"offered; write subnets in use1-az1"},
		"type": {func(w *world) { w.service.Type = "Gateway" }, connection.InvalidRequest,
			"The request has 1 fault:\n- vendor: " + mcService + " takes Gateway endpoints, not interface endpoints; " +
				"ask the vendor for the service of the product you bought"},
		"held": {func(w *world) { w.holder = "arn:other" }, connection.Conflict,
			"connection monte-carlo/agents-prod is held by execution arn:other; wait until that has ended, or end it with action cancel unless it offboards, then start again"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			in, _ := waited(t, w)
			tt.world(w)
			_, err := w.planner(t, config()).Plan(t.Context(), in)
			if err == nil || connection.NameOf(err) != tt.want || err.Error() != tt.text {
				t.Errorf("got %s: %v\nwant %s: %s", connection.NameOf(err), err, tt.want, tt.text)
			}
		})
	}
}

// The vendor took the account off its list again, or AWS is not of one mind yet: wait once more.
func TestPlanAgainNotVisible(t *testing.T) {
	t.Parallel()
	w := newWorld()
	in, want := waited(t, w)
	w.service.Visible = false
	got, err := w.planner(t, config()).Plan(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if got.Decision != connection.DecisionAllowlist || len(got.Findings) != len(want.Findings) {
		t.Errorf("got %s with %v", got.Decision, got.Findings)
	}
}
