package template

import "encoding/json"

// Table is AWS::DynamoDB::Table.
type Table struct {
	AttributeDefinitions             []AttributeDefinition
	BillingMode                      string
	DeletionProtectionEnabled        bool
	GlobalSecondaryIndexes           []SecondaryIndex
	KeySchema                        []KeyElement
	PointInTimeRecoverySpecification *PointInTimeRecovery
	SSESpecification                 *struct {
		KMSMasterKeyId string
		SSEEnabled     bool
		SSEType        string
	}
	TableClass              string
	TableName               string
	Tags                    []Tag
	TimeToLiveSpecification *TimeToLive
}

// AttributeDefinition is a key attribute of a table or an index.
type AttributeDefinition struct{ AttributeName, AttributeType string }

// KeyElement is one part of a key; KeyType is HASH or RANGE.
type KeyElement struct{ AttributeName, KeyType string }

// SecondaryIndex is a global secondary index.
type SecondaryIndex struct {
	IndexName  string
	KeySchema  []KeyElement
	Projection struct {
		NonKeyAttributes []string
		ProjectionType   string
	}
}

// PointInTimeRecovery is a table's continuous backup.
type PointInTimeRecovery struct {
	PointInTimeRecoveryEnabled bool
	RecoveryPeriodInDays       int
}

// TimeToLive is the attribute after which items expire.
type TimeToLive struct {
	AttributeName string
	Enabled       bool
}

// Secret is AWS::SecretsManager::Secret.
type Secret struct {
	Description          string
	GenerateSecretString any
	KmsKeyId             string
	Name                 string
	SecretString         string
	Tags                 []Tag
}

// LogGroup is AWS::Logs::LogGroup.
type LogGroup struct {
	DeletionProtectionEnabled             bool
	KmsKeyId, LogGroupClass, LogGroupName string
	RetentionInDays                       int
	Tags                                  []Tag
}

// MetricFilter is AWS::Logs::MetricFilter.
type MetricFilter struct {
	FilterName, FilterPattern, LogGroupName string
	MetricTransformations                   []struct {
		DefaultValue                                   json.Number
		Dimensions                                     any
		MetricName, MetricNamespace, MetricValue, Unit string
	}
}

// Alarm is AWS::CloudWatch::Alarm.
type Alarm struct {
	ActionsEnabled                                           *bool
	AlarmActions, InsufficientDataActions, OKActions         []string
	AlarmDescription, AlarmName, ComparisonOperator          string
	DatapointsToAlarm, EvaluationPeriods, Period             int
	Dimensions                                               []struct{ Name, Value string }
	EvaluateLowSampleCountPercentile, ExtendedStatistic      string
	MetricName, Namespace, Statistic, TreatMissingData, Unit string
	Metrics                                                  any
	Tags                                                     []Tag
	Threshold                                                json.Number
	ThresholdMetricId                                        string
}

// Dashboard is AWS::CloudWatch::Dashboard.
type Dashboard struct{ DashboardBody, DashboardName string }
