package moto

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// Execution is how an execution went that moto interpreted.
type Execution struct {
	Status       types.ExecutionStatus
	Path         []string // visited states
	Output       []byte
	Error, Cause string
	Events       []types.HistoryEvent
	Failures     []string // of tasks, which may have been tried again
}

// Run starts an execution in moto and waits until it ends. Moto gives no name of its own to one without.
func Run(ctx context.Context, moto, machineARN, name string, input []byte) (Execution, error) {
	client := sfn.NewFromConfig(Client(moto))
	text := string(input)
	started, err := client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &machineARN, Name: &name, Input: &text})
	if err != nil {
		return Execution{}, fmt.Errorf("starting the execution: %w", err)
	}
	for {
		e, err := client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: started.ExecutionArn})
		if err != nil {
			return Execution{}, fmt.Errorf("waiting for the execution: %w", err)
		}
		if e.Status != types.ExecutionStatusRunning {
			return read(ctx, client, e)
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			stuck, _ := read(context.WithoutCancel(ctx), client, e)
			return stuck, fmt.Errorf("the execution does not end: %w", err)
		}
	}
}

func read(ctx context.Context, client *sfn.Client, described *sfn.DescribeExecutionOutput) (Execution, error) {
	e := Execution{Status: described.Status, Error: aws.ToString(described.Error), Cause: aws.ToString(described.Cause)}
	if described.Output != nil {
		e.Output = []byte(*described.Output)
	}
	pages := sfn.NewGetExecutionHistoryPaginator(client, &sfn.GetExecutionHistoryInput{ExecutionArn: described.ExecutionArn})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return e, fmt.Errorf("reading the history: %w", err)
		}
		e.Events = append(e.Events, page.Events...)
	}
	for _, event := range e.Events {
		if entered := event.StateEnteredEventDetails; entered != nil {
			e.Path = append(e.Path, *entered.Name)
		}
		if failed := event.TaskFailedEventDetails; failed != nil {
			e.Failures = append(e.Failures, aws.ToString(failed.Error)+": "+aws.ToString(failed.Cause))
		}
		if failed := event.LambdaFunctionFailedEventDetails; failed != nil {
			e.Failures = append(e.Failures, aws.ToString(failed.Error)+": "+aws.ToString(failed.Cause))
		}
	}
	return e, nil
}

// Tokens are the task tokens that the history shows where AWS shows them: in the parameters of a scheduled task.
func (e Execution) Tokens() []string {
	var tokens []string
	for _, event := range e.Events {
		if event.TaskScheduledEventDetails == nil {
			continue
		}
		var parameters struct{ Payload struct{ Token string } }
		if json.Unmarshal([]byte(aws.ToString(event.TaskScheduledEventDetails.Parameters)), &parameters) == nil && parameters.Payload.Token != "" {
			tokens = append(tokens, parameters.Payload.Token)
		}
	}
	return tokens
}
