package webhook

import (
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"postern/internal/catalog"
	"postern/internal/connection"
	"postern/internal/step"
	"postern/internal/store"
)

// Function builds webhook: API Gateway's event in (payload format 2.0), its answer out.
func Function(r step.Runtime) (lambda.Handler, error) {
	table, machine := r.Env.Required(step.EnvTable), r.Env.Required(step.EnvStateMachine)
	networks, block := r.Env.Required(step.EnvNetworks), r.Env.Required(step.EnvWebhooks)
	config := Config{Machine: machine}
	if r.Env.Err() == nil { // else the cold start reports every missing name
		var err error
		if config.Networks, err = connection.ParseNetworks(networks); err != nil {
			return nil, err
		}
		if config.Sources, err = Load(block); err != nil {
			return nil, err
		}
	}
	var err error
	if config.Catalog, err = catalog.Load(); err != nil {
		return nil, err
	}
	executions := sfn.NewFromConfig(r.AWS)
	records := store.New(dynamodb.NewFromConfig(r.AWS), table).Asking(executions)
	door := New(config, NewVault(secretsmanager.NewFromConfig(r.AWS)), records, executions, r.Metrics(), r.Log)
	return step.Handle(r.Log, door.Handle), nil
}
