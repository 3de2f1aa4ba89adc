package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// nag is the app with the AWS Solutions checks of cdk-nag over it. They are no part of what is deployed: a suppression in the
// stack would be metadata in the template.
func nag() {
	defer jsii.Close()
	app := awscdk.NewApp(&awscdk.AppProps{Context: fileContext("cdk.json")})
	newStacks(app)
	awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(nil), nil)
	defer func() {
		// A finding is an error of the synthesis, which is a panic. The report is written by then; the test reads it.
		if fault := recover(); fault != nil && !strings.Contains(fmt.Sprint(fault), "ValidationFailed") {
			panic(fault)
		}
	}()
	app.Synth(nil)
}

// logicalSuffix is what CDK adds to a construct's name.
var logicalSuffix = regexp.MustCompile(`[0-9A-F]{8}\.Arn>`)

// TestNag: the stacks have no finding but those of accepted, and accepted names none that is gone.
func TestNag(t *testing.T) {
	t.Parallel()
	settings, err := os.ReadFile(demo)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := assemble(dir, "nag", settings); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "out", "validation-report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		PluginReports []struct {
			Violations []struct {
				Description         string
				ViolatingConstructs []struct{ ConstructPath string }
			}
		}
	}
	if err := json.Unmarshal(raw, &report); err != nil {
		t.Fatal(err)
	}
	found := map[string]map[string]bool{}
	for _, plugin := range report.PluginReports {
		for _, violation := range plugin.Violations {
			rule, why, _ := strings.Cut(strings.TrimPrefix(violation.Description, "AwsSolutions-"), ": ")
			rule = logicalSuffix.ReplaceAllString(rule, ">")
			for _, construct := range violation.ViolatingConstructs {
				resource := strings.TrimSuffix(strings.TrimPrefix(construct.ConstructPath, "Postern/"), "/Resource")
				resource = strings.TrimSuffix(resource, "/DefaultPolicy")
				if found[resource] == nil {
					found[resource] = map[string]bool{}
				}
				found[resource][rule] = true
				if accepted[resource][rule] == "" {
					t.Errorf("%s: %s: %s", resource, rule, why)
				}
			}
		}
	}
	for resource, rules := range accepted {
		for rule := range rules {
			if !found[resource][rule] {
				t.Errorf("%s: %s is accepted and no longer found", resource, rule)
			}
		}
	}
}

// The wildcards of cdk-nag's rule IAM5.
const (
	endpoints   = "IAM5[Resource::arn:aws:ec2:us-east-1:111122223333:vpc-endpoint/*]"
	groups      = "IAM5[Resource::arn:aws:ec2:us-east-1:111122223333:security-group/*]"
	subnets     = "IAM5[Resource::arn:aws:ec2:us-east-1:111122223333:subnet/*]"
	hostedZones = "IAM5[Resource::arn:aws:route53:::hostedzone/*]"
	published   = "IAM5[Resource::arn:aws:ssm:us-east-1:111122223333:parameter/postern/*]"
	ownRuns     = "IAM5[Resource::arn:aws:states:us-east-1:111122223333:execution:postern:*]"
	everything  = "IAM5[Resource::*]"
)

// Reasons that several roles share.
const (
	traces   = "X-Ray's writes, which AWS cannot restrict to a resource"
	looks    = "EC2's Describe actions, which AWS cannot restrict to a resource; " + traces
	reads    = "Route 53's List actions, which AWS cannot restrict to a resource; " + looks
	notices  = "; connection notifications, which have no resource types"
	newZones = "; CreateHostedZone, which has no resource before, and the condition demands a registered VPC"
	adapters = "Lambda's own network interfaces, denied to the code itself; " + traces
	creating = "made with our tag, and tagged then, or adopted without it; what carries our tag; AllowMultiRegion only adds to CreateVpcEndpoint"
	named    = "named by the request, checked by the plan to be in the registered VPC"
	versions = "CDK grants a function's versions with the function; there are none, and all would be ours"
	tagged   = "ids are not known before they are made; the condition demands our tag"
	zoneIDs  = "ids of zones are not known before they are made, and Route 53 has no condition on tags"
	shared   = "shared with the ticket system, which has no API to rotate it; docs/webhooks.md says how"
	issued   = "issued by the ticket system, which alone can make another; docs/webhooks.md says how"
	holders  = "a read of who holds a connection, whichever execution of our own machine that is"
	prefixed = "the prefix that the operator chose; names follow vendors"
)

// inNetwork are the findings of a network's role in another Region and account, with the probes that it invokes.
func inNetwork(place string, probes ...string) map[string]string {
	there := func(rule string) string { return strings.Replace(rule, "us-east-1:111122223333", place, 1) }
	found := map[string]string{
		everything:         "EC2's Describe and Route 53's List actions, which AWS cannot restrict to a resource" + newZones,
		there(endpoints):   creating,
		there(groups):      named + "; those that are made carry our tag",
		there(subnets):     named,
		there(hostedZones): zoneIDs + "; those of registered VPCs only, where AWS can tell",
		there(published):   prefixed,
	}
	for _, probe := range probes {
		found["IAM5[Resource::<"+probe+">:*]"] = versions
	}
	return found
}

// accepted are the findings that stay, by resource and rule, each with its reason.
var accepted = map[string]map[string]string{
	"AcknowledgeRole": {
		ownRuns:    holders,
		everything: looks,
	},
	"Api/POST--webhook--{source}": {
		"APIG4": "a ticket system signs its requests; the function checks the signature before it reads",
	},
	"AwaitAvailableRole": {
		everything: looks,
	},
	"AwaitGateRole": {
		ownRuns:    holders,
		everything: looks,
	},
	"TicketRole": {
		everything: traces,
	},
	"Comments": {
		"DDB3": "claims on comments, gone by themselves after some days; what was posted stands in the ticket",
	},
	"ConfigureDnsRole": {
		everything:  reads + newZones,
		endpoints:   tagged,
		hostedZones: zoneIDs,
	},
	"DeadLetters": {
		"SQS3": "it is the dead-letter queue itself, of rules, subscriptions and functions",
	},
	"DriftRole": {
		everything:  reads,
		hostedZones: "a read; " + zoneIDs,
		published:   "a read; " + prefixed,
	},
	"EnsureEndpointRole": {
		ownRuns:     holders,
		everything:  looks + notices,
		endpoints:   creating,
		groups:      named + "; those that are made carry our tag",
		subnets:     named,
		hostedZones: "AWS demands AssociateVPCWithHostedZone in addition to CreateVpcEndpoint; the VPCs are the registered ones",
	},
	"FleetRole": {
		everything: traces,
	},
	"FleetWorkflowRole": {
		everything:                  "delivery of logs, which AWS cannot restrict; " + traces,
		ownRuns:                     "executions of our own machine, whose names are not known before",
		"IAM5[Resource::<Fleet>:*]": versions,
	},
	"GithubCredential":     {"SMG4": issued},
	"GithubSecret":         {"SMG4": shared},
	"JiraCredential":       {"SMG4": issued},
	"JiraSecret":           {"SMG4": shared},
	"ServicenowCredential": {"SMG4": issued},
	"ServicenowSecret":     {"SMG4": shared},
	"StandardCredential":   {"SMG4": issued},
	"StandardSecret":       {"SMG4": shared},
	"ZendeskCredential":    {"SMG4": issued},
	"ZendeskSecret":        {"SMG4": shared},
	"MailRole": {
		everything:                           traces,
		"IAM5[Action::kms:GenerateDataKey*]": "AWS names the action so for encrypted topics; the key is ours",
	},
	"ObserveRole": {
		everything: looks,
	},
	"OffboardRole": {
		ownRuns:     holders,
		everything:  looks + notices,
		groups:      tagged,
		endpoints:   tagged,
		hostedZones: zoneIDs,
		published:   prefixed,
	},
	"OrphanRole": {
		ownRuns:    holders,
		everything: reads,
	},
	"PlanRole": {
		ownRuns:     holders,
		everything:  reads,
		hostedZones: "a read; " + zoneIDs,
		published:   "a read; " + prefixed,
	},
	"ProbeAgentsProdRole": {
		everything: adapters,
	},
	"ProbeAgentsStagingRole": {
		everything: adapters,
	},
	// Of the networks' stacks: their roles may do there what the functions' roles may do at home.
	"Postern-agents-research/NetworkRole":             inNetwork("us-east-1:222233334444"),
	"Postern-agents-europe/NetworkRole":               inNetwork("eu-west-1:111122223333", "ProbeAgentsEurope"),
	"Postern-research-europe/NetworkRole":             inNetwork("eu-west-1:222233334444", "ProbeResearchEurope"),
	"Postern-agents-research/ProbeAgentsResearchRole": {everything: adapters},
	"Postern-agents-europe/ProbeAgentsEuropeRole":     {everything: adapters},
	"Postern-research-europe/ProbeResearchEuropeRole": {everything: adapters},
	"PublishConfigRole": {
		everything: traces,
		published:  prefixed,
	},
	"RelayRole": {
		everything: traces,
	},
	"ResumeRole": {
		everything: "SendTask actions, which AWS cannot restrict to a machine; " + traces,
	},
	"RollbackRole": {
		everything:  reads + notices,
		groups:      tagged,
		endpoints:   tagged,
		hostedZones: zoneIDs,
		published:   prefixed,
	},
	"WebhookRole": {
		ownRuns:    holders,
		everything: traces,
	},
	"PageRole": {
		everything: traces,
	},
	"WorkflowRole": {
		everything:                               "delivery of logs, which AWS cannot restrict; " + traces,
		"IAM5[Resource::<AwaitAvailable>:*]":     versions,
		"IAM5[Resource::<Acknowledge>:*]":        versions,
		"IAM5[Resource::<AwaitGate>:*]":          versions,
		"IAM5[Resource::<ConfigureDns>:*]":       versions,
		"IAM5[Resource::<EnsureEndpoint>:*]":     versions,
		"IAM5[Resource::<Offboard>:*]":           versions,
		"IAM5[Resource::<Plan>:*]":               versions,
		"IAM5[Resource::<ProbeAgentsProd>:*]":    versions,
		"IAM5[Resource::<ProbeAgentsStaging>:*]": versions,
		"IAM5[Resource::<PublishConfig>:*]":      versions,
		"IAM5[Resource::<Relay>:*]":              versions,
		"IAM5[Resource::<Rollback>:*]":           versions,
	},
}
