package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"postern/internal/connection"
)

// place is where Postern is deployed, and who asks.
type place struct{ caller, account, region string }

// machine is the ARN of the deployed state machine, in the caller's partition.
func (p place) machine() string {
	partition := "aws"
	if parts := strings.Split(p.caller, ":"); len(parts) > 1 {
		partition = parts[1]
	}
	return "arn:" + partition + ":states:" + p.region + ":" + p.account + ":stateMachine:postern"
}

// planOnly reads a request and refuses every one that would do more than plan. It returns the request as it was understood, and not
// the file: what is sent is what was checked.
func planOnly(file string) ([]byte, error) {
	raw, err := os.ReadFile(file) //nolint:gosec // the operator names the file on the command line
	if err != nil {
		return nil, fmt.Errorf("the request cannot be read, name it in SMOKE_REQUEST: %w", err)
	}
	var request map[string]any
	if err := json.Unmarshal(raw, &request); err != nil {
		return nil, fmt.Errorf("%s is no JSON object, see events/README.md: %w", file, err)
	}
	if action := request["action"]; action != string(connection.ActionPlan) {
		return nil, fmt.Errorf("%s has the action %v: smoke runs only requests with \"action\": \"plan\"", file, action)
	}
	return json.Marshal(request)
}

// executions is what is called of Step Functions; *sfn.Client satisfies it.
type executions interface {
	StartExecution(context.Context, *sfn.StartExecutionInput, ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error)
	DescribeExecution(context.Context, *sfn.DescribeExecutionInput, ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error)
}

// A plan takes seconds; the limit is for one that Lambda throttles.
const (
	planLimit = 5 * time.Minute
	planPause = 2 * time.Second
)

// runPlan runs the request through the deployed machine and prints what would be made. The plan is nil when there is none.
func runPlan(ctx context.Context, api executions, machine string, request []byte, out io.Writer) (*connection.Plan, error) {
	started, err := api.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: aws.String(machine), Input: aws.String(string(request)),
	})
	if _, none := errors.AsType[*types.StateMachineDoesNotExist](err); none {
		return nil, fmt.Errorf("plan: %s does not exist: make deploy, or set AWS_REGION to where it is", machine)
	}
	if err != nil {
		return nil, fmt.Errorf("plan: not started: %w", err)
	}
	ended, err := await(ctx, api, started.ExecutionArn)
	if err != nil {
		return nil, err
	}
	if ended.Status != types.ExecutionStatusSucceeded {
		return nil, fmt.Errorf("plan: the execution ended %s: %s: %s", ended.Status, aws.ToString(ended.Error), aws.ToString(ended.Cause))
	}
	var state connection.State
	if err := json.Unmarshal([]byte(aws.ToString(ended.Output)), &state); err != nil || state.Plan == nil {
		return nil, fmt.Errorf("plan: the execution's output holds no plan: %s", aws.ToString(ended.ExecutionArn))
	}
	fmt.Fprintf(out, "plan: %s, %s; $%.2f a month\n", state.Plan.ConnectionID, state.Plan.Decision, state.Plan.Cost.MonthlyUSD)
	for _, line := range state.Plan.Creates {
		fmt.Fprintln(out, "  would make", line)
	}
	for _, finding := range state.Plan.Findings {
		fmt.Fprintf(out, "  %s: %s\n", finding.Severity, finding.Message)
	}
	return state.Plan, nil
}

func await(ctx context.Context, api executions, execution *string) (*sfn.DescribeExecutionOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, planLimit)
	defer cancel()
	for {
		described, err := api.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: execution})
		if err != nil {
			return nil, fmt.Errorf("plan: %s was started, and cannot be read: %w", aws.ToString(execution), err)
		}
		if described.Status != types.ExecutionStatusRunning && described.Status != types.ExecutionStatusPendingRedrive {
			return described, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("plan: %s has not ended yet, look at it in the console: %w", aws.ToString(execution), ctx.Err())
		case <-time.After(planPause):
		}
	}
}
