package template

import "encoding/json"

// Rule is AWS::Events::Rule.
type Rule struct {
	Description        string
	EventBusName       string // name or ARN; "" is the default bus
	EventPattern       json.RawMessage
	Name               string
	ScheduleExpression string
	State              string // ENABLED unless set
	Tags               []Tag
	Targets            []Target
}

// Target is one target of a rule.
type Target struct {
	Arn              string
	DeadLetterConfig *struct{ Arn string }
	Id               string
	RetryPolicy      *RetryPolicy
	RoleArn          string
}

// RetryPolicy is how often and for how long delivery to a target is tried.
type RetryPolicy struct {
	MaximumEventAgeInSeconds *int
	MaximumRetryAttempts     *int
}

// EventBus is AWS::Events::EventBus.
type EventBus struct {
	DeadLetterConfig *struct{ Arn string }
	Description      string
	KmsKeyIdentifier string
	Name             string
	Tags             []Tag
}

// EventBusPolicy is AWS::Events::EventBusPolicy: one statement of a bus's policy.
type EventBusPolicy struct {
	EventBusName string
	Statement    any
	StatementId  string
}

// Topic is AWS::SNS::Topic.
type Topic struct {
	DisplayName      string
	KmsMasterKeyId   string // id or ARN of a key, or an alias
	SignatureVersion string
	Subscription     []struct{ Endpoint, Protocol string }
	Tags             []Tag
	TopicName        string
	TracingConfig    string
}

// Subscription is AWS::SNS::Subscription.
type Subscription struct {
	Endpoint      string
	Protocol      string // lambda, email
	RedrivePolicy *struct {
		DeadLetterTargetArn string `json:"deadLetterTargetArn"`
	}
	TopicArn string
}

// TopicPolicy is AWS::SNS::TopicPolicy.
type TopicPolicy struct {
	PolicyDocument any
	Topics         []string // ARNs
}

// Queue is AWS::SQS::Queue.
type Queue struct {
	MessageRetentionPeriod int // seconds
	QueueName              string
	SqsManagedSseEnabled   *bool
	Tags                   []Tag
}

// QueuePolicy is AWS::SQS::QueuePolicy.
type QueuePolicy struct {
	PolicyDocument any
	Queues         []string // URLs
}
