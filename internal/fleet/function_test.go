package fleet

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"postern/internal/connection"
	"postern/internal/step"
)

// TestFunction: each step answers what its state needs, and an input that fits no step is an error and never the answer of another one.
func TestFunction(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(networks)
	if err != nil {
		t.Fatal(err)
	}
	env := step.NewEnv(func(name string) string { return map[string]string{step.EnvNetworks: string(raw)}[name] })
	handler, err := Function(step.Runtime{Env: env, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	planInput := input(t, nil)
	planInput.Step = StepPlan
	whole, err := json.Marshal(planInput)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ in, want, fails string }{
		"plan":               {string(whole), `"mode":"inline"`, ""},
		"target":             {`{"step":"target","target":{"item":{"execution":"e","request":{"name":"n"}},"execution":{"Status":"ABORTED"}}}`, `"status":"failed"`, ""},
		"report":             {`{"step":"report","fleet":{"total":1,"results":[{"connection":"n","status":"onboarded"}]}}`, `"ending":"onboarded"`, ""},
		"report of an error": {`{"step":"report","fleet":{"Error":"InvalidRequest","Cause":"why"}}`, `"ending":"failed"`, ""},
		"no step":            {`{"target":{}}`, "", connection.Internal},
		"unknown step":       {`{"step":"stop"}`, "", connection.Internal},
		"target of nothing":  {`{"step":"target","fleet":{}}`, "", connection.Internal},
		"report of nothing":  {`{"step":"report","target":{}}`, "", connection.Internal},
		"no fleet request":   {`{"step":"plan","request":{}}`, "", connection.InvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := handler.Invoke(t.Context(), []byte(test.in))
			if (err != nil) != (test.fails != "") || err != nil && !strings.Contains(err.Error(), test.fails) || !strings.Contains(string(out), test.want) {
				t.Errorf("%s, %v", out, err)
			}
		})
	}
}
