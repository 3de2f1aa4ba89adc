package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"postern/internal/connection"
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
	// Webhooks are the ticket systems that may ask, by source, each with what it changes of the source's mapping; see
	// internal/webhook/sources. {"github": {}} takes it as it is. Without any there is no door.
	Webhooks map[string]webhook.Override `json:"webhooks,omitempty"`
	// Timeouts override the vendor profiles'; 0 keeps the profile's.
	Timeouts Timeouts `json:"timeouts"`
}

// Timeouts of the two waits, and of the watch over them.
type Timeouts struct {
	AllowlistDays  int `json:"allowlistDays,omitempty"`
	ApprovalDays   int `json:"approvalDays,omitempty"`
	HeartbeatHours int `json:"heartbeatHours,omitempty"`
}

// maxNetworks is the most bytes of networks that fit a function's environment beside the rest, maxWithWebhooks that of networks and
// webhooks together. AWS: 4 KB for all of it.
const (
	maxNetworks     = 3000
	maxWithWebhooks = 3600
)

var (
	namePattern    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,30}$`)
	accountPattern = regexp.MustCompile(`^\d{12}$`)
	prefixPattern  = regexp.MustCompile(`^(/[A-Za-z0-9_.-]+){1,5}$`)
	emailPattern   = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
	idPattern      = regexp.MustCompile(`^(vpc|subnet|sg)-([0-9a-f]{8}|[0-9a-f]{17})$`)
)

// readSettings reads the context. The CDK command line hands over cdk.json's; run alone, the app reads the file itself.
func readSettings(app awscdk.App) Settings {
	block := app.Node().TryGetContext(jsii.String("postern"))
	if block == nil {
		block = fromFile("cdk.json")
	}
	raw, err := json.Marshal(block)
	if err != nil {
		panic(fmt.Sprintf("the postern block of cdk.json's context: %v", err))
	}
	var settings Settings
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&settings); err != nil {
		panic(fmt.Sprintf("the postern block of cdk.json's context: %v; see README.md for its fields", err))
	}
	if faults := settings.check(); len(faults) > 0 {
		panic("the postern block of cdk.json's context:\n- " + strings.Join(faults, "\n- "))
	}
	return settings
}

func fromFile(path string) any {
	raw, err := os.ReadFile(path)
	if err != nil {
		panic(fmt.Sprintf("no postern block in the context, and %v: run from the project's root", err))
	}
	var file struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		panic(fmt.Sprintf("%s: %v", path, err))
	}
	return file.Context["postern"]
}

// check returns every fault, with the field and what to write.
func (s Settings) check() []string {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	s.checkNetworks(fault)
	s.checkWebhooks(fault)
	if !prefixPattern.MatchString(s.ParameterPrefix) || strings.HasPrefix(s.ParameterPrefix, "/aws") || strings.HasPrefix(s.ParameterPrefix, "/ssm") {
		fault("parameterPrefix: %q; write a path such as /postern", s.ParameterPrefix)
	}
	if !emailPattern.MatchString(s.OperatorsEmail) {
		fault("operatorsEmail: %q; write the operators' e-mail address", s.OperatorsEmail)
	}
	if s.Timeouts.AllowlistDays < 0 || s.Timeouts.ApprovalDays < 0 || s.Timeouts.HeartbeatHours < 0 {
		fault("timeouts: write positive numbers, or leave them out for the vendor profile's")
	}
	return faults
}

func (s Settings) checkNetworks(fault func(format string, args ...any)) {
	if len(s.Networks) == 0 {
		fault("networks: missing; list the VPCs in which connections may be made")
	}
	seen := map[string]bool{}
	for i, network := range s.Networks {
		path := fmt.Sprintf("networks[%d]", i)
		if !namePattern.MatchString(network.Name) || seen[network.Name] {
			fault("%s.name: %q; write 1 to 31 of a-z, 0-9 and '-', each name once", path, network.Name)
		}
		seen[network.Name] = true
		if !accountPattern.MatchString(network.AccountID) || network.AccountID != s.Networks[0].AccountID {
			fault("%s.accountId: %q; write the 12 digits of the account the stack is deployed to", path, network.AccountID)
		}
		if network.Region == "" || network.Region != s.Networks[0].Region {
			fault("%s.region: %q; write the Region the stack is deployed to", path, network.Region)
		}
		ids := append([]string{network.VPCID}, append(network.ProbeSubnetIDs, network.ProbeSecurityGroupIDs...)...)
		for _, id := range ids {
			if !idPattern.MatchString(id) {
				fault("%s: %q is not an id of AWS", path, id)
			}
		}
		if len(network.ProbeSubnetIDs) == 0 || len(network.ProbeSecurityGroupIDs) == 0 {
			fault("%s: probeSubnetIds and probeSecurityGroupIds are needed: the probe runs where the clients run", path)
		}
	}
	if raw, _ := json.Marshal(s.Networks); len(raw) > maxNetworks {
		fault("networks: %d bytes, more than the %d that fit a function's environment; deploy a second stack", len(raw), maxNetworks)
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
