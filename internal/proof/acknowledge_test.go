package proof_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/events"
	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/states"
)

var acknowledged = []string{"Plan", "ServiceVisible", "Acknowledge"}

// say starts an execution with an action, such as approve, for the connection of the samples.
func say(t *testing.T, c *local.Cloud, action connection.Action, more map[string]any) string {
	t.Helper()
	request := map[string]any{"schemaVersion": 1, "action": action, "vendor": "monte-carlo", "name": "agents-prod"}
	maps.Copy(request, more)
	input, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	arn, err := c.StartExecution("", input)
	if err != nil {
		t.Fatal(err)
	}
	return arn
}

// begin starts the sample onboarding.
func begin(t *testing.T, c *local.Cloud) string {
	t.Helper()
	input, err := os.ReadFile("../../events/onboard.monte-carlo.json")
	if err != nil {
		t.Fatal(err)
	}
	arn, err := c.StartExecution("", input)
	if err != nil {
		t.Fatal(err)
	}
	return arn
}

func advance(t *testing.T, c *local.Cloud, d time.Duration) {
	t.Helper()
	if err := c.Advance(d); err != nil {
		t.Fatal(err)
	}
}

func ending(t *testing.T, c *local.Cloud, arn string) states.Execution {
	t.Helper()
	ended, err := c.Run(arn, 60*24*time.Hour)
	if err != nil {
		t.Fatalf("%v\n%s", err, dump(c))
	}
	return ended
}

func checkEnd(t *testing.T, c *local.Cloud, arn string, path []string, name, cause string) {
	t.Helper()
	ended := ending(t, c, arn)
	if diff := cmp.Diff(path, ended.Path); diff != "" || ended.Error != name || !strings.Contains(ended.Cause, cause) {
		t.Fatalf("%s\n%s: %s\nwant %s: %s\n%s", diff, ended.Error, ended.Cause, name, cause, dump(c))
	}
}

func accept(t *testing.T, c *local.Cloud) {
	t.Helper()
	mc := c.World.Vendor(world.MonteCarloService)
	for _, id := range mc.Waiting() {
		if err := mc.Accept(id); err != nil {
			t.Error(err)
		}
	}
}

var refusedWord = slices.Concat(acknowledged, failedClean)

// What an operator's approval does in each state of the gate: an event wakes, Describe decides.
func TestApprove(t *testing.T) {
	t.Parallel()
	t.Run("nothing waits", func(t *testing.T) {
		t.Parallel()
		c := open(t, nil)
		checkEnd(t, c, say(t, c, connection.ActionApprove, nil), refusedWord, connection.NotWaiting, "nothing waits for the vendor")
	})
	t.Run("not visible, then visible", func(t *testing.T) {
		t.Parallel()
		c := open(t, nil)
		onboarding := begin(t, c)
		advance(t, c, time.Hour)
		checkEnd(t, c, say(t, c, connection.ActionApprove, nil), refusedWord, connection.StillClosed, "does not show service")
		if err := c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()); err != nil {
			t.Fatal(err)
		}
		first, second := say(t, c, connection.ActionApprove, nil), say(t, c, connection.ActionApprove, nil)
		checkEnd(t, c, first, append(slices.Clone(acknowledged), "Acknowledged"), "", "")
		ending(t, c, second) // together or after: either is heard, or finds that nothing waits
		advance(t, c, time.Minute)
		checkEnd(t, c, say(t, c, connection.ActionApprove, nil), refusedWord, connection.StillClosed, "as pendingacceptance")
		accept(t, c)
		checkEnd(t, c, onboarding, slices.Concat(untilApproval, afterApproval), "", "")
		checkEnd(t, c, say(t, c, connection.ActionApprove, nil), refusedWord, connection.NotWaiting, "")
	})
	t.Run("accepted, and every message lost", func(t *testing.T) {
		t.Parallel()
		c := open(t, nil)
		c.World.Configure(func(o *privatelink.Options) { o.LoseNotifications = true })
		if err := c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()); err != nil {
			t.Fatal(err)
		}
		onboarding := begin(t, c)
		advance(t, c, 6*time.Minute)
		accept(t, c)
		approval := say(t, c, connection.ActionApprove, nil)
		checkEnd(t, c, approval, append(slices.Clone(acknowledged), "Acknowledged"), "", "")
		ended := ending(t, c, onboarding)
		var state connection.State
		if err := json.Unmarshal(ended.Output, &state); err != nil || state.Approval.ObservedBy != connection.ObservedByOperator {
			t.Errorf("%v: the approval is %+v", err, state.Approval)
		}
		if left := c.Queues.Messages(deadLetters(c)); len(left) > 0 {
			t.Errorf("dead letters: %+v", left)
		}
	})
	t.Run("after the timeout", func(t *testing.T) {
		t.Parallel()
		c := open(t, nil)
		(&people.Vendor{Behaviour: people.Ignore, After: time.Hour}).Join(c)
		checkEnd(t, c, begin(t, c), slices.Concat(untilApproval, failedClean), connection.ApprovalTimedOut, "")
		checkEnd(t, c, say(t, c, connection.ActionApprove, nil), refusedWord, connection.NotWaiting, "")
	})
}

// The service's name came with the allow-listing: the execution plans again with it, and waits on when it still is not visible.
func TestApproveWithInputs(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	input := change(t, func(r map[string]any) {
		inputs(r)["serviceName"] = "com.amazonaws.vpce.us-east-1.vpce-svc-0fffffffffffffff1"
	})
	onboarding, err := c.StartExecution("", input)
	if err != nil {
		t.Fatal(err)
	}
	advance(t, c, time.Hour)
	given := func(service string) map[string]any {
		return map[string]any{"inputs": map[string]any{"serviceName": service}}
	}
	done := append(slices.Clone(acknowledged), "Acknowledged")
	checkEnd(t, c, say(t, c, connection.ActionApprove, given("svc-1")), slices.Concat([]string{"Plan"}, failedClean),
		connection.InvalidRequest, "inputs.serviceName")
	checkEnd(t, c, say(t, c, connection.ActionApprove, given("com.amazonaws.vpce.us-east-1.vpce-svc-0fffffffffffffff2")), done, "", "")
	advance(t, c, 40*time.Hour) // past half of the vendor's hours since it was asked, not since the second wait began
	if mails := len(requests(c)); mails != 1 {
		t.Errorf("%d requests were mailed, want one: the vendor must not get a second request", mails)
	}
	if got := reminders(c); len(got) == 0 || !strings.Contains(got[0].Body, "vpce-svc-0fffffffffffffff2") {
		t.Errorf("reminders %+v", got)
	}
	if err := c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()); err != nil {
		t.Fatal(err)
	}
	checkEnd(t, c, say(t, c, connection.ActionApprove, given(world.MonteCarloService)), done, "", "")
	advance(t, c, time.Hour)
	accept(t, c)
	again := untilApproval[:3]
	checkEnd(t, c, onboarding, slices.Concat(again, untilApproval, afterApproval), "", "")
}

// The vendor gives the service only with the allow-listing: the request leaves it out, nothing of it is looked at, and an approval
// brings it.
func TestOnboardBeforeAllowListing(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	early, err := os.ReadFile("../../events/onboard.monte-carlo.before-allow-listing.json")
	if err != nil {
		t.Fatal(err)
	}
	dry := say(t, c, connection.ActionPlan, map[string]any{"target": field(t, early, "target"), "inputs": field(t, early, "inputs")})
	checkEnd(t, c, dry, []string{"Plan", "ServiceVisible", "Planned"}, "", "")
	onboarding, err := c.StartExecution("", early)
	if err != nil {
		t.Fatal(err)
	}
	advance(t, c, 6*time.Hour) // the sweep keeps the task alive, twice the heartbeat
	for _, call := range c.Calls() {
		if call.Operation == "DescribeVpcEndpointServices" {
			t.Errorf("%s looked at a service without a name", call.Function)
		}
	}
	if mails := requests(c); len(mails) != 1 || !strings.Contains(mails[0].Body, "VPC endpoint service: (to be given by you)") {
		t.Errorf("requests %+v", mails)
	}
	checkEnd(t, c, say(t, c, connection.ActionApprove, nil), refusedWord, connection.StillClosed, "not known yet")
	refusedInputs := slices.Concat([]string{"Plan"}, failedClean)
	for cause, given := range map[string]map[string]any{
		"inputs.serviceName":   {"serviceName": "svc-1", "serviceRegion": "us-east-1"},
		"inputs.serviceRegion": {"serviceName": world.MonteCarloService, "serviceRegion": "eu-west-1"},
		"inputs.tenant":        {"tenant": "x"},
	} {
		wrong := say(t, c, connection.ActionApprove, map[string]any{"inputs": given})
		checkEnd(t, c, wrong, refusedInputs, connection.InvalidRequest, cause)
	}
	if err := c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()); err != nil {
		t.Fatal(err)
	}
	advance(t, c, time.Hour)
	if running, _ := c.States.Execution(onboarding); running.Path[len(running.Path)-1] != "AwaitAllowlisting" {
		t.Fatalf("the onboarding went on without the service: %v", running.Path)
	}
	approval, err := c.StartExecution("", events.Read("approve.monte-carlo.inputs.json"))
	if err != nil {
		t.Fatal(err)
	}
	checkEnd(t, c, approval, append(slices.Clone(acknowledged), "Acknowledged"), "", "")
	advance(t, c, time.Hour)
	// A ticket repeats what it had given; that is no news, and no mistake.
	again, err := c.StartExecution("", events.Read("approve.monte-carlo.inputs.json"))
	if err != nil {
		t.Fatal(err)
	}
	checkEnd(t, c, again, refusedWord, connection.StillClosed, "as pendingacceptance")
	accept(t, c)
	ended := ending(t, c, onboarding)
	checkEnd(t, c, onboarding, slices.Concat(untilApproval, afterApproval), "", "")
	var state connection.State
	if err := json.Unmarshal(ended.Output, &state); err != nil {
		t.Fatal(err)
	}
	checkWorld(t, c, state, 2)
}

// field is a field of a JSON object.
func field(t *testing.T, raw []byte, name string) any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatal(err)
	}
	return object[name]
}

// A cancellation ends in FailedClean from every state, whenever it comes; before and after, it finds nothing to act on.
func TestCancel(t *testing.T) {
	t.Parallel()
	whole := slices.Concat(untilApproval, afterApproval)
	for _, at := range []string{"AwaitAllowlisting", "EnsureEndpoint", "AwaitApproval", "AwaitAvailable", "ProbeEndpoint", "ConfigureDNS",
		"VerifyConnectivity", "Rollback"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			behaviour, error := people.Approve, connection.Cancelled
			if at == "Rollback" {
				behaviour, error = people.Reject, connection.EndpointRejected
			}
			(&people.Vendor{Behaviour: behaviour, After: 30 * time.Hour}).Join(c)
			onboarding := begin(t, c)
			var cancel string
			c.States.OnState(func(e states.StateEvent) {
				if e.Kind == states.Entered && e.State == at && e.Execution == onboarding && cancel == "" {
					c.Clock.After(0, "an operator cancels", func() { cancel = say(t, c, connection.ActionCancel, nil) })
				}
			})
			ended := ending(t, c, onboarding)
			if ended.Error != error || ended.Path[len(ended.Path)-1] != "FailedClean" {
				t.Fatalf("%v %s: %s\n%s", ended.Path, ended.Error, ended.Cause, dump(c))
			}
			if i := slices.Index(ended.Path, "Rollback"); !slices.Equal(ended.Path[:i], whole[:i]) || error == connection.Cancelled && i <= slices.Index(whole, at) {
				t.Errorf("path %v", ended.Path)
			}
			ending(t, c, cancel)
			checkNothingLeft(t, c)
		})
	}
	t.Run("too late by an instant", func(t *testing.T) {
		t.Parallel()
		c := open(t, nil)
		(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
		onboarding, cancel := begin(t, c), ""
		c.States.OnState(func(e states.StateEvent) {
			if e.Kind == states.Entered && e.State == "PublishConfig" {
				c.Clock.After(0, "an operator cancels", func() { cancel = say(t, c, connection.ActionCancel, nil) })
			}
		})
		checkEnd(t, c, onboarding, whole, "", "")
		checkEnd(t, c, cancel, refusedWord, connection.NotWaiting, "nothing is at work")
	})
	t.Run("nothing runs", func(t *testing.T) {
		t.Parallel()
		c := open(t, nil)
		checkEnd(t, c, say(t, c, connection.ActionCancel, nil), refusedWord, connection.NotWaiting, "nothing is at work")
	})
	t.Run("onboarded", func(t *testing.T) {
		t.Parallel()
		c := open(t, nil)
		(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
		ending(t, c, begin(t, c))
		before := c.Inventory()
		checkEnd(t, c, say(t, c, connection.ActionCancel, nil), refusedWord, connection.NotWaiting, "nothing is at work")
		if diff := cmp.Diff(before, c.Inventory()); diff != "" {
			t.Errorf("the account changed:\n%s", diff)
		}
	})
	t.Run("from another ticket", func(t *testing.T) {
		t.Parallel()
		c := open(t, nil)
		begin(t, c)
		advance(t, c, time.Hour)
		ticket := map[string]any{"ticket": map[string]any{"system": "github", "id": "example/network#7"}}
		checkEnd(t, c, say(t, c, connection.ActionCancel, ticket), refusedWord, connection.Conflict, "was not opened from ticket")
		checkEnd(t, c, say(t, c, connection.ActionApprove, ticket), refusedWord, connection.Conflict, "was not opened from ticket")
	})
}

// The vendor accepts in the instant in which an operator cancels: whichever is heard first, nothing is left, or all is there.
func TestCancelAgainstAcceptance(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"cancel", "acceptance"} {
		t.Run(first, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			if err := c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()); err != nil {
				t.Fatal(err)
			}
			onboarding := begin(t, c)
			advance(t, c, time.Hour)
			if first == "acceptance" {
				accept(t, c)
			}
			cancel := say(t, c, connection.ActionCancel, nil)
			if first == "cancel" {
				accept(t, c)
			}
			ended := ending(t, c, onboarding)
			ending(t, c, cancel)
			if ended.Error != connection.Cancelled || ended.Path[len(ended.Path)-1] != "FailedClean" {
				t.Fatalf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
			}
			checkNothingLeft(t, c)
		})
	}
}
