package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/store"
)

func TestGoldenIsCurrent(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(template.raw) {
		t.Error("testdata/postern.template.json is not what the stack synthesizes; renew it with: make golden")
	}
	for name, made := range template.networks {
		path := fmt.Sprintf(goldenNetworks, name)
		if want, err := os.ReadFile(path); err != nil || string(want) != string(made) {
			t.Errorf("%s is not what the stack synthesizes; renew it with: make golden (%v)", path, err)
		}
	}
	if len(template.networks) != 3 {
		t.Errorf("%d networks are elsewhere, want 3", len(template.networks))
	}
}

// ofType returns the resources of a type by logical id.
func ofType(kind string) map[string]resource {
	found := map[string]resource{}
	for id, r := range template.Resources {
		if r.Type == kind {
			found[id] = r
		}
	}
	return found
}

// the follows keys into nested maps; nil when something is missing.
func the(value any, keys ...string) any {
	for _, key := range keys {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[key]
	}
	return value
}

func text(value any) string {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func list(value any) []any {
	if items, ok := value.([]any); ok {
		return items
	}
	if value == nil {
		return nil
	}
	return []any{value}
}

// TestWhoMayPublish: each service on its topic and on the topics' key, and only on behalf of this account's own resources.
func TestWhoMayPublish(t *testing.T) {
	t.Parallel()
	var got []string
	collect := func(where string, document any) {
		for _, one := range list(the(document, "Statement")) {
			if service := the(one, "Principal", "Service"); service != nil {
				got = append(got, fmt.Sprintf("%s %s %s", where, service, text(the(one, "Condition"))))
			}
		}
	}
	for _, r := range ofType("AWS::SNS::TopicPolicy") {
		topic := the(list(r.Properties["Topics"])[0], "Ref").(string)
		collect(strings.TrimRight(topic, "0123456789ABCDEF"), r.Properties["PolicyDocument"])
	}
	for _, r := range ofType("AWS::KMS::Key") {
		collect("Key", r.Properties["KeyPolicy"])
	}
	slices.Sort(got)
	const endpoints = `vpce.amazonaws.com {"ArnLike":{"aws:SourceArn":"arn:aws:ec2:us-east-1:111122223333:vpc-endpoint/*"},` +
		`"StringEquals":{"aws:SourceAccount":"111122223333"}}`
	want := []string{
		`Key cloudwatch.amazonaws.com {"StringEquals":{"aws:SourceAccount":"111122223333"}}`,
		`Key ` + endpoints,
		`Notifications ` + endpoints,
		`Operators cloudwatch.amazonaws.com {"ArnLike":{"aws:SourceArn":"arn:aws:cloudwatch:us-east-1:111122223333:alarm:*"}}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStorageIsSafe(t *testing.T) {
	t.Parallel()
	for id, table := range ofType("AWS::DynamoDB::Table") {
		if strings.HasPrefix(id, "Comments") {
			continue // nothing is lost with it: the comments are on the tickets
		}
		p := table.Properties
		if the(p["PointInTimeRecoverySpecification"], "PointInTimeRecoveryEnabled") != true || table.DeletionPolicy != "Retain" ||
			p["DeletionProtectionEnabled"] != true || the(p["TimeToLiveSpecification"], "AttributeName") != store.ExpiresAttribute || the(p["SSESpecification"], "SSEEnabled") != true {
			t.Errorf("table %s: %s, %s", id, table.DeletionPolicy, text(p))
		}
		// Everything of a wait that the sweep reads, and never the token.
		want := `[{"IndexName":"waiting","KeySchema":[{"AttributeName":"waitGate","KeyType":"HASH"},` +
			`{"AttributeName":"waitSince","KeyType":"RANGE"}],"Projection":{"NonKeyAttributes":["waitExecution","waitEndpoint",` +
			`"waitService","waitServiceRegion","waitRegistration","lastSeen","ticket","waitAsked","waitHours",` +
			`"waitCalendar","waitTo","waitSubject","reminderOf","reminderPercent",` +
			`"waitRole","waitExternalId","waitRegion","waitHeartbeat","waitBeat"],"ProjectionType":"INCLUDE"}},` +
			`{"IndexName":"linked","KeySchema":[{"AttributeName":"linked","KeyType":"HASH"},{"AttributeName":"id","KeyType":"RANGE"}],` +
			`"Projection":{"NonKeyAttributes":["expects","drift","holder","ticket"],"ProjectionType":"INCLUDE"}}]`
		if diff := cmp.Diff(want, text(p["GlobalSecondaryIndexes"])); diff != "" {
			t.Errorf("indexes of %s (-want +got):\n%s", id, diff)
		}
	}
	for id, topic := range ofType("AWS::SNS::Topic") {
		if topic.Properties["KmsMasterKeyId"] == nil {
			t.Errorf("topic %s is not encrypted", id)
		}
	}
	for id, subscription := range ofType("AWS::SNS::Subscription") {
		if subscription.Properties["Protocol"] == "lambda" && subscription.Properties["RedrivePolicy"] == nil {
			t.Errorf("subscription %s has no dead-letter queue", id)
		}
	}
}

func TestWorkflowLogsWithoutData(t *testing.T) {
	t.Parallel()
	for id, machine := range ofType("AWS::StepFunctions::StateMachine") {
		logging := machine.Properties["LoggingConfiguration"]
		if the(logging, "IncludeExecutionData") != false || the(logging, "Level") != "ALL" {
			t.Errorf("%s: execution data holds task tokens and must stay out of the log: %s", id, text(logging))
		}
		if the(machine.Properties["TracingConfiguration"], "Enabled") != true {
			t.Errorf("%s is not traced", id)
		}
	}
}
