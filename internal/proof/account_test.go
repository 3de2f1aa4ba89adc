package proof_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/google/go-cmp/cmp"

	"postern/events"
	"postern/internal/awserr"
	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
	"postern/internal/local/states"
	"postern/internal/local/wire"
)

const otherAccount = "onboard.monte-carlo.other-account.json"

// onFunction makes the calls of a function to a service fail.
func onFunction(function, service string, kind wire.FaultKind) func(*wire.Call, wire.Recorded) *wire.Fault {
	return func(call *wire.Call, record wire.Recorded) *wire.Fault {
		if record.Function == function && call.Service == service {
			return &wire.Fault{Kind: kind}
		}
		return nil
	}
}

// onboardWith runs a sample request with changes.
func onboardWith(t *testing.T, c *local.Cloud, sample string, edit func(request map[string]any)) states.Execution {
	t.Helper()
	var request map[string]any
	if err := json.Unmarshal(events.Read(sample), &request); err != nil {
		t.Fatal(err)
	}
	edit(request)
	input, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	arn, err := c.StartExecution("", input)
	if err != nil {
		t.Fatal(err)
	}
	ended, err := c.Run(arn, 60*24*time.Hour)
	if err != nil {
		t.Fatalf("%v\n%s", err, dump(c))
	}
	return ended
}

// A network of another account: Postern creates everything in that account and changes nothing else. That account sends Postern no
// notifications: the sweep sees what the vendor does.
func TestAnotherAccountIsOnboarded(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	ended := onboard(t, c, otherAccount)
	if diff := cmp.Diff(slices.Concat(untilApproval, afterApproval), ended.Path); diff != "" || ended.Status != states.Succeeded {
		t.Fatalf("%s: %s\n%s\n%s", ended.Error, ended.Cause, diff, dump(c))
	}
	var state connection.State
	if err := json.Unmarshal(ended.Output, &state); err != nil {
		t.Fatal(err)
	}
	if e, _ := c.World.Endpoint(state.Endpoint.ID); e.AccountID != world.OtherAccount || e.VPCID != world.OtherVPC {
		t.Errorf("endpoint %+v", e)
	}
	if names := c.ParametersIn(world.OtherAccount, world.Region).Names(); len(names) != 2 || len(c.Parameters.Names()) > 0 {
		t.Errorf("parameters %v there, %v at home", names, c.Parameters.Names())
	}
	if zones := c.Zones.Zones(); len(zones) != 1 || zones[0].Owner != world.OtherAccount {
		t.Errorf("zones %+v", zones)
	}
	if state.Approval.ObservedBy != connection.ObservedBySweep || len(c.World.Notifications()) > 0 {
		t.Errorf("seen by %s; notifications %+v", state.Approval.ObservedBy, c.World.Notifications())
	}
	if dropped := c.Dropped(); len(dropped) > 0 {
		t.Errorf("dropped: %v", dropped)
	}
	checkBudget(t, c, ended)
}

// If Postern cannot access an account, the plan fails before anything is created that could not be rolled back.
func TestAnAccountThatDeniesAccess(t *testing.T) {
	t.Parallel()
	trust := func(role map[string]any) map[string]any {
		document := role["Properties"].(map[string]any)["AssumeRolePolicyDocument"].(map[string]any)
		return document["Statement"].([]any)[0].(map[string]any)
	}
	for name, spoil := range map[string]func(role map[string]any){
		"another external id": func(role map[string]any) {
			trust(role)["Condition"].(map[string]any)["StringEquals"] = map[string]any{"sts:ExternalId": "of-another-customer"}
		},
		"other roles": func(role map[string]any) {
			trust(role)["Condition"].(map[string]any)["ArnEquals"] = map[string]any{"aws:PrincipalArn": "arn:aws:iam::111122223333:role/x"}
		},
		"another account": func(role map[string]any) {
			trust(role)["Principal"] = map[string]any{"AWS": "arn:aws:iam::999900001111:root"}
		},
		"no such role": func(role map[string]any) { role["Properties"].(map[string]any)["RoleName"] = "postern-of-old" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, func(config *local.Config) {
				config.Others[0].Mutate = func(template map[string]any) {
					for id, role := range resourcesOf(template, "AWS::IAM::Role") {
						if strings.HasPrefix(id, "NetworkRole") {
							spoil(role)
						}
					}
				}
			})
			ended := onboard(t, c, otherAccount)
			if diff := cmp.Diff(slices.Concat([]string{"Plan"}, failedClean), ended.Path); diff != "" {
				t.Fatalf("path (-want +got):\n%s\n%s", diff, ended.Cause)
			}
			const want = "the role arn:aws:iam::222233334444:role/postern-network-agents-research, through which vpc-0f1e2d3c4b5a69788 " +
				"is reached, cannot be assumed"
			if ended.Error != connection.InvalidRequest || !strings.Contains(ended.Cause, want) || !strings.Contains(ended.Cause, "deploy") {
				t.Errorf("%s: %s", ended.Error, ended.Cause)
			}
			for _, call := range c.Calls() {
				if call.Origin == ended.ARN && call.Write {
					t.Errorf("%s wrote: %s.%s", call.Function, call.Service, call.Operation)
				}
			}
		})
	}
}

// A run that fails at its very end undoes everything, in the account where it is.
func TestRollbackInAnotherAccount(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	before := c.World.SecurityGroups()
	c.Server.SetFault(onFunction("postern-publish-config", "dynamodb", wire.Deny))
	ended := onboardWith(t, c, otherAccount, func(request map[string]any) { delete(request["target"].(map[string]any), "securityGroupIds") })
	if !slices.Equal(ended.Path[len(ended.Path)-3:], failedClean) {
		t.Fatalf("%v\n%s: %s\n%s", ended.Path, ended.Error, ended.Cause, dump(c))
	}
	for _, e := range c.World.Endpoints() {
		if e.State != privatelink.Deleted {
			t.Errorf("endpoint %s is left, %s", e.ID, e.State)
		}
	}
	parameters := c.ParametersIn(world.OtherAccount, world.Region).Names()
	if zones := c.Zones.Zones(); len(zones) > 0 || len(parameters) > 0 {
		t.Errorf("zones %+v and parameters %v are left", zones, parameters)
	}
	if diff := cmp.Diff(before, c.World.SecurityGroups()); diff != "" {
		t.Errorf("security groups (-before +after):\n%s", diff)
	}
}

// An account that is closed to us while we wait keeps what was made there, and the operators hear of it.
func TestAnAccountClosesMeanwhile(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	made := false
	c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
		made = made || call.Operation == "ChangeResourceRecordSets"
		if made && (call.Service == "sts" || record.Function == "postern-probe-agents-research") {
			return &wire.Fault{Kind: wire.Deny}
		}
		return nil
	})
	ended := onboard(t, c, otherAccount)
	if end := ended.Path[len(ended.Path)-1]; end != "FailedDirty" {
		t.Fatalf("%v\n%s: %s", ended.Path, ended.Error, ended.Cause)
	}
	for _, want := range []string{"endpoint vpce-", "hosted zone privatelink.getmontecarlo.com", "postern-network-agents-research"} {
		if !strings.Contains(ended.Cause, want) {
			t.Errorf("the cause does not tell of %q:\n%s", want, ended.Cause)
		}
	}
}

// One account's calls never see another's: the same request for the other account's VPC, in our own name.
func TestAccountsAreKeptApart(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	c.Server.Register("AKIAHOME", wire.Principal{RoleARN: "arn:aws:iam::111122223333:role/postern-us-east-1-plan", Function: "plan"})
	api := ec2.NewFromConfig(c.Server.AWS("AKIAHOME"))
	vpcs, err := api.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, vpc := range vpcs.Vpcs {
		if aws.ToString(vpc.OwnerId) != world.Account || aws.ToString(vpc.VpcId) == world.OtherVPC {
			t.Errorf("among our own VPCs is %s of %s", aws.ToString(vpc.VpcId), aws.ToString(vpc.OwnerId))
		}
	}
	_, err = api.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{world.OtherVPC}})
	if !awserr.IsNotFound(err) {
		t.Errorf("another account's VPC: %v", err)
	}
	_, err = api.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{SubnetIds: []string{world.OtherSubnetA}})
	if !awserr.IsNotFound(err) {
		t.Errorf("another account's subnet: %v", err)
	}
}

// associated asks for one VPC's endpoint to be known in the other one, too, through a security group of our own.
func associated(vpc string) func(request map[string]any) {
	return func(request map[string]any) {
		target := request["target"].(map[string]any)
		delete(target, "securityGroupIds")
		delete(target, "clientCidrs")
		target["associatedVpcIds"] = []string{vpc}
	}
}

// A zone of either account answers in the other one's VPC, whatever is lost on the way, and nothing is left that would let a VPC in.
func TestAZoneAnswersInAnotherAccountsVPC(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		request, vpc, owner string
		operation           string // that fails once
		kind                wire.FaultKind
	}{
		"our own account's VPC":  {"onboard.monte-carlo.json", world.StagingVPC, world.Account, "", ""},
		"home's zone":            {"onboard.monte-carlo.json", world.OtherVPC, world.Account, "", ""},
		"theirs":                 {otherAccount, world.VPC, world.OtherAccount, "", ""},
		"died after authorizing": {otherAccount, world.VPC, world.OtherAccount, "CreateVPCAssociationAuthorization", wire.CrashAfter},
		"authorization's answer lost": {"onboard.monte-carlo.json", world.OtherVPC, world.Account,
			"CreateVPCAssociationAuthorization", wire.LostAnswer},
		"died after associating": {"onboard.monte-carlo.json", world.OtherVPC, world.Account,
			"AssociateVPCWithHostedZone", wire.CrashAfter},
		"died before taking it back": {otherAccount, world.VPC, world.OtherAccount,
			"DeleteVPCAssociationAuthorization", wire.CrashBefore},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
			failed := false
			c.Server.SetFault(func(call *wire.Call, _ wire.Recorded) *wire.Fault {
				if failed || test.operation == "" || call.Operation != test.operation {
					return nil
				}
				failed = true
				return &wire.Fault{Kind: test.kind}
			})
			ended := onboardWith(t, c, test.request, associated(test.vpc))
			if diff := cmp.Diff(slices.Concat(untilApproval, afterApproval), ended.Path); diff != "" || failed == (test.operation == "") {
				t.Fatalf("%s: %s\n%s\n%s", ended.Error, ended.Cause, diff, dump(c))
			}
			zones := c.Zones.Zones()
			if len(zones) != 1 || zones[0].Owner != test.owner || len(zones[0].VPCs) != 2 || len(zones[0].Authorized) > 0 {
				t.Fatalf("zones %+v", zones)
			}
			if seen := c.Zones.View(test.vpc); len(seen) != 1 || seen[0].ID != zones[0].ID {
				t.Errorf("the resolver of %s sees %+v", test.vpc, seen)
			}
			var state connection.State
			if err := json.Unmarshal(ended.Output, &state); err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{zones[0].VPCs[0].ID, test.vpc} {
				if vpc, _ := c.World.VPC(id); !slices.Contains(state.Plan.Network.ClientCIDRs, vpc.CIDRs[0]) {
					t.Errorf("%v are the clients, without those of %s", state.Plan.Network.ClientCIDRs, id)
				}
			}
		})
	}
}

// Every association that is refused for good, and every later failure, ends with nothing in either account.
func TestAssociationsAreUndone(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(*wire.Call, wire.Recorded) *wire.Fault{
		"at the very end": onFunction("postern-publish-config", "dynamodb", wire.Deny),
		"at the association": func(call *wire.Call, _ wire.Recorded) *wire.Fault {
			if call.Operation == "AssociateVPCWithHostedZone" {
				return &wire.Fault{Kind: wire.Deny}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
			theirs := c.Zones.AddZone(route53.Zone{
				Name: "example.com", Owner: world.OtherAccount, Private: true,
				VPCs: []route53.VPC{{Region: world.Region, ID: world.OtherVPC}},
			})
			c.Server.SetFault(fault)
			ended := onboardWith(t, c, "onboard.monte-carlo.json", associated(world.OtherVPC))
			if !slices.Equal(ended.Path[len(ended.Path)-3:], failedClean) {
				t.Fatalf("%v\n%s: %s", ended.Path, ended.Error, ended.Cause)
			}
			if zones := c.Zones.Zones(); len(zones) != 1 || zones[0].ID != theirs || len(zones[0].VPCs) != 1 {
				t.Errorf("zones %+v", zones)
			}
		})
	}
}

// If something in the other VPC blocks the association, the plan fails.
func TestAssociationFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		world func(*local.Cloud)
		edit  func(target map[string]any)
		want  string
	}{
		"a zone of the name": {world: func(c *local.Cloud) {
			c.Zones.AddZone(route53.Zone{Name: "privatelink.getmontecarlo.com", Owner: world.OtherAccount, Private: true,
				VPCs: []route53.VPC{{Region: world.Region, ID: world.OtherVPC}}})
		}, want: "has a zone privatelink.getmontecarlo.com"},
		"no DNS": {world: func(c *local.Cloud) {
			if err := c.World.SetVPCDNS(world.OtherVPC, true, false); err != nil {
				panic(err)
			}
		}, want: "enableDnsHostnames is off in " + world.OtherVPC},
		"not registered": {edit: func(target map[string]any) { target["associatedVpcIds"] = []string{"vpc-0aaaaaaaaaaaaaaaa"} },
			want: "is not a registered network"},
		"no clients there": {edit: func(target map[string]any) { target["clientCidrs"] = []string{"10.20.0.0/16"} },
			want: "10.40.0.0/16 is not among the clients"},
		"itself": {edit: func(target map[string]any) { target["associatedVpcIds"] = []string{world.VPC} },
			want: "is target.vpcId"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			if test.world != nil {
				test.world(c)
			}
			ended := onboardWith(t, c, "onboard.monte-carlo.json", func(request map[string]any) {
				associated(world.OtherVPC)(request)
				if test.edit != nil {
					test.edit(request["target"].(map[string]any))
				}
			})
			if ended.Error != connection.InvalidRequest || !strings.Contains(ended.Cause, test.want) {
				t.Errorf("%s: %s", ended.Error, ended.Cause)
			}
		})
	}
}

// A connection of another account is removed there, through the role that its record keeps.
func TestOffboardingInAnotherAccount(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	before := c.Inventory()
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	if ended := onboardWith(t, c, otherAccount, associated(world.VPC)); ended.Status != states.Succeeded {
		t.Fatalf("%s: %s", ended.Error, ended.Cause)
	}
	arn, err := c.StartExecution("", []byte(`{"schemaVersion":1,"action":"offboard","vendor":"monte-carlo","name":"agents-research"}`))
	if err != nil {
		t.Fatal(err)
	}
	ended, err := c.Run(arn, 24*time.Hour)
	if err != nil || ended.Status != states.Succeeded {
		t.Fatalf("%v %s: %s\n%s", err, ended.Error, ended.Cause, dump(c))
	}
	if diff := cmp.Diff(before, c.Inventory()); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
	told := farewells(t, c)
	if len(told) != 1 || !strings.Contains(told[0].Body, "AWS account ID: "+world.OtherAccount) {
		t.Errorf("notices to the vendor: %+v", told)
	}
}
