package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// roles is what is called of IAM, reads only; *iam.Client satisfies it.
type roles interface {
	iam.ListRolesAPIClient
	iam.ListRolePoliciesAPIClient
	GetRolePolicy(context.Context, *iam.GetRolePolicyInput, ...func(*iam.Options)) (*iam.GetRolePolicyOutput, error)
	iam.SimulatePrincipalPolicyAPIClient
}

// checkRoles asks IAM whether each function's role may do what its policies say. What takes away from a policy is found so: a
// permissions boundary, a service control policy of the organization, a statement that denies.
func checkRoles(ctx context.Context, api roles, out io.Writer) error {
	ours, err := functionRoles(ctx, api)
	if err != nil {
		return err
	}
	if len(ours) == 0 {
		return errors.New("roles: the account has no role of Postern's functions: make deploy")
	}
	var tally tally
	for _, role := range ours {
		claims, err := claimsOf(ctx, api, role)
		if err != nil {
			return err
		}
		for _, claim := range claims {
			if err := simulate(ctx, api, role, claim, &tally); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(out, "roles: %d, which may do %d things that their policies say", len(ours), tally.allowed)
	for _, line := range tally.unknown {
		fmt.Fprintf(out, "\n  unknown: %s", line)
	}
	fmt.Fprintln(out)
	if len(tally.denied) > 0 {
		return fmt.Errorf("roles: denied what their policies allow; look at permissions boundaries and the organization's policies:\n  %s",
			strings.Join(tally.denied, "\n  "))
	}
	return nil
}

// tally is what the simulations said.
type tally struct {
	allowed         int
	denied, unknown []string
}

// What the roles of our functions are known by: CloudFormation makes up their names.
const (
	described = "Postern "
	lambda    = "lambda.amazonaws.com"
)

// functionRoles are the roles that Lambda assumes for our functions.
func functionRoles(ctx context.Context, api roles) ([]types.Role, error) {
	var ours []types.Role
	for pages := iam.NewListRolesPaginator(api, nil); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("roles: cannot be listed, these credentials need iam:ListRoles: %w", err)
		}
		for _, role := range page.Roles {
			if strings.HasPrefix(aws.ToString(role.Description), described) &&
				strings.Contains(aws.ToString(role.AssumeRolePolicyDocument), lambda) {
				ours = append(ours, role)
			}
		}
	}
	return ours, nil
}

// claim is a statement that allows something, on one of its resources.
type claim struct {
	actions  []string
	resource string
	context  []types.ContextEntry
}

func claimsOf(ctx context.Context, api roles, role types.Role) ([]claim, error) {
	var claims []claim
	for pages := iam.NewListRolePoliciesPaginator(api, &iam.ListRolePoliciesInput{RoleName: role.RoleName}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("roles: the policies of %s cannot be listed: %w", aws.ToString(role.RoleName), err)
		}
		for _, name := range page.PolicyNames {
			policy, err := api.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: role.RoleName, PolicyName: aws.String(name)})
			if err != nil {
				return nil, fmt.Errorf("roles: the policy of %s cannot be read: %w", aws.ToString(role.RoleName), err)
			}
			of, err := parseClaims(aws.ToString(policy.PolicyDocument))
			if err != nil {
				return nil, fmt.Errorf("roles: the policy of %s: %w", aws.ToString(role.RoleName), err)
			}
			claims = append(claims, of...)
		}
	}
	return claims, nil
}

// texts is a string or a list of strings, as IAM writes both.
type texts []string

func (t *texts) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(t))
}

// parseClaims reads a policy document. AWS: it comes URL-encoded, after RFC 3986.
func parseClaims(encoded string) ([]claim, error) {
	document, err := url.PathUnescape(encoded)
	if err != nil {
		return nil, err
	}
	var policy struct {
		Statement []struct {
			Effect           string
			Action, Resource texts
			Condition        map[string]map[string]texts
		}
	}
	if err := json.Unmarshal([]byte(document), &policy); err != nil {
		return nil, err
	}
	var claims []claim
	for _, statement := range policy.Statement {
		if statement.Effect != "Allow" {
			continue
		}
		var actions []string
		for _, action := range statement.Action {
			// AWS: an action to simulate holds no wildcard; kms:GenerateDataKey* is the one that has one.
			actions = append(actions, strings.TrimSuffix(action, "*"))
		}
		for _, resource := range statement.Resource {
			claims = append(claims, claim{actions, concrete(resource), fitting(statement.Condition)})
		}
	}
	return claims, nil
}

// concrete names one resource of those that a pattern matches; "*" stays, it is for actions without resources.
func concrete(resource string) string {
	if resource == "*" {
		return resource
	}
	return strings.ReplaceAll(resource, "*", "smoke")
}

// fitting are keys of a request that satisfies a statement's conditions: what is demanded, as it is written.
func fitting(conditions map[string]map[string]texts) []types.ContextEntry {
	var entries []types.ContextEntry
	for _, operator := range slices.Sorted(maps.Keys(conditions)) {
		keys := conditions[operator]
		if strings.HasSuffix(operator, "IfExists") || operator == "Null" {
			continue // holds without the key, or with what another operator gives it
		}
		kind := types.ContextKeyTypeEnumString
		if strings.HasPrefix(operator, "ForA") {
			kind = types.ContextKeyTypeEnumStringList
		}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			values := keys[key]
			if len(values) == 0 {
				continue
			}
			entries = append(entries, types.ContextEntry{
				ContextKeyName: aws.String(key), ContextKeyType: kind, ContextKeyValues: values[:1],
			})
		}
	}
	return entries
}

func simulate(ctx context.Context, api roles, role types.Role, claim claim, tally *tally) error {
	what := func(action string) string {
		return fmt.Sprintf("%s: %s on %s", aws.ToString(role.RoleName), action, claim.resource)
	}
	in := &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: role.Arn, ActionNames: claim.actions, ResourceArns: []string{claim.resource}, ContextEntries: claim.context,
	}
	for pages := iam.NewSimulatePrincipalPolicyPaginator(api, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if _, unfit := errors.AsType[*types.InvalidInputException](err); unfit {
			// The simulator does not know every action, such as those that only grant.
			tally.unknown = append(tally.unknown, what(strings.Join(claim.actions, ", "))+": not simulated by IAM")
			return nil
		}
		if err != nil {
			return fmt.Errorf("roles: not simulated, these credentials need iam:SimulatePrincipalPolicy: %w", err)
		}
		for _, result := range page.EvaluationResults {
			if result.EvalDecision == types.PolicyEvaluationDecisionTypeAllowed {
				tally.allowed++
				continue
			}
			line := what(aws.ToString(result.EvalActionName)) + ": " + string(result.EvalDecision)
			if o := result.OrganizationsDecisionDetail; o != nil && !o.AllowedByOrganizations {
				line += ", by the organization"
			}
			if b := result.PermissionsBoundaryDecisionDetail; b != nil && !b.AllowedByPermissionsBoundary {
				line += ", by the permissions boundary"
			}
			tally.denied = append(tally.denied, line)
		}
	}
	return nil
}
