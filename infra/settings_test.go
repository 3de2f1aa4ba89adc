package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"postern/internal/connection"
	"postern/internal/webhook"
)

func TestSettingsFaults(t *testing.T) {
	t.Parallel()
	network := connection.RegisteredNetwork{
		Name: "a", AccountID: "111122223333", Region: "us-east-1", VPCID: "vpc-0a1b2c3d4e5f60718",
		ProbeSubnetIDs: []string{"subnet-0a10000000000000a"}, ProbeSecurityGroupIDs: []string{"sg-0c0000000000000c1"},
	}
	there := network
	there.Name, there.AccountID, there.VPCID, there.ExternalID = "b", "444455556666", "vpc-0f1e2d3c4b5a69788", "0d2b7c9e1f63"
	good := Settings{Networks: connection.Networks{network}, ParameterPrefix: "/postern", OperatorsEmail: "a@example.com"}
	if faults := good.check(); len(faults) > 0 {
		t.Fatalf("good settings: %v", faults)
	}
	if faults := (Settings{Networks: connection.Networks{network, there}, ParameterPrefix: "/postern",
		OperatorsEmail: "a@example.com"}).check(); len(faults) > 0 {
		t.Errorf("two accounts: %v", faults)
	}
	for _, abroad := range []connection.RegisteredNetwork{there, network} {
		abroad.Name, abroad.VPCID, abroad.Region = "c", "vpc-0c3d4e5f607182930", "eu-west-1"
		s := good
		s.Networks = connection.Networks{network, abroad}
		if faults := s.check(); len(faults) > 0 {
			t.Errorf("another Region of %s: %v", abroad.AccountID, faults)
		}
	}
	tests := map[string]struct {
		spoil func(*Settings)
		want  string
	}{
		"no network":        {func(s *Settings) { s.Networks = nil }, "networks: missing"},
		"name":              {func(s *Settings) { s.Networks[0].Name = "A b" }, "networks[0].name"},
		"name twice":        {func(s *Settings) { s.Networks = append(s.Networks, network) }, "networks[1].name"},
		"account":           {func(s *Settings) { s.Networks[0].AccountID = "1" }, "networks[0].accountId"},
		"VPC":               {func(s *Settings) { s.Networks[0].VPCID = "vpc-1" }, `networks[0].vpcId: "vpc-1"; write an id`},
		"another kind's id": {func(s *Settings) { s.Networks[0].VPCID = "sg-0c0000000000000c1" }, "networks[0].vpcId"},
		"VPC twice": {func(s *Settings) {
			s.Networks = append(s.Networks, network)
			s.Networks[1].Name = "b"
		}, "networks[1].vpcId: vpc-0a1b2c3d4e5f60718 is registered above"},
		"Region": {func(s *Settings) { s.Networks[0].Region = "useast1" }, "networks[0].region"},
		"another partition": {func(s *Settings) {
			s.Networks = append(s.Networks, there)
			s.Networks[1].Region = "cn-north-1"
		}, `networks[1].region: "cn-north-1" is not of the partition aws`},
		"another account": {func(s *Settings) {
			s.Networks = append(s.Networks, network)
			s.Networks[1].AccountID = "444455556666"
		}, "networks[1].externalId: \"\"; write a new value"},
		"external id": {func(s *Settings) {
			s.Networks = append(s.Networks, there)
			s.Networks[1].ExternalID = "two words"
		}, "networks[1].externalId"},
		"external id of our own account": {func(s *Settings) {
			s.Networks[0].ExternalID = "0d2b7c9e1f63"
		}, "networks[0]: roleArn and externalId are for networks of other accounts"},
		"role of a third account": {func(s *Settings) {
			s.Networks = append(s.Networks, there)
			s.Networks[1].RoleARN = "arn:aws:iam::999900001111:role/postern"
		}, "networks[1].roleArn"},
		"no probe group":                  {func(s *Settings) { s.Networks[0].ProbeSecurityGroupIDs = nil }, "GroupIds: missing"},
		"negative quota":                  {func(s *Settings) { s.Networks[0].EndpointQuota = -1 }, "networks[0].endpointQuota"},
		"no place to probe":               {func(s *Settings) { s.Networks[0].ProbeSubnetIDs = nil }, "probeSubnetIds"},
		"prefix":                          {func(s *Settings) { s.ParameterPrefix = "postern" }, "parameterPrefix"},
		"prefix AWS reserves in capitals": {func(s *Settings) { s.ParameterPrefix = "/SSM" }, "parameterPrefix"},
		"prefix AWS reserves":             {func(s *Settings) { s.ParameterPrefix = "/aws/x" }, "parameterPrefix"},
		"e-mail":                          {func(s *Settings) { s.OperatorsEmail = "operators" }, "operatorsEmail"},
		"unknown webhook": {func(s *Settings) {
			s.Webhooks = map[string]webhook.Override{"gitlab": {}}
		}, "webhooks.gitlab"},
		"webhook's field": {func(s *Settings) {
			s.Webhooks = map[string]webhook.Override{"jira": {Fields: map[string]string{"roleArn": "/issue/key"}}}
		}, "webhooks.jira"},
		"webhooks too large": {func(s *Settings) {
			s.Webhooks = map[string]webhook.Override{"jira": {TicketURL: "https://example.com/" + strings.Repeat("x", 4000)}}
		}, "map fewer fields"},
		"negative timeout":             {func(s *Settings) { s.Timeouts.ApprovalDays = -1 }, "timeouts: -1 days; write 0 to"},
		"longer than a function takes": {func(s *Settings) { s.Timeouts.AllowlistDays = 400 }, "timeouts: 400 days"},
		"heartbeat of a day":           {func(s *Settings) { s.Timeouts.HeartbeatHours = 24 }, "a heartbeat of 24 hours"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := good
			s.Networks = slices.Clone(good.Networks)
			test.spoil(&s)
			faults := s.check()
			if len(faults) == 0 || !strings.Contains(strings.Join(faults, "\n"), test.want) {
				t.Errorf("faults %q, want %q", faults, test.want)
			}
		})
	}
}

func TestSettingsAreReadStrictly(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile(demo)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parseSettings(good); err != nil {
		t.Errorf("the demo's settings: %v", err)
	}
	for name, test := range map[string]struct{ raw, want string }{
		"nothing":          {`null`, "networks: missing"},
		"an unknown field": {`{"operatorEmail": "a@example.com"}`, `unknown field "operatorEmail"`},
		"a wrong type":     {`{"timeouts": {"approvalDays": "14"}}`, "approvalDays"},
		"every fault":      {`{}`, "operatorsEmail"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := parseSettings([]byte(test.raw)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// Whatever the block, each fault names its field; a block that passes fits the functions' environment.
func FuzzParseSettings(f *testing.F) {
	block, err := os.ReadFile(demo)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(block)
	for _, seed := range []string{`{}`, `null`, `[]`, `{"networks":[null]}`, `{"nets":1}`, `{"webhooks":{"jira":{}}}`, `{"timeouts":{"approvalDays":-1}}`,
		`{"parameterPrefix":"/AWS/x"}`, `{"networks":[{"name":"a","roleArn":"arn:"}]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		settings, err := parseSettings(raw)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "the postern block") {
				t.Errorf("the error does not say where: %v", err)
			}
			return
		}
		if networks, err := json.Marshal(settings.Networks); err != nil || len(networks) > maxWithWebhooks || len(settings.Networks) == 0 {
			t.Errorf("%d bytes of networks, %v", len(networks), err)
		}
	})
}
