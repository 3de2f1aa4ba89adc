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

// spec is what a function is besides its code: Handler is the directory under lambdas/.
type spec struct {
	handler, description string
	env                  []string // of the environment below, by name
	grants               []grant
	timeoutSeconds       float64
	network              *probeNetwork
	reserved             float64 // concurrency, 0 for the account's
	// reaches is set for a function that works in the networks' accounts: it may assume their roles, and they let it.
	reaches bool
}

// probePrefix begins the names of the probe functions; the network's name follows.
const probePrefix = "postern-probe-"

type probeNetwork struct{ subnets, groups []string }

// assets is where the functions' directories are, each with its bootstrap.
func assets() string {
	if dir := os.Getenv("POSTERN_ASSETS"); dir != "" {
		return dir
	}
	return filepath.Join("build", "lambda")
}

// relayHandler is the function that calls the probes of other Regions. It is made when there is one.
const relayHandler = "relay"

// deploy defines every function, the probe once for each registered network.
func (s *stack) deploy() {
	for _, f := range s.specs() {
		s.functions[f.handler] = s.newFunction(constructID(f.handler), "postern-"+f.handler, f)
	}
	for _, network := range s.networks {
		s.functions[network.ProbeFunction] = s.newProbe(network)
	}
	if len(s.rolesAbroad()) > 0 {
		s.functions[relayHandler] = s.newFunction(constructID(relayHandler), "postern-"+relayHandler, spec{
			// Longer than the probe takes, shorter than the state machine waits.
			handler: relayHandler, description: "Calls the probes of other Regions", timeoutSeconds: 90, grants: relayGrants,
		})
	}
}

// newProbe defines the probe function of a network of the stack's own account and Region.
func (s *stack) newProbe(network connection.RegisteredNetwork) awslambda.Function {
	return s.newFunction(constructID("probe-"+network.Name), probePrefix+network.Name, spec{
		handler: "probe", description: "Proves the link from inside " + network.VPCID, timeoutSeconds: 60, grants: probeGrants,
		network: &probeNetwork{network.ProbeSubnetIDs, network.ProbeSecurityGroupIDs},
	})
}

func (s *stack) newFunction(id, name string, f spec) awslambda.Function {
	role := awsiam.NewRole(s.scope, jsii.String(id+"Role"), &awsiam.RoleProps{
		RoleName:    s.roleName(f),
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		Description: jsii.String("Postern " + f.handler),
	})
	logs := awslogs.NewLogGroup(s.scope, jsii.String(id+"Logs"), &awslogs.LogGroupProps{
		LogGroupName: jsii.String("/postern/" + name), Retention: awslogs.RetentionDays_THREE_MONTHS,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	logs.GrantWrite(role)
	for _, g := range f.grants {
		role.AddToPolicy(g.statement(s))
	}
	if roles := s.networkRoles(); f.reaches && len(roles) > 0 {
		role.AddToPolicy(grant{actions: []string{"sts:AssumeRole"}, resources: (*stack).networkRoles}.statement(s))
	}
	handler := awslambda.NewFunction(s.scope, jsii.String(id), &awslambda.FunctionProps{
		FunctionName:  jsii.String(name),
		Description:   jsii.String(f.description),
		Runtime:       awslambda.Runtime_PROVIDED_AL2023(),
		Architecture:  awslambda.Architecture_ARM_64(),
		Handler:       jsii.String(f.handler),
		Code:          awslambda.Code_FromAsset(jsii.String(filepath.Join(assets(), f.handler)), nil),
		Role:          role,
		MemorySize:    jsii.Number(256),
		Timeout:       awscdk.Duration_Seconds(jsii.Number(f.timeoutSeconds)),
		Tracing:       awslambda.Tracing_ACTIVE,
		LoggingFormat: awslambda.LoggingFormat_JSON,
		LogGroup:      logs,
		Environment:   s.environment(f.env),
	})
	if f.reserved > 0 {
		handler.Node().DefaultChild().(awslambda.CfnFunction).SetReservedConcurrentExecutions(jsii.Number(f.reserved))
	}
	if f.network != nil {
		// L1, since a network is registered by its ids: no look-up at synth, no permission to look.
		resource := handler.Node().DefaultChild().(awslambda.CfnFunction)
		resource.SetVpcConfig(&awslambda.CfnFunction_VpcConfigProperty{
			SubnetIds: jsii.Strings(f.network.subnets...), SecurityGroupIds: jsii.Strings(f.network.groups...),
		})
	}
	return handler
}

func (s *stack) environment(names []string) *map[string]*string {
	if len(names) == 0 {
		return nil
	}
	encode := func(value any) string { raw, _ := json.Marshal(value); return string(raw) }
	all := map[string]*string{
		step.EnvTable:             s.table.TableName(),
		step.EnvNetworks:          jsii.String(encode(s.settings.Networks)),
		step.EnvParameterPrefix:   jsii.String(s.settings.ParameterPrefix),
		step.EnvNotificationTopic: s.notifications.TopicArn(),
		step.EnvOperatorsTopic:    s.operators.TopicArn(),
		step.EnvEventBus:          jsii.String("default"),
		step.EnvTimeouts:          jsii.String(encode(s.settings.Timeouts)),
	}
	if s.machine != nil { // made after the functions that it calls; whoever starts it is made after it
		all[step.EnvStateMachine] = s.live
		all[step.EnvWebhooks] = jsii.String(encode(s.settings.Webhooks))
	}
	if s.comments != nil {
		all[step.EnvComments] = s.comments.TableName()
		all[step.EnvWriteBack] = jsii.String(encode(s.systems))
	}
	env := map[string]*string{}
	for _, name := range names {
		env[name] = all[name]
	}
	return &env
}
