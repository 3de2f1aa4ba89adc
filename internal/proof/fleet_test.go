package proof_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/events"
	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/fleet"
	"postern/internal/local"
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

// checkAlias checks that an execution was started by the alias of the postern machine.
func checkAlias(t *testing.T, e states.Execution) {
	t.Helper()
	if e.AliasARN != e.MachineARN+":live" || e.VersionARN != e.MachineARN+":1" {
		t.Errorf("%s was started by %q, %q", e.Name, e.VersionARN, e.AliasARN)
	}
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

// fleetRequest edits the sample.
func fleetRequest(t *testing.T, edit func(request map[string]any)) []byte {
	t.Helper()
	var request map[string]any
	if err := json.Unmarshal(events.Read("onboard.fleet.json"), &request); err != nil {
		t.Fatal(err)
	}
	edit(request)
	raw, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// many makes n targets of the sample's, in turn, each with a name of its own.
func many(n int, edit func(i int, target map[string]any)) func(map[string]any) {
	return func(request map[string]any) {
		sample := request["targets"].([]any)
		targets := make([]any, n)
		for i := range targets {
			target := maps.Clone(sample[i%len(sample)].(map[string]any))
			target["name"] = fmt.Sprintf("t-%02d", i)
			if edit != nil {
				edit(i, target)
			}
			targets[i] = target
		}
		request["targets"] = targets
	}
}

// widest counts how many executions of the postern machine run at a time at most.
func widest(c *local.Cloud) *int {
	most, running := 0, map[string]bool{}
	c.States.OnStatusChange(func(e states.Execution) {
		if strings.HasSuffix(e.MachineARN, ":stateMachine:postern") {
			delete(running, e.ARN)
			if e.Status == states.Running {
				running[e.ARN] = true
			}
			most = max(most, len(running))
		}
	})
	return &most
}

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
		checkAlias(t, child)
	}
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

// One that fails stops no other, and is named.
func TestAFleetSucceedsInPart(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	(&people.Vendor{
		Behaviour: people.Approve, After: time.Hour, In: map[string]people.Behaviour{world.StagingVPC: people.Reject},
	}).Join(c)
	request := fleetRequest(t, func(r map[string]any) {
		wrong := maps.Clone(r["targets"].([]any)[0].(map[string]any))
		wrong["name"], wrong["securityGroupIds"] = "wrong", []string{world.ClientGroup}
		r["targets"] = append(r["targets"].([]any), wrong)
	})
	ended := execute(t, c, request)
	if want := append(fleetOf(3), "FleetPartlyFailed"); !slices.Equal(sorted(want), sorted(ended.Path)) {
		t.Fatalf("%v %s: %s\n%s", ended.Path, ended.Error, ended.Cause, dump(c))
	}
	lines := strings.Split(ended.Cause, "\n")
	if ended.Error != connection.TargetsFailed || len(lines) != 3 || lines[0] != "1 of 3 connections are onboarded; 2 failed" {
		t.Fatalf("%s: %s", ended.Error, ended.Cause)
	}
	for i, want := range []string{"- fleet-agents-staging: EndpointRejected: ", "- wrong: InvalidRequest: "} {
		if !strings.HasPrefix(lines[i+1], want) || !strings.Contains(lines[i+1], "execution monte-carlo-") {
			t.Errorf("line %q, want %q", lines[i+1], want)
		}
	}
	paths := map[string][]string{}
	for _, child := range children(c, ended.ARN) {
		paths[child.Error] = child.Path
	}
	want := map[string][]string{
		"": toOne, connection.EndpointRejected: slices.Concat(untilApproval, failedClean),
		connection.InvalidRequest: slices.Concat([]string{"Plan"}, failedClean),
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Error(diff)
	}
	if zones := c.Zones.Zones(); len(zones) != 1 || len(c.Parameters.Names()) != 2 {
		t.Errorf("zones %v, published %v", zones, c.Parameters.Names())
	}
}

// Nothing is written, and what all of them would cost is added up.
func TestAFleetIsPlanned(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 40, 41} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			most := widest(c)
			ended := execute(t, c, fleetRequest(t, func(r map[string]any) { many(n, nil)(r); r["action"] = "plan" }))
			made := report(t, ended)
			if last := ended.Path[len(ended.Path)-1]; last != "FleetPlanned" || made.Done != n || made.Total != n {
				t.Errorf("%s, %+v", last, made)
			}
			var usd float64
			for _, target := range made.Targets {
				usd += target.MonthlyUSD
			}
			if made.MonthlyUSD <= 0 || math.Abs(usd-made.MonthlyUSD) > 0.001 {
				t.Errorf("$%v a month, want the sum $%v", made.MonthlyUSD, usd)
			}
			if distributed := slices.Contains(ended.Path, "OnboardTargetsDistributed"); distributed != (n > 40) {
				t.Errorf("distributed: %v", distributed)
			}
			if *most > 40 || *most < min(n, 2) {
				t.Errorf("%d at a time", *most)
			}
			for _, call := range c.Calls() {
				if call.Write || call.Message {
					t.Errorf("%s wrote: %s.%s", call.Function, call.Service, call.Operation)
				}
			}
		})
	}
}

// Above 40 targets each has a history of its own, and most of them failing stops none.
func TestALargeFleet(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	most := widest(c)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	ended := execute(t, c, fleetRequest(t, many(45, func(i int, target map[string]any) {
		if i > 0 {
			target["inputs"] = map[string]any{"privateHostname": "artemis.example.com"}
		}
	})))
	first, rest, _ := strings.Cut(ended.Cause, "\n")
	if ended.Path[len(ended.Path)-1] != "FleetPartlyFailed" || first != "1 of 45 connections are onboarded; 44 failed" {
		t.Fatalf("%v %s: %s", ended.Path[len(ended.Path)-3:], ended.Error, ended.Cause)
	}
	if n := strings.Count(rest, "InvalidRequest"); n != 44 || *most != 40 || len(children(c, ended.ARN)) != 45 {
		t.Errorf("%d refused, %d at a time, %d executions", n, *most, len(children(c, ended.ARN)))
	}
}

// What was started is found again, whether it runs or has ended, and nothing is started twice.
func TestAFleetStartsNothingTwice(t *testing.T) {
	t.Parallel()
	request := events.Read("onboard.fleet.json")
	before := open(t, nil)
	arn, err := before.StartExecution("again", request)
	if err != nil {
		t.Fatal(err)
	}
	if err := before.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	started := children(before, arn)
	tests := map[string]struct {
		ahead time.Duration // of the fleet, for one child
		look  int           // how often LookAtTarget is entered
	}{"running": {time.Hour, 0}, "ended": {24 * time.Hour, 1}}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			(&people.Vendor{Behaviour: people.Approve, After: 2 * time.Hour}).Join(c)
			if _, err := c.States.Start(started[0].MachineARN, started[0].Name, started[0].Input, arn); err != nil {
				t.Fatal(err)
			}
			if err := c.Advance(test.ahead); err != nil {
				t.Fatal(err)
			}
			if _, err := c.StartExecution("again", request); err != nil {
				t.Fatal(err)
			}
			ended, err := c.Run(arn, 60*24*time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			if made := report(t, ended); made.Done != 2 || len(c.States.Executions()) != 3 {
				t.Errorf("%+v, %d executions", made, len(c.States.Executions()))
			}
			looked := slices.DeleteFunc(slices.Clone(ended.Path), func(state string) bool { return state != "LookAtTarget" })
			if len(looked) != test.look {
				t.Errorf("looked %d times: %v", len(looked), ended.Path)
			}
		})
	}
}

// A fleet that is stopped stops its onboardings, as AWS does; redriven it starts none of them again and says what became of them.
func TestAStoppedFleetIsRedriven(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	arn, err := c.StartExecution("", events.Read("onboard.fleet.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := c.States.Stop(arn, "", "stopped manually"); err != nil {
		t.Fatal(err)
	}
	if err := c.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	for _, child := range children(c, arn) {
		if child.Status != states.Aborted {
			t.Errorf("%s is %s", child.Name, child.Status)
		}
	}
	if _, err := c.States.Redrive(arn); err != nil {
		t.Fatal(err)
	}
	ended, err := c.Run(arn, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.States.Executions()) != 3 || ended.Path[len(ended.Path)-1] != "FleetFailed" ||
		!strings.HasPrefix(ended.Cause, "0 of 2 connections are onboarded; 2 failed\n- fleet-agents-prod: ABORTED: ") {
		t.Errorf("%d executions, %v, %s", len(c.States.Executions()), ended.Path, ended.Cause)
	}
}

// Every fault of a fleet request is named, and nothing is started.
func TestBadFleetRequests(t *testing.T) {
	t.Parallel()
	target := func(r map[string]any, i int) map[string]any { return r["targets"].([]any)[i].(map[string]any) }
	tests := map[string]struct {
		edit func(map[string]any)
		want []string
	}{
		"unknown fields": {func(r map[string]any) { r["target"], target(r, 1)["nat"] = 1, "x" },
			[]string{"target: unknown field", "targets[1].nat: unknown field"}},
		"malformed ids": {func(r map[string]any) { target(r, 1)["subnetIds"] = []string{"subnet-1"} },
			[]string{"targets[1].subnetIds[0]: "}},
		"not registered": {func(r map[string]any) { target(r, 0)["vpcId"] = "vpc-0ffffffffffffffff" },
			[]string{"targets[0].vpcId: vpc-0ffffffffffffffff in us-east-1 is not a registered network; use one of"}},
		"the same twice": {func(r map[string]any) { r["targets"] = append(r["targets"].([]any), target(r, 0)) },
			[]string{"targets[2]: its connection would be fleet-agents-prod, as that of targets[0]"}},
		"no targets":   {func(r map[string]any) { r["targets"] = []any{} }, []string{"targets: 0 targets"}},
		"too many":     {many(501, nil), []string{"targets: 501 targets"}},
		"another type": {func(r map[string]any) { r["targets"] = []any{7} }, []string{"targets[0]: a number where an object is expected"}},
		"another action": {func(r map[string]any) { r["action"] = "offboard" },
			[]string{`action: "offboard" is not an action for several targets`}},
		"a long name": {func(r map[string]any) { r["name"] = strings.Repeat("a", 36) },
			[]string{"targets[0].name: ", "targets[1].name: ", "is longer than 40 characters; give the target a name of its own"}},
		"a bad name": {func(r map[string]any) { r["name"], target(r, 1)["name"] = "A", "B" },
			[]string{`name: "A"`, `targets[1].name: "B"`}},
		"an input with a line break": {func(r map[string]any) { target(r, 0)["inputs"] = map[string]any{"a": "b\nc"} },
			[]string{"targets[0].inputs.a: "}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			ended := execute(t, c, fleetRequest(t, test.edit))
			if diff := cmp.Diff([]string{"PlanFleet", "ReportFleet", "FleetEnding", "FleetFailed"}, ended.Path); diff != "" {
				t.Error(diff)
			}
			for _, want := range test.want {
				if !strings.Contains(ended.Cause, want) {
					t.Errorf("the cause does not say %q:\n%s", want, ended.Cause)
				}
			}
			if ended.Error != connection.InvalidRequest || len(c.States.Executions()) != 1 || len(c.Calls()) != 0 {
				t.Errorf("%s, %d executions, %d calls", ended.Error, len(c.States.Executions()), len(c.Calls()))
			}
		})
	}
}
