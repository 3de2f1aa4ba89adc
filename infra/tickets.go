package main

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/notify/ticket"
)

// writeBack defines what the function ticket needs, when a source of webhooks has a block writeBack: a secret for each ticket system,
// and the table of comments.
func (s *stack) writeBack() {
	if !s.settings.writesBack() {
		return
	}
	for _, system := range slices.Sorted(maps.Keys(s.settings.systems())) {
		// L1: made empty. L2 would generate a value, which is no credential.
		secret := awssecretsmanager.NewCfnSecret(s.scope, jsii.String(constructID(system)+"Credential"), &awssecretsmanager.CfnSecretProps{
			Name:        jsii.String(ticket.SecretPrefix + system),
			Description: jsii.String("The credential for comments on tickets of " + system + ". Empty: nothing is written"),
		})
		s.credentials = append(s.credentials, secret.Ref())
	}
	s.comments = awsdynamodb.NewTable(s.scope, jsii.String("Comments"), &awsdynamodb.TableProps{
		PartitionKey:        &awsdynamodb.Attribute{Name: jsii.String("id"), Type: awsdynamodb.AttributeType_STRING},
		BillingMode:         awsdynamodb.BillingMode_PAY_PER_REQUEST,
		Encryption:          awsdynamodb.TableEncryption_AWS_MANAGED,
		TimeToLiveAttribute: jsii.String("expires"),
		RemovalPolicy:       awscdk.RemovalPolicy_DESTROY,
	})
}
