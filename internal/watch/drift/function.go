package drift

import (
	"cmp"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"postern/internal/account"
	"postern/internal/bus"
	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/publish"
	"postern/internal/step"
	"postern/internal/store"
)

// Function builds drift. A schedule calls it, and the rules on manual changes.
func Function(r step.Runtime) (lambda.Handler, error) {
	networks, err := connection.ParseNetworks(r.Env.Required(step.EnvNetworks))
	if err != nil {
		return nil, err
	}
	accounts := account.New(r)
	clients, zones, parameters := endpoint.Clients(accounts, r.Log), patient(accounts), publish.Clients(accounts)
	functions := account.Clients(accounts, func(cfg aws.Config) *awslambda.Client { return awslambda.NewFromConfig(cfg) })
	checker := &Checker{
		Registry: store.New(dynamodb.NewFromConfig(r.AWS), r.Env.Required(step.EnvTable)),
		Places:   func(access connection.Access) Place { return clients(access) },
		Sources: func(access connection.Access) Sources {
			return Sources{Interfaces: clients(access), Zones: zones(access), Parameters: parameters(access)}
		},
		Probes:   func(access connection.Access) Invoker { return functions(access) },
		Trails:   trails(accounts),
		Repairer: NewRepairer(sfn.NewFromConfig(r.AWS), r.Env.Required(step.EnvStateMachine)),
		Config:   Config{Networks: networks, TopicARN: r.Env.Required(step.EnvNotificationTopic)},
		Bus:      bus.New(eventbridge.NewFromConfig(r.AWS), r.Env.Required(step.EnvEventBus)),
		Metrics:  r.Metrics(),
		Log:      r.Log,
	}
	return step.Handle(r.Log, checker.Check), nil
}

// trails returns the CloudTrail of accounts, one client for each account and Region, which slows down when it is throttled.
func trails(accounts *account.Accounts) Trails {
	clients := map[string]func(connection.Access) *cloudtrail.Client{}
	for _, region := range []string{"", globalRegion} {
		clients[region] = account.Clients(accounts, func(cfg aws.Config) *cloudtrail.Client {
			return cloudtrail.NewFromConfig(cfg, func(o *cloudtrail.Options) {
				o.Region, o.Retryer = cmp.Or(region, o.Region), slowing()
			})
		})
	}
	return func(access connection.Access, region string) Trail { return clients[region](access) }
}

// slowing returns a retryer that slows calls down when they are throttled, instead of giving up.
func slowing() aws.Retryer {
	return retry.NewAdaptiveMode(func(a *retry.AdaptiveModeOptions) {
		a.StandardOptions = append(a.StandardOptions, func(s *retry.StandardOptions) { s.MaxAttempts = 6 })
	})
}

// patient returns clients of Route 53 that slow down when they are throttled, instead of giving up: a run that reads hundreds of
// zones has time.
//
// AWS: Route 53 takes five requests a second from an account, from all callers together.
func patient(accounts *account.Accounts) func(connection.Access) *dns.Client {
	return account.Clients(accounts, func(cfg aws.Config) *dns.Client {
		return dns.New(route53.NewFromConfig(cfg, func(o *route53.Options) { o.Retryer = slowing() }))
	})
}
