package main

import (
	_ "embed"

	"github.com/aws/jsii-runtime-go"
)

// fleetDefinition is the state machine that starts one execution of the other for each target.
//
//go:embed fleet.asl.json
var fleetDefinition string

const fleetName = machineName + "-fleet"

// fleetPlaceholders are the functions of the fleet's definition. ${Machine} besides is the postern machine.
var fleetPlaceholders = map[string]string{
	"PlanFleetFunction": "plan-fleet", "ReportTargetFunction": "report-target", "ReportFleetFunction": "report-fleet",
}

func (s *stack) fleet() {
	role := s.machineRole("FleetRole", fleetName, "Postern's state machine for many targets", nil)
	for _, g := range []grant{
		{actions: []string{"states:StartExecution"}, resources: workflow},
		{actions: []string{"states:DescribeExecution", "states:StopExecution"}, resources: executions},
		// AWS: how a task that waits for an execution hears of its end.
		{actions: []string{"events:PutTargets", "events:PutRule", "events:DescribeRule"}, resources: childRule},
		// AWS: a distributed Map starts executions of its own state machine.
		{actions: []string{"states:StartExecution"}, resources: func(s *stack) []*string {
			return []*string{s.namedArn("states", "stateMachine", fleetName)}
		}},
	} {
		role.AddToPolicy(g.statement(s))
	}
	substitutions := s.handlers(fleetPlaceholders, role)
	substitutions["Machine"] = s.machine.StateMachineArn()
	s.fleetMachine, _ = s.stateMachine("Fleet", fleetName, fleetDefinition, role, substitutions)
}

// executions are those of the postern machine.
func executions(s *stack) []*string {
	return []*string{jsii.String(*s.namedArn("states", "execution", machineName) + ":*")}
}

// childRule is the rule that Step Functions keeps in every account for it.
func childRule(s *stack) []*string {
	return []*string{s.arn("events", "rule", "StepFunctionsGetEventsForStepFunctionsExecutionRule")}
}
