package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
)

// The list is the review: what wakes which function, and how often delivery is tried before it is a dead letter.
func TestRules(t *testing.T) {
	t.Parallel()
	ours := func(details ...string) string {
		return text(map[string]any{"source": []string{connection.EventSource}, "detail-type": details})
	}
	changes := `{"detail":{"eventName":["ModifyVpcEndpoint","DeleteVpcEndpoints"],"eventSource":["ec2.amazonaws.com"]},` +
		`"detail-type":["AWS API Call via CloudTrail"],"source":["aws.ec2"]}`
	interventions := `{"detail":{"eventName":["ModifyVpcEndpoint","DeleteVpcEndpoints","ModifyVpcAttribute",` +
		`"AuthorizeSecurityGroupIngress","RevokeSecurityGroupIngress","ModifySecurityGroupRules","CreateNetworkAclEntry",` +
		`"ReplaceNetworkAclEntry","DeleteNetworkAclEntry","ReplaceNetworkAclAssociation","CreateHostedZone","DeleteHostedZone",` +
		`"AssociateVPCWithHostedZone","DisassociateVPCFromHostedZone","ChangeResourceRecordSets"]},` +
		`"detail-type":["AWS API Call via CloudTrail"],"source":["aws.ec2","aws.route53"]}`
	parameters := `{"detail":{"name":[{"prefix":"/postern/"}],"operation":["Update","Delete"]},` +
		`"detail-type":["Parameter Store Change"],"source":["aws.ssm"]}`
	rejections := `{"detail":{"state":["rejected","expired","failed","deleting","deleted"]},` +
		`"detail-type":["VPC Endpoint State Change"],"source":["postern"]}`
	observations := ours(connection.EventEndpointState, connection.EventServiceVisible, connection.EventGateStillClosed,
		connection.EventAcknowledged, connection.EventCancelled)
	opened := ours(connection.EventGateOpened, connection.EventGateReminder, connection.EventOffboarded, connection.EventOrphan, connection.EventDrift)
	commented := ours(connection.EventGateOpened, connection.EventGateReminder, connection.EventServiceVisible, connection.EventEndpointState,
		connection.EventDrift)
	var machine string // no ticket is about a fleet's own execution: each target's has one
	for id, r := range ofType("AWS::StepFunctions::StateMachine") {
		if r.Properties["StateMachineName"] == machineName {
			machine = id
		}
	}
	executions := fmt.Sprintf(`{"detail":{"stateMachineArn":[{"Ref":%q}]},`+
		`"detail-type":["Step Functions Execution Status Change"],"source":["aws.states"]}`, machine)
	deployed := `{"detail":{"stack-id":[{"Ref":"AWS::StackId"}],"status-details":{"status":["CREATE_COMPLETE","UPDATE_COMPLETE"]}},` +
		`"detail-type":["CloudFormation Stack Status Change"],"source":["aws.cloudformation"]}`
	want := map[string]string{
		commented:         "ticket, 20 retries in 86400 s",
		executions:        "ticket, 20 retries in 86400 s",
		"rate(1 hour)":    "drift, 0 retries in 86400 s",
		interventions:     "drift, 1 retries in 86400 s",
		parameters:        "drift, 1 retries in 86400 s",
		rejections:        "drift, 1 retries in 86400 s",
		deployed:          "drift, 1 retries in 86400 s; orphan, 1 retries in 86400 s",
		"rate(5 minutes)": "observe, 0 retries in 86400 s",
		"rate(6 hours)":   "orphan, 0 retries in 86400 s",
		changes:           "observe, 8 retries in 86400 s",
		observations:      "resume, 20 retries in 86400 s",
		opened:            "mail, 20 retries in 86400 s",
	}
	handlers := map[string]string{}
	for handler, id := range functionsByHandler(t) {
		handlers[id] = handler
	}
	got := map[string]string{}
	for id, rule := range ofType("AWS::Events::Rule") {
		when, _ := rule.Properties["ScheduleExpression"].(string)
		if when == "" {
			when = text(rule.Properties["EventPattern"])
		}
		// A rule for Postern's events on the default bus would act on events of any principal of the account.
		own := strings.Contains(when, `"source":["`+connection.EventSource+`"]`)
		if bus := the(rule.Properties["EventBusName"], "Ref"); own != (bus != nil) || own && template.Resources[bus.(string)].Properties["Name"] != "postern" {
			t.Errorf("rule %s is on the bus %v", id, bus)
		}
		if rule.Properties["State"] != "ENABLED" {
			t.Errorf("rule %s is %v", id, rule.Properties["State"])
		}
		for i, target := range list(rule.Properties["Targets"]) {
			if i > 0 {
				got[when] += "; "
			}
			function, _ := the(target, "Arn", "Fn::GetAtt").([]any)
			if len(function) == 0 || the(target, "DeadLetterConfig", "Arn") == nil {
				t.Fatalf("rule %s: its target is no function, or has no dead-letter queue: %s", id, text(target))
			}
			got[when] += fmt.Sprintf("%s, %v retries in %v s", handlers[function[0].(string)],
				the(target, "RetryPolicy", "MaximumRetryAttempts"), the(target, "RetryPolicy", "MaximumEventAgeInSeconds"))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDeadLettersComeFromOurs: EventBridge and SNS act for any customer; only our rules and our topic may write to the queue.
func TestDeadLettersComeFromOurs(t *testing.T) {
	t.Parallel()
	sources := map[string]int{}
	for id, policy := range ofType("AWS::SQS::QueuePolicy") {
		for _, one := range list(the(policy.Properties["PolicyDocument"], "Statement")) {
			service, _ := the(one, "Principal", "Service").(string)
			if the(one, "Effect") == "Deny" {
				continue
			}
			source := text(the(one, "Condition", "ArnEquals", "aws:SourceArn"))
			if service == "" || source == "null" || strings.Contains(source, "*") || the(one, "Action") != "sqs:SendMessage" {
				t.Errorf("%s: resources of any account may write: %s", id, text(one))
			}
			sources[service]++
		}
	}
	want := map[string]int{"events.amazonaws.com": len(ofType("AWS::Events::Rule")), "sns.amazonaws.com": 1}
	if diff := cmp.Diff(want, sources); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestOnlyPosternPutsEvents: the bus denies every principal but the roles of the functions that put events, and each of these roles may
// put only some detail types of Postern's source.
func TestOnlyPosternPutsEvents(t *testing.T) {
	t.Parallel()
	roles := map[string]bool{}
	for handler, id := range functionsByHandler(t) {
		for _, one := range statements(t, id) {
			if one.action != "events:PutEvents" {
				continue
			}
			roles[text(map[string]any{"Fn::GetAtt": []any{the(template.Resources[id].Properties["Role"], "Fn::GetAtt").([]any)[0], "Arn"}})] = true
			if !strings.Contains(one.condition, `"events:source":"postern"`) || !strings.Contains(one.condition, `"events:detail-type":[`) {
				t.Errorf("%s may put any event: %s", handler, one.condition)
			}
		}
	}
	policies := ofType("AWS::Events::EventBusPolicy")
	if len(policies) != 1 {
		t.Fatalf("%d policies", len(policies))
	}
	for id, policy := range policies {
		one := policy.Properties["Statement"]
		if the(one, "Effect") != "Deny" || the(one, "Principal") != "*" || the(one, "Action") != "events:PutEvents" {
			t.Errorf("%s: %s", id, text(one))
		}
		denied := map[string]bool{}
		for _, role := range list(the(one, "Condition", "ArnNotEquals", "aws:PrincipalArn")) {
			denied[text(role)] = true
		}
		if diff := cmp.Diff(roles, denied); diff != "" || len(roles) != 6 {
			t.Errorf("%s (-roles that put events +excepted):\n%s", id, diff)
		}
	}
}
