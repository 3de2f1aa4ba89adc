package proof_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"postern/internal/demo/people"
	"postern/internal/local"
	"postern/internal/local/states"
	"postern/internal/proof/handlers"
	"postern/internal/step"
)

// TestMain makes the test binary the bootstrap of every function: the processes under test are this program, started by a Lambda
// runtime.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		step.Start(handlers.All()[os.Getenv("_HANDLER")])
		return
	}
	debug.SetGCPercent(400) // worlds are made and thrown away: less often collected, the tests take a sixth less
	os.Exit(m.Run())
}

// asProcesses makes every function of a template a process of this program.
func asProcesses(t *testing.T, config *local.Config) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "bootstrap")); err != nil {
		t.Fatal(err)
	}
	config.Mode, config.Functions, config.Assembly = local.Process, nil, dir
	config.Mutate = func(template map[string]any) {
		for _, resource := range resourcesOf(template, "AWS::Lambda::Function") {
			resource["Metadata"] = map[string]any{"aws:asset:path": dir}
		}
	}
	for i := range config.Others {
		config.Others[i].Mutate = config.Mutate
	}
}

// resourcesOf are the resources of a type, by logical id.
func resourcesOf(template map[string]any, kind string) map[string]map[string]any {
	found := map[string]map[string]any{}
	for id, raw := range template["Resources"].(map[string]any) {
		if resource := raw.(map[string]any); resource["Type"] == kind {
			found[id] = resource
		}
	}
	return found
}

func TestProcessesDoWhatFunctionsInProcessDo(t *testing.T) {
	t.Parallel()
	for _, request := range []string{"onboard.monte-carlo.json", otherAccount} {
		t.Run(request, func(t *testing.T) {
			t.Parallel()
			checkProcesses(t, request)
		})
	}
}

func checkProcesses(t *testing.T, request string) {
	t.Helper()
	run := func(change func(*local.Config)) (states.Execution, map[string]int) {
		c := open(t, change)
		(&people.Vendor{Behaviour: people.Approve, After: 2 * time.Hour}).Join(c)
		ended := onboard(t, c, request)
		calls := map[string]int{}
		for _, call := range c.Calls() {
			calls[fmt.Sprintf("%s %s.%s %s", call.Function, call.Service, call.Operation, call.Origin)]++
		}
		return ended, calls
	}
	inside, insideCalls := run(nil)
	outside, outsideCalls := run(func(config *local.Config) { asProcesses(t, config) })
	if inside.Status != states.Succeeded || string(inside.Output) != string(outside.Output) {
		t.Errorf("outputs differ:\n%s\n%s: %s", inside.Output, outside.Output, outside.Cause)
	}
	if !maps.Equal(insideCalls, outsideCalls) {
		t.Errorf("calls differ:\n%v\n%v", insideCalls, outsideCalls)
	}
}
