package proof_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local/privatelink"
	"postern/internal/local/states"
	"postern/internal/local/wire"
	"postern/internal/probe/diagnosis"
)

// abroad are the networks of another Region, by the sample request for each.
var abroad = map[string]struct{ account, vpc, network string }{
	"onboard.monte-carlo.other-region.json":             {world.Account, world.EuropeVPC, "agents-europe"},
	"onboard.monte-carlo.other-account-and-region.json": {world.OtherAccount, world.OtherEuropeVPC, "research-europe"},
}

// withoutGroup lets Postern make the security group.
func withoutGroup(request map[string]any) { delete(target(request), "securityGroupIds") }

// A network of another Region: everything is there, the vendor's service is in ours, and the probe is reached over the relay.
func TestAnotherRegionIsOnboarded(t *testing.T) {
	t.Parallel()
	for sample, network := range abroad {
		t.Run(sample, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
			ended := onboard(t, c, sample)
			if diff := cmp.Diff(slices.Concat(untilApproval, afterApproval), ended.Path); diff != "" || ended.Status != states.Succeeded {
				t.Fatalf("%s: %s\n%s\n%s", ended.Error, ended.Cause, diff, dump(c))
			}
			var state connection.State
			if err := json.Unmarshal(ended.Output, &state); err != nil {
				t.Fatal(err)
			}
			e, _ := c.World.Endpoint(state.Endpoint.ID)
			if e.AccountID != network.account || e.Region != world.EuropeRegion || e.VPCID != network.vpc ||
				e.ServiceRegion != world.Region {
				t.Errorf("endpoint %+v", e)
			}
			if !state.Plan.CrossRegion() || len(state.Plan.Service.AZIDs) > 0 {
				t.Errorf("service %+v", state.Plan.Service)
			}
			if probe := state.Plan.Probe; probe.FunctionName != "postern-relay" ||
				probe.RelayTo != "arn:aws:lambda:eu-west-1:"+network.account+":function:postern-probe-"+network.network {
				t.Errorf("probe %+v", probe)
			}
			names := c.ParametersIn(network.account, world.EuropeRegion).Names()
			if len(names) != 2 || len(c.Parameters.Names()) > 0 {
				t.Errorf("parameters %v there, %v at home", names, c.Parameters.Names())
			}
			zones := c.Zones.Zones()
			if len(zones) != 1 || zones[0].Owner != network.account || zones[0].VPCs[0].Region != world.EuropeRegion {
				t.Errorf("zones %+v", zones)
			}
			if state.Approval.ObservedBy != connection.ObservedBySweep || len(c.World.Notifications()) > 0 {
				t.Errorf("seen by %s; notifications %+v", state.Approval.ObservedBy, c.World.Notifications())
			}
			if dropped := c.Dropped(); len(dropped) > 0 {
				t.Errorf("dropped: %v", dropped)
			}
			checkBudget(t, c, ended)
		})
	}
}

// A run that fails at its very end undoes everything, in the Region where it is.
func TestRollbackInAnotherRegion(t *testing.T) {
	t.Parallel()
	for sample, network := range abroad {
		t.Run(sample, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
			before := c.World.SecurityGroups()
			c.Server.SetFault(onFunction("postern-publish-config", "dynamodb", wire.Deny))
			ended := onboardWith(t, c, sample, withoutGroup)
			if !slices.Equal(ended.Path[len(ended.Path)-3:], failedClean) {
				t.Fatalf("%v\n%s: %s\n%s", ended.Path, ended.Error, ended.Cause, dump(c))
			}
			for _, e := range c.World.Endpoints() {
				if e.State != privatelink.Deleted {
					t.Errorf("endpoint %s is left, %s", e.ID, e.State)
				}
			}
			names := c.ParametersIn(network.account, world.EuropeRegion).Names()
			if zones := c.Zones.Zones(); len(zones) > 0 || len(names) > 0 {
				t.Errorf("zones %+v and parameters %v are left", zones, names)
			}
			if diff := cmp.Diff(before, c.World.SecurityGroups()); diff != "" {
				t.Errorf("security groups (-before +after):\n%s", diff)
			}
		})
	}
}

// A connection of another Region is diagnosed from inside its VPC, and removed there.
func TestDiagnosedAndOffboardedInAnotherRegion(t *testing.T) {
	t.Parallel()
	for sample := range abroad {
		t.Run(sample, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			before := c.Inventory()
			(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
			if ended := onboard(t, c, sample); ended.Status != states.Succeeded {
				t.Fatalf("%s: %s\n%s", ended.Error, ended.Cause, dump(c))
			}
			finds := func(want string) {
				t.Helper()
				ended := onboardWith(t, c, sample, func(request map[string]any) { request["action"] = "diagnose" })
				var state connection.State
				if err := json.Unmarshal(ended.Output, &state); err != nil || state.Diagnosis == nil {
					t.Fatalf("%s: %s: %v", ended.Error, ended.Cause, err)
				}
				if state.Diagnosis.Cause != want {
					t.Errorf("found %s, want %s: %s", state.Diagnosis.Cause, want, state.Diagnosis.Sentence)
				}
			}
			finds(diagnosis.AllWell)
			must(t, c.Zones.DeleteByHand("privatelink.getmontecarlo.com."))
			finds(diagnosis.ZoneMissing)
			offboarded := onboardWith(t, c, sample, func(request map[string]any) {
				for name := range request {
					if name != "schemaVersion" && name != "vendor" && name != "name" {
						delete(request, name)
					}
				}
				request["action"] = "offboard"
			})
			if diff := cmp.Diff(before, c.Inventory()); offboarded.Status != states.Succeeded || diff != "" {
				t.Errorf("%s: %s\n(-before +after)\n%s", offboarded.Error, offboarded.Cause, diff)
			}
		})
	}
}

// A relay that is refused, dies or loses its answer is tried again, and the path is the same.
func TestRelayFailsOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range []wire.FaultKind{wire.Throttle, wire.ServerError, wire.Deny, wire.NoEffect, wire.LostAnswer, wire.CrashBefore,
		wire.CrashAfter} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
			failed := false
			c.Server.SetFault(func(call *wire.Call, _ wire.Recorded) *wire.Fault {
				if failed || call.Service != "lambda" {
					return nil
				}
				failed = true
				return &wire.Fault{Kind: kind}
			})
			ended := onboard(t, c, "onboard.monte-carlo.other-region.json")
			if diff := cmp.Diff(slices.Concat(untilApproval, afterApproval), ended.Path); diff != "" || !failed {
				t.Errorf("%s: %s\n%s\n%s", ended.Error, ended.Cause, diff, dump(c))
			}
		})
	}
}

// A link that does not work at first is probed again over the relay, under the probe's own error: by any other name it would be final.
func TestRelayedProbeIsRetried(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	must(t, c.World.Vendor(world.MonteCarloService).Update(func(s *privatelink.VendorService) { s.WarmUp = 2 * time.Minute }))
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	ended := onboard(t, c, "onboard.monte-carlo.other-region.json")
	if diff := cmp.Diff(slices.Concat(untilApproval, afterApproval), ended.Path); diff != "" {
		t.Fatalf("%s: %s\n%s\n%s", ended.Error, ended.Cause, diff, dump(c))
	}
	named := map[string]int{}
	for _, run := range c.Invocations() {
		if run.ErrorType != "" {
			named[run.Function+" "+run.ErrorType]++
		}
	}
	relayed, probed := named["postern-relay "+connection.ConnectivityFailed], named["postern-probe-agents-europe "+connection.ConnectivityFailed]
	if relayed == 0 || relayed != probed {
		t.Errorf("failures %v", named)
	}
}
