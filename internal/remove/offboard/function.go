package offboard

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"postern/internal/account"
	"postern/internal/bus"
	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/publish"
	"postern/internal/remove"
	"postern/internal/step"
	"postern/internal/store"
)

// Function builds offboard: connection.Input in, connection.Removal out.
func Function(r step.Runtime) (lambda.Handler, error) {
	accounts := account.New(r)
	endpoints, names, parameters := endpoint.Clients(accounts, r.Log), dns.Clients(accounts), publish.Clients(accounts)
	registry := store.New(dynamodb.NewFromConfig(r.AWS), r.Env.Required(step.EnvTable)).Asking(sfn.NewFromConfig(r.AWS))
	events := bus.New(eventbridge.NewFromConfig(r.AWS), r.Env.Required(step.EnvEventBus))
	topic := r.Env.Required(step.EnvNotificationTopic)
	return step.Handle(r.Log, func(ctx context.Context, in connection.Input) (connection.Removal, error) {
		access := in.State.Access()
		offboarder := &Offboarder{
			Remover:  remove.Remover{Endpoints: endpoints(access), Names: names(access), Parameters: parameters(access), TopicARN: topic},
			Registry: registry, Bus: events, Log: r.Log,
		}
		return offboarder.Offboard(ctx, in)
	}), nil
}
