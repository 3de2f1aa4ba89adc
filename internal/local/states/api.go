package states

import (
	"time"

	"postern/internal/local/wire"
)

// Name is the signing name of Step Functions.
func (s *Service) Name() string { return "states" }

// Protocol is awsJson1.0, with targets such as AWSStepFunctions.StartExecution.
func (s *Service) Protocol() wire.Protocol { return wire.JSON10 }

// Operations are the simulated operations. Their permissions are those of AWS's service authorization
// reference: on the machine, on the execution, or on * for SendTask* and lists.
func (s *Service) Operations() map[string]wire.Operation {
	return map[string]wire.Operation{
		"StartExecution":      {Write: true, Permissions: on("StartExecution", "stateMachineArn"), Do: wire.JSON(s.startExecution)},
		"StopExecution":       {Write: true, Permissions: on("StopExecution", "executionArn"), Do: wire.JSON(s.stopExecution)},
		"RedriveExecution":    {Write: true, Permissions: on("RedriveExecution", "executionArn"), Do: wire.JSON(s.redriveExecution)},
		"DescribeExecution":   {Permissions: on("DescribeExecution", "executionArn"), Do: wire.JSON(s.describeExecution)},
		"GetExecutionHistory": {Permissions: on("GetExecutionHistory", "executionArn"), Do: wire.JSON(s.executionHistory)},
		"SendTaskSuccess":     {Write: true, Permissions: on("SendTaskSuccess", ""), Do: wire.JSON(s.sendTaskSuccess)},
		"SendTaskFailure":     {Write: true, Permissions: on("SendTaskFailure", ""), Do: wire.JSON(s.sendTaskFailure)},
		"SendTaskHeartbeat":   {Write: true, Permissions: on("SendTaskHeartbeat", ""), Do: wire.JSON(s.sendTaskHeartbeat)},
	}
}

// on is the permission for an action on the resource that a member names; without a member it is for all resources.
func on(action, member string) func(*wire.Call) []wire.Permission {
	return func(call *wire.Call) []wire.Permission {
		resource := "*"
		if request, err := decode(call.Body); err == nil && member != "" {
			object, _ := request.(map[string]any)
			if arn, _ := object[member].(string); arn != "" {
				resource = arn
			}
			if member == "stateMachineArn" {
				resource = unqualified(resource)
			}
		}
		return []wire.Permission{{Action: "states:" + action, Resource: resource}}
	}
}

// members is a part of an answer.
type members = map[string]any

// epoch is a time as awsJson writes it.
func epoch(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }

type startInput struct {
	StateMachineArn, Name, Input string
	TraceHeader                  string // accepted, and of no effect here
}

func (s *Service) startExecution(call *wire.Call, in startInput) (members, error) {
	if in.Input == "" {
		in.Input = "{}"
	}
	arn, err := s.Start(in.StateMachineArn, in.Name, []byte(in.Input), call.Principal)
	if err != nil {
		return nil, err
	}
	e, _ := s.Execution(arn)
	return members{"executionArn": arn, "startDate": epoch(e.StartedAt)}, nil
}

func (s *Service) stopExecution(call *wire.Call, in struct{ ExecutionArn, Error, Cause string }) (members, error) {
	switch {
	case len(in.Error) > 256:
		return nil, tooLong("error", 256)
	case len(in.Cause) > 32_768:
		return nil, tooLong("cause", 32_768)
	}
	if err := s.Stop(in.ExecutionArn, in.Error, in.Cause); err != nil {
		return nil, err
	}
	return members{"stopDate": epoch(call.Now)}, nil
}

func (s *Service) redriveExecution(_ *wire.Call, in struct{ ExecutionArn, ClientToken string }) (members, error) {
	at, err := s.Redrive(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	return members{"redriveDate": epoch(at)}, nil
}

func (s *Service) describeExecution(call *wire.Call, in struct{ ExecutionArn string }) (members, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.execution(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	out := listed(e)
	out["input"], out["inputDetails"] = string(e.Input), members{"included": true}
	if e.Output != nil {
		out["output"], out["outputDetails"] = string(e.Output), members{"included": true}
	}
	for name, value := range map[string]string{"error": e.Error, "cause": e.Cause} {
		if value != "" {
			out[name] = value
		}
	}
	out["redriveStatus"] = "REDRIVABLE"
	if why := e.redrivable(call.Now); why != "" {
		out["redriveStatus"], out["redriveStatusReason"] = "NOT_REDRIVABLE", why
	}
	return out, nil
}

// listed is an execution as lists show it.
func listed(e *execution) members {
	out := members{
		"executionArn": e.ARN, "stateMachineArn": e.MachineARN, "name": e.Name, "status": string(e.Status),
		"startDate": epoch(e.StartedAt), "redriveCount": e.Redrives,
	}
	for name, value := range map[string]string{"stateMachineVersionArn": e.VersionARN, "stateMachineAliasArn": e.AliasARN} {
		if value != "" {
			out[name] = value
		}
	}
	if !e.open() {
		out["stopDate"] = epoch(e.StoppedAt)
	}
	if e.Redrives > 0 {
		out["redriveDate"] = epoch(e.RedrivenAt)
	}
	return out
}

func (s *Service) sendTaskSuccess(_ *wire.Call, in struct{ TaskToken, Output string }) (members, error) {
	return members{}, s.SendTaskSuccess(in.TaskToken, in.Output)
}

func (s *Service) sendTaskFailure(_ *wire.Call, in struct{ TaskToken, Error, Cause string }) (members, error) {
	return members{}, s.SendTaskFailure(in.TaskToken, in.Error, in.Cause)
}

func (s *Service) sendTaskHeartbeat(_ *wire.Call, in struct{ TaskToken string }) (members, error) {
	return members{}, s.SendTaskHeartbeat(in.TaskToken)
}
