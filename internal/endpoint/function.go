package endpoint

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"postern/internal/account"
	"postern/internal/connection"
	"postern/internal/step"
	"postern/internal/store"
)

// EnsureFunction builds ensure-endpoint: connection.Input in, connection.Endpoint out.
func EnsureFunction(r step.Runtime) (lambda.Handler, error) {
	endpoints := Clients(account.New(r), r.Log)
	ensurer := Ensurer{
		Claims:   store.New(dynamodb.NewFromConfig(r.AWS), r.Env.Required(step.EnvTable)).Asking(sfn.NewFromConfig(r.AWS)),
		TopicARN: r.Env.Required(step.EnvNotificationTopic),
	}
	return step.Handle(r.Log, func(ctx context.Context, in connection.Input) (connection.Endpoint, error) {
		there := ensurer
		there.Endpoints = endpoints(in.State.Access())
		return there.Handle(ctx, in)
	}), nil
}

// AwaitAvailableFunction builds await-available: connection.Input in, connection.Availability out.
func AwaitAvailableFunction(r step.Runtime) (lambda.Handler, error) {
	endpoints := Clients(account.New(r), r.Log)
	return step.Handle(r.Log, func(ctx context.Context, in connection.Input) (connection.Availability, error) {
		return endpoints(in.State.Access()).awaitAvailable(ctx, in)
	}), nil
}

// Clients returns a client for each account and Region that a function works in.
func Clients(accounts *account.Accounts, log *slog.Logger) func(connection.Access) *Client {
	return account.Clients(accounts, func(cfg aws.Config) *Client { return New(ec2.NewFromConfig(cfg), log) })
}

// Claims holds a connection for one execution; *store.Store satisfies it.
type Claims interface {
	Claim(ctx context.Context, connectionID string, turn connection.Turn, ticket string, planned time.Time) error
}

// Ensurer is the step that makes the endpoint.
type Ensurer struct {
	Endpoints *Client
	Claims    Claims
	TopicARN  string
}

// Handle claims the connection, then ensures its endpoint.
func (e Ensurer) Handle(ctx context.Context, in connection.Input) (connection.Endpoint, error) {
	plan := in.State.Plan
	if plan == nil {
		return connection.Endpoint{}, connection.Errorf(connection.Internal, "ensuring an endpoint: there is no plan")
	}
	ticket := plan.Ticket.Key()
	if plan.Repair != nil {
		ticket = plan.Repair.Ticket
	}
	if err := e.Claims.Claim(ctx, plan.ConnectionID, in.Turn(), ticket, plan.At); err != nil {
		return connection.Endpoint{}, err
	}
	want := Want{
		ConnectionID: plan.ConnectionID, Execution: in.Execution, Network: plan.Network, Service: plan.Service, Group: plan.SecurityGroup,
		Repair: plan.Repair, PrivateDNS: plan.DNS.Mode == connection.ModeVendorPrivateDNS,
	}
	if plan.HandMade {
		want.AdoptID = plan.AdoptEndpointID
	}
	if plan.Network.Access().Home() {
		want.TopicARN = e.TopicARN
	}
	made, err := e.Endpoints.Ensure(ctx, want)
	made.At = in.EnteredAt
	return made, err
}

func (c *Client) awaitAvailable(ctx context.Context, in connection.Input) (connection.Availability, error) {
	if in.State.Endpoint == nil {
		return connection.Availability{}, connection.Errorf(connection.Internal, "awaiting an endpoint: none was made")
	}
	endpoint, err := c.Describe(ctx, in.State.Endpoint.ID)
	if err != nil {
		return connection.Availability{}, err
	}
	available, err := c.available(ctx, endpoint)
	if err == nil && in.State.Plan != nil {
		available.ZonalNames = endpoint.zonalNames(in.State.Plan.Network.Subnets)
	}
	return available, err
}
