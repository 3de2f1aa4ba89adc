package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/approval"
	"postern/internal/watch/drift"
)

const dashboardName = "postern"

// dashboardColumns is the width of a dashboard. AWS: 24 columns.
const dashboardColumns = 24

// dashboard defines the one place to look: what alarms, every connection, and what the alarms watch, by the metrics of the alarms.
//
// AWS: a custom widget calls its function with the permissions of the viewer, who confirms the first call.
func (s *stack) dashboard(alarms []interfacesawscloudwatch.IAlarmRef, watched map[string]awscloudwatch.IMetric) {
	board := awscloudwatch.NewDashboard(s.scope, jsii.String("Dashboard"), &awscloudwatch.DashboardProps{
		DashboardName: jsii.String(dashboardName), DefaultInterval: awscdk.Duration_Days(jsii.Number(7)),
	})
	board.AddWidgets(awscloudwatch.NewAlarmStatusWidget(&awscloudwatch.AlarmStatusWidgetProps{
		Title: jsii.String("Alarms"), Alarms: &alarms, Width: jsii.Number(dashboardColumns), Height: jsii.Number(4),
	}))
	board.AddWidgets(awscloudwatch.NewCustomWidget(&awscloudwatch.CustomWidgetProps{
		Title: jsii.String("Connections"), FunctionArn: s.functions["page"].FunctionArn(),
		Width: jsii.Number(dashboardColumns), Height: jsii.Number(18),
		UpdateOnResize: jsii.Bool(false), UpdateOnTimeRangeChange: jsii.Bool(false),
	}))
	of := func(ids ...string) []awscloudwatch.IMetric {
		var metrics []awscloudwatch.IMetric
		for _, id := range ids {
			if watched[id] != nil { // there may be no webhook
				metrics = append(metrics, watched[id])
			}
		}
		return metrics
	}
	var failing []string
	for _, a := range s.functionAlarms() {
		failing = append(failing, a.id)
	}
	swept := func(name string) awscloudwatch.IMetric { return written(name, "Maximum", sweepsMissed*sweepMinutes) }
	board.AddWidgets(
		graph("Executions", append([]awscloudwatch.IMetric{sum(s.machine.MetricStarted(nil)), sum(s.machine.MetricSucceeded(nil))},
			of("ExecutionsFailed", "FailedDirty", "ExecutionsAborted", "ExecutionsTimedOut")...)),
		graph("Fleets", of("FleetsFailed", "FleetsAborted", "FleetsTimedOut")),
		graph("Drift, and checks that could not run", of("Drift", "DriftUnknown")),
	)
	board.AddWidgets(
		graph("Waits for vendors: the oldest, in seconds", of("WaitOverdue")),
		graph("Waits, those past the vendor's hours, changes without a notification", append(of("SweepRepaired"),
			swept(approval.MetricPending), swept(approval.MetricOverdue))),
		graph("Orphans, and what could not be listed", of("Orphans", "OrphanUnknown")),
	)
	board.AddWidgets(
		graph("How many sweeps and checks reported", of("SweepMissing", "DriftCheckMissing", "OrphanSweepMissing")),
		graph("Checked connections", []awscloudwatch.IMetric{written(drift.MetricChecked, "Maximum", 2*driftMinutes)}),
		graph("Undelivered events, refused webhooks", of("DeadLetters", "WebhookRefused")),
	)
	board.AddWidgets(graph("Functions that fail, or that Lambda turns away", of(failing...)))
}

// graph is one of three in a row.
func graph(title string, metrics []awscloudwatch.IMetric) awscloudwatch.IWidget {
	return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{
		Title: jsii.String(title), Left: &metrics, Width: jsii.Number(dashboardColumns / 3), Height: jsii.Number(6),
		LeftYAxis: &awscloudwatch.YAxisProps{Min: jsii.Number(0), ShowUnits: jsii.Bool(false)},
	})
}
