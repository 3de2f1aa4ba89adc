package states_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"postern/internal/local/states"
	"postern/internal/local/wire"
)

const callerARN = "arn:aws:iam::111122223333:role/caller"

// permissions is an Authorizer that allows everything and notes what was asked.
type permissions struct{ asked []string }

func (p *permissions) Authorize(_ string, permission wire.Permission) wire.Decision {
	p.asked = append(p.asked, permission.Action+" "+permission.Resource)
	return wire.Decision{Allowed: true}
}

// client is a real SDK client of the world's service.
func (w *world) client(p *permissions) *sfn.Client {
	if p == nil {
		p = &permissions{}
	}
	server := wire.NewServer(wire.Config{AccountID: account, Region: region, Now: w.clock.Now, Authorizer: p}, w.sfn)
	server.Register("AKIDCALLER", wire.Principal{RoleARN: callerARN, Function: "caller"})
	return sfn.NewFromConfig(server.AWS("AKIDCALLER"))
}

func apiCode(err error) string {
	var refused smithy.APIError
	if errors.As(err, &refused) {
		return refused.ErrorCode()
	}
	return ""
}

func TestStartExecution(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := open(t, gate(""), nil)
	client := w.client(nil)
	begin := func(name, input string) (string, error) {
		out, err := client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String(machineARN),
			Name: aws.String(name), Input: aws.String(input)})
		if err != nil {
			return "", err
		}
		return aws.ToString(out.ExecutionArn), nil
	}
	arn, err := begin("n", `{"a":1}`)
	if err != nil || arn != executionARN {
		t.Fatal(arn, err)
	}
	if again, err := begin("n", `{"a":1}`); err != nil || again != arn {
		t.Errorf("the same request while it runs: %s %v", again, err)
	}
	_, err = begin("n", `{"a": 1}`)
	var exists *types.ExecutionAlreadyExists
	if !errors.As(err, &exists) {
		t.Errorf("another input: %v", err)
	}
	w.finish(arn)
	if _, err = begin("n", `{"a":1}`); !errors.As(err, &exists) {
		t.Errorf("the same request after it ended: %v", err)
	}
	w.advance(90*24*time.Hour - time.Hour)
	if _, err = begin("n", `{"a":1}`); !errors.As(err, &exists) {
		t.Errorf("the same request 90 days after it ended, but for an hour: %v", err)
	}
	w.advance(time.Hour)
	_, err = client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(arn)})
	if code := apiCode(err); code != "ExecutionDoesNotExist" {
		t.Errorf("described 90 days after it ended: %v", err)
	}
	if again, err := begin("n", `{"a":1}`); err != nil || again != arn || len(w.sfn.Executions()) != 2 {
		t.Errorf("the same request 90 days after it ended: %s %v, %d executions", again, err, len(w.sfn.Executions()))
	}
	for input, want := range map[string]string{`{`: "InvalidExecutionInput", `{} {}`: "InvalidExecutionInput",
		`"` + strings.Repeat("x", 262_143) + `"`: "ValidationException"} {
		if _, err := begin("m", input); apiCode(err) != want {
			t.Errorf("input %.20s: %v, want %s", input, err, want)
		}
	}
	for _, name := range []string{"a b", "a/b", "a:b", "a*", `a"b`, strings.Repeat("x", 81), "a\x01"} {
		if _, err := begin(name, `{}`); apiCode(err) != "InvalidName" {
			t.Errorf("name %q: %v", name, err)
		}
	}
	_, err = client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String(machineARN + "x")})
	var none *types.StateMachineDoesNotExist
	if !errors.As(err, &none) {
		t.Errorf("no machine: %v", err)
	}
	first, err1 := client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String(machineARN)})
	second, err2 := client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String(machineARN)})
	if err1 != nil || err2 != nil || aws.ToString(first.ExecutionArn) == aws.ToString(second.ExecutionArn) {
		t.Errorf("without a name: %v %v", err1, err2)
	}
	if e := w.finish(aws.ToString(first.ExecutionArn)); string(e.Input) != "{}" || e.StartedBy != callerARN {
		t.Errorf("input %s, started by %s", e.Input, e.StartedBy)
	}
}

func TestDescribeStopAndRedriveExecution(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := open(t, gate(""), nil)
	client := w.client(nil)
	arn := aws.String(w.start(`{"a":1}`))
	w.advance(time.Minute)
	describe := func() *sfn.DescribeExecutionOutput {
		out, err := client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: arn})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if d := describe(); d.Status != types.ExecutionStatusRunning || d.StopDate != nil || !d.StartDate.Equal(start) ||
		aws.ToString(d.Input) != `{"a":1}` ||
		d.RedriveStatus != types.ExecutionRedriveStatusNotRedrivable || aws.ToString(d.Name) != "n" ||
		aws.ToString(d.StateMachineArn) != machineARN {
		t.Errorf("running: %+v", d)
	}
	if _, err := client.StopExecution(ctx, &sfn.StopExecutionInput{ExecutionArn: arn, Error: aws.String("E"),
		Cause: aws.String("C")}); err != nil {
		t.Fatal(err)
	}
	w.advance(time.Minute)
	if d := describe(); d.Status != types.ExecutionStatusAborted || !d.StopDate.Equal(start.Add(time.Minute)) ||
		aws.ToString(d.Error) != "E" ||
		aws.ToString(d.Cause) != "C" || d.Output != nil || d.RedriveStatus != types.ExecutionRedriveStatusRedrivable {
		t.Errorf("stopped: %+v", d)
	}
	if _, err := client.RedriveExecution(ctx, &sfn.RedriveExecutionInput{ExecutionArn: arn}); err != nil {
		t.Fatal(err)
	}
	w.advance(time.Minute)
	if d := describe(); d.Status != types.ExecutionStatusRunning || aws.ToInt32(d.RedriveCount) != 1 || d.RedriveDate == nil ||
		d.Error != nil || d.StopDate != nil {
		t.Errorf("redriven: %+v", d)
	}
	if _, err := client.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: aws.String(w.fake.lastToken()),
		Output: aws.String("1")}); err != nil {
		t.Fatal(err)
	}
	w.advance(time.Minute)
	if d := describe(); d.Status != types.ExecutionStatusSucceeded || aws.ToString(d.Output) != "1" {
		t.Errorf("succeeded: %+v", d)
	}
	long := &sfn.StopExecutionInput{ExecutionArn: arn, Error: aws.String(strings.Repeat("x", 257))}
	if _, err := client.StopExecution(ctx, long); apiCode(err) != "ValidationException" {
		t.Errorf("a long error: %v", err)
	}
	var notRedrivable *types.ExecutionNotRedrivable
	if _, err := client.RedriveExecution(ctx, &sfn.RedriveExecutionInput{ExecutionArn: arn}); !errors.As(err, &notRedrivable) {
		t.Errorf("redriving a success: %v", err)
	}
	if _, err := client.StopExecution(ctx, &sfn.StopExecutionInput{ExecutionArn: arn}); err != nil {
		t.Errorf("stopping what has ended: %v", err)
	}
	var none *types.ExecutionDoesNotExist
	if _, err := client.DescribeExecution(ctx,
		&sfn.DescribeExecutionInput{ExecutionArn: aws.String(*arn + "x")}); !errors.As(err, &none) {
		t.Errorf("no execution: %v", err)
	}
}

func TestTaskErrors(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := open(t, gate(""), nil)
	client := w.client(nil)
	w.start(`{}`)
	w.advance(time.Minute)
	token := aws.String(w.fake.lastToken())
	_, err := client.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: token, Output: aws.String("{")})
	var invalidOutput *types.InvalidOutput
	if !errors.As(err, &invalidOutput) {
		t.Errorf("got %v", err)
	}
	_, err = client.SendTaskHeartbeat(ctx, &sfn.SendTaskHeartbeatInput{TaskToken: token})
	w.must(err)
	_, err = client.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{TaskToken: token, Error: aws.String("E"), Cause: aws.String("C")})
	w.must(err)
	_, err = client.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{TaskToken: token})
	var timedOut *types.TaskTimedOut
	if !errors.As(err, &timedOut) {
		t.Errorf("got %v", err)
	}
	_, err = client.SendTaskHeartbeat(ctx, &sfn.SendTaskHeartbeatInput{TaskToken: aws.String(strings.Repeat("A", 40))})
	var none *types.TaskDoesNotExist
	if !errors.As(err, &none) {
		t.Errorf("got %v", err)
	}
	_, err = client.SendTaskHeartbeat(ctx, &sfn.SendTaskHeartbeatInput{TaskToken: aws.String("?")})
	var invalid *types.InvalidToken
	if !errors.As(err, &invalid) {
		t.Errorf("got %v", err)
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := open(t, gate(""), nil)
	asked := &permissions{}
	client := w.client(asked)
	arn, machine := aws.String(w.start(`{}`)), aws.String(machineARN)
	w.advance(time.Minute)
	token := aws.String(w.fake.lastToken())
	calls := []func() error{
		func() error {
			_, err := client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: machine})
			return err
		},
		func() error {
			_, err := client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: arn})
			return err
		},
		func() error {
			_, err := client.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: arn})
			return err
		},
		func() error {
			_, err := client.SendTaskHeartbeat(ctx, &sfn.SendTaskHeartbeatInput{TaskToken: token})
			return err
		},
		func() error {
			_, err := client.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{TaskToken: token})
			return err
		},
		func() error {
			_, err := client.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: token, Output: aws.String("1")})
			if apiCode(err) == "TaskTimedOut" {
				return nil
			}
			return err
		},
		func() error {
			_, err := client.StopExecution(ctx, &sfn.StopExecutionInput{ExecutionArn: arn})
			return err
		},
		func() error {
			w.advance(time.Minute)
			_, err := client.RedriveExecution(ctx, &sfn.RedriveExecutionInput{ExecutionArn: arn})
			return err
		},
	}
	for _, call := range calls {
		w.must(call())
	}
	want := []string{
		"states:StartExecution " + machineARN, "states:DescribeExecution " + *arn, "states:GetExecutionHistory " + *arn,
		"states:SendTaskHeartbeat *", "states:SendTaskFailure *", "states:SendTaskSuccess *", "states:StopExecution " + *arn,
		"states:RedriveExecution " + *arn,
	}
	if diff := cmp.Diff(want, asked.asked); diff != "" {
		t.Error(diff)
	}
	if got := len(w.sfn.Operations()); got != len(want) {
		t.Errorf("%d operations, and %d permissions tested", got, len(want))
	}
}

var _ wire.Service = (*states.Service)(nil)
