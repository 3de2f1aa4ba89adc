package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The list is the review: what notifies the operators, as metric, statistic, seconds and threshold.
func TestAlarms(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"executions-failed":    "AWS/States ExecutionsFailed Sum 300 > 0",
		"failed-dirty":         "Postern FailedDirty Sum 300 > 0",
		"executions-timed-out": "AWS/States ExecutionsTimedOut Sum 300 > 0",
		"executions-aborted":   "AWS/States ExecutionsAborted Sum 300 > 0",
		"fleets-failed":        "AWS/States ExecutionsFailed Sum 300 > 0",
		"fleets-timed-out":     "AWS/States ExecutionsTimedOut Sum 300 > 0",
		"fleets-aborted":       "AWS/States ExecutionsAborted Sum 300 > 0",
		"dead-letters":         "AWS/SQS ApproximateNumberOfMessagesVisible Maximum 300 > 0",
		"sweep-missing":        "Postern PendingCount SampleCount 900 < 1, or nothing",
		"wait-overdue":         "Postern OldestPendingAgeSeconds Maximum 900 > 432000",
		"sweep-repaired":       "Postern SweepRepaired Sum 900 > 2",
		"orphans":              "Postern OrphanCount Maximum 43200 > 0",
		"orphan-unknown":       "Postern OrphanUnknown Minimum 43200 > 0",
		"orphan-sweep-missing": "Postern OrphanChecked SampleCount 43200 < 1, or nothing",
		"drift":                "Postern DriftCount Maximum 7200 > 0",
		"drift-unknown":        "Postern DriftUnknownCount Minimum 7200 > 0",
		"drift-check-missing":  "Postern DriftChecked SampleCount 10800 < 1, or nothing",
		"webhook-refused":      "Postern WebhookRefused Sum 3600 > 3",
	}
	for _, function := range []string{"observe", "resume", "mail", "await-gate", "webhook"} {
		want["function-errors of "+function] = "AWS/Lambda Errors Sum 300 > 2"
		want["function-throttles of "+function] = "AWS/Lambda Throttles Sum 300 > 2"
	}
	want["function-errors of ticket"] = "AWS/Lambda Errors Sum 300 > 2"
	want["function-errors of drift"] = "AWS/Lambda Errors Sum 300 > 2"
	handlers := map[string]string{}
	for handler, id := range functionsByHandler(t) {
		handlers[id] = handler
	}
	got := map[string]string{}
	for _, r := range ofType("AWS::CloudWatch::Alarm") {
		p := r.Properties
		_, name, _ := strings.Cut(p["AlarmDescription"].(string), "#")
		for _, dimension := range list(p["Dimensions"]) {
			if id, _ := the(dimension, "Value", "Ref").(string); handlers[id] != "" {
				name += " of " + handlers[id]
			}
		}
		compare := map[any]string{
			"GreaterThanThreshold notBreaching": "> %v", "LessThanThreshold breaching": "< %v, or nothing",
		}[fmt.Sprint(p["ComparisonOperator"], " ", p["TreatMissingData"])]
		got[name] = fmt.Sprintf("%v %v %v %v "+compare,
			p["Namespace"], p["MetricName"], p["Statistic"], p["Period"], int(p["Threshold"].(float64)))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestAlarmsReachTheOperators follows each alarm to its topic, the topic's policy and the topic's key. AWS: an alarm whose topic or
// key does not allow it changes its state all the same, and no operator is notified.
func TestAlarmsReachTheOperators(t *testing.T) {
	t.Parallel()
	admits := func(document any) bool {
		return slices.ContainsFunc(list(the(document, "Statement")), func(one any) bool {
			return the(one, "Principal", "Service") == "cloudwatch.amazonaws.com" && the(one, "Effect") == "Allow"
		})
	}
	open := map[string]bool{}
	for _, policy := range ofType("AWS::SNS::TopicPolicy") {
		for _, topic := range list(policy.Properties["Topics"]) {
			open[text(topic)] = admits(policy.Properties["PolicyDocument"])
		}
	}
	for id, alarm := range ofType("AWS::CloudWatch::Alarm") {
		if len(list(alarm.Properties["AlarmActions"])) == 0 {
			t.Errorf("%s has no action", id)
		}
		for _, action := range list(alarm.Properties["AlarmActions"]) {
			topic, _ := the(action, "Ref").(string)
			key, _ := the(template.Resources[topic].Properties["KmsMasterKeyId"], "Fn::GetAtt").([]any)
			if !open[text(action)] || len(key) == 0 || !admits(template.Resources[key[0].(string)].Properties["KeyPolicy"]) {
				t.Errorf("%s: CloudWatch may not publish to %s", id, topic)
			}
			mailed := false
			for _, subscription := range ofType("AWS::SNS::Subscription") {
				p := subscription.Properties
				mailed = mailed || text(p["TopicArn"]) == text(action) && p["Protocol"] == "email" && p["Endpoint"] == "platform@example.com"
			}
			if !mailed {
				t.Errorf("%s: %s has no e-mail subscription", id, topic)
			}
		}
	}
}

// TestFailedDirtyIsCounted: the filter names a state of the machine that fails, in the machine's own log, which names every
// state.
func TestFailedDirtyIsCounted(t *testing.T) {
	t.Parallel()
	var destination string
	for _, m := range ofType("AWS::StepFunctions::StateMachine") {
		if m.Properties["StateMachineName"] != machineName {
			continue
		}
		destination = text(the(m.Properties["LoggingConfiguration"], "Destinations"))
	}
	filters := ofType("AWS::Logs::MetricFilter")
	for id, filter := range filters {
		pattern, _ := filter.Properties["FilterPattern"].(string)
		match := regexp.MustCompile(`^\{ \$\.details\.name = "(\w+)" \}$`).FindStringSubmatch(pattern)
		if match == nil || machine.States[match[1]].Type != "Fail" {
			t.Errorf("%s: %s names no state in which executions fail", id, pattern)
		}
		group, _ := the(filter.Properties["LogGroupName"], "Ref").(string)
		if group == "" || !strings.Contains(destination, group) {
			t.Errorf("%s looks into %s, the machine writes to %s", id, group, destination)
		}
	}
	if len(filters) != 1 {
		t.Errorf("%d filters", len(filters))
	}
}

func TestRunbookCoversEveryAlarm(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	_, runbook, _ := strings.Cut(string(page), "\n## Alarms\n")
	runbook, _, _ = strings.Cut(runbook, "\n## ")
	sections := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^### (.+)$`).FindAllStringSubmatch(runbook, -1) {
		sections[strings.ReplaceAll(strings.ToLower(match[1]), " ", "-")] = true
	}
	named := map[string]bool{}
	for id, alarm := range ofType("AWS::CloudWatch::Alarm") {
		description, _ := alarm.Properties["AlarmDescription"].(string)
		match := regexp.MustCompile(`^[A-Z].+\. [A-Z].+: docs/operate\.md#([a-z-]+)$`).FindStringSubmatch(description)
		if match == nil {
			t.Errorf("%s: %q does not say what happened, what to do, and where that is written", id, description)
			continue
		}
		named[match[1]] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(sections)), slices.Sorted(maps.Keys(named))); diff != "" {
		t.Errorf("(-runbook +alarms):\n%s", diff)
	}
}
