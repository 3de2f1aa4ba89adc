package publish

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"postern/internal/account"
	"postern/internal/connection"
	"postern/internal/step"
	"postern/internal/store"
)

// Function builds publish-config: connection.Input in, connection.Config out.
func Function(r step.Runtime) (lambda.Handler, error) {
	parameters := Clients(account.New(r))
	onboarded := registry{store.New(dynamodb.NewFromConfig(r.AWS), r.Env.Required(step.EnvTable))}
	return step.Handle(r.Log, func(ctx context.Context, in connection.Input) (connection.Config, error) {
		return Publisher{Parameters: parameters(in.State.Access()), Registry: onboarded}.Handle(ctx, in)
	}), nil
}

// Clients returns a client for each account and Region that a function works in: agents read the parameters of their own.
func Clients(accounts *account.Accounts) func(connection.Access) *Client {
	return account.Clients(accounts, func(cfg aws.Config) *Client { return New(ssm.NewFromConfig(cfg)) })
}

// Registry says whether an execution still holds its connection, and records that it is onboarded.
type Registry interface {
	Holds(ctx context.Context, connectionID string, turn connection.Turn) error
	Onboarded(ctx context.Context, in connection.Input, config connection.Config) error
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
		return connection.Config{}, connection.Errorf(connection.Internal, "publishing for %s: the connection was not verified "+
			"from inside the VPC, and only what was verified is published", plan.ConnectionID)
	}
	// A retry may come days later, or after a try that ended the execution and could not say so.
	if in.RedriveCount > 0 || in.Retries > 0 {
		if err := p.Registry.Holds(ctx, plan.ConnectionID, in.Turn()); err != nil {
			return connection.Config{}, err
		}
	}
	if !plan.Names(connection.CheckParameters) {
		return plan.Repair.Config, p.Registry.Onboarded(ctx, in, plan.Repair.Config)
	}
	config, err := p.Parameters.Publish(ctx, plan.Outputs, connection.Tags(plan.ConnectionID, in.Execution))
	if err != nil {
		return config, err
	}
	// A first try has written nothing before: a value that is there already is another person's.
	if in.Retries > 0 || in.RedriveCount > 0 || !plan.TakenFrom.IsZero() {
		if config, err = p.Parameters.Own(ctx, plan.Outputs, in.State.PublishedSince(), config); err != nil {
			return config, err
		}
	}
	return config, p.Registry.Onboarded(ctx, in, config)
}

// registry makes a Registry of the store.
type registry struct{ *store.Store }

func (r registry) Onboarded(ctx context.Context, in connection.Input, config connection.Config) error {
	id := in.State.Plan.ConnectionID
	var earlier *connection.Ledger
	if config.Continues() {
		var err error
		if earlier, err = r.Ledger(ctx, id); err != nil {
			return err
		}
	}
	ledger := connection.NewLedger(in, config, earlier)
	return r.Finish(ctx, store.Result{
		ConnectionID: id, Turn: in.Turn(), Status: store.StatusOnboarded,
		EndpointID: in.State.Endpoint.ID, LastSeen: connection.StateAvailable, Ledger: &ledger,
	})
}
