package fleet

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"postern/internal/connection"
	"postern/internal/step"
)

// PlanFunction builds plan-fleet: Input in, Plan out.
func PlanFunction(r step.Runtime) (lambda.Handler, error) {
	raw := r.Env.Required(step.EnvNetworks)
	if raw == "" {
		return nil, nil //nolint:nilnil // the cold start reports every missing name
	}
	networks, err := connection.ParseNetworks(raw)
	if err != nil {
		return nil, err
	}
	return step.Handle(r.Log, func(_ context.Context, in Input) (Plan, error) { return Make(in, networks) }), nil
}

// ReportTargetFunction builds report-target: Ended in, Result out.
func ReportTargetFunction(r step.Runtime) (lambda.Handler, error) {
	return step.Handle(r.Log, func(_ context.Context, in Ended) (Result, error) { return Target(in), nil }), nil
}

// ReportFunction builds report-fleet: Results in, Report out.
func ReportFunction(r step.Runtime) (lambda.Handler, error) {
	return step.Handle(r.Log, func(_ context.Context, in Results) (Report, error) { return Fleet(in), nil }), nil
}
