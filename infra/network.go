package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/connection"
)

// trustedMachine is the state machine's among the names of roles that another account trusts.
const trustedMachine = "workflow"

// home is the network in whose account and Region Postern is deployed: the first one.
func (s Settings) home() connection.RegisteredNetwork { return s.Networks[0] }

// elsewhere reports whether a network is in another account or Region than Postern.
func (s Settings) elsewhere(network connection.RegisteredNetwork) bool {
	return network.AccountID != s.home().AccountID || network.Region != s.home().Region
}

// abroad reports whether a network is in another Region than Postern.
func (s Settings) abroad(network connection.RegisteredNetwork) bool {
	return network.Region != s.home().Region
}

// place fills in what follows from the account and Region of each network.
func (s Settings) place() {
	for i := range s.Networks {
		n := &s.Networks[i]
		n.ProbeFunction = probePrefix + n.Name
		if s.elsewhere(*n) {
			n.RoleARN = cmp.Or(n.RoleARN, roleARN(*n, networkRole(*n)))
			n.ProbeFunction = "arn:" + partition(n.Region) + ":lambda:" + n.Region + ":" + n.AccountID + ":function:" + n.ProbeFunction
		}
		if s.abroad(*n) {
			n.ProbeRelay = "postern-" + relayHandler
		}
	}
}

// networkRole is the name of the role through which a network is reached.
func networkRole(network connection.RegisteredNetwork) string {
	return "postern-network-" + network.Name
}

// trustedRole is the name of a role of Postern that other accounts trust. It names the Region, since roles are an account's, and
// Postern may be in several of its Regions.
func trustedRole(home connection.RegisteredNetwork, name string) string {
	return "postern-" + home.Region + "-" + name
}

// roleARN is the ARN of a role in the account of a network.
func roleARN(network connection.RegisteredNetwork, name string) string {
	return "arn:" + partition(network.Region) + ":iam::" + network.AccountID + ":role/" + name
}

func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// networkRoles are the roles that our functions may assume.
func (s *stack) networkRoles() []*string {
	return s.ofNetworks(s.settings.elsewhere, func(n connection.RegisteredNetwork) string { return n.RoleARN })
}

// rolesAbroad are the roles of networks of other Regions, which the relay may assume.
func (s *stack) rolesAbroad() []*string {
	return s.ofNetworks(s.settings.abroad, func(n connection.RegisteredNetwork) string { return n.RoleARN })
}

// probesElsewhere are the probe functions of other accounts that the state machine reaches.
func (s *stack) probesElsewhere() []*string {
	return s.ofNetworks(func(n connection.RegisteredNetwork) bool { return s.settings.elsewhere(n) && !s.settings.abroad(n) },
		func(n connection.RegisteredNetwork) string { return n.ProbeFunction })
}

// probes are the probe functions that a role of this account calls itself: those of the stack's Region.
func (s *stack) probes() []*string {
	var arns []*string
	for _, network := range s.networks {
		arns = append(arns, s.functions[network.ProbeFunction].FunctionArn())
	}
	return append(arns, s.probesElsewhere()...)
}

// ofNetworks is one property of each registered network for which meant reports true.
func (s *stack) ofNetworks(meant func(connection.RegisteredNetwork) bool, thing func(connection.RegisteredNetwork) string) []*string {
	var things []*string
	for _, network := range s.settings.Networks {
		if meant(network) {
			things = append(things, jsii.String(thing(network)))
		}
	}
	return things
}

// roleName is the name of a function's role where another account must know it, else nil: CloudFormation names it.
func (s *stack) roleName(f function) *string {
	if !f.reaches && f.name != relayHandler {
		return nil
	}
	return s.trustedName(f.name)
}

func (s *stack) trustedName(name string) *string {
	if len(s.networkRoles()) == 0 {
		return nil
	}
	return jsii.String(trustedRole(s.settings.home(), name))
}

// NewNetworkStack defines what a network of another account or Region needs there: the role through which Postern's functions reach
// it, and its probe function. Postern's state machine may invoke the probe, or in another Region the relay, by that role.
func NewNetworkStack(scope constructs.Construct, id string, settings Settings, network connection.RegisteredNetwork) awscdk.Stack {
	s := newScope(scope, id, "Postern: lets it connect "+network.VPCID+" privately to vendors", network)
	s.settings = settings
	home := settings.home()
	probe := s.newProbe(network)
	if !settings.abroad(network) {
		for _, caller := range []struct{ id, role string }{{"ProbeByPostern", trustedMachine}, {"ProbeByDriftCheck", driftHandler}} {
			awslambda.NewCfnPermission(s.scope, jsii.String(caller.id), &awslambda.CfnPermissionProps{
				Action: jsii.String("lambda:InvokeFunction"), FunctionName: probe.FunctionArn(),
				Principal: jsii.String(roleARN(home, trustedRole(home, caller.role))),
			})
		}
	}
	if network.RoleARN != roleARN(network, networkRole(network)) {
		return s.scope // the account has its own role for Postern
	}
	callers := []string{}
	for _, f := range functions {
		if f.reaches {
			callers = append(callers, roleARN(home, trustedRole(home, f.name)))
		}
	}
	if settings.abroad(network) {
		callers = append(callers, roleARN(home, trustedRole(home, relayHandler)))
	}
	role := awsiam.NewRole(s.scope, jsii.String("NetworkRole"), &awsiam.RoleProps{
		RoleName:    jsii.String(networkRole(network)),
		Description: jsii.String("Postern in " + home.AccountID + " reaches " + network.VPCID + " through it"),
		AssumedBy:   trusting(home, network.ExternalID, callers),
	})
	for _, f := range functions {
		for _, g := range f.grants {
			if g, there := g.inNetwork(); f.reaches && there {
				role.AddToPolicy(g.statement(s))
			}
		}
	}
	if settings.abroad(network) {
		probe.GrantInvoke(role)
	}
	return s.scope
}

// trusting trusts the roles that reach networks, and no other of their account, when they pass the external ID. A network of the
// home account has none: AWS asks for it where a third party acts for several customers.
//
// AWS: a role that is named as the principal is trusted by its internal ID: created again under its name, it is another role. The
// account with a condition on the role's ARN trusts every role of that name.
func trusting(home connection.RegisteredNetwork, externalID string, callers []string) awsiam.IPrincipal {
	conditions := map[string]any{"ArnEquals": map[string]any{"aws:PrincipalArn": callers}}
	if externalID != "" {
		conditions["StringEquals"] = map[string]any{"sts:ExternalId": externalID}
	}
	return awsiam.NewPrincipalWithConditions(awsiam.NewAccountPrincipal(home.AccountID), &conditions)
}

// inNetwork returns what a grant of a function allows in the account of a network; false when that is nothing. The table and the
// topics are in the home account. An endpoint of another account gets no connection notification, so none is made or deleted there.
func (g grant) inNetwork() (grant, bool) {
	g.actions = slices.DeleteFunc(slices.Clone(g.actions), func(action string) bool {
		service, name, _ := strings.Cut(action, ":")
		return !slices.Contains([]string{"ec2", "route53", "ssm", "vpce"}, service) ||
			strings.HasSuffix(name, "VpcEndpointConnectionNotification") || name == "DeleteVpcEndpointConnectionNotifications"
	})
	return g, len(g.actions) > 0
}
