package stepfunctions

import (
	"encoding/json"
	"time"

	"postern/internal/local/wire"
)

// Name is the signing name of Step Functions.
func (s *Service) Name() string { return "states" }

// Protocol is awsJson1.0.
func (s *Service) Protocol() wire.Protocol { return wire.JSON10 }

// Operations are the operations that Postern and its users call.
func (s *Service) Operations() map[string]wire.Operation {
	machine := func(action string) func(*wire.Call) []wire.Permission {
		return func(c *wire.Call) []wire.Permission {
			return []wire.Permission{{Action: action, Resource: field(c, "stateMachineArn")}}
		}
	}
	execution := func(action string) func(*wire.Call) []wire.Permission {
		return func(c *wire.Call) []wire.Permission {
			return []wire.Permission{{Action: action, Resource: field(c, "executionArn")}}
		}
	}
	// AWS: SendTask* has no resource-level permissions.
	everything := func(action string) func(*wire.Call) []wire.Permission {
		return func(*wire.Call) []wire.Permission { return []wire.Permission{{Action: action, Resource: "*"}} }
	}
	return map[string]wire.Operation{
		"StartExecution":    {Write: true, Permissions: machine("states:StartExecution"), Do: s.doStart},
		"DescribeExecution": {Permissions: execution("states:DescribeExecution"), Do: s.doDescribe},
		"StopExecution":     {Write: true, Permissions: execution("states:StopExecution"), Do: s.doStop},
		"ListExecutions":    {Permissions: machine("states:ListExecutions"), Do: s.doList},
		"SendTaskSuccess": {Write: true, Permissions: everything("states:SendTaskSuccess"), Do: answer(func(in struct{ TaskToken, Output string }) error {
			return s.succeed(in.TaskToken, in.Output)
		})},
		"SendTaskFailure": {Write: true, Permissions: everything("states:SendTaskFailure"), Do: answer(func(in struct{ TaskToken, Error, Cause string }) error {
			if len(in.Error) > 256 || len(in.Cause) > 32_768 {
				return wire.Errorf("ValidationException", "error or cause is too long")
			}
			return s.failTask(in.TaskToken, in.Error, in.Cause)
		})},
		"SendTaskHeartbeat": {Write: true, Permissions: everything("states:SendTaskHeartbeat"), Do: answer(func(in struct{ TaskToken string }) error {
			return s.heartbeat(in.TaskToken)
		})},
	}
}

// answer makes an operation that answers with an empty object. encoding/json takes taskToken for TaskToken.
func answer[In any](do func(In) error) func(*wire.Call) ([]byte, error) {
	return func(c *wire.Call) ([]byte, error) {
		var in In
		if err := json.Unmarshal(c.Body, &in); err != nil {
			return nil, wire.Errorf("SerializationException", "%v", err)
		}
		if err := do(in); err != nil {
			return nil, err
		}
		return []byte("{}"), nil
	}
}

func field(c *wire.Call, name string) string {
	var object map[string]any
	if err := json.Unmarshal(c.Body, &object); err != nil {
		return ""
	}
	text, _ := object[name].(string)
	return text
}

func (s *Service) doStart(c *wire.Call) ([]byte, error) {
	input := field(c, "input")
	if input == "" {
		input = "{}"
	}
	arn, err := s.Start(field(c, "stateMachineArn"), field(c, "name"), []byte(input), c.Principal)
	if err != nil {
		return nil, err
	}
	e, _ := s.Execution(arn)
	return json.Marshal(map[string]any{"executionArn": arn, "startDate": epoch(e.StartedAt)})
}

func epoch(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }

func (s *Service) doDescribe(c *wire.Call) ([]byte, error) {
	e, ok := s.Execution(field(c, "executionArn"))
	if !ok {
		return nil, wire.Errorf("ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", field(c, "executionArn"))
	}
	out := map[string]any{
		"executionArn": e.ARN, "stateMachineArn": e.MachineARN, "name": e.Name, "status": string(e.Status), "startDate": epoch(e.StartedAt), "input": string(e.Input),
	}
	if e.Status != Running {
		out["stopDate"] = epoch(e.StoppedAt)
	}
	for name, value := range map[string]string{"output": string(e.Output), "error": e.Error, "cause": e.Cause} {
		if value != "" {
			out[name] = value
		}
	}
	return json.Marshal(out)
}

func (s *Service) doStop(c *wire.Call) ([]byte, error) {
	if err := s.Stop(field(c, "executionArn"), field(c, "error"), field(c, "cause")); err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"stopDate": epoch(c.Now)})
}

func (s *Service) doList(c *wire.Call) ([]byte, error) {
	machine, status := field(c, "stateMachineArn"), field(c, "statusFilter")
	if machine == "" {
		return nil, wire.Errorf("ValidationException", "stateMachineArn is needed")
	}
	list := []map[string]any{}
	for _, e := range s.Executions() {
		if e.MachineARN != machine || (status != "" && string(e.Status) != status) {
			continue
		}
		list = append(list, map[string]any{"executionArn": e.ARN, "stateMachineArn": e.MachineARN, "name": e.Name, "status": string(e.Status), "startDate": epoch(e.StartedAt)})
	}
	return json.Marshal(map[string]any{"executions": list})
}
