package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/approval"
)

// overdueSeconds is longer than any vendor's 48 business hours, with a weekend and a holiday between.
const overdueSeconds = 5 * 86_400

// alarm is one thing that operators are woken for. Anchor names its section in docs/runbook.md.
type alarm struct {
	id, what, anchor string
	metric           awscloudwatch.IMetric
	threshold        float64
	below            bool // alarms when the metric is below, or missing
	periods          float64
}

func (s *stack) observability() {
	s.asynchronous()
	sum := func(m awscloudwatch.Metric, period float64) awscloudwatch.Metric {
		return m.With(&awscloudwatch.MetricOptions{Statistic: jsii.String("Sum"), Period: awscdk.Duration_Minutes(jsii.Number(period))})
	}
	alarms := []alarm{
		{id: "ExecutionsFailed", what: "An onboarding failed", anchor: "executions-failed", metric: sum(s.machine.MetricFailed(nil), 5)},
		{id: "ExecutionsTimedOut", what: "An onboarding ran for a year", anchor: "executions-timed-out", metric: sum(s.machine.MetricTimedOut(nil), 5)},
		{id: "ExecutionsAborted", what: "Somebody stopped an onboarding: nothing was undone", anchor: "executions-aborted", metric: sum(s.machine.MetricAborted(nil), 5)},
		{id: "DeadLetters", what: "An event could not be delivered", anchor: "dead-letters",
			metric: s.deadLetters.MetricApproximateNumberOfMessagesVisible(&awscloudwatch.MetricOptions{Statistic: jsii.String("Maximum")})},
		{id: "SweepMissing", what: "The sweep has not run: lost notifications are not repaired", anchor: "sweep-missing",
			metric: sum(s.functions["observe"].MetricInvocations(nil), 15), threshold: 1, below: true},
	}
	ours := func(name, statistic string) awscloudwatch.IMetric {
		return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
			Namespace: jsii.String(approval.MetricNamespace), MetricName: jsii.String(name), Statistic: jsii.String(statistic),
			Period: awscdk.Duration_Minutes(jsii.Number(15)),
		})
	}
	alarms = append(alarms,
		alarm{id: "WaitOverdue", what: "A vendor has not answered for more than five days", anchor: "wait-overdue",
			metric: ours(approval.MetricOldestPending, "Maximum"), threshold: overdueSeconds},
		alarm{id: "SweepRepaired", what: "The sweep found what a notification should have told", anchor: "sweep-repaired",
			metric: ours(approval.MetricRepaired, "Sum"), threshold: 2},
	)
	for _, handler := range []string{"observe", "resume", "notify", "await-gate", "rollback", "webhook"} {
		if s.functions[handler] == nil {
			continue // no webhook is set up
		}
		alarms = append(alarms, alarm{id: constructID(handler) + "Errors", what: "The function " + handler + " fails",
			anchor: "function-errors", metric: sum(s.functions[handler].MetricErrors(nil), 5), threshold: 2})
	}
	for _, a := range alarms {
		s.alarm(a)
	}
}

func (s *stack) alarm(a alarm) {
	props := &awscloudwatch.AlarmProps{
		AlarmDescription:   jsii.String(a.what + ". See docs/runbook.md#" + a.anchor),
		Metric:             a.metric,
		Threshold:          jsii.Number(a.threshold),
		EvaluationPeriods:  jsii.Number(max(a.periods, 1)),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
		TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
	}
	if a.below {
		props.ComparisonOperator = awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD
		props.TreatMissingData = awscloudwatch.TreatMissingData_BREACHING
	}
	awscloudwatch.NewAlarm(s.scope, jsii.String("Alarm"+a.id), props).AddAlarmAction(awscloudwatchactions.NewSnsAction(s.operators))
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
