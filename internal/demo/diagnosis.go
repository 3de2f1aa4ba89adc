package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/local"
)

// onboarding makes the request of an onboarding of that of a diagnosis: the same connection.
func onboarding(diagnosis []byte, damage people.Damage) ([]byte, error) {
	request, err := connection.DecodeRequest(diagnosis)
	if err != nil {
		return nil, err
	}
	if request.Action != connection.ActionDiagnose || request.Vendor != damage.Vendor {
		return nil, fmt.Errorf("-break %s needs a diagnosis of %s, such as %s", damage.Name, damage.Vendor, sampleOf(damage))
	}
	request.Action, request.Cutover = connection.ActionOnboard, true
	return json.Marshal(request)
}

func sampleOf(damage people.Damage) string { return "events/diagnose." + damage.Vendor + ".json" }

// breakFirst onboards the connection that will be diagnosed, and breaks it; without damage it does nothing.
func breakFirst(cloud *local.Cloud, t *timeline, diagnosis []byte, damage *people.Damage) error {
	if damage == nil {
		return nil
	}
	request, err := onboarding(diagnosis, *damage)
	if err != nil {
		return err
	}
	execution, err := cloud.StartExecution("", request)
	if err != nil {
		return fmt.Errorf("starting the onboarding: %w", err)
	}
	t.line(cloud.Clock.Now(), markPerson, "", "an operator starts an onboarding")
	ended, err := cloud.Run(execution, patience)
	if err != nil {
		return fmt.Errorf("running the onboarding: %w", err)
	}
	var state connection.State
	if err := json.Unmarshal(ended.Output, &state); err != nil || state.Endpoint == nil {
		return errors.New("the onboarding failed, so there is nothing to break: " + ended.Cause)
	}
	if err := damage.Do(cloud, state.Endpoint.ID); err != nil {
		return err
	}
	t.line(cloud.Clock.Now(), markFail, "", damage.Says)
	return nil
}

// verdicts are how a check's answer looks at a glance.
var verdicts = map[connection.Verdict]string{connection.Pass: markDone, connection.Fail: markFail, connection.Unknown: "?"}

// findings are the lines that a diagnosis comes to.
func findings(d connection.Diagnosis, row func(name, format string, args ...any), paint func(code, text string) string) {
	row("cause", "%s", paint("1", d.Cause))
	row("", "%s", d.Sentence)
	row("next", "%s", d.Next)
	name := "evidence"
	for _, check := range d.Evidence {
		mark := verdicts[check.Verdict]
		row(name, "%s %-21s %s: %s", paint(markColours[mark], mark), check.Kind, check.Target, check.Detail)
		name = ""
	}
}
