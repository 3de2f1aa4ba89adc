package rollback

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/remove"
	"postern/internal/store"
)

const cutoverExecution = "arn:aws:states:us-east-1:111122223333:execution:postern:run-1"

// oneEndpoint is an EC2 with one endpoint; a call that it does not know panics.
type oneEndpoint struct {
	remove.Endpoints
	endpoint.Endpoint
	refuses error
	calls   []string
}

func (o *oneEndpoint) Describe(context.Context, string) (endpoint.Endpoint, error) {
	return o.Endpoint, nil
}

func (o *oneEndpoint) SetPrivateDNS(_ context.Context, id string, on bool) (bool, error) {
	if o.refuses != nil {
		return false, o.refuses
	}
	o.calls = append(o.calls, "SetPrivateDNS "+id)
	o.PrivateDNSEnabled = on
	return true, nil
}

func (o *oneEndpoint) Remove(_ context.Context, id, _ string) error {
	o.calls = append(o.calls, "Remove "+id)
	o.State = connection.StateDeleted
	return nil
}

type freeRegistry struct{ Registry }

func (freeRegistry) Keep(context.Context, string, connection.Turn) (bool, error) { return true, nil }
func (freeRegistry) Finish(context.Context, store.Result) error                  { return nil }

func TestRollbackSwitchesPrivateDNSOff(t *testing.T) {
	t.Parallel()
	const off, gone = "SetPrivateDNS vpce-1", "Remove vpce-1"
	const offLine, goneLine = "private DNS of endpoint vpce-1 switched off", "endpoint vpce-1 deleted"
	for name, test := range map[string]struct {
		madeBy, switchedBy string // executions
		on, reported       bool
		refuses            error
		calls              []string
		undone             []string
		left               string
	}{
		"ours": {madeBy: cutoverExecution, on: true, reported: true, calls: []string{off, gone},
			undone: []string{offLine, goneLine}},
		"ours, ConfigureDNS could not say": {madeBy: cutoverExecution, on: true, calls: []string{off, gone},
			undone: []string{goneLine}},
		"ours, never switched": {madeBy: cutoverExecution, calls: []string{gone}, undone: []string{goneLine}},
		"adopted, switched by us": {madeBy: "arn:earlier", switchedBy: cutoverExecution, on: true, calls: []string{off},
			undone: []string{offLine}},
		"adopted, off by an earlier try": {madeBy: "arn:earlier", switchedBy: cutoverExecution, reported: true,
			undone: []string{offLine}},
		"adopted, on before us":         {madeBy: "arn:earlier", on: true},
		"adopted, on by an earlier run": {madeBy: "arn:earlier", switchedBy: "arn:earlier", on: true},
		"adopted, the tag is another execution's": {madeBy: "arn:earlier", switchedBy: "arn:later", on: true, reported: true,
			left: "no longer carries"},
		"AWS refuses": {madeBy: "arn:earlier", switchedBy: cutoverExecution, on: true,
			refuses: connection.Errorf(connection.Conflict, "taken"), left: "taken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tags := connection.Tags("engflow/ci", test.madeBy)
			if test.switchedBy != "" {
				tags[connection.TagPrivateDNS] = test.switchedBy
			}
			fake := &oneEndpoint{refuses: test.refuses, Endpoint: endpoint.Endpoint{
				ID: "vpce-1", State: connection.StateAvailable, PrivateDNSEnabled: test.on, Tags: tags,
			}}
			state := connection.State{
				Plan: &connection.Plan{
					ConnectionID: "engflow/ci", Decision: connection.DecisionProceed,
					DNS: connection.DNSPlan{Mode: connection.ModeVendorPrivateDNS},
				},
				Endpoint:     &connection.Endpoint{ID: "vpce-1", Created: test.madeBy == cutoverExecution},
				Availability: &connection.Availability{},
				Probe:        &connection.Proof{Verdict: connection.Pass},
				Failure:      &connection.Failure{Error: connection.ConnectivityFailed},
			}
			if test.reported {
				state.DNS = &connection.DNS{Mode: connection.ModeVendorPrivateDNS, PrivateDNSEnabled: true}
			}
			roller := &Roller{Remover: remove.Remover{Endpoints: fake}, Registry: freeRegistry{}, Log: slog.New(slog.DiscardHandler)}
			in := Input{Execution: cutoverExecution, State: State{State: state}}
			got, err := roller.Roll(t.Context(), in)
			if connection.NameOf(err) == connection.RollbackPending { // the endpoint is on its way out: the next try sees it gone
				in.Retries++
				got, err = roller.Roll(t.Context(), in)
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.calls, fake.calls); diff != "" {
				t.Errorf("calls (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(append([]string{}, test.undone...), got.Undone); diff != "" {
				t.Errorf("undone (-want +got)\n%s", diff)
			}
			if left := strings.Join(got.Left, "\n"); !strings.Contains(left, test.left) || got.Clean != (test.left == "") {
				t.Errorf("left %q, clean %t", left, got.Clean)
			}
		})
	}
}
