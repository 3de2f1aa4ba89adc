package fleet

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/lambda"

	"postern/internal/connection"
	"postern/internal/step"
)

// Step names what the state machine wants done; each state that calls the function passes its own.
type Step string

// The steps, with the states that pass them.
const (
	StepPlan   Step = "plan"   // PlanFleet
	StepTarget Step = "target" // ReportTarget
	StepReport Step = "report" // ReportFleet
)

// Input is what the state machine passes to the function: the step, and the fields that this step reads.
type Input struct {
	Step      Step            `json:"step"`
	Execution string          `json:"execution,omitempty"` // plan: ARN of the fleet's execution
	Machine   string          `json:"machine,omitempty"`   // plan: ARN of the postern machine
	Request   json.RawMessage `json:"request,omitempty"`   // plan
	Target    *Ended          `json:"target,omitempty"`    // target
	Fleet     *Results        `json:"fleet,omitempty"`     // report
}

// Function builds fleet: Input in; a Plan, a Result or a Report out.
func Function(r step.Runtime) (lambda.Handler, error) {
	raw := r.Env.Required(step.EnvNetworks)
	if raw == "" {
		return nil, nil //nolint:nilnil // the cold start reports every missing name
	}
	networks, err := connection.ParseNetworks(raw)
	if err != nil {
		return nil, err
	}
	return step.Handle(r.Log, func(_ context.Context, in Input) (any, error) { return run(in, networks) }), nil
}

func run(in Input, networks connection.Networks) (any, error) {
	switch {
	case in.Step == StepPlan:
		return Make(in, networks)
	case in.Step == StepTarget && in.Target != nil:
		return Target(*in.Target), nil
	case in.Step == StepReport && in.Fleet != nil:
		return Fleet(*in.Fleet), nil
	}
	return nil, connection.Errorf(connection.Internal, "the function fleet has no step %q, or its input lacks what the step reads", in.Step)
}
