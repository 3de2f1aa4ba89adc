package approval

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/store"
)

// Endpoints describes; *endpoint.Client satisfies it.
type Endpoints interface {
	Describe(ctx context.Context, id string) (endpoint.Endpoint, error)
	DescribeAll(ctx context.Context, ids []string) ([]endpoint.Endpoint, error)
	Service(ctx context.Context, name, region, ownRegion string) (connection.Service, error)
}

// Registry stores a wait; *store.Store satisfies it.
type Registry interface {
	Register(ctx context.Context, wait store.Wait, token store.Token) error
}

// Waits lists who waits, without tokens; *store.Store satisfies it.
type Waits interface {
	Waiting(ctx context.Context) ([]store.Wait, error)
}

// Tokens reads and settles waits; *store.Store satisfies it.
type Tokens interface {
	Token(ctx context.Context, connectionID string) (store.Wait, store.Token, bool, error)
	Settle(ctx context.Context, wait store.Wait, lastSeen connection.EndpointState) error
	Beat(ctx context.Context, wait store.Wait, at time.Time, seen connection.EndpointState) error
}

// Tasks ends or prolongs a wait; *sfn.Client satisfies it.
type Tasks interface {
	SendTaskSuccess(context.Context, *sfn.SendTaskSuccessInput, ...func(*sfn.Options)) (*sfn.SendTaskSuccessOutput, error)
	SendTaskFailure(context.Context, *sfn.SendTaskFailureInput, ...func(*sfn.Options)) (*sfn.SendTaskFailureOutput, error)
	SendTaskHeartbeat(context.Context, *sfn.SendTaskHeartbeatInput, ...func(*sfn.Options)) (*sfn.SendTaskHeartbeatOutput, error)
}
