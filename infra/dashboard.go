package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/approval"
	"postern/internal/drift"
)

const dashboardName = "postern"

// dashboardColumns is the width of a dashboard. AWS: 24 columns.
const dashboardColumns = 24

// dashboard defines the one place to look: what alarms, every connection, and what the alarms watch, by the metrics of the alarms.
//
// AWS: a custom widget calls its function with the permissions of whoever looks at the dashboard, who allows it first.
func (s *stack) dashboard(alarms []interfacesawscloudwatch.IAlarmRef, watched map[string]awscloudwatch.IMetric) {
	board := awscloudwatch.NewDashboard(s.scope, jsii.String("Dashboard"), &awscloudwatch.DashboardProps{
		DashboardName: jsii.String(dashboardName), DefaultInterval: awscdk.Duration_Days(jsii.Number(7)),
	})
	board.AddWidgets(awscloudwatch.NewAlarmStatusWidget(&awscloudwatch.AlarmStatusWidgetProps{
		Title: jsii.String("Alarms"), Alarms: &alarms, Width: jsii.Number(dashboardColumns), Height: jsii.Number(4),
	}))
	board.AddWidgets(awscloudwatch.NewCustomWidget(&awscloudwatch.CustomWidgetProps{
		Title: jsii.String("Connections"), FunctionArn: s.functions["widget"].FunctionArn(),
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
	executions := append([]awscloudwatch.IMetric{sum(s.machine.MetricStarted(nil)), sum(s.machine.MetricSucceeded(nil))},
		of("ExecutionsFailed", "FailedDirty", "ExecutionsAborted")...)
	board.AddWidgets(
		graph("Executions", executions),
		graph("Waits for vendors: the oldest, in seconds", of("WaitOverdue")),
		graph("Sweep: how many reported, of 3", of("SweepMissing")),
	)
	board.AddWidgets(
		graph("Drift, and what nobody could look at", of("Drift", "DriftUnknown")),
		graph("Waits and checked connections", []awscloudwatch.IMetric{
			written(approval.MetricPending, "Maximum", sweepsMissed*sweepMinutes), written(drift.MetricChecked, "Maximum", 2*driftMinutes),
		}),
		graph("Undelivered events, refused webhooks", of("DeadLetters", "WebhookRefused")),
	)
}

// graph is one of three in a row.
func graph(title string, metrics []awscloudwatch.IMetric) awscloudwatch.IWidget {
	return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{
		Title: jsii.String(title), Left: &metrics, Width: jsii.Number(dashboardColumns / 3), Height: jsii.Number(6),
		LeftYAxis: &awscloudwatch.YAxisProps{Min: jsii.Number(0), ShowUnits: jsii.Bool(false)},
	})
}
