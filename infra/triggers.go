package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/connection"
)

// How often the scheduled functions run.
const (
	sweepMinutes     = 5  // the longest that a lost notification delays a wait
	driftMinutes     = 60 // between two checks of every onboarded connection
	orphanSweepHours = 6  // the longest that an orphaned resource is billed unreported, after its first hour
)

// trigger is one EventBridge rule and the functions that it calls.
type trigger struct {
	id, does string
	every    awscdk.Duration         // for a schedule
	pattern  *awsevents.EventPattern // for events
	own      bool                    // the events are Postern's, on its own bus; else AWS's, on the default bus
	calls    []string                // functions
	retries  float64                 // how often delivery is tried again; a schedule's next run is its retry
}

func (s *stack) triggers() {
	s.notifications.AddSubscription(awssnssubscriptions.NewLambdaSubscription(s.functions["observe"],
		&awssnssubscriptions.LambdaSubscriptionProps{DeadLetterQueue: s.deadLetters}))
	for _, t := range s.allTriggers() {
		s.trigger(t)
	}
	if s.functions["ticket"] != nil {
		s.trigger(trigger{id: "Executions", does: "Comments on a ticket when its execution begins or ends", calls: []string{"ticket"}, retries: 20,
			pattern: from("aws.states", "Step Functions Execution Status Change", map[string]any{
				"stateMachineArn": []*string{s.machine.StateMachineArn()},
			})})
		s.trigger(trigger{id: "ConnectionEvents", does: "Comments on a ticket what happens to its connection", own: true, calls: []string{"ticket"}, retries: 20,
			pattern: ofOurs(connection.EventGateOpened, connection.EventGateReminder, connection.EventServiceVisible,
				connection.EventEndpointState, connection.EventDrift)})
	}
}

// allTriggers are those that do not depend on the settings.
//
// The drift check finds by its schedule what it was not notified of, so its triggers retry once. Those of CloudTrail's events need a
// trail in the account that logs management events.
func (s *stack) allTriggers() []trigger {
	return []trigger{
		{id: "Sweep", does: "Looks at everything that waits, and repairs what was lost", calls: []string{"observe"},
			every: awscdk.Duration_Minutes(jsii.Number(sweepMinutes))},
		{id: "OrphanSweep", does: "Looks for orphaned resources", calls: []string{"orphan"},
			every: awscdk.Duration_Hours(jsii.Number(orphanSweepHours))},
		{id: "DriftSchedule", does: "Compares every onboarded connection with what was verified", calls: []string{driftHandler},
			every: awscdk.Duration_Minutes(jsii.Number(driftMinutes))},

		// Runs once after each deployment what the schedules run seldom, so that a fault shows at once and the alarms on their
		// silence end. AWS: a rate counts from when its rule was made; CloudFormation reports a stack's status when all of it is done.
		{id: "Deployed", does: "Runs the seldom scheduled functions once after a deployment", calls: []string{driftHandler, "orphan"}, retries: 1,
			pattern: from("aws.cloudformation", "CloudFormation Stack Status Change", map[string]any{
				"stack-id":       []*string{s.scope.StackId()},
				"status-details": map[string]any{"status": []string{"CREATE_COMPLETE", "UPDATE_COMPLETE"}},
			})},
		// Creating an endpoint changes none that Postern knows.
		{id: "Changes", does: "A call changed an endpoint in this account", calls: []string{"observe"}, retries: 8,
			pattern: from("aws.ec2", cloudTrail, map[string]any{
				"eventSource": []string{"ec2.amazonaws.com"}, "eventName": []string{"ModifyVpcEndpoint", "DeleteVpcEndpoints"},
			})},
		{id: "Interventions", does: "A call changed what a connection may consist of", calls: []string{driftHandler}, retries: 1,
			pattern: &awsevents.EventPattern{Source: jsii.Strings("aws.ec2", "aws.route53"), DetailType: jsii.Strings(cloudTrail),
				Detail: &map[string]any{"eventName": interventions}}},
		{id: "ParameterChanges", does: "A parameter that agents read has changed", calls: []string{driftHandler}, retries: 1,
			pattern: from("aws.ssm", "Parameter Store Change", map[string]any{
				"name":      []any{map[string]any{"prefix": s.settings.ParameterPrefix + "/"}},
				"operation": []string{"Update", "Delete"},
			})},

		{id: "Rejections", does: "A vendor rejected or removed an endpoint", own: true, calls: []string{driftHandler}, retries: 1,
			pattern: &awsevents.EventPattern{
				Source: jsii.Strings(connection.EventSource), DetailType: jsii.Strings(connection.EventEndpointState),
				Detail: &map[string]any{"state": []string{
					string(connection.StateRejected), string(connection.StateExpired), string(connection.StateFailed),
					string(connection.StateDeleting), string(connection.StateDeleted),
				}},
			}},
		{id: "Observations", does: "Passes what observe saw to the execution that waits", own: true, calls: []string{"resume"}, retries: 20,
			pattern: ofOurs(connection.EventEndpointState, connection.EventServiceVisible, connection.EventGateStillClosed,
				connection.EventAcknowledged, connection.EventCancelled)},
		{id: "Notices", does: "Mails the operators what to send the vendor, and what to decide", own: true, calls: []string{"mail"}, retries: 20,
			pattern: ofOurs(connection.EventGateOpened, connection.EventGateReminder, connection.EventOffboarded,
				connection.EventOrphan, connection.EventDrift)},
	}
}

// cloudTrail is the detail type of calls that CloudTrail recorded.
const cloudTrail = "AWS API Call via CloudTrail"

// interventions are the calls that change what a connection consists of. Tags, which no client depends on, wait for the schedule.
//
// AWS: CloudTrail reports calls of Route 53, a global service, in us-east-1 only.
var interventions = []string{
	"ModifyVpcEndpoint", "DeleteVpcEndpoints", "ModifyVpcAttribute",
	"AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "ModifySecurityGroupRules",
	"CreateNetworkAclEntry", "ReplaceNetworkAclEntry", "DeleteNetworkAclEntry", "ReplaceNetworkAclAssociation",
	"CreateHostedZone", "DeleteHostedZone", "AssociateVPCWithHostedZone", "DisassociateVPCFromHostedZone", "ChangeResourceRecordSets",
}

// from matches events of an AWS service.
func from(source, detailType string, detail map[string]any) *awsevents.EventPattern {
	return &awsevents.EventPattern{Source: jsii.Strings(source), DetailType: jsii.Strings(detailType), Detail: &detail}
}

// ofOurs matches Postern's events of these detail types.
func ofOurs(detailTypes ...string) *awsevents.EventPattern {
	return &awsevents.EventPattern{Source: jsii.Strings(connection.EventSource), DetailType: jsii.Strings(detailTypes...)}
}

// trigger defines a rule. What cannot be delivered within a day goes to the dead-letter queue, which has an alarm.
func (s *stack) trigger(t trigger) {
	props := &awsevents.RuleProps{Description: jsii.String(t.does), EventPattern: t.pattern}
	if t.every != nil {
		props.Schedule = awsevents.Schedule_Rate(t.every)
	}
	if t.own {
		props.EventBus = s.bus
	}
	rule := awsevents.NewRule(s.scope, jsii.String(t.id), props)
	for _, name := range t.calls {
		rule.AddTarget(awseventstargets.NewLambdaFunction(s.functions[name], &awseventstargets.LambdaFunctionProps{
			DeadLetterQueue: s.deadLetters,
			MaxEventAge:     awscdk.Duration_Hours(jsii.Number(24)),
			RetryAttempts:   jsii.Number(t.retries),
		}))
	}
}
