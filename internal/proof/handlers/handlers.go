// Package handlers lists the functions of Postern by their handler names, for running them in process. The names are those of the
// directories under lambdas/, and a test compares the two.
package handlers

import (
	"errors"
	"log/slog"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"

	"postern/internal/approval"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/fleet"
	"postern/internal/local/lambda"
	"postern/internal/notify/mail"
	"postern/internal/notify/ticket"
	"postern/internal/page"
	"postern/internal/plan"
	"postern/internal/probe"
	"postern/internal/probe/relay"
	"postern/internal/publish"
	"postern/internal/remove/offboard"
	"postern/internal/remove/rollback"
	"postern/internal/step"
	"postern/internal/watch/drift"
	"postern/internal/watch/orphan"
	"postern/internal/webhook"
)

// All returns the constructor of every function.
func All() map[string]step.Function {
	return map[string]step.Function{
		"plan":            plan.Function,
		"ensure-endpoint": endpoint.EnsureFunction,
		"await-gate":      approval.AwaitGateFunction,
		"acknowledge":     approval.AcknowledgeFunction,
		"observe":         approval.ObserveFunction,
		"resume":          approval.ResumeFunction,
		"await-available": endpoint.AwaitAvailableFunction,
		"probe":           probe.Function,
		"relay":           relay.Function,
		"configure-dns":   dns.Function,
		"publish-config":  publish.Function,
		"offboard":        offboard.Function,
		"rollback":        rollback.Function,
		"mail":            mail.Function,
		"ticket":          ticket.Function,
		"drift":           drift.Function,
		"webhook":         webhook.Function,
		"orphan":          orphan.Function,
		"fleet":           fleet.Function,
		"page":            page.Function,
	}
}

// InProcess returns every function as the simulator runs it in its own process.
func InProcess() map[string]lambda.Build {
	functions := map[string]lambda.Build{}
	for name, build := range All() {
		functions[name] = Simulated(build)
	}
	return functions
}

// Simulated returns a function as the simulator runs it in its own process: with the retryer that it has on AWS, which waits in
// virtual time.
func Simulated(build step.Function) lambda.Build {
	return func(r lambda.Runtime) (awslambda.Handler, error) {
		env := step.NewEnv(r.Getenv)
		log := slog.New(slog.NewJSONHandler(r.Log, &slog.HandlerOptions{ReplaceAttr: lambdacontext.ReplaceAttr}))
		r.AWS.Retryer = func() aws.Retryer { return step.Retryer(r.Retries) }
		handler, err := build(step.Runtime{AWS: r.AWS, Env: env, Log: log, Out: r.Log, Clock: r.Clock})
		return handler, errors.Join(env.Err(), err)
	}
}
