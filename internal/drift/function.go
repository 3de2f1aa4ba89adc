package drift

import (
	"cmp"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

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
	repairer := NewRepairer(sfn.NewFromConfig(r.AWS), r.Env.Required(step.EnvStateMachine))
	accounts := account.New(r)
	clients := endpoint.Clients(accounts, r.Log)
	places := func(access connection.Access) Place { return clients(access) }
	networks, err := connection.ParseNetworks(r.Env.Required(step.EnvNetworks))
	if err != nil {
		return nil, err
	}
	config := Config{Networks: networks, TopicARN: r.Env.Required(step.EnvNotificationTopic)}
	checker := NewChecker(table, places, config, repairer, trails(accounts), events, r.Metrics(), r.Log)
	return step.Handle(r.Log, checker.Check), nil
}

func trails(accounts *account.Accounts) Trails {
	return func(access connection.Access, region string) Trail {
		return cloudtrail.NewFromConfig(accounts.Config(access), func(o *cloudtrail.Options) { o.Region = cmp.Or(region, o.Region) })
	}
}
