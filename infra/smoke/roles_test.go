package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"
)

// account is IAM with roles, each with one policy, that simulates as decide says.
type account struct {
	policies map[string]string // by the role's name
	decide   func(action string) types.EvaluationResult
	unfit    string // an action that the simulator does not know
	asked    []string
}

func (a *account) ListRoles(context.Context, *iam.ListRolesInput, ...func(*iam.Options)) (*iam.ListRolesOutput, error) {
	out := &iam.ListRolesOutput{Roles: []types.Role{
		{RoleName: aws.String("others"), Description: aws.String("Something else"), AssumeRolePolicyDocument: aws.String("lambda.amazonaws.com")},
		{RoleName: aws.String("machine"), Description: aws.String("Postern workflow"), AssumeRolePolicyDocument: aws.String("states.amazonaws.com")},
	}}
	for name := range a.policies {
		out.Roles = append(out.Roles, types.Role{
			RoleName: aws.String(name), Arn: aws.String("arn:aws:iam::111122223333:role/" + name),
			Description: aws.String("Postern " + name), AssumeRolePolicyDocument: aws.String(url.PathEscape("lambda.amazonaws.com")),
		})
	}
	return out, nil
}

func (a *account) ListRolePolicies(_ context.Context, in *iam.ListRolePoliciesInput, _ ...func(*iam.Options)) (
	*iam.ListRolePoliciesOutput, error) {
	if a.policies[aws.ToString(in.RoleName)] == "" {
		return nil, fmt.Errorf("%s is not ours", aws.ToString(in.RoleName))
	}
	return &iam.ListRolePoliciesOutput{PolicyNames: []string{"default"}}, nil
}

func (a *account) GetRolePolicy(_ context.Context, in *iam.GetRolePolicyInput, _ ...func(*iam.Options)) (*iam.GetRolePolicyOutput, error) {
	return &iam.GetRolePolicyOutput{PolicyDocument: aws.String(url.PathEscape(a.policies[aws.ToString(in.RoleName)]))}, nil
}

func (a *account) SimulatePrincipalPolicy(_ context.Context, in *iam.SimulatePrincipalPolicyInput, _ ...func(*iam.Options)) (
	*iam.SimulatePrincipalPolicyOutput, error) {
	if slices.Contains(in.ActionNames, a.unfit) {
		return nil, &types.InvalidInputException{}
	}
	out := &iam.SimulatePrincipalPolicyOutput{}
	for _, action := range in.ActionNames {
		line := action + " on " + in.ResourceArns[0]
		for _, entry := range in.ContextEntries {
			line += fmt.Sprintf(" with %s=%s (%s)", aws.ToString(entry.ContextKeyName), entry.ContextKeyValues[0], entry.ContextKeyType)
		}
		a.asked = append(a.asked, line)
		result := a.decide(action)
		result.EvalActionName = aws.String(action)
		out.EvaluationResults = append(out.EvaluationResults, result)
	}
	return out, nil
}

func allowed(string) types.EvaluationResult {
	return types.EvaluationResult{EvalDecision: types.PolicyEvaluationDecisionTypeAllowed}
}

// Every statement that allows is asked about, with a request that its conditions fit.
func TestRolesAreAskedAbout(t *testing.T) {
	t.Parallel()
	iam := &account{decide: allowed, unfit: "vpce:AllowMultiRegion", policies: map[string]string{"offboard": `{"Statement":[
		{"Effect":"Allow","Action":"ec2:DescribeVpcs","Resource":"*"},
		{"Effect":"Deny","Action":"ec2:DescribeSubnets","Resource":"*"},
		{"Effect":"Allow","Action":["kms:GenerateDataKey*","kms:Decrypt"],"Resource":"arn:aws:kms:us-east-1:1:key/k"},
		{"Effect":"Allow","Action":"ec2:DeleteVpcEndpoints","Resource":["arn:aws:ec2:us-east-1:1:vpc-endpoint/*"],
		 "Condition":{"StringEquals":{"aws:ResourceTag/postern:managed":"true"}}},
		{"Effect":"Allow","Action":"dynamodb:GetItem","Resource":"arn:aws:dynamodb:us-east-1:1:table/t","Condition":{
		 "ForAllValues:StringEquals":{"dynamodb:Attributes":["id","status"]},"StringEqualsIfExists":{"dynamodb:Select":"SPECIFIC_ATTRIBUTES"}}},
		{"Effect":"Allow","Action":"vpce:AllowMultiRegion","Resource":"arn:aws:ec2:us-east-1:1:vpc-endpoint/*"}]}`}}
	var out bytes.Buffer
	if err := checkRoles(t.Context(), iam, &out); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"ec2:DescribeVpcs on *",
		"kms:GenerateDataKey on arn:aws:kms:us-east-1:1:key/k",
		"kms:Decrypt on arn:aws:kms:us-east-1:1:key/k",
		"ec2:DeleteVpcEndpoints on arn:aws:ec2:us-east-1:1:vpc-endpoint/smoke with aws:ResourceTag/postern:managed=true (string)",
		"dynamodb:GetItem on arn:aws:dynamodb:us-east-1:1:table/t with dynamodb:Attributes=id (stringList)",
	}
	if diff := cmp.Diff(want, iam.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	if !strings.Contains(out.String(), "5 things") || !strings.Contains(out.String(), "unknown: offboard: vpce:AllowMultiRegion") {
		t.Errorf("printed %s", &out)
	}
}

func TestRolesDenied(t *testing.T) {
	t.Parallel()
	iam := &account{
		policies: map[string]string{"plan": `{"Statement":[{"Effect":"Allow","Action":["ec2:DescribeVpcs","ssm:GetParameters"],"Resource":"*"}]}`},
		decide: func(action string) types.EvaluationResult {
			if action == "ssm:GetParameters" {
				return types.EvaluationResult{
					EvalDecision:                types.PolicyEvaluationDecisionTypeImplicitDeny,
					OrganizationsDecisionDetail: &types.OrganizationsDecisionDetail{},
				}
			}
			return allowed(action)
		},
	}
	err := checkRoles(t.Context(), iam, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "plan: ssm:GetParameters on *: implicitDeny, by the organization") ||
		strings.Contains(err.Error(), "DescribeVpcs") {
		t.Errorf("%v, want the one that is denied", err)
	}
}

func TestRolesMissing(t *testing.T) {
	t.Parallel()
	err := checkRoles(t.Context(), &account{decide: allowed}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "make deploy") {
		t.Errorf("%v, want what to do", err)
	}
	if _, err := parseClaims("%7B"); err == nil {
		t.Error("half a policy was read")
	}
}

// The functions' roles of the stack are found as ours, each of them.
func TestRolesAreDescribed(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../testdata/postern.template.json")
	if err != nil {
		t.Fatal(err)
	}
	var stack struct {
		Resources map[string]struct {
			Type       string
			Properties struct {
				Description              string
				AssumeRolePolicyDocument json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(raw, &stack); err != nil {
		t.Fatal(err)
	}
	functions := 0
	for name, resource := range stack.Resources {
		if resource.Type != "AWS::IAM::Role" || !strings.Contains(string(resource.Properties.AssumeRolePolicyDocument), lambda) {
			continue
		}
		functions++
		if !strings.HasPrefix(resource.Properties.Description, described) {
			t.Errorf("%s is described as %q, want it to begin with %q", name, resource.Properties.Description, described)
		}
	}
	if functions == 0 {
		t.Error("the template has no roles of functions")
	}
}
