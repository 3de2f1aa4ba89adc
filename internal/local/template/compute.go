package template

// Function is AWS::Lambda::Function.
type Function struct {
	Architectures                []string
	Code                         struct{ S3Bucket, S3Key string }
	DeadLetterConfig             *struct{ TargetArn string }
	Description                  string
	Environment                  struct{ Variables map[string]string }
	EphemeralStorage             *struct{ Size int }
	FunctionName                 string
	Handler                      string
	KmsKeyArn                    string
	LoggingConfig                struct{ ApplicationLogLevel, LogFormat, LogGroup, SystemLogLevel string }
	MemorySize                   int // MiB
	PackageType                  string
	RecursiveLoop                string
	ReservedConcurrentExecutions *int
	Role                         string // ARN
	Runtime                      string
	Tags                         []Tag
	Timeout                      int // seconds; 0 is AWS's default of 3
	TracingConfig                struct{ Mode string }
	VpcConfig                    *struct {
		Ipv6AllowedForDualStack bool
		SecurityGroupIds        []string
		SubnetIds               []string
	}
}

// FunctionPermission is AWS::Lambda::Permission: a statement of the function's resource policy.
type FunctionPermission struct {
	Action        string
	FunctionName  string // name or ARN
	Principal     string // a service, or the ARN of a role
	SourceAccount string
	SourceArn     string
}

// EventInvokeConfig is AWS::Lambda::EventInvokeConfig: how asynchronous invocations are retried.
type EventInvokeConfig struct {
	DestinationConfig        struct{ OnFailure, OnSuccess *struct{ Destination string } }
	FunctionName             string
	MaximumEventAgeInSeconds *int
	MaximumRetryAttempts     *int
	Qualifier                string
}

// StateMachine is AWS::StepFunctions::StateMachine.
type StateMachine struct {
	DefinitionString        string
	DefinitionSubstitutions map[string]string
	EncryptionConfiguration *struct {
		KmsDataKeyReusePeriodSeconds int
		KmsKeyId, Type               string
	}
	LoggingConfiguration struct {
		Destinations []struct {
			CloudWatchLogsLogGroup struct{ LogGroupArn string }
		}
		IncludeExecutionData bool
		Level                string
	}
	RoleArn              string
	StateMachineName     string
	StateMachineType     string
	Tags                 []Tag
	TracingConfiguration struct{ Enabled bool }
}

// StateMachineVersion is AWS::StepFunctions::StateMachineVersion.
type StateMachineVersion struct {
	Description, StateMachineArn, StateMachineRevisionId string
}

// StateMachineAlias is AWS::StepFunctions::StateMachineAlias.
type StateMachineAlias struct {
	Description, Name    string
	RoutingConfiguration []struct {
		StateMachineVersionArn string
		Weight                 int
	}
}

// API is AWS::ApiGatewayV2::Api.
type API struct {
	CorsConfiguration         any
	Description               string
	DisableExecuteApiEndpoint bool
	Name                      string
	ProtocolType              string
	Tags                      map[string]string
}

// APIStage is AWS::ApiGatewayV2::Stage.
type APIStage struct {
	AccessLogSettings    *struct{ DestinationArn, Format string }
	ApiId                string
	AutoDeploy           bool
	DefaultRouteSettings any
	Description          string
	StageName            string
	Tags                 map[string]string
}

// APIIntegration is AWS::ApiGatewayV2::Integration.
type APIIntegration struct {
	ApiId, Description, IntegrationMethod, IntegrationType, IntegrationUri, PayloadFormatVersion string
	TimeoutInMillis                                                                              int
}

// APIRoute is AWS::ApiGatewayV2::Route.
type APIRoute struct {
	ApiId, AuthorizationType, RouteKey, Target string
}
