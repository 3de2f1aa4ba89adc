package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/connection"
	"postern/internal/step"
)

const driftHandler = "drift"

// driftMinutes is how often every onboarded connection is looked at.
const driftMinutes = 60

// driftChecksAtATime: two would overwrite each other's findings.
const driftChecksAtATime = 1

var driftGrants = []grant{
	// AWS: Route 53 checks ec2:DescribeVpcs of whoever lists a VPC's zones.
	describe("VpcEndpoints", "VpcEndpointServices", "VpcEndpointConnectionNotifications", "SecurityGroups", "Vpcs", "VpcAttribute",
		"NetworkAcls", "NetworkInterfaces"),
	{actions: []string{"route53:ListHostedZonesByVPC"}, resources: anything},
	{actions: []string{"route53:GetHostedZone", "route53:ListResourceRecordSets"}, resources: zones},
	{actions: []string{"ssm:GetParameters"}, resources: parameters},
	{actions: []string{"lambda:InvokeFunction"}, resources: (*stack).probes},
	{actions: []string{"dynamodb:GetItem", "dynamodb:UpdateItem"}, resources: table, conditions: withoutToken},
	{actions: []string{"dynamodb:Query"}, resources: linkedIndex},
	{actions: []string{"events:PutEvents"}, resources: eventBus},
	// AWS: LookupEvents has no resource types.
	{actions: []string{"cloudtrail:LookupEvents"}, resources: anything},
	{actions: []string{"states:StartExecution"}, resources: workflow},
	failedEvents,
}

// driftSpec is the drift check's. It is not among specs: it is made after the state machine, which it may start.
var driftSpec = spec{
	handler: driftHandler, reaches: true, description: "Compares onboarded connections with what was verified", timeoutSeconds: 900,
	env:    []string{step.EnvTable, step.EnvEventBus, step.EnvNetworks, step.EnvNotificationTopic, step.EnvStateMachine},
	grants: driftGrants, reserved: driftChecksAtATime,
}

// drift deploys the drift check behind its schedule and its rules.
func (s *stack) drift() {
	function := s.newFunction(constructID(driftHandler), "postern-"+driftHandler, driftSpec)
	s.functions[driftHandler] = function
	s.rule("DriftSchedule", "Compares every onboarded connection with what was verified", &awsevents.RuleProps{
		Schedule: awsevents.Schedule_Rate(awscdk.Duration_Minutes(jsii.Number(driftMinutes))),
	}, function, 0) // the next check is the retry
	s.interventions(function)
}

// probes are the probe functions that are called by our own role: those of the stack's Region.
func (s *stack) probes() []*string {
	var arns []*string
	for _, network := range s.networks {
		arns = append(arns, s.functions[network.ProbeFunction].FunctionArn())
	}
	return append(arns, s.probesElsewhere()...)
}

// interventions are the calls by which people change what a connection consists of. Those of Route 53 are told of in one Region
// only; tags, which no client depends on, wait for the schedule.
//
// AWS: CloudTrail tells of Route 53, a global service, in us-east-1.
var interventions = []string{
	"ModifyVpcEndpoint", "DeleteVpcEndpoints", "ModifyVpcAttribute",
	"AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "ModifySecurityGroupRules",
	"CreateNetworkAclEntry", "ReplaceNetworkAclEntry", "DeleteNetworkAclEntry", "ReplaceNetworkAclAssociation",
	"CreateHostedZone", "DeleteHostedZone", "AssociateVPCWithHostedZone", "DisassociateVPCFromHostedZone", "ChangeResourceRecordSets",
}

// interventions wakes the drift check at once. What is lost on the way is found by the schedule, so one retry is enough.
func (s *stack) interventions(function awslambda.Function) {
	// Needs a trail in the account that logs management events.
	s.rule("Interventions", "Somebody changed what a connection may consist of", &awsevents.RuleProps{
		EventPattern: &awsevents.EventPattern{
			Source: jsii.Strings("aws.ec2", "aws.route53"), DetailType: jsii.Strings("AWS API Call via CloudTrail"),
			Detail: &map[string]any{"eventName": interventions},
		},
	}, function, 1)
	s.rule("ParameterChanges", "Somebody changed what agents read", &awsevents.RuleProps{
		EventPattern: &awsevents.EventPattern{
			Source: jsii.Strings("aws.ssm"), DetailType: jsii.Strings("Parameter Store Change"),
			Detail: &map[string]any{
				"name": []any{map[string]any{"prefix": s.settings.ParameterPrefix + "/"}}, "operation": []string{"Update", "Delete"},
			},
		},
	}, function, 1)
	s.rule("Rejections", "A vendor let go of an endpoint", &awsevents.RuleProps{
		EventPattern: &awsevents.EventPattern{
			Source: jsii.Strings(connection.EventSource), DetailType: jsii.Strings(connection.EventEndpointState),
			Detail: &map[string]any{"state": []string{
				string(connection.StateRejected), string(connection.StateExpired), string(connection.StateFailed),
				string(connection.StateDeleting), string(connection.StateDeleted),
			}},
		},
	}, function, 1)
}
