package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/events"
	"postern/internal/connection"
)

const (
	machineARN = "arn:aws:states:us-east-1:111122223333:stateMachine:postern"
	fleetARN   = "arn:aws:states:us-east-1:111122223333:execution:postern-fleet:f"
)

var networks = connection.Networks{
	{Name: "agents-prod", Region: "us-east-1", VPCID: "vpc-0a1b2c3d4e5f60718"},
	{Name: "agents-staging", Region: "us-east-1", VPCID: "vpc-0b2c3d4e5f6071829"},
}

func input(t *testing.T, edit func(*connection.FleetRequest)) Input {
	t.Helper()
	request, err := connection.DecodeFleetRequest(events.Read("onboard.fleet.json"))
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(&request)
	}
	raw, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return Input{Execution: fleetARN, Machine: machineARN, Request: raw}
}

// merged is what the machine hands to the postern machine: States.JsonMerge of the shared and the item's own.
func merged(t *testing.T, plan Plan, i int) connection.Request {
	t.Helper()
	whole := map[string]any{}
	for _, part := range []map[string]any{plan.Shared, plan.Items[i].Request} {
		for name, value := range part {
			whole[name] = value
		}
	}
	raw, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	request, err := connection.DecodeRequest(raw)
	if err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return request
}

func TestMakeGivesEachTargetItsRequest(t *testing.T) {
	t.Parallel()
	plan, err := Make(input(t, func(r *connection.FleetRequest) {
		r.Options, r.Cutover, r.Requester = map[string]string{"o": "1"}, true, "me"
		r.Ticket = &connection.Ticket{System: "jira", ID: "NET-1"}
		r.Targets[1].Name, r.Targets[1].Inputs = "other", map[string]string{"serviceRegion": "eu-west-1"}
	}), networks)
	if err != nil {
		t.Fatal(err)
	}
	var sample connection.FleetRequest
	if err := json.Unmarshal(events.Read("onboard.fleet.json"), &sample); err != nil {
		t.Fatal(err)
	}
	want := connection.Request{
		SchemaVersion: 1, Action: connection.ActionOnboard, Vendor: "monte-carlo", Name: "fleet-agents-prod",
		Target: sample.Targets[0].Target, Inputs: sample.Inputs, Options: map[string]string{"o": "1"}, Cutover: true, Requester: "me",
		Ticket: &connection.Ticket{System: "jira", ID: "NET-1"}, StartedBy: fleetARN,
	}
	if diff := cmp.Diff(want, merged(t, plan, 0)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want.Name, want.Target, want.Inputs = "other", sample.Targets[1].Target, map[string]string{}
	for name, value := range sample.Inputs {
		want.Inputs[name] = value
	}
	want.Inputs["serviceRegion"] = "eu-west-1"
	if diff := cmp.Diff(want, merged(t, plan, 1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := connection.ExecutionName("monte-carlo/other", fleetARN); plan.Items[1].Execution != want {
		t.Errorf("execution %s, want %s", plan.Items[1].Execution, want)
	}
	if want := "arn:aws:states:us-east-1:111122223333:execution:postern"; plan.Executions != want {
		t.Errorf("executions %s, want %s", plan.Executions, want)
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]Mode{1: Inline, 40: Inline, 41: Distributed, 500: Distributed} {
		plan, err := Make(input(t, func(r *connection.FleetRequest) { grow(r, n, 0) }), networks)
		if err != nil || plan.Mode != want || len(plan.Items) != n {
			t.Errorf("%d targets: %s with %d items, %v", n, plan.Mode, len(plan.Items), err)
		}
	}
}

// grow makes n targets, each with a name and an input of so many characters.
func grow(r *connection.FleetRequest, n, characters int) {
	sample := r.Targets[0]
	r.Targets = nil
	for i := range n {
		target := sample
		target.Name = fmt.Sprintf("t%d", i)
		if characters > 0 {
			target.Inputs = map[string]string{"i": strings.Repeat("x", characters)}
		}
		r.Targets = append(r.Targets, target)
	}
}

func TestAPlanThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	_, err := Make(input(t, func(r *connection.FleetRequest) { grow(r, 400, 300) }), networks)
	var faults connection.Faults
	if !errors.As(err, &faults) || len(faults) != 1 || faults[0].Path != "targets" || faults[0].Remedy != "send them as two requests" {
		t.Errorf("%v", err)
	}
}
