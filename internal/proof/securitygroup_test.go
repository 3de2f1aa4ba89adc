package proof_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/wire"
)

// withoutGroups is the sample request with no security groups: Postern makes one.
func withoutGroups(t *testing.T) []byte {
	t.Helper()
	return change(t, func(r map[string]any) { delete(target(r), "securityGroupIds") })
}

// ownGroups are the security groups that carry our tag.
func ownGroups(c *local.Cloud) []privatelink.SecurityGroup {
	var groups []privatelink.SecurityGroup
	for _, group := range c.World.SecurityGroups() {
		if group.Tags[connection.TagManaged] == "true" {
			groups = append(groups, group)
		}
	}
	return groups
}

func TestSecurityGroupIsMade(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	ended := execute(t, c, withoutGroups(t))
	if diff := cmp.Diff(slices.Concat(untilApproval, afterApproval), ended.Path); diff != "" {
		t.Fatalf("%s\n%s: %s\n%s", diff, ended.Error, ended.Cause, dump(c))
	}
	var state connection.State
	if err := json.Unmarshal(ended.Output, &state); err != nil {
		t.Fatal(err)
	}
	groups := ownGroups(c)
	if len(groups) != 1 || groups[0].ID != state.Endpoint.SecurityGroupID {
		t.Fatalf("groups %+v, endpoint %+v", groups, state.Endpoint)
	}
	var inbound []privatelink.Rule
	for _, rule := range groups[0].Rules {
		if !rule.Egress {
			rule.ID, rule.Tags = "", nil
			inbound = append(inbound, rule)
		}
	}
	want := []privatelink.Rule{{Protocol: "tcp", FromPort: 443, ToPort: 443, CIDR: "10.20.0.0/16"}}
	if diff := cmp.Diff(want, inbound); diff != "" {
		t.Error(diff)
	}
	for _, e := range c.World.Endpoints() {
		if !slices.Equal(e.GroupIDs, []string{groups[0].ID}) {
			t.Errorf("endpoint %s has groups %v", e.ID, e.GroupIDs)
		}
	}
}

func TestSecurityGroupGoesWithTheEndpoint(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Reject, After: time.Hour}).Join(c)
	ended := execute(t, c, withoutGroups(t))
	if diff := cmp.Diff(slices.Concat(untilApproval, failedClean), ended.Path); diff != "" {
		t.Fatalf("%s\n%s: %s", diff, ended.Error, ended.Cause)
	}
	if groups := ownGroups(c); len(groups) > 0 {
		t.Errorf("left: %+v", groups)
	}
}

// Whatever is lost on the way to the group, there is one in the end, and none when the run fails.
func TestSecurityGroupAfterFaults(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "CreateVpcEndpoint", "DeleteSecurityGroup"} {
		for _, kind := range []wire.FaultKind{wire.LostAnswer, wire.CrashBefore, wire.CrashAfter, wire.ServerError, wire.Throttle} {
			for _, behaviour := range []people.Behaviour{people.Approve, people.Reject} {
				t.Run(operation+" "+string(kind)+" "+string(behaviour), func(t *testing.T) {
					t.Parallel()
					c := open(t, nil)
					(&people.Vendor{Behaviour: behaviour, After: time.Hour}).Join(c)
					broken := breakOnce(c, "", operation, kind)
					ended := execute(t, c, withoutGroups(t))
					want, groups := "Onboarded", 1
					if behaviour == people.Reject {
						want, groups = "FailedClean", 0
					}
					if got := ended.Path[len(ended.Path)-1]; got != want {
						t.Fatalf("ended %s: %s: %s", got, ended.Error, ended.Cause)
					}
					if got := len(ownGroups(c)); got != groups {
						t.Errorf("%d groups, want %d", got, groups)
					}
					if called := operation != "DeleteSecurityGroup" || groups == 0; *broken != called {
						t.Errorf("broken: %v, want %v", *broken, called)
					}
				})
			}
		}
	}
}

// Postern does not change a security group with the name of ours that another person created.
func TestSecurityGroupOfTheSameName(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	c.World.AddSecurityGroup(privatelink.SecurityGroup{
		ID: "sg-0f0e0000000000000", VPCID: world.VPC, Name: connection.SecurityGroupName("monte-carlo/agents-prod"),
	})
	before, _ := c.World.SecurityGroup("sg-0f0e0000000000000")
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	ended := execute(t, c, withoutGroups(t))
	if ended.Error != connection.Conflict || ended.Path[len(ended.Path)-1] != "FailedClean" {
		t.Fatalf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
	}
	after, _ := c.World.SecurityGroup("sg-0f0e0000000000000")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
}
