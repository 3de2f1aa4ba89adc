package offboard

import (
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/publish"
	"postern/internal/step"
	"postern/internal/store"
)

// Function builds offboard: connection.Input in, connection.Removal out.
func Function(r step.Runtime) (lambda.Handler, error) {
	offboarder := &Offboarder{
		Endpoints:  endpoint.New(ec2.NewFromConfig(r.AWS), r.Log),
		Names:      dns.New(route53.NewFromConfig(r.AWS)),
		Parameters: publish.New(ssm.NewFromConfig(r.AWS)),
		Registry:   store.New(dynamodb.NewFromConfig(r.AWS), r.Env.Required(step.EnvTable)).Asking(sfn.NewFromConfig(r.AWS)),
		Log:        r.Log,
	}
	return step.Handle(r.Log, offboarder.Offboard), nil
}
