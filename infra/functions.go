package main

import (
	"slices"
	"strings"

	"postern/internal/connection"
	"postern/internal/notify/ticket"
	"postern/internal/step"
	"postern/internal/webhook"
)

// function is one row of the table below: a Lambda function and all that the stack says about it.
type function struct {
	name   string   // its directory under lambdas/, and its handler; the name in AWS is postern-NAME
	does   string   // its description in AWS
	states []string // that call it, of both machines; none when something else does
	// seconds is the timeout. A state that calls it ends later, so that the error is Lambda's, which is retried.
	seconds float64
	// when reports whether the settings need it; nil means always.
	when func(Settings) bool
	// reaches is set for a function that works in the networks' accounts and Regions: it may assume their roles, which trust it.
	reaches bool
	// asynchronous is set for a function that EventBridge or SNS calls. They only hand an event over, so Lambda tries again, and
	// sends an event that the function failed on to the dead-letter queue.
	asynchronous bool
	// alarm is set for a function whose failure no execution shows at once: the operators are notified of its errors, and of
	// throttles unless it runs one at a time. The failure of any other step is a decision, retried and caught by the machine.
	alarm bool
	// atOnce is how many run at a time; 0 is the account's limit.
	atOnce float64
	env    []string // names of the variables that it reads
	grants []grant  // exactly what it may do; logs, traces, reaches and asynchronous add to it
}

// The names of functions that the stack treats apart.
const (
	probeHandler = "probe" // is made once for each network, inside its VPC
	relayHandler = "relay" // calls the probes of other Regions
	driftHandler = "drift" // calls the probes, too
)

// probePrefix begins the names of the probe functions; the network's name follows.
const probePrefix = "postern-probe-"

// functions is the table of all functions. To add one, add a row here and a main under lambdas/.
var functions = []function{
	{
		name: "plan", does: "Checks a request and computes the plan; writes nothing", states: []string{"Plan"},
		seconds: 60, reaches: true,
		env: []string{step.EnvTable, step.EnvNetworks, step.EnvParameterPrefix, step.EnvTimeouts},
		grants: []grant{
			askHolder,
			describe("Vpcs", "VpcAttribute", "Subnets", "SecurityGroups", "VpcEndpointServices", "VpcEndpoints",
				"NetworkAcls", "NetworkInterfaces"),
			{actions: []string{"route53:ListHostedZonesByVPC", "route53:ListHostedZonesByName"}, resources: anything},
			{actions: []string{"route53:GetHostedZone", "route53:ListResourceRecordSets"}, resources: zones},
			{actions: []string{"ssm:GetParameters", "ssm:GetParameterHistory"}, resources: parameters},
			listParameters,
			{actions: []string{"dynamodb:GetItem"}, resources: table, conditions: withoutToken},
		},
	},
	{
		name: "ensure-endpoint", does: "Finds or creates the endpoint and its notification", states: []string{"EnsureEndpoint"},
		seconds: 60, reaches: true,
		env: []string{step.EnvTable, step.EnvNotificationTopic},
		grants: []grant{
			askHolder,
			describe("VpcEndpoints", "SecurityGroups"),
			{actions: []string{"ec2:CreateVpcEndpoint"}, resources: registeredVPCs},
			{actions: []string{"ec2:CreateSecurityGroup"}, resources: registeredVPCs},
			{actions: []string{"ec2:CreateVpcEndpoint"}, resources: ec2Resource("subnet", "security-group")},
			{actions: []string{"ec2:CreateVpcEndpoint"}, resources: ec2Resource("vpc-endpoint"), conditions: withOurTag},
			{actions: []string{"ec2:CreateSecurityGroup"}, resources: ec2Resource("security-group"), conditions: withOurTag},
			{actions: []string{"ec2:AuthorizeSecurityGroupIngress"}, resources: ec2Resource("security-group"), conditions: ours},
			{actions: []string{"ec2:CreateTags"}, resources: ec2Resource("vpc-endpoint", "security-group"),
				conditions: map[string]any{"StringEquals": map[string]any{
					"ec2:CreateAction": []string{"CreateVpcEndpoint", "CreateSecurityGroup"}}}},
			// A repair changes what carries our tag, and restores our tags.
			{actions: []string{"ec2:ModifyVpcEndpoint"}, resources: ec2Resource("vpc-endpoint"), conditions: ours},
			{actions: []string{"ec2:ModifyVpcEndpoint"}, resources: ec2Resource("subnet", "security-group")},
			{actions: []string{"ec2:CreateTags"}, resources: ec2Resource("vpc-endpoint"), conditions: ourTags},
			adopt, retag,
			// AWS: permission-only action for a service in another Region.
			{actions: []string{"vpce:AllowMultiRegion"}, resources: ec2Resource("vpc-endpoint")},
			// AWS: needed in addition to CreateVpcEndpoint, though private DNS is off at the creation.
			{actions: []string{"route53:AssociateVPCWithHostedZone"}, resources: zonesAndVPCs},
			describe("VpcEndpointConnectionNotifications"),
			// AWS: CreateVpcEndpointConnectionNotification has no resource types.
			{actions: []string{"ec2:CreateVpcEndpointConnectionNotification"}, resources: anything},
			{actions: []string{"dynamodb:GetItem", "dynamodb:UpdateItem"}, resources: table, conditions: withoutToken},
		},
	},
	{
		name: "await-gate", does: "Begins a wait for a person at the vendor", states: []string{"AwaitAllowlisting", "AwaitApproval"},
		seconds: 60, reaches: true, alarm: true,
		env: []string{step.EnvTable, step.EnvEventBus},
		grants: []grant{
			askHolder,
			describe("VpcEndpoints", "VpcEndpointServices"),
			{actions: []string{"dynamodb:UpdateItem"}, resources: table},
			{actions: []string{"dynamodb:GetItem"}, resources: table, conditions: withoutToken},
			putEvents(connection.EventGateOpened, connection.EventEndpointState, connection.EventServiceVisible),
		},
	},
	{
		name: "await-available", does: "Reads the endpoint until it is available", states: []string{"AwaitAvailable"},
		seconds: 30, reaches: true,
		grants: []grant{describe("VpcEndpoints", "NetworkInterfaces")},
	},
	{
		name: probeHandler, does: "Proves the link from inside the VPC",
		states:  []string{"Diagnose", "ProbeEndpoint", "VerifyConnectivity"},
		seconds: 60,
		grants: []grant{
			{actions: networkInterfaces, resources: anything},
			// AWS: the key is there only when the function's own code calls. The code calls nothing.
			{deny: true, actions: networkInterfaces, resources: anything, conditions: map[string]any{
				"ArnLike": map[string]any{"lambda:SourceFunctionArn": "arn:*:lambda:*:*:function:" + probePrefix + "*"},
			}},
		},
	},
	{
		name: relayHandler, does: "Calls the probes of other Regions", states: []string{"Diagnose", "ProbeEndpoint", "VerifyConnectivity"},
		seconds: 90, when: Settings.anyAbroad, // longer than the probe takes
		grants: []grant{{actions: []string{"sts:AssumeRole"}, resources: (*stack).rolesAbroad}},
	},
	{
		name: "configure-dns", does: "Makes the vendor's name resolve to the endpoint", states: []string{"ConfigureDNS"},
		seconds: 60, reaches: true,
		env: []string{step.EnvTable},
		grants: []grant{
			{actions: []string{"dynamodb:GetItem"}, resources: table, conditions: withoutToken},
			{actions: []string{"dynamodb:UpdateItem"}, resources: table, conditions: holding},
			// AWS: Route 53 checks ec2:DescribeVpcs of a caller that makes a private zone or lists a VPC's zones.
			describe("Vpcs", "VpcEndpoints"),
			{actions: []string{"ec2:ModifyVpcEndpoint"}, resources: ec2Resource("vpc-endpoint"), conditions: ours},
			// The execution that switches private DNS on is noted on an endpoint that an earlier execution made.
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
		name: "publish-config", does: "Writes what agents read", states: []string{"PublishConfig"},
		seconds: 60, reaches: true,
		env: []string{step.EnvTable},
		grants: []grant{
			{actions: []string{"ssm:GetParameters", "ssm:GetParameterHistory", "ssm:PutParameter", "ssm:AddTagsToResource"}, resources: parameters},
			listParameters,
			{actions: []string{"dynamodb:UpdateItem"}, resources: table, conditions: blindly},
			{actions: []string{"dynamodb:GetItem"}, resources: table, conditions: withoutToken},
		},
	},
	{
		name: "offboard", does: "Removes a connection", states: []string{"Offboard"},
		seconds: 60, reaches: true,
		env: []string{step.EnvTable, step.EnvNotificationTopic, step.EnvEventBus},
		grants: []grant{
			askHolder,
			describe("VpcEndpoints", "VpcEndpointConnectionNotifications", "SecurityGroups"),
			{actions: []string{"ec2:DeleteVpcEndpoints"}, resources: ec2Resource("vpc-endpoint"), conditions: madeByUs},
			release,
			{actions: []string{"ec2:ModifyVpcEndpoint"}, resources: ec2Resource("vpc-endpoint"), conditions: adopted},
			{actions: []string{"ec2:DeleteSecurityGroup"}, resources: ec2Resource("security-group"), conditions: ours},
			// AWS: DeleteVpcEndpointConnectionNotifications has no resource types.
			{actions: []string{"ec2:DeleteVpcEndpointConnectionNotifications"}, resources: anything},
			{actions: []string{"route53:GetHostedZone", "route53:ListResourceRecordSets", "route53:ChangeResourceRecordSets",
				"route53:DeleteHostedZone"}, resources: zones},
			{actions: []string{"ssm:GetParameters", "ssm:PutParameter", "ssm:DeleteParameter"}, resources: parameters},
			putEvents(connection.EventOffboarded),
			{actions: []string{"dynamodb:GetItem"}, resources: table, conditions: withoutToken},
			{actions: []string{"dynamodb:UpdateItem"}, resources: table, conditions: blindly},
		},
	},
	{
		name: "acknowledge", does: "Passes on what an operator acknowledges: the vendor confirmed, or the connection is given up",
		states:  []string{"Acknowledge"},
		seconds: 60, reaches: true,
		env: []string{step.EnvTable, step.EnvEventBus},
		grants: []grant{
			describe("VpcEndpoints", "VpcEndpointServices"),
			{actions: []string{"dynamodb:GetItem", "dynamodb:UpdateItem"}, resources: table, conditions: withoutToken},
			askHolder,
			putEvents(connection.EventAcknowledged, connection.EventCancelled, connection.EventEndpointState, connection.EventServiceVisible),
		},
	},
	{
		name: "rollback", does: "Undoes what a failed execution made", states: []string{"Rollback", "RollbackGaveUp"},
		seconds: 60, reaches: true,
		env: []string{step.EnvTable, step.EnvNotificationTopic},
		grants: []grant{
			describe("VpcEndpoints", "VpcEndpointConnectionNotifications", "Vpcs", "SecurityGroups"),
			{actions: []string{"ec2:DeleteSecurityGroup"}, resources: ec2Resource("security-group"), conditions: ours},
			{actions: []string{"ec2:ModifyVpcEndpoint"}, resources: ec2Resource("vpc-endpoint"), conditions: ours},
			{actions: []string{"ec2:DeleteVpcEndpoints"}, resources: ec2Resource("vpc-endpoint"), conditions: madeByUs},
			release,
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
		name: "fleet", does: "Makes one request for each target of a fleet, and reports how the targets ended",
		states:  []string{"PlanFleet", "ReportFleet", "ReportTarget", "ReportTargetDistributed"},
		seconds: 30,
		env:     []string{step.EnvNetworks},
	},
	{
		name: "observe", does: "Looks at endpoints when woken, and reports what it saw",
		seconds: 120, reaches: true, asynchronous: true, alarm: true,
		env: []string{step.EnvTable, step.EnvEventBus},
		grants: []grant{
			describe("VpcEndpoints", "VpcEndpointServices"),
			{actions: []string{"dynamodb:Scan"}, resources: waitingIndex},
			putEvents(connection.EventEndpointState, connection.EventServiceVisible, connection.EventGateStillClosed, connection.EventGateReminder),
		},
	},
	{
		name: "resume", does: "Sends task tokens; the only function that may",
		seconds: 30, asynchronous: true, alarm: true,
		env: []string{step.EnvTable},
		grants: []grant{
			{actions: []string{"dynamodb:GetItem", "dynamodb:UpdateItem"}, resources: table},
			// AWS: SendTask* cannot be restricted to a state machine.
			{actions: []string{"states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"}, resources: anything},
		},
	},
	{
		name: "mail", does: "Mails the operators what to send the vendor, each text once",
		seconds: 30, asynchronous: true, alarm: true,
		env: []string{step.EnvTable, step.EnvOperatorsTopic},
		grants: []grant{
			{actions: []string{"dynamodb:UpdateItem"}, resources: table, conditions: withoutToken},
			{actions: []string{"sns:Publish"}, resources: operatorsTopic},
			{actions: []string{"kms:GenerateDataKey*", "kms:Decrypt"}, resources: key},
		},
	},
	{
		name: "ticket", does: "Comments on tickets what becomes of their connections, each state once",
		seconds: 60, when: Settings.writesBack, asynchronous: true, alarm: true,
		// Two at a time would both find the same comment unwritten. GitHub asks for one request after the other, too.
		atOnce: 1,
		env:    []string{step.EnvTable, step.EnvComments, step.EnvWriteBack},
		grants: []grant{
			{actions: []string{"secretsmanager:GetSecretValue"}, resources: credentials},
			{actions: []string{"dynamodb:GetItem"}, resources: table, conditions: withoutToken},
			{actions: []string{"dynamodb:GetItem", "dynamodb:UpdateItem"}, resources: comments},
		},
	},
	{
		name: "orphan", does: "Reports the AWS resources that Postern made and no connection owns",
		seconds: 300, reaches: true, asynchronous: true,
		env: []string{step.EnvTable, step.EnvNetworks, step.EnvEventBus, step.EnvTimeouts, step.EnvParameterPrefix},
		grants: []grant{
			askHolder,
			describe("VpcEndpoints", "SecurityGroups"),
			{actions: []string{"route53:ListHostedZonesByName"}, resources: anything},
			listParameters,
			{actions: []string{"dynamodb:Scan"}, resources: table, conditions: withoutToken},
			putEvents(connection.EventOrphan),
		},
	},
	{
		name: "page", does: "Shows every connection on the dashboard",
		seconds: 30,
		env:     []string{step.EnvTable},
		grants:  []grant{{actions: []string{"dynamodb:Scan"}, resources: table, conditions: withoutToken}},
	},
	{
		name: driftHandler, does: "Compares onboarded connections with what was verified",
		seconds: 900, reaches: true, asynchronous: true, alarm: true,
		atOnce: 1, // two would overwrite each other's findings
		env:    []string{step.EnvTable, step.EnvEventBus, step.EnvNetworks, step.EnvNotificationTopic, step.EnvStateMachine},
		grants: []grant{
			// AWS: Route 53 checks ec2:DescribeVpcs of a caller that lists a VPC's zones.
			describe("VpcEndpoints", "VpcEndpointServices", "VpcEndpointConnectionNotifications", "SecurityGroups", "Vpcs", "VpcAttribute",
				"NetworkAcls", "NetworkInterfaces"),
			{actions: []string{"route53:ListHostedZonesByVPC"}, resources: anything},
			{actions: []string{"route53:GetHostedZone", "route53:ListResourceRecordSets"}, resources: zones},
			{actions: []string{"ssm:GetParameters"}, resources: parameters},
			{actions: []string{"lambda:InvokeFunction"}, resources: (*stack).probes},
			{actions: []string{"dynamodb:GetItem", "dynamodb:UpdateItem"}, resources: table, conditions: withoutToken},
			{actions: []string{"dynamodb:Query"}, resources: linkedIndex},
			putEvents(connection.EventDrift),
			// AWS: LookupEvents has no resource types.
			{actions: []string{"cloudtrail:LookupEvents"}, resources: anything},
			{actions: []string{"states:StartExecution"}, resources: workflow},
		},
	},
	{
		name: "webhook", does: "Takes deliveries of ticket systems and starts executions",
		seconds: 10, when: Settings.hasWebhooks, alarm: true,
		atOnce: webhookAtATime,
		env:    []string{step.EnvTable, step.EnvNetworks, step.EnvStateMachine, step.EnvWebhooks},
		grants: []grant{
			{actions: []string{"secretsmanager:GetSecretValue"}, resources: webhookKeys},
			{actions: []string{"dynamodb:GetItem"}, resources: table, conditions: withoutToken},
			{actions: []string{"states:StartExecution"}, resources: workflow},
			askHolder,
		},
	},
}

// functionNamed returns the row of a function.
func functionNamed(name string) function {
	for _, f := range functions {
		if f.name == name {
			return f
		}
	}
	panic("there is no function " + name)
}

// functionOf returns the name of the function that a placeholder of a state machine stands for: ConfigureDNSFunction is
// configure-dns.
func functionOf(placeholder string) string {
	compact := strings.TrimSuffix(placeholder, "Function")
	for _, f := range functions {
		if strings.EqualFold(strings.ReplaceAll(f.name, "-", ""), compact) {
			return f.name
		}
	}
	panic("no function of lambdas/ is called ${" + placeholder + "}")
}

// needs reports whether a function reads a variable.
func (f function) needs(variable string) bool { return slices.Contains(f.env, variable) }

// allows reports whether a function's own grants have an action.
func (f function) allows(action string) bool {
	return slices.ContainsFunc(f.grants, func(g grant) bool { return !g.deny && slices.Contains(g.actions, action) })
}

// deployedWith reports whether the settings need the function.
func (f function) deployedWith(settings Settings) bool { return f.when == nil || f.when(settings) }

func (s Settings) hasWebhooks() bool { return len(s.Webhooks) > 0 }

func (s Settings) writesBack() bool { return len(s.systems()) > 0 }

// systems are the ticket systems that are written back to.
func (s Settings) systems() map[string]ticket.Settings { return webhook.WriteBacks(s.Webhooks) }

// anyAbroad reports whether a network is in another Region.
func (s Settings) anyAbroad() bool { return slices.ContainsFunc(s.Networks, s.abroad) }
