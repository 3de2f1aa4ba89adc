package stepfunctions

import (
	"encoding/json"
	"fmt"
	"time"
)

// Invocation is a call of a function by the state machine.
type Invocation struct {
	Principal string // ARN of the state machine's role
	Function  string // name or ARN
	Payload   []byte
	Execution string // ARN
	State     string
}

// Failure is how a function failed: the error's name, and the JSON that AWS gives as the cause.
type Failure struct{ Error, Cause string }

// Invoker calls functions. It is called on the clock's goroutine and returns when the function has answered.
type Invoker interface {
	Invoke(call Invocation) (output []byte, failed *Failure)
}

// task does what a Task says.
func (v *visit) task(data any) {
	if v.state.kind.token {
		v.token = v.run.service.issue(v)
	}
	input, ok := v.parameters(data)
	if !ok || !v.deadlines(data) {
		return
	}
	switch {
	case v.state.kind.function != "":
		v.call(v.state.kind.function, input, func(payload any) { v.result(payload) })
	case v.state.kind.invoke:
		v.invoke(input)
	default:
		v.child(input)
	}
}

// deadlines starts the task's timeout and heartbeat.
func (v *visit) deadlines(data any) bool {
	timeout, err := v.seconds(v.state.TimeoutSeconds, v.state.TimeoutSecondsPath, data)
	if err == nil && timeout > 0 {
		v.after(timeout, "the timeout of "+v.state.name, func() {
			v.failed(&failure{"States.Timeout", fmt.Sprintf("the task ran longer than %s", timeout)})
		})
		if v.token != nil {
			v.token.deadline = v.run.service.clock.Now().Add(timeout)
		}
	}
	var heartbeat time.Duration
	if err == nil {
		heartbeat, err = v.seconds(v.state.HeartbeatSeconds, v.state.HeartbeatSecondsPath, data)
	}
	if err != nil {
		v.failed(asFailure(err))
		return false
	}
	if v.token != nil && heartbeat > 0 {
		v.run.cancel = append(v.run.cancel, v.token.watch(heartbeat))
	}
	return true
}

func (v *visit) seconds(fixed int64, from *path, data any) (time.Duration, error) {
	if from == nil {
		return time.Duration(fixed) * time.Second, nil
	}
	value, err := from.get(data, v.context())
	if err != nil {
		return 0, err
	}
	seconds, ok := number(value)
	if !ok || seconds <= 0 {
		return 0, &failure{"States.Runtime", fmt.Sprintf("%s gives no positive number of seconds", from.text)}
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// invoke is arn:aws:states:::lambda:invoke, with or without a token.
func (v *visit) invoke(input any) {
	object, _ := input.(map[string]any)
	name, ok := object["FunctionName"].(string)
	if !ok {
		v.failed(&failure{"States.Runtime", "lambda:invoke needs FunctionName"})
		return
	}
	payload := object["Payload"]
	if payload == nil {
		payload = map[string]any{}
	}
	v.call(name, payload, func(output any) {
		if v.token != nil {
			v.run.service.tell(StateEvent{Execution: v.run.exec.ARN, State: v.state.name, Type: v.state.Type, Kind: Waiting,
				At: v.run.service.clock.Now(), Deadline: v.token.deadline})
			return // the token brings the result
		}
		v.result(map[string]any{"ExecutedVersion": "$LATEST", "Payload": output, "StatusCode": float64(200)})
	})
}

// call calls a function; the answer comes after the service's latency.
func (v *visit) call(function string, payload any, answered func(output any)) {
	raw, err := json.Marshal(payload)
	if err != nil {
		v.failed(asFailure(err))
		return
	}
	v.after(v.run.service.Latency, "the answer of "+v.state.name, func() {
		output, failed := v.run.service.invoker.Invoke(Invocation{
			Principal: v.run.exec.machine.RoleARN, Function: function, Payload: raw, Execution: v.run.exec.ARN, State: v.state.name,
		})
		if failed != nil {
			v.failed(&failure{failed.Error, failed.Cause})
			return
		}
		var value any
		if len(output) > 0 {
			if err := json.Unmarshal(output, &value); err != nil {
				v.failed(&failure{"States.Runtime", "the function's answer is no JSON: " + err.Error()})
				return
			}
		}
		answered(value)
	})
}

// child is arn:aws:states:::states:startExecution, waiting for the end with .sync:2.
func (v *visit) child(input any) {
	object, _ := input.(map[string]any)
	machine, ok := object["StateMachineArn"].(string)
	if !ok {
		v.failed(&failure{"States.Runtime", "startExecution needs StateMachineArn"})
		return
	}
	name, _ := object["Name"].(string)
	raw, err := json.Marshal(object["Input"])
	if err != nil || object["Input"] == nil {
		raw = []byte("{}")
	}
	arn, err := v.run.service.Start(machine, name, raw, v.run.exec.ARN)
	if err != nil {
		v.failed(&failure{"StepFunctions.ExecutionAlreadyExistsException", err.Error()})
		return
	}
	if !v.state.kind.sync {
		v.result(map[string]any{"ExecutionArn": arn, "StartDate": v.run.service.clock.Now().UTC().Format(timeLayout)})
		return
	}
	v.run.service.whenEnded(arn, func(ended Execution) {
		if !v.run.live() {
			return
		}
		var output any
		_ = json.Unmarshal(ended.Output, &output) // "" when it failed
		if ended.Status != Succeeded {
			v.failed(&failure{"States.TaskFailed", ended.Error + ": " + ended.Cause})
			return
		}
		v.result(map[string]any{"ExecutionArn": arn, "Name": ended.Name, "Status": string(ended.Status), "Output": output})
	})
}
