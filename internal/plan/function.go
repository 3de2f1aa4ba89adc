package plan

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"postern/internal/account"
	"postern/internal/catalog"
	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/publish"
	"postern/internal/step"
	"postern/internal/store"
)

// Function builds plan: the request and the state in, connection.Plan out.
func Function(r step.Runtime) (lambda.Handler, error) {
	config, err := configOf(r.Env)
	if err != nil {
		return nil, err
	}
	vendors, err := catalog.Load()
	if err != nil {
		return nil, err
	}
	holders := store.New(dynamodb.NewFromConfig(r.AWS), r.Env.Required(step.EnvTable)).Asking(sfn.NewFromConfig(r.AWS))
	planner := New(vendors, config, holders, sourcesOf(r), r.Log)
	return step.Handle(r.Log, func(ctx context.Context, in Input) (connection.Plan, error) {
		plan, err := planner.Plan(ctx, in)
		plan.At = in.EnteredAt
		return plan, err
	}), nil
}

func sourcesOf(r step.Runtime) func(connection.Access) Sources {
	accounts := account.New(r)
	endpoints, zones, parameters := endpoint.Clients(accounts, r.Log), dns.Clients(accounts), publish.Clients(accounts)
	return func(access connection.Access) Sources {
		return Sources{Account: accounts, Endpoints: endpoints(access), Zones: zones(access), Parameters: parameters(access)}
	}
}

func configOf(env *step.Env) (Config, error) {
	prefix := env.Required(step.EnvParameterPrefix)
	raw := env.Required(step.EnvNetworks)
	if env.Err() != nil {
		return Config{}, nil //nolint:nilerr // the cold start reports every missing name
	}
	networks, err := connection.ParseNetworks(raw)
	if err != nil {
		return Config{}, err
	}
	for _, network := range networks {
		if network.ProbeFunction == "" {
			return Config{}, fmt.Errorf("registered network %s has no probe function", network.Name)
		}
	}
	timeouts, err := ParseTimeouts(env.Optional(step.EnvTimeouts, ""))
	return Config{Networks: networks, Prefix: prefix, Timeouts: timeouts}, err
}
