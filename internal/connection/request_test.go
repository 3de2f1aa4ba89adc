package connection

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

const goodRequest = `{
  "schemaVersion": 1,
  "action": "onboard",
  "vendor": "monte-carlo",
  "name": "agents-prod",
  "target": {
    "region": "us-east-1",
    "vpcId": "vpc-0a1b2c3d4e5f60718",
    "subnetIds": ["subnet-0a10000000000000a", "subnet-0b10000000000000b"],
    "securityGroupIds": ["sg-0e0000000000000e1"],
    "clientCidrs": ["10.20.0.0/16"]
  },
  "inputs": {"serviceRegion": "us-east-1"},
  "options": {"zoneScope": "parent"},
  "cutover": true,
  "ticket": {"system": "jira", "id": "NET-42", "url": "https://tickets.example.com/NET-42"},
  "requester": "Zoë <platform@example.com>"
}`

func TestDecodeRequest(t *testing.T) {
	t.Parallel()
	got, err := DecodeRequest([]byte(goodRequest))
	if err != nil {
		t.Fatal(err)
	}
	want := Request{
		SchemaVersion: 1, Action: ActionOnboard, Vendor: "monte-carlo", Name: "agents-prod",
		Target: Target{
			Region: "us-east-1", VPCID: "vpc-0a1b2c3d4e5f60718",
			SubnetIDs:        []string{"subnet-0a10000000000000a", "subnet-0b10000000000000b"},
			SecurityGroupIDs: []string{"sg-0e0000000000000e1"},
			ClientCIDRs:      []string{"10.20.0.0/16"},
		},
		Inputs:    map[string]string{"serviceRegion": "us-east-1"},
		Options:   map[string]string{"zoneScope": "parent"},
		Cutover:   true,
		Ticket:    &Ticket{System: "jira", ID: "NET-42", URL: "https://tickets.example.com/NET-42"},
		Requester: "Zoë <platform@example.com>",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got, want := got.ConnectionID(), "monte-carlo/agents-prod"; got != want {
		t.Errorf("connection id: got %s, want %s", got, want)
	}
}

func TestDecodeRequestAcceptsTheSamples(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"onboard.monte-carlo.json", "plan.monte-carlo.json"} {
		raw, err := os.ReadFile("../../events/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeRequest(raw); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// Each case changes one line of the good request, or replaces it, and wants every fault as path: problem.
func TestDecodeRequestFaults(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1025)
	tests := map[string]struct {
		old, new string // "" as old: new is the whole request
		want     []string
	}{
		"empty": {"", ``, []string{": not JSON: EOF"}},
		"not JSON": {"", `vendor: monte-carlo`,
			[]string{": not JSON: invalid character 'v' looking for beginning of value"}},
		"cut short":       {"", `{"vendor": "monte-`, []string{": not JSON: unexpected EOF"}},
		"byte order mark": {"", "\ufeff{}", []string{`: not JSON: invalid character 'ï' looking for beginning of value`}},
		"null":            {"", `null`, []string{": null where an object is expected"}},
		"a list":          {"", `[1]`, []string{": a list where an object is expected"}},
		"a string":        {"", `"{}"`, []string{": a string where an object is expected"}},
		"two values":      {"", `{} {}`, []string{": more than one JSON value"}},
		"too deep":        {"", strings.Repeat("[", 20000), []string{": not JSON: invalid character '[' exceeded max depth"}},
		"too large":       {"", `{"vendor":"` + strings.Repeat("x", maxRequest) + `"}`, []string{": larger than 262144 bytes"}},
		"nothing": {"", `{}`,
			[]string{
				"schemaVersion: 0 is not a schema version of this release",
				`action: "" is not an action`,
				`vendor: "" is not a vendor id`,
				`name: "" is not a connection name`,
				`target.region: "" is not a Region`,
				`target.vpcId: "" is not a VPC id`,
				"target.subnetIds: 0 subnets",
			}},
		"unknown field": {`"requester":`, `"requestor":`, []string{"requestor: unknown field"}},
		"inner unknown": {`"vpcId":`, `"vpcID":`,
			[]string{"target.vpcID: unknown field", `target.vpcId: "" is not a VPC id`}},
		"other letter case": {`"vendor":`, `"VENDOR":`, []string{"VENDOR: unknown field", `vendor: "" is not a vendor id`}},
		"a state's field":   {`"requester":`, `"plan": {}, "requester":`, []string{"plan: unknown field"}},
		"empty field name":  {`"requester":`, `"": 1, "requester":`, []string{`"": unknown field`}},
		"forged field name": {`"requester":`, `"x\n- vendor: fine": 1, "requester":`,
			[]string{`"x\n- vendor: fine": unknown field`}},
		"long field name": {`"requester":`, `"` + long + `": 1, "requester":`, []string{long[:64] + "…: unknown field"}},

		"version as text": {`"schemaVersion": 1`, `"schemaVersion": "1"`,
			[]string{"schemaVersion: a string where a whole number is expected"}},
		"version as fraction": {`"schemaVersion": 1`, `"schemaVersion": 1.5`,
			[]string{"schemaVersion: a number where a whole number is expected"}},
		"version too large": {`"schemaVersion": 1`, `"schemaVersion": 99999999999999999999`,
			[]string{"schemaVersion: a number where a whole number is expected"}},
		"later version": {`"schemaVersion": 1`, `"schemaVersion": 2`,
			[]string{"schemaVersion: 2 is not a schema version of this release"}},
		"unknown action": {`"onboard"`, `"destroy"`, []string{`action: "destroy" is not an action`}},
		"misspelled action of a connection that exists": {"",
			`{"schemaVersion": 1, "action": "repiar", "vendor": "v", "name": "n", "repair": {"checks": ["record"]}}`,
			[]string{`action: "repiar" is not an action`}},
		"vendor with slash": {`"monte-carlo"`, `"../monte-carlo"`, []string{`vendor: "../monte-carlo" is not a vendor id`}},
		"name with newline": {`"agents-prod"`, `"agents\n"`, []string{`name: "agents\n" is not a connection name`}},
		"name too long": {`"agents-prod"`, `"` + long[:41] + `"`,
			[]string{`name: "` + long[:41] + `" is not a connection name`}},

		"target as text": {"", `{"schemaVersion": 1, "action": "plan", "vendor": "v", "name": "n", "target": "us-east-1"}`,
			[]string{"target: a string where an object is expected"}},
		"region as zone": {`"region": "us-east-1"`, `"region": "us-east-1a"`,
			[]string{`target.region: "us-east-1a" is not a Region`}},
		"vpc in upper case": {`vpc-0a1b2c3d4e5f60718`, `vpc-0A1B2C3D4E5F60718`,
			[]string{`target.vpcId: "vpc-0A1B2C3D4E5F60718" is not a VPC id`}},
		"vpc with a space": {`vpc-0a1b2c3d4e5f60718`, `vpc-0a1b2c3d4e5f60718 `,
			[]string{`target.vpcId: "vpc-0a1b2c3d4e5f60718 " is not a VPC id`}},
		"vpc as number": {`"vpc-0a1b2c3d4e5f60718"`, `7`,
			[]string{"target.vpcId: a number where a string is expected"}},
		"subnets as text": {`["subnet-0a10000000000000a", "subnet-0b10000000000000b"]`, `"subnet-0a10000000000000a"`,
			[]string{"target.subnetIds: a string where a list is expected"}},
		"subnets null": {`["subnet-0a10000000000000a", "subnet-0b10000000000000b"]`, `null`,
			[]string{"target.subnetIds: null where a list is expected"}},
		"no subnets": {`["subnet-0a10000000000000a", "subnet-0b10000000000000b"]`, `[]`,
			[]string{"target.subnetIds: 0 subnets"}},
		"17 subnets": {`["subnet-0a10000000000000a", "subnet-0b10000000000000b"]`, subnets(17),
			[]string{"target.subnetIds: 17 subnets"}},
		"subnet null": {`"subnet-0b10000000000000b"`, `null`,
			[]string{"target.subnetIds[1]: null where a string is expected"}},
		"subnet malformed": {`"subnet-0b10000000000000b"`, `"sg-0e0000000000000e1"`,
			[]string{`target.subnetIds[1]: "sg-0e0000000000000e1" is malformed`}},
		"subnet twice": {`"subnet-0b10000000000000b"`, `"subnet-0a10000000000000a"`,
			[]string{"target.subnetIds[1]: subnet-0a10000000000000a is repeated"}},
		"group malformed": {`"sg-0e0000000000000e1"`, `"sg-*"`,
			[]string{`target.securityGroupIds[0]: "sg-*" is malformed`}},
		"endpoint malformed": {`"cutover": true`, `"cutover": true, "adoptEndpointId": "vpce-1"`,
			[]string{`adoptEndpointId: "vpce-1" is not an endpoint id`}},
		"client group malformed": {`"clientCidrs": ["10.20.0.0/16"]`, `"clientSecurityGroupIds": ["10.20.0.0/16"]`,
			[]string{`target.clientSecurityGroupIds[0]: "10.20.0.0/16" is malformed`}},
		"client group twice": {`"clientCidrs": ["10.20.0.0/16"]`, `"clientSecurityGroupIds": ["sg-0000000a", "sg-0000000a"]`,
			[]string{`target.clientSecurityGroupIds[1]: sg-0000000a is repeated`}},
		"cidr of a host": {`"10.20.0.0/16"`, `"10.20.0.1/16"`,
			[]string{`target.clientCidrs[0]: "10.20.0.1/16" is not a CIDR block`}},
		"cidr without bits": {`"10.20.0.0/16"`, `"10.20.0.0"`,
			[]string{`target.clientCidrs[0]: "10.20.0.0" is not a CIDR block`}},
		"cidr of IPv6": {`"10.20.0.0/16"`, `"fd00::/8"`,
			[]string{`target.clientCidrs[0]: "fd00::/8" is not a CIDR block`}},
		"two wrong cidrs": {`"10.20.0.0/16"`, `"x", "y"`,
			[]string{`target.clientCidrs[0]: "x" is not a CIDR block`, `target.clientCidrs[1]: "y" is not a CIDR block`}},
		"inputs as list": {`{"serviceRegion": "us-east-1"}`, `[]`,
			[]string{"inputs: a list where an object of strings is expected"}},
		"input as number": {`{"serviceRegion": "us-east-1"}`, `{"a": 1, "b": null, "c": {}}`,
			[]string{
				"inputs.a: a number where a string is expected",
				"inputs.b: null where a string is expected",
				"inputs.c: an object where a string is expected",
			}},
		"input too long": {`{"serviceRegion": "us-east-1"}`, `{"b": "` + long + `", "a": "` + long + `"}`,
			[]string{"inputs.a: longer than 1024 characters", "inputs.b: longer than 1024 characters"}},
		"input with newline": {`{"serviceRegion": "us-east-1"}`, `{"a": "x\r\nBcc: everyone"}`,
			[]string{"inputs.a: contains a character that does not print, such as a line break"}},
		"input with zero width space": {`{"serviceRegion": "us-east-1"}`, `{"a": "us-east-1\u200b"}`,
			[]string{"inputs.a: contains a character that does not print, such as a line break"}},
		"input not UTF-8": {`{"serviceRegion": "us-east-1"}`, "{\"a\": \"\xff\"}",
			[]string{"inputs.a: contains a character that does not print, such as a line break"}},
		"input named forged": {`{"serviceRegion": "us-east-1"}`, "{\"a\\nb\": \"\\n\"}",
			[]string{`inputs."a\nb": contains a character that does not print, such as a line break`}},
		"51 inputs": {`{"serviceRegion": "us-east-1"}`, inputs(51), []string{"inputs: more than 50 values"}},
		"option as bool": {`{"zoneScope": "parent"}`, `{"zoneScope": true}`,
			[]string{"options.zoneScope: true or false where a string is expected"}},
		"ticket without id": {`"id": "NET-42", `, ``, []string{"ticket.id: missing"}},
		"ticket empty": {`{"system": "jira", "id": "NET-42", "url": "https://tickets.example.com/NET-42"}`, `{}`,
			[]string{"ticket.system: missing", "ticket.id: missing"}},
		"ticket null": {`{"system": "jira", "id": "NET-42", "url": "https://tickets.example.com/NET-42"}`, `null`, nil},
		"ticket url script": {`https://tickets.example.com/NET-42`, `javascript:alert(1)`,
			[]string{`ticket.url: "javascript:alert(1)" is not a web address`}},
		"requester too long": {`Zoë <platform@example.com>`, long[:257],
			[]string{"requester: longer than 256 characters"}},
		"requester forged": {`Zoë <platform@example.com>`, `a\nSubject: b`,
			[]string{"requester: contains a character that does not print, such as a line break"}},
		"requester turned": {`Zoë <platform@example.com>`, "a\u202eb",
			[]string{"requester: contains a character that does not print, such as a line break"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := tt.new
			if tt.old != "" {
				if raw = strings.Replace(goodRequest, tt.old, tt.new, 1); raw == goodRequest {
					t.Fatalf("%s is not in the good request", tt.old)
				}
			}
			_, err := DecodeRequest([]byte(raw))
			if diff := cmp.Diff(tt.want, problems(t, err)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func problems(t *testing.T, err error) []string {
	t.Helper()
	var faults Faults
	if err != nil && !errors.As(err, &faults) {
		t.Fatalf("got %T %v, want Faults", err, err)
	}
	var found []string
	for _, fault := range faults {
		if fault.Remedy == "" {
			t.Errorf("no remedy: %v", fault)
		}
		found = append(found, fault.Path+": "+fault.Problem)
	}
	return found
}

func subnets(n int) string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%q", fmt.Sprintf("subnet-%08x", i))
	}
	return "[" + strings.Join(ids, ",") + "]"
}

func inputs(n int) string {
	values := map[string]string{}
	for i := range n {
		values["i"+strings.Repeat("x", i)] = ""
	}
	raw, _ := json.Marshal(values)
	return string(raw)
}

func TestDecodeRequestIsStable(t *testing.T) {
	t.Parallel()
	raw := []byte(`{"z":1,"y":2,"x":3,"inputs":{"c":"\n","b":"\n","a":"\n"},"ticket":{}}`)
	_, first := DecodeRequest(raw)
	for range 20 {
		if _, again := DecodeRequest(raw); again.Error() != first.Error() {
			t.Fatalf("the same request gave\n%v\nand then\n%v", first, again)
		}
	}
}

func FuzzDecodeRequest(f *testing.F) {
	for _, seed := range []string{
		goodRequest, `{}`, `null`, `{"target":{"subnetIds":[null,1,"x"]}}`, `{"":{"":""}}`, `{"ticket":{"url":"\u202e"}}`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		request, err := DecodeRequest(raw)
		if err != nil {
			var faults Faults
			if !errors.As(err, &faults) || len(faults) == 0 {
				t.Fatalf("got %T %v, want Faults", err, err)
			}
			for _, fault := range faults {
				if fault.Problem == "" || strings.ContainsFunc(fault.Path, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("fault %q: %q", fault.Path, fault.Problem)
				}
			}
			if _, again := DecodeRequest(raw); again == nil || again.Error() != err.Error() {
				t.Errorf("the same request gave %v and then %v", err, again)
			}
			return
		}
		written, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeRequest(written)
		if err != nil {
			t.Fatalf("what was accepted is refused when it is written again: %v\n%s", err, written)
		}
		rewritten, _ := json.Marshal(again)
		if string(rewritten) != string(written) {
			t.Errorf("got %s, want %s", rewritten, written)
		}
	})
}

func TestTicketKey(t *testing.T) {
	t.Parallel()
	if got := (&Ticket{System: "github", ID: "example/network#42"}).Key(); got != "github:example/network#42" {
		t.Errorf("key %q", got)
	}
	if got := (*Ticket)(nil).Key(); got != "" {
		t.Errorf("the key of no ticket is %q", got)
	}
}

// What drift and repair of a request may say.
func TestDriftAndRepairFaults(t *testing.T) {
	t.Parallel()
	const repairable = "subnets, security-groups, private-dns, zone, record, parameters, tags, notification"
	onboard := func(drift string) string {
		return strings.Replace(goodRequest, `"cutover"`, `"drift": `+drift+`, "cutover"`, 1)
	}
	action := func(action, more string) string {
		return `{"schemaVersion": 1, "action": "` + action + `", "vendor": "monte-carlo", "name": "agents-prod"` + more + `}`
	}
	repair := func(what string) string { return action("repair", `, "repair": `+what) }
	tests := map[string]struct {
		raw  string
		want []string
	}{
		"every policy": {onboard(`{"record": "repair", "zone": "ticket", "certificate": "report"}`), nil},
		"no policy":    {onboard(`{}`), nil},
		"null":         {onboard(`null`), []string{"drift: null where an object of strings is expected"}},
		"no check": {onboard(`{"records": "repair", "Zone": "ticket"}`),
			[]string{`drift.Zone: "Zone" is not a drift check`, `drift.records: "records" is not a drift check`}},
		"no policy of that name": {onboard(`{"record": "mend"}`), []string{`drift.record: "mend" is not a policy`}},
		"an empty policy":        {onboard(`{"record": ""}`), []string{`drift.record: "" is not a policy`}},
		"nothing to repair": {onboard(`{"certificate": "repair"}`),
			[]string{"drift.certificate: Postern cannot repair this, because Postern did not make it"}},
		"a list":         {onboard(`["record"]`), []string{"drift: a list where an object of strings is expected"}},
		"a number":       {onboard(`{"record": 1}`), []string{"drift.record: a number where a string is expected"}},
		"a forged check": {onboard(`{"a\nb": "repair"}`), []string{`drift."a\nb": "a\nb" is not a drift check`}},
		"not an onboarding's": {action("offboard", `, "drift": {"record": "repair"}`),
			[]string{"drift: is not used by offboard"}},

		"a repair":          {repair(`{"checks": ["record", "zone"]}`), nil},
		"of a ticket":       {action("repair", `, "repair": {"checks": ["tags"]}, "ticket": {"system": "jira", "id": "NET-1"}, "requester": "me"`), nil},
		"without a word":    {action("repair", ``), []string{"repair: missing"}},
		"null checks":       {repair(`null`), []string{"repair: missing"}},
		"without checks":    {repair(`{}`), []string{"repair.checks: missing"}},
		"with no checks":    {repair(`{"checks": []}`), []string{"repair.checks: missing"}},
		"checks as text":    {repair(`{"checks": "record"}`), []string{"repair.checks: a string where a list is expected"}},
		"a check as number": {repair(`{"checks": [1]}`), []string{"repair.checks[0]: a number where a string is expected"}},
		"an unknown field":  {repair(`{"checks": ["record"], "force": true}`), []string{"repair.force: unknown field"}},
		"what is not repaired": {repair(`{"checks": ["certificate", "record", ""]}`),
			[]string{`repair.checks[0]: Postern cannot repair "certificate"`, `repair.checks[2]: Postern cannot repair ""`}},
		"twice": {repair(`{"checks": ["record", "zone", "record"]}`), []string{"repair.checks[2]: record is repeated"}},
		"a repair of an onboarding": {strings.Replace(goodRequest, `"cutover"`, `"repair": {"checks": ["record"]}, "cutover"`, 1),
			[]string{"repair: is not used by onboard"}},
		"a repair with a target": {action("repair", `, "repair": {"checks": ["record"]}, "target": {"region": "us-east-1"}`),
			[]string{"target: is not used by repair"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := DecodeRequest([]byte(test.raw))
			if diff := cmp.Diff(test.want, problems(t, err)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	_, err := DecodeRequest([]byte(repair(`{"checks": []}`)))
	if err == nil || !strings.Contains(err.Error(), "write one or more of "+repairable) {
		t.Errorf("got %v", err)
	}
}

// Every repairable check may be asked for, and may have the policy; no other may.
func TestRepairableChecks(t *testing.T) {
	t.Parallel()
	for _, info := range DriftChecks {
		var faults Faults
		Repair{Checks: []DriftCheck{info.Check}}.check(&faults)
		DriftPolicyOf{info.Check: PolicyRepair}.check(&faults)
		if want := map[bool]int{false: 2}[info.Repairable]; len(faults) != want {
			t.Errorf("%s: %v", info.Check, faults)
		}
	}
}
