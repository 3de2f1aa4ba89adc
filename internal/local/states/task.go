package states

import "time"

// Invocation is a call of a function by the state machine.
type Invocation struct {
	Principal string // ARN of the state machine's role
	Function  string // name or ARN
	Payload   []byte
	Execution string // ARN
	State     string
}

// Failure is how a function failed: the error's name, and the JSON that AWS gives as the cause, with errorMessage and errorType.
type Failure struct{ Error, Cause string }

// Invoker calls functions. It is called on the clock's goroutine and returns when the function has answered.
// Waited is what it spent waiting between tries of its own calls, in virtual time; the service's latency comes on top.
type Invoker interface {
	Invoke(call Invocation) (output []byte, failed *Failure, waited time.Duration)
}

// task is what a Task does: one attempt.
func (v *visit) task(data any) {
	a := &attempt{visit: v}
	v.attempt = a
	v.cleanup = append(v.cleanup, a.forget)
	if v.state.resource.token {
		v.run.service.issue(a)
	}
	input, err := v.parameters(data)
	var timeout, heartbeat int64
	if err == nil {
		timeout, err = v.limit(v.state.timeout, data)
	}
	if err == nil {
		heartbeat, err = v.limit(v.state.heartbeat, data)
	}
	if err != nil {
		v.failed(asFailure(err))
		return
	}
	v.scheduled(input, timeout, heartbeat)
	a.start(timeout, heartbeat)
	switch {
	case v.state.resource.function != "":
		v.invoke(v.state.resource.function, input)
	case v.state.resource.start:
		v.startChild(input)
	case v.state.resource.describe:
		v.describe(input)
	default:
		v.integration(input)
	}
}

func (v *visit) limit(l limit, data any) (int64, error) {
	if l.path == nil {
		return l.seconds, nil
	}
	return v.seconds(l.path, l.field, 1, data)
}

// start starts the attempt's timeout and heartbeat, both in seconds; 0 is none.
func (a *attempt) start(timeout, heartbeat int64) {
	v := a.visit
	if timeout > 0 {
		d := time.Duration(timeout) * time.Second
		a.deadline = v.run.service.clock.Now().Add(d)
		v.after(d, "the timeout of "+v.state.name, func() {
			if a.claim() {
				v.timedOut(&failure{name: timeoutError, located: true})
			}
		})
	}
	if heartbeat > 0 {
		a.every = time.Duration(heartbeat) * time.Second
		a.watch()
	}
}

// integration is arn:aws:states:::lambda:invoke, with or without a token.
func (v *visit) integration(input any) {
	object, _ := input.(map[string]any)
	name, ok := object["FunctionName"].(string)
	if !ok {
		v.attempt.claim()
		v.taskFailed(runtimeError("The value of FunctionName is no string: %s", clip(string(encode(object["FunctionName"])))))
		return
	}
	payload, present := object["Payload"]
	if !present {
		payload = map[string]any{}
	}
	v.invoke(name, payload)
}

// invoke calls a function; the answer is there after the service's latency.
func (v *visit) invoke(function string, payload any) {
	s, a := v.run.service, v.attempt
	v.after(s.Latency, "the answer of "+v.state.name, func() {
		output, failed, waited := s.invoker.Invoke(Invocation{
			Principal: v.run.exec.machine.RoleARN, Function: function, Payload: encode(payload),
			Execution: v.run.exec.ARN, State: v.state.name,
		})
		end := func() {
			if failed == nil {
				v.answered(output)
			} else if a.claim() { // its token may have been answered while it ran
				v.taskFailed(&failure{name: failed.Error, cause: failed.Cause, located: true})
			}
		}
		if waited == 0 {
			end()
			return
		}
		v.after(waited, "the late answer of "+v.state.name, end)
	})
}

// answered takes the answer of a function. The result of a task that waits for a token comes with the token.
func (v *visit) answered(output []byte) {
	var value any
	if len(output) > 0 {
		var err error
		if value, err = decode(output); err != nil {
			if v.attempt.claim() {
				v.taskFailed(runtimeError("The function's answer is not JSON: %v", err))
			}
			return
		}
	}
	if v.state.resource.service != "" {
		value = map[string]any{"ExecutedVersion": "$LATEST", "Payload": value, "StatusCode": int64(200)}
	}
	switch {
	case !v.state.resource.token:
		if v.attempt.claim() {
			v.note("Succeeded", details{}.with("output", value))
			v.result(value)
		}
	case v.attempt.waiting():
		v.note("Submitted", details{}.with("output", value))
		v.tell(StateEvent{Kind: Waiting, Deadline: v.attempt.deadline})
	}
}

func (a *attempt) waiting() bool {
	s := a.visit.run.service
	s.mu.Lock()
	defer s.mu.Unlock()
	return !a.closed
}

func (v *visit) taskFailed(f *failure) {
	v.note("Failed", details{}.but("error", f.name).but("cause", f.cause))
	v.failed(f)
}

// timedOut fails the task for want of time. AWS gives no cause.
func (v *visit) timedOut(f *failure) {
	v.note("TimedOut", details{"error": f.name})
	v.failed(f)
}

// note notes a step of the task: Scheduled, Started, Submitted, Succeeded, Failed or TimedOut. A function called directly has
// events of its own.
func (v *visit) note(step string, d details) {
	r := v.state.resource
	if r.function != "" {
		v.run.note("LambdaFunction"+step, d)
		return
	}
	d["resourceType"], d["resource"] = r.service, r.action
	v.run.note("Task"+step, d)
}

// scheduled notes that the task begins.
func (v *visit) scheduled(input any, timeout, heartbeat int64) {
	r := v.state.resource
	d := details{}.but("timeoutInSeconds", timeout).but("heartbeatInSeconds", heartbeat)
	if r.function != "" {
		d["resource"] = r.function
		v.run.note("LambdaFunctionScheduled", d.with("input", input))
		v.run.note("LambdaFunctionStarted", nil)
		return
	}
	d["region"], d["parameters"] = v.run.service.region, string(encode(input))
	v.note("Scheduled", d)
	v.note("Started", details{})
}
