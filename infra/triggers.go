package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/connection"
)

// sweepMinutes is how long a lost message can delay anybody.
const sweepMinutes = 5

// orphanSweepHours is how long an orphan bills at most before anybody hears of it, besides the hour in which it is none yet.
const orphanSweepHours = 6

func (s *stack) triggers() {
	s.notifications.AddSubscription(awssnssubscriptions.NewLambdaSubscription(s.functions["observe"],
		&awssnssubscriptions.LambdaSubscriptionProps{DeadLetterQueue: s.deadLetters}))
	s.rule("Sweep", "Looks at everything that waits, and repairs what was lost", &awsevents.RuleProps{
		Schedule: awsevents.Schedule_Rate(awscdk.Duration_Minutes(jsii.Number(sweepMinutes))),
	}, s.functions["observe"], 0) // the next sweep is the retry
	s.rule("OrphanSweep", "Looks for what nobody answers for", &awsevents.RuleProps{
		Schedule: awsevents.Schedule_Rate(awscdk.Duration_Hours(jsii.Number(orphanSweepHours))),
	}, s.functions["orphan"], 0)
	s.deployed()
	// Needs a trail in the account that logs management events. Creating an endpoint changes none that we know.
	s.rule("Changes", "Somebody changed an endpoint in this account", &awsevents.RuleProps{
		EventPattern: &awsevents.EventPattern{
			Source: jsii.Strings("aws.ec2"), DetailType: jsii.Strings("AWS API Call via CloudTrail"),
			Detail: &map[string]any{
				"eventSource": []string{"ec2.amazonaws.com"},
				"eventName":   []string{"ModifyVpcEndpoint", "DeleteVpcEndpoints"},
			},
		},
	}, s.functions["observe"], 8)
	s.rule("Observations", "What observe saw, to whoever waits for it", &awsevents.RuleProps{
		EventPattern: &awsevents.EventPattern{
			Source: jsii.Strings(connection.EventSource),
			DetailType: jsii.Strings(connection.EventEndpointState, connection.EventServiceVisible, connection.EventGateStillClosed,
				connection.EventAcknowledged, connection.EventCancelled),
		},
	}, s.functions["resume"], 20)
	s.rule("Notices", "What to send the vendor, and what to decide, to the operators", &awsevents.RuleProps{
		EventPattern: &awsevents.EventPattern{
			Source: jsii.Strings(connection.EventSource),
			DetailType: jsii.Strings(connection.EventGateOpened, connection.EventGateReminder, connection.EventOffboarded,
				connection.EventOrphan, connection.EventDrift),
		},
	}, s.functions["mail"], 20)
}

// deployed has what runs seldom run when the stack is there: nobody waits hours to learn whether it can, and the alarms that mind its
// silence end at once.
//
// AWS: a rate counts from when its rule was made; CloudFormation tells of a stack's status when all of it is done.
func (s *stack) deployed() {
	rule := s.rule("Deployed", "Postern was deployed: what the schedules run seldom runs now", &awsevents.RuleProps{
		EventPattern: &awsevents.EventPattern{
			Source: jsii.Strings("aws.cloudformation"), DetailType: jsii.Strings("CloudFormation Stack Status Change"),
			Detail: &map[string]any{
				"stack-id":       []*string{s.scope.StackId()},
				"status-details": map[string]any{"status": []string{"CREATE_COMPLETE", "UPDATE_COMPLETE"}},
			},
		},
	}, s.functions[driftHandler], 1)
	s.send(rule, s.functions["orphan"], 1)
}

// rule sends what matches to a function.
func (s *stack) rule(id, description string, props *awsevents.RuleProps, target awslambda.Function, retries float64) awsevents.Rule {
	props.Description = jsii.String(description)
	rule := awsevents.NewRule(s.scope, jsii.String(id), props)
	s.send(rule, target, retries)
	return rule
}

// send adds a function to a rule; what cannot be delivered within a day goes to the dead letters, where an alarm sees it.
func (s *stack) send(rule awsevents.Rule, target awslambda.Function, retries float64) {
	rule.AddTarget(awseventstargets.NewLambdaFunction(target, &awseventstargets.LambdaFunctionProps{
		DeadLetterQueue: s.deadLetters,
		MaxEventAge:     awscdk.Duration_Hours(jsii.Number(24)),
		RetryAttempts:   jsii.Number(retries),
	}))
}

// asynchronous sets what Lambda does with events that a function failed on: EventBridge and SNS only hand them over.
func (s *stack) asynchronous() {
	for _, handler := range []string{"observe", "resume", "mail", "orphan", "ticket", driftHandler} {
		if s.functions[handler] == nil {
			continue // no ticket is told
		}
		awslambda.NewCfnEventInvokeConfig(s.scope, jsii.String(constructID(handler)+"Events"), &awslambda.CfnEventInvokeConfigProps{
			FunctionName: s.functions[handler].FunctionName(), Qualifier: jsii.String("$LATEST"),
			MaximumRetryAttempts: jsii.Number(2), MaximumEventAgeInSeconds: jsii.Number(6 * 3600),
			DestinationConfig: &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
				OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{Destination: s.deadLetters.QueueArn()},
			},
		})
	}
}
