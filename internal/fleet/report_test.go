package fleet

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
)

const planned = `{"plan":{"decision":"planned","cost":{"monthlyUsd":14.6}}}`

func TestTarget(t *testing.T) {
	t.Parallel()
	item := `"item":{"execution":"e","request":{"name":"n"}},`
	tests := map[string]struct {
		in   string
		want Result
	}{
		"waited for": {`"execution":{"Status":"SUCCEEDED","Output":{"plan":{"decision":"proceed","cost":{"monthlyUsd":15}}}}`,
			Result{Status: Onboarded, MonthlyUSD: 15}},
		"planned":                {`"execution":{"Status":"SUCCEEDED","Output":` + planned + `}`, Result{Status: Planned, MonthlyUSD: 14.6}},
		"described":              {`"execution":{"Status":"SUCCEEDED","Output":` + fmt.Sprintf("%q", planned) + `}`, Result{Status: Planned, MonthlyUSD: 14.6}},
		"found after a failure":  {`"failure":{"Error":"X"},"execution":{"Status":"SUCCEEDED","Output":` + planned + `}`, Result{Status: Planned, MonthlyUSD: 14.6}},
		"no output":              {`"execution":{"Status":"SUCCEEDED"}`, Result{Status: Unknown}},
		"described, failed":      {`"execution":{"Status":"FAILED","Error":"Conflict","Cause":"why"}`, Result{Status: Failed, Error: "Conflict", Cause: "why"}},
		"aborted":                {`"execution":{"Status":"ABORTED"}`, Result{Status: Failed, Error: "ABORTED"}},
		"child failed":           {`"failure":{"Error":"States.TaskFailed","Cause":"{\"Status\":\"FAILED\",\"Error\":\"EndpointRejected\",\"Cause\":\"no\"}"}`, Result{Status: Failed, Error: "EndpointRejected", Cause: "no"}},
		"child ran out of time":  {`"failure":{"Error":"States.TaskFailed","Cause":"{\"Status\":\"TIMED_OUT\"}"}`, Result{Status: Failed, Error: "TIMED_OUT"}},
		"could not be started":   {`"failure":{"Error":"StepFunctions.AWSStepFunctionsException","Cause":"not authorized"}`, Result{Status: Failed, Error: "StepFunctions.AWSStepFunctionsException", Cause: "not authorized"}},
		"a cause that is JSON":   {`"failure":{"Error":"X","Cause":"{}"}`, Result{Status: Failed, Error: "X", Cause: "{}"}},
		"nothing is known":       {`"failure":null`, Result{Status: Failed}},
		"a cause with long text": {`"failure":{"Error":"X","Cause":"` + strings.Repeat("é", 150) + `"}`, Result{Status: Failed, Error: "X", Cause: strings.Repeat("é", 100) + "…"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ended Ended
			if err := json.Unmarshal([]byte("{"+item+test.in+"}"), &ended); err != nil {
				t.Fatal(err)
			}
			test.want.Connection, test.want.Execution = "n", "e"
			if diff := cmp.Diff(test.want, Target(ended)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFleet(t *testing.T) {
	t.Parallel()
	ok := Result{Connection: "a", Execution: "ea", Status: Onboarded, MonthlyUSD: 10}
	dry := Result{Connection: "a", Execution: "ea", Status: Planned, MonthlyUSD: 10}
	bad := Result{Connection: "b", Execution: "eb", Status: Failed, Error: "EndpointRejected", Cause: "no.\nask"}
	lost := Result{Connection: "c", Execution: "ec", Status: Unknown}
	tests := map[string]struct {
		in           Results
		ending       Ending
		done, total  int
		usd          float64
		error, cause string
	}{
		"all":     {Results{Total: 2, Results: []Result{ok, ok}}, EndOnboarded, 2, 2, 20, "", ""},
		"planned": {Results{Total: 1, Results: []Result{dry}}, EndPlanned, 1, 1, 10, "", ""},
		"some": {Results{Total: 3, Results: []Result{ok, bad, lost}}, EndPartly, 1, 3, 10, connection.TargetsFailed,
			"1 of 3 connections are onboarded; 2 failed\n- b: EndpointRejected: no; see execution eb\n" +
				"- c: unknown: how it ended is not known; see execution ec"},
		"a plan failed": {Results{Total: 2, Results: []Result{dry, bad}}, EndPartly, 1, 2, 10, connection.TargetsFailed,
			"1 of 2 connections are planned; 1 failed\n- b: EndpointRejected: no; see execution eb"},
		"none": {Results{Total: 1, Results: []Result{bad}}, EndFailed, 0, 1, 0, connection.TargetsFailed,
			"0 of 1 connections are onboarded; 1 failed\n- b: EndpointRejected: no; see execution eb"},
		"one without a result": {Results{Total: 2, Results: []Result{ok}}, EndPartly, 1, 2, 10, connection.TargetsFailed,
			"1 of 2 connections are onboarded; 1 failed\n- 1 gave no result; look at their executions"},
		"one with an empty result": {Results{Total: 2, Results: []Result{ok, {}}}, EndPartly, 1, 2, 10, connection.TargetsFailed,
			"1 of 2 connections are onboarded; 1 failed\n- 1 gave no result; look at their executions"},
		"refused": {Results{Failure: Failure{Error: "InvalidRequest", Cause: `{"errorMessage":"The request has 1 fault:\n- x"}`}},
			EndFailed, 0, 0, 0, "InvalidRequest", "The request has 1 fault:\n- x"},
		"broken": {Results{Failure: Failure{Error: "States.DataLimitExceeded", Cause: "too much"}},
			EndFailed, 0, 0, 0, "States.DataLimitExceeded", "too much"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Fleet(test.in)
			if got.Ending != test.ending || got.Done != test.done || got.Total != test.total || got.MonthlyUSD != test.usd ||
				got.Error != test.error || got.Cause != test.cause {
				t.Errorf("got  %+v\nwant %+v", got, test)
			}
		})
	}
}

// The results of the largest fleet, all failed with long causes, fit the state of one execution, and their report the cause of a
// failed one.
func TestTheLargestReportFits(t *testing.T) {
	t.Parallel()
	in := Results{Total: connection.MaxTargets}
	for i := range connection.MaxTargets {
		name := fmt.Sprintf("%040d", i)
		in.Results = append(in.Results, Target(Ended{
			Item:    Item{Execution: strings.Repeat("x", 80), Request: map[string]any{"name": name}},
			Failure: &Failure{Error: strings.Repeat("E", 40), Cause: strings.Repeat("why ", 4000)},
		}))
	}
	report := Fleet(in)
	raw, err := json.Marshal(report)
	if err != nil || len(raw) > 262_144 {
		t.Errorf("the report has %d bytes, %v", len(raw), err)
	}
	if len(report.Cause) > 32_768 || !strings.Contains(report.Cause, "\n- and ") {
		t.Errorf("the cause has %d bytes and ends %q", len(report.Cause), report.Cause[len(report.Cause)-40:])
	}
}
