package main

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/connection"
	"postern/internal/step"
	"postern/internal/store"
)

// grant is one statement of a function's role. Resources are * only where AWS has no resource-level permissions, and a comment
// says so.
type grant struct {
	deny       bool // takes away instead
	actions    []string
	resources  func(*stack) []*string
	conditions map[string]any
	// inNetworks makes the conditions where they name the registered networks.
	inNetworks func(*stack) map[string]any
}

func (g grant) statement(s *stack) awsiam.PolicyStatement {
	resources := g.resources(s)
	conditions := g.conditions
	if g.inNetworks != nil {
		conditions = g.inNetworks(s)
	}
	props := &awsiam.PolicyStatementProps{Actions: jsii.Strings(g.actions...), Resources: &resources}
	if conditions != nil {
		props.Conditions = &conditions
	}
	if g.deny {
		props.Effect = awsiam.Effect_DENY
	}
	return awsiam.NewPolicyStatement(props)
}

// anything is for actions that AWS cannot restrict to a resource.
func anything(*stack) []*string { return []*string{jsii.String("*")} }

func ec2Resource(kinds ...string) func(*stack) []*string {
	return func(s *stack) []*string {
		var arns []*string
		for _, kind := range kinds {
			arns = append(arns, s.arn("ec2", kind, "*"))
		}
		return arns
	}
}

// registeredVPCs are the VPCs of this account that requests may name.
func registeredVPCs(s *stack) []*string {
	var arns []*string
	for _, network := range s.networks {
		arns = append(arns, s.arn("ec2", "vpc", network.VPCID))
	}
	return arns
}

// zonesAndVPCs are for associating: AWS checks the permission on the zone and on the VPC.
func zonesAndVPCs(s *stack) []*string { return append(zones(s), registeredVPCs(s)...) }

// ofRegisteredVPCs restricts a call of Route 53 to private zones of registered VPCs. AWS: a set that is empty, as that of a
// public zone, satisfies ForAllValues, so its absence is excluded by itself.
func ofRegisteredVPCs(s *stack) map[string]any { return ofVPCs(s.networks) }

// ofAnyRegisteredVPC is like ofRegisteredVPCs, of whichever account: a zone may be let answer there.
func ofAnyRegisteredVPC(s *stack) map[string]any { return ofVPCs(s.settings.Networks) }

func ofVPCs(networks connection.Networks) map[string]any {
	var vpcs []string
	for _, network := range networks {
		vpcs = append(vpcs, "VPCId="+network.VPCID+",VPCRegion="+network.Region)
	}
	return map[string]any{
		"ForAllValues:StringEquals": map[string]any{"route53:VPCs": vpcs},
		"Null":                      map[string]any{"route53:VPCs": "false"},
	}
}

func table(s *stack) []*string { return []*string{s.table.TableArn()} }

func waitingIndex(s *stack) []*string {
	return []*string{jsii.String(*s.table.TableArn() + "/index/" + store.WaitingIndex)}
}

func linkedIndex(s *stack) []*string {
	return []*string{jsii.String(*s.table.TableArn() + "/index/" + store.LinkedIndex)}
}

func eventBus(s *stack) []*string {
	return []*string{s.arn("events", "event-bus", "default")}
}

func zones(s *stack) []*string {
	return []*string{s.scope.FormatArn(&awscdk.ArnComponents{ // AWS: zones have neither Region nor account in their ARN
		Service: jsii.String("route53"), Region: jsii.String(""), Account: jsii.String(""),
		Resource: jsii.String("hostedzone"), ResourceName: jsii.String("*"),
	})}
}

func parameters(s *stack) []*string {
	return []*string{s.arn("ssm", "parameter"+s.settings.ParameterPrefix, "*")}
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

func credentials(s *stack) []*string { return s.credentials }
func comments(s *stack) []*string    { return []*string{s.comments.TableArn()} }

// ours restricts a write to what carries our tag.
var ours = map[string]any{"StringEquals": map[string]any{"aws:ResourceTag/" + connection.TagManaged: "true"}}

// ourTags restricts tagging to what carries our tag and has lost whose it is, and to the tags that say so: what another connection
// took stays its own.
var ourTags = map[string]any{
	"StringEquals": ours["StringEquals"],
	"Null":         map[string]any{"aws:ResourceTag/" + connection.TagConnection: "true"},
	"ForAllValues:StringEquals": map[string]any{
		"aws:TagKeys": []string{connection.TagAdopted, connection.TagConnection, connection.TagManaged},
	},
}

// madeByUs restricts a deletion to what carries our tag, and was not made by hand and taken over.
var madeByUs = map[string]any{
	"StringEquals": ours["StringEquals"],
	"Null":         map[string]any{"aws:ResourceTag/" + connection.TagAdopted: "true"},
}

// takenOver restricts a write to an endpoint that was made by hand and taken over.
var takenOver = map[string]any{
	"StringEquals": ours["StringEquals"],
	"Null":         map[string]any{"aws:ResourceTag/" + connection.TagAdopted: "false"},
}

// takeOver is for an endpoint that was made by hand: it gets our tags and no others, and only as long as nobody's is on it, so that
// of two connections one is refused.
//
// AWS: a vpc-endpoint has no condition key of its VPC (ec2:Vpc is none of its), so the registered VPCs cannot be named here.
var takeOver = grant{actions: []string{"ec2:CreateTags"}, resources: ec2Resource("vpc-endpoint"), conditions: map[string]any{
	"StringEquals":              map[string]any{"aws:RequestTag/" + connection.TagManaged: "true"},
	"ForAllValues:StringEquals": map[string]any{"aws:TagKeys": slices.Sorted(maps.Keys(connection.AdoptionTags("", "")))},
	"Null":                      map[string]any{"aws:ResourceTag/" + connection.TagManaged: "true"},
}}

// handBack is for the same endpoint afterwards: our tags go, and nobody else's. AWS: a DeleteTags that names no tag removes all of
// them, and its empty set satisfies ForAllValues, so its absence is excluded by itself.
var handBack = grant{actions: []string{"ec2:DeleteTags"}, resources: ec2Resource("vpc-endpoint"), conditions: map[string]any{
	"StringEquals":              ours["StringEquals"],
	"ForAllValues:StringEquals": map[string]any{"aws:TagKeys": connection.AdoptionTagKeys},
	"Null":                      map[string]any{"aws:TagKeys": "false", "aws:ResourceTag/" + connection.TagAdopted: "false"},
}}

// withoutToken keeps a function away from the task token: it may name every attribute but that one, and ask for no other.
//
// AWS: dynamodb:Attributes holds what a request names. One that names nothing and wants everything is kept out by Select and
// ReturnValues.
var withoutToken = map[string]any{
	"ForAllValues:StringEquals": map[string]any{"dynamodb:Attributes": []string{
		"id", "vendor", "holder", "fence", "cancelledHolder", "status", "finishedBy", "finishedAt", "failure", "ticket", "ledger", "linked", "unlinked",
		"expects", "drift", "updatedAt", "endpointId", "lastSeen",
		"waitGate", "waitSince", "waitExecution", "waitEndpoint", "waitService", "waitServiceRegion", "waitRegistration",
		"waitRole", "waitExternalId", "waitRegion",
		"waitAsked", "waitHours", "waitCalendar", "waitTo", "waitSubject", "waitInputs", "reminderOf", "reminderPercent",
		"reminderBy", "noticeAllowlist", "noticeAllowlistBy", "noticeApproval", "noticeApprovalBy", "noticeRemoval", "noticeRemovalBy", "orphanDigest", "orphanBy",
		store.ExpiresAttribute,
	}},
	"StringEqualsIfExists": map[string]any{"dynamodb:Select": "SPECIFIC_ATTRIBUTES", "dynamodb:ReturnValues": "NONE"},
}

// holding is for a step that was redriven: it keeps its hold on the connection, and writes nothing else.
var holding = map[string]any{
	"ForAllValues:StringEquals": map[string]any{"dynamodb:Attributes": []string{"id", "holder", "fence", "finishedBy", "updatedAt"}},
	"StringEqualsIfExists":      withoutToken["StringEqualsIfExists"],
}

// blindly is for the last write of an execution: it removes the token with the rest of the wait, and may not see what it removes.
var blindly = map[string]any{"StringEqualsIfExists": map[string]any{"dynamodb:ReturnValues": "NONE"}}

// askHolder is for functions that claim a connection, or refuse it: whoever holds it may have ended without letting go.
var askHolder = grant{actions: []string{"states:DescribeExecution"}, resources: executions}

// failedEvents is for functions that are called asynchronously: Lambda sends what they failed on to the dead letters.
var failedEvents = grant{actions: []string{"sqs:SendMessage"}, resources: deadLetters}

// AWS: DescribeParameters has no resource-level permissions. It gives names and no values.
var listParameters = grant{actions: []string{"ssm:DescribeParameters"}, resources: anything}

// AWS: EC2's Describe actions have no resource-level permissions.
func describe(names ...string) grant {
	var actions []string
	for _, name := range names {
		actions = append(actions, "ec2:Describe"+name)
	}
	return grant{actions: actions, resources: anything}
}

// networkInterfaces is what Lambda needs to run a function inside a VPC; AWS has no resource-level permissions for it.
var networkInterfaces = []string{
	"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface",
	"ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
}

var probeGrants = []grant{
	{actions: networkInterfaces, resources: anything},
	// AWS: the key is there only when the function's own code calls, and that calls nothing.
	{deny: true, actions: networkInterfaces, resources: anything, conditions: map[string]any{
		"ArnLike": map[string]any{"lambda:SourceFunctionArn": "arn:*:lambda:*:*:function:" + probePrefix + "*"},
	}},
}

var relayGrants = []grant{{actions: []string{"sts:AssumeRole"}, resources: (*stack).rolesAbroad}}

var webhookGrants = []grant{
	{actions: []string{"secretsmanager:GetSecretValue"}, resources: webhookSecrets},
	{actions: []string{"dynamodb:GetItem"}, resources: table, conditions: withoutToken},
	{actions: []string{"states:StartExecution"}, resources: workflow},
	askHolder,
}

var commentGrants = []grant{
	{actions: []string{"secretsmanager:GetSecretValue"}, resources: credentials},
	{actions: []string{"dynamodb:GetItem"}, resources: table, conditions: withoutToken},
	{actions: []string{"dynamodb:GetItem", "dynamodb:UpdateItem"}, resources: comments},
	failedEvents,
}

// specs are the functions but the probe and the webhook's, with exactly what each may do.
func (s *stack) specs() []spec {
	return []spec{
		{
			handler: "plan", reaches: true, description: "Checks a request and computes the plan; writes nothing", timeoutSeconds: 60,
			env: []string{step.EnvTable, step.EnvNetworks, step.EnvParameterPrefix, step.EnvTimeouts},
			grants: []grant{
				askHolder,
				describe("Vpcs", "VpcAttribute", "Subnets", "SecurityGroups", "VpcEndpointServices", "VpcEndpoints",
					"NetworkAcls", "NetworkInterfaces"),
				{actions: []string{"route53:ListHostedZonesByVPC", "route53:ListHostedZonesByName"}, resources: anything},
				{actions: []string{"route53:GetHostedZone", "route53:ListResourceRecordSets"}, resources: zones},
				{actions: []string{"ssm:GetParameters"}, resources: parameters},
				listParameters,
				{actions: []string{"dynamodb:GetItem"}, resources: table, conditions: withoutToken},
			},
		},
		{
			handler: "ensure-endpoint", reaches: true, description: "Finds or creates the endpoint and its notification", timeoutSeconds: 60,
			env: []string{step.EnvTable, step.EnvNotificationTopic},
			grants: []grant{
				askHolder,
				describe("VpcEndpoints", "SecurityGroups"),
				{actions: []string{"ec2:CreateVpcEndpoint"}, resources: registeredVPCs},
				{actions: []string{"ec2:CreateSecurityGroup"}, resources: registeredVPCs},
				{actions: []string{"ec2:CreateVpcEndpoint"}, resources: ec2Resource("subnet", "security-group")},
				{actions: []string{"ec2:CreateVpcEndpoint"}, resources: ec2Resource("vpc-endpoint"),
					conditions: map[string]any{"StringEquals": map[string]any{"aws:RequestTag/" + connection.TagManaged: "true"}}},
				{actions: []string{"ec2:CreateSecurityGroup"}, resources: ec2Resource("security-group"),
					conditions: map[string]any{"StringEquals": map[string]any{"aws:RequestTag/" + connection.TagManaged: "true"}}},
				{actions: []string{"ec2:AuthorizeSecurityGroupIngress"}, resources: ec2Resource("security-group"), conditions: ours},
				{actions: []string{"ec2:CreateTags"}, resources: ec2Resource("vpc-endpoint", "security-group"),
					conditions: map[string]any{"StringEquals": map[string]any{
						"ec2:CreateAction": []string{"CreateVpcEndpoint", "CreateSecurityGroup"}}}},
				// A repair: what carries our tag is changed, and our tags are put back.
				{actions: []string{"ec2:ModifyVpcEndpoint"}, resources: ec2Resource("vpc-endpoint"), conditions: ours},
				{actions: []string{"ec2:ModifyVpcEndpoint"}, resources: ec2Resource("subnet", "security-group")},
				{actions: []string{"ec2:CreateTags"}, resources: ec2Resource("vpc-endpoint"), conditions: ourTags},
				takeOver,
				// AWS: permission-only action for a service in another Region.
				{actions: []string{"vpce:AllowMultiRegion"}, resources: ec2Resource("vpc-endpoint")},
				// AWS names it as needed beside CreateVpcEndpoint, though private DNS is off at the creation.
				{actions: []string{"route53:AssociateVPCWithHostedZone"}, resources: zonesAndVPCs},
				describe("VpcEndpointConnectionNotifications"),
				// AWS: CreateVpcEndpointConnectionNotification has no resource types.
				{actions: []string{"ec2:CreateVpcEndpointConnectionNotification"}, resources: anything},
				{actions: []string{"dynamodb:GetItem", "dynamodb:UpdateItem"}, resources: table, conditions: withoutToken},
			},
		},
		{
			handler: "await-gate", reaches: true, description: "Begins a wait for a person at the vendor", timeoutSeconds: 60,
			env: []string{step.EnvTable, step.EnvEventBus},
			grants: []grant{
				askHolder,
				describe("VpcEndpoints", "VpcEndpointServices"),
				{actions: []string{"dynamodb:UpdateItem"}, resources: table},
				{actions: []string{"dynamodb:GetItem"}, resources: table, conditions: withoutToken},
				{actions: []string{"events:PutEvents"}, resources: eventBus},
			},
		},
		{
			handler: "acknowledge", reaches: true, description: "Hears operators: the vendor confirmed, or the connection is given up", timeoutSeconds: 60,
			env: []string{step.EnvTable, step.EnvEventBus},
			grants: []grant{
				describe("VpcEndpoints", "VpcEndpointServices"),
				{actions: []string{"dynamodb:GetItem", "dynamodb:UpdateItem"}, resources: table, conditions: withoutToken},
				askHolder,
				{actions: []string{"events:PutEvents"}, resources: eventBus},
			},
		},
		{
			handler: "observe", reaches: true, description: "Looks at endpoints when woken, and says what it saw", timeoutSeconds: 120,
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
			handler: "await-available", reaches: true, description: "Reads the endpoint until it is available", timeoutSeconds: 30,
			grants: []grant{describe("VpcEndpoints", "NetworkInterfaces")},
		},
		{
			handler: "configure-dns", reaches: true, description: "Makes the vendor's name resolve to the endpoint", timeoutSeconds: 60,
			env: []string{step.EnvTable},
			grants: []grant{
				{actions: []string{"dynamodb:GetItem"}, resources: table, conditions: withoutToken},
				{actions: []string{"dynamodb:UpdateItem"}, resources: table, conditions: holding},
				// AWS: Route 53 checks ec2:DescribeVpcs of whoever makes a private zone or lists a VPC's zones.
				describe("Vpcs", "VpcEndpoints"),
				{actions: []string{"ec2:ModifyVpcEndpoint"}, resources: ec2Resource("vpc-endpoint"), conditions: ours},
				// Who switches private DNS on is noted on an endpoint that an earlier execution made.
				{actions: []string{"ec2:CreateTags"}, resources: ec2Resource("vpc-endpoint"), conditions: map[string]any{
					"StringEquals":              ours["StringEquals"],
					"ForAllValues:StringEquals": map[string]any{"aws:TagKeys": []string{connection.TagPrivateDNS}},
				}},
				// AWS: lists, and what does not exist yet, have no resource-level permissions.
				{actions: []string{"route53:ListHostedZonesByVPC", "route53:ListHostedZonesByName"}, resources: anything},
				{actions: []string{"route53:CreateHostedZone"}, resources: anything, inNetworks: ofRegisteredVPCs},
				{actions: []string{"route53:GetHostedZone", "route53:ListResourceRecordSets", "route53:ChangeResourceRecordSets"},
					resources: zones},
				{actions: []string{"route53:AssociateVPCWithHostedZone"}, resources: zonesAndVPCs},
				{actions: []string{"route53:CreateVPCAssociationAuthorization", "route53:DeleteVPCAssociationAuthorization"},
					resources: zones, inNetworks: ofAnyRegisteredVPC},
			},
		},
		{
			handler: "publish-config", reaches: true, description: "Writes what agents read", timeoutSeconds: 60,
			env: []string{step.EnvTable},
			grants: []grant{
				{actions: []string{"ssm:GetParameters", "ssm:PutParameter", "ssm:AddTagsToResource"}, resources: parameters},
				{actions: []string{"dynamodb:UpdateItem"}, resources: table, conditions: blindly},
				{actions: []string{"dynamodb:GetItem"}, resources: table, conditions: withoutToken},
			},
		},
		{
			handler: "offboard", reaches: true, description: "Removes a connection", timeoutSeconds: 60,
			env: []string{step.EnvTable, step.EnvNotificationTopic, step.EnvEventBus},
			grants: []grant{
				askHolder,
				describe("VpcEndpoints", "VpcEndpointConnectionNotifications", "SecurityGroups"),
				{actions: []string{"ec2:DeleteVpcEndpoints"}, resources: ec2Resource("vpc-endpoint"), conditions: madeByUs},
				handBack,
				{actions: []string{"ec2:ModifyVpcEndpoint"}, resources: ec2Resource("vpc-endpoint"), conditions: takenOver},
				{actions: []string{"ec2:DeleteSecurityGroup"}, resources: ec2Resource("security-group"), conditions: ours},
				// AWS: DeleteVpcEndpointConnectionNotifications has no resource types.
				{actions: []string{"ec2:DeleteVpcEndpointConnectionNotifications"}, resources: anything},
				{actions: []string{"route53:GetHostedZone", "route53:ListResourceRecordSets", "route53:ChangeResourceRecordSets",
					"route53:DeleteHostedZone"}, resources: zones},
				{actions: []string{"ssm:GetParameters", "ssm:PutParameter", "ssm:DeleteParameter"}, resources: parameters},
				{actions: []string{"events:PutEvents"}, resources: eventBus},
				{actions: []string{"dynamodb:GetItem"}, resources: table, conditions: withoutToken},
				{actions: []string{"dynamodb:UpdateItem"}, resources: table, conditions: blindly},
			},
		},
		{
			handler: "rollback", reaches: true, description: "Undoes what a failed execution made", timeoutSeconds: 60,
			env: []string{step.EnvTable, step.EnvNotificationTopic},
			grants: []grant{
				describe("VpcEndpoints", "VpcEndpointConnectionNotifications", "Vpcs", "SecurityGroups"),
				{actions: []string{"ec2:DeleteSecurityGroup"}, resources: ec2Resource("security-group"), conditions: ours},
				{actions: []string{"ec2:ModifyVpcEndpoint"}, resources: ec2Resource("vpc-endpoint"), conditions: ours},
				{actions: []string{"ec2:DeleteVpcEndpoints"}, resources: ec2Resource("vpc-endpoint"), conditions: madeByUs},
				handBack,
				// AWS: DeleteVpcEndpointConnectionNotifications has no resource types.
				{actions: []string{"ec2:DeleteVpcEndpointConnectionNotifications"}, resources: anything},
				{actions: []string{"route53:ListHostedZonesByVPC"}, resources: anything},
				{actions: []string{"route53:GetHostedZone", "route53:ListResourceRecordSets", "route53:ChangeResourceRecordSets",
					"route53:DeleteHostedZone"}, resources: zones},
				{actions: []string{"route53:DisassociateVPCFromHostedZone", "route53:DeleteVPCAssociationAuthorization"},
					resources: zones, inNetworks: ofAnyRegisteredVPC},
				{actions: []string{"ssm:GetParameters", "ssm:PutParameter", "ssm:DeleteParameter"}, resources: parameters},
				{actions: []string{"dynamodb:GetItem"}, resources: table, conditions: withoutToken},
				{actions: []string{"dynamodb:UpdateItem"}, resources: table, conditions: blindly},
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
		{
			handler: "sweep-orphans", reaches: true, description: "Reports what Postern made and nobody answers for", timeoutSeconds: 300,
			env: []string{step.EnvTable, step.EnvNetworks, step.EnvEventBus, step.EnvTimeouts, step.EnvParameterPrefix},
			grants: []grant{
				askHolder,
				describe("VpcEndpoints", "SecurityGroups"),
				{actions: []string{"route53:ListHostedZonesByName"}, resources: anything},
				listParameters,
				{actions: []string{"dynamodb:Scan"}, resources: table, conditions: withoutToken},
				{actions: []string{"events:PutEvents"}, resources: eventBus},
				failedEvents,
			},
		},
		{
			handler: "widget", description: "Shows every connection on the dashboard", timeoutSeconds: 30,
			env:    []string{step.EnvTable},
			grants: []grant{{actions: []string{"dynamodb:Scan"}, resources: table, conditions: withoutToken}},
		},
		{
			handler: "plan-fleet", description: "Makes one request for each target of a fleet", timeoutSeconds: 30,
			env: []string{step.EnvNetworks},
		},
		{handler: "report-target", description: "Says how one target of a fleet ended", timeoutSeconds: 30},
		{handler: "report-fleet", description: "Says how all targets of a fleet ended", timeoutSeconds: 30},
	}
}
