package template

import "encoding/json"

// Table is AWS::DynamoDB::Table.
type Table struct {
	AttributeDefinitions             []AttributeDefinition
	BillingMode                      string
	ContributorInsightsSpecification any
	DeletionProtectionEnabled        bool
	GlobalSecondaryIndexes           []SecondaryIndex
	KeySchema                        []KeyElement
	OnDemandThroughput               any
	PointInTimeRecoverySpecification *PointInTimeRecovery
	SSESpecification                 *struct {
		KMSMasterKeyId string
		SSEEnabled     bool
		SSEType        string
	}
	StreamSpecification     *struct{ StreamViewType string }
	TableClass              string
	TableName               string
	Tags                    []Tag
	TimeToLiveSpecification *TimeToLive
}

// GlobalTable is AWS::DynamoDB::GlobalTable.
type GlobalTable struct {
	AttributeDefinitions   []AttributeDefinition
	BillingMode            string
	GlobalSecondaryIndexes []SecondaryIndex
	KeySchema              []KeyElement
	Replicas               []Replica
	SSESpecification       *struct {
		SSEEnabled bool
		SSEType    string
	}
	StreamSpecification             *struct{ StreamViewType string }
	TableName                       string
	TimeToLiveSpecification         *TimeToLive
	WarmThroughput                  any
	WriteOnDemandThroughputSettings any
}

// Replica is one Region of a global table.
type Replica struct {
	ContributorInsightsSpecification any
	DeletionProtectionEnabled        bool
	PointInTimeRecoverySpecification *PointInTimeRecovery
	Region                           string
	SSESpecification                 *struct{ KMSMasterKeyId string }
	TableClass                       string
	Tags                             []Tag
}

// AttributeDefinition is a key attribute of a table or an index.
type AttributeDefinition struct{ AttributeName, AttributeType string }

// KeyElement is one part of a key; KeyType is HASH or RANGE.
type KeyElement struct{ AttributeName, KeyType string }

// SecondaryIndex is a global secondary index.
type SecondaryIndex struct {
	ContributorInsightsSpecification any
	IndexName                        string
	KeySchema                        []KeyElement
	OnDemandThroughput               any
	Projection                       struct {
		NonKeyAttributes []string
		ProjectionType   string
	}
	WriteOnDemandThroughputSettings any
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

// Parameter is AWS::SSM::Parameter.
type Parameter struct {
	AllowedPattern, DataType, Description, Name, Tier, Type, Value string
	Tags                                                           map[string]string
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

// LogResourcePolicy is AWS::Logs::ResourcePolicy; its document is JSON in a string.
type LogResourcePolicy struct{ PolicyDocument, PolicyName string }

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

// CompositeAlarm is AWS::CloudWatch::CompositeAlarm.
type CompositeAlarm struct {
	ActionsEnabled                                   *bool
	AlarmActions, InsufficientDataActions, OKActions []string
	AlarmDescription, AlarmName, AlarmRule           string
	Tags                                             []Tag
}

// Dashboard is AWS::CloudWatch::Dashboard.
type Dashboard struct{ DashboardBody, DashboardName string }
