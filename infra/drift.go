package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/step"
)

const driftHandler = "drift-check"

// driftMinutes is how often every onboarded connection is looked at.
const driftMinutes = 60

// driftChecksAtATime: two would overwrite each other's findings.
const driftChecksAtATime = 1

var driftGrants = []grant{
	describe("VpcEndpoints", "VpcEndpointServices", "VpcEndpointConnectionNotifications", "SecurityGroups", "Vpcs", "VpcAttribute",
		"NetworkAcls"),
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

// drift deploys the drift check behind its schedule.
func (s *stack) drift() {
	function := s.newFunction(constructID(driftHandler), "postern-"+driftHandler, driftSpec)
	s.functions[driftHandler] = function
	s.rule("DriftSchedule", "Compares every onboarded connection with what was verified", &awsevents.RuleProps{
		Schedule: awsevents.Schedule_Rate(awscdk.Duration_Minutes(jsii.Number(driftMinutes))),
	}, function, 0) // the next check is the retry
}
