package main

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/connection"
	"postern/internal/step"
)

// probeNetwork is where a probe function runs.
type probeNetwork struct{ subnets, groups []string }

// assets is where the functions' directories are, each with its bootstrap.
func assets() string {
	if dir := os.Getenv("POSTERN_ASSETS"); dir != "" {
		return dir
	}
	return filepath.Join("build", "lambda")
}

// deploy defines the functions that start no executions. The state machine calls them, so they are defined before it.
func (s *stack) deploy() {
	for _, f := range functions {
		if f.name != probeHandler && !f.needs(step.EnvStateMachine) {
			s.deployOne(f)
		}
	}
	for _, network := range s.networks {
		s.functions[network.ProbeFunction] = s.newProbe(network)
	}
}

// deployStarters defines the functions that start executions of the state machine.
func (s *stack) deployStarters() {
	for _, f := range functions {
		if f.needs(step.EnvStateMachine) {
			s.deployOne(f)
		}
	}
}

func (s *stack) deployOne(f function) {
	if f.deployedWith(s.settings) {
		s.functions[f.name] = s.newFunction(constructID(f.name), "postern-"+f.name, f, nil)
	}
}

// newProbe defines the probe function of a network of the stack's own account and Region.
func (s *stack) newProbe(network connection.RegisteredNetwork) awslambda.Function {
	f := functionNamed(probeHandler)
	f.does = "Proves the link from inside " + network.VPCID
	return s.newFunction(constructID("probe-"+network.Name), probePrefix+network.Name, f,
		&probeNetwork{network.ProbeSubnetIDs, network.ProbeSecurityGroupIDs})
}

// newFunction defines a function with a role and a log group of its own. Inside is nil for one outside every VPC.
func (s *stack) newFunction(id, name string, f function, inside *probeNetwork) awslambda.Function {
	role := awsiam.NewRole(s.scope, jsii.String(id+"Role"), &awsiam.RoleProps{
		RoleName:    s.roleName(f),
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		Description: jsii.String("Postern " + f.name),
	})
	logs := awslogs.NewLogGroup(s.scope, jsii.String(id+"Logs"), &awslogs.LogGroupProps{
		LogGroupName: jsii.String("/postern/" + name), Retention: awslogs.RetentionDays_THREE_MONTHS,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	logs.GrantWrite(role)
	for _, g := range f.allGrants(s) {
		role.AddToPolicy(g.statement(s))
	}
	handler := awslambda.NewFunction(s.scope, jsii.String(id), &awslambda.FunctionProps{
		FunctionName:  jsii.String(name),
		Description:   jsii.String(f.does),
		Runtime:       awslambda.Runtime_PROVIDED_AL2023(),
		Architecture:  awslambda.Architecture_ARM_64(),
		Handler:       jsii.String(f.name),
		Code:          awslambda.Code_FromAsset(jsii.String(filepath.Join(assets(), f.name)), nil),
		Role:          role,
		MemorySize:    jsii.Number(256),
		Timeout:       awscdk.Duration_Seconds(jsii.Number(f.seconds)),
		Tracing:       awslambda.Tracing_ACTIVE,
		LoggingFormat: awslambda.LoggingFormat_JSON,
		LogGroup:      logs,
		Environment:   s.environment(f.env),
	})
	resource := handler.Node().DefaultChild().(awslambda.CfnFunction)
	if f.atOnce > 0 {
		resource.SetReservedConcurrentExecutions(jsii.Number(f.atOnce))
	}
	if inside != nil {
		// L1, since a network is registered by its ids: no look-up at synth, no permission to look.
		resource.SetVpcConfig(&awslambda.CfnFunction_VpcConfigProperty{
			SubnetIds: jsii.Strings(inside.subnets...), SecurityGroupIds: jsii.Strings(inside.groups...),
		})
	}
	if f.asynchronous {
		s.keepFailedEvents(id, handler)
	}
	return handler
}

// allGrants are a function's own grants and those that follow from the rest of its row.
func (f function) allGrants(s *stack) []grant {
	grants := append([]grant(nil), f.grants...)
	if f.asynchronous {
		grants = append(grants, failedEvents)
	}
	if f.reaches && len(s.networkRoles()) > 0 {
		grants = append(grants, grant{actions: []string{"sts:AssumeRole"}, resources: (*stack).networkRoles})
	}
	return grants
}

// keepFailedEvents sets what Lambda does with an event that a function failed on: two more tries within six hours, then the
// dead-letter queue.
func (s *stack) keepFailedEvents(id string, handler awslambda.Function) {
	awslambda.NewCfnEventInvokeConfig(s.scope, jsii.String(id+"Events"), &awslambda.CfnEventInvokeConfigProps{
		FunctionName: handler.FunctionName(), Qualifier: jsii.String("$LATEST"),
		MaximumRetryAttempts: jsii.Number(2), MaximumEventAgeInSeconds: jsii.Number(6 * 3600),
		DestinationConfig: &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{Destination: s.deadLetters.QueueArn()},
		},
	})
}

// environment is the values of the named variables.
func (s *stack) environment(names []string) *map[string]*string {
	if len(names) == 0 {
		return nil
	}
	encode := func(value any) *string { raw, _ := json.Marshal(value); return jsii.String(string(raw)) }
	env := map[string]*string{}
	for _, name := range names {
		switch name {
		case step.EnvTable:
			env[name] = s.table.TableName()
		case step.EnvNetworks:
			env[name] = encode(s.settings.Networks)
		case step.EnvParameterPrefix:
			env[name] = jsii.String(s.settings.ParameterPrefix)
		case step.EnvNotificationTopic:
			env[name] = s.notifications.TopicArn()
		case step.EnvOperatorsTopic:
			env[name] = s.operators.TopicArn()
		case step.EnvEventBus:
			env[name] = s.bus.EventBusName()
		case step.EnvTimeouts:
			env[name] = encode(s.settings.Timeouts)
		case step.EnvStateMachine:
			env[name] = s.live
		case step.EnvWebhooks:
			env[name] = encode(s.settings.Webhooks)
		case step.EnvComments:
			env[name] = s.comments.TableName()
		case step.EnvWriteBack:
			env[name] = encode(s.settings.systems())
		default:
			panic("the stack has no value for " + name)
		}
	}
	return &env
}
