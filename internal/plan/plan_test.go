package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"postern/internal/awserr"
	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/publish"
)

func TestPlanProceeds(t *testing.T) {
	t.Parallel()
	w := newWorld()
	got, err := w.planner(t, config()).Plan(t.Context(), first(request(t, nil)))
	if err != nil {
		t.Fatal(err)
	}
	allowlist, approval := got.Gates.Allowlist, got.Gates.Approval
	got.Gates = connection.Gates{}
	want := connection.Plan{
		ConnectionID: connID, Vendor: "monte-carlo", ProfileVersion: "1.1.0", Decision: connection.DecisionProceed,
		Inputs: map[string]string{
			"vendorAccountId": "5f1c2b9e-6a3d-4c47-9b1e-2d8f0a7c6e54", "serviceName": mcService, "serviceRegion": "us-east-1",
			"privateHostname": hostname,
		},
		Network: connection.Network{
			Name: "prod", AccountID: accountID, Region: "us-east-1", VPCID: vpcID,
			Subnets: []connection.Subnet{
				{ID: subnetA, AZ: "us-east-1a", AZID: "use1-az1"}, {ID: subnetB, AZ: "us-east-1b", AZID: "use1-az2"},
			},
			SecurityGroupIDs: []string{endpointSG}, ClientCIDRs: []string{"10.20.0.0/16"},
		},
		Service: w.service,
		DNS: connection.DNSPlan{
			Mode: connection.ModePrivateHostedZone, Hostname: hostname, Zone: parentZone,
			Records: []connection.NameRecord{{Name: hostname, Type: connection.RecordCNAME, TTL: 60}},
		},
		Probe: connection.ProbePlan{FunctionName: "postern-probe-prod", Ports: []int{443}, TLSPorts: []int{443}, SNI: hostname},
		Outputs: []connection.Output{
			{Key: "config.yaml", Parameter: "/postern/monte-carlo/agents-prod/config.yaml", Format: "yaml",
				YAMLPath: "container.backendServiceUrl", Value: "https://" + hostname},
			{Key: "values/backendServiceUrl", Parameter: "/postern/monte-carlo/agents-prod/values/backendServiceUrl", Format: "text",
				Value: "https://" + hostname},
		},
		Findings: []connection.Finding{{Severity: "warning", Code: "shadows-siblings", Message: "Zone " +
			"privatelink.getmontecarlo.com hides " +
			"every other public name below it, such as m2m.privatelink.getmontecarlo.com from vpc-0a1b2c3d4e5f60718. " +
			"options.zoneScope: hostname makes a zone of artemis.privatelink.getmontecarlo.com alone."}},
		Creates: []string{
			"interface endpoint to " + mcService + " in " + vpcID + ": " +
				subnetA + " (use1-az1), " + subnetB + " (use1-az2), with " + endpointSG,
			"connection notification of the endpoint",
			"private hosted zone " + parentZone + " for " + vpcID,
			"CNAME record " + hostname + " to the endpoint's name",
			"SSM parameter /postern/monte-carlo/agents-prod/config.yaml",
			"SSM parameter /postern/monte-carlo/agents-prod/values/backendServiceUrl",
		},
		Cost: connection.Cost{MonthlyUSD: 15.10, Basis: "2 zones × 730 h × $0.01 " +
			"(https://aws.amazon.com/privatelink/pricing/) + $0.50 " +
			"for the hosted zone (https://aws.amazon.com/route53/pricing/); prices of us-east-1, traffic not included"},
		Requester: "platform@example.com",
	}
	got.ClientActions = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for name, gate := range map[string]connection.GatePlan{"allowlist": allowlist, "approval": approval} {
		if gate.TimeoutSeconds != 14*86400 || gate.HeartbeatSeconds != 3*3600 || gate.SLAHours != 48 || gate.Calendar != "us-business" {
			t.Errorf("%s: got %+v", name, gate)
		}
		if strings.Contains(gate.Subject, "${") || !strings.Contains(gate.Body, accountID) || !strings.Contains(gate.Body, "us-east-1") {
			t.Errorf("%s: cannot be sent as it is:\n%s\n%s", name, gate.Subject, gate.Body)
		}
	}
	calls := []string{"VPC", "Subnets", "SecurityGroups", "Service", "InVPC", "Zones", "Parameters", "Record"}
	if diff := cmp.Diff(calls, w.calls); diff != "" {
		t.Errorf("calls (-want +got)\n%s", diff)
	}
}

func TestPlanDecisions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		changes map[string]any
		world   func(*world)
		want    connection.Decision
		calls   int // of the interfaces; VPC is three calls of AWS
	}{
		"onboard, visible":     {want: connection.DecisionProceed, calls: 8},
		"onboard, not visible": {world: func(w *world) { w.service.Visible = false }, want: connection.DecisionAllowlist, calls: 7},
		"plan only, visible":   {changes: map[string]any{"action": "plan"}, want: connection.DecisionPlanned, calls: 7},
		"plan only, not visible": {changes: map[string]any{"action": "plan"}, world: func(w *world) { w.service.Visible = false },
			want: connection.DecisionPlanned, calls: 7},
		"plan only while another execution holds it": {
			changes: map[string]any{"action": "plan"},
			world:   func(w *world) { w.holder = "arn:other" },
			want:    connection.DecisionPlanned, calls: 7},
		"held by this execution": {world: func(w *world) { w.holder = execution }, want: connection.DecisionProceed, calls: 8},
		"adopting what allow-listing no longer shows": {world: func(w *world) {
			w.service.Visible = false
			w.endpoints = []endpoint.Endpoint{ours("vpce-00000000000000001", connection.StateAvailable)}
		}, want: connection.DecisionProceed, calls: 8},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			if tt.world != nil {
				tt.world(w)
			}
			got, err := w.planner(t, config()).Plan(t.Context(), first(request(t, tt.changes)))
			if err != nil {
				t.Fatal(err)
			}
			if got.Decision != tt.want || len(w.calls) != tt.calls {
				t.Errorf("got %s after %v, want %s after %d calls", got.Decision, w.calls, tt.want, tt.calls)
			}
			if got.Findings == nil || got.Creates == nil {
				t.Errorf("a list would be null in JSON: %+v", got)
			}
		})
	}
}

func ours(id string, state connection.EndpointState) endpoint.Endpoint {
	return endpoint.Endpoint{
		ID: id, ServiceName: mcService, VPCID: vpcID, Type: "Interface", State: state, SubnetIDs: []string{subnetB, subnetA},
		SecurityGroupIDs: []string{endpointSG}, Tags: connection.Tags(connID, "arn:earlier"),
	}
}

func foreignEndpoint(state connection.EndpointState, tags map[string]string) endpoint.Endpoint {
	e := ours("vpce-0f000000000000000", state)
	e.Tags = tags
	return e
}

// Every fault, with its whole text, and nothing else.
func TestPlanFaults(t *testing.T) {
	t.Parallel()
	otherVPC := "vpc-00000000000000bad"
	document := connection.Output{Parameter: "/postern/monte-carlo/agents-prod/config.yaml", Format: connection.FormatYAML,
		YAMLPath: "container.backendServiceUrl", Value: "https://" + hostname}
	secret := connection.Output{Parameter: "/postern/monte-carlo/agents-prod/values/backendServiceUrl", Value: "https://" + hostname}
	tests := map[string]struct {
		changes map[string]any
		world   func(*world)
		want    []string
	}{
		"vendor": {changes: map[string]any{"vendor": "monte-karlo"},
			want: []string{"vendor: there is no profile for monte-karlo; use one of clickhouse-cloud, confluent-cloud, " +
				"elastic-cloud, engflow, monte-carlo, snowflake"}},
		"VPC not registered": {changes: map[string]any{"target.vpcId": otherVPC},
			want: []string{"target.vpcId: vpc-00000000000000bad in us-east-1 is not a registered network; use one of " +
				"vpc-0a1b2c3d4e5f60718 in us-east-1 (prod), or register it in the postern block of cdk.json and deploy"}},
		"input malformed": {changes: map[string]any{"inputs.privateHostname": "https://artemis.privatelink.getmontecarlo.com"},
			want: []string{"inputs.privateHostname: \"https://artemis.privatelink.getmontecarlo.com\" does not match " +
				`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.privatelink(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\.getmontecarlo\.com$; ` +
				"write the Private link endpoint from Account Information, Agent Service, without https://, such as " +
				"artemis.privatelink.getmontecarlo.com"}},
		"input missing": {changes: map[string]any{"inputs.vendorAccountId": nil},
			want: []string{"inputs.vendorAccountId: missing; write the Monte Carlo account id, shown on the Account Information page"}},
		"input of the wrong type": {changes: map[string]any{"inputs.vendorAccountId": 7},
			want: []string{"inputs.vendorAccountId: a number where a string is expected; write a string"}},
		"input unknown": {changes: map[string]any{"inputs.hostname": "x"},
			want: []string{
				"inputs.hostname: monte-carlo has no such input; use vendorAccountId, serviceName, serviceRegion, privateHostname"},
		},
		"option": {changes: map[string]any{"options.zoneScope": "world"},
			want: []string{`options.zoneScope: "world" is not a zone scope of monte-carlo; write one of parent, hostname`}},
		"Regions differ": {changes: map[string]any{"inputs.serviceName": remoteService},
			want: []string{"inputs.serviceRegion: the service name is of eu-west-1, its Region is said to be us-east-1; " +
				"write the service name and its Region as the vendor gave them"}},

		"VPC missing": {world: func(w *world) { delete(w.vpcs, vpcID) },
			want: []string{"target.vpcId: vpc-0a1b2c3d4e5f60718 does not exist in us-east-1; " +
				"write a VPC that exists, or correct the registered network"}},
		"DNS off": {world: func(w *world) { w.vpcs[vpcID] = endpoint.VPC{ID: vpcID, CIDRs: []string{"10.20.0.0/16"}} },
			want: []string{
				"target.vpcId: enableDnsSupport is off in vpc-0a1b2c3d4e5f60718; switch it on (aws ec2 modify-vpc-attribute): " +
					"without it private names are not answered in the VPC",
				"target.vpcId: enableDnsHostnames is off in vpc-0a1b2c3d4e5f60718; switch it on (aws ec2 modify-vpc-attribute): " +
					"without it private names are not answered in the VPC",
			}},
		"subnets missing": {changes: map[string]any{"target.subnetIds": []string{subnetA, "subnet-00000001", "subnet-00000002"}},
			want: []string{
				"target.subnetIds[1]: subnet-00000001 does not exist in us-east-1; write a subnet of vpc-0a1b2c3d4e5f60718",
				"target.subnetIds[2]: subnet-00000002 does not exist in us-east-1; write a subnet of vpc-0a1b2c3d4e5f60718",
			}},
		"subnet of another VPC": {world: func(w *world) { edit(w.subnets, subnetB, func(s *endpoint.Subnet) { s.VPCID = otherVPC }) },
			want: []string{"target.subnetIds[1]: subnet-0b10000000000000b belongs to vpc-00000000000000bad; " +
				"write a subnet of vpc-0a1b2c3d4e5f60718"}},
		"two subnets in one zone": {
			world: func(w *world) { edit(w.subnets, subnetB, func(s *endpoint.Subnet) { s.AZID = "use1-az1" }) },
			want: []string{"target.subnetIds[1]: subnet-0b10000000000000b and subnet-0a10000000000000a are both in use1-az1 " +
				"(us-east-1b); " +
				"keep one subnet in each Availability Zone"}},
		"zone the service lacks": {changes: map[string]any{"target.subnetIds": []string{subnetC, subnetA}},
			want: []string{"target.subnetIds[0]: subnet-0c10000000000000c is in use1-az3 (us-east-1c), where the service is " +
				"not offered; " +
				"write subnets in use1-az1, use1-az2"}},
		"no free address": {world: func(w *world) { edit(w.subnets, subnetB, func(s *endpoint.Subnet) { s.FreeAddresses = 0 }) },
			want: []string{
				"target.subnetIds[1]: subnet-0b10000000000000b has no free address; free one, or write another subnet of use1-az2"},
		},
		"wrong subnet before a zone the service lacks": {
			changes: map[string]any{"target.subnetIds": []string{subnetA, subnetC}},
			world:   func(w *world) { edit(w.subnets, subnetA, func(s *endpoint.Subnet) { s.VPCID = otherVPC }) },
			want: []string{
				"target.subnetIds[0]: subnet-0a10000000000000a belongs to vpc-00000000000000bad; write a subnet of vpc-0a1b2c3d4e5f60718",
				"target.subnetIds[1]: subnet-0c10000000000000c is in use1-az3 (us-east-1c), where the service is not offered; " +
					"write subnets in use1-az1, use1-az2",
			}},

		"security group missing": {changes: map[string]any{"target.securityGroupIds": []string{"sg-00000001", endpointSG}},
			want: []string{
				"target.securityGroupIds[0]: sg-00000001 does not exist in us-east-1; write a security group of vpc-0a1b2c3d4e5f60718"},
		},
		"security group of another VPC": {
			world: func(w *world) { edit(w.groups, endpointSG, func(g *endpoint.SecurityGroup) { g.VPCID = otherVPC }) },
			want: []string{"target.securityGroupIds[0]: sg-0e0000000000000e1 belongs to vpc-00000000000000bad; " +
				"write a security group of vpc-0a1b2c3d4e5f60718"}},
		"security group without inbound rule": {changes: map[string]any{"target.securityGroupIds": []string{clientSG}},
			want: []string{"target.securityGroupIds: sg-0c0000000000000c1 do not allow 10.20.0.0/16 on 443/tcp; " +
				"add an inbound rule for TCP 443 from 10.20.0.0/16 to one of them; an outbound rule, which a vendor's page may ask for, " +
				"does not help: the clients connect to the endpoint"}},
		"security group of the default kind": {
			world: inbound(endpoint.Rule{Protocol: "-1", GroupIDs: []string{endpointSG}}),
			want: []string{"target.securityGroupIds: sg-0e0000000000000e1 do not allow 10.20.0.0/16 on 443/tcp; " +
				"add an inbound rule for TCP 443 from 10.20.0.0/16 to one of them; an outbound rule, which a vendor's page may ask for, " +
				"does not help: the clients connect to the endpoint"}},

		"service of another type": {world: func(w *world) { w.service.Type = "GatewayLoadBalancer" },
			want: []string{"vendor: " + mcService + " takes GatewayLoadBalancer endpoints, not interface endpoints; " +
				"ask the vendor for the service of the product you bought"}},
		"endpoint of another connection": {
			world: func(w *world) {
				w.endpoints = []endpoint.Endpoint{foreignEndpoint(connection.StatePending, connection.Tags("monte-carlo/other", "arn:e"))}
			},
			want: []string{"target.vpcId: vpce-0f000000000000000 reaches the same service from this VPC and belongs to the connection " +
				"monte-carlo/other; run action offboard for monte-carlo/other, which is not onboarded and which no execution holds; that removes it"}},
		"endpoint made by hand": {
			world: func(w *world) { w.endpoints = []endpoint.Endpoint{foreignEndpoint(connection.StateAvailable, nil)} },
			want: []string{"target.vpcId: vpce-0f000000000000000 reaches the same service from this VPC and was not made by Postern; " +
				"write \"adoptEndpointId\": \"vpce-0f000000000000000\" to adopt it (action plan shows what would change), or delete it when you know that nothing uses it"}},
		"endpoint in an unknown state": {
			world: func(w *world) {
				w.endpoints = []endpoint.Endpoint{ours("vpce-00000000000000001", connection.StateUnknown)}
			},
			want: []string{"target.vpcId: vpce-00000000000000001 is in a state that this release does not know; " +
				"look at it in the VPC console, then upgrade Postern or delete it"}},
		"our endpoint for another service": {
			world: func(w *world) {
				e := ours("vpce-00000000000000001", connection.StateAvailable)
				e.ServiceName = remoteService
				w.endpoints = []endpoint.Endpoint{e}
			},
			want: []string{"inputs.serviceName: vpce-00000000000000001 of monte-carlo/agents-prod reaches another service, " +
				remoteService +
				"; offboard this connection first, or write another name"}},
		"quota used up": {world: func(w *world) { w.endpoints = others(50) },
			want: []string{"target.vpcId: vpc-0a1b2c3d4e5f60718 has 50 endpoints, and the quota is 50; delete an endpoint, or have the " +
				`quota "Interface VPC endpoints per VPC" raised, and write it as endpointQuota of the registered network`}},

		"zone of the same name": {
			world: func(w *world) { w.zones = []dns.Zone{{ID: "Z1", Name: parentZone, OwningAccount: "444455556666"}} },
			want: []string{"target.vpcId: vpc-0a1b2c3d4e5f60718 already has a zone privatelink.getmontecarlo.com (Z1 of " +
				"account 444455556666) " +
				"that Postern did not make for this connection; find out who uses that zone, and end its association with the VPC when nothing there needs its records, or write options.zoneScope: hostname"}},
		"zone of the same name, ours by account only": {
			world: func(w *world) { w.zones = []dns.Zone{{ID: "Z1", Name: parentZone, OwningAccount: accountID}} },
			want: []string{"target.vpcId: vpc-0a1b2c3d4e5f60718 already has a zone privatelink.getmontecarlo.com (Z1 of " +
				"account 111122223333) " +
				"that Postern did not make for this connection; find out who uses that zone, and end its association with the VPC when nothing there needs its records, or write options.zoneScope: hostname"}},
		"zone of the hostname": {changes: map[string]any{"options.zoneScope": "hostname"},
			world: func(w *world) { w.zones = []dns.Zone{{ID: "Z1", Name: hostname, OwningAccount: "444455556666"}} },
			want: []string{"target.vpcId: vpc-0a1b2c3d4e5f60718 already has a zone artemis.privatelink.getmontecarlo.com " +
				"(Z1 of account 444455556666) that Postern did not make for this connection; find out who uses that zone, and end its association with the VPC when nothing there needs its records"}},
		"private DNS of another endpoint": {
			world: func(w *world) {
				w.zones = []dns.Zone{{ID: "Z1", Name: parentZone, OwningService: "vpce.amazonaws.com"}}
			},
			want: []string{"target.vpcId: zone privatelink.getmontecarlo.com is made by vpce.amazonaws.com for the " +
				"private DNS of another endpoint; switch private DNS of that endpoint off, or use another VPC"}},
		"zone between ours and the hostname": {
			world: func(w *world) { w.zones = []dns.Zone{{ID: "Z1", Name: hostname, OwningAccount: accountID}} },
			want: []string{"target.vpcId: zone artemis.privatelink.getmontecarlo.com (Z1 of account 111122223333) is more specific than " +
				"privatelink.getmontecarlo.com and would answer artemis.privatelink.getmontecarlo.com; " +
				"find out who uses that zone, and end its association with the VPC when nothing there needs its records, or write options.zoneScope: hostname"}},

		"parameter that is a secret": {
			world: func(w *world) { w.values[secret.Parameter] = publish.Existing{Type: "SecureString", Value: "x"} },
			want: []string{"name: " + publish.Check(secret, &publish.Existing{Type: "SecureString", Value: "x"}).Error() +
				"; or write another connection name"}},
		"parameter that is no YAML mapping": {
			world: func(w *world) { w.values[document.Parameter] = publish.Existing{Type: "String", Value: "- a\n- b\n"} },
			want: []string{"name: " + publish.Check(document, &publish.Existing{Type: "String", Value: "- a\n- b\n"}).Error() +
				"; or write another connection name"}},

		"all at once": {
			changes: map[string]any{
				"requestor": "x", "inputs.vendorAccountId": nil, "options.zoneScope": "world",
				"target.securityGroupIds": []string{clientSG}, "target.subnetIds": []string{subnetC, "subnet-1"},
			},
			world: func(w *world) {
				w.vpcs[vpcID] = endpoint.VPC{ID: vpcID, CIDRs: []string{"10.20.0.0/16"}, DNSSupport: true}
				w.endpoints = []endpoint.Endpoint{foreignEndpoint(connection.StateAvailable, nil)}
			},
			want: []string{
				"requestor: unknown field; use one of schemaVersion, action, vendor, name, target, inputs, options, adoptEndpointId, cutover, drift, repair, ticket, " +
					"requester",
				`target.subnetIds[1]: "subnet-1" is malformed; write subnet- and 8 or 17 hexadecimal digits`,
				"inputs.vendorAccountId: missing; write the Monte Carlo account id, shown on the Account Information page",
				`options.zoneScope: "world" is not a zone scope of monte-carlo; write one of parent, hostname`,
				"target.vpcId: enableDnsHostnames is off in vpc-0a1b2c3d4e5f60718; switch it on (aws ec2 modify-vpc-attribute): " +
					"without it private names are not answered in the VPC",
				"target.securityGroupIds: sg-0c0000000000000c1 do not allow 10.20.0.0/16 on 443/tcp; " +
					"add an inbound rule for TCP 443 from 10.20.0.0/16 to one of them; an outbound rule, which a vendor's page may ask for, " +
					"does not help: the clients connect to the endpoint",
				"target.vpcId: vpce-0f000000000000000 reaches the same service from this VPC and was not made by Postern; " +
					"write \"adoptEndpointId\": \"vpce-0f000000000000000\" to adopt it (action plan shows what would change), or delete it when you know that nothing uses it",
			}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			if tt.world != nil {
				tt.world(w)
			}
			got, err := w.planner(t, config()).Plan(t.Context(), first(request(t, tt.changes)))
			if diff := cmp.Diff(tt.want, lines(t, err)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if connection.NameOf(err) != connection.InvalidRequest || got.ConnectionID != "" {
				t.Errorf("got plan of %q, error %s", got.ConnectionID, connection.NameOf(err))
			}
		})
	}
}

func lines(t *testing.T, err error) []string {
	t.Helper()
	var faults connection.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("got %v, want Faults", err)
	}
	var found []string
	for _, fault := range faults {
		found = append(found, fault.String())
	}
	return found
}

func edit[T any](things map[string]T, id string, change func(*T)) {
	thing := things[id]
	change(&thing)
	things[id] = thing
}

func inbound(rules ...endpoint.Rule) func(*world) {
	return func(w *world) { edit(w.groups, endpointSG, func(g *endpoint.SecurityGroup) { g.Inbound = rules }) }
}

// from443 is a rule for 443/tcp from groups and prefix lists.
func from443(groupIDs []string, prefixListIDs ...string) endpoint.Rule {
	return endpoint.Rule{Protocol: "tcp", FromPort: 443, ToPort: 443, GroupIDs: groupIDs, PrefixListIDs: prefixListIDs}
}

func others(n int) []endpoint.Endpoint {
	var list []endpoint.Endpoint
	for i := range n {
		list = append(list, endpoint.Endpoint{
			ID: fmt.Sprintf("vpce-%017x", i), ServiceName: "com.amazonaws.us-east-1.ssm", Type: "Interface",
			State: connection.StateAvailable,
		})
	}
	return list
}

func TestPlanFindings(t *testing.T) {
	t.Parallel()
	const shadow = "warning shadows-siblings"
	tests := map[string]struct {
		changes map[string]any
		world   func(*world)
		want    []string
	}{
		"nothing but the parent zone": {want: []string{shadow}},
		"nothing at all":              {changes: map[string]any{"options.zoneScope": "hostname"}},
		"not visible": {world: func(w *world) { w.service.Visible = false },
			want: []string{"warning service-not-visible", shadow}},
		"one zone": {changes: map[string]any{"target.subnetIds": []string{subnetA}},
			want: []string{"warning few-zones", shadow}},
		"accepts by itself": {world: func(w *world) { w.service.AcceptanceRequired = false },
			want: []string{"info no-approval-needed", shadow}},
		"cross-Region": {
			changes: map[string]any{"inputs.serviceRegion": "eu-west-1", "inputs.serviceName": remoteService},
			world:   func(w *world) { w.service.Name, w.service.Region, w.service.AZIDs = remoteService, "eu-west-1", nil },
			want:    []string{shadow, "info cross-region"}},
		"open to anyone": {world: inbound(tcp(443, 443, "0.0.0.0/0")), want: []string{"warning security-group-open", shadow}},
		"every port":     {world: inbound(tcp(0, 65535, "10.20.0.0/16")), want: []string{"info security-group-wider", shadow}},
		"other sources":  {world: inbound(tcp(443, 443, "10.0.0.0/8")), want: []string{"info security-group-wider", shadow}},
		"from a prefix list": {world: inbound(from443(nil, "pl-1")),
			want: []string{"warning security-group-by-reference", shadow}},
		"from another group": {world: inbound(from443([]string{"sg-2"})),
			want: []string{"warning security-group-by-reference", shadow}},
		"from the clients' group": {world: inbound(from443([]string{clientSG})),
			want: []string{shadow}},
		"clients default to the VPC": {changes: map[string]any{"target.clientCidrs": nil}, want: []string{shadow}},
		"zone below ours": {
			world: func(w *world) { w.zones = []dns.Zone{{ID: "Z1", Name: "m2m." + parentZone, OwningAccount: accountID}} },
			want:  []string{"info more-specific-zone", shadow}},
		"zone above ours": {
			world: func(w *world) { w.zones = []dns.Zone{{ID: "Z1", Name: "getmontecarlo.com", OwningAccount: accountID}} },
			want:  []string{"warning wider-zone", shadow}},
		"zone above the hostname's own": {changes: map[string]any{"options.zoneScope": "hostname"},
			world: func(w *world) { w.zones = []dns.Zone{{ID: "Z1", Name: parentZone, OwningAccount: accountID}} }},
		"zone of like name": {
			world: func(w *world) { w.zones = []dns.Zone{{ID: "Z1", Name: "x" + parentZone, OwningAccount: accountID}} },
			want:  []string{shadow}},
		"a rejected endpoint": {
			world: func(w *world) { w.endpoints = []endpoint.Endpoint{foreignEndpoint(connection.StateRejected, nil)} },
			want:  []string{"info dead-endpoint", shadow}},
		"deleted endpoints": {world: func(w *world) {
			w.endpoints = []endpoint.Endpoint{
				ours("vpce-00000000000000001", connection.StateDeleted), foreignEndpoint(connection.StateDeleting, nil),
			}
		}, want: []string{shadow}},
		"49 endpoints, and 9 that do not count": {world: func(w *world) {
			w.endpoints = others(58)
			for i := range 9 {
				w.endpoints[i].Type = "Gateway"
			}
		}, want: []string{shadow}},
		"adopting": {world: func(w *world) {
			w.endpoints = []endpoint.Endpoint{ours("vpce-00000000000000001", connection.StatePending)}
		},
			want: []string{"info adopting", shadow}},
		"adopting what differs": {changes: map[string]any{"target.subnetIds": []string{subnetA}},
			world: func(w *world) {
				w.endpoints = []endpoint.Endpoint{ours("vpce-00000000000000001", connection.StatePending)}
			},
			want: []string{"warning few-zones", "info adopting", "warning adopted-endpoint-differs", shadow}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			if tt.world != nil {
				tt.world(w)
			}
			plan, err := w.planner(t, config()).Plan(t.Context(), first(request(t, tt.changes)))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, finding := range plan.Findings {
				got = append(got, finding.Severity+" "+finding.Code)
				if finding.Message == "" || strings.Contains(finding.Message, "%!") {
					t.Errorf("%s: %q", finding.Code, finding.Message)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestPlanAdopts(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.endpoints = append(others(49),
		ours("vpce-00000000000000003", connection.StatePendingAcceptance),
		ours("vpce-00000000000000002", connection.StateAvailable),
		ours("vpce-00000000000000001", connection.StateRejected))
	edit(w.subnets, subnetA, func(s *endpoint.Subnet) { s.FreeAddresses = 0 })
	w.zones, w.ourZones = []dns.Zone{{ID: "Z7", Name: parentZone, OwningAccount: accountID}}, []string{"Z7"}
	w.values["/postern/monte-carlo/agents-prod/config.yaml"] = publish.Existing{Type: "String", Value: "container: {}\n", Version: 3}
	plan, err := w.planner(t, config()).Plan(t.Context(), first(request(t, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := plan.AdoptEndpointID, "vpce-00000000000000002"; got != want {
		t.Errorf("adopts %s, want %s, which is available", got, want)
	}
	if got, want := plan.DNS.ZoneID, "Z7"; got != want {
		t.Errorf("zone %q, want %q", got, want)
	}
	creates := []string{
		"connection notification of the endpoint",
		"CNAME record " + hostname + " to the endpoint's name",
		"new version, if it differs, of SSM parameter /postern/monte-carlo/agents-prod/config.yaml",
		"SSM parameter /postern/monte-carlo/agents-prod/values/backendServiceUrl",
	}
	if diff := cmp.Diff(creates, plan.Creates); diff != "" {
		t.Errorf("creates (-want +got)\n%s", diff)
	}
}

func TestPlanHostnameScope(t *testing.T) {
	t.Parallel()
	raw := request(t, map[string]any{"options.zoneScope": "hostname"})
	plan, err := newWorld().planner(t, config()).Plan(t.Context(), first(raw))
	if err != nil {
		t.Fatal(err)
	}
	want := connection.DNSPlan{
		Mode: connection.ModePrivateHostedZone, Hostname: hostname, Zone: hostname,
		Records: []connection.NameRecord{{Name: hostname, Type: connection.RecordAlias}},
	}
	if diff := cmp.Diff(want, plan.DNS); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPlanConflict(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.holder = "arn:other"
	_, err := w.planner(t, config()).Plan(t.Context(), first(request(t, nil)))
	if got := connection.NameOf(err); got != connection.Conflict {
		t.Fatalf("got %s: %v, want Conflict", got, err)
	}
	want := "connection monte-carlo/agents-prod is held by execution arn:other; wait until that has ended, or end it with action cancel unless it offboards, then start again"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

// A read that fails is not a fault of the request: it keeps its AWS code, so the machine retries it or names what is denied.
func TestPlanReadFails(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"VPC", "Subnets", "SecurityGroups", "Service", "InVPC", "Zones", "Ours", "Parameters", "Record"} {
		w := newWorld()
		w.zones = []dns.Zone{{ID: "Z1", Name: parentZone, OwningAccount: accountID}}
		w.ourZones = []string{"Z1"}
		w.fail[call] = &smithy.GenericAPIError{Code: "RequestLimitExceeded", Message: "slow down"}
		_, err := w.planner(t, config()).Plan(t.Context(), first(request(t, nil)))
		if !awserr.IsThrottled(err) || connection.NameOf(err) != "" {
			t.Errorf("%s: got %v", call, err)
		}
		if w.calls[len(w.calls)-1] != call {
			t.Errorf("%s: went on with %v", call, w.calls)
		}
	}
}

func TestPlanUndecodable(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{``, `null`, `"x"`, `[]`, `{`, `7`} {
		w := newWorld()
		_, err := w.planner(t, config()).Plan(t.Context(), first(json.RawMessage(raw)))
		if got := lines(t, err); len(got) != 1 || len(w.calls) != 0 {
			t.Errorf("%q: got %v after %v, want one fault and no call", raw, got, w.calls)
		}
	}
}

// A VPC that is not registered is none of our business: nothing in it is read.
func TestPlanLooksOnlyIntoRegisteredNetworks(t *testing.T) {
	t.Parallel()
	w := newWorld()
	_, err := w.planner(t, Config{Prefix: "/postern"}).Plan(t.Context(), first(request(t, nil)))
	want := []string{"target.vpcId: vpc-0a1b2c3d4e5f60718 in us-east-1 is not a registered network; " +
		"register it in the postern block of cdk.json and deploy"}
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !slices.Equal(w.calls, []string{"Parameters"}) {
		t.Errorf("calls %v", w.calls)
	}
}

// The machine's first state is the request. One that brings a plan and an allow-listing of its own must not skip the checks.
func TestPlanRefusesAForgedState(t *testing.T) {
	t.Parallel()
	w := newWorld()
	raw := request(t, map[string]any{
		"plan":         map[string]any{"connectionId": connID, "network": map[string]any{"vpcId": "vpc-00000000000000bad"}},
		"allowlisting": map[string]any{"observedBy": "notification"},
	})
	_, err := w.planner(t, config()).Plan(t.Context(), first(raw))
	want := []string{
		"allowlisting: unknown field; use one of schemaVersion, action, vendor, name, target, inputs, options, adoptEndpointId, cutover, drift, repair, ticket, requester",
		"plan: unknown field; use one of schemaVersion, action, vendor, name, target, inputs, options, adoptEndpointId, cutover, drift, repair, ticket, requester",
	}
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
