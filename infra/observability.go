package main

import (
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/approval"
	"postern/internal/step"
	"postern/internal/watch/drift"
	"postern/internal/watch/orphan"
	"postern/internal/webhook"
)

// overdueSeconds is longer than any vendor's 48 business hours, with a weekend and a holiday between.
const overdueSeconds = 5 * 86_400

// sweepsMissed is how many sweeps in a row may be missing before the alarm. A heartbeat outlasts many more.
const sweepsMissed = 3

// checksMissed is how many drift checks in a row may be missing before the alarm.
const checksMissed = 3

// alarm is one alarm for the operators: what happened, what to do first, and the section of docs/operate.md with the rest.
type alarm struct {
	id, what, do, anchor string
	metric               awscloudwatch.IMetric
	threshold            float64
	silent               bool // alarms when the metric is below the threshold, or missing
}

func (s *stack) observability() {
	all := slices.Concat(s.executionAlarms(), s.fleetAlarms(), s.waitAlarms(), s.orphanAlarms(), s.driftAlarms(), s.webhookAlarms(), s.functionAlarms())
	alarms := make([]interfacesawscloudwatch.IAlarmRef, len(all))
	metrics := map[string]awscloudwatch.IMetric{}
	for i, a := range all {
		alarms[i], metrics[a.id] = s.alarm(a), a.metric
	}
	s.dashboard(alarms, metrics)
}

func (s *stack) executionAlarms() []alarm {
	return []alarm{
		{id: "ExecutionsFailed", what: "An execution failed", do: "Read its error, correct what it names, start again",
			anchor: "executions-failed", metric: sum(s.machine.MetricFailed(nil))},
		{id: "FailedDirty", what: "An execution failed and left something behind", do: "Remove what the cause of the execution lists",
			anchor: "failed-dirty", metric: s.failedDirty()},
		{id: "ExecutionsTimedOut", what: "An execution ran for a year",
			do: "Report the execution's ARN, treat what it made as aborted", anchor: "executions-timed-out",
			metric: sum(s.machine.MetricTimedOut(nil))},
		{id: "ExecutionsAborted", what: "An execution was stopped: nothing was undone",
			do: "Decide what to do with what it made", anchor: "executions-aborted", metric: sum(s.machine.MetricAborted(nil))},
	}
}

// failedDirty counts the executions that end in the state FailedDirty. Step Functions' own metrics and events tell that an
// execution failed, not in which state, and the function rollback cannot tell when it is rollback that broke. The machine's log
// names every state that is entered, without execution data too. AWS delivers logs at best effort: ExecutionsFailed, which the
// machine itself reports, has an alarm too.
func (s *stack) failedDirty() awscloudwatch.IMetric {
	filter := awslogs.NewMetricFilter(s.scope, jsii.String("FailedDirty"), &awslogs.MetricFilterProps{
		LogGroup:        s.machineLogs,
		FilterPattern:   awslogs.FilterPattern_Literal(jsii.String(`{ $.details.name = "FailedDirty" }`)),
		MetricNamespace: jsii.String(step.MetricNamespace),
		MetricName:      jsii.String("FailedDirty"),
		MetricValue:     jsii.String("1"),
	})
	return sum(filter.Metric(nil))
}

// written is a metric that a function writes, over some minutes.
func written(name, statistic string, minutes float64) awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String(step.MetricNamespace), MetricName: jsii.String(name), Statistic: jsii.String(statistic),
		Period: awscdk.Duration_Minutes(jsii.Number(minutes)),
	})
}

func (s *stack) waitAlarms() []alarm {
	ours := func(name, statistic string) awscloudwatch.IMetric {
		return written(name, statistic, sweepsMissed*sweepMinutes)
	}
	return []alarm{
		// What the sweep reports, not that observe ran: messages wake observe too, and a sweep that fails reports nothing.
		{id: "SweepMissing", what: "The sweep is silent: lost notifications are not repaired",
			do: "Look at the rule Sweep and the log of observe", anchor: "sweep-missing",
			metric: ours(approval.MetricPending, "SampleCount"), threshold: 1, silent: true},
		{id: "WaitOverdue", what: "A vendor has not answered for more than five days", do: "Ask the vendor; the page says which",
			anchor: "wait-overdue", metric: ours(approval.MetricOldestPending, "Maximum"), threshold: overdueSeconds},
		{id: "SweepRepaired", what: "The sweep found changes that had no notification",
			do: "Look at the notifications topic and its key", anchor: "sweep-repaired",
			metric: ours(approval.MetricRepaired, "Sum"), threshold: 2},
		{id: "DeadLetters", what: "An event could not be delivered",
			do: "Read the message in the queue, fix the function, send it again", anchor: "dead-letters",
			metric: s.deadLetters.MetricApproximateNumberOfMessagesVisible(
				&awscloudwatch.MetricOptions{Statistic: jsii.String("Maximum")})},
	}
}

// orphanAlarms are about what the sweeps for orphans report. A period holds two of them, so that one which comes late ends no alarm.
func (s *stack) orphanAlarms() []alarm {
	const two = 2 * 60 * orphanSweepHours
	return []alarm{
		{id: "Orphans", what: "AWS has resources that Postern made and no connection owns", do: "Read the mail about it, decide, start the request in it",
			anchor: "orphans", metric: written(orphan.MetricOrphans, "Maximum", two)},
		{id: "OrphanUnknown", what: "The sweep for orphans cannot look at something", do: "Read in its log what it lacks",
			anchor: "orphan-unknown", metric: written(orphan.MetricUnknown, "Minimum", two)},
		{id: "OrphanSweepMissing", what: "The sweep for orphans is silent: orphaned resources are billed unreported",
			do: "Look at the rule OrphanSweep and the log of orphan", anchor: "orphan-sweep-missing",
			metric: written(orphan.MetricChecked, "SampleCount", two), threshold: 1, silent: true},
	}
}

// driftAlarms are about what the scheduled drift checks report. What one of them could not look at may be looked at by the next: only
// what stays unknown raises an alarm.
func (s *stack) driftAlarms() []alarm {
	return []alarm{
		{id: "Drift", what: "An onboarded connection differs from what was verified", do: "Read on the page which, and what to do",
			anchor: "drift", metric: written(drift.MetricDrift, "Maximum", 2*driftMinutes)},
		{id: "DriftUnknown", what: "The drift check cannot look at something", do: "Read on the page what it lacks",
			anchor: "drift-unknown", metric: written(drift.MetricUnknown, "Minimum", 2*driftMinutes)},
		{id: "DriftCheckMissing", what: "The drift check is silent: broken links are not noticed",
			do: "Look at the rule DriftSchedule and the log of drift", anchor: "drift-check-missing",
			metric: written(drift.MetricChecked, "SampleCount", checksMissed*driftMinutes), threshold: 1, silent: true},
	}
}

// webhookAlarms are about deliveries that are refused: a few of strangers are normal, many mean that a ticket system has another secret.
func (s *stack) webhookAlarms() []alarm {
	if s.functions["webhook"] == nil {
		return nil
	}
	return []alarm{
		{id: "WebhookRefused", what: "Webhook deliveries are refused: their sender does not know the secret",
			do: "Compare the secrets on both sides", anchor: "webhook-refused", metric: written(webhook.MetricRefused, "Sum", 60), threshold: 3},
	}
}

// functionAlarms are about the functions whose row of the table says alarm.
func (s *stack) functionAlarms() []alarm {
	var alarms []alarm
	for _, f := range functions {
		function, deployed := s.functions[f.name]
		if !f.alarm || !deployed {
			continue
		}
		alarms = append(alarms,
			alarm{id: constructID(f.name) + "Errors", what: "The function " + f.name + " fails", do: "Read its log",
				anchor: "function-errors", metric: sum(function.MetricErrors(nil)), threshold: 2})
		if f.atOnce == 1 {
			continue // Lambda throttles a second call as a matter of course, and tries again for six hours
		}
		alarms = append(alarms,
			alarm{id: constructID(f.name) + "Throttles", what: "The function " + f.name + " is throttled",
				do: "Raise the account's concurrency", anchor: "function-throttles",
				metric: sum(function.MetricThrottles(nil)), threshold: 2})
	}
	return alarms
}

// sum adds up five minutes.
func sum(metric awscloudwatch.Metric) awscloudwatch.IMetric {
	return metric.With(&awscloudwatch.MetricOptions{
		Statistic: jsii.String("Sum"), Period: awscdk.Duration_Minutes(jsii.Number(5)),
	})
}

func (s *stack) alarm(a alarm) awscloudwatch.Alarm {
	props := &awscloudwatch.AlarmProps{
		AlarmDescription:   jsii.String(a.what + ". " + a.do + ": docs/operate.md#" + a.anchor),
		Metric:             a.metric,
		Threshold:          jsii.Number(a.threshold),
		EvaluationPeriods:  jsii.Number(1),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
		TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
	}
	if a.silent {
		props.ComparisonOperator = awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD
		props.TreatMissingData = awscloudwatch.TreatMissingData_BREACHING
	}
	made := awscloudwatch.NewAlarm(s.scope, jsii.String("Alarm"+a.id), props)
	made.AddAlarmAction(awscloudwatchactions.NewSnsAction(s.operators))
	return made
}

// constructID turns a kebab-case name into the CamelCase of construct ids.
func constructID(name string) string {
	var b strings.Builder
	for _, part := range strings.Split(name, "-") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}
