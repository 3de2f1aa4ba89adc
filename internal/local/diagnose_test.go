package local_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/events"
	"postern/internal/connection"
	"postern/internal/diagnosis"
	"postern/internal/local"
	"postern/internal/local/people"
	"postern/internal/local/privatelink"
)

// broken is a connection that was onboarded and then broken by somebody.
type broken struct {
	vendor  string
	breaks  func(t *testing.T, c *local.Cloud, endpointID string)
	cause   string
	because string // part of the sentence
}

// Each thing that can break a connection is named by the diagnosis, which writes nothing.
func TestDiagnosis(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]broken{
		"nothing": {vendor: "monte-carlo", cause: diagnosis.AllWell},
		"the endpoint's security group": {vendor: "monte-carlo", cause: diagnosis.SecurityGroup,
			because: "no inbound rule lets 10.20.0.0/16 in on 443/tcp",
			breaks: func(t *testing.T, c *local.Cloud, _ string) {
				must(t, c.World.RemoveSecurityGroupRule(privatelink.DemoEndpointGroup, func(r privatelink.Rule) bool { return !r.Egress }))
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
			ended := onboard(t, c, "onboard."+test.vendor+".json")
			var state connection.State
			must(t, json.Unmarshal(ended.Output, &state))
			if test.breaks != nil {
				test.breaks(t, c, state.Endpoint.ID)
			}
			checkDiagnosis(t, c, events.Read("diagnose."+test.vendor+".json"), test)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// checkDiagnosis runs a diagnosis and checks the path, the cause, and that nothing was written.
func checkDiagnosis(t *testing.T, c *local.Cloud, request []byte, test broken) {
	t.Helper()
	before := len(c.Calls())
	ended := execute(t, c, request)
	want := []string{"Plan", "ServiceVisible", "Diagnose", "Diagnosed"}
	if diff := cmp.Diff(want, ended.Path); diff != "" {
		t.Fatalf("path (-want +got):\n%s\n%s: %s\n%s", diff, ended.Error, ended.Cause, dump(c))
	}
	for _, call := range c.Calls()[before:] {
		if call.Origin == ended.ARN && (call.Write || call.Message || call.Code != "") {
			t.Errorf("%s called %s.%s: %s", call.Function, call.Service, call.Operation, call.Error)
		}
	}
	var state connection.State
	must(t, json.Unmarshal(ended.Output, &state))
	got := state.Diagnosis
	if got.Cause != test.cause || got.Next == "" {
		evidence, _ := json.MarshalIndent(got, "", "  ")
		t.Fatalf("the cause is %s, want %s\n%s", got.Cause, test.cause, evidence)
	}
}
