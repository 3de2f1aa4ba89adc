package drift

import (
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"postern/internal/account"
	"postern/internal/bus"
	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/step"
	"postern/internal/store"
)

// Function builds drift-check: behind a schedule, and behind the rules on what people change themselves.
func Function(r step.Runtime) (lambda.Handler, error) {
	table := store.New(dynamodb.NewFromConfig(r.AWS), r.Env.Required(step.EnvTable))
	events := bus.New(eventbridge.NewFromConfig(r.AWS), r.Env.Required(step.EnvEventBus))
	clients := endpoint.Clients(account.New(r), r.Log)
	places := func(access connection.Access) Place { return clients(access) }
	networks, err := connection.ParseNetworks(r.Env.Required(step.EnvNetworks))
	if err != nil {
		return nil, err
	}
	config := Config{Networks: networks, TopicARN: r.Env.Required(step.EnvNotificationTopic)}
	return step.Handle(r.Log, NewChecker(table, places, config, events, r.Metrics(), r.Log).Check), nil
}
