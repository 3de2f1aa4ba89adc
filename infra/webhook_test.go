package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/notify/ticket"
)

// TestWebhookDoor: one route, throttled, logged without headers and bodies; what is behind it can start executions and nothing
// else.
func TestWebhookDoor(t *testing.T) {
	t.Parallel()
	functions := functionsByHandler(t)
	for id, route := range ofType("AWS::ApiGatewayV2::Route") {
		if route.Properties["RouteKey"] != "POST /webhook/{source}" {
			t.Errorf("route %s is %v", id, route.Properties["RouteKey"])
		}
	}
	for id, stage := range ofType("AWS::ApiGatewayV2::Stage") {
		settings := stage.Properties["DefaultRouteSettings"]
		if the(settings, "ThrottlingRateLimit") == nil || the(settings, "ThrottlingBurstLimit") == nil {
			t.Errorf("stage %s is not throttled: %s", id, text(settings))
		}
		format, _ := the(stage.Properties["AccessLogSettings"], "Format").(string)
		lower := strings.ToLower(format)
		if !strings.Contains(format, "$context.requestId") || strings.Contains(lower, "header") || strings.Contains(lower, "body") {
			t.Errorf("stage %s logs %s", id, format)
		}
	}
	for id, integration := range ofType("AWS::ApiGatewayV2::Integration") {
		uri := text(integration.Properties["IntegrationUri"])
		if integration.Properties["PayloadFormatVersion"] != "2.0" || !strings.Contains(uri, functions["webhook"]) {
			t.Errorf("integration %s: %s", id, text(integration.Properties))
		}
	}
	if n := template.Resources[functions["webhook"]].Properties["ReservedConcurrentExecutions"]; n != float64(webhookAtATime) {
		t.Errorf("reserved concurrency %v", n)
	}
	var names []string
	for id, secret := range ofType("AWS::SecretsManager::Secret") {
		if name, _ := secret.Properties["Name"].(string); strings.HasPrefix(name, ticket.SecretPrefix) {
			continue // TestWriteBack
		}
		if the(secret.Properties["GenerateSecretString"], "ExcludePunctuation") != true || secret.Properties["SecretString"] != nil {
			t.Errorf("secret %s: %s", id, text(secret.Properties))
		}
		names = append(names, secret.Properties["Name"].(string))
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"postern/webhook/github", "postern/webhook/jira", "postern/webhook/servicenow",
		"postern/webhook/standard", "postern/webhook/zendesk"}, names); diff != "" {
		t.Error(diff)
	}
	statements := 0
	for _, policy := range ofType("AWS::IAM::Policy") {
		for _, statement := range list(the(policy.Properties["PolicyDocument"], "Statement")) {
			action := text(the(statement, "Action"))
			if !strings.Contains(action, "states:StartExecution") && !strings.Contains(action, "secretsmanager:") {
				continue
			}
			statements++
			if strings.Contains(text(the(statement, "Resource")), "*") {
				t.Errorf("not restricted to our machine and our secrets: %s", text(statement))
			}
		}
	}
	if statements != 5 { // the fleet's machine and the drift check start executions as well, and comment reads credentials
		t.Errorf("%d statements about executions and secrets, want three and two", statements)
	}
}
