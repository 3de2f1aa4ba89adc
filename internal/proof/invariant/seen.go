package invariant

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"postern/internal/connection"
	"postern/internal/local/dynamodb"
	"postern/internal/local/states"
	"postern/internal/local/template"
	"postern/internal/local/wire"
)

// The functions by which calls are distinguished.
const (
	awaitGate     = "postern-await-gate"
	observe       = "postern-observe"
	publishConfig = "postern-publish-config"
	resume        = "postern-resume"
)

// token is a task token of the embedded cloud.
var token = regexp.MustCompile(`AQCEAAAAKgAAAAMAAAAAAAAAA[A-Za-z0-9+/=]{20,}`)

// exchanged sees a call: where tokens go, what a step reads of its endpoint, and what is published.
func (w *Witness) exchanged(e wire.Exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if told := e.Service + "." + e.Operation; token.Match(e.RequestBody) && !mayHold(e) {
		w.found.say(secretToken, "a task token went to %s, by %s", told, e.Function)
	}
	switch {
	case e.Operation == "DescribeVpcEndpoints" && (e.Status == 200 || e.Status == 400) && !e.Injected && e.Function != observe:
		w.describe(e)
	case e.Operation == "PutParameter" && e.Done:
		if e.Function == publishConfig && w.verified[e.Origin] == "" {
			w.found.say(verifiedConfig, "execution %s published what it had not verified", e.Origin)
		}
		w.wrote(e)
	case e.Operation == "DeleteParameter" && e.Done:
		w.wrote(e)
	case strings.HasPrefix(e.Operation, "Create") && e.Done:
		w.oneOfEach(&w.found)
	case e.Operation == "DeleteVpcEndpoints" && e.Done:
		w.removed(e)
	}
}

// mayHold reports whether a request is one of those that a token is for: await-gate stores it, resume sends it.
func mayHold(e wire.Exchange) bool {
	return e.Function == awaitGate && e.Operation == "UpdateItem" || e.Function == resume && strings.HasPrefix(e.Operation, "SendTask")
}

func (w *Witness) describe(e wire.Exchange) {
	var answer struct {
		Endpoints []struct {
			ID    string `xml:"vpcEndpointId"`
			State string `xml:"state"`
		} `xml:"vpcEndpointSet>item"`
	}
	if err := xml.Unmarshal(e.Body, &answer); err != nil {
		w.found.say(proven, "an answer of DescribeVpcEndpoints cannot be read: %v", err)
	}
	for _, id := range ids(e) {
		w.described[e.Origin+" "+id] = "" // what the answer does not show is gone
	}
	for _, endpoint := range answer.Endpoints {
		w.described[e.Origin+" "+endpoint.ID] = endpoint.State
	}
}

// ids are the endpoints that a call of EC2's names.
func ids(e wire.Exchange) []string {
	form, err := url.ParseQuery(string(e.RequestBody))
	if err != nil {
		return nil // then nothing was done either
	}
	var all []string
	for i := 1; form.Has(fmt.Sprint("VpcEndpointId.", i)); i++ {
		all = append(all, form.Get(fmt.Sprint("VpcEndpointId.", i)))
	}
	return all
}

// removed checks that no published value points to an endpoint that is deleted.
func (w *Witness) removed(e wire.Exchange) {
	gone := ids(e)
	for name, value := range w.published {
		if slices.Contains(gone, value.endpoint) {
			w.found.say(verifiedConfig, "parameter %s is still published, and %s deletes its endpoint %s", name, e.Function, value.endpoint)
		}
	}
}

// wrote notes who wrote a parameter last.
func (w *Witness) wrote(e wire.Exchange) {
	var in struct{ Name string }
	if err := json.Unmarshal(e.RequestBody, &in); err != nil {
		w.found.say(onlyOurs, "a write to a parameter cannot be read: %v", err)
	}
	delete(w.published, in.Name)
	if e.Function == publishConfig {
		w.published[in.Name] = published{e.Origin, w.verified[e.Origin]}
	}
}

// moved sees an execution go from state to state.
func (w *Witness) moved(e states.StateEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if token.Match(e.Output) || token.MatchString(e.Cause) {
		w.found.say(secretToken, "a task token is in the history of %s, at %s", e.Execution, e.State)
	}
	switch {
	case e.Kind == states.Waiting && e.TokenWait:
		w.watched(e)
	case e.Kind == states.Entered && (e.State == "Plan" || e.State == "ConfigureDNS"):
		delete(w.verified, e.Execution)
	case e.Kind == states.Exited:
		var state connection.State
		if json.Unmarshal(e.Output, &state) != nil {
			return // of another state machine
		}
		if state.Plan != nil {
			w.plans[e.Execution] = state.Plan
			for _, output := range state.Plan.Outputs {
				w.planned[output.Parameter] = true
			}
		}
		if e.State == "VerifyConnectivity" && state.Verification != nil {
			delete(w.verified, e.Execution)
			if state.Verification.Verdict == connection.Pass && state.Endpoint != nil {
				w.verified[e.Execution] = state.Endpoint.ID
			}
		}
	}
}

// watched checks that an execution that begins to wait can be resumed: its token is stored, and in the index that the sweep reads.
func (w *Witness) watched(e states.StateEvent) {
	stored := slices.ContainsFunc(w.items(), func(item dynamodb.Item) bool {
		return item["waitExecution"].Text == e.Execution && item["waitToken"].Text != "" && item["waitGate"].Text != "" &&
			item["waitSince"].Text != ""
	})
	if !stored {
		w.found.say(watched, "execution %s waits in %s, and no token is stored", e.Execution, e.State)
	}
}

// lost checks that no wait ended for want of an answer, or of anybody who looks, when the vendor had given it.
func (w *Witness) lost(e states.Execution) {
	say := func(what string) { w.found.say(lost, "%s ended with %s, and %s", e.ARN, e.Error, what) }
	switch e.Error {
	case connection.WatchLost:
		say("the sweep is there")
	case connection.ApprovalTimedOut:
		for _, endpoint := range w.cloud.World.Endpoints() {
			if endpoint.Tags[connection.TagExecution] == e.ARN && !endpoint.AcceptedAt.IsZero() {
				say("the vendor had accepted " + endpoint.ID)
			}
		}
	case connection.AllowlistingTimedOut:
		plan := w.plans[e.ARN]
		service, _ := w.cloud.World.Service(plan.Service.Name)
		if slices.Contains(service.AllowedAccounts, plan.Network.AccountID) {
			say("the vendor had allow-listed account " + plan.Network.AccountID)
		}
	}
}

// changed sees how an execution ends. Onboarded is checked at once: what a vendor or a person does afterwards is drift.
func (w *Witness) changed(e states.Execution) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost(e)
	if e.Status != states.Succeeded || last(e) != "Onboarded" {
		return
	}
	var state connection.State
	if err := json.Unmarshal(e.Output, &state); err != nil || state.Endpoint == nil {
		w.found.say(proven, "execution %s is Onboarded, and its output is no state: %v", e.ARN, err)
		return
	}
	if seen := w.described[e.ARN+" "+state.Endpoint.ID]; connection.ParseEndpointState(seen) != connection.StateAvailable {
		w.found.say(proven, "execution %s is Onboarded, and last read that %s is %q", e.ARN, state.Endpoint.ID, seen)
	}
	if state.Verification == nil || state.Verification.Verdict != connection.Pass {
		w.found.say(proven, "execution %s is Onboarded, and its last probe did not pass", e.ARN)
	}
	if state.Config == nil || len(state.Config.Parameters) == 0 {
		w.found.say(verifiedConfig, "execution %s is Onboarded, and published nothing", e.ARN)
	}
	parameters := w.cloud.ParametersIn(state.Plan.Network.AccountID, state.Plan.Network.Region)
	for _, output := range state.Plan.Outputs {
		version, there := parameters.Get(output.Parameter)
		if !there || output.Format == connection.FormatText && version.Value != output.Value {
			w.found.say(verifiedConfig, "execution %s is Onboarded, and parameter %s is not as planned", e.ARN, output.Parameter)
		}
	}
}

// items are the items of every table.
func (w *Witness) items() []dynamodb.Item {
	var all []dynamodb.Item
	for _, table := range template.All[template.Table](w.cloud.Stack) {
		all = append(all, w.cloud.Tables.Items(table.Ref)...)
	}
	return all
}

func last(e states.Execution) string {
	if len(e.Path) == 0 {
		return "no state"
	}
	return e.Path[len(e.Path)-1]
}
