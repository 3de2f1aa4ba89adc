package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/connection"
	"postern/internal/step"
	"postern/internal/store"
)

// grant is one statement of a function's role. Resources are * only where AWS has no resource-level permissions, and a comment says
// so.
type grant struct {
	actions    []string
	resources  func(*stack) []*string
	conditions map[string]any
}

func (g grant) statement(s *stack) awsiam.PolicyStatement {
	props := &awsiam.PolicyStatementProps{Actions: jsii.Strings(g.actions...), Resources: ptr(g.resources(s))}
	if g.conditions != nil {
		props.Conditions = &g.conditions
	}
	return awsiam.NewPolicyStatement(props)
}

func ptr[T any](v T) *T { return &v }

// anything is for actions that AWS cannot restrict to a resource.
func anything(*stack) []*string { return []*string{jsii.String("*")} }

func ec2Resource(kinds ...string) func(*stack) []*string {
	return func(s *stack) []*string {
		var arns []*string
		for _, kind := range kinds {
			arns = append(arns, s.scope.FormatArn(&awscdk.ArnComponents{Service: jsii.String("ec2"), Resource: jsii.String(kind), ResourceName: jsii.String("*")}))
		}
		return arns
	}
}

// registeredVPCs are the VPCs that requests may name.
func registeredVPCs(s *stack) []*string {
	var arns []*string
	for _, network := range s.settings.Networks {
		arns = append(arns, s.scope.FormatArn(&awscdk.ArnComponents{Service: jsii.String("ec2"), Resource: jsii.String("vpc"), ResourceName: jsii.String(network.VPCID)}))
	}
	return arns
}

func table(s *stack) []*string { return []*string{s.table.TableArn()} }

func waitingIndex(s *stack) []*string {
	return []*string{jsii.String(*s.table.TableArn() + "/index/" + store.WaitingIndex)}
}

func eventBus(s *stack) []*string {
	return []*string{s.scope.FormatArn(&awscdk.ArnComponents{Service: jsii.String("events"), Resource: jsii.String("event-bus"), ResourceName: jsii.String("default")})}
}

func zones(s *stack) []*string {
	return []*string{s.scope.FormatArn(&awscdk.ArnComponents{Service: jsii.String("route53"), Region: jsii.String(""), Account: jsii.String(""),
		Resource: jsii.String("hostedzone"), ResourceName: jsii.String("*")})}
}

func parameters(s *stack) []*string {
	return []*string{s.scope.FormatArn(&awscdk.ArnComponents{Service: jsii.String("ssm"),
		Resource: jsii.String("parameter" + s.settings.ParameterPrefix), ResourceName: jsii.String("*")})}
}

func deadLetters(s *stack) []*string    { return []*string{s.deadLetters.QueueArn()} }
func operatorsTopic(s *stack) []*string { return []*string{s.operators.TopicArn()} }
func key(s *stack) []*string            { return []*string{s.key.KeyArn()} }
func workflow(s *stack) []*string       { return []*string{s.machine.StateMachineArn()} }

func webhookSecrets(s *stack) []*string {
	var arns []*string
	for _, secret := range s.secrets {
		arns = append(arns, secret.SecretArn())
	}
	return arns
}

// ours restricts a write to what carries our tag.
var ours = map[string]any{"StringEquals": map[string]any{"aws:ResourceTag/" + connection.TagManaged: "true"}}

// withoutToken keeps a function away from the task token: it may name every attribute but that one.
var withoutToken = map[string]any{
	"ForAllValues:StringEquals": map[string]any{"dynamodb:Attributes": []string{
		"id", "vendor", "holder", "status", "finishedBy", "ticket", "updatedAt", "endpointId", "lastSeen", "waitGate", "waitSince", "waitExecution", "waitEndpoint",
		"waitService", "waitServiceRegion", "waitRegistration", "noticeAllowlist", "noticeAllowlistBy", "noticeApproval", "noticeApprovalBy",
	}},
}

// failedEvents is for functions that are called asynchronously: Lambda sends what they failed on to the dead letters.
var failedEvents = grant{actions: []string{"sqs:SendMessage"}, resources: deadLetters}

// AWS: EC2's Describe actions have no resource-level permissions.
func describe(names ...string) grant {
	var actions []string
	for _, name := range names {
		actions = append(actions, "ec2:Describe"+name)
	}
	return grant{actions: actions, resources: anything}
}

var probeGrants = []grant{{
	// What Lambda needs to run a function inside a VPC; AWS has no resource-level permissions for it.
	actions:   []string{"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"},
	resources: anything,
}}

var webhookGrants = []grant{
	{actions: []string{"secretsmanager:GetSecretValue"}, resources: webhookSecrets},
	{actions: []string{"dynamodb:GetItem"}, resources: table, conditions: withoutToken},
	{actions: []string{"states:StartExecution"}, resources: workflow},
}

// specs are the functions but the probe and the webhook's, with exactly what each may do.
func (s *stack) specs() []spec {
	return []spec{
		{
			handler: "plan", description: "Checks a request and computes the plan; writes nothing", timeoutSeconds: 60,
			env: []string{step.EnvTable, step.EnvNetworks, step.EnvParameterPrefix, step.EnvTimeouts},
			grants: []grant{
				describe("Vpcs", "VpcAttribute", "Subnets", "SecurityGroups", "VpcEndpointServices", "VpcEndpoints"),
				{actions: []string{"route53:ListHostedZonesByVPC"}, resources: anything},
				{actions: []string{"route53:GetHostedZone"}, resources: zones},
				{actions: []string{"ssm:GetParameters"}, resources: parameters},
				{actions: []string{"dynamodb:GetItem"}, resources: table, conditions: withoutToken},
			},
		},
		{
			handler: "ensure-endpoint", description: "Finds or creates the endpoint and its notification", timeoutSeconds: 60,
			env: []string{step.EnvTable, step.EnvNotificationTopic},
			grants: []grant{
				describe("VpcEndpoints"),
				{actions: []string{"ec2:CreateVpcEndpoint"}, resources: registeredVPCs},
				{actions: []string{"ec2:CreateVpcEndpoint"}, resources: ec2Resource("subnet", "security-group")},
				{actions: []string{"ec2:CreateVpcEndpoint"}, resources: ec2Resource("vpc-endpoint"),
					conditions: map[string]any{"StringEquals": map[string]any{"aws:RequestTag/" + connection.TagManaged: "true"}}},
				{actions: []string{"ec2:CreateTags"}, resources: ec2Resource("vpc-endpoint"),
					conditions: map[string]any{"StringEquals": map[string]any{"ec2:CreateAction": "CreateVpcEndpoint"}}},
				// AWS: permission-only action for a service in another Region.
				{actions: []string{"vpce:AllowMultiRegion"}, resources: ec2Resource("vpc-endpoint")},
				describe("VpcEndpointConnectionNotifications"),
				// AWS: CreateVpcEndpointConnectionNotification has no resource types.
				{actions: []string{"ec2:CreateVpcEndpointConnectionNotification"}, resources: anything},
				{actions: []string{"dynamodb:GetItem", "dynamodb:UpdateItem"}, resources: table, conditions: withoutToken},
			},
		},
		{
			handler: "await-gate", description: "Begins a wait for a person at the vendor", timeoutSeconds: 60,
			env: []string{step.EnvTable, step.EnvEventBus},
			grants: []grant{
				describe("VpcEndpoints", "VpcEndpointServices"),
				{actions: []string{"dynamodb:UpdateItem"}, resources: table},
				{actions: []string{"dynamodb:GetItem"}, resources: table, conditions: withoutToken},
				{actions: []string{"events:PutEvents"}, resources: eventBus},
			},
		},
		{
			handler: "observe", description: "Looks at endpoints when woken, and says what it saw", timeoutSeconds: 120,
			env: []string{step.EnvTable, step.EnvEventBus},
			grants: []grant{
				describe("VpcEndpoints", "VpcEndpointServices"),
				{actions: []string{"dynamodb:Query"}, resources: waitingIndex},
				{actions: []string{"events:PutEvents"}, resources: eventBus},
				failedEvents,
			},
		},
		{
			handler: "resume", description: "Sends task tokens; the only function that may", timeoutSeconds: 30,
			env: []string{step.EnvTable},
			grants: []grant{
				{actions: []string{"dynamodb:GetItem", "dynamodb:UpdateItem"}, resources: table},
				// AWS: SendTask* cannot be restricted to a state machine.
				{actions: []string{"states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"}, resources: anything},
				failedEvents,
			},
		},
		{
			handler: "await-available", description: "Reads the endpoint until it is available", timeoutSeconds: 30,
			grants: []grant{describe("VpcEndpoints", "NetworkInterfaces")},
		},
		{
			handler: "configure-dns", description: "Makes the vendor's name resolve to the endpoint", timeoutSeconds: 60,
			grants: []grant{
				// AWS: Route 53 checks ec2:DescribeVpcs of whoever makes a private zone or lists a VPC's zones.
				describe("Vpcs", "VpcEndpoints"),
				{actions: []string{"ec2:ModifyVpcEndpoint"}, resources: ec2Resource("vpc-endpoint"), conditions: ours},
				// Who switches private DNS on is noted on an endpoint that an earlier execution made.
				{actions: []string{"ec2:CreateTags"}, resources: ec2Resource("vpc-endpoint"), conditions: map[string]any{
					"StringEquals":              ours["StringEquals"],
					"ForAllValues:StringEquals": map[string]any{"aws:TagKeys": []string{connection.TagPrivateDNS}},
				}},
				{actions: []string{"route53:ListHostedZonesByVPC", "route53:ListHostedZonesByName", "route53:CreateHostedZone"}, resources: anything},
				{actions: []string{"route53:GetHostedZone", "route53:ListResourceRecordSets", "route53:ChangeResourceRecordSets", "route53:AssociateVPCWithHostedZone"}, resources: zones},
			},
		},
		{
			handler: "publish-config", description: "Writes what agents read", timeoutSeconds: 60,
			env: []string{step.EnvTable},
			grants: []grant{
				{actions: []string{"ssm:GetParameters", "ssm:PutParameter", "ssm:AddTagsToResource"}, resources: parameters},
				{actions: []string{"dynamodb:UpdateItem", "dynamodb:GetItem"}, resources: table},
			},
		},
		{
			handler: "rollback", description: "Undoes what a failed execution made", timeoutSeconds: 60,
			env: []string{step.EnvTable},
			grants: []grant{
				describe("VpcEndpoints", "VpcEndpointConnectionNotifications", "Vpcs"),
				{actions: []string{"ec2:DeleteVpcEndpoints", "ec2:ModifyVpcEndpoint"}, resources: ec2Resource("vpc-endpoint"), conditions: ours},
				// AWS: DeleteVpcEndpointConnectionNotifications has no resource types.
				{actions: []string{"ec2:DeleteVpcEndpointConnectionNotifications"}, resources: anything},
				{actions: []string{"route53:ListHostedZonesByVPC"}, resources: anything},
				{actions: []string{"route53:GetHostedZone", "route53:ListResourceRecordSets", "route53:ChangeResourceRecordSets", "route53:DeleteHostedZone"}, resources: zones},
				{actions: []string{"ssm:GetParameters", "ssm:PutParameter", "ssm:DeleteParameter"}, resources: parameters},
				{actions: []string{"dynamodb:GetItem", "dynamodb:UpdateItem"}, resources: table},
			},
		},
		{
			handler: "notify", description: "Mails the operators what to send the vendor, each text once", timeoutSeconds: 30,
			env: []string{step.EnvTable, step.EnvOperatorsTopic},
			grants: []grant{
				{actions: []string{"dynamodb:UpdateItem"}, resources: table, conditions: withoutToken},
				{actions: []string{"sns:Publish"}, resources: operatorsTopic},
				{actions: []string{"kms:GenerateDataKey*", "kms:Decrypt"}, resources: key},
				failedEvents,
			},
		},
	}
}
