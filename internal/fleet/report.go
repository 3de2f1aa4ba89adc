package fleet

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"postern/internal/connection"
)

// Status is how a target ended.
type Status string

// The statuses of a target.
const (
	Onboarded Status = "onboarded"
	Planned   Status = "planned"
	Failed    Status = "failed"
	Unknown   Status = "unknown" // the report failed: look at its execution
)

// Result is how one target ended. It is small, since those of all targets share the state of one execution.
type Result struct {
	Connection string  `json:"connection"` // name, without the vendor
	Execution  string  `json:"execution"`  // name
	Status     Status  `json:"status"`
	Error      string  `json:"error,omitempty"`
	Cause      string  `json:"cause,omitempty"` // its first words
	MonthlyUSD float64 `json:"monthlyUsd,omitempty"`
}

// maxCause is the most bytes of a result's cause: 500 of them and their names stay below the 262,144 of a state.
const maxCause = 200

// Ended is what the machine passes with the step target: what it knows of an execution of the postern machine.
type Ended struct {
	Item Item `json:"item"`
	// Execution is the answer of states:startExecution.sync:2, which parses Output, or of DescribeExecution, which does not.
	Execution *Execution `json:"execution"`
	Failure   *Failure   `json:"failure"` // what the machine caught instead
}

// Execution is an execution that ended. AWS: DescribeExecution.
type Execution struct {
	Status string          `json:"Status"`
	Output json.RawMessage `json:"Output"`
	Error  string          `json:"Error"`
	Cause  string          `json:"Cause"`
}

// Failure is an error as Step Functions hands it to a catcher.
type Failure struct {
	Error string `json:"Error"`
	Cause string `json:"Cause"`
}

const succeeded = "SUCCEEDED"

// Target reports how one target ended.
func Target(ended Ended) Result {
	connectionName, _ := ended.Item.Request["name"].(string)
	result := Result{Connection: connectionName, Execution: ended.Item.Execution, Status: Failed}
	execution := ended.Execution
	if execution == nil && ended.Failure != nil {
		result.Error, result.Cause = ended.Failure.Error, ended.Failure.Cause
		// AWS: the cause of a child that did not succeed is its description.
		var child Execution
		if json.Unmarshal([]byte(ended.Failure.Cause), &child) == nil && child.Status != "" {
			execution = &child
		}
	}
	if execution != nil {
		result.Error, result.Cause = cmp.Or(execution.Error, execution.Status), execution.Cause
		if execution.Status == succeeded {
			result.Error, result.Cause = "", ""
			result.Status, result.MonthlyUSD = outcome(execution.Output)
		}
	}
	result.Cause = first(result.Cause, maxCause)
	return result
}

// outcome reads the output of an execution that succeeded.
func outcome(output json.RawMessage) (Status, float64) {
	var text string
	if json.Unmarshal(output, &text) == nil {
		output = json.RawMessage(text)
	}
	var state connection.State
	if json.Unmarshal(output, &state) != nil || state.Plan == nil {
		return Unknown, 0
	}
	if state.Plan.Decision == connection.DecisionPlanned {
		return Planned, state.Plan.Cost.MonthlyUSD
	}
	return Onboarded, state.Plan.Cost.MonthlyUSD
}

// first is the beginning of a text, in whole characters.
func first(text string, most int) string {
	if len(text) <= most {
		return text
	}
	text = text[:most]
	for !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return text + "…"
}

// Results is what the machine passes with the step report.
type Results struct {
	Total   int      `json:"total"`
	Results []Result `json:"results"`
	Failure          // what ended the fleet before there were results
}

// Ending is where the machine goes.
type Ending string

// The endings of a fleet.
const (
	EndOnboarded Ending = "onboarded"
	EndPlanned   Ending = "planned"
	EndPartly    Ending = "partly"
	EndFailed    Ending = "failed"
)

// Report is how a fleet ended. Error and Cause have the names under which Step Functions hands on an error, so that one state
// fails with either.
type Report struct {
	Ending     Ending   `json:"ending"`
	Error      string   `json:"Error,omitempty"`
	Cause      string   `json:"Cause,omitempty"`
	Done       int      `json:"done"` // onboarded, or planned
	Total      int      `json:"total"`
	MonthlyUSD float64  `json:"monthlyUsd,omitempty"` // of those that are done
	Targets    []Result `json:"targets,omitempty"`
}

// Fleet reports how all targets ended.
func Fleet(in Results) Report {
	if in.Error != "" {
		return Report{Ending: EndFailed, Error: in.Error, Cause: connection.Failure{Cause: in.Cause}.Message()}
	}
	total := max(in.Total, len(in.Results))
	// AWS does not say what a distributed Map's results have for an item whose own execution broke.
	in.Results = slices.DeleteFunc(in.Results, func(r Result) bool { return r.Status == "" })
	report := Report{Ending: EndOnboarded, Total: total, Targets: in.Results}
	what := "onboarded"
	var lines []string
	for _, result := range in.Results {
		switch result.Status {
		case Planned:
			report.Ending, what = EndPlanned, "planned"
			fallthrough
		case Onboarded:
			report.Done++
			report.MonthlyUSD += result.MonthlyUSD
		default:
			lines = append(lines, line(result))
		}
	}
	if report.Done == report.Total {
		return report
	}
	report.Error, report.Ending = connection.TargetsFailed, EndPartly
	if report.Done == 0 {
		report.Ending = EndFailed
	}
	if missing := report.Total - len(in.Results); missing > 0 {
		lines = append(lines, fmt.Sprintf("%d gave no result; look at their executions", missing))
	}
	report.Cause = cause(fmt.Sprintf("%d of %d connections are %s; %d failed", report.Done, report.Total, what, report.Total-report.Done),
		lines)
	return report
}

func line(r Result) string {
	head, _, _ := strings.Cut(r.Cause, "\n")
	head = strings.TrimRight(head, ".:;")
	if r.Status == Unknown {
		head = "how it ended is not known"
	}
	return fmt.Sprintf("%s: %s: %s; see execution %s", r.Connection, cmp.Or(r.Error, string(r.Status)), head, r.Execution)
}

// maxReport is about how many bytes of a cause are written. AWS: the cause of a failed execution has at most 32,768 characters.
const maxReport = 30_000

func cause(head string, lines []string) string {
	var b strings.Builder
	b.WriteString(head)
	for i, line := range lines {
		if b.Len()+len(line) > maxReport {
			fmt.Fprintf(&b, "\n- and %d more", len(lines)-i)
			break
		}
		b.WriteString("\n- " + line)
	}
	return b.String()
}
