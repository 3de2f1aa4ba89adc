package iam

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/local/wire"
)

const (
	account = "111122223333"
	role    = "arn:aws:iam::111122223333:role/EnsureRole"
	topic   = "arn:aws:sns:us-east-1:111122223333:notifications"
	key     = "arn:aws:kms:us-east-1:111122223333:key/1234"
)

func decode(t *testing.T, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

func statements(t *testing.T, texts ...string) any {
	t.Helper()
	return decode(t, `{"Version":"2012-10-17","Statement":[`+strings.Join(texts, ",")+`]}`)
}

func attached(t *testing.T, texts ...string) *Policies {
	t.Helper()
	policies := NewPolicies()
	if err := policies.AttachIdentity(role, "own", statements(t, texts...)); err != nil {
		t.Fatal(err)
	}
	return policies
}

func TestIdentityPolicies(t *testing.T) {
	t.Parallel()
	const (
		endpoint   = "arn:aws:ec2:us-east-1:111122223333:vpc-endpoint/vpce-1"
		describe   = `{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}`
		create     = `{"Effect":"Allow","Action":["ec2:CreateVpcEndpoint"],"Resource":["arn:aws:ec2:us-east-1:*:vpc-endpoint/*"]}`
		denyDelete = `{"Effect":"Deny","Action":"*","NotResource":"arn:aws:ec2:*:*:vpc-endpoint/vpce-?"}`
		allButIAM  = `{"Effect":"Allow","NotAction":["iam:*"],"Resource":"*"}`
	)
	tests := []struct {
		name             string
		policy           []string
		action, resource string
		want             bool
	}{
		{"wildcard action", []string{describe}, "ec2:DescribeVpcs", "*", true},
		{"actions ignore case", []string{describe}, "EC2:describevpcs", "*", true},
		{"other action", []string{describe}, "ec2:CreateVpc", "*", false},
		{"other service", []string{describe}, "ec2x:DescribeVpcs", "*", false},
		{"resource pattern", []string{create}, "ec2:CreateVpcEndpoint", endpoint, true},
		{"resources keep case", []string{create}, "ec2:CreateVpcEndpoint", "ARN:aws:ec2:us-east-1:1:vpc-endpoint/x", false},
		{"other Region", []string{create}, "ec2:CreateVpcEndpoint", "arn:aws:ec2:eu-west-1:1:vpc-endpoint/x", false},
		{"* as resource is not any pattern", []string{create}, "ec2:CreateVpcEndpoint", "*", false},
		{"deny wins", []string{describe, denyDelete}, "ec2:DescribeVpcs", "*", false},
		{"NotResource spares", []string{create, denyDelete}, "ec2:CreateVpcEndpoint", endpoint, true},
		{"NotAction allows the rest", []string{allButIAM}, "s3:GetObject", "*", true},
		{"NotAction leaves out", []string{allButIAM}, "iam:CreateRole", "*", false},
		{"nothing", nil, "ec2:DescribeVpcs", "*", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := attached(t, test.policy...).Authorize(role, wire.Permission{Action: test.action, Resource: test.resource})
			if got.Allowed != test.want {
				t.Errorf("got %+v, want %v", got, test.want)
			}
		})
	}
}

func TestReasonsReadLikeAWS(t *testing.T) {
	t.Parallel()
	policies := attached(t,
		`{"Effect":"Deny","Action":"ec2:DeleteVpc","Resource":"*"}`, `{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}`)
	for action, want := range map[string]string{
		"ec2:DeleteVpc": "with an explicit deny in an identity-based policy",
		"ec2:CreateVpc": "because no identity-based policy allows the ec2:CreateVpc action",
		"kms:Decrypt":   "because no resource-based policy allows the kms:Decrypt action",
	} {
		if got := policies.Authorize(role, wire.Permission{Action: action, Resource: key}); got.Allowed || got.Reason != want {
			t.Errorf("%s: got %+v, want %q", action, got, want)
		}
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	const tag = "aws:RequestTag/postern:managed"
	tests := []struct {
		condition string
		keys      string // the request's
		want      bool
	}{
		{`{"StringEquals":{"` + tag + `":"true"}}`, `{"aws:requesttag/postern:managed":["true"]}`, true},
		{`{"StringEquals":{"` + tag + `":"true"}}`, `{"aws:requesttag/postern:managed":["TRUE"]}`, false},
		{`{"StringEquals":{"` + tag + `":"true"}}`, `{}`, false},
		{`{"StringEquals":{"a":["x","y"]}}`, `{"a":["y"]}`, true},
		{`{"StringEquals":{"a":"x","b":"y"}}`, `{"a":["x"],"b":["z"]}`, false},
		{`{"StringEqualsIfExists":{"a":"x"}}`, `{}`, true},
		{`{"StringEqualsIfExists":{"a":"x"}}`, `{"a":["y"]}`, false},
		{`{"StringNotEquals":{"a":"x"}}`, `{}`, true},
		{`{"StringNotEquals":{"a":["x","y"]}}`, `{"a":["y"]}`, false},
		{`{"StringNotEquals":{"a":"x"}}`, `{"a":["z"]}`, true},
		{`{"StringEqualsIgnoreCase":{"a":"X"}}`, `{"a":["x"]}`, true},
		{`{"StringLike":{"a":"vpce-svc-*"}}`, `{"a":["vpce-svc-1"]}`, true},
		{`{"StringNotLike":{"a":"vpce-svc-*"}}`, `{"a":["vpce-svc-1"]}`, false},
		{`{"ArnLike":{"aws:SourceArn":"arn:aws:events:a:1:rule/*"}}`, `{"aws:sourcearn":["arn:aws:events:a:1:rule/r"]}`, true},
		{`{"ArnEquals":{"aws:SourceArn":"arn:aws:ev*"}}`, `{"aws:sourcearn":["arn:aws:events:a:1:rule/r"]}`, false},
		{`{"ArnNotLike":{"aws:SourceArn":"arn:aws:events:a:1:rule/*"}}`, `{"aws:sourcearn":["arn:aws:sns:a:1:t"]}`, true},
		{`{"Bool":{"aws:SecureTransport":"false"}}`, `{"aws:securetransport":["true"]}`, false},
		{`{"Bool":{"aws:SecureTransport":true}}`, `{"aws:securetransport":["true"]}`, true},
		{`{"Null":{"a":"true"}}`, `{}`, true},
		{`{"Null":{"a":"true"}}`, `{"a":["x"]}`, false},
		{`{"Null":{"a":false}}`, `{"a":["x"]}`, true},
		{`{"NumericLessThanEquals":{"a":10}}`, `{"a":["10"]}`, true},
		{`{"NumericGreaterThan":{"a":"10"}}`, `{"a":["10"]}`, false},
		{`{"NumericEquals":{"a":"1"}}`, `{"a":["one"]}`, false},
		{`{"ForAllValues:StringEquals":{"aws:TagKeys":["x","y"]}}`, `{"aws:tagkeys":["x","y"]}`, true},
		{`{"ForAllValues:StringEquals":{"aws:TagKeys":["x","y"]}}`, `{"aws:tagkeys":["x","z"]}`, false},
		{`{"ForAllValues:StringEquals":{"aws:TagKeys":["x","y"]}}`, `{}`, true},
		{`{"ForAnyValue:StringEquals":{"aws:TagKeys":["x"]}}`, `{"aws:tagkeys":["x","z"]}`, true},
		{`{"ForAnyValue:StringEquals":{"aws:TagKeys":["x"]}}`, `{}`, false},
		{`{"ForAnyValue:StringNotEquals":{"aws:TagKeys":["x"]}}`, `{"aws:tagkeys":["x","z"]}`, true},
		{`{"ForAnyValue:StringNotEquals":{"aws:TagKeys":["x"]}}`, `{}`, false},
	}
	for _, test := range tests {
		t.Run(test.condition+" "+test.keys, func(t *testing.T) {
			t.Parallel()
			policies := attached(t, `{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":`+test.condition+`}`)
			var keys map[string][]string
			if err := json.Unmarshal([]byte(test.keys), &keys); err != nil {
				t.Fatal(err)
			}
			got := policies.Authorize(role, wire.Permission{Action: "a:B", Resource: "r", Context: keys})
			if got.Allowed != test.want {
				t.Errorf("got %v, want %v", got.Allowed, test.want)
			}
		})
	}
}

func TestServicesNeedTheResourcesPolicy(t *testing.T) {
	t.Parallel()
	policies := NewPolicies()
	err := policies.AttachResource(topic, "TopicPolicy", statements(t,
		`{"Sid":"Publish","Effect":"Allow","Principal":{"Service":"vpce.amazonaws.com"},"Action":"SNS:Publish","Resource":"`+topic+`",
		  "Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"},
		               "ArnLike":{"aws:SourceArn":"arn:aws:ec2:us-east-1:111122223333:vpc-endpoint/*"}}}`,
		`{"Sid":"TLS","Effect":"Deny","Principal":"*","Action":"sns:Publish","Resource":"`+topic+`",
		  "Condition":{"Bool":{"aws:SecureTransport":"false"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	source := func(account, arn, secure string) map[string][]string {
		return map[string][]string{"aws:sourceaccount": {account}, "aws:sourcearn": {arn}, "aws:securetransport": {secure}}
	}
	const endpoint = "arn:aws:ec2:us-east-1:111122223333:vpc-endpoint/vpce-1"
	tests := []struct {
		name, service string
		keys          map[string][]string
		want          bool
	}{
		{"as meant", "vpce.amazonaws.com", source(account, endpoint, "true"), true},
		{"other service", "events.amazonaws.com", source(account, endpoint, "true"), false},
		{"other account", "vpce.amazonaws.com", source("999999999999", endpoint, "true"), false},
		{"no source", "vpce.amazonaws.com", nil, false},
		{"denied without TLS", "vpce.amazonaws.com", source(account, endpoint, "false"), false},
	}
	for _, test := range tests {
		got := policies.AuthorizeService(test.service, wire.Permission{Action: "sns:Publish", Resource: topic, Context: test.keys})
		if got.Allowed != test.want {
			t.Errorf("%s: got %+v, want %v", test.name, got, test.want)
		}
	}
	other := wire.Permission{Action: "sns:Publish", Resource: topic + "-2", Context: source(account, endpoint, "true")}
	if policies.AuthorizeService("vpce.amazonaws.com", other).Allowed {
		t.Error("a topic without a policy let a service publish")
	}
}

func TestResourcePolicyBesideIdentityPolicy(t *testing.T) {
	t.Parallel()
	decrypt := wire.Permission{Action: "kms:Decrypt", Resource: key}
	const toAccount = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}`
	const toRole = `{"Effect":"Allow","Principal":{"AWS":"` + role + `"},"Action":"kms:Decrypt","Resource":"*"}`
	const own = `{"Effect":"Allow","Action":"kms:Decrypt","Resource":"` + key + `"}`
	const denied = `{"Effect":"Deny","Principal":{"AWS":"111122223333"},"Action":"kms:Decrypt","Resource":"*"}`
	tests := []struct {
		name          string
		identity, key []string
		want          bool
	}{
		{"both", []string{own}, []string{toAccount}, true},
		{"the key does not delegate", []string{own}, []string{strings.Replace(toAccount, "111122223333", "999999999999", 1)}, false},
		{"the role has nothing", nil, []string{toAccount}, false},
		{"the key names the role", nil, []string{toRole}, true},
		{"the key denies", []string{own}, []string{toRole, denied}, false},
	}
	for _, test := range tests {
		policies := attached(t, test.identity...)
		if err := policies.AttachResource(key, "KeyPolicy", statements(t, test.key...)); err != nil {
			t.Fatal(err)
		}
		if got := policies.Authorize(role, decrypt); got.Allowed != test.want {
			t.Errorf("%s: got %+v, want %v", test.name, got, test.want)
		}
	}
}

func TestAssume(t *testing.T) {
	t.Parallel()
	policies := NewPolicies()
	trust := statements(t, `{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`)
	if err := policies.AttachTrust(role, trust); err != nil {
		t.Fatal(err)
	}
	if !policies.AuthorizeAssume("lambda.amazonaws.com", role, nil).Allowed {
		t.Error("Lambda may not assume the role")
	}
	if policies.AuthorizeAssume("states.amazonaws.com", role, nil).Allowed {
		t.Error("Step Functions may assume a role that trusts Lambda")
	}
}

func TestManagedPolicies(t *testing.T) {
	t.Parallel()
	policies := NewPolicies()
	if err := policies.AttachManaged(role, "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"); err != nil {
		t.Fatal(err)
	}
	if !policies.Authorize(role, wire.Permission{Action: "logs:PutLogEvents", Resource: "*"}).Allowed {
		t.Error("the managed policy grants nothing")
	}
	for _, arn := range []string{
		"arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::111122223333:policy/AWSLambdaBasicExecutionRole",
	} {
		if policies.AttachManaged(role, arn) == nil {
			t.Errorf("%s was attached", arn)
		}
	}
}

func TestGrantsRememberUse(t *testing.T) {
	t.Parallel()
	policies := attached(t,
		`{"Sid":"Read","Effect":"Allow","Action":["ssm:GetParameter","ssm:GetParameters"],"Resource":"*"}`,
		`{"Effect":"Deny","Action":"ssm:Delete*","Resource":"*"}`,
		`{"Effect":"Allow","Action":"ssm:Put*","Resource":"*"}`)
	if err := policies.AttachManaged(role, "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"); err != nil {
		t.Fatal(err)
	}
	policies.Authorize(role, wire.Permission{Action: "ssm:GetParameters", Resource: "*"})
	policies.Authorize(role, wire.Permission{Action: "ssm:DeleteParameter", Resource: "*"})
	used, unused := policies.Grants()
	if diff := cmp.Diff([]Grant{{role, "own", "Read", "ssm:GetParameters"}}, used); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Grant{{role, "own", "2", "ssm:Put*"}, {role, "own", "Read", "ssm:GetParameter"}}, unused); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNotKnownRefusesToLoad(t *testing.T) {
	t.Parallel()
	const one = `{"Version":"2012-10-17","Statement":{"Effect":"Allow",%s}}`
	tests := []struct{ policy, want string }{
		{`[]`, "not an object"},
		{`{"Version":"2008-10-17","Statement":[]}`, "2008-10-17"},
		{`{"Version":"2012-10-17","Statements":[]}`, "unknown element Statements"},
		{fmt.Sprintf(one, `"Action":"a:B"`), "exactly one of Resource and NotResource"},
		{fmt.Sprintf(one, `"Action":"a:B","NotAction":"a:C","Resource":"*"`), "exactly one of Action and NotAction"},
		{`{"Version":"2012-10-17","Statement":{"Effect":"allow","Action":"a:B","Resource":"*"}}`, "neither Allow nor Deny"},
		{fmt.Sprintf(one, `"Action":{"x":1},"Resource":"*"`), "not a string"},
		{fmt.Sprintf(one, `"Action":"a:B","Resource":"*","Principal":"*"`), "principal"},
		{fmt.Sprintf(one, `"Action":"a:B","Resource":"*","Conditions":{}`), "unknown element Conditions"},
		{fmt.Sprintf(one, `"Action":"a:B","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`),
			"unknown condition operator IpAddress"},
		{fmt.Sprintf(one, `"Action":"a:B","Resource":"*","Condition":{"NullIfExists":{"a":"true"}}`),
			"unknown condition operator NullIfExists"},
		{fmt.Sprintf(one, `"Action":"a:B","Resource":"arn:aws:s3:::${aws:username}"`), "policy variables"},
	}
	for _, test := range tests {
		err := NewPolicies().AttachIdentity(role, "own", decode(t, test.policy))
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "own of "+role) {
			t.Errorf("%s: got %v, want %q", test.policy, err, test.want)
		}
	}
	federated := statements(t, `{"Effect":"Allow","Action":"a:B","Resource":"*","Principal":{"Federated":"x"}}`)
	err := NewPolicies().AttachResource(topic, "p", federated)
	if err == nil || !strings.Contains(err.Error(), "Federated") {
		t.Errorf("federated principal: got %v", err)
	}
}
