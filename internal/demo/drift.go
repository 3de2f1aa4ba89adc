package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/local"
	"postern/internal/local/states"
	"postern/internal/watch/remedy"
)

const (
	// mostHours is how long the drift check has to find what was broken. A change for which AWS sends no event is found by the
	// scheduled deep check, within a day.
	mostHours = 25
	// afterwards is how long it has then for repairs: three scheduled runs.
	afterwards = 3
)

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

// drift breaks a connection that was onboarded, and returns what was broken and what the drift check and its repairs make of it.
func drift(cloud *local.Cloud, t *timeline, onboarded states.Execution, damage people.Damage) (
	broke string, said []connection.DriftNotice, err error) {
	var state connection.State
	if onboarded.Status != succeeded {
		return "", nil, nil // it says so itself
	}
	if err := json.Unmarshal(onboarded.Output, &state); err != nil {
		return "", nil, fmt.Errorf("reading the onboarding's output: %w", err)
	}
	if state.Endpoint == nil {
		return "", nil, fmt.Errorf("the onboarding made no endpoint that could be broken")
	}
	if err := damage.Do(cloud, state.Endpoint.ID); err != nil {
		return "", nil, err
	}
	t.line(cloud.Clock.Now(), markFail, "", damage.Says)
	for hours, last := 0, mostHours; hours < last; hours++ {
		if err := cloud.Advance(time.Hour); err != nil {
			return "", nil, fmt.Errorf("waiting for the drift check: %w", err)
		}
		first := len(said) == 0
		if said, err = drifts(cloud); err != nil {
			return "", nil, err
		}
		if first && len(said) > 0 {
			last = hours + afterwards
		}
	}
	return damage.Says, said, nil
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

// printDrift prints what was broken and what the drift check said, below the report of the onboarding.
func printDrift(out io.Writer, broke string, said []connection.DriftNotice, paint func(code, text string) string) {
	fmt.Fprintf(out, "\n%s\n", paint("1", "Drift: "+broke))
	if len(said) == 0 {
		fmt.Fprintf(out, "  nothing was found in %d hours\n", mostHours)
	}
	for _, notice := range said {
		f := notice.Finding
		fmt.Fprintf(out, "  %s  %-8s  %s (%s)\n", notice.ObservedAt.Format("Mon 15:04"), notice.Status, f.Check, notice.Severity)
		if notice.Status == connection.DriftClosed {
			continue
		}
		line := func(format string, args ...any) {
			const indent = "\n                       "
			fmt.Fprintln(out, indent[1:]+strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", indent))
		}
		line("%s", f.Detail)
		if f.By != "" {
			line("changed by %s", f.By)
		}
		switch {
		case notice.Status == connection.DriftFlapping:
			line("repaired %d times within a day; repairs are stopped: check how they ended", len(f.Repairs))
		case f.Repair != "":
			line("a repair was started")
		default:
			line("next: %s", remedy.Of(f))
		}
	}
}
