package states_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/google/go-cmp/cmp"
)

// history reads the whole history of an execution through the SDK, some events at a time.
func (w *world) history(arn string) []types.HistoryEvent {
	w.Helper()
	var all []types.HistoryEvent
	pages := sfn.NewGetExecutionHistoryPaginator(w.client(nil), &sfn.GetExecutionHistoryInput{ExecutionArn: aws.String(arn),
		MaxResults: 3})
	for pages.HasMorePages() {
		out, err := pages.NextPage(context.Background())
		if err != nil {
			w.Fatal(err)
		}
		all = append(all, out.Events...)
	}
	return all
}

// lines are events as "id<previous type".
func lines(events []types.HistoryEvent) []string {
	all := make([]string, len(events))
	for i, e := range events {
		all[i] = fmt.Sprintf("%d<%d %s", e.Id, e.PreviousEventId, e.Type)
	}
	return all
}

// The order and the members are those of recordings of AWS.
func TestHistoryOfAGate(t *testing.T) {
	t.Parallel()
	a := strings.Replace(gate(`,"HeartbeatSeconds":600`), `"End":true`, `"Next":"B"`, 1)
	w := open(t, strings.TrimSuffix(a, "}}")+`,"B":{"Type":"Succeed"}}}`, nil)
	w.whenWaiting(func(_, token string) { w.must(w.sfn.SendTaskSuccess(token, `{"seen":"`+token+`"}`)) })
	arn := w.start(`{"a":1}`)
	w.finish(arn)
	events := w.history(arn)
	want := []string{
		"1<0 ExecutionStarted", "2<0 TaskStateEntered", "3<2 TaskScheduled", "4<3 TaskStarted", "5<4 TaskSubmitted",
		"6<5 TaskSucceeded", "7<6 TaskStateExited", "8<7 SucceedStateEntered", "9<8 SucceedStateExited", "10<9 ExecutionSucceeded",
	}
	if diff := cmp.Diff(want, lines(events)); diff != "" {
		t.Fatal(diff)
	}
	if d := events[0].ExecutionStartedEventDetails; aws.ToString(d.Input) != `{"a":1}` ||
		aws.ToString(d.RoleArn) != "arn:aws:iam::111122223333:role/machine" {
		t.Errorf("started: %+v", d)
	}
	if d := events[1].StateEnteredEventDetails; aws.ToString(d.Name) != "A" || aws.ToString(d.Input) != `{"a":1}` ||
		d.InputDetails.Truncated {
		t.Errorf("entered: %+v", d)
	}
	if d := events[2].TaskScheduledEventDetails; aws.ToString(d.ResourceType) != "lambda" ||
		aws.ToString(d.Resource) != "invoke.waitForTaskToken" ||
		aws.ToInt64(d.TimeoutInSeconds) != 3600 || aws.ToInt64(d.HeartbeatInSeconds) != 600 || aws.ToString(d.Region) != region ||
		aws.ToString(d.Parameters) != `{"FunctionName":"f","Payload":{"token":"[task token]"}}` {
		t.Errorf("scheduled: %+v %s", d, aws.ToString(d.Parameters))
	}
	if d := events[6].StateExitedEventDetails; aws.ToString(d.Output) != `{"seen":"[task token]"}` {
		t.Errorf("exited: %s", aws.ToString(d.Output))
	}
	raw, err := json.Marshal(events)
	if err != nil || strings.Contains(string(raw), w.fake.lastToken()[:40]) {
		t.Errorf("the token is in the history: %v", err)
	}
}

func TestHistories(t *testing.T) {
	t.Parallel()
	boom := map[string][]string{"f": {"!Boom", "1"}}
	tests := map[string]struct {
		definition string
		answers    map[string][]string
		want       string
	}{
		"a function": {task(""), nil, "ExecutionStarted TaskStateEntered LambdaFunctionScheduled LambdaFunctionStarted " +
			"LambdaFunctionSucceeded " +
			"TaskStateExited ExecutionSucceeded"},
		"a retry": {task(`,"Retry":[{"ErrorEquals":["Boom"]}]`), boom, "ExecutionStarted TaskStateEntered LambdaFunctionScheduled " +
			"LambdaFunctionStarted LambdaFunctionFailed LambdaFunctionScheduled LambdaFunctionStarted " +
			"LambdaFunctionSucceeded TaskStateExited " +
			"ExecutionSucceeded"},
		"a catch": {task(`,"Catch":[{"ErrorEquals":["Boom"],"Next":"B"}]`), boom,
			"ExecutionStarted TaskStateEntered LambdaFunctionScheduled " +
				"LambdaFunctionStarted LambdaFunctionFailed TaskStateExited PassStateEntered PassStateExited ExecutionSucceeded"},
		"a timeout": {gate(""), nil,
			"ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSubmitted TaskTimedOut ExecutionFailed"},
		"a Fail": {definition("A", `"Type":"Fail","Error":"E"`), nil, "ExecutionStarted FailStateEntered ExecutionFailed"},
		"an execution's timeout": {`{"TimeoutSeconds":5,` + definition("A", `"Type":"Wait","Seconds":9,"End":true`)[1:], nil,
			"ExecutionStarted WaitStateEntered ExecutionTimedOut"},
		"a Map": {strings.Replace(each(`,"ItemsPath":"$.a"`), `"Type":"Pass","End":true`, `"Type":"Fail","Error":"E"`, 1), nil,
			"ExecutionStarted MapStateEntered MapStateStarted MapIterationStarted MapIterationStarted " +
				"FailStateEntered MapIterationFailed " +
				"MapIterationAborted MapStateFailed ExecutionFailed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, test.definition, test.answers)
			arn := w.start(`{"a":[1,2]}`)
			w.finish(arn)
			var got []string
			for i, e := range w.history(arn) {
				got = append(got, string(e.Type))
				if e.Id != int64(i+1) || e.PreviousEventId >= e.Id || e.Timestamp.Before(start) {
					t.Errorf("event %+v", e)
				}
			}
			if diff := cmp.Diff(strings.Fields(test.want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHistoryOfAStoppedAndRedrivenExecution(t *testing.T) {
	t.Parallel()
	w := open(t, gate(""), nil)
	arn := w.start(`{}`)
	w.advance(time.Minute)
	w.must(w.sfn.Stop(arn, "E", "C"))
	w.finish(arn)
	w.redrive(arn)
	w.advance(time.Minute)
	events := w.history(arn)[5:]
	want := []string{"6<5 ExecutionAborted", "7<6 ExecutionRedriven", "8<7 TaskStateEntered", "9<8 TaskScheduled",
		"10<9 TaskStarted", "11<10 TaskSubmitted"}
	if diff := cmp.Diff(want, lines(events)); diff != "" {
		t.Fatal(diff)
	}
	if d := events[0].ExecutionAbortedEventDetails; aws.ToString(d.Error) != "E" || aws.ToString(d.Cause) != "C" {
		t.Errorf("aborted: %+v", d)
	}
	if d := events[1].ExecutionRedrivenEventDetails; aws.ToInt32(d.RedriveCount) != 1 {
		t.Errorf("redriven: %+v", d)
	}
}

func TestHistoryOnDemand(t *testing.T) {
	t.Parallel()
	w := open(t, pass(""), nil)
	arn := w.start(`{"secret":1}`)
	w.finish(arn)
	client := w.client(nil)
	out, err := client.GetExecutionHistory(context.Background(), &sfn.GetExecutionHistoryInput{
		ExecutionArn: aws.String(arn), ReverseOrder: true, IncludeExecutionData: aws.Bool(false),
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"4<3 ExecutionSucceeded", "3<2 PassStateExited", "2<0 PassStateEntered",
		"1<0 ExecutionStarted"}, lines(out.Events)); diff != "" {
		t.Error(diff)
	}
	if raw, _ := json.Marshal(out.Events); strings.Contains(string(raw), "secret") {
		t.Errorf("data is included: %s", raw)
	}
	if d := out.Events[2].StateEnteredEventDetails; d == nil || aws.ToString(d.Name) != "A" {
		t.Errorf("entered: %+v", d)
	}
}
