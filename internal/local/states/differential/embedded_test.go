package differential

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/internal/local/clock"
	"postern/internal/local/states"
)

const (
	account = "123456789012" // moto's
	region  = "us-east-1"
	role    = "arn:aws:iam::123456789012:role/machine"
)

var start = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

func machineARN(c *one, name string) string {
	return fmt.Sprintf("arn:aws:states:%s:%s:stateMachine:%s%s", region, account, c.id, name)
}

// functions answers for the functions of a case.
type functions struct {
	of    *one
	t     *testing.T
	clock *clock.Clock
	sfn   *states.Service
	calls map[string]int
}

func (f *functions) Invoke(call states.Invocation) ([]byte, *states.Failure, time.Duration) {
	name := call.Function[strings.LastIndex(call.Function, ":")+1+len(f.of.id):]
	a := f.of.answer(name, f.calls[name])
	f.calls[name]++
	for _, then := range a.Then {
		f.clock.After(time.Duration(then.After*float64(time.Second)), "the answer to a token", func() {
			f.then(then, token(call.Payload))
		})
	}
	if a.Error != "" {
		cause, err := json.Marshal(map[string]string{"errorType": a.Error, "errorMessage": a.Cause})
		if err != nil {
			f.t.Error(err)
		}
		return nil, &states.Failure{Error: a.Error, Cause: string(cause)}, 0
	}
	if a.Output == nil {
		return call.Payload, nil, 0
	}
	return a.Output, nil, 0
}

// then answers a task. That it has ended meanwhile is what some cases are about.
func (f *functions) then(c callback, token string) {
	switch {
	case c.Failure != nil:
		_ = f.sfn.SendTaskFailure(token, c.Failure.Error, c.Failure.Cause)
	case c.Heartbeat:
		_ = f.sfn.SendTaskHeartbeat(token)
	default:
		_ = f.sfn.SendTaskSuccess(token, string(c.Success))
	}
}

// embedded runs a case on the simulator.
func embedded(t *testing.T, c *one) outcome {
	t.Helper()
	f := &functions{of: c, t: t, clock: clock.New(start), calls: map[string]int{}}
	f.sfn = states.New(f.clock, account, region, f)
	f.sfn.Latency = 0
	add := func(name string, definition []byte) error {
		return f.sfn.AddMachine(states.Machine{
			ARN: machineARN(c, name), Name: c.id + name, RoleARN: role, Definition: c.own(definition),
		})
	}
	for name, definition := range c.Machines {
		if err := add(name, definition); err != nil {
			t.Fatal(err)
		}
	}
	if err := add("m", c.Definition); err != nil {
		return outcome{Status: "REFUSED", Cause: err.Error()}
	}
	arn, err := f.sfn.Start(machineARN(c, "m"), "n", c.input(), role)
	if err != nil {
		t.Fatal(err)
	}
	ended := func() bool { e, _ := f.sfn.Execution(arn); return e.Status != states.Running }
	if err := f.clock.Run(ended, start.AddDate(2, 0, 0)); err != nil {
		t.Fatal(err)
	}
	e, _ := f.sfn.Execution(arn)
	seconds := strconv.FormatFloat(e.StoppedAt.Sub(e.StartedAt).Seconds(), 'f', -1, 64)
	return outcome{string(e.Status), e.Error, e.Cause, e.Output, e.Path, seconds}
}
