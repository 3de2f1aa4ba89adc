package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// board is the dashboard's body, with logical ids where CloudFormation puts in ARNs and names.
func board(t *testing.T) (body struct {
	Widgets []struct {
		Type       string
		X, Y       int
		Width      int
		Height     int
		Properties struct {
			Title, Endpoint string
			Alarms          []string
			Metrics         [][]any
		}
	}
}) {
	t.Helper()
	dashboards := ofType("AWS::CloudWatch::Dashboard")
	if len(dashboards) != 1 {
		t.Fatalf("%d dashboards", len(dashboards))
	}
	var source strings.Builder
	for _, dashboard := range dashboards {
		join := list(the(dashboard.Properties["DashboardBody"], "Fn::Join"))
		for _, part := range list(join[1]) {
			switch part := part.(type) {
			case string:
				source.WriteString(part)
			case map[string]any:
				if ref, ok := part["Ref"].(string); ok {
					source.WriteString(ref)
				} else {
					fmt.Fprint(&source, list(part["Fn::GetAtt"])[0])
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(source.String()), &body); err != nil {
		t.Fatalf("%v in %s", err, source.String())
	}
	return body
}

// TestDashboard: it shows every alarm, the page, and what the operators need to see coming.
func TestDashboard(t *testing.T) {
	t.Parallel()
	want := []string{
		"AWS/Lambda Errors", "AWS/Lambda Throttles", "AWS/SQS ApproximateNumberOfMessagesVisible", "AWS/States ExecutionsAborted",
		"AWS/States ExecutionsFailed", "AWS/States ExecutionsStarted", "AWS/States ExecutionsSucceeded", "AWS/States ExecutionsTimedOut",
		"Postern DriftChecked", "Postern DriftCount", "Postern DriftUnknownCount", "Postern FailedDirty", "Postern OldestPendingAgeSeconds",
		"Postern OrphanChecked", "Postern OrphanCount", "Postern OrphanUnknown", "Postern OverdueCount", "Postern PendingCount",
		"Postern SweepRepaired", "Postern WebhookRefused",
	}
	metrics, drawn := map[string]bool{}, map[string]bool{}
	var alarms, pages []string
	for _, widget := range board(t).Widgets {
		if widget.X+widget.Width > dashboardColumns || widget.Height < 3 {
			t.Errorf("%s: %d columns from %d, %d high", widget.Properties.Title, widget.Width, widget.X, widget.Height)
		}
		switch widget.Type {
		case "alarm":
			alarms = append(alarms, widget.Properties.Alarms...)
		case "custom":
			pages = append(pages, widget.Properties.Endpoint)
		case "metric":
			for _, metric := range widget.Properties.Metrics {
				metrics[fmt.Sprint(metric[0], " ", metric[1])] = true
				drawn[fmt.Sprint(metric[:len(metric)-1]...)] = true // without how it is drawn
			}
		default:
			t.Errorf("a widget of type %s", widget.Type)
		}
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(metrics))); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	for id, alarm := range ofType("AWS::CloudWatch::Alarm") {
		watched := []any{alarm.Properties["Namespace"], alarm.Properties["MetricName"]}
		for _, dimension := range list(alarm.Properties["Dimensions"]) {
			value := the(dimension, "Value", "Ref")
			if got := list(the(dimension, "Value", "Fn::GetAtt")); len(got) > 0 {
				value = got[0]
			}
			watched = append(watched, the(dimension, "Name"), value)
		}
		if !drawn[fmt.Sprint(watched...)] {
			t.Errorf("%s: no graph shows %v", id, watched)
		}
	}
	slices.Sort(alarms)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(ofType("AWS::CloudWatch::Alarm"))), alarms); diff != "" {
		t.Errorf("alarms (-made +shown):\n%s", diff)
	}
	if diff := cmp.Diff([]string{functionsByHandler(t)["page"]}, pages); diff != "" {
		t.Errorf("functions of custom widgets (-want +got):\n%s", diff)
	}
}
