package local

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"postern/internal/local/dynamodb"
	"postern/internal/local/events"
	"postern/internal/local/sqs"
	"postern/internal/local/states"
	"postern/internal/local/template"
)

// deploy makes every resource of a stack but the functions, in the order of their references. A type that the template package
// reads but nothing here makes is an error.
func (c *Cloud) deploy(stack *template.Stack) error {
	var faults []error
	for _, resource := range stack.Resources {
		if err := c.deployOne(resource); err != nil {
			faults = append(faults, fmt.Errorf("resource %s (%s): %w", resource.LogicalID, resource.Type, err))
		}
	}
	return errors.Join(faults...)
}

func (c *Cloud) deployOne(resource template.Resource) error {
	switch p := resource.Properties.(type) {
	case *template.Table:
		table, err := tableOf(resource, p)
		if err != nil {
			return err
		}
		return c.Tables.AddTable(table)
	case *template.Topic:
		return c.deployTopic(resource, p)
	case *template.Subscription:
		return c.subscribe(p.TopicArn, p)
	case *template.Queue:
		return c.Queues.AddQueue(sqs.Queue{ARN: resource.ARN, Retention: seconds(p.MessageRetentionPeriod)})
	case *template.EventBus:
		return c.Events.AddBus(resource.Ref)
	case *template.Rule:
		return c.deployRule(resource, p)
	case *template.StateMachine, *template.StateMachineVersion, *template.StateMachineAlias:
		return c.deployStates(resource)
	case *template.Secret:
		return c.Secrets.Create(resource.ARN, p.Name, p.SecretString, p.GenerateSecretString != nil)
	case *template.APIRoute:
		return c.deployRoute(p)
	case *template.APIStage:
		return c.deployStage(p)
	case *template.API, *template.APIIntegration: // the route names them
	case *template.Function, *template.EventInvokeConfig: // deployFunctions made them
	case *template.Role, *template.Policy, *template.Key, *template.KeyAlias, *template.FunctionPermission,
		*template.TopicPolicy, *template.QueuePolicy, *template.EventBusPolicy: // loadPolicies read them
	case *template.LogGroup, *template.MetricFilter, *template.Alarm, *template.Dashboard: // nothing depends on them
	default:
		return errors.New("resources of this type are read and not simulated")
	}
	return nil
}

// last is what follows the last separator in an ARN.
func last(arn, separator string) string { return arn[strings.LastIndex(arn, separator)+1:] }

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

func (c *Cloud) deployRule(resource template.Resource, p *template.Rule) error {
	rule := events.Rule{
		Name: last(resource.ARN, "/"), Bus: p.EventBusName, Description: p.Description, Pattern: p.EventPattern, Schedule: p.ScheduleExpression, State: p.State,
	}
	for _, t := range p.Targets {
		target := events.Target{ID: t.Id, ARN: t.Arn, RoleARN: t.RoleArn}
		if t.RetryPolicy != nil {
			target.Retry = &events.RetryPolicy{
				MaximumEventAgeInSeconds: t.RetryPolicy.MaximumEventAgeInSeconds, MaximumRetryAttempts: t.RetryPolicy.MaximumRetryAttempts,
			}
		}
		if t.DeadLetterConfig != nil {
			target.DeadLetterARN = t.DeadLetterConfig.Arn
		}
		if err := c.checkTarget(target); err != nil {
			return fmt.Errorf("target %s: %w", t.Id, err)
		}
		rule.Targets = append(rule.Targets, target)
	}
	return c.Events.AddRule(rule)
}

// deployMachine makes a state machine whose role Step Functions may assume and which may do what its own settings need.
func (c *Cloud) deployMachine(resource template.Resource, p *template.StateMachine) error {
	if t := cmp.Or(p.StateMachineType, "STANDARD"); t != "STANDARD" {
		return fmt.Errorf("state machines of type %s are not simulated", t)
	}
	if err := c.mayAssume("states.amazonaws.com", p.RoleArn, resource.ARN); err != nil {
		return err
	}
	var needs []string
	if level := cmp.Or(p.LoggingConfiguration.Level, "OFF"); level != "OFF" {
		// AWS: without these CreateStateMachine answers "not authorized to access the Log Destination".
		needs = append(needs, "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
			"logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups")
	}
	if p.TracingConfiguration.Enabled {
		needs = append(needs, "xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets")
	}
	for _, action := range needs {
		if err := c.asRole(p.RoleArn, "embedded", action, "*"); err != nil {
			return err
		}
	}
	if strings.Contains(p.DefinitionString, ":states:startExecution.sync") {
		if err := c.mayHearOfChildren(p.RoleArn); err != nil {
			return err
		}
	}
	return c.States.AddMachine(states.Machine{
		ARN: resource.ARN, Name: last(resource.ARN, ":"), RoleARN: p.RoleArn, Definition: []byte(p.DefinitionString),
	})
}

// deployStates makes a state machine, a version of one, or an alias.
func (c *Cloud) deployStates(resource template.Resource) error {
	switch p := resource.Properties.(type) {
	case *template.StateMachine:
		return c.deployMachine(resource, p)
	case *template.StateMachineVersion:
		return c.States.Publish(p.StateMachineArn, resource.ARN)
	case *template.StateMachineAlias:
		if len(p.RoutingConfiguration) != 1 || p.RoutingConfiguration[0].Weight != 100 {
			return errors.New("aliases of several versions are not simulated")
		}
		return c.States.AddAlias(resource.ARN, p.RoutingConfiguration[0].StateMachineVersionArn)
	}
	return fmt.Errorf("%s is nothing of Step Functions", resource.Type)
}

// mayHearOfChildren checks what a machine's role needs that waits for executions. AWS: CreateStateMachine answers "not authorized to
// create managed-rule" without it.
func (c *Cloud) mayHearOfChildren(roleARN string) error {
	rule := fmt.Sprintf("arn:aws:events:%s:%s:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule", c.Stack.Region, c.Stack.AccountID)
	var faults []error
	for _, action := range []string{"events:PutTargets", "events:PutRule", "events:DescribeRule"} {
		faults = append(faults, c.asRole(roleARN, "embedded", action, rule))
	}
	return errors.Join(faults...)
}

// tableOf is a table with its indexes as DynamoDB makes them.
func tableOf(resource template.Resource, p *template.Table) (dynamodb.Table, error) {
	kinds := map[string]dynamodb.Kind{}
	for _, attribute := range p.AttributeDefinitions {
		kinds[attribute.AttributeName] = dynamodb.Kind(attribute.AttributeType)
	}
	key, err := keyOf(p.KeySchema, kinds)
	if err != nil {
		return dynamodb.Table{}, err
	}
	table := dynamodb.Table{Name: resource.Ref, Key: key}
	for _, index := range p.GlobalSecondaryIndexes {
		if key, err = keyOf(index.KeySchema, kinds); err != nil {
			return dynamodb.Table{}, fmt.Errorf("index %s: %w", index.IndexName, err)
		}
		table.Indexes = append(table.Indexes, dynamodb.Index{
			Name: index.IndexName, Key: key, Projection: index.Projection.ProjectionType, Include: index.Projection.NonKeyAttributes,
		})
	}
	return table, nil
}

func keyOf(schema []template.KeyElement, kinds map[string]dynamodb.Kind) (dynamodb.Key, error) {
	var key dynamodb.Key
	for _, element := range schema {
		kind, defined := kinds[element.AttributeName]
		if !defined {
			return key, fmt.Errorf("key attribute %s is not defined", element.AttributeName)
		}
		attribute := dynamodb.Attribute{Name: element.AttributeName, Kind: kind}
		if element.KeyType == "HASH" {
			key.Hash = attribute
		} else {
			key.Range = &attribute
		}
	}
	return key, nil
}
