package publish

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"postern/internal/connection"
	"postern/internal/step"
	"postern/internal/store"
)

// Function builds publish-config: connection.Input in, connection.Config out.
func Function(r step.Runtime) (lambda.Handler, error) {
	publisher := Publisher{
		Parameters: New(ssm.NewFromConfig(r.AWS)),
		Registry:   registry{store.New(dynamodb.NewFromConfig(r.AWS), r.Env.Required(step.EnvTable))},
	}
	return step.Handle(r.Log, publisher.Handle), nil
}

// Registry records that a connection is onboarded.
type Registry interface {
	Onboarded(ctx context.Context, in connection.Input) error
}

// Publisher is the last step: it writes what agents read, and only what was verified.
type Publisher struct {
	Parameters *Client
	Registry   Registry
}

// Handle publishes the plan's outputs, then records that the connection is onboarded.
func (p Publisher) Handle(ctx context.Context, in connection.Input) (connection.Config, error) {
	plan, proof := in.State.Plan, in.State.Verification
	if plan == nil || in.State.Endpoint == nil {
		return connection.Config{}, connection.Errorf(connection.Internal, "publishing: there is no plan or no endpoint")
	}
	if proof == nil || proof.Verdict != connection.Pass {
		return connection.Config{}, connection.Errorf(connection.ConfigRefused, "publishing for %s: the connection was not verified "+
			"from inside the VPC, and only what was verified is published", plan.ConnectionID)
	}
	config, err := p.Parameters.Publish(ctx, plan.Outputs, connection.Tags(plan.ConnectionID, in.Execution))
	if err != nil {
		return config, err
	}
	return config, p.Registry.Onboarded(ctx, in)
}

// registry makes a Registry of the store.
type registry struct{ store *store.Store }

func (r registry) Onboarded(ctx context.Context, in connection.Input) error {
	return r.store.Finish(ctx, store.Result{
		ConnectionID: in.State.Plan.ConnectionID, Execution: in.Execution, Status: store.StatusOnboarded,
		EndpointID: in.State.Endpoint.ID, LastSeen: connection.StateAvailable, At: in.EnteredAt,
	})
}
