package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"
	"text/tabwriter"

	"postern/internal/fleet"
	"postern/internal/local"
	"postern/internal/local/states"
)

// fleetStories tell what the states of a fleet came to, from its state's data.
var fleetStories = map[string]func([]byte) string{
	"PlanFleet": func(output []byte) string {
		var state struct{ Fleet fleet.Plan }
		if json.Unmarshal(output, &state) != nil || state.Fleet.Mode == "" {
			return ""
		}
		names := make([]string, len(state.Fleet.Items))
		for i, item := range state.Fleet.Items {
			names[i], _ = item.Request["name"].(string)
		}
		return fmt.Sprintf("%d connections, %s: %s", len(names), state.Fleet.Mode, strings.Join(names, ", "))
	},
	"ReportFleet": func(output []byte) string {
		var report fleet.Report
		if json.Unmarshal(output, &report) != nil || report.Total == 0 {
			return ""
		}
		return fmt.Sprintf("%d of %d connections done", report.Done, report.Total)
	},
}

// join remembers which connection an execution of a fleet is for.
func (t *timeline) join(e states.Execution) {
	var request struct {
		Name      string `json:"name"`
		StartedBy string `json:"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"`
	}
	if json.Unmarshal(e.Input, &request) == nil && request.StartedBy != "" {
		t.names[e.ARN] = request.Name
	}
}

// started are the executions that belong to one: itself, and those that a fleet started.
func started(cloud *local.Cloud, ended states.Execution) []states.Execution {
	all := []states.Execution{ended}
	for _, e := range cloud.States.Executions() {
		if e.StartedBy == ended.ARN {
			all = append(all, e)
		}
	}
	return all
}

// fleetReport reads the report of a fleet; nil when it was none, or was refused.
func fleetReport(ended states.Execution, last []byte) *fleet.Report {
	var report fleet.Report
	if !strings.HasSuffix(path.Base(ended.MachineARN), "-fleet") || json.Unmarshal(last, &report) != nil || len(report.Targets) == 0 {
		return nil
	}
	return &report
}

// printFleet writes a table of the targets.
func printFleet(out io.Writer, report *fleet.Report) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i, target := range report.Targets {
		label := ""
		if i == 0 {
			label = "targets"
		}
		cost, why := "-", target.Error
		if target.MonthlyUSD > 0 {
			cost = fmt.Sprintf("$%.2f a month", target.MonthlyUSD)
		}
		if first, _, _ := strings.Cut(target.Cause, "\n"); first != "" {
			why += ": " + first
		}
		if why != "" {
			why = "\t" + why
		}
		fmt.Fprintf(table, "  %-14s %s\t%s\t%s%s\n", label, target.Connection, target.Status, cost, why)
	}
	table.Flush() //nolint:errcheck // as every other line of the summary
}
