package main

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/plan"
	"postern/internal/step"
)

// functionsByHandler returns the functions' logical ids by handler; of the probes that of the first network.
func functionsByHandler(t *testing.T) map[string]string {
	t.Helper()
	ids := map[string]string{}
	for id, r := range ofType("AWS::Lambda::Function") {
		handler, _ := r.Properties["Handler"].(string)
		if name := r.Properties["FunctionName"]; handler == "probe" && name != probePrefix+"agents-prod" {
			continue
		}
		if ids[handler] != "" {
			t.Errorf("two functions have handler %s", handler)
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
		for _, never := range []string{step.EnvResolver, step.EnvGateway, step.EnvTickets} {
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

// environment is what each function reads; the embedded cloud's own variables are in none of them.
var environment = map[string][]string{
	"plan":            {step.EnvNetworks, step.EnvParameterPrefix, step.EnvTable, step.EnvTimeouts},
	"ensure-endpoint": {step.EnvNotificationTopic, step.EnvTable},
	"await-gate":      {step.EnvEventBus, step.EnvTable},
	"acknowledge":     {step.EnvEventBus, step.EnvTable},
	"observe":         {step.EnvEventBus, step.EnvTable},
	"drift":           {step.EnvEventBus, step.EnvNetworks, step.EnvNotificationTopic, step.EnvStateMachine, step.EnvTable},
	"resume":          {step.EnvTable},
	"configure-dns":   {step.EnvTable},
	"publish-config":  {step.EnvTable},
	"offboard":        {step.EnvEventBus, step.EnvNotificationTopic, step.EnvTable},
	"rollback":        {step.EnvNotificationTopic, step.EnvTable},
	"orphan":          {step.EnvEventBus, step.EnvNetworks, step.EnvParameterPrefix, step.EnvTable, step.EnvTimeouts},
	"mail":            {step.EnvOperatorsTopic, step.EnvTable},
	"page":            {step.EnvTable},
	"fleet":           {step.EnvNetworks},
	"ticket":          {step.EnvComments, step.EnvTable, step.EnvWriteBack},
	"webhook":         {step.EnvNetworks, step.EnvStateMachine, step.EnvTable, step.EnvWebhooks},
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	for handler, id := range functionsByHandler(t) {
		variables, _ := the(template.Resources[id].Properties["Environment"], "Variables").(map[string]any)
		if diff := cmp.Diff(environment[handler], slices.Sorted(maps.Keys(variables))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", handler, diff)
		}
	}
}

// TestNetworksReachTheFunctions: what the functions decode is what cdk.json says, with the probe function that exists.
func TestNetworksReachTheFunctions(t *testing.T) {
	t.Parallel()
	functions := functionsByHandler(t)
	variables := the(template.Resources[functions["plan"]].Properties["Environment"], "Variables")
	raw, _ := the(variables, step.EnvNetworks).(string)
	networks, err := connection.ParseNetworks(raw)
	if err != nil {
		t.Fatal(err)
	}
	network, found := networks.Find("us-east-1", "vpc-0a1b2c3d4e5f60718")
	probe := template.Resources[functions["probe"]].Properties
	if !found || network.ProbeFunction != probe["FunctionName"] {
		t.Errorf("the plan would call %q, the probe is %v", network.ProbeFunction, probe["FunctionName"])
	}
	want := map[string]any{"SubnetIds": []any{"subnet-0a10000000000000a", "subnet-0b10000000000000b"},
		"SecurityGroupIds": []any{"sg-0c0000000000000c1"}}
	if diff := cmp.Diff(want, probe["VpcConfig"]); diff != "" {
		t.Errorf("the probe runs elsewhere (-want +got):\n%s", diff)
	}
	raw, _ = the(variables, step.EnvTimeouts).(string)
	if timeouts, err := plan.ParseTimeouts(raw); err != nil || timeouts.ApprovalDays != 5 || timeouts.HeartbeatHours != 3 {
		t.Errorf("timeouts %+v, %v", timeouts, err)
	}
}

// TestFailedEventsAreKept: EventBridge and SNS only hand an event over; what the function then fails on is Lambda's to keep.
func TestFailedEventsAreKept(t *testing.T) {
	t.Parallel()
	functions := functionsByHandler(t)
	kept := map[string]bool{}
	for id, r := range ofType("AWS::Lambda::EventInvokeConfig") {
		if the(r.Properties["DestinationConfig"], "OnFailure", "Destination") == nil || r.Properties["MaximumRetryAttempts"] != 2.0 {
			t.Errorf("%s: %s", id, text(r.Properties))
		}
		kept[text(r.Properties["FunctionName"])] = true
	}
	for _, handler := range []string{"observe", "resume", "mail", "orphan", "ticket"} {
		if !kept[text(map[string]string{"Ref": functions[handler]})] {
			t.Errorf("what %s fails on is lost", handler)
		}
	}
}

// TestSeveralNetworks: a probe in each VPC, which the machine may call and the plan knows, and endpoints in these VPCs only.
func TestSeveralNetworks(t *testing.T) {
	t.Parallel()
	made, err := synthesize([]byte(`{
		"networks": [
			{"name": "a", "accountId": "444455556666", "region": "eu-west-1", "vpcId": "vpc-0000000a",
				"probeSubnetIds": ["subnet-0000000a"], "probeSecurityGroupIds": ["sg-0000000a"]},
			{"name": "b", "accountId": "444455556666", "region": "eu-west-1", "vpcId": "vpc-0000000b",
				"probeSubnetIds": ["subnet-0000000b"], "probeSecurityGroupIds": ["sg-0000000b"]}],
		"parameterPrefix": "/private", "operatorsEmail": "ops@example.com"}`))
	if err != nil {
		t.Fatal(err)
	}
	got := map[any]string{}
	var policies []string
	for id, r := range made.Resources {
		switch r.Type {
		case "AWS::Lambda::Function":
			if r.Properties["Handler"] == relayHandler {
				t.Errorf("%s: there is a relay though no network is in another Region", id)
			}
			if r.Properties["VpcConfig"] != nil {
				got[r.Properties["FunctionName"]] = text(the(r.Properties["VpcConfig"], "SubnetIds"))
				policies = append(policies, id)
			}
		case "AWS::ApiGatewayV2::Api", "AWS::SecretsManager::Secret":
			t.Errorf("%s: there is a door though no webhook is set up", id)
		}
	}
	want := map[any]string{"postern-probe-a": `["subnet-0000000a"]`, "postern-probe-b": `["subnet-0000000b"]`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	text := string(made.raw)
	for _, id := range policies {
		if n := strings.Count(text, `"`+id+`"`); n < 2 {
			t.Errorf("the machine may not invoke %s", id)
		}
	}
	for _, want := range []string{":ec2:eu-west-1:444455556666:vpc/vpc-0000000a", ":ec2:eu-west-1:444455556666:vpc/vpc-0000000b",
		"VPCId=vpc-0000000a,VPCRegion=eu-west-1", "VPCId=vpc-0000000b,VPCRegion=eu-west-1", ":parameter/private/*"} {
		if !strings.Contains(text, want) {
			t.Errorf("no role mentions %s", want)
		}
	}
}
