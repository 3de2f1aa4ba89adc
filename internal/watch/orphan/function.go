package orphan

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"postern/internal/account"
	"postern/internal/bus"
	"postern/internal/catalog"
	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/plan"
	"postern/internal/publish"
	"postern/internal/step"
	"postern/internal/store"
)

// Function builds orphan. A schedule calls it.
func Function(r step.Runtime) (lambda.Handler, error) {
	table, rawNetworks := r.Env.Required(step.EnvTable), r.Env.Required(step.EnvNetworks)
	events := bus.New(eventbridge.NewFromConfig(r.AWS), r.Env.Required(step.EnvEventBus))
	prefix := strings.TrimSuffix(r.Env.Required(step.EnvParameterPrefix), "/")
	if r.Env.Err() != nil {
		return nil, nil //nolint:nilerr // the cold start reports every missing name
	}
	networks, err := connection.ParseNetworks(rawNetworks)
	if err != nil {
		return nil, err
	}
	timeouts, err := plan.ParseTimeouts(r.Env.Optional(step.EnvTimeouts, ""))
	if err != nil {
		return nil, err
	}
	vendors, err := catalog.Load()
	if err != nil {
		return nil, err
	}
	accounts := account.New(r)
	endpoints, zones, parameters := endpoint.Clients(accounts, r.Log), dns.Clients(accounts), publish.Clients(accounts)
	sweeper := &Sweeper{
		Registry:   store.New(dynamodb.NewFromConfig(r.AWS), table).Asking(sfn.NewFromConfig(r.AWS)),
		Networks:   networks,
		Endpoints:  func(access connection.Access) Endpoints { return endpoints(access) },
		Zones:      func(access connection.Access) Zones { return zones(access) },
		Parameters: func(access connection.Access) Parameters { return parameters(access) },
		Prefix:     prefix,
		Patience:   func(vendorID string) time.Duration { return timeouts.Approval(vendors, vendorID) },
		Bus:        events, Metrics: r.Metrics(), Log: r.Log,
	}
	return step.Handle(r.Log, func(ctx context.Context, e Event) (Swept, error) {
		if e.Time.IsZero() {
			e.Time = r.Now() // invoked manually
		}
		return sweeper.Sweep(ctx, e.Time)
	}), nil
}
