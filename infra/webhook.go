package main

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/webhook"
)

// The limits of the webhook: requests a second on average and at once, and functions at a time. A flood of requests takes no
// concurrency from the other functions of the account.
const (
	webhookRate    = 10
	webhookBurst   = 20
	webhookAtATime = 5
)

// webhookSecrets defines a secret for each source of webhooks.
func (s *stack) webhookSecrets() {
	for _, source := range slices.Sorted(maps.Keys(s.settings.Webhooks)) {
		s.secrets = append(s.secrets, s.webhookSecret(source))
	}
}

// webhookAPI defines the API Gateway before the function webhook, when there is a source.
func (s *stack) webhookAPI() {
	if !s.settings.hasWebhooks() {
		return
	}
	api := s.httpAPI(s.functions["webhook"])
	awscdk.NewCfnOutput(s.scope, jsii.String("WebhookURL"), &awscdk.CfnOutputProps{
		Description: jsii.String("The URL that ticket systems post to; add the source's name"),
		Value:       jsii.String(*api.ApiEndpoint() + "/webhook/"),
	})
}

func (s *stack) webhookSecret(source string) awssecretsmanager.Secret {
	return awssecretsmanager.NewSecret(s.scope, jsii.String(constructID(source)+"Secret"), &awssecretsmanager.SecretProps{
		SecretName: jsii.String(webhook.SecretPrefix + source),
		Description: jsii.String("The key that signs webhooks of " + source +
			". The value before stays valid until the next one is put"),
		// Letters and digits only, in fours: Standard Webhooks reads it as base64.
		GenerateSecretString: &awssecretsmanager.SecretStringGenerator{
			ExcludePunctuation: jsii.Bool(true), PasswordLength: jsii.Number(48),
		},
	})
}

// httpAPI defines the one route, throttled. It has no authorizer: ticket systems support none, and the function checks signatures.
func (s *stack) httpAPI(behind awslambda.Function) awsapigatewayv2.HttpApi {
	api := awsapigatewayv2.NewHttpApi(s.scope, jsii.String("Api"), &awsapigatewayv2.HttpApiProps{
		ApiName: jsii.String("postern"), Description: jsii.String("Postern: webhooks of ticket systems"),
		CreateDefaultStage: jsii.Bool(false),
	})
	stage := awsapigatewayv2.NewHttpStage(s.scope, jsii.String("ApiStage"), &awsapigatewayv2.HttpStageProps{
		HttpApi: api, StageName: jsii.String("$default"), AutoDeploy: jsii.Bool(true),
		Throttle: &awsapigatewayv2.ThrottleSettings{RateLimit: jsii.Number(webhookRate), BurstLimit: jsii.Number(webhookBurst)},
	})
	stage.Node().DefaultChild().(awsapigatewayv2.CfnStage).SetAccessLogSettings(s.accessLog())
	api.AddRoutes(&awsapigatewayv2.AddRoutesOptions{
		Path: jsii.String("/webhook/{source}"), Methods: &[]awsapigatewayv2.HttpMethod{awsapigatewayv2.HttpMethod_POST},
		Integration: awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String("Webhook"), behind,
			&awsapigatewayv2integrations.HttpLambdaIntegrationProps{
				PayloadFormatVersion: awsapigatewayv2.PayloadFormatVersion_VERSION_2_0(),
			}),
	})
	return api
}

// accessLog records each caller and answer. It has no header and no body: those hold secrets and tickets.
func (s *stack) accessLog() *awsapigatewayv2.CfnStage_AccessLogSettingsProperty {
	format, err := json.Marshal(map[string]string{
		"requestId": "$context.requestId", "time": "$context.requestTime", "ip": "$context.identity.sourceIp", "path": "$context.path",
		"status": "$context.status", "bytes": "$context.responseLength", "milliseconds": "$context.responseLatency",
		"error": "$context.error.message", "integrationError": "$context.integrationErrorMessage",
	})
	if err != nil {
		panic(err) // strings only
	}
	group := awslogs.NewLogGroup(s.scope, jsii.String("ApiLogs"), &awslogs.LogGroupProps{
		// AWS: only this prefix needs no resource policy of its own for each log group.
		LogGroupName: jsii.String("/aws/vendedlogs/apis/postern"), Retention: awslogs.RetentionDays_THREE_MONTHS,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	return &awsapigatewayv2.CfnStage_AccessLogSettingsProperty{
		DestinationArn: group.LogGroupArn(), Format: jsii.String(string(format)),
	}
}
