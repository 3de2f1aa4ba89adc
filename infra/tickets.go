package main

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/connection"
	"postern/internal/notify/ticket"
	"postern/internal/step"
	"postern/internal/webhook"
)

// commentsAtATime: two functions that tell the same ticket the same thing would both find it untold. GitHub asks for one request
// after the other, too.
const commentsAtATime = 1

// writeBack defines what tells tickets, when any source of webhooks has a block writeBack.
func (s *stack) writeBack() {
	if s.systems = webhook.WriteBacks(s.settings.Webhooks); len(s.systems) == 0 {
		return
	}
	for _, system := range slices.Sorted(maps.Keys(s.systems)) {
		// L1: made empty. L2 would generate a value, which is no credential.
		secret := awssecretsmanager.NewCfnSecret(s.scope, jsii.String(constructID(system)+"Credential"), &awssecretsmanager.CfnSecretProps{
			Name:        jsii.String(ticket.SecretPrefix + system),
			Description: jsii.String("What comments on tickets of " + system + " are written with. Empty: nothing is written"),
		})
		s.credentials = append(s.credentials, secret.Ref())
	}
	s.comments = awsdynamodb.NewTable(s.scope, jsii.String("Comments"), &awsdynamodb.TableProps{
		PartitionKey:        &awsdynamodb.Attribute{Name: jsii.String("id"), Type: awsdynamodb.AttributeType_STRING},
		BillingMode:         awsdynamodb.BillingMode_PAY_PER_REQUEST,
		Encryption:          awsdynamodb.TableEncryption_AWS_MANAGED,
		TimeToLiveAttribute: jsii.String("expires"),
		RemovalPolicy:       awscdk.RemovalPolicy_DESTROY,
	})
	s.functions["ticket"] = s.newFunction("Ticket", "postern-ticket", spec{
		handler: "ticket", description: "Tells tickets what becomes of their connections, each state once", timeoutSeconds: 60,
		env: []string{step.EnvTable, step.EnvComments, step.EnvWriteBack}, grants: commentGrants, reserved: commentsAtATime,
	})
	target := s.functions["ticket"]
	s.rule("Executions", "An execution began or ended, to its ticket", &awsevents.RuleProps{
		EventPattern: &awsevents.EventPattern{
			Source: jsii.Strings("aws.states"), DetailType: jsii.Strings("Step Functions Execution Status Change"),
			Detail: &map[string]any{"stateMachineArn": []*string{s.machine.StateMachineArn()}},
		},
	}, target, 20)
	s.rule("Told", "What happened to a connection, to its ticket", &awsevents.RuleProps{
		EventPattern: &awsevents.EventPattern{
			Source: jsii.Strings(connection.EventSource),
			DetailType: jsii.Strings(connection.EventGateOpened, connection.EventGateReminder, connection.EventServiceVisible,
				connection.EventEndpointState, connection.EventDrift),
		},
	}, target, 20)
}
