package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
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

// statement is one statement of a role, for one action.
type statement struct {
	action, resource, condition string // as JSON
	deny                        bool
}

// statements returns what the role of a function may do; what every function may do (logs, traces) is left out.
func statements(t *testing.T, function string) []statement {
	t.Helper()
	role, _ := the(template.Resources[function].Properties["Role"], "Fn::GetAtt").([]any)
	if len(role) == 0 {
		t.Fatalf("function %s has no role of its own", function)
	}
	var found []statement
	for _, policy := range ofType("AWS::IAM::Policy") {
		if !strings.Contains(text(policy.Properties["Roles"]), text(role[0])) {
			continue
		}
		for _, one := range list(the(policy.Properties["PolicyDocument"], "Statement")) {
			for _, action := range list(the(one, "Action")) {
				if name, _ := action.(string); !strings.HasPrefix(name, "logs:") && !strings.HasPrefix(name, "xray:") {
					found = append(found, statement{name, text(the(one, "Resource")), text(the(one, "Condition")), the(one, "Effect") == "Deny"})
				}
			}
		}
	}
	return found
}

// actions returns the actions that a function's role allows, sorted.
func actions(t *testing.T, function string) []string {
	t.Helper()
	found := map[string]bool{}
	for _, one := range statements(t, function) {
		if !one.deny {
			found[one.action] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// The list is the review: a new permission appears here, with a reason in grants.go.
func TestPermissions(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"plan": {"dynamodb:GetItem", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcAttribute",
			"ec2:DescribeVpcEndpointServices", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs", "route53:GetHostedZone",
			"route53:ListHostedZonesByVPC", "ssm:GetParameters"},
		"ensure-endpoint": {"dynamodb:GetItem", "dynamodb:UpdateItem", "ec2:CreateTags", "ec2:CreateVpcEndpoint",
			"ec2:CreateVpcEndpointConnectionNotification", "ec2:DescribeVpcEndpointConnectionNotifications",
			"ec2:DescribeVpcEndpoints", "route53:AssociateVPCWithHostedZone", "vpce:AllowMultiRegion"},
		"await-gate": {"dynamodb:GetItem", "dynamodb:UpdateItem", "ec2:DescribeVpcEndpointServices", "ec2:DescribeVpcEndpoints",
			"events:PutEvents"},
		"observe": {"dynamodb:Query", "ec2:DescribeVpcEndpointServices", "ec2:DescribeVpcEndpoints", "events:PutEvents",
			"sqs:SendMessage"},
		"resume": {"dynamodb:GetItem", "dynamodb:UpdateItem", "sqs:SendMessage", "states:SendTaskFailure", "states:SendTaskHeartbeat",
			"states:SendTaskSuccess"},
		"await-available": {"ec2:DescribeNetworkInterfaces", "ec2:DescribeVpcEndpoints"},
		"probe": {"ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
			"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"},
		"configure-dns": {"ec2:CreateTags", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs", "ec2:ModifyVpcEndpoint",
			"route53:AssociateVPCWithHostedZone", "route53:ChangeResourceRecordSets", "route53:CreateHostedZone",
			"route53:GetHostedZone", "route53:ListHostedZonesByName", "route53:ListHostedZonesByVPC", "route53:ListResourceRecordSets"},
		"publish-config": {"dynamodb:GetItem", "dynamodb:UpdateItem", "ssm:AddTagsToResource", "ssm:GetParameters", "ssm:PutParameter"},
		"rollback": {"dynamodb:GetItem", "dynamodb:UpdateItem", "ec2:DeleteVpcEndpointConnectionNotifications",
			"ec2:DeleteVpcEndpoints", "ec2:DescribeVpcEndpointConnectionNotifications", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs",
			"ec2:ModifyVpcEndpoint", "route53:ChangeResourceRecordSets", "route53:DeleteHostedZone", "route53:GetHostedZone",
			"route53:ListHostedZonesByVPC", "route53:ListResourceRecordSets", "ssm:DeleteParameter", "ssm:GetParameters",
			"ssm:PutParameter"},
		"webhook": {"dynamodb:GetItem", "secretsmanager:GetSecretValue", "states:StartExecution"},
		"notify":  {"dynamodb:UpdateItem", "kms:Decrypt", "kms:GenerateDataKey*", "sns:Publish", "sqs:SendMessage"},
	}
	deployed := functionsByHandler(t)
	for handler, id := range deployed {
		if diff := cmp.Diff(want[handler], actions(t, id)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", handler, diff)
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(deployed))); diff != "" {
		t.Errorf("functions (-want +got):\n%s", diff)
	}
}

// unrestricted are the actions that are allowed on *: AWS has no resource-level permissions for them. CreateHostedZone alone is
// restricted by a condition.
var unrestricted = regexp.MustCompile(`^ec2:Describe|^route53:(List|CreateHostedZone$)|^states:SendTask|` +
	`^ec2:(Create|Delete)VpcEndpointConnectionNotifications?$|^ec2:\w+(NetworkInterface|PrivateIpAddresses)$`)

func TestPermissionsAreScoped(t *testing.T) {
	t.Parallel()
	const managed = `"aws:%s/postern:managed":"true"`
	// Every statement that allows the action must have these in its resources and its condition.
	restricted := map[string]struct{ resource, condition string }{
		"ec2:CreateTags":                     {":vpc-endpoint/*", ""},
		"ec2:DeleteVpcEndpoints":             {":vpc-endpoint/*", fmt.Sprintf(managed, "ResourceTag")},
		"ec2:ModifyVpcEndpoint":              {":vpc-endpoint/*", fmt.Sprintf(managed, "ResourceTag")},
		"vpce:AllowMultiRegion":              {":vpc-endpoint/*", ""},
		"route53:CreateHostedZone":           {"*", `"ForAllValues:StringEquals":{"route53:VPCs":["VPCId=vpc-0a1b2c3d4e5f60718,VPCRegion=us-east-1"]}`},
		"ssm:PutParameter":                   {":parameter/postern/*", ""},
		"ssm:GetParameters":                  {":parameter/postern/*", ""},
		"ssm:DeleteParameter":                {":parameter/postern/*", ""},
		"ssm:AddTagsToResource":              {":parameter/postern/*", ""},
		"route53:DeleteHostedZone":           {":hostedzone/*", ""},
		"route53:GetHostedZone":              {":hostedzone/*", ""},
		"route53:ListResourceRecordSets":     {":hostedzone/*", ""},
		"events:PutEvents":                   {":event-bus/default", ""},
		"dynamodb:Query":                     {"/index/waiting", ""},
		"route53:ChangeResourceRecordSets":   {":hostedzone/*", ""},
		"route53:AssociateVPCWithHostedZone": {":vpc/vpc-0a1b2c3d4e5f60718", ""},
	}
	for handler, id := range functionsByHandler(t) {
		for _, one := range statements(t, id) {
			if one.resource == `"*"` && !unrestricted.MatchString(one.action) {
				t.Errorf("%s: %s on *", handler, one.action)
			}
			want := restricted[one.action]
			if !strings.Contains(one.resource, want.resource) || !strings.Contains(one.condition, want.condition) {
				t.Errorf("%s: %s on %s if %s, want %q and %q", handler, one.action, one.resource, one.condition, want.resource, want.condition)
			}
		}
	}
}

// TestEndpointsAreCreatedOnlyAsOurs: in a registered VPC and with our tag, which is all that tags may be put on by this way.
func TestEndpointsAreCreatedOnlyAsOurs(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, one := range statements(t, functionsByHandler(t)["ensure-endpoint"]) {
		if one.action == "ec2:CreateVpcEndpoint" || one.action == "ec2:CreateTags" {
			got[one.action+" "+strings.ReplaceAll(one.resource, "arn:aws:ec2:us-east-1:111122223333:", "")] = one.condition
		}
	}
	want := map[string]string{
		`ec2:CreateVpcEndpoint ["security-group/*","subnet/*","vpc/vpc-0a1b2c3d4e5f60718"]`: "null",
		`ec2:CreateVpcEndpoint "vpc-endpoint/*"`:                                            `{"StringEquals":{"aws:RequestTag/postern:managed":"true"}}`,
		`ec2:CreateTags "vpc-endpoint/*"`:                                                   `{"StringEquals":{"ec2:CreateAction":"CreateVpcEndpoint"}}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTokenIsOutOfReach: await-gate may write it and resume may read it. The last write of an execution removes it unseen; every
// other call may name all attributes but it.
func TestTokenIsOutOfReach(t *testing.T) {
	t.Parallel()
	open := map[string]bool{"await-gate dynamodb:UpdateItem": true, "resume dynamodb:GetItem": true, "resume dynamodb:UpdateItem": true}
	unseen := map[string]bool{"publish-config dynamodb:UpdateItem": true, "rollback dynamodb:UpdateItem": true}
	checked := 0
	for handler, id := range functionsByHandler(t) {
		for _, one := range statements(t, id) {
			call := handler + " " + one.action
			if !strings.HasPrefix(one.action, "dynamodb:") || one.action == "dynamodb:Query" || open[call] {
				continue
			}
			checked++
			if !strings.Contains(one.condition, `"dynamodb:ReturnValues":"NONE"`) {
				t.Errorf("%s may have attributes returned that it does not name: %s", call, one.condition)
			}
			if unseen[call] {
				continue
			}
			if !strings.Contains(one.condition, `"ForAllValues:StringEquals":{"dynamodb:Attributes":[`) ||
				!strings.Contains(one.condition, `"dynamodb:Select":"SPECIFIC_ATTRIBUTES"`) || strings.Contains(one.condition, "waitToken") {
				t.Errorf("%s may touch the task token: %s", call, one.condition)
			}
		}
	}
	if checked < 8 {
		t.Errorf("only %d calls were looked at", checked)
	}
}

// TestProbeCallsNothing: Lambda needs its permissions to run it inside the VPC; its own code is denied every one of them.
func TestProbeCallsNothing(t *testing.T) {
	t.Parallel()
	allowed, denied := map[string]bool{}, map[string]bool{}
	for _, one := range statements(t, functionsByHandler(t)["probe"]) {
		if !one.deny {
			allowed[one.action] = true
		} else if one.condition == `{"ArnLike":{"lambda:SourceFunctionArn":"arn:*:lambda:*:*:function:postern-probe-*"}}` {
			denied[one.action] = true
		}
	}
	if diff := cmp.Diff(allowed, denied); diff != "" || len(allowed) == 0 {
		t.Errorf("(-allowed +denied to its code):\n%s", diff)
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

// TestWhoMaySpeakToUs: each service on its topic and on the topics' key, and only on behalf of this account's own resources.
func TestWhoMaySpeakToUs(t *testing.T) {
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
		collect(strings.TrimRight(the(list(r.Properties["Topics"])[0], "Ref").(string), "0123456789ABCDEF"), r.Properties["PolicyDocument"])
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
		"no network":        {func(s *Settings) { s.Networks = nil }, "networks: missing"},
		"name":              {func(s *Settings) { s.Networks[0].Name = "A b" }, "networks[0].name"},
		"name twice":        {func(s *Settings) { s.Networks = append(s.Networks, network) }, "networks[1].name"},
		"account":           {func(s *Settings) { s.Networks[0].AccountID = "1" }, "networks[0].accountId"},
		"VPC":               {func(s *Settings) { s.Networks[0].VPCID = "vpc-1" }, `networks[0].vpcId: "vpc-1"; write an id`},
		"another kind's id": {func(s *Settings) { s.Networks[0].VPCID = "sg-0c0000000000000c1" }, "networks[0].vpcId"},
		"VPC twice": {func(s *Settings) {
			s.Networks = append(s.Networks, network)
			s.Networks[1].Name = "b"
		}, "networks[1].vpcId: vpc-0a1b2c3d4e5f60718 is registered above"},
		"Region": {func(s *Settings) { s.Networks[0].Region = "useast1" }, "networks[0].region"},
		"another Region": {func(s *Settings) {
			s.Networks = append(s.Networks, network)
			s.Networks[1].Region = "eu-west-1"
		}, "networks[1].region"},
		"another account": {func(s *Settings) {
			s.Networks = append(s.Networks, network)
			s.Networks[1].AccountID = "444455556666"
		}, "networks[1].accountId"},
		"no group to probe with":          {func(s *Settings) { s.Networks[0].ProbeSecurityGroupIDs = nil }, "probeSecurityGroupIds: missing"},
		"negative quota":                  {func(s *Settings) { s.Networks[0].EndpointQuota = -1 }, "networks[0].endpointQuota"},
		"no place to probe":               {func(s *Settings) { s.Networks[0].ProbeSubnetIDs = nil }, "probeSubnetIds"},
		"prefix":                          {func(s *Settings) { s.ParameterPrefix = "postern" }, "parameterPrefix"},
		"prefix AWS reserves in capitals": {func(s *Settings) { s.ParameterPrefix = "/SSM" }, "parameterPrefix"},
		"prefix AWS reserves":             {func(s *Settings) { s.ParameterPrefix = "/aws/x" }, "parameterPrefix"},
		"e-mail":                          {func(s *Settings) { s.OperatorsEmail = "nobody" }, "operatorsEmail"},
		"unknown webhook":                 {func(s *Settings) { s.Webhooks = map[string]webhook.Override{"gitlab": {}} }, "webhooks.gitlab"},
		"webhook's field": {func(s *Settings) {
			s.Webhooks = map[string]webhook.Override{"jira": {Fields: map[string]string{"roleArn": "/issue/key"}}}
		}, "webhooks.jira"},
		"webhooks too large": {func(s *Settings) {
			s.Webhooks = map[string]webhook.Override{"jira": {TicketURL: "https://example.com/" + strings.Repeat("x", 4000)}}
		}, "map fewer fields"},
		"negative timeout":             {func(s *Settings) { s.Timeouts.ApprovalDays = -1 }, "timeouts: -1 days; write 0 to"},
		"longer than a function takes": {func(s *Settings) { s.Timeouts.AllowlistDays = 400 }, "timeouts: 400 days"},
		"heartbeat of a day":           {func(s *Settings) { s.Timeouts.HeartbeatHours = 24 }, "a heartbeat of 24 hours"},
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

func TestSettingsAreReadStrictly(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile(demo)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parseSettings(good); err != nil {
		t.Errorf("the demo's settings: %v", err)
	}
	for name, test := range map[string]struct{ raw, want string }{
		"nothing":          {`null`, "networks: missing"},
		"an unknown field": {`{"operatorEmail": "a@example.com"}`, `unknown field "operatorEmail"`},
		"a wrong type":     {`{"timeouts": {"approvalDays": "14"}}`, "approvalDays"},
		"every fault":      {`{}`, "operatorsEmail"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := parseSettings([]byte(test.raw)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
