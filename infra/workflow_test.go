package main

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/step"
)

// handler is a retrier or a catcher.
type handler struct {
	ErrorEquals      []string
	Next, ResultPath string

	IntervalSeconds, BackoffRate, MaxDelaySeconds float64
	MaxAttempts                                   int
	JitterStrategy                                string
}

// machine is the state machine, as far as these tests look.
var machine = func() (m struct {
	StartAt string
	States  map[string]struct {
		Type, Next, Default, Resource            string
		ResultPath                               string
		Parameters                               json.RawMessage
		TimeoutSeconds                           float64
		TimeoutSecondsPath, HeartbeatSecondsPath string
		Retry, Catch                             []handler
		Choices                                  []struct{ Next string }
	}
}) {
	if err := json.Unmarshal([]byte(definition), &m); err != nil {
		panic(err)
	}
	return m
}()

// errorNames are the names of connection/errors.go, read from the source so that none is forgotten here.
func errorNames(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile("../internal/connection/errors.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, match := range regexp.MustCompile(`(?m)^\t(\w+) += "(\w+)"$`).FindAllStringSubmatch(string(source), -1) {
		if match[1] != match[2] {
			t.Errorf("constant %s has the value %s", match[1], match[2])
		}
		names = append(names, match[2])
	}
	if len(names) < 10 {
		t.Fatalf("found only %v", names)
	}
	return names
}

// awsName is a name that AWS gives: Step Functions, Lambda, and a runtime that crashed or ran out of time.
var awsName = regexp.MustCompile(`^(States|Lambda|Runtime|Sandbox)\.`)

func TestErrorNamesOfTheMachineAreKnown(t *testing.T) {
	t.Parallel()
	names, retried := errorNames(t), map[string]bool{}
	for state, s := range machine.States {
		for i, handlers := range [][]handler{s.Retry, s.Catch} {
			for _, handler := range handlers {
				for _, name := range handler.ErrorEquals {
					if awsName.MatchString(name) {
						continue
					}
					if !slices.Contains(names, name) {
						t.Errorf("%s: %s is no error of internal/connection", state, name)
					}
					if i == 0 {
						retried[name] = true
					}
				}
			}
		}
	}
	want := []string{
		connection.ConfigRefused, connection.ConnectivityFailed, connection.EndpointNotListed, connection.EndpointPending, connection.RemovalPending, connection.RollbackPending, connection.Throttled,
		connection.Unavailable,
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(retried))); diff != "" {
		t.Errorf("retried names (-want +got):\n%s", diff)
	}
}

// TestThrottlingIsWaitedOut: a throttled task goes on for hours, and soon waits for minutes between two tries. 500 onboardings at once
// need half an hour for their endpoints alone; each that came back once a minute would only keep the others out.
//
// AWS: 0.3 CreateVpcEndpoint a second.
func TestThrottlingIsWaitedOut(t *testing.T) {
	t.Parallel()
	for name, s := range machine.States {
		if s.Type != "Task" {
			continue
		}
		i := slices.IndexFunc(s.Retry, func(h handler) bool { return slices.Contains(h.ErrorEquals, connection.Throttled) })
		if i < 0 {
			t.Errorf("%s does not retry %s", name, connection.Throttled)
			continue
		}
		r := s.Retry[i]
		total, delay := 0.0, r.IntervalSeconds
		for range r.MaxAttempts {
			total += delay / 2 // FULL jitter draws from 0 to the delay
			delay = min(delay*r.BackoffRate, r.MaxDelaySeconds)
		}
		if r.JitterStrategy != "FULL" || total < 2*3600 || delay < 600 {
			t.Errorf("%s: its tries end after %.0f s on average, the last %.0f s apart at most, jitter %q", name, total, delay, r.JitterStrategy)
		}
	}
}

func TestEveryTaskIsCaught(t *testing.T) {
	t.Parallel()
	for name, s := range machine.States {
		if s.Type != "Task" {
			continue
		}
		last := s.Catch[len(s.Catch)-1]
		want := "Rollback"
		switch name {
		case "Rollback":
			want = "RollbackGaveUp"
		case "RollbackGaveUp":
			want = "RollbackBroken"
		}
		if !slices.Equal(last.ErrorEquals, []string{"States.ALL"}) || last.Next != want {
			t.Errorf("%s: its last catcher is %v to %s, want States.ALL to %s", name, last.ErrorEquals, last.Next, want)
		}
	}
	for name, s := range machine.States {
		if s.Type == "Choice" && s.Default == "" {
			t.Errorf("%s has no Default", name)
		}
	}
}

// TestPlaceholdersAreFilledIn: every placeholder of a definition has its value in the template, and no other value is there.
// A function that writes who holds a connection needs to know in which turn it acts, so each state that calls one hands over the counts of
// redrives and attempts. Acknowledge writes about another execution.
func TestStatesThatHoldAConnectionHandOverTheirTurn(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, f := range functions {
		holds := slices.ContainsFunc(f.grants, func(g grant) bool { return slices.Contains(g.actions, "dynamodb:UpdateItem") })
		for _, name := range f.states {
			if !holds || f.name == "acknowledge" {
				continue
			}
			checked++
			for _, want := range []string{
				`"execution.$":"$$.Execution.Id"`, `"enteredAt.$":"$$.State.EnteredTime"`, `"redriveCount.$":"$$.Execution.RedriveCount"`,
				`.$":"$$.State.RetryCount"`,
			} {
				if !strings.Contains(strings.ReplaceAll(string(machine.States[name].Parameters), " ", ""), want) {
					t.Errorf("%s does not hand over %s", name, want)
				}
			}
		}
	}
	if checked != 8 {
		t.Errorf("%d states were checked", checked)
	}
}

func TestPlaceholdersAreFilledIn(t *testing.T) {
	t.Parallel()
	for id, m := range ofType("AWS::StepFunctions::StateMachine") {
		sub := list(the(m.Properties["DefinitionString"], "Fn::Sub"))
		if len(sub) != 2 {
			t.Fatalf("%s has no substitutions", id)
		}
		used := map[string]bool{}
		for _, match := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(sub[0].(string), -1) {
			used[match[1]] = true
		}
		values := sub[1].(map[string]any)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(values)), slices.Sorted(maps.Keys(used))); diff != "" {
			t.Errorf("%s (-filled in +used):\n%s", id, diff)
		}
		for name, value := range values {
			if strings.HasSuffix(name, "Function") && list(the(value, "Fn::GetAtt"))[0] != functionsByHandler(t)[functionOf(name)] {
				t.Errorf("%s: ${%s} is %s", id, name, text(value))
			}
		}
	}
}

// TestStatesOfFunctions: the column states of the table is what the definitions say. The probes are called by their names in the plan,
// and so is the relay.
func TestStatesOfFunctions(t *testing.T) {
	t.Parallel()
	want := map[string][]string{}
	note := func(state, resource, parameters string) {
		names := []string{}
		if match := placeholder.FindStringSubmatch(resource + parameters); match != nil {
			names = append(names, functionOf(match[1]))
		} else if strings.Contains(resource, ":lambda:invoke") {
			names = append(names, probeHandler, relayHandler)
		}
		for _, name := range names {
			want[name] = append(want[name], state)
			slices.Sort(want[name])
		}
	}
	for state, s := range machine.States {
		note(state, s.Resource, string(s.Parameters))
	}
	fleetStates.each(func(state string, s fleetState) { note(state, s.Resource, "") })
	for _, f := range functions {
		if diff := cmp.Diff(want[f.name], f.states); diff != "" {
			t.Errorf("%s (-definitions +table):\n%s", f.name, diff)
		}
	}
}

// TestSharedRetriersAreAdded: behind the state's own, to what calls a function, also inside a Map; the rest of the text stays.
func TestSharedRetriersAreAdded(t *testing.T) {
	t.Parallel()
	const source = `{"States": {
  "A": {
    "Resource": "${AFunction}",
    "Catch": []
  },
  "M": {"ItemProcessor": {"States": {"B": {
    "Resource": "arn:aws:states:::lambda:invoke",
    "Retry": [
      {"own": 1}
    ],
    "Catch": []
  }}}},
  "C": {"Resource": "arn:aws:states:::aws-sdk:sfn:describeExecution", "Catch": []}
}}`
	const want = `{"States": {
  "A": {
    "Resource": "${AFunction}",
    "Retry": [
      {"of": "A"},
      {"last": 2}
    ],
    "Catch": []
  },
  "M": {"ItemProcessor": {"States": {"B": {
    "Resource": "arn:aws:states:::lambda:invoke",
    "Retry": [
      {"own": 1},
      {"of": "B"},
      {"last": 2}
    ],
    "Catch": []
  }}}},
  "C": {"Resource": "arn:aws:states:::aws-sdk:sfn:describeExecution", "Catch": []}
}}`
	got := withRetriers(source, func(state string) []string { return []string{`{"of": "` + state + `"}`, `{"last": 2}`} })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// tableOf returns the first column of the table that follows a heading or line of a document.
func tableOf(t *testing.T, path, after string) []string {
	t.Helper()
	return columnOf(t, path, after, 1)
}

func columnOf(t *testing.T, path, after string, column int) []string {
	t.Helper()
	document, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(document), after)
	if !found {
		t.Fatalf("%s has no %q", path, after)
	}
	var cells []string
	for _, line := range strings.Split(rest, "\n") {
		if strings.HasPrefix(line, "|") {
			cells = append(cells, strings.Trim(strings.Split(line, "|")[column], " `"))
		} else if len(cells) > 0 {
			break
		}
	}
	return cells[2:] // without the head
}

func TestArchitecturePageListsTheStates(t *testing.T) {
	t.Parallel()
	got := tableOf(t, "../docs/architecture.md", "## The states")
	slices.Sort(got)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(machine.States)), got); diff != "" {
		t.Errorf("docs/architecture.md (-machine +page):\n%s", diff)
	}
}

func TestErrorsPageListsTheErrors(t *testing.T) {
	t.Parallel()
	want, got := errorNames(t), tableOf(t, "../docs/operate.md", "\n## Errors\n")
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/operate.md (-errors.go +page):\n%s", diff)
	}
}

func TestEveryStateIsReachable(t *testing.T) {
	t.Parallel()
	reached := map[string]bool{}
	var visit func(string)
	visit = func(name string) {
		if name == "" || reached[name] {
			return
		}
		state, exists := machine.States[name]
		if !exists {
			t.Errorf("there is no state %s", name)
			return
		}
		reached[name] = true
		visit(state.Next)
		visit(state.Default)
		for _, choice := range state.Choices {
			visit(choice.Next)
		}
		for _, handler := range state.Catch {
			visit(handler.Next)
		}
	}
	visit(machine.StartAt)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(machine.States)), slices.Sorted(maps.Keys(reached))); diff != "" {
		t.Errorf("(-states +reached):\n%s", diff)
	}
}

// TestTimeouts: every task ends by itself, and a step's function ends before its state, so that the error is Lambda's, which is
// retried, and not States.Timeout.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	functions := functionsByHandler(t)
	for name, s := range machine.States {
		if s.Type != "Task" {
			continue
		}
		if strings.HasSuffix(s.Resource, ".waitForTaskToken") {
			if s.TimeoutSecondsPath == "" || s.HeartbeatSecondsPath == "" {
				t.Errorf("%s waits without a timeout or without a heartbeat", name)
			}
			continue
		}
		handler := probeHandler // its name is in the plan
		if match := placeholder.FindStringSubmatch(s.Resource); match != nil {
			handler = functionOf(match[1])
		}
		seconds, _ := template.Resources[functions[handler]].Properties["Timeout"].(float64)
		if seconds == 0 || s.TimeoutSeconds <= seconds {
			t.Errorf("%s: the state ends after %v s, the function %s after %v s", name, s.TimeoutSeconds, handler, seconds)
		}
	}
}

// TestSectionsAreTheStates: what a step returns goes where connection.State expects it, and no two steps share a section.
func TestSectionsAreTheStates(t *testing.T) {
	t.Parallel()
	sections := map[string]bool{}
	for field := range reflect.TypeFor[connection.State]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		sections["$."+name] = true
	}
	used := map[string]string{}
	for name, s := range machine.States {
		if s.Type != "Task" {
			continue
		}
		if name == "RollbackGaveUp" {
			continue // Rollback again
		}
		if !sections[s.ResultPath] || used[s.ResultPath] != "" {
			t.Errorf("%s writes %q, which is no section or that of %s", name, s.ResultPath, used[s.ResultPath])
		}
		used[s.ResultPath] = name
		for _, handler := range s.Catch {
			if handler.ResultPath != "$" && !sections[handler.ResultPath] {
				t.Errorf("%s: its catcher writes %q, which is no section", name, handler.ResultPath)
			}
		}
	}
}

// TestOnlyOurMachineAssumesItsRole: Step Functions acts for any customer; the role is for this machine.
func TestOnlyOurMachineAssumesItsRole(t *testing.T) {
	t.Parallel()
	for id, m := range ofType("AWS::StepFunctions::StateMachine") {
		role, _ := the(m.Properties["RoleArn"], "Fn::GetAtt").([]any)
		if len(role) == 0 {
			t.Fatalf("%s has no role of its own", id)
		}
		got := text(the(template.Resources[role[0].(string)].Properties["AssumeRolePolicyDocument"], "Statement"))
		name := m.Properties["StateMachineName"].(string)
		for _, want := range []string{`"aws:SourceAccount":"111122223333"`, `:states:us-east-1:111122223333:stateMachine:` + name + `"`} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %s lacks %s", id, got, want)
			}
		}
	}
}

// TestExecutionsStartByTheAlias: what starts an execution unattended follows the alias, and a version stays when the next one comes.
func TestExecutionsStartByTheAlias(t *testing.T) {
	t.Parallel()
	for id, version := range ofType("AWS::StepFunctions::StateMachineVersion") {
		revision := list(the(version.Properties["StateMachineRevisionId"], "Fn::GetAtt"))
		if version.DeletionPolicy != "Retain" || version.UpdateReplacePolicy != "Retain" || len(revision) != 2 {
			t.Errorf("version %s: %s, %s, revision %v", id, version.DeletionPolicy, version.UpdateReplacePolicy, revision)
		}
	}
	aliases := ofType("AWS::StepFunctions::StateMachineAlias")
	if len(aliases) != 2 || len(ofType("AWS::StepFunctions::StateMachineVersion")) != 2 {
		t.Fatalf("aliases %v", aliases)
	}
	for id, alias := range aliases {
		if alias.Properties["Name"] != liveAlias {
			t.Errorf("alias %s is called %v", id, alias.Properties["Name"])
		}
	}
	webhook := template.Resources[functionsByHandler(t)["webhook"]].Properties["Environment"]
	if got := the(webhook, "Variables", step.EnvStateMachine, "Ref"); got != "WorkflowAlias" {
		t.Errorf("the webhook starts %v", got)
	}
	if n := strings.Count(fleetDefinition, `"StateMachineArn": "${Live}"`); n != 2 || strings.Contains(fleetDefinition, `"StateMachineArn": "${Machine}"`) {
		t.Errorf("%d of the fleet's two states start by the alias", n)
	}
}

// The simulator's own tests walk the deployed definitions, from copies beside them: the simulator reads nothing of the product. `make
// golden` renews the copies.
func TestSimulatorWalksTheDeployedDefinitions(t *testing.T) {
	t.Parallel()
	for name, deployed := range map[string]string{"workflow": definition, "fleet": fleetDefinition} {
		path := "../internal/local/states/testdata/" + name + ".asl.json"
		if *update {
			if err := os.WriteFile(path, []byte(deployed), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		copied, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(deployed, string(copied)); diff != "" {
			t.Errorf("%s is not what infra deploys: run make golden (-infra +copy)\n%s", path, diff)
		}
	}
}
