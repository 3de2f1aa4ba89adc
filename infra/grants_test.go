package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// statement is one statement of a role, for one action.
type statement struct {
	action, resource, condition string // as JSON
	deny                        bool
}

// statements returns what the role of a function may do; what every function may do (logs, traces) is left out.
func statements(t *testing.T, function string) []statement {
	t.Helper()
	role, _ := the(template.Resources[function].Properties["Role"], "Fn::GetAtt").([]any)
	if len(role) == 0 {
		t.Fatalf("function %s has no role of its own", function)
	}
	return statementsOf(role[0])
}

// statementsOf returns what a role may do, by its logical id.
func statementsOf(role any) []statement {
	var found []statement
	for _, policy := range ofType("AWS::IAM::Policy") {
		if !strings.Contains(text(policy.Properties["Roles"]), text(role)) {
			continue
		}
		for _, one := range list(the(policy.Properties["PolicyDocument"], "Statement")) {
			for _, action := range list(the(one, "Action")) {
				if name, _ := action.(string); !strings.HasPrefix(name, "logs:") && !strings.HasPrefix(name, "xray:") {
					found = append(found, statement{name, text(the(one, "Resource")), text(the(one, "Condition")), the(one, "Effect") == "Deny"})
				}
			}
		}
	}
	return found
}

// actions returns the actions that a function's role allows, sorted.
func actions(t *testing.T, function string) []string {
	t.Helper()
	found := map[string]bool{}
	for _, one := range statements(t, function) {
		if !one.deny {
			found[one.action] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// The list is the review: a new permission appears here, with a reason in grants.go.
func TestPermissions(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"plan": {"dynamodb:GetItem", "ec2:DescribeNetworkAcls", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups",
			"ec2:DescribeSubnets", "ec2:DescribeVpcAttribute", "ec2:DescribeVpcEndpointServices", "ec2:DescribeVpcEndpoints",
			"ec2:DescribeVpcs", "route53:GetHostedZone", "route53:ListHostedZonesByName", "route53:ListHostedZonesByVPC",
			"route53:ListResourceRecordSets", "ssm:DescribeParameters", "ssm:GetParameters", "states:DescribeExecution", "sts:AssumeRole"},
		"ensure-endpoint": {"dynamodb:GetItem", "dynamodb:UpdateItem", "ec2:AuthorizeSecurityGroupIngress",
			"ec2:CreateSecurityGroup", "ec2:CreateTags", "ec2:CreateVpcEndpoint", "ec2:CreateVpcEndpointConnectionNotification",
			"ec2:DescribeSecurityGroups", "ec2:DescribeVpcEndpointConnectionNotifications", "ec2:DescribeVpcEndpoints",
			"ec2:ModifyVpcEndpoint", "route53:AssociateVPCWithHostedZone",
			"states:DescribeExecution", "sts:AssumeRole", "vpce:AllowMultiRegion"},
		"await-gate": {"dynamodb:GetItem", "dynamodb:UpdateItem", "ec2:DescribeVpcEndpointServices", "ec2:DescribeVpcEndpoints",
			"events:PutEvents", "states:DescribeExecution", "sts:AssumeRole"},
		"acknowledge": {"dynamodb:GetItem", "dynamodb:UpdateItem", "ec2:DescribeVpcEndpointServices", "ec2:DescribeVpcEndpoints",
			"events:PutEvents", "states:DescribeExecution", "sts:AssumeRole"},
		"observe": {"dynamodb:Query", "ec2:DescribeVpcEndpointServices", "ec2:DescribeVpcEndpoints", "events:PutEvents",
			"sqs:SendMessage", "sts:AssumeRole"},
		"resume": {"dynamodb:GetItem", "dynamodb:UpdateItem", "sqs:SendMessage", "states:SendTaskFailure", "states:SendTaskHeartbeat",
			"states:SendTaskSuccess"},
		"await-available": {"ec2:DescribeNetworkInterfaces", "ec2:DescribeVpcEndpoints", "sts:AssumeRole"},
		"probe": {"ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
			"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"},
		"configure-dns": {"dynamodb:GetItem", "dynamodb:UpdateItem", "ec2:CreateTags", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs", "ec2:ModifyVpcEndpoint",
			"route53:AssociateVPCWithHostedZone", "route53:ChangeResourceRecordSets", "route53:CreateHostedZone",
			"route53:CreateVPCAssociationAuthorization", "route53:DeleteVPCAssociationAuthorization",
			"route53:GetHostedZone", "route53:ListHostedZonesByName", "route53:ListHostedZonesByVPC", "route53:ListResourceRecordSets", "sts:AssumeRole"},
		"publish-config": {"dynamodb:GetItem", "dynamodb:UpdateItem", "ssm:AddTagsToResource", "ssm:GetParameters", "ssm:PutParameter", "sts:AssumeRole"},
		"rollback": {"dynamodb:GetItem", "dynamodb:UpdateItem", "ec2:DeleteSecurityGroup", "ec2:DeleteTags",
			"ec2:DeleteVpcEndpointConnectionNotifications", "ec2:DeleteVpcEndpoints", "ec2:DescribeSecurityGroups",
			"ec2:DescribeVpcEndpointConnectionNotifications", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs",
			"ec2:ModifyVpcEndpoint", "route53:ChangeResourceRecordSets", "route53:DeleteHostedZone", "route53:DeleteVPCAssociationAuthorization",
			"route53:DisassociateVPCFromHostedZone", "route53:GetHostedZone",
			"route53:ListHostedZonesByVPC", "route53:ListResourceRecordSets", "ssm:DeleteParameter", "ssm:GetParameters",
			"ssm:PutParameter", "sts:AssumeRole"},
		"offboard": {"dynamodb:GetItem", "dynamodb:UpdateItem", "ec2:DeleteSecurityGroup", "ec2:DeleteTags",
			"ec2:DeleteVpcEndpointConnectionNotifications", "ec2:DeleteVpcEndpoints", "ec2:DescribeSecurityGroups",
			"ec2:DescribeVpcEndpointConnectionNotifications", "ec2:DescribeVpcEndpoints", "ec2:ModifyVpcEndpoint", "events:PutEvents",
			"route53:ChangeResourceRecordSets", "route53:DeleteHostedZone", "route53:GetHostedZone", "route53:ListResourceRecordSets", "ssm:DeleteParameter",
			"ssm:GetParameters", "ssm:PutParameter", "states:DescribeExecution", "sts:AssumeRole"},
		"drift-check": {"cloudtrail:LookupEvents", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem", "ec2:DescribeNetworkAcls",
			"ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeVpcAttribute",
			"ec2:DescribeVpcEndpointConnectionNotifications", "ec2:DescribeVpcEndpointServices", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs",
			"events:PutEvents", "lambda:InvokeFunction", "route53:GetHostedZone", "route53:ListHostedZonesByVPC",
			"route53:ListResourceRecordSets", "sqs:SendMessage", "ssm:GetParameters", "states:StartExecution", "sts:AssumeRole"},
		"sweep-orphans": {"dynamodb:Scan", "ec2:DescribeSecurityGroups", "ec2:DescribeVpcEndpoints", "events:PutEvents",
			"route53:ListHostedZonesByName", "sqs:SendMessage", "ssm:DescribeParameters", "states:DescribeExecution", "sts:AssumeRole"},
		"relay-probe": {"sts:AssumeRole"},
		"plan-fleet":  nil, "report-target": nil, "report-fleet": nil,
		"comment": {"dynamodb:GetItem", "dynamodb:UpdateItem", "secretsmanager:GetSecretValue", "sqs:SendMessage"},
		"webhook": {"dynamodb:GetItem", "secretsmanager:GetSecretValue", "states:DescribeExecution", "states:StartExecution"},
		"widget":  {"dynamodb:Scan"},
		"notify":  {"dynamodb:UpdateItem", "kms:Decrypt", "kms:GenerateDataKey*", "sns:Publish", "sqs:SendMessage"},
	}
	deployed := functionsByHandler(t)
	for handler, id := range deployed {
		if diff := cmp.Diff(want[handler], actions(t, id)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", handler, diff)
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(deployed))); diff != "" {
		t.Errorf("functions (-want +got):\n%s", diff)
	}
}

// unrestricted are the actions that are allowed on *: AWS has no resource-level permissions for them. CreateHostedZone alone is
// restricted by a condition.
var unrestricted = regexp.MustCompile(`^ec2:Describe|^ssm:DescribeParameters$|^cloudtrail:LookupEvents$|^route53:(List|CreateHostedZone$)|^states:SendTask|` +
	`^ec2:(Create|Delete)VpcEndpointConnectionNotifications?$|^ec2:\w+(NetworkInterface|PrivateIpAddresses)$`)

func TestPermissionsAreScoped(t *testing.T) {
	t.Parallel()
	const managed = `"aws:%s/postern:managed":"true"`
	// Every statement that allows the action must have these in its resources and its condition.
	restricted := map[string]struct{ resource, condition string }{
		"ec2:CreateTags": {":vpc-endpoint/*", ""},
		// An endpoint that was made by hand and taken over cannot be deleted, and only our tags be taken from it.
		"ec2:DeleteVpcEndpoints": {":vpc-endpoint/*", `{"Null":{"aws:ResourceTag/postern:adopted":"true"},"StringEquals":{` +
			fmt.Sprintf(managed, "ResourceTag") + `}}`},
		"ec2:DeleteTags": {":vpc-endpoint/*", `{"ForAllValues:StringEquals":{"aws:TagKeys":["postern:adopted","postern:connection",` +
			`"postern:managed","postern:private-dns"]},"Null":{"aws:ResourceTag/postern:adopted":"false","aws:TagKeys":"false"},` +
			`"StringEquals":{` + fmt.Sprintf(managed, "ResourceTag") + `}}`},
		"ec2:ModifyVpcEndpoint": {":vpc-endpoint/*", fmt.Sprintf(managed, "ResourceTag")},
		"vpce:AllowMultiRegion": {":vpc-endpoint/*", ""},
		"route53:CreateHostedZone": {"*", `"route53:VPCs":["VPCId=vpc-0a1b2c3d4e5f60718,VPCRegion=us-east-1",` +
			`"VPCId=vpc-0b2c3d4e5f6071829,VPCRegion=us-east-1"]`},
		"ssm:PutParameter":                   {":parameter/postern/*", ""},
		"ssm:GetParameters":                  {":parameter/postern/*", ""},
		"ssm:DeleteParameter":                {":parameter/postern/*", ""},
		"ssm:AddTagsToResource":              {":parameter/postern/*", ""},
		"route53:DeleteHostedZone":           {":hostedzone/*", ""},
		"route53:GetHostedZone":              {":hostedzone/*", ""},
		"route53:ListResourceRecordSets":     {":hostedzone/*", ""},
		"events:PutEvents":                   {":event-bus/default", ""},
		"dynamodb:Query":                     {"/index/", ""},
		"route53:ChangeResourceRecordSets":   {":hostedzone/*", ""},
		"route53:AssociateVPCWithHostedZone": {":vpc/vpc-0a1b2c3d4e5f60718", ""},
	}
	for handler, id := range functionsByHandler(t) {
		for _, one := range statements(t, id) {
			if one.resource == `"*"` && !unrestricted.MatchString(one.action) {
				t.Errorf("%s: %s on *", handler, one.action)
			}
			want := restricted[one.action]
			if one.action == "ec2:ModifyVpcEndpoint" && strings.Contains(one.resource, ":subnet/") {
				continue // what is added or removed; the endpoint itself carries our tag
			}
			if !strings.Contains(one.resource, want.resource) || !strings.Contains(one.condition, want.condition) {
				t.Errorf("%s: %s on %s if %s, want %q and %q",
					handler, one.action, one.resource, one.condition, want.resource, want.condition)
			}
		}
	}
}

// TestEndpointsAreCreatedOnlyAsOurs: in a registered VPC and with our tag. Tags go on what is made, and on an endpoint without our
// tags, our own only.
func TestEndpointsAreCreatedOnlyAsOurs(t *testing.T) {
	t.Parallel()
	got, conditions := map[string]string{}, map[string][]string{}
	for _, one := range statements(t, functionsByHandler(t)["ensure-endpoint"]) {
		if strings.HasPrefix(one.action, "ec2:Create") && one.action != "ec2:CreateVpcEndpointConnectionNotification" ||
			strings.HasPrefix(one.action, "ec2:Authorize") {
			call := one.action + " " + strings.ReplaceAll(one.resource, "arn:aws:ec2:us-east-1:111122223333:", "")
			got[call] = strings.Join(slices.Sorted(slices.Values(append(conditions[call], one.condition))), " or ")
			conditions[call] = append(conditions[call], one.condition)
		}
	}
	want := map[string]string{
		`ec2:CreateVpcEndpoint ["vpc/vpc-0a1b2c3d4e5f60718","vpc/vpc-0b2c3d4e5f6071829"]`: "null",
		`ec2:CreateVpcEndpoint ["security-group/*","subnet/*"]`:                           "null",

		`ec2:CreateVpcEndpoint "vpc-endpoint/*"`: `{"StringEquals":{"aws:RequestTag/postern:managed":"true"}}`,

		`ec2:CreateSecurityGroup ["vpc/vpc-0a1b2c3d4e5f60718","vpc/vpc-0b2c3d4e5f6071829"]`: "null",
		`ec2:CreateSecurityGroup "security-group/*"`:                                        `{"StringEquals":{"aws:RequestTag/postern:managed":"true"}}`,
		`ec2:AuthorizeSecurityGroupIngress "security-group/*"`:                              `{"StringEquals":{"aws:ResourceTag/postern:managed":"true"}}`,

		// What is nobody's is taken over, and of what is ours the tags are put back.
		`ec2:CreateTags "vpc-endpoint/*"`: `{"ForAllValues:StringEquals":{"aws:TagKeys":["postern:adopted","postern:connection",` +
			`"postern:managed"]},"Null":{"aws:ResourceTag/postern:connection":"true"},"StringEquals":{"aws:ResourceTag/postern:managed":"true"}}` +
			` or {"ForAllValues:StringEquals":{"aws:TagKeys":["postern:adopted","postern:connection","postern:managed"]},` +
			`"Null":{"aws:ResourceTag/postern:managed":"true"},"StringEquals":{"aws:RequestTag/postern:managed":"true"}}`,
		`ec2:CreateTags ["security-group/*","vpc-endpoint/*"]`: `{"StringEquals":{"ec2:CreateAction":["CreateVpcEndpoint","CreateSecurityGroup"]}}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTokenIsOutOfReach: await-gate may write it and resume may read it. The last write of an execution removes it unseen; every
// other call may name all attributes but it.
func TestTokenIsOutOfReach(t *testing.T) {
	t.Parallel()
	open := map[string]bool{
		"await-gate dynamodb:UpdateItem": true, "resume dynamodb:GetItem": true, "resume dynamodb:UpdateItem": true,
	}
	unseen := map[string]bool{"publish-config dynamodb:UpdateItem": true, "rollback dynamodb:UpdateItem": true,
		"offboard dynamodb:UpdateItem": true}
	checked := 0
	for handler, id := range functionsByHandler(t) {
		for _, one := range statements(t, id) {
			call := handler + " " + one.action
			if !strings.HasPrefix(one.action, "dynamodb:") || one.action == "dynamodb:Query" || open[call] ||
				strings.Contains(one.resource, "Comments") {
				continue
			}
			checked++
			if !strings.Contains(one.condition, `"dynamodb:ReturnValues":"NONE"`) {
				t.Errorf("%s may have attributes returned that it does not name: %s", call, one.condition)
			}
			if unseen[call] {
				continue
			}
			if !strings.Contains(one.condition, `"ForAllValues:StringEquals":{"dynamodb:Attributes":[`) ||
				!strings.Contains(one.condition, `"dynamodb:Select":"SPECIFIC_ATTRIBUTES"`) || strings.Contains(one.condition, "waitToken") {
				t.Errorf("%s may touch the task token: %s", call, one.condition)
			}
		}
	}
	if checked < 8 {
		t.Errorf("only %d calls were looked at", checked)
	}
}

// TestProbeCallsNothing: Lambda needs its permissions to run it inside the VPC; its own code is denied every one of them.
func TestProbeCallsNothing(t *testing.T) {
	t.Parallel()
	allowed, denied := map[string]bool{}, map[string]bool{}
	for _, one := range statements(t, functionsByHandler(t)["probe"]) {
		if !one.deny {
			allowed[one.action] = true
		} else if one.condition == `{"ArnLike":{"lambda:SourceFunctionArn":"arn:*:lambda:*:*:function:postern-probe-*"}}` {
			denied[one.action] = true
		}
	}
	if diff := cmp.Diff(allowed, denied); diff != "" || len(allowed) == 0 {
		t.Errorf("(-allowed +denied to its code):\n%s", diff)
	}
}

func TestOnlyResumeMaySendTokens(t *testing.T) {
	t.Parallel()
	for handler, id := range functionsByHandler(t) {
		for _, action := range actions(t, id) {
			if strings.HasPrefix(action, "states:SendTask") && handler != "resume" {
				t.Errorf("%s may %s", handler, action)
			}
		}
	}
}
