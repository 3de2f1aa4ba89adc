package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/step"
	"postern/internal/webhook"
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

// functionsByHandler returns the functions' logical ids by handler.
func functionsByHandler(t *testing.T) map[string]string {
	t.Helper()
	ids := map[string]string{}
	for id, r := range ofType("AWS::Lambda::Function") {
		handler, _ := r.Properties["Handler"].(string)
		if ids[handler] != "" {
			t.Errorf("two functions have handler %s; the example has one network", handler)
		}
		ids[handler] = id
	}
	return ids
}

func TestEveryLambdaIsDeployed(t *testing.T) {
	t.Parallel()
	mains, err := filepath.Glob("../lambdas/*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	deployed := functionsByHandler(t)
	for _, main := range mains {
		if name := filepath.Base(filepath.Dir(main)); deployed[name] == "" {
			t.Errorf("lambdas/%s is in no stack", name)
		}
	}
	if len(mains) != len(deployed) {
		t.Errorf("%d functions are deployed, %d have a main", len(deployed), len(mains))
	}
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	roles := map[string]string{}
	for id, r := range ofType("AWS::Lambda::Function") {
		p := r.Properties
		if p["Runtime"] != "provided.al2023" || text(p["Architectures"]) != `["arm64"]` {
			t.Errorf("%s: %v %v, want provided.al2023 on arm64", id, p["Runtime"], p["Architectures"])
		}
		if the(p["TracingConfig"], "Mode") != "Active" || the(p["LoggingConfig"], "LogFormat") != "JSON" {
			t.Errorf("%s: tracing %v, logging %v", id, p["TracingConfig"], p["LoggingConfig"])
		}
		role := text(p["Role"])
		if other := roles[role]; other != "" {
			t.Errorf("%s and %s share a role", id, other)
		}
		roles[role] = id
		for _, never := range []string{step.EnvResolver, step.EnvGateway} {
			if the(p["Environment"], "Variables", never) != nil {
				t.Errorf("%s: %s is for the embedded cloud only", id, never)
			}
		}
	}
	for id, r := range ofType("AWS::Logs::LogGroup") {
		if r.Properties["RetentionInDays"] == nil {
			t.Errorf("log group %s is kept for ever", id)
		}
	}
}

// actions returns what the role of a function may do, sorted; what every function may do (logs, traces) is left out.
func actions(t *testing.T, function string) []string {
	t.Helper()
	role, _ := the(template.Resources[function].Properties["Role"], "Fn::GetAtt").([]any)
	if len(role) == 0 {
		t.Fatalf("function %s has no role of its own", function)
	}
	var found []string
	for _, policy := range ofType("AWS::IAM::Policy") {
		if !strings.Contains(text(policy.Properties["Roles"]), text(role[0])) {
			continue
		}
		for _, statement := range list(the(policy.Properties["PolicyDocument"], "Statement")) {
			for _, action := range list(the(statement, "Action")) {
				name, _ := action.(string)
				if !strings.HasPrefix(name, "logs:") && !strings.HasPrefix(name, "xray:") && !slices.Contains(found, name) {
					found = append(found, name)
				}
			}
		}
	}
	slices.Sort(found)
	return found
}

// The list is the review: a new permission appears here, with a reason in grants.go.
func TestPermissions(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"plan": {"dynamodb:GetItem", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcAttribute", "ec2:DescribeVpcEndpointServices",
			"ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs", "route53:GetHostedZone", "route53:ListHostedZonesByVPC", "ssm:GetParameters"},
		"ensure-endpoint": {"dynamodb:GetItem", "dynamodb:UpdateItem", "ec2:CreateTags", "ec2:CreateVpcEndpoint",
			"ec2:CreateVpcEndpointConnectionNotification", "ec2:DescribeVpcEndpointConnectionNotifications", "ec2:DescribeVpcEndpoints", "vpce:AllowMultiRegion"},
		"await-gate": {"dynamodb:GetItem", "dynamodb:UpdateItem", "ec2:DescribeVpcEndpointServices", "ec2:DescribeVpcEndpoints", "events:PutEvents"},
		"observe":    {"dynamodb:Query", "ec2:DescribeVpcEndpointServices", "ec2:DescribeVpcEndpoints", "events:PutEvents", "sqs:SendMessage"},
		"resume": {"dynamodb:GetItem", "dynamodb:UpdateItem", "sqs:SendMessage", "states:SendTaskFailure", "states:SendTaskHeartbeat",
			"states:SendTaskSuccess"},
		"await-available": {"ec2:DescribeNetworkInterfaces", "ec2:DescribeVpcEndpoints"},
		"probe": {"ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
			"ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"},
		"configure-dns": {"ec2:CreateTags", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs", "ec2:ModifyVpcEndpoint", "route53:AssociateVPCWithHostedZone",
			"route53:ChangeResourceRecordSets", "route53:CreateHostedZone", "route53:GetHostedZone", "route53:ListHostedZonesByName",
			"route53:ListHostedZonesByVPC", "route53:ListResourceRecordSets"},
		"publish-config": {"dynamodb:GetItem", "dynamodb:UpdateItem", "ssm:AddTagsToResource", "ssm:GetParameters", "ssm:PutParameter"},
		"rollback": {"dynamodb:GetItem", "dynamodb:UpdateItem", "ec2:DeleteVpcEndpointConnectionNotifications", "ec2:DeleteVpcEndpoints",
			"ec2:DescribeVpcEndpointConnectionNotifications", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs", "ec2:ModifyVpcEndpoint",
			"route53:ChangeResourceRecordSets", "route53:DeleteHostedZone", "route53:GetHostedZone", "route53:ListHostedZonesByVPC",
			"route53:ListResourceRecordSets", "ssm:DeleteParameter", "ssm:GetParameters", "ssm:PutParameter"},
		"webhook": {"dynamodb:GetItem", "secretsmanager:GetSecretValue", "states:StartExecution"},
		"notify":  {"dynamodb:UpdateItem", "kms:Decrypt", "kms:GenerateDataKey*", "sns:Publish", "sqs:SendMessage"},
	}
	for handler, id := range functionsByHandler(t) {
		if diff := cmp.Diff(want[handler], actions(t, id)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", handler, diff)
		}
	}
}

func TestOnlyResumeMaySendTokens(t *testing.T) {
	t.Parallel()
	for handler, id := range functionsByHandler(t) {
		for _, action := range actions(t, id) {
			if strings.HasPrefix(action, "states:SendTask") && handler != "resume" {
				t.Errorf("%s may %s", handler, action)
			}
		}
	}
}

func TestNotificationsAreOnlyFromOurEndpoints(t *testing.T) {
	t.Parallel()
	var checked int
	check := func(where string, document any) {
		for _, statement := range list(the(document, "Statement")) {
			if the(statement, "Principal", "Service") != "vpce.amazonaws.com" {
				continue
			}
			checked++
			if text(the(statement, "Condition", "StringEquals", "aws:SourceAccount")) != `{"Ref":"AWS::AccountId"}` {
				t.Errorf("%s: any account's endpoint may speak: %s", where, text(statement))
			}
			if arn := text(the(statement, "Condition", "ArnLike", "aws:SourceArn")); !strings.Contains(arn, ":vpc-endpoint/*") {
				t.Errorf("%s: the source is not restricted to endpoints: %s", where, text(statement))
			}
		}
	}
	for id, r := range ofType("AWS::SNS::TopicPolicy") {
		check(id, r.Properties["PolicyDocument"])
	}
	for id, r := range ofType("AWS::KMS::Key") {
		check(id, r.Properties["KeyPolicy"])
	}
	if checked != 2 {
		t.Errorf("vpce.amazonaws.com is in %d statements, want one of the topic and one of its key", checked)
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	patterns := map[string]string{
		text([]string{connection.EventEndpointState, connection.EventServiceVisible, connection.EventGateStillClosed}): "resume",
		text([]string{connection.EventGateOpened}):    "notify",
		text([]string{"AWS API Call via CloudTrail"}): "observe",
		"rate(5 minutes)": "observe",
	}
	functions := functionsByHandler(t)
	for id, rule := range ofType("AWS::Events::Rule") {
		key, _ := rule.Properties["ScheduleExpression"].(string)
		if key == "" {
			key = text(the(rule.Properties["EventPattern"], "detail-type"))
		}
		handler, known := patterns[key]
		if !known {
			t.Errorf("rule %s: nobody expects %s", id, key)
			continue
		}
		delete(patterns, key)
		for _, target := range list(rule.Properties["Targets"]) {
			if !strings.Contains(text(the(target, "Arn")), functions[handler]) {
				t.Errorf("rule %s goes to %s, want %s", id, text(the(target, "Arn")), handler)
			}
			if the(target, "DeadLetterConfig", "Arn") == nil || the(target, "RetryPolicy", "MaximumRetryAttempts") == nil ||
				the(target, "RetryPolicy", "MaximumEventAgeInSeconds") == nil {
				t.Errorf("rule %s: needs a dead-letter queue and an explicit retry policy: %s", id, text(target))
			}
		}
	}
	for key, handler := range patterns {
		t.Errorf("no rule sends %s to %s", key, handler)
	}
}

func TestStorageIsSafe(t *testing.T) {
	t.Parallel()
	for id, table := range ofType("AWS::DynamoDB::Table") {
		if the(table.Properties["PointInTimeRecoverySpecification"], "PointInTimeRecoveryEnabled") != true || table.DeletionPolicy != "Retain" ||
			table.Properties["DeletionProtectionEnabled"] != true || table.Properties["SSESpecification"] == nil {
			t.Errorf("table %s: %s, %s", id, table.DeletionPolicy, text(table.Properties))
		}
		for _, index := range list(table.Properties["GlobalSecondaryIndexes"]) {
			if strings.Contains(text(index), "waitToken") || the(index, "Projection", "ProjectionType") == "ALL" {
				t.Errorf("an index of %s carries the task token: %s", id, text(index))
			}
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

// TestWebhookDoor: one route, throttled, logged without headers and bodies; what is behind it can start executions and nothing else.
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
		if !strings.Contains(format, "$context.requestId") || strings.Contains(strings.ToLower(format), "header") || strings.Contains(format, "body") {
			t.Errorf("stage %s logs %s", id, format)
		}
	}
	for id, integration := range ofType("AWS::ApiGatewayV2::Integration") {
		if integration.Properties["PayloadFormatVersion"] != "2.0" || !strings.Contains(text(integration.Properties["IntegrationUri"]), functions["webhook"]) {
			t.Errorf("integration %s: %s", id, text(integration.Properties))
		}
	}
	if n := template.Resources[functions["webhook"]].Properties["ReservedConcurrentExecutions"]; n != float64(webhookAtATime) {
		t.Errorf("reserved concurrency %v", n)
	}
	var names []string
	for id, secret := range ofType("AWS::SecretsManager::Secret") {
		if the(secret.Properties["GenerateSecretString"], "ExcludePunctuation") != true || secret.Properties["SecretString"] != nil {
			t.Errorf("secret %s: %s", id, text(secret.Properties))
		}
		names = append(names, secret.Properties["Name"].(string))
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"postern/webhook/github", "postern/webhook/standard"}, names); diff != "" {
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
	if statements != 2 {
		t.Errorf("%d statements about executions and secrets, want one of each", statements)
	}
}

func TestSettingsFaults(t *testing.T) {
	t.Parallel()
	network := connection.RegisteredNetwork{Name: "a", AccountID: "111122223333", Region: "us-east-1", VPCID: "vpc-0a1b2c3d4e5f60718",
		ProbeSubnetIDs: []string{"subnet-0a10000000000000a"}, ProbeSecurityGroupIDs: []string{"sg-0c0000000000000c1"}}
	good := Settings{Networks: connection.Networks{network}, ParameterPrefix: "/postern", OperatorsEmail: "a@example.com"}
	if faults := good.check(); len(faults) > 0 {
		t.Fatalf("good settings: %v", faults)
	}
	tests := map[string]struct {
		spoil func(*Settings)
		want  string
	}{
		"no network":          {func(s *Settings) { s.Networks = nil }, "networks: missing"},
		"name":                {func(s *Settings) { s.Networks[0].Name = "A b" }, "networks[0].name"},
		"name twice":          {func(s *Settings) { s.Networks = append(s.Networks, network) }, "networks[1].name"},
		"account":             {func(s *Settings) { s.Networks[0].AccountID = "1" }, "networks[0].accountId"},
		"VPC":                 {func(s *Settings) { s.Networks[0].VPCID = "vpc-1" }, `"vpc-1" is not an id`},
		"no place to probe":   {func(s *Settings) { s.Networks[0].ProbeSubnetIDs = nil }, "probeSubnetIds"},
		"prefix":              {func(s *Settings) { s.ParameterPrefix = "postern" }, "parameterPrefix"},
		"prefix AWS reserves": {func(s *Settings) { s.ParameterPrefix = "/aws/x" }, "parameterPrefix"},
		"e-mail":              {func(s *Settings) { s.OperatorsEmail = "nobody" }, "operatorsEmail"},
		"unknown webhook":     {func(s *Settings) { s.Webhooks = map[string]webhook.Override{"gitlab": {}} }, "webhooks.gitlab"},
		"webhook's field": {func(s *Settings) {
			s.Webhooks = map[string]webhook.Override{"jira": {Fields: map[string]string{"roleArn": "/issue/key"}}}
		}, "webhooks.jira"},
		"webhooks too large": {func(s *Settings) {
			s.Webhooks = map[string]webhook.Override{"jira": {TicketURL: "https://example.com/" + strings.Repeat("x", 4000)}}
		}, "map fewer fields"},
		"negative timeout": {func(s *Settings) { s.Timeouts.ApprovalDays = -1 }, "timeouts"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := good
			s.Networks = slices.Clone(good.Networks)
			test.spoil(&s)
			faults := s.check()
			if len(faults) == 0 || !strings.Contains(strings.Join(faults, "\n"), test.want) {
				t.Errorf("faults %q, want %q", faults, test.want)
			}
		})
	}
}
