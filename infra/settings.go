package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/connection"
	"postern/internal/plan"
	"postern/internal/webhook"
)

// Settings is the postern block of cdk.json's context.
type Settings struct {
	// Networks are the VPCs in which connections may be made; requests for any other are refused.
	Networks connection.Networks `json:"networks"`
	// ParameterPrefix is where published configuration goes in SSM, such as /postern.
	ParameterPrefix string `json:"parameterPrefix"`
	// OperatorsEmail gets the texts to send to vendors, and the alarms.
	OperatorsEmail string `json:"operatorsEmail"`
	// Webhooks are the ticket systems that may start executions, by source, each with what it changes of the source's mapping; see
	// internal/webhook/sources. {"github": {}} takes it as it is. Without any there is no API.
	Webhooks map[string]webhook.Override `json:"webhooks,omitempty"`
	// Timeouts override the vendor profiles' days and the heartbeat of the waits; 0 keeps them.
	Timeouts plan.Timeouts `json:"timeouts"`
}

// maxNetworks is the most bytes of networks that fit a function's environment with the rest, maxWithWebhooks that of networks
// and webhooks together. AWS: 4 KB for all of it.
const (
	maxNetworks     = 3000
	maxWithWebhooks = 3600
)

var (
	namePattern    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,30}$`)
	accountPattern = regexp.MustCompile(`^\d{12}$`)
	prefixPattern  = regexp.MustCompile(`^(/[A-Za-z0-9_.-]+){1,5}$`)
	emailPattern   = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
	regionPattern  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
	// AWS: AssumeRole's pattern of an external id, which may be longer than a function's environment has room for.
	externalIDPattern = regexp.MustCompile(`^[\w+=,.@:/-]{2,128}$`)
	idPattern         = regexp.MustCompile(`^([0-9a-f]{8}|[0-9a-f]{17})$`) // after the kind
)

// settingsFile names the environment variable with the path of a file to use instead of the postern block: tests and the demo
// have a world of their own, whatever is deployed.
const settingsFile = "POSTERN_SETTINGS"

// fileContext returns the context of a cdk.json. The CDK command line hands it over too and then wins; run alone, the app must
// read it itself, or the feature flags would differ and with them the template: what is tested must be what is deployed.
func fileContext(path string) *map[string]any {
	raw, err := os.ReadFile(path) //nolint:gosec // cdk.json, named in main
	if err != nil {
		panic(fmt.Sprintf("%v: run from the project's root", err))
	}
	var file struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		panic(fmt.Sprintf("%s: %v", path, err))
	}
	return &file.Context
}

// readSettings reads the postern block; a wrong one ends the synthesis.
func readSettings(app awscdk.App) Settings {
	raw, err := postern(app)
	if err != nil {
		panic(fmt.Sprintf("reading the postern block: %v", err))
	}
	settings, err := parseSettings(raw)
	if err != nil {
		panic(err.Error())
	}
	return settings
}

func postern(app awscdk.App) ([]byte, error) {
	if path := os.Getenv(settingsFile); path != "" {
		return os.ReadFile(path) //nolint:gosec // the operator names the file
	}
	return json.Marshal(app.Node().TryGetContext(jsii.String("postern")))
}

// parseSettings decodes the block and checks it; the error has a line for each fault.
func parseSettings(raw []byte) (Settings, error) {
	const block = "the postern block of cdk.json's context"
	var settings Settings
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&settings); err != nil {
		return Settings{}, fmt.Errorf("%s: %w; docs/deploy.md lists its fields", block, err)
	}
	if faults := settings.check(); len(faults) > 0 {
		return Settings{}, fmt.Errorf("%s:\n- %s", block, strings.Join(faults, "\n- "))
	}
	settings.place()
	return settings, nil
}

// check returns every fault, with the field and what to write.
func (s Settings) check() []string {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	s.checkNetworks(fault)
	s.checkWebhooks(fault)
	// AWS: names that begin with aws or ssm, in any letter case, are its own.
	first := strings.ToLower(s.ParameterPrefix)
	if !prefixPattern.MatchString(s.ParameterPrefix) || strings.HasPrefix(first, "/aws") || strings.HasPrefix(first, "/ssm") {
		fault("parameterPrefix: %q; write a path such as /postern", s.ParameterPrefix)
	}
	if !emailPattern.MatchString(s.OperatorsEmail) {
		fault("operatorsEmail: %q; write the operators' e-mail address", s.OperatorsEmail)
	}
	// The functions check again at their cold start; what they would refuse must not be deployed.
	if raw, err := json.Marshal(s.Timeouts); err != nil {
		fault("timeouts: %v", err)
	} else if _, err := plan.ParseTimeouts(string(raw)); err != nil {
		fault("%v; 0 keeps the vendor profile's", err)
	}
	return faults
}

func (s Settings) checkNetworks(fault func(format string, args ...any)) {
	if len(s.Networks) == 0 {
		fault("networks: missing; list the VPCs in which connections may be made")
	}
	names, vpcs := map[string]bool{}, map[string]bool{}
	for i, network := range s.Networks {
		path := fmt.Sprintf("networks[%d]", i)
		if !namePattern.MatchString(network.Name) || names[network.Name] {
			fault("%s.name: %q; write 1 to 31 of a-z, 0-9 and '-', each name once", path, network.Name)
		}
		if vpcs[network.VPCID] {
			fault("%s.vpcId: %s is registered above; register each VPC once", path, network.VPCID)
		}
		names[network.Name], vpcs[network.VPCID] = true, true
		checkPlace(path, network, s.Networks[0], fault)
	}
	if raw, _ := json.Marshal(s.Networks); len(raw) > maxNetworks {
		fault("networks: %d bytes, more than the %d that fit a function's environment; register fewer networks", len(raw), maxNetworks)
	}
}

// checkPlace: Postern is in the account and Region of the first network, and reaches the others from there.
func checkPlace(path string, network, first connection.RegisteredNetwork, fault func(format string, args ...any)) {
	if !accountPattern.MatchString(network.AccountID) {
		fault("%s.accountId: %q; write the 12 digits of the account the VPC is in", path, network.AccountID)
	}
	switch {
	case !regionPattern.MatchString(network.Region):
		fault("%s.region: %q; write the Region the VPC is in, such as us-east-1", path, network.Region)
	case partition(network.Region) != partition(first.Region):
		fault("%s.region: %q is not of the partition %s, that of the first network; deploy Postern there too, with this network: "+
			"no role is trusted across partitions", path, network.Region, partition(first.Region))
	}
	checkRole(path, network, first, fault)
	if network.EndpointQuota < 0 {
		fault("%s.endpointQuota: %d; write the account's quota, or leave it out for AWS's default", path, network.EndpointQuota)
	}
	checkIDs(path+".vpcId", "vpc", []string{network.VPCID}, fault)
	checkIDs(path+".probeSubnetIds", "subnet", network.ProbeSubnetIDs, fault)
	checkIDs(path+".probeSecurityGroupIds", "sg", network.ProbeSecurityGroupIDs, fault)
}

// checkRole: a network of another account is reached through a role, which demands an external ID.
func checkRole(path string, network, first connection.RegisteredNetwork, fault func(format string, args ...any)) {
	if network.AccountID == first.AccountID {
		if network.RoleARN != "" || network.ExternalID != "" {
			fault("%s: roleArn and externalId are for networks of other accounts; leave them out", path)
		}
		return
	}
	if !externalIDPattern.MatchString(network.ExternalID) {
		fault("%s.externalId: %q; write a new value, such as the output of uuidgen: the role in %s trusts only callers that pass it",
			path, network.ExternalID, network.AccountID)
	}
	own := ":iam::" + network.AccountID + ":role/"
	if network.RoleARN != "" && (!strings.HasPrefix(network.RoleARN, "arn:") || !strings.Contains(network.RoleARN, own)) {
		fault("%s.roleArn: %q; write the ARN of a role in %s, or leave it out for the one that the network stack makes",
			path, network.RoleARN, network.AccountID)
	}
}

// checkIDs: the probe runs where the clients run, so none may be missing.
func checkIDs(path, kind string, ids []string, fault func(format string, args ...any)) {
	if len(ids) == 0 {
		fault("%s: missing; write at least one id such as %s-0a1b2c3d4e5f60718", path, kind)
	}
	for _, id := range ids {
		if found, digits, _ := strings.Cut(id, "-"); found != kind || !idPattern.MatchString(digits) {
			fault("%s: %q; write an id such as %s-0a1b2c3d4e5f60718", path, id, kind)
		}
	}
}

func (s Settings) checkWebhooks(fault func(string, ...any)) {
	if len(s.Webhooks) == 0 {
		return
	}
	raw, err := json.Marshal(s.Webhooks)
	if err != nil {
		panic(err) // strings only
	}
	if _, err := webhook.Load(string(raw)); err != nil {
		fault("%v", err)
	}
	networks, _ := json.Marshal(s.Networks)
	if size := len(raw) + len(networks); size > maxWithWebhooks {
		fault("webhooks: %d bytes with the networks, more than the %d that fit a function's environment; map fewer fields",
			size, maxWithWebhooks)
	}
}
