package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/notify/ticket"
	"postern/internal/step"
)

// TestWriteBack: one function that runs one at a time, a table whose items expire, and a secret that is empty until an operator fills it.
func TestWriteBack(t *testing.T) {
	t.Parallel()
	comment := template.Resources[functionsByHandler(t)["ticket"]].Properties
	if n := comment["ReservedConcurrentExecutions"]; n != 1.0 {
		t.Errorf("reserved concurrency %v", n)
	}
	raw, _ := the(comment["Environment"], "Variables", step.EnvWriteBack).(string)
	settings, err := ticket.ParseSettings(raw)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]ticket.Settings{
		"github": {Account: "example"}, "standard": {BaseURL: "https://portal.example.com/postern"},
		"jira": {BaseURL: "https://example.atlassian.net"}, "servicenow": {BaseURL: "https://example.service-now.com"},
		"zendesk": {BaseURL: "https://example.zendesk.com", Public: true},
	}
	if diff := cmp.Diff(want, settings); diff != "" {
		t.Error(diff)
	}
	names := map[any]bool{}
	for id, secret := range ofType("AWS::SecretsManager::Secret") {
		p := secret.Properties
		names[p["Name"]] = true
		if name, _ := p["Name"].(string); len(name) > len(ticket.SecretPrefix) && name[:len(ticket.SecretPrefix)] == ticket.SecretPrefix &&
			(p["GenerateSecretString"] != nil || p["SecretString"] != nil) {
			t.Errorf("%s is not empty: %s", id, text(p))
		}
	}
	for system := range settings {
		if !names[ticket.SecretPrefix+system] {
			t.Errorf("there is no secret for %s", system)
		}
	}
	for id, table := range ofType("AWS::DynamoDB::Table") {
		if the(table.Properties["TimeToLiveSpecification"], "AttributeName") == "expires" && table.Properties["GlobalSecondaryIndexes"] == nil {
			return
		}
		t.Log(id)
	}
	t.Error("comments are kept for ever")
}
