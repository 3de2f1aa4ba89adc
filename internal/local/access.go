package local

import (
	"errors"
	"fmt"
	"strings"

	"postern/internal/local/iam"
	"postern/internal/local/template"
	"postern/internal/local/wire"
)

// loadPolicies reads every policy of a stack: what roles may do, who may assume them, and what resources let in.
func loadPolicies(policies *iam.Policies, stack *template.Stack) error {
	l := policyLoader{stack: stack, policies: policies, roles: map[string]string{}}
	for _, role := range template.All[template.Role](stack) {
		l.roles[role.Ref] = role.ARN
	}
	return errors.Join(l.identities(), l.resources())
}

type policyLoader struct {
	stack    *template.Stack
	policies *iam.Policies
	roles    map[string]string // name -> ARN
}

func (l *policyLoader) identities() error {
	var faults []error
	for _, role := range template.All[template.Role](l.stack) {
		faults = append(faults, l.policies.AttachTrust(role.ARN, role.Properties.AssumeRolePolicyDocument))
		for _, inline := range role.Properties.Policies {
			faults = append(faults, l.policies.AttachIdentity(role.ARN, inline.PolicyName, inline.PolicyDocument))
		}
		for _, arn := range role.Properties.ManagedPolicyArns {
			faults = append(faults, l.policies.AttachManaged(role.ARN, arn))
		}
	}
	for _, policy := range template.All[template.Policy](l.stack) {
		faults = append(faults, l.attachTo(policy.Properties.Roles, policy.Properties.PolicyName, policy.Properties.PolicyDocument))
	}
	return errors.Join(faults...)
}

func (l *policyLoader) attachTo(roles []string, name string, document any) error {
	for _, role := range roles {
		arn, known := l.roles[role]
		if !known {
			return fmt.Errorf("policy %s: no role %s in the stack", name, role)
		}
		if err := l.policies.AttachIdentity(arn, name, document); err != nil {
			return err
		}
	}
	return nil
}

func (l *policyLoader) resources() error {
	var faults []error
	for _, policy := range template.All[template.TopicPolicy](l.stack) {
		for _, topic := range policy.Properties.Topics {
			faults = append(faults, l.policies.AttachResource(topic, policy.LogicalID, policy.Properties.PolicyDocument))
		}
	}
	queues := map[string]string{} // URL -> ARN
	for _, queue := range template.All[template.Queue](l.stack) {
		queues[queue.Ref] = queue.ARN
	}
	for _, policy := range template.All[template.QueuePolicy](l.stack) {
		for _, url := range policy.Properties.Queues {
			faults = append(faults, l.policies.AttachResource(queues[url], policy.LogicalID, policy.Properties.PolicyDocument))
		}
	}
	buses := map[string]string{} // name -> ARN
	for _, bus := range template.All[template.EventBus](l.stack) {
		buses[bus.Ref] = bus.ARN
	}
	for _, policy := range template.All[template.EventBusPolicy](l.stack) {
		arn, known := buses[policy.Properties.EventBusName]
		if !known {
			faults = append(faults, fmt.Errorf("resource %s: the stack has no event bus %s", policy.LogicalID, policy.Properties.EventBusName))
		}
		document := map[string]any{"Version": "2012-10-17", "Statement": policy.Properties.Statement}
		faults = append(faults, l.policies.AttachResource(arn, policy.LogicalID, document))
	}
	for _, key := range template.All[template.Key](l.stack) {
		faults = append(faults, l.policies.AttachResource(key.ARN, key.LogicalID, key.Properties.KeyPolicy))
	}
	for _, permission := range template.All[template.FunctionPermission](l.stack) {
		arn := l.functionARN(permission.Properties.FunctionName)
		document := permissionDocument(arn, permission.Properties)
		faults = append(faults, l.policies.AttachResource(arn, permission.LogicalID, document))
	}
	return errors.Join(faults...)
}

// functionARN completes a function's name; an ARN, qualified or not, stays.
func (l *policyLoader) functionARN(name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return "arn:aws:lambda:" + l.stack.Region + ":" + l.stack.AccountID + ":function:" + name
}

// permissionDocument is the statement that AddPermission puts into a function's policy.
func permissionDocument(arn string, p *template.FunctionPermission) any {
	condition := map[string]any{}
	if p.SourceArn != "" {
		condition["ArnLike"] = map[string]any{"aws:SourceArn": p.SourceArn}
	}
	if p.SourceAccount != "" {
		condition["StringEquals"] = map[string]any{"aws:SourceAccount": p.SourceAccount}
	}
	kind := "AWS" // an account or a role
	if strings.HasSuffix(p.Principal, ".amazonaws.com") {
		kind = "Service"
	}
	return map[string]any{"Version": "2012-10-17", "Statement": map[string]any{
		"Effect": "Allow", "Principal": map[string]any{kind: p.Principal}, "Action": p.Action, "Resource": arn,
		"Condition": condition,
	}}
}

// asRole checks that a role may do something on its own behalf, outside a recorded call: Lambda writing logs, Step Functions
// invoking a function. The error reads like AWS's.
func (c *Cloud) asRole(roleARN, session, action, resource string) error {
	decision := c.policies.Authorize(roleARN, wire.Permission{Action: action, Resource: resource})
	if decision.Allowed {
		return nil
	}
	caller := wire.Principal{RoleARN: roleARN, Function: session}.Session()
	return fmt.Errorf("User: %s is not authorized to perform: %s on resource: %s %s", caller, action, resource, decision.Reason)
}

// asService checks that an AWS service may do something to a resource on behalf of another resource of this account.
func (c *Cloud) asService(service, action, resource, sourceARN string) error {
	keys := map[string][]string{
		"aws:sourcearn": {sourceARN}, "aws:sourceaccount": {c.Stack.AccountID}, "aws:securetransport": {"true"},
	}
	decision := c.policies.AuthorizeService(service, wire.Permission{Action: action, Resource: resource, Context: keys})
	if decision.Allowed {
		return nil
	}
	return fmt.Errorf("%s is not authorized to perform: %s on resource: %s for %s %s",
		service, action, resource, sourceARN, decision.Reason)
}

// mayAssume checks that a service may assume the role that it is given.
func (c *Cloud) mayAssume(service, roleARN, sourceARN string) error {
	decision := c.policies.AuthorizeAssume(service, roleARN, map[string][]string{
		"aws:sourcearn": {sourceARN}, "aws:sourceaccount": {strings.Split(sourceARN, ":")[4]},
	})
	if decision.Allowed {
		return nil
	}
	return fmt.Errorf("the role %s cannot be assumed by %s", roleARN, service)
}
