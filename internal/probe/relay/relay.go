// Package relay calls the probe of a network of another Region in the state machine's stead: Step Functions invokes no function
// outside its Region. It passes the payload on, and back what the probe returned; a probe that fails fails the relay under the same
// name, so that every Retry and Catch of the state machine means what it says.
package relay

import (
	"context"
	"encoding/json"
	"fmt"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"postern/internal/account"
	"postern/internal/connection"
	"postern/internal/step"
)

// Invoker is what the relay needs of a *lambda.Client.
type Invoker interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// Relay calls the probe that a plan names.
type Relay struct {
	from func(connection.Access) Invoker
}

// New returns a relay that calls with what from returns for a network.
func New(from func(connection.Access) Invoker) *Relay { return &Relay{from: from} }

// Function builds relay: the input of probe in, its output out.
func Function(r step.Runtime) (awslambda.Handler, error) {
	clients := account.Clients(account.New(r), func(cfg aws.Config) *lambda.Client { return lambda.NewFromConfig(cfg) })
	relay := New(func(access connection.Access) Invoker { return clients(access) })
	return step.Handle(r.Log, relay.Call), nil
}

// Call invokes the probe with the payload as it is.
func (r *Relay) Call(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
	var in struct{ State connection.State }
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, connection.Errorf(connection.Internal, "reading the function's input: %w", err)
	}
	plan := in.State.Plan
	if plan == nil || plan.Probe.RelayTo == "" {
		return nil, connection.Errorf(connection.Internal, "relaying: the plan names no probe")
	}
	probe := plan.Probe.RelayTo
	answer, err := r.from(plan.Network.Access()).Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(probe), Payload: payload})
	if err != nil {
		return nil, fmt.Errorf("invoking %s: %w", probe, err)
	}
	if answer.FunctionError != nil {
		return nil, failure(answer.Payload)
	}
	return answer.Payload, nil
}

// unnamed is what Step Functions calls an error that names no type. AWS: "Lambda.Unknown", for a function that was ended for its
// memory or its time.
const unnamed = "Lambda.Unknown"

// failure is the probe's error under its own name.
//
// AWS: Invoke answers 200 when the function failed, with the header X-Amz-Function-Error and a document of errorType and
// errorMessage.
func failure(document []byte) error {
	var failed messages.InvokeResponse_Error
	if err := json.Unmarshal(document, &failed); err != nil {
		return messages.InvokeResponse_Error{Type: unnamed, Message: string(document)}
	}
	if failed.Type == "" {
		failed.Type = unnamed
	}
	return failed
}
