package states

import (
	"errors"
	"fmt"
	"strings"

	"postern/internal/local/wire"
)

// startChild is arn:aws:states:::states:startExecution, waiting for the end with .sync:2.
func (v *visit) startChild(input any) {
	object, _ := input.(map[string]any)
	machine, _ := object["StateMachineArn"].(string)
	name, _ := object["Name"].(string)
	raw := []byte("{}")
	if data, present := object["Input"]; present {
		raw = encode(data)
	}
	s := v.run.service
	if err := v.mayStart(machine, name); err != nil {
		v.attempt.claim()
		v.taskFailed(denied(err))
		return
	}
	arn, err := s.Start(machine, name, raw, v.run.exec.ARN)
	if err != nil {
		v.attempt.claim()
		v.taskFailed(&failure{name: "StepFunctions." + codeOf(err) + "Exception", cause: err.Error(), located: true})
		return
	}
	if !v.state.resource.sync {
		if v.attempt.claim() {
			result := map[string]any{"ExecutionArn": arn, "StartDate": s.clock.Now().UTC().Format(timeLayout)}
			v.note("Succeeded", details{}.with("output", result))
			v.result(result)
		}
		return
	}
	v.note("Submitted", details{}.with("output", map[string]any{"ExecutionArn": arn}))
	// AWS stops the child when the parent's task ends before it.
	v.cleanup = append(v.cleanup, func() { v.stopChild(arn) })
	s.watch(arn, v.childEnded)
}

// mayStart checks the role: AWS asks to wait for a child with DescribeExecution on the machine's executions.
// https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html#sync-async-iam-policies
func (v *visit) mayStart(machine, name string) error {
	machine = unqualified(machine)
	err := v.run.authorize("states:StartExecution", machine)
	if err == nil && v.state.resource.sync {
		err = v.run.authorize("states:DescribeExecution", strings.Replace(machine, ":stateMachine:", ":execution:", 1)+":"+name)
	}
	return err
}

// stopChild stops a child whose parent no longer waits for it, where the role allows it.
func (v *visit) stopChild(arn string) {
	s := v.run.service
	if e, _ := s.Execution(arn); e.Status == Running && v.run.authorize("states:StopExecution", arn) == nil {
		_ = s.Stop(arn, "", "the task that waited for it ended") // it exists
	}
}

// childEnded takes the end of a child. AWS: Output is parsed; a child that did not succeed fails the task with States.TaskFailed.
func (v *visit) childEnded(child Execution) {
	if !v.attempt.claim() {
		return
	}
	result := map[string]any{
		"ExecutionArn": child.ARN, "StateMachineArn": child.MachineARN, "Name": child.Name, "Status": string(child.Status),
		"StartDate": child.StartedAt.UnixMilli(), "StopDate": child.StoppedAt.UnixMilli(), "Input": parsed(child.Input),
	}
	for name, value := range map[string]string{"StateMachineVersionArn": child.VersionARN, "StateMachineAliasArn": child.AliasARN} {
		if value != "" {
			result[name] = value
		}
	}
	if child.Status != Succeeded {
		result["Error"], result["Cause"] = child.Error, child.Cause
		v.taskFailed(&failure{name: "States.TaskFailed", cause: string(encode(result)), located: true})
		return
	}
	result["Output"] = parsed(child.Output)
	v.note("Succeeded", details{}.with("output", result))
	v.result(result)
}

// parsed reads data that the service wrote itself.
func parsed(raw []byte) any {
	value, err := decode(raw)
	if err != nil {
		panic(fmt.Sprintf("states: an execution's data is not JSON: %v", err))
	}
	return value
}

func codeOf(err error) string {
	var refused *wire.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return "Unknown"
}
