package main

import (
	"encoding/json"
	"strings"
	"testing"

	"postern/internal/connection"
	"postern/internal/step"
)

// networksOf are the networks as the functions read them.
func networksOf(t *testing.T) connection.Networks {
	t.Helper()
	variables := the(template.Resources[functionsByHandler(t)["plan"]].Properties["Environment"], "Variables")
	raw, _ := the(variables, step.EnvNetworks).(string)
	networks, err := connection.ParseNetworks(raw)
	if err != nil {
		t.Fatal(err)
	}
	return networks
}

// TestRelay: networks of other Regions, and no others, are probed over the relay that exists; it may assume their roles and no others.
func TestRelay(t *testing.T) {
	t.Parallel()
	functions := functionsByHandler(t)
	relay, probe := template.Resources[functions[relayHandler]].Properties, template.Resources[functions["probe"]].Properties
	var roles []string
	for _, network := range networksOf(t) {
		abroad := network.Region != "us-east-1"
		if abroad {
			roles = append(roles, network.RoleARN)
		}
		if (network.ProbeRelay != "") != abroad || abroad && network.ProbeRelay != relay["FunctionName"] {
			t.Errorf("%s is probed over %q, the relay is %v", network.Name, network.ProbeRelay, relay["FunctionName"])
		}
		if elsewhere := strings.HasPrefix(network.ProbeFunction, "arn:aws:lambda:"+network.Region+":"+network.AccountID+":"); abroad && !elsewhere {
			t.Errorf("%s: the relay would call %s", network.Name, network.ProbeFunction)
		}
	}
	if found := statements(t, functions[relayHandler]); len(roles) != 2 || len(found) != 1 || found[0].resource != text(roles) {
		t.Errorf("the relay may %v, want the roles %v", found, roles)
	}
	shorter, longer := probe["Timeout"].(float64), relay["Timeout"].(float64)
	for name, s := range machine.States {
		if strings.Contains(s.Resource, ":lambda:invoke") && !strings.HasSuffix(s.Resource, ".waitForTaskToken") &&
			(longer <= shorter || s.TimeoutSeconds <= longer) {
			t.Errorf("%s ends after %v s, the relay after %v s, the probe after %v s", name, s.TimeoutSeconds, longer, shorter)
		}
	}
}

// TestNetworkStacks: each allows the functions that call there, by the way they call.
func TestNetworkStacks(t *testing.T) {
	t.Parallel()
	for _, network := range networksOf(t) {
		if network.RoleARN == "" {
			continue
		}
		var stack struct{ Resources map[string]resource }
		if err := json.Unmarshal(template.networks[network.Name], &stack); err != nil {
			t.Fatalf("%s: %v", network.Name, err)
		}
		var trust, allowed string
		permissions := 0
		for id, r := range stack.Resources {
			switch {
			case r.Type == "AWS::Lambda::Permission":
				permissions++
			case r.Type == "AWS::IAM::Role" && strings.HasPrefix(id, "NetworkRole"):
				trust = text(r.Properties["AssumeRolePolicyDocument"])
			case r.Type == "AWS::IAM::Policy" && strings.HasPrefix(id, "NetworkRole"):
				allowed = text(r.Properties["PolicyDocument"])
			}
		}
		abroad, foreign := network.ProbeRelay != "", network.AccountID != "111122223333"
		if strings.Contains(trust, relayHandler) != abroad || strings.Contains(allowed, "lambda:InvokeFunction") != abroad {
			t.Errorf("%s: its role trusts %s and may %s", network.Name, trust, allowed)
		}
		if callers := map[bool]int{false: 2, true: 0}[abroad]; permissions != callers { // the state machine, the drift check
			t.Errorf("%s: %d callers of the probe are allowed in addition to the role", network.Name, permissions)
		}
		if !strings.Contains(trust, network.ExternalID) || strings.Contains(trust, "sts:ExternalId") != foreign {
			t.Errorf("%s: its role trusts %s", network.Name, trust)
		}
		if !strings.Contains(trust, "aws:PrincipalArn") {
			t.Errorf("%s: everybody of the account is trusted: %s", network.Name, trust)
		}
	}
}
