package approval

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"postern/internal/account"
	"postern/internal/bus"
	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/step"
	"postern/internal/store"
)

// AwaitGateFunction builds await-gate: the task of both waits.
func AwaitGateFunction(r step.Runtime) (lambda.Handler, error) {
	endpoints, table, bus := endpointsOf(r), tableOf(r).Asking(sfn.NewFromConfig(r.AWS)), busOf(r)
	return step.Handle(r.Log, func(ctx context.Context, in GateInput) (struct{}, error) {
		return NewGatekeeper(table, endpoints(in.State.Access()), bus, r.Log).Await(ctx, in)
	}), nil
}

// ObserveFunction builds observe: woken by SNS, by CloudTrail's rule and by the schedule.
func ObserveFunction(r step.Runtime) (lambda.Handler, error) {
	return step.Handle(r.Log, NewObserver(tableOf(r), endpointsOf(r), busOf(r), r.AWS.Region, r.Metrics(), r.Log).Observe), nil
}

// AcknowledgeFunction builds acknowledge: the step of an approval or a cancellation.
func AcknowledgeFunction(r step.Runtime) (lambda.Handler, error) {
	table := tableOf(r).Asking(sfn.NewFromConfig(r.AWS))
	return step.Handle(r.Log, NewAcknowledger(table, endpointsOf(r), busOf(r), r.AWS.Region, r.Log).Acknowledge), nil
}

// ResumeFunction builds resume: behind the rule on Postern's own observations.
func ResumeFunction(r step.Runtime) (lambda.Handler, error) {
	return step.Handle(r.Log, NewResumer(tableOf(r), sfn.NewFromConfig(r.AWS), r.Log).Resume), nil
}

func tableOf(r step.Runtime) *store.Store {
	return store.New(dynamodb.NewFromConfig(r.AWS), r.Env.Required(step.EnvTable))
}

func endpointsOf(r step.Runtime) func(connection.Access) Endpoints {
	clients := endpoint.Clients(account.New(r), r.Log)
	return func(access connection.Access) Endpoints { return clients(access) }
}

func busOf(r step.Runtime) *bus.Bus {
	return bus.New(eventbridge.NewFromConfig(r.AWS), r.Env.Required(step.EnvEventBus))
}
