package proof_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"postern/internal/awserr"
	"postern/internal/connection"
	"postern/internal/local"
	"postern/internal/local/states"
	"postern/internal/local/template"
	"postern/internal/local/wire"
)

// detailTypes are all events that Postern puts.
var detailTypes = []string{
	connection.EventEndpointState, connection.EventServiceVisible, connection.EventGateOpened, connection.EventGateReminder,
	connection.EventAcknowledged, connection.EventCancelled, connection.EventDrift, connection.EventOrphan, connection.EventOffboarded,
	connection.EventGateStillClosed,
}

// puts are the events that each function may put, by the function's name.
var puts = map[string][]string{
	"postern-await-gate": {connection.EventGateOpened, connection.EventEndpointState, connection.EventServiceVisible},
	"postern-acknowledge": {connection.EventAcknowledged, connection.EventCancelled, connection.EventEndpointState,
		connection.EventServiceVisible},
	"postern-observe": {connection.EventEndpointState, connection.EventServiceVisible, connection.EventGateStillClosed,
		connection.EventGateReminder},
	"postern-drift":    {connection.EventDrift},
	"postern-orphan":   {connection.EventOrphan},
	"postern-offboard": {connection.EventOffboarded},
}

// busOf returns an EventBridge client with the role of a function.
func busOf(t *testing.T, c *local.Cloud, function string) *eventbridge.Client {
	t.Helper()
	for _, f := range template.All[template.Function](c.Stack) {
		if f.Ref == function {
			key := "AKIATEST" + function
			c.Server.Register(key, wire.Principal{RoleARN: f.Properties.Role, Function: function})
			return eventbridge.NewFromConfig(c.Server.AWS(key))
		}
	}
	t.Fatalf("the stack has no function %s", function)
	return nil
}

func entry(bus, source, detailType, detail string) types.PutEventsRequestEntry {
	return types.PutEventsRequestEntry{
		EventBusName: aws.String(bus), Source: aws.String(source), DetailType: aws.String(detailType), Detail: aws.String(detail),
	}
}

// TestEachFunctionPutsItsOwnEvents: a function's role may put the events that the function puts, on Postern's bus, and no other: of no
// other type, of no other source, on no other bus, and not in the same call as an event that it may put.
func TestEachFunctionPutsItsOwnEvents(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	for _, f := range template.All[template.Function](c.Stack) {
		function := f.Ref
		client := busOf(t, c, function)
		check := func(want bool, entries ...types.PutEventsRequestEntry) {
			t.Helper()
			_, err := client.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: entries})
			if err != nil && !awserr.IsDenied(err) {
				t.Fatal(err)
			}
			if got := err == nil; got != want {
				last := entries[len(entries)-1]
				t.Errorf("%s puts %q of %q on %s: %v", function, *last.DetailType, *last.Source, *last.EventBusName, err)
			}
		}
		for _, detailType := range detailTypes {
			may := slices.Contains(puts[function], detailType)
			check(may, entry("postern", connection.EventSource, detailType, "{}"))
			check(false, entry("default", connection.EventSource, detailType, "{}"))
			check(false, entry("postern", "aws.ec2x", detailType, "{}"))
			if own := puts[function]; len(own) > 0 {
				check(may, entry("postern", connection.EventSource, own[0], "{}"), entry("postern", connection.EventSource, detailType, "{}"))
			}
		}
	}
}

// meddler gives the role of page the permission to put any event on any bus, as an administrator has it.
func meddler(document map[string]any) {
	for id, policy := range resourcesOf(document, "AWS::IAM::Policy") {
		if strings.HasPrefix(id, "PageRole") {
			inner := policy["Properties"].(map[string]any)["PolicyDocument"].(map[string]any)
			inner["Statement"] = append(inner["Statement"].([]any),
				map[string]any{"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*"})
		}
	}
}

// TestForgedEventsAreIgnored: a principal that may put events everywhere puts each of Postern's events about an execution that waits.
// Postern's bus refuses them, and on the default bus they wake no function.
func TestForgedEventsAreIgnored(t *testing.T) {
	t.Parallel()
	c := open(t, func(config *local.Config) { config.Mutate = meddler })
	arn := begin(t, c)
	advance(t, c, time.Minute)
	waiting, _ := c.States.Execution(arn)
	if waiting.Status != states.Running || waiting.Path[len(waiting.Path)-1] != "AwaitAllowlisting" {
		t.Fatalf("it does not wait: %v", waiting.Path)
	}
	detail, err := json.Marshal(map[string]any{
		"schemaVersion": 1, "connectionId": "monte-carlo/agents-prod", "execution": arn, "gate": "allowlist", "state": "rejected",
		"observedBy": "acknowledgement", "observedAt": c.Clock.Now(), "subject": "Wire the money", "body": "to the forger",
		"ticket": map[string]any{"system": "github", "id": "acme/infra#1"},
	})
	must(t, err)
	client := busOf(t, c, "postern-page")
	before := len(c.Invocations())
	for _, detailType := range detailTypes {
		_, err := client.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
			entry("postern", connection.EventSource, detailType, string(detail))}})
		if !awserr.IsDenied(err) {
			t.Errorf("Postern's bus takes %q of a stranger: %v", detailType, err)
		}
		_, err = client.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
			entry("default", connection.EventSource, detailType, string(detail))}})
		must(t, err)
	}
	advance(t, c, time.Minute)
	for _, i := range c.Invocations()[before:] {
		t.Errorf("%s ran at %s", i.Function, i.At)
	}
	if still, _ := c.States.Execution(arn); still.Status != states.Running || len(still.Path) != len(waiting.Path) {
		t.Errorf("the execution went on to %v", still.Path)
	}
}
