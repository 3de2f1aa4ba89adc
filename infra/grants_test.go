package main

import (
	stdcmp "cmp"
	"fmt"
	"maps"
	"os"
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

// permissionsPage lists what each role may do. The list is the review: a new permission appears there, with a reason in the table of
// functions. `make golden` renews it.
const permissionsPage = "../docs/security.md"

const permissionsBegin, permissionsEnd = "<!-- permissions: written by make golden -->\n", "<!-- end of permissions -->"

func TestPermissionsAreListed(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(permissionsPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), permissionsBegin)
	list, after, ends := strings.Cut(rest, permissionsEnd)
	if !found || !ends {
		t.Fatalf("%s has no list of permissions", permissionsPage)
	}
	want := permissionsTable(t)
	if *update {
		if err := os.WriteFile(permissionsPage, []byte(before+permissionsBegin+want+permissionsEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("%s (-template +page), renew it with make golden:\n%s", permissionsPage, diff)
	}
}

// permissionsTable is a row for each role, with its actions by service.
func permissionsTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| role of | may call |\n|---|---|\n")
	row := func(name string, found []statement) {
		services := map[string][]string{}
		for _, one := range found {
			if service, action, _ := strings.Cut(one.action, ":"); !one.deny && !slices.Contains(services[service], action) {
				services[service] = append(services[service], action)
			}
		}
		var cells []string
		for _, service := range slices.Sorted(maps.Keys(services)) {
			cells = append(cells, service+": "+strings.Join(slices.Sorted(slices.Values(services[service])), ", "))
		}
		fmt.Fprintf(&b, "| %s | %s |\n", name, stdcmp.Or(strings.Join(cells, "; "), "nothing"))
	}
	deployed := functionsByHandler(t)
	for _, handler := range slices.Sorted(maps.Keys(deployed)) {
		row(handler, statements(t, deployed[handler]))
	}
	machines := map[string][]statement{}
	for _, m := range ofType("AWS::StepFunctions::StateMachine") {
		name, _ := m.Properties["StateMachineName"].(string)
		machines[name] = statementsOf(the(m.Properties["RoleArn"], "Fn::GetAtt").([]any)[0])
	}
	for _, name := range slices.Sorted(maps.Keys(machines)) {
		row("the state machine "+name, machines[name])
	}
	return b.String()
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
		// An adopted endpoint cannot be deleted, and only our tags can be removed from it.
		"ec2:DeleteVpcEndpoints": {":vpc-endpoint/*", `{"Null":{"aws:ResourceTag/postern:adopted":"true",` +
			`"aws:ResourceTag/postern:connection":"false","aws:ResourceTag/postern:execution":"false"},"StringEquals":{` +
			fmt.Sprintf(managed, "ResourceTag") + `}}`},
		"ec2:DeleteTags": {":vpc-endpoint/*", `{"ForAllValues:StringEquals":{"aws:TagKeys":["postern:adopted","postern:connection",` +
			`"postern:managed","postern:private-dns"]},"ForAnyValue:StringEquals":{"aws:TagKeys":"postern:adopted"},` +
			`"ForAnyValue:StringEqualsIgnoreCase":{"aws:TagKeys":"postern:managed"},"ForAnyValue:StringLike":{"aws:TagKeys":"postern:connection"},` +
			`"Null":{"aws:ResourceTag/postern:adopted":"false"},` +
			`"StringEquals":{` + fmt.Sprintf(managed, "ResourceTag") + `}}`},
		"ec2:ModifyVpcEndpoint": {":vpc-endpoint/*", fmt.Sprintf(managed, "ResourceTag")},
		"vpce:AllowMultiRegion": {":vpc-endpoint/*", ""},
		"route53:CreateHostedZone": {"*", `"route53:VPCs":["VPCId=vpc-0a1b2c3d4e5f60718,VPCRegion=us-east-1",` +
			`"VPCId=vpc-0b2c3d4e5f6071829,VPCRegion=us-east-1"]`},
		"ssm:PutParameter":                   {":parameter/postern/*", ""},
		"ssm:GetParameters":                  {":parameter/postern/*", ""},
		"ssm:GetParameterHistory":            {":parameter/postern/*", ""},
		"ssm:DeleteParameter":                {":parameter/postern/*", ""},
		"ssm:AddTagsToResource":              {":parameter/postern/*", ""},
		"route53:DeleteHostedZone":           {":hostedzone/*", ""},
		"route53:GetHostedZone":              {":hostedzone/*", ""},
		"route53:ListResourceRecordSets":     {":hostedzone/*", ""},
		"events:PutEvents":                   {`{"Fn::GetAtt":["Bus`, `"Null":{"events:detail-type":"false","events:source":"false"}`},
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

		// An endpoint without our tags is adopted, and lost tags of ours are restored.
		`ec2:CreateTags "vpc-endpoint/*"`: `{"ForAllValues:StringEquals":{"aws:TagKeys":["postern:adopted","postern:connection",` +
			`"postern:managed"]},"Null":{"aws:RequestTag/postern:adopted":"false","aws:RequestTag/postern:connection":"false",` +
			`"aws:ResourceTag/postern:managed":"true"},"StringEquals":{"aws:RequestTag/postern:managed":"true"}}` +
			` or {"ForAllValues:StringEquals":{"aws:TagKeys":["postern:adopted","postern:connection","postern:managed"]},` +
			`"Null":{"aws:ResourceTag/postern:connection":"true"},"StringEquals":{"aws:ResourceTag/postern:managed":"true"}}` +
			` or {"ForAllValues:StringEquals":{"aws:TagKeys":["postern:connection","postern:managed"]},` +
			`"Null":{"aws:RequestTag/postern:connection":"false","aws:ResourceTag/postern:adopted":"true","aws:ResourceTag/postern:managed":"true"},` +
			`"StringEquals":{"aws:RequestTag/postern:managed":"true"}}`,
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
			if !strings.HasPrefix(one.action, "dynamodb:") || open[call] || strings.Contains(one.resource, "Comments") ||
				strings.Contains(one.resource, "/index/") { // no index carries the token
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
