package rollback

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"postern/internal/account"
	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/publish"
	"postern/internal/remove"
	"postern/internal/step"
	"postern/internal/store"
)

// Function builds rollback: Input in, connection.Outcome out.
func Function(r step.Runtime) (lambda.Handler, error) {
	accounts := account.New(r)
	endpoints, names, parameters := endpoint.Clients(accounts, r.Log), dns.Clients(accounts), publish.Clients(accounts)
	registry := store.New(dynamodb.NewFromConfig(r.AWS), r.Env.Required(step.EnvTable))
	topic := r.Env.Required(step.EnvNotificationTopic)
	return step.Handle(r.Log, func(ctx context.Context, in Input) (connection.Outcome, error) {
		access := in.State.Access()
		made := Made{Endpoints: endpoints(access), Names: names(access), Parameters: parameters(access)}
		roller := &Roller{
			Remover: remove.Remover{Endpoints: endpoints(access), Names: names(access), Parameters: parameters(access), TopicARN: topic},
			Made:    made, Registry: registry, Log: r.Log,
		}
		return roller.Roll(ctx, in)
	}), nil
}
