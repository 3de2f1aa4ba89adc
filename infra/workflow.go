package main

import (
	_ "embed"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"
)

// workflowSource is the state machine without the retriers that all its states share.
//
//go:embed workflow.asl.json
var workflowSource string

// definition is the state machine. Each ${…Function} in it stands for a function's ARN.
var definition = withRetriers(workflowSource, stepRetriers)

const machineName = "postern"

// liveAlias is the alias of each state machine by which webhooks, fleets and repairs start executions. It points at the version that
// was deployed last, or at an earlier one after a deployment was rolled back. See docs/adr/0011-versions-with-an-alias.md.
const liveAlias = "live"

// placeholder is the name of a function in a definition: ${PlanFunction}.
var placeholder = regexp.MustCompile(`\$\{(\w+Function)\}`)

func (s *stack) workflow() {
	role := s.machineRole("WorkflowRole", machineName, "Postern's state machine", s.trustedName(trustedMachine))
	for _, network := range s.networks {
		s.functions[network.ProbeFunction].GrantInvoke(role)
	}
	if relay, made := s.functions[relayHandler]; made {
		relay.GrantInvoke(role)
	}
	if probes := s.probesElsewhere(); len(probes) > 0 {
		role.AddToPolicy(grant{actions: []string{"lambda:InvokeFunction"}, resources: (*stack).probesElsewhere}.statement(s))
	}
	s.machine, s.machineLogs = s.stateMachine("Workflow", machineName, definition, role, s.handlers(definition, role))
	s.live = s.publish("Workflow", s.machine)
}

// publish makes a version of a state machine and the alias that points at it. Earlier versions stay.
//
// AWS: a version is a definition with its role, and cannot be changed: another revision replaces it. Deleting the state machine
// deletes its versions.
func (s *stack) publish(id string, machine awsstepfunctions.StateMachine) *string {
	version := awsstepfunctions.NewCfnStateMachineVersion(s.scope, jsii.String(id+"Version"), &awsstepfunctions.CfnStateMachineVersionProps{
		StateMachineArn: machine.StateMachineArn(), StateMachineRevisionId: machine.StateMachineRevisionId(),
	})
	version.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	alias := awsstepfunctions.NewCfnStateMachineAlias(s.scope, jsii.String(id+"Alias"), &awsstepfunctions.CfnStateMachineAliasProps{
		Name: jsii.String(liveAlias), Description: jsii.String("What webhooks and fleets start"),
		RoutingConfiguration: []any{&awsstepfunctions.CfnStateMachineAlias_RoutingConfigurationVersionProperty{
			StateMachineVersionArn: version.AttrArn(), Weight: jsii.Number(100),
		}},
	})
	return alias.Ref() // AWS: the ARN
}

// machineRole makes a role that Step Functions assumes for one state machine only. Without a roleName CloudFormation names it.
func (s *stack) machineRole(id, name, description string, roleName *string) awsiam.Role {
	return awsiam.NewRole(s.scope, jsii.String(id), &awsiam.RoleProps{
		RoleName:    roleName,
		Description: jsii.String(description),
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("states.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{
				"StringEquals": map[string]any{"aws:SourceAccount": s.scope.Account()},
				"ArnLike":      map[string]any{"aws:SourceArn": s.namedArn("states", "stateMachine", name)},
			},
		}),
	})
}

// handlers returns the ARNs that a definition's placeholders stand for, and lets the role call the functions.
func (s *stack) handlers(definition string, role awsiam.Role) map[string]*string {
	names := map[string]bool{}
	for _, match := range placeholder.FindAllStringSubmatch(definition, -1) {
		names[match[1]] = true
	}
	substitutions := map[string]*string{}
	for _, name := range slices.Sorted(maps.Keys(names)) { // sorted: the order reaches the template
		function := s.functions[functionOf(name)]
		substitutions[name] = function.FunctionArn()
		function.GrantInvoke(role)
	}
	return substitutions
}

func (s *stack) stateMachine(id, name, definition string, role awsiam.Role, substitutions map[string]*string) (
	awsstepfunctions.StateMachine, awslogs.LogGroup,
) {
	logs := awslogs.NewLogGroup(s.scope, jsii.String(id+"Logs"), &awslogs.LogGroupProps{
		// AWS: only this prefix needs no resource policy of its own for each log group.
		LogGroupName: jsii.String("/aws/vendedlogs/states/" + name), Retention: awslogs.RetentionDays_THREE_MONTHS,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	return awsstepfunctions.NewStateMachine(s.scope, jsii.String(id), &awsstepfunctions.StateMachineProps{
		StateMachineName: jsii.String(name),
		Role:             role,
		DefinitionBody: awsstepfunctions.DefinitionBody_FromString(
			awscdk.Fn_Sub(jsii.String(strings.TrimSpace(definition)), &substitutions)),
		TracingEnabled: jsii.Bool(true),
		Logs: &awsstepfunctions.LogOptions{
			Level: awsstepfunctions.LogLevel_ALL,
			// Execution data holds task tokens.
			IncludeExecutionData: jsii.Bool(false),
			Destination:          logs,
		},
	}), logs
}
