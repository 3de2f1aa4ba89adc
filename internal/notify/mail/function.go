package mail

import (
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"postern/internal/step"
	"postern/internal/store"
)

// Function builds notify: one of Postern's own events in, a mail to the operators out.
func Function(r step.Runtime) (lambda.Handler, error) {
	table := store.New(dynamodb.NewFromConfig(r.AWS), r.Env.Required(step.EnvTable))
	once := sns.NewFromConfig(r.AWS, func(o *sns.Options) { o.Retryer = aws.NopRetryer{} })
	return step.Handle(r.Log, New(table, once, r.Env.Required(step.EnvOperatorsTopic), r.Log).Notify), nil
}
