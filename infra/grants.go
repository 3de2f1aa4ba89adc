package main

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/connection"
	"postern/internal/store"
)

// grant is one statement of a function's role. Resources are * only where AWS has no resource-level permissions, and a comment
// says so.
type grant struct {
	deny       bool // denies the actions instead of allowing them
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

func eventBus(s *stack) []*string { return []*string{s.bus.EventBusArn()} }

// putEvents lets a function put events of Postern's on Postern's bus, of these detail types and no other.
//
// AWS: both keys have one value for each entry of a call. A request without a key satisfies ForAllValues, so the absence is excluded
// apart.
func putEvents(detailTypes ...string) grant {
	return grant{actions: []string{"events:PutEvents"}, resources: eventBus, conditions: map[string]any{
		"ForAllValues:StringEquals": map[string]any{
			"events:source": connection.EventSource, "events:detail-type": slices.Sorted(slices.Values(detailTypes)),
		},
		"Null": map[string]any{"events:source": "false", "events:detail-type": "false"},
	}}
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

func webhookKeys(s *stack) []*string {
	var arns []*string
	for _, secret := range s.secrets {
		arns = append(arns, secret.SecretArn())
	}
	return arns
}

func credentials(s *stack) []*string { return s.credentials }
func comments(s *stack) []*string    { return []*string{s.comments.TableArn()} }

// withOurTag restricts a creation to what gets our tag with it.
var withOurTag = map[string]any{"StringEquals": map[string]any{"aws:RequestTag/" + connection.TagManaged: "true"}}

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

// madeByUs restricts a deletion to what carries all the tags of a creation, and not that of an adoption. No role can give an endpoint
// the tag postern:execution after its creation, so an adopted endpoint stays even without its tag postern:adopted.
//
// AWS: a role cannot ask for the tag of one connection, since its functions serve all. The function compares that tag right before
// the deletion.
var madeByUs = map[string]any{
	"StringEquals": ours["StringEquals"],
	"Null": map[string]any{
		"aws:ResourceTag/" + connection.TagConnection: "false", "aws:ResourceTag/" + connection.TagExecution: "false",
		"aws:ResourceTag/" + connection.TagAdopted: "true",
	},
}

// adopted restricts a write to an adopted endpoint.
var adopted = map[string]any{
	"StringEquals": ours["StringEquals"],
	"Null":         map[string]any{"aws:ResourceTag/" + connection.TagAdopted: "false"},
}

// adopt is for an endpoint that was created manually: it gets the tags of an adoption, all together and no others, and only while
// it has none of them, so that of two connections one is refused.
//
// AWS: a vpc-endpoint has no condition key of its VPC (ec2:Vpc is none of its), so the registered VPCs cannot be named here.
var adopt = grant{actions: []string{"ec2:CreateTags"}, resources: ec2Resource("vpc-endpoint"), conditions: map[string]any{
	"StringEquals":              map[string]any{"aws:RequestTag/" + connection.TagManaged: "true"},
	"ForAllValues:StringEquals": map[string]any{"aws:TagKeys": slices.Sorted(maps.Keys(connection.AdoptionTags("", "")))},
	"Null": map[string]any{
		"aws:RequestTag/" + connection.TagAdopted: "false", "aws:RequestTag/" + connection.TagConnection: "false",
		"aws:ResourceTag/" + connection.TagManaged: "true",
	},
}}

// retag is for a repair: an endpoint that Postern created and that lost all its tags gets these two back, together and no others. It can
// not be deleted by Postern afterwards, since no role can give it the tag postern:execution.
var retag = grant{actions: []string{"ec2:CreateTags"}, resources: ec2Resource("vpc-endpoint"), conditions: map[string]any{
	"StringEquals":              map[string]any{"aws:RequestTag/" + connection.TagManaged: "true"},
	"ForAllValues:StringEquals": map[string]any{"aws:TagKeys": []string{connection.TagConnection, connection.TagManaged}},
	"Null": map[string]any{
		"aws:RequestTag/" + connection.TagConnection: "false", "aws:ResourceTag/" + connection.TagManaged: "true",
		"aws:ResourceTag/" + connection.TagAdopted: "true",
	},
}}

// release is for an adopted endpoint: the tags of the adoption are removed, all together, and no others.
//
// AWS: a DeleteTags that names no tag removes all of them, and its empty set satisfies ForAllValues. Each ForAnyValue asks for one tag
// that must be among those of the request; an operator takes a key once, hence three spellings of the same comparison.
var release = grant{actions: []string{"ec2:DeleteTags"}, resources: ec2Resource("vpc-endpoint"), conditions: map[string]any{
	"StringEquals":                       ours["StringEquals"],
	"ForAllValues:StringEquals":          map[string]any{"aws:TagKeys": connection.AdoptionTagKeys},
	"ForAnyValue:StringEquals":           map[string]any{"aws:TagKeys": connection.TagAdopted},
	"ForAnyValue:StringLike":             map[string]any{"aws:TagKeys": connection.TagConnection},
	"ForAnyValue:StringEqualsIgnoreCase": map[string]any{"aws:TagKeys": connection.TagManaged},
	"Null":                               map[string]any{"aws:ResourceTag/" + connection.TagAdopted: "false"},
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
		"waitAsked", "waitHours", "waitCalendar", "waitTo", "waitSubject", "waitInputs", "waitHeartbeat", "waitBeat", "reminderOf", "reminderPercent",
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

// askHolder is for functions that claim a connection, or refuse it: the execution that holds it may have ended without releasing it.
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
