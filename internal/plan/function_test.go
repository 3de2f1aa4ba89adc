package plan

import (
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-sdk-go-v2/aws"

	"postern/internal/connection"
	"postern/internal/step"
)

const oneNetwork = `[{"name": "prod", "accountId": "1", "region": "us-east-1", "vpcId": "vpc-1", "probeFunction": "f"}]`

func runtime(environment map[string]string) step.Runtime {
	return step.Runtime{
		AWS: aws.Config{Region: "us-east-1"}, Log: slog.New(slog.DiscardHandler),
		Env: step.NewEnv(func(name string) string { return environment[name] }),
	}
}

func TestFunction(t *testing.T) {
	t.Parallel()
	r := runtime(map[string]string{step.EnvTable: "t", step.EnvNetworks: oneNetwork, step.EnvParameterPrefix: "/postern"})
	handler, err := Function(r)
	if err != nil || r.Env.Err() != nil {
		t.Fatal(err, r.Env.Err())
	}
	// An execution may be started with anything: what is no request ends as a fault of the request, before any call.
	for _, input := range []string{`"x"`, `null`, `[]`, `{"plan": 5}`, `{"endpoint": {"id": 7}, "schemaVersion": 1}`} {
		payload, _ := json.Marshal(map[string]any{
			"execution": execution, "enteredAt": "2026-11-21T09:00:00Z",
			"request": json.RawMessage(input), "state": json.RawMessage(input),
		})
		_, err := handler.Invoke(t.Context(), payload)
		var failure messages.InvokeResponse_Error
		if !errors.As(err, &failure) || failure.Type != connection.InvalidRequest {
			t.Errorf("%s: got %v, want %s", input, err, connection.InvalidRequest)
		}
	}
}

func TestFunctionColdStart(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		networks, timeouts, want string
	}{
		"networks": {`{}`, ``,
			"registered networks: json: cannot unmarshal object into Go value of type connection.Networks"},
		"no probe":             {`[{"name": "prod"}]`, ``, "registered network prod has no probe function"},
		"timeouts":             {oneNetwork, `{"approvalDays": 400}`, "timeouts: 400 days; write 0 to 180"},
		"timeouts of no shape": {oneNetwork, `{"days": 4}`, `timeouts: json: unknown field "days"`},
	}
	for name, tt := range tests {
		r := runtime(map[string]string{
			step.EnvTable: "t", step.EnvNetworks: tt.networks, step.EnvParameterPrefix: "/postern", step.EnvTimeouts: tt.timeouts,
		})
		if _, err := Function(r); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
	r := runtime(nil)
	if _, err := Function(r); err != nil {
		t.Errorf("got %v, want the missing names to be reported by the environment", err)
	}
	want := "missing environment: " + step.EnvParameterPrefix + ", " + step.EnvNetworks + ", " + step.EnvTable
	if err := r.Env.Err(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
