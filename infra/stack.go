package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/connection"
	"postern/internal/store"
)

// stack holds what the parts of a stack share.
type stack struct {
	scope    awscdk.Stack
	settings Settings
	networks connection.Networks // of the settings', those in this stack's account and Region

	key           awskms.Key
	table         awsdynamodb.Table
	notifications awssns.Topic       // PrivateLink's connection notifications
	operators     awssns.Topic       // e-mail
	bus           awsevents.EventBus // of Postern's own events
	deadLetters   awssqs.Queue
	functions     map[string]awslambda.Function
	machine       awsstepfunctions.StateMachine
	live          *string // ARN of its alias
	machineLogs   awslogs.LogGroup
	fleetMachine  awsstepfunctions.StateMachine
	secrets       []awssecretsmanager.Secret // of the webhooks
	credentials   []*string                  // ARNs of the secrets of the ticket systems that are written back to
	comments      awsdynamodb.Table
}

// NewStack defines all of Postern.
func NewStack(scope constructs.Construct, id string, settings Settings) {
	// The first network has the account and Region of the stack: CDK refuses to deploy it with credentials of another account.
	s := newScope(scope, id, "Postern: connects VPCs privately to vendors over AWS PrivateLink", settings.home())
	s.settings, s.networks = settings, nil
	for _, network := range settings.Networks {
		if !settings.elsewhere(network) {
			s.networks = append(s.networks, network)
		}
	}
	s.storage()
	s.topics()
	s.eventBus()
	s.webhookSecrets()
	s.writeBack()
	s.deploy()
	s.workflow()
	s.deployStarters()
	s.fleet()
	s.guardBus()
	s.webhookAPI()
	s.triggers()
	s.observability()
}

// newScope returns a stack without anything in it, in the account and Region of a network.
func newScope(scope constructs.Construct, id, description string, network connection.RegisteredNetwork) *stack {
	return &stack{
		functions: map[string]awslambda.Function{},
		networks:  connection.Networks{network},
		scope: awscdk.NewStack(scope, jsii.String(id), &awscdk.StackProps{
			Description: jsii.String(description),
			Env:         &awscdk.Environment{Account: jsii.String(network.AccountID), Region: jsii.String(network.Region)},
			// The version rule would need a parameter that a deploy without a bootstrap role cannot read.
			Synthesizer: awscdk.NewDefaultStackSynthesizer(&awscdk.DefaultStackSynthesizerProps{
				GenerateBootstrapVersionRule: jsii.Bool(false),
			}),
		}),
	}
}

// arn is the ARN of a resource of this account and Region.
func (s *stack) arn(service, resource, name string) *string {
	return s.scope.FormatArn(&awscdk.ArnComponents{
		Service: jsii.String(service), Resource: jsii.String(resource), ResourceName: jsii.String(name),
	})
}

// namedArn is like arn, for services that put a colon before the name.
func (s *stack) namedArn(service, resource, name string) *string {
	return s.scope.FormatArn(&awscdk.ArnComponents{
		Service: jsii.String(service), Resource: jsii.String(resource), ResourceName: jsii.String(name),
		ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
	})
}

func (s *stack) storage() {
	s.table = awsdynamodb.NewTable(s.scope, jsii.String("Connections"), &awsdynamodb.TableProps{
		PartitionKey: &awsdynamodb.Attribute{Name: jsii.String("id"), Type: awsdynamodb.AttributeType_STRING},
		BillingMode:  awsdynamodb.BillingMode_PAY_PER_REQUEST,
		// A key of our own would add a permission to every role that may read the table, and protect against none of them:
		// the task tokens are protected by the condition on attributes in grants.go.
		Encryption:                       awsdynamodb.TableEncryption_AWS_MANAGED,
		RemovalPolicy:                    awscdk.RemovalPolicy_RETAIN,
		TimeToLiveAttribute:              jsii.String(store.ExpiresAttribute),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: jsii.Bool(true)},
		DeletionProtection:               jsii.Bool(true),
	})
	// The task token is left out: only await-gate writes it and only resume reads it, from the item.
	// AWS: what an index carries cannot be changed in place, nor can more than one index be made in one deploy: once a table is in
	// use, a new attribute here needs an index of a new name.
	s.table.AddGlobalSecondaryIndex(&awsdynamodb.GlobalSecondaryIndexProps{
		IndexName:      jsii.String(store.WaitingIndex),
		PartitionKey:   &awsdynamodb.Attribute{Name: jsii.String("waitGate"), Type: awsdynamodb.AttributeType_STRING},
		SortKey:        &awsdynamodb.Attribute{Name: jsii.String("waitSince"), Type: awsdynamodb.AttributeType_STRING},
		ProjectionType: awsdynamodb.ProjectionType_INCLUDE,
		NonKeyAttributes: jsii.Strings(
			"waitExecution", "waitEndpoint", "waitService", "waitServiceRegion", "waitRegistration", "lastSeen", "ticket",
			"waitAsked", "waitHours", "waitCalendar", "waitTo", "waitSubject", "reminderOf", "reminderPercent",
			"waitRole", "waitExternalId", "waitRegion", "waitHeartbeat", "waitBeat"),
	})
	s.table.AddGlobalSecondaryIndex(&awsdynamodb.GlobalSecondaryIndexProps{
		IndexName:        jsii.String(store.LinkedIndex),
		PartitionKey:     &awsdynamodb.Attribute{Name: jsii.String("linked"), Type: awsdynamodb.AttributeType_STRING},
		SortKey:          &awsdynamodb.Attribute{Name: jsii.String("id"), Type: awsdynamodb.AttributeType_STRING},
		ProjectionType:   awsdynamodb.ProjectionType_INCLUDE,
		NonKeyAttributes: jsii.Strings("expects", "drift", "holder", "ticket"),
	})
}

// topics defines the topic that PrivateLink publishes to, and the one of the operators, to which CloudWatch and the function mail
// publish. AWS: a topic's own key is needed, since the policy of alias/aws/sns allows no other service.
func (s *stack) topics() {
	s.key = awskms.NewKey(s.scope, jsii.String("Key"), &awskms.KeyProps{
		Description:       jsii.String("Postern: topics"),
		EnableKeyRotation: jsii.Bool(true),
		Alias:             jsii.String("alias/postern"),
		// Messages are on their way for seconds: once the topics are gone there is nothing left to read.
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	s.notifications = s.topic("Notifications")
	account := map[string]any{"aws:SourceAccount": s.scope.Account()}
	// Without these conditions any account's endpoint could publish to our topic: the confused deputy.
	onlyOurs := map[string]any{
		"StringEquals": account,
		"ArnLike":      map[string]any{"aws:SourceArn": s.arn("ec2", "vpc-endpoint", "*")},
	}
	s.allow(s.notifications, "EndpointNotifications", "vpce.amazonaws.com", onlyOurs, onlyOurs)

	s.operators = s.topic("Operators")
	s.operators.AddSubscription(awssnssubscriptions.NewEmailSubscription(jsii.String(s.settings.OperatorsEmail), nil))
	// AWS documents the alarm's ARN for topics, the account for keys.
	s.allow(s.operators, "Alarms", "cloudwatch.amazonaws.com",
		map[string]any{"ArnLike": map[string]any{"aws:SourceArn": s.namedArn("cloudwatch", "alarm", "*")}},
		map[string]any{"StringEquals": account})

	// With SQS's own key: EventBridge, SNS and Lambda need no permission for it.
	s.deadLetters = awssqs.NewQueue(s.scope, jsii.String("DeadLetters"), &awssqs.QueueProps{
		Encryption: awssqs.QueueEncryption_SQS_MANAGED, EnforceSSL: jsii.Bool(true),
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(14)),
	})
}

func (s *stack) topic(id string) awssns.Topic {
	return awssns.NewTopic(s.scope, jsii.String(id), &awssns.TopicProps{MasterKey: s.key, EnforceSSL: jsii.Bool(true)})
}

// allow lets an AWS service publish to a topic and use its key, each under its conditions.
//
// AWS: a topic with a policy of its own, which EnforceSSL makes, has lost the default policy that let the account's own services
// publish: an alarm would change its state without a notification.
func (s *stack) allow(topic awssns.Topic, sid, service string, onTopic, onKey map[string]any) {
	principals := &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String(service), nil)}
	topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String(sid), Principals: principals, Actions: jsii.Strings("sns:Publish"), Resources: &[]*string{topic.TopicArn()},
		Conditions: &onTopic,
	}))
	s.key.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String(sid), Principals: principals, Actions: jsii.Strings("kms:GenerateDataKey*", "kms:Decrypt"),
		Resources: jsii.Strings("*"), Conditions: &onKey,
	}), nil)
}
