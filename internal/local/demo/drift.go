package main

import (
	"encoding/json"
	"fmt"
	"time"

	"postern/internal/connection"
	"postern/internal/local"
	"postern/internal/local/people"
	"postern/internal/local/states"
)

// afterwards is how long the drift check has for what was broken: three scheduled runs.
const afterwards = 3 * time.Hour

// repairing makes a request ask for the repair of everything that can be repaired.
func repairing(request []byte, damage people.Damage) ([]byte, error) {
	asked, err := connection.DecodeRequest(request)
	if err != nil {
		return nil, err
	}
	if asked.Action != connection.ActionOnboard || asked.Vendor != damage.Vendor {
		return nil, fmt.Errorf("-drift %s needs an onboarding of %s, such as %s", damage.Name, damage.Vendor, onboardingOf(damage))
	}
	asked.Drift = connection.DriftPolicyOf{}
	for _, info := range connection.DriftChecks {
		if info.Repairable {
			asked.Drift[info.Check] = connection.PolicyRepair
		}
	}
	return json.Marshal(asked)
}

func onboardingOf(damage people.Damage) string { return "events/onboard." + damage.Vendor + ".json" }

// drift breaks a connection that was onboarded, and tells what the drift check and its repairs make of it.
func drift(cloud *local.Cloud, t *timeline, onboarded states.Execution, damage people.Damage) ([]connection.DriftNotice, error) {
	var state connection.State
	if onboarded.Status != succeeded {
		return nil, nil // it says so itself
	}
	if err := json.Unmarshal(onboarded.Output, &state); err != nil {
		return nil, fmt.Errorf("reading the onboarding's output: %w", err)
	}
	if state.Endpoint == nil {
		return nil, fmt.Errorf("the onboarding made no endpoint that could be broken")
	}
	if err := damage.Do(cloud, state.Endpoint.ID); err != nil {
		return nil, err
	}
	t.line(cloud.Clock.Now(), markFail, "", damage.Says)
	if err := cloud.Advance(afterwards); err != nil {
		return nil, fmt.Errorf("waiting for the drift check: %w", err)
	}
	return drifts(cloud)
}

// drifts are what the drift check said, in order.
func drifts(cloud *local.Cloud) ([]connection.DriftNotice, error) {
	var said []connection.DriftNotice
	for _, emitted := range cloud.Events.Events() {
		if emitted.Event.DetailType != connection.EventDrift {
			continue
		}
		var notice connection.DriftNotice
		if err := json.Unmarshal(emitted.Event.Detail, &notice); err != nil {
			return nil, fmt.Errorf("reading what the drift check said: %w", err)
		}
		said = append(said, notice)
	}
	return said, nil
}

// printDrift prints what the drift check said, below the report.
func printDrift(said []connection.DriftNotice, row func(name, format string, args ...any)) {
	name := "drift"
	for _, notice := range said {
		by := ""
		if notice.Finding.By != "" && notice.Status != connection.DriftClosed {
			by = ", changed by " + notice.Finding.By
		}
		row(name, "%s %s: %s (%s)%s", notice.ObservedAt.Format("Mon 15:04"), notice.Status, notice.Finding.Check, notice.Severity, by)
		name = ""
	}
}
