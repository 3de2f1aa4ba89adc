package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/endpoint"
)

const groupName = "postern:monte-carlo/agents-prod"

// A request without security groups gets one that allows the clients on the vendor's ports, and no other source.
func TestSecurityGroupOfOurOwn(t *testing.T) {
	t.Parallel()
	const none, cidrs, groups = "target.securityGroupIds", "target.clientCidrs", "target.clientSecurityGroupIds"
	tests := map[string]struct {
		changes map[string]any
		world   func(*world)
		want    *connection.SecurityGroupPlan
	}{
		"the whole VPC": {changes: map[string]any{none: []string{}},
			want: &connection.SecurityGroupPlan{Name: groupName, Ports: []int{443}, CIDRs: []string{"10.20.0.0/16"}}},
		"blocks, and the probe": {changes: map[string]any{none: []string{}, cidrs: []string{"10.30.0.0/16"}},
			want: &connection.SecurityGroupPlan{Name: groupName, Ports: []int{443}, CIDRs: []string{"10.30.0.0/16"}, GroupIDs: []string{clientSG}}},
		"groups, and the probe": {changes: map[string]any{none: nil, cidrs: nil, groups: []string{endpointSG}},
			want: &connection.SecurityGroupPlan{Name: groupName, Ports: []int{443}, GroupIDs: []string{endpointSG, clientSG}}},
		"the probe's own group": {changes: map[string]any{none: nil, cidrs: nil, groups: []string{clientSG}},
			want: &connection.SecurityGroupPlan{Name: groupName, Ports: []int{443}, GroupIDs: []string{clientSG}}},
		"groups given": {},
		"groups given that let the clients' in": {
			changes: map[string]any{groups: []string{clientSG}},
			world:   inbound(endpoint.Rule{Protocol: "tcp", FromPort: 443, ToPort: 443, GroupIDs: []string{clientSG}})},
		"an endpoint that has groups": {changes: map[string]any{none: []string{}}, world: func(w *world) {
			mine := foreignEndpoint(connection.StateAvailable, connection.Tags("monte-carlo/agents-prod", "arn:e"))
			mine.SecurityGroupIDs = []string{"sg-0abc"}
			w.endpoints = []endpoint.Endpoint{mine}
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			if test.world != nil {
				test.world(w)
			}
			plan, err := w.planner(t, config()).Plan(t.Context(), first(request(t, test.changes)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, plan.SecurityGroup); diff != "" {
				t.Error(diff)
			}
			creates := strings.Join(plan.Creates, "\n")
			if strings.Contains(creates, "security group "+groupName+": inbound TCP 443 from ") != (test.want != nil) {
				t.Errorf("creates:\n%s", creates)
			}
		})
	}
}

func TestFaultsOfClients(t *testing.T) {
	t.Parallel()
	const none, cidrs, groups = "target.securityGroupIds", "target.clientCidrs", "target.clientSecurityGroupIds"
	many := make([]string, 50)
	for i := range many {
		many[i] = fmt.Sprintf("10.%d.0.0/16", i)
	}
	tests := map[string]struct {
		changes map[string]any
		world   func(*world)
		want    string
	}{
		"anyone": {changes: map[string]any{none: []string{}, cidrs: []string{"10.20.0.0/16", "0.0.0.0/0"}},
			want: "target.clientCidrs[1]: 0.0.0.0/0 would allow any client, and Postern makes no such security group"},
		"too many rules": {changes: map[string]any{none: []string{}, cidrs: many, groups: manyGroups(11)},
			world: func(w *world) {
				for _, id := range manyGroups(11) {
					w.groups[id] = endpoint.SecurityGroup{ID: id, VPCID: vpcID}
				}
			},
			want: "target.clientCidrs: 61 clients on 1 ports need 61 rules, and a security group takes 60"},
		"group missing": {changes: map[string]any{none: []string{}, groups: []string{"sg-00000001"}},
			want: "target.clientSecurityGroupIds[0]: sg-00000001 does not exist in us-east-1"},
		"group of another VPC": {changes: map[string]any{groups: []string{clientSG}},
			world: func(w *world) {
				edit(w.groups, clientSG, func(g *endpoint.SecurityGroup) { g.VPCID = "vpc-00000000000000bad" })
			},
			want: "target.clientSecurityGroupIds[0]: sg-0c0000000000000c1 belongs to vpc-00000000000000bad"},
		"given groups let only another group in": {changes: map[string]any{groups: []string{clientSG}},
			world: inbound(endpoint.Rule{Protocol: "tcp", FromPort: 443, ToPort: 443, GroupIDs: []string{endpointSG}}),
			want:  "target.clientSecurityGroupIds[0]: sg-0e0000000000000e1 do not allow sg-0c0000000000000c1 on 443/tcp"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			if test.world != nil {
				test.world(w)
			}
			_, err := w.planner(t, config()).Plan(t.Context(), first(request(t, test.changes)))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}

func manyGroups(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("sg-%08x", i)
	}
	return ids
}
