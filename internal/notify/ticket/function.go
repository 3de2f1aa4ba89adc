package ticket

import (
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"postern/internal/step"
	"postern/internal/store"
)

// Function builds comment: an event of EventBridge in, a comment on a ticket out.
func Function(r step.Runtime) (lambda.Handler, error) {
	connections, comments := r.Env.Required(step.EnvTable), r.Env.Required(step.EnvComments)
	block := r.Env.Required(step.EnvWriteBack)
	var settings map[string]Settings
	if r.Env.Err() == nil { // else the cold start reports every missing name
		var err error
		if settings, err = ParseSettings(block); err != nil {
			return nil, err
		}
	}
	client, err := NewClient(r.Env.Optional(step.EnvTickets, ""))
	if err != nil {
		return nil, err
	}
	api := dynamodb.NewFromConfig(r.AWS)
	vault := NewVault(secretsmanager.NewFromConfig(r.AWS), r.Log)
	writer := New(settings, NewLedger(api, comments), store.New(api, connections), vault, client, r.Now, r.Log)
	return step.Handle(r.Log, writer.Write), nil
}
