package main

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fleetState is a state of the fleet's machine, as far as these tests look.
type fleetState struct {
	Type, Next, Default, Resource string
	End                           bool
	TimeoutSeconds                float64
	MaxConcurrency                int
	Retry, Catch                  []handler
	Choices                       []struct{ Next string }
	ItemProcessor                 fleetGraph
}

type fleetGraph struct {
	StartAt string
	States  map[string]fleetState
}

var fleetStates = func() (g fleetGraph) {
	if err := json.Unmarshal([]byte(fleetDefinition), &g); err != nil {
		panic(err)
	}
	return g
}()

// each calls f for every state, those inside a Map too.
func (g fleetGraph) each(f func(name string, s fleetState)) {
	for name, s := range g.States {
		f(name, s)
		s.ItemProcessor.each(f)
	}
}

// TestFleetFailuresAreCaught: one target stops no other, and whatever breaks is reported.
func TestFleetFailuresAreCaught(t *testing.T) {
	t.Parallel()
	functions := functionsByHandler(t)
	fleetStates.each(func(name string, s fleetState) {
		if s.Type == "Choice" && s.Default == "" {
			t.Errorf("%s has no Default", name)
		}
		if s.Type == "Map" && s.MaxConcurrency != 40 {
			t.Errorf("%s runs %d at a time", name, s.MaxConcurrency)
		}
		if s.Type != "Task" && s.Type != "Map" {
			return
		}
		if len(s.Catch) == 0 || !slices.Equal(s.Catch[len(s.Catch)-1].ErrorEquals, []string{"States.ALL"}) {
			t.Errorf("%s: its last catcher is not for States.ALL", name)
		}
		for _, handlers := range [][]handler{s.Retry, s.Catch} {
			for _, h := range handlers {
				for _, error := range h.ErrorEquals {
					if !awsName.MatchString(error) && !strings.HasPrefix(error, "StepFunctions.") {
						t.Errorf("%s: %s", name, error)
					}
				}
			}
		}
		if name := placeholder.FindStringSubmatch(s.Resource); name != nil {
			handler := functionOf(name[1])
			seconds, _ := template.Resources[functions[handler]].Properties["Timeout"].(float64)
			if seconds == 0 || s.TimeoutSeconds <= seconds {
				t.Errorf("%s ends after %v s, its function after %v s", name, s.TimeoutSeconds, seconds)
			}
		}
	})
}

// TestBothMapsDoTheSame: they differ in how they go through the items, and in the names that AWS wants to be unique.
func TestBothMapsDoTheSame(t *testing.T) {
	t.Parallel()
	var machine struct{ States map[string]map[string]any }
	if err := json.Unmarshal([]byte(strings.ReplaceAll(fleetDefinition, `Distributed"`, `"`)), &machine); err != nil {
		t.Fatal(err)
	}
	// Both have the same name now: the decoder keeps the last, so the first is read from the definition as it is.
	var whole struct{ States map[string]map[string]any }
	if err := json.Unmarshal([]byte(fleetDefinition), &whole); err != nil {
		t.Fatal(err)
	}
	inline, distributed := whole.States["OnboardTargets"], machine.States["OnboardTargets"]
	for state, want := range map[string]string{"INLINE": "inline", "DISTRIBUTED": "distributed"} {
		one := map[string]map[string]any{"inline": inline, "distributed": distributed}[want]
		processor := one["ItemProcessor"].(map[string]any)
		if got := the(processor["ProcessorConfig"], "Mode"); got != state {
			t.Errorf("the %s Map is %v", want, got)
		}
		delete(processor, "ProcessorConfig")
	}
	if distributed["ToleratedFailurePercentage"] != 100.0 {
		t.Errorf("the distributed Map tolerates %v%%", distributed["ToleratedFailurePercentage"])
	}
	delete(distributed, "ToleratedFailurePercentage")
	if diff := cmp.Diff(inline, distributed); diff != "" {
		t.Errorf("(-inline +distributed):\n%s", diff)
	}
}

func TestArchitecturePageListsTheStatesOfAFleet(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	fleetStates.each(func(name string, _ fleetState) { names[name] = true })
	for name := range names {
		if short, is := strings.CutSuffix(name, "Distributed"); is && name != "OnboardTargetsDistributed" {
			if !names[short] {
				t.Errorf("%s has no counterpart", name)
			}
			delete(names, name)
		}
	}
	got := tableOf(t, "../docs/architecture.md", "## The states of a fleet")
	slices.Sort(got)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(names)), got); diff != "" {
		t.Errorf("docs/architecture.md (-machine +page):\n%s", diff)
	}
}

// TestWhatAFleetMayDo: start, read and stop executions of the postern machine, its own distributed Map, and its function.
func TestWhatAFleetMayDo(t *testing.T) {
	t.Parallel()
	var role any
	for _, m := range ofType("AWS::StepFunctions::StateMachine") {
		if m.Properties["StateMachineName"] == fleetName {
			role = the(m.Properties["RoleArn"], "Fn::GetAtt").([]any)[0]
		}
	}
	got := map[string][]string{}
	for _, one := range statementsOf(role) {
		got[one.action] = append(got[one.action], one.resource)
	}
	want := map[string]string{ // action: what its resource must have
		"states:StartExecution":    `^\["arn:aws:states:us-east-1:111122223333:stateMachine:postern-fleet",\{"Ref":"Workflow[0-9A-F]+"\}\]$`,
		"states:DescribeExecution": `^"arn:aws:states:us-east-1:111122223333:execution:postern:\*"$`,
		"states:StopExecution":     `^"arn:aws:states:us-east-1:111122223333:execution:postern:\*"$`,
		"events:PutTargets":        `:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"$`,
		"events:PutRule":           `:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"$`,
		"events:DescribeRule":      `:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"$`,
		"lambda:InvokeFunction":    `^\[\{"Fn::GetAtt":\["Fleet[0-9A-F]{8}","Arn"\]\},`,
	}
	for action, resources := range got {
		if len(resources) != 1 || want[action] == "" || !regexp.MustCompile(want[action]).MatchString(resources[0]) {
			t.Errorf("%s on %s", action, resources)
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
