package proof_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
	"postern/internal/local/states"
	"postern/internal/local/wire"
)

var (
	untilApproval = []string{"Plan", "ServiceVisible", "AwaitAllowlisting", "Plan", "ServiceVisible", "EnsureEndpoint", "AwaitApproval"}
	afterApproval = []string{"AwaitAvailable", "ProbeEndpoint", "ConfigureDNS", "VerifyConnectivity", "PublishConfig", "Onboarded"}
	failedClean   = []string{"Rollback", "RolledBack", "FailedClean"}
)

// What the people at the vendor can do, each with the exact path through the machine and how it ends.
func TestWhatTheVendorDoes(t *testing.T) {
	t.Parallel()
	tests := map[people.Behaviour]struct {
		path  []string
		error string
		cause string // part of it
	}{
		people.Approve: {path: slices.Concat(untilApproval, afterApproval)},
		people.Early:   {path: slices.Concat(untilApproval, afterApproval)},
		people.Slow:    {path: slices.Concat(untilApproval, afterApproval)},
		people.Lost:    {path: slices.Concat(untilApproval, afterApproval)},
		people.Reject:  {slices.Concat(untilApproval, failedClean), connection.EndpointRejected, "rejected the endpoint connection"},
		people.Expire:  {slices.Concat(untilApproval, failedClean), connection.EndpointExpired, "before AWS expired it"},
		people.Fail:    {slices.Concat(untilApproval, failedClean), connection.EndpointFailed, "AWS says: the endpoint could not be connected"},
		people.Deleted: {slices.Concat(untilApproval, failedClean), connection.EndpointDeleted, "was deleted while we waited"},
		people.Ignore:  {slices.Concat(untilApproval, failedClean), connection.ApprovalTimedOut, "within 120 hours"},
		people.Silent:  {slices.Concat(untilApproval[:3], failedClean), connection.AllowlistingTimedOut, "within 120 hours"},
	}
	for _, behaviour := range people.Behaviours {
		t.Run(string(behaviour), func(t *testing.T) {
			t.Parallel()
			test, known := tests[behaviour]
			if !known {
				t.Fatal("this behaviour has no test")
			}
			c := open(t, nil)
			(&people.Vendor{Behaviour: behaviour, After: 48 * time.Hour}).Join(c)
			ended := onboard(t, c, "onboard.monte-carlo.json")
			if diff := cmp.Diff(test.path, ended.Path); diff != "" {
				t.Fatalf("path (-want +got):\n%s\n%s: %s\n%s", diff, ended.Error, ended.Cause, dump(c))
			}
			if ended.Error != test.error || !strings.Contains(ended.Cause, test.cause) {
				t.Errorf("%s: %s; want %s: %s", ended.Error, ended.Cause, test.error, test.cause)
			}
			if test.error != "" {
				checkNothingLeft(t, c)
				return
			}
			var state connection.State
			if err := json.Unmarshal(ended.Output, &state); err != nil {
				t.Fatal(err)
			}
			mails := 2
			if behaviour == people.Early {
				mails = 1 // the vendor has accepted already and needs no request
			}
			checkWorld(t, c, state, mails)
			checkBudget(t, c, ended)
		})
	}
}

// checkNothingLeft checks that a failed run left nothing, and let its connection go.
func checkNothingLeft(t *testing.T, c *local.Cloud) {
	t.Helper()
	for _, e := range c.World.Endpoints() {
		if e.State != privatelink.Deleted && e.State != privatelink.Deleting {
			t.Errorf("endpoint %s is left, %s", e.ID, e.State)
		}
	}
	if zones := c.Zones.Zones(); len(zones) > 0 {
		t.Errorf("zones are left: %+v", zones)
	}
	if names := c.Parameters.Names(); len(names) > 0 {
		t.Errorf("parameters are left: %v", names)
	}
	if waiting := c.World.Notifications(); len(waiting) > 0 {
		t.Errorf("notifications are left: %+v", waiting)
	}
	// The connection is free: the same request can run again.
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	input, err := os.ReadFile("../../events/onboard.monte-carlo.json")
	if err != nil {
		t.Fatal(err)
	}
	c.World.Configure(func(o *privatelink.Options) { o.LoseNotifications = false })
	arn, err := c.StartExecution("again", input)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.Run(arn, 30*24*time.Hour); err != nil && again.Error == connection.Conflict {
		t.Errorf("the connection is still held: %s", again.Cause)
	}
}

// change edits the sample request.
func change(t *testing.T, edit func(request map[string]any)) []byte {
	t.Helper()
	raw, err := os.ReadFile("../../events/onboard.monte-carlo.json")
	if err != nil {
		t.Fatal(err)
	}
	var request map[string]any
	if err := json.Unmarshal(raw, &request); err != nil {
		t.Fatal(err)
	}
	edit(request)
	if raw, err = json.Marshal(request); err != nil {
		t.Fatal(err)
	}
	return raw
}

func target(request map[string]any) map[string]any { return request["target"].(map[string]any) }
func inputs(request map[string]any) map[string]any { return request["inputs"].(map[string]any) }

// Every bad request ends in Plan, with every fault named and nothing written.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		edit  func(map[string]any)
		world func(*local.Cloud)
		want  []string
	}{
		"unknown fields": {func(r map[string]any) { r["frobnicate"], target(r)["nat"] = 1, "x" }, nil, []string{"frobnicate: unknown field", "target.nat: unknown field"}},
		"wrong vendor":   {func(r map[string]any) { r["vendor"] = "no-such-vendor" }, nil, []string{"vendor: there is no profile for no-such-vendor"}},
		"malformed ids": {func(r map[string]any) {
			target(r)["vpcId"], target(r)["subnetIds"], inputs(r)["serviceName"] = "vpc-1", []string{"subnet-1"}, "com.example"
		}, nil, []string{"target.vpcId", "target.subnetIds[0]", "inputs.serviceName"}},
		"VPC not registered": {func(r map[string]any) { target(r)["vpcId"] = "vpc-0ffffffffffffffff" }, nil, []string{"is not a registered network", "agents-prod"}},
		"a zone the service lacks": {func(r map[string]any) {
			target(r)["subnetIds"] = []string{world.SubnetA, world.SubnetC}
		}, nil, []string{"target.subnetIds[1]", "use1-az3", "use1-az1, use1-az2"}},
		"two subnets in one zone": {func(r map[string]any) {
			target(r)["subnetIds"] = []string{world.SubnetA, "subnet-0d10000000000000d"}
		}, func(c *local.Cloud) {
			c.World.AddSubnet(privatelink.Subnet{ID: "subnet-0d10000000000000d", VPCID: world.VPC, AZ: "us-east-1a", AZID: "use1-az1", CIDR: "10.20.4.0/24"})
		}, []string{"target.subnetIds[1]", "use1-az1"}},
		"a foreign zone of the same name": {func(map[string]any) {}, func(c *local.Cloud) {
			c.Zones.AddZone(route53.Zone{
				Name: "privatelink.getmontecarlo.com", Private: true, VPCs: []route53.VPC{{ID: world.VPC, Region: world.Region}},
			})
		}, []string{"privatelink.getmontecarlo.com"}},
		"a security group that does not allow inbound HTTPS": {func(r map[string]any) { target(r)["securityGroupIds"] = []string{world.ClientGroup} }, nil,
			[]string{"target.securityGroupIds: ", "inbound"}},
		"DNS switched off in the VPC": {func(map[string]any) {}, func(c *local.Cloud) {
			if err := c.World.SetVPCDNS(world.VPC, true, false); err != nil {
				panic(err)
			}
		}, []string{"enableDnsHostnames"}},
		"several at once": {func(r map[string]any) {
			target(r)["securityGroupIds"], inputs(r)["privateHostname"] = []string{world.ClientGroup}, "artemis.example.com"
		}, nil, []string{"target.securityGroupIds: ", "inputs.privateHostname"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			if err := c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()); err != nil {
				t.Fatal(err)
			}
			if test.world != nil {
				test.world(c)
			}
			ended := execute(t, c, change(t, test.edit))
			if diff := cmp.Diff(slices.Concat([]string{"Plan"}, failedClean), ended.Path); diff != "" || ended.Error != connection.InvalidRequest {
				t.Errorf("%s\n%s: %s", diff, ended.Error, ended.Cause)
			}
			for _, want := range test.want {
				if !strings.Contains(ended.Cause, want) {
					t.Errorf("the cause does not say %q:\n%s", want, ended.Cause)
				}
			}
			first, _, _ := strings.Cut(ended.Cause, "\n")
			if len(first) > 80 {
				t.Errorf("the first line is long for the console: %q", first)
			}
			for _, call := range c.Calls() {
				if call.Write || call.Message {
					t.Errorf("%s wrote: %s.%s", call.Function, call.Service, call.Operation)
				}
			}
		})
	}
}

// Input that is no object at all passes StartExecution and must end as well.
func TestInputThatIsNoRequest(t *testing.T) {
	t.Parallel()
	for _, input := range []string{`[1]`, `"x"`, `7`, `null`, `{}`, `{"plan":{"decision":"proceed"}}`, `{"endpoint":"vpce-1"}`} {
		t.Run(input, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			ended := execute(t, c, []byte(input))
			if ended.Error != connection.InvalidRequest || ended.Path[len(ended.Path)-1] != "FailedClean" {
				t.Errorf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
			}
		})
	}
}

func execute(t *testing.T, c *local.Cloud, input []byte) states.Execution {
	t.Helper()
	arn, err := c.StartExecution("", input)
	if err != nil {
		t.Fatal(err)
	}
	ended, err := c.Run(arn, 400*24*time.Hour)
	if err != nil {
		t.Fatalf("%v\n%s", err, dump(c))
	}
	return ended
}

func TestDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	ended := onboard(t, c, "plan.monte-carlo.json")
	if diff := cmp.Diff([]string{"Plan", "ServiceVisible", "Planned"}, ended.Path); diff != "" {
		t.Fatal(diff, ended.Cause)
	}
	for _, call := range c.Calls() {
		if call.Write || call.Message {
			t.Errorf("%s wrote: %s.%s", call.Function, call.Service, call.Operation)
		}
	}
}

// A task token is a credential: it must be in no log, mail, event, state or error.
func TestTokensLeaveNoTrace(t *testing.T) {
	t.Parallel()
	token := regexp.MustCompile(`AQCEAAAAKgAAAAMAAAAAAAAAA[A-Za-z0-9+/=]{20,}`)
	for _, behaviour := range []people.Behaviour{people.Approve, people.Reject} {
		t.Run(string(behaviour), func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			(&people.Vendor{Behaviour: behaviour, After: time.Hour}).Join(c)
			var seen int
			c.Server.SetFault(func(call *wire.Call, _ wire.Recorded) *wire.Fault {
				if token.Match(call.Body) {
					seen++
					if call.Service != "dynamodb" && call.Service != "states" {
						t.Errorf("a token went to %s.%s", call.Service, call.Operation)
					}
				}
				return nil
			})
			ended := onboard(t, c, "onboard.monte-carlo.json")
			if seen == 0 {
				t.Fatal("no token was seen where tokens belong: the pattern is wrong")
			}
			places := map[string]string{"output": string(ended.Output), "cause": ended.Cause}
			for name, log := range c.Logs() {
				places["log of "+name] = log
			}
			for i, mail := range c.Mail() {
				places[fmt.Sprintf("mail %d", i)] = mail.Subject + mail.Body
			}
			for place, text := range places {
				if found := token.FindString(text); found != "" {
					t.Errorf("%s holds a task token: %s…", place, found[:20])
				}
			}
		})
	}
}

// A person can forward the mail as it is.
func TestTheMailTellsWhatToSend(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	ended := onboard(t, c, "onboard.monte-carlo.json")
	var state connection.State
	if err := json.Unmarshal(ended.Output, &state); err != nil {
		t.Fatal(err)
	}
	mails := requests(c)
	if len(mails) != 2 {
		t.Fatalf("%d mails, want one for each gate", len(mails))
	}
	for i, wants := range [][]string{
		{"Monte Carlo account ID: 5f1c2b9e-6a3d-4c47-9b1e-2d8f0a7c6e54", "AWS account ID: 111122223333", "us-east-1", "48"},
		{"VPC endpoint ID: " + state.Endpoint.ID, "AWS account ID: 111122223333"},
	} {
		for _, want := range wants {
			if !strings.Contains(mails[i].Body, want) {
				t.Errorf("mail %d does not say %q:\n%s", i, want, mails[i].Body)
			}
		}
	}
}
