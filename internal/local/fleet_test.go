package local_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/events"
	"postern/internal/fleet"
	"postern/internal/local"
	"postern/internal/local/people"
	"postern/internal/local/states"
)

var (
	ofEach  = []string{"OnboardTarget", "ReportTarget"}
	toOne   = slices.Concat(untilApproval, afterApproval)
	fleetOf = func(n int) []string {
		path := []string{"PlanFleet", "FleetSize", "OnboardTargets"}
		for range n {
			path = append(path, ofEach...)
		}
		return append(path, "ReportFleet", "FleetEnding")
	}
)

// children are the executions that a fleet's execution started, in that order.
func children(c *local.Cloud, parent string) []states.Execution {
	return slices.DeleteFunc(c.States.Executions(), func(e states.Execution) bool { return e.StartedBy != parent })
}

func report(t *testing.T, ended states.Execution) fleet.Report {
	t.Helper()
	var made fleet.Report
	if err := json.Unmarshal(ended.Output, &made); err != nil {
		t.Fatalf("%v: %s %s: %s", err, ended.Status, ended.Error, ended.Cause)
	}
	return made
}

func sorted(path []string) []string { return slices.Sorted(slices.Values(path)) }

func TestBothVPCsOfAFleetAreOnboarded(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Approve, After: 48 * time.Hour}).Join(c)
	ended := execute(t, c, events.Read("onboard.fleet.json"))
	if diff := cmp.Diff(sorted(append(fleetOf(2), "FleetOnboarded")), sorted(ended.Path)); diff != "" || ended.Status != states.Succeeded {
		t.Fatalf("%s %s: %s\n%s\n%s", ended.Status, ended.Error, ended.Cause, diff, dump(c))
	}
	started := children(c, ended.ARN)
	for _, child := range started {
		if diff := cmp.Diff(toOne, child.Path); diff != "" {
			t.Errorf("%s %s: %s\n%s", child.Name, child.Error, child.Cause, diff)
		}
	}
	made := report(t, ended)
	if len(started) != 2 || made.Done != 2 || made.Total != 2 || made.MonthlyUSD <= 0 || len(made.Targets) != 2 {
		t.Errorf("%d executions, report %+v", len(started), made)
	}
	// The endpoints differ, and so do the zones of one name.
	vpcs := map[string]bool{}
	for _, zone := range c.Zones.Zones() {
		if len(zone.VPCs) != 1 || zone.Name != "privatelink.getmontecarlo.com." {
			t.Errorf("zone %+v", zone)
		}
		vpcs[zone.VPCs[0].ID] = true
	}
	if len(c.World.Endpoints()) != 2 || len(vpcs) != 2 || len(c.Parameters.Names()) != 4 {
		t.Errorf("%d endpoints, zones in %v, published %v", len(c.World.Endpoints()), vpcs, c.Parameters.Names())
	}
	if dropped := c.Dropped(); len(dropped) > 0 {
		t.Errorf("dropped: %v", dropped)
	}
}
