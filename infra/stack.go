package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/store"
)

// stack is the one place that sees every part.
type stack struct {
	scope    awscdk.Stack
	settings Settings

	key           awskms.Key
	table         awsdynamodb.Table
	notifications awssns.Topic // where PrivateLink tells of endpoints
	operators     awssns.Topic // e-mail
	deadLetters   awssqs.Queue
	functions     map[string]awslambda.Function
	machine       awsstepfunctions.StateMachine
	secrets       []awssecretsmanager.Secret // of the webhooks
}

// NewStack defines all of Postern.
func NewStack(scope constructs.Construct, id string, settings Settings) awscdk.Stack {
	s := &stack{settings: settings, functions: map[string]awslambda.Function{}}
	s.scope = awscdk.NewStack(scope, jsii.String(id), &awscdk.StackProps{
		Description: jsii.String("Postern: connects VPCs privately to vendors over AWS PrivateLink"),
		// The version rule would need a parameter that a deploy without a bootstrap role cannot read.
		Synthesizer: awscdk.NewDefaultStackSynthesizer(&awscdk.DefaultStackSynthesizerProps{GenerateBootstrapVersionRule: jsii.Bool(false)}),
	})
	s.storage()
	s.topics()
	s.deploy()
	s.workflow()
	s.webhooks()
	s.triggers()
	s.observability()
	return s.scope
}

func (s *stack) storage() {
	s.key = awskms.NewKey(s.scope, jsii.String("Key"), &awskms.KeyProps{
		Description:       jsii.String("Postern: topics, queue and table"),
		EnableKeyRotation: jsii.Bool(true),
		Alias:             jsii.String("alias/postern"),
	})
	s.table = awsdynamodb.NewTable(s.scope, jsii.String("Connections"), &awsdynamodb.TableProps{
		PartitionKey:                     &awsdynamodb.Attribute{Name: jsii.String("id"), Type: awsdynamodb.AttributeType_STRING},
		BillingMode:                      awsdynamodb.BillingMode_PAY_PER_REQUEST,
		Encryption:                       awsdynamodb.TableEncryption_AWS_MANAGED,
		RemovalPolicy:                    awscdk.RemovalPolicy_RETAIN,
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: jsii.Bool(true)},
		DeletionProtection:               jsii.Bool(true),
	})
	// The task token is left out: only await-gate writes it and only resume reads it, from the item.
	s.table.AddGlobalSecondaryIndex(&awsdynamodb.GlobalSecondaryIndexProps{
		IndexName:        jsii.String(store.WaitingIndex),
		PartitionKey:     &awsdynamodb.Attribute{Name: jsii.String("waitGate"), Type: awsdynamodb.AttributeType_STRING},
		SortKey:          &awsdynamodb.Attribute{Name: jsii.String("waitSince"), Type: awsdynamodb.AttributeType_STRING},
		ProjectionType:   awsdynamodb.ProjectionType_INCLUDE,
		NonKeyAttributes: jsii.Strings("waitExecution", "waitEndpoint", "waitService", "waitServiceRegion", "waitRegistration", "lastSeen"),
	})
}

func (s *stack) topics() {
	s.notifications = awssns.NewTopic(s.scope, jsii.String("Notifications"), &awssns.TopicProps{MasterKey: s.key, EnforceSSL: jsii.Bool(true)})
	endpoints := s.scope.FormatArn(&awscdk.ArnComponents{Service: jsii.String("ec2"), Resource: jsii.String("vpc-endpoint"), ResourceName: jsii.String("*")})
	// Without these conditions any account's endpoint could speak on our topic: the confused deputy.
	onlyOurs := &map[string]any{
		"StringEquals": map[string]any{"aws:SourceAccount": s.scope.Account()},
		"ArnLike":      map[string]any{"aws:SourceArn": endpoints},
	}
	privatelink := awsiam.NewServicePrincipal(jsii.String("vpce.amazonaws.com"), nil)
	s.notifications.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("EndpointNotifications"), Principals: &[]awsiam.IPrincipal{privatelink},
		Actions: jsii.Strings("sns:Publish"), Resources: &[]*string{s.notifications.TopicArn()}, Conditions: onlyOurs,
	}))
	s.key.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("EndpointNotifications"), Principals: &[]awsiam.IPrincipal{privatelink},
		Actions: jsii.Strings("kms:GenerateDataKey*", "kms:Decrypt"), Resources: jsii.Strings("*"), Conditions: onlyOurs,
	}), nil)

	s.operators = awssns.NewTopic(s.scope, jsii.String("Operators"), &awssns.TopicProps{MasterKey: s.key, EnforceSSL: jsii.Bool(true)})
	s.operators.AddSubscription(awssnssubscriptions.NewEmailSubscription(jsii.String(s.settings.OperatorsEmail), nil))
	// CloudWatch alarms publish to the encrypted topic.
	s.key.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("Alarms"), Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)},
		Actions: jsii.Strings("kms:GenerateDataKey*", "kms:Decrypt"), Resources: jsii.Strings("*"),
		Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": s.scope.Account()}},
	}), nil)

	s.deadLetters = awssqs.NewQueue(s.scope, jsii.String("DeadLetters"), &awssqs.QueueProps{
		Encryption: awssqs.QueueEncryption_SQS_MANAGED, EnforceSSL: jsii.Bool(true), RetentionPeriod: awscdk.Duration_Days(jsii.Number(14)),
	})
}
