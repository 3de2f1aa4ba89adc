package iam

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"postern/internal/local/wire"
)

// Grant is one action that one statement allows.
type Grant struct {
	Owner     string // ARN of the role or of the resource
	Policy    string // name of the policy
	Statement string // its Sid, or its place in the policy
	Action    string // as written, wildcards included
}

// Policies are the policies of all accounts: each is attached to an ARN, which names its account. Safe for concurrent use.
type Policies struct {
	mu         sync.Mutex
	identities map[string][]policy // by role
	resources  map[string][]policy // by resource
	trusts     map[string][]policy // by role
	used       map[Grant]bool
}

type policy struct {
	owner, name string
	awsManaged  bool
	document
}

// NewPolicies returns policies without any yet.
func NewPolicies() *Policies {
	return &Policies{
		identities: map[string][]policy{},
		resources:  map[string][]policy{},
		trusts:     map[string][]policy{},
		used:       map[Grant]bool{},
	}
}

// AttachIdentity attaches a policy document to a role.
func (p *Policies) AttachIdentity(roleARN, name string, document any) error {
	return p.attach(p.identities, identityPolicy, policy{owner: roleARN, name: name}, document)
}

// AttachResource attaches a policy document to a resource: a topic, a queue, a key, a function.
func (p *Policies) AttachResource(resourceARN, name string, document any) error {
	return p.attach(p.resources, resourcePolicy, policy{owner: resourceARN, name: name}, document)
}

// AttachTrust sets who may assume a role.
func (p *Policies) AttachTrust(roleARN string, document any) error {
	return p.attach(p.trusts, trustPolicy, policy{owner: roleARN, name: "trust"}, document)
}

// AttachManaged attaches one of AWS's own managed policies to a role.
func (p *Policies) AttachManaged(roleARN, policyARN string) error {
	actions, known := managed[policyARN[strings.LastIndex(policyARN, "/")+1:]]
	if !known || !strings.Contains(policyARN, ":iam::aws:policy/") {
		return fmt.Errorf("the managed policy %s is not simulated", policyARN)
	}
	statement := map[string]any{"Effect": "Allow", "Action": actions, "Resource": "*"}
	document := map[string]any{"Version": "2012-10-17", "Statement": statement}
	return p.attach(p.identities, identityPolicy, policy{owner: roleARN, name: policyARN, awsManaged: true}, document)
}

// managed are the actions of AWS's managed policies, each on every resource.
var managed = map[string][]any{
	"AWSLambdaBasicExecutionRole": {"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"},
	"AWSLambdaVPCAccessExecutionRole": {
		"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents",
		"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface",
		"ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
	},
	"AWSXRayDaemonWriteAccess": {
		"xray:PutTraceSegments", "xray:PutTelemetryRecords",
		"xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:GetSamplingStatisticSummaries",
	},
}

func (p *Policies) attach(to map[string][]policy, kind kind, policy policy, raw any) error {
	document, err := parseDocument(raw, kind)
	if err != nil {
		return fmt.Errorf("policy %s of %s: %w", policy.name, policy.owner, err)
	}
	policy.document = document
	p.mu.Lock()
	defer p.mu.Unlock()
	to[policy.owner] = append(to[policy.owner], policy)
	return nil
}

// request is what is asked of the policies.
type request struct {
	service         string // calling AWS service, or ""
	role            string // calling role, or ""
	account         string
	action, subject string
	keys            map[string][]string
}

// accountOf is the account in an ARN, "" for what names none, such as a hosted zone's.
func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}

// Authorize decides what a role may do: allowed by its policies, or by a policy of the resource that names the role, and denied
// by none. The policy of a KMS key, and that of a role to assume, must let the account's policies count. So must a resource of
// another account, and there the role's own policies must always allow it too.
func (p *Policies) Authorize(roleARN string, permission wire.Permission) wire.Decision {
	r := request{
		role: roleARN, account: accountOf(roleARN), action: permission.Action, subject: permission.Resource, keys: permission.Context,
	}
	owner := accountOf(permission.Resource)
	foreign := owner != "" && owner != r.account
	p.mu.Lock()
	defer p.mu.Unlock()
	identity := p.evaluate(p.identities[roleARN], r, false)
	resource := p.evaluate(p.resources[permission.Resource], r, true)
	if permission.Action == assumeRole {
		resource = p.evaluate(p.trusts[permission.Resource], r, true)
	}
	both := foreign || permission.Action == assumeRole || strings.HasPrefix(permission.Action, "kms:")
	switch {
	case identity == denies:
		return wire.Decision{Reason: "with an explicit deny in an identity-based policy"}
	case resource == denies:
		return wire.Decision{Reason: "with an explicit deny in a resource-based policy"}
	case resource == allows && !foreign, identity == allows && (!both || resource >= delegates):
		return wire.Decision{Allowed: true}
	case identity == allows:
		return wire.Decision{Reason: fmt.Sprintf("because no resource-based policy allows the %s action", permission.Action)}
	}
	return wire.Decision{Reason: fmt.Sprintf("because no identity-based policy allows the %s action", permission.Action)}
}

// AuthorizeService decides what an AWS service, such as events.amazonaws.com, may do to a resource of the account: only what
// the resource's own policy allows. The context carries aws:sourcearn and aws:sourceaccount.
func (p *Policies) AuthorizeService(service string, permission wire.Permission) wire.Decision {
	return p.authorizeService(p.resources, service, permission)
}

const assumeRole = "sts:AssumeRole"

// AuthorizeAssume decides whether an AWS service may assume a role.
func (p *Policies) AuthorizeAssume(service, roleARN string, context map[string][]string) wire.Decision {
	return p.authorizeService(p.trusts, service, wire.Permission{Action: assumeRole, Resource: roleARN, Context: context})
}

func (p *Policies) authorizeService(policies map[string][]policy, service string, permission wire.Permission) wire.Decision {
	r := request{service: service, action: permission.Action, subject: permission.Resource, keys: permission.Context}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch p.evaluate(policies[permission.Resource], r, true) {
	case allows:
		return wire.Decision{Allowed: true}
	case denies:
		return wire.Decision{Reason: "with an explicit deny in a resource-based policy"}
	}
	return wire.Decision{Reason: fmt.Sprintf("because no resource-based policy allows the %s action", permission.Action)}
}

// verdict is what policies say to a request.
type verdict int

const (
	silent    verdict = iota
	delegates         // a resource's policy allows the account, and leaves the rest to the policies of its roles
	allows
	denies
)

func (p *Policies) evaluate(policies []policy, r request, withPrincipal bool) verdict {
	result := silent
	for _, policy := range policies {
		for _, statement := range policy.statements {
			verdict := statement.evaluate(r, withPrincipal)
			if verdict == allows || verdict == delegates {
				p.use(policy, statement, r.action)
			}
			result = max(result, verdict)
		}
	}
	return result
}

func (p *Policies) use(policy policy, s statement, action string) {
	action = strings.ToLower(action)
	for i, pattern := range s.folded {
		if glob(pattern, action) {
			p.used[Grant{Owner: policy.owner, Policy: policy.name, Statement: s.name, Action: s.actions[i]}] = true
		}
	}
}

func (s statement) evaluate(r request, withPrincipal bool) verdict {
	granted := denies
	if s.allow {
		granted = allows
	}
	if withPrincipal {
		switch s.principals.match(r) {
		case silent:
			return silent
		case delegates:
			if s.allow {
				granted = delegates
			}
		}
	}
	if !covers(s.folded, s.notFolded, strings.ToLower(r.action)) {
		return silent
	}
	aboutResources := s.resources != nil || s.notResources != nil // a trust policy is not
	if aboutResources && !covers(s.resources, s.notResources, r.subject) {
		return silent
	}
	if slices.ContainsFunc(s.conditions, func(c condition) bool { return !c.holds(r.keys) }) {
		return silent
	}
	return granted
}

// match says whether the statement is about the caller: silent, delegates (it names the caller's account), or allows.
func (p principals) match(r request) verdict {
	if p.everyone {
		return allows
	}
	if r.service != "" {
		if slices.Contains(p.services, r.service) {
			return allows
		}
		return silent
	}
	account := silent
	for _, principal := range p.aws {
		if principal == r.role {
			return allows
		}
		if principal == r.account || strings.HasSuffix(principal, ":iam::"+r.account+":root") {
			account = delegates
		}
	}
	return account
}

func covers(is, not []string, subject string) bool {
	matches := func(pattern string) bool { return glob(pattern, subject) }
	if not != nil {
		return !slices.ContainsFunc(not, matches)
	}
	return slices.ContainsFunc(is, matches)
}

// lower folds action patterns, whose case IAM ignores. Nil stays nil.
func lower(patterns []string) []string {
	if patterns == nil {
		return nil
	}
	folded := make([]string, len(patterns))
	for i, pattern := range patterns {
		folded[i] = strings.ToLower(pattern)
	}
	return folded
}

// Grants returns every grant that the policies contain and whether it was used. AWS's managed policies are left out: what they
// grant is not ours to trim.
func (p *Policies) Grants() (used, unused []Grant) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, attached := range []map[string][]policy{p.identities, p.resources, p.trusts} {
		for _, policies := range attached {
			for _, policy := range policies {
				for _, grant := range policy.grants() {
					if p.used[grant] {
						used = append(used, grant)
					} else {
						unused = append(unused, grant)
					}
				}
			}
		}
	}
	slices.SortFunc(used, compareGrants)
	slices.SortFunc(unused, compareGrants)
	return used, unused
}

func (p policy) grants() []Grant {
	var grants []Grant
	for _, s := range p.statements {
		if !s.allow || p.awsManaged {
			continue
		}
		for _, action := range s.actions {
			grants = append(grants, Grant{Owner: p.owner, Policy: p.name, Statement: s.name, Action: action})
		}
	}
	return grants
}

func compareGrants(a, b Grant) int {
	return cmp.Or(cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Policy, b.Policy),
		cmp.Compare(a.Statement, b.Statement), cmp.Compare(a.Action, b.Action))
}
