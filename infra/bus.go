package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
)

// eventBus defines the bus of Postern's own events. Events of AWS services are on the account's default bus, on which every
// principal that may put events can write; no rule of Postern acts on an event of its own kind there.
func (s *stack) eventBus() {
	s.bus = awsevents.NewEventBus(s.scope, jsii.String("Bus"), &awsevents.EventBusProps{
		EventBusName: jsii.String("postern"), Description: jsii.String("Postern: its own events"),
	})
}

// guardBus denies the bus to every principal but the functions that put events. What each of them may put, its role says.
//
// AWS: within an account a role's own policy is enough to put events on a bus, so the bus's policy must deny.
func (s *stack) guardBus() {
	var roles []*string
	for _, f := range functions {
		if f.allows("events:PutEvents") && s.functions[f.name] != nil {
			roles = append(roles, s.functions[f.name].Role().RoleArn())
		}
	}
	s.bus.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("OnlyPostern"), Effect: awsiam.Effect_DENY,
		Principals: &[]awsiam.IPrincipal{awsiam.NewStarPrincipal()},
		Actions:    jsii.Strings("events:PutEvents"), Resources: &[]*string{s.bus.EventBusArn()},
		Conditions: &map[string]any{"ArnNotEquals": map[string]any{"aws:PrincipalArn": roles}},
	}))
}
