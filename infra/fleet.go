package main

import (
	_ "embed"

	"github.com/aws/jsii-runtime-go"
)

// fleetSource is the fleet's state machine without the retriers that its states share.
//
//go:embed fleet.asl.json
var fleetSource string

// fleetDefinition is the state machine that starts one execution of the postern machine for each target.
var fleetDefinition = withRetriers(fleetSource, fleetRetriers)

const fleetName = machineName + "-fleet"

// fleet defines the fleet's state machine. ${Machine} in its definition is the postern machine, and ${Live} its alias.
func (s *stack) fleet() {
	role := s.machineRole("FleetWorkflowRole", fleetName, "Postern's state machine for many targets", nil)
	for _, g := range []grant{
		{actions: []string{"states:StartExecution"}, resources: workflow},
		{actions: []string{"states:DescribeExecution", "states:StopExecution"}, resources: executions},
		// AWS: a task that waits for an execution is notified of its end by this rule.
		{actions: []string{"events:PutTargets", "events:PutRule", "events:DescribeRule"}, resources: childRule},
		// AWS: a distributed Map starts executions of its own state machine.
		{actions: []string{"states:StartExecution"}, resources: func(s *stack) []*string {
			return []*string{s.namedArn("states", "stateMachine", fleetName)}
		}},
	} {
		role.AddToPolicy(g.statement(s))
	}
	substitutions := s.handlers(fleetDefinition, role)
	substitutions["Machine"], substitutions["Live"] = s.machine.StateMachineArn(), s.live
	s.fleetMachine, _ = s.stateMachine("FleetWorkflow", fleetName, fleetDefinition, role, substitutions)
	s.publish("FleetWorkflow", s.fleetMachine)
}

// fleetAlarms are about the fleet's own executions; those that it starts have the postern machine's alarms.
func (s *stack) fleetAlarms() []alarm {
	return []alarm{
		{id: "FleetsFailed", what: "A fleet did not onboard every connection", do: "Read in its cause which, start again with those",
			anchor: "fleets-failed", metric: sum(s.fleetMachine.MetricFailed(nil))},
		{id: "FleetsTimedOut", what: "A fleet ran for a year", do: "Look at the executions that it started",
			anchor: "fleets-timed-out", metric: sum(s.fleetMachine.MetricTimedOut(nil))},
		{id: "FleetsAborted", what: "A fleet and its onboardings were stopped: nothing was undone",
			do: "Decide what to do with what they made", anchor: "fleets-aborted", metric: sum(s.fleetMachine.MetricAborted(nil))},
	}
}

// executions are those of the postern machine.
func executions(s *stack) []*string {
	return []*string{jsii.String(*s.namedArn("states", "execution", machineName) + ":*")}
}

// childRule is the rule that Step Functions keeps in every account for it.
func childRule(s *stack) []*string {
	return []*string{s.arn("events", "rule", "StepFunctionsGetEventsForStepFunctionsExecutionRule")}
}
