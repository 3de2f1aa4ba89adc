package proof_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/events"
	"postern/internal/connection"
	"postern/internal/local"
	"postern/internal/local/wire"
)

// answered is what the webhook answers to a delivery that it accepts.
type answered struct {
	accepted
	State string
}

// labeled is GitHub's sample with another label, put on the issue at a time.
func labeled(t *testing.T, label string, at time.Time) []byte {
	t.Helper()
	var payload map[string]any
	if err := json.Unmarshal(events.Read("webhook.github.json"), &payload); err != nil {
		t.Fatal(err)
	}
	payload["label"] = map[string]any{"name": label}
	payload["issue"].(map[string]any)["updated_at"] = at.UTC().Format(time.RFC3339)
	body, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// hub delivers a body of GitHub and expects a status and, for one that is accepted, the state of its execution.
func hub(t *testing.T, c *local.Cloud, body []byte, status int, state string) answered {
	t.Helper()
	response := c.Post("/webhook/github", signed(t, c, "github", body), body)
	var got answered
	if err := json.Unmarshal([]byte(response.Body), &got); err != nil {
		t.Fatal(err)
	}
	if response.Status != status || got.State != state {
		t.Fatalf("answered %d %s, want %d %s", response.Status, response.Body, status, state)
	}
	return got
}

// A ticket asks for the same as often as its label is put on: each time an execution starts. What is delivered again starts none, and is
// answered with how its execution is.
func TestATicketAsksForTheSameAgain(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	vendor(t, c, 30*time.Minute, 30*time.Minute)
	ask := func(label string) ([]byte, answered) {
		advance(t, c, time.Minute)
		body := labeled(t, label, c.Clock.Now())
		return body, hub(t, c, body, http.StatusAccepted, "started")
	}
	body, first := ask("postern-onboard")
	advance(t, c, time.Minute)
	if again := hub(t, c, body, http.StatusAccepted, "running"); again.Execution != first.Execution {
		t.Errorf("delivered again while it runs: %s, then %s", first.Execution, again.Execution)
	}
	checkLast(t, c, first.Execution, "Onboarded")
	hub(t, c, body, http.StatusAccepted, "succeeded")
	for range 2 {
		_, plan := ask("postern-plan")
		checkLast(t, c, plan.Execution, "Planned")
	}

	c.Server.SetFault(func(call *wire.Call, _ wire.Recorded) *wire.Fault {
		if call.Operation == "DeleteHostedZone" {
			return &wire.Fault{Kind: wire.Deny}
		}
		return nil
	})
	body, failed := ask("postern-offboard")
	if ended := ending(t, c, failed.Execution); ended.Error != connection.RemovalIncomplete || !strings.Contains(ended.Cause, "start") {
		t.Fatalf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
	}
	c.Server.SetFault(nil)
	hub(t, c, body, http.StatusAccepted, "failed")
	_, second := ask("postern-offboard")
	checkLast(t, c, second.Execution, "Offboarded")
	hub(t, c, body, http.StatusAccepted, "failed")

	_, again := ask("postern-onboard")
	checkLast(t, c, again.Execution, "Onboarded")
	_, third := ask("postern-offboard")
	checkLast(t, c, third.Execution, "Offboarded")
	var names []string
	for _, e := range c.States.Executions() {
		names = append(names, e.ARN)
	}
	if len(names) != 7 || len(slices.Compact(slices.Sorted(slices.Values(names)))) != 7 {
		t.Errorf("%d executions: %q", len(names), names)
	}
}

// The signature of GitHub is valid for ever. A delivery that is replayed when AWS has forgotten the name of its execution starts nothing.
func TestAReplayStartsNothing(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	body := labeled(t, "postern-plan", c.Clock.Now())
	hub(t, c, body, http.StatusAccepted, "started")
	advance(t, c, 89*24*time.Hour)
	hub(t, c, body, http.StatusAccepted, "succeeded")
	advance(t, c, 2*24*time.Hour)
	hub(t, c, body, http.StatusUnprocessableEntity, "")
	if started := len(c.States.Executions()); started != 1 {
		t.Errorf("%d executions", started)
	}
}
