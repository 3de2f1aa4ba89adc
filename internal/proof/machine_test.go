package proof_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/sns"
	"postern/internal/local/states"
	"postern/internal/local/template"
	"postern/internal/local/wire"
	"postern/internal/proof/conformance"
	"postern/internal/proof/handlers"
)

func defaultConfig() local.Config {
	return local.Config{
		TemplatePath: "../../infra/testdata/postern.template.json", Functions: handlers.InProcess(),
		Others: []local.Other{
			networkStack("agents-research", world.OtherAccount, world.Region),
			networkStack("agents-europe", world.Account, world.EuropeRegion),
			networkStack("research-europe", world.OtherAccount, world.EuropeRegion),
		},
	}
}

// networkStack is the golden template of a network in another account or Region.
func networkStack(network, account, region string) local.Other {
	return local.Other{
		TemplatePath: "../../infra/testdata/postern-" + network + ".template.json", StackName: "Postern-" + network,
		AccountID: account, Region: region,
	}
}

// open deploys the golden template, with the functions in this process.
func open(t *testing.T, change func(*local.Config)) *local.Cloud {
	t.Helper()
	config := defaultConfig()
	if change != nil {
		change(&config)
	}
	c, err := world.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	conformance.Watch(t, c.Server)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// vendor allow-lists the account and accepts endpoints after a while each, as Monte Carlo does.
func vendor(t *testing.T, c *local.Cloud, allow, accept time.Duration) {
	t.Helper()
	mc := c.World.Vendor(world.MonteCarloService)
	c.Clock.After(allow, "the vendor allow-lists the account", func() {
		if err := mc.Allow(c.World.AccountID()); err != nil {
			t.Error(err)
		}
	})
	c.World.OnRequest(func(_, endpointID string) {
		c.Clock.After(accept, "the vendor accepts "+endpointID, func() {
			if err := mc.Accept(endpointID); err != nil {
				t.Error(err)
			}
		})
	})
}

func onboard(t *testing.T, c *local.Cloud, request string) states.Execution {
	t.Helper()
	input, err := os.ReadFile("../../events/" + request)
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

// breakOnce breaks the first call of an operation by a function, by any when that is "", and tells whether there was one.
func breakOnce(c *local.Cloud, function, operation string, kind wire.FaultKind) *bool {
	done := false
	c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
		if done || call.Operation != operation || function != "" && record.Function != function {
			return nil
		}
		done = true
		return &wire.Fault{Kind: kind}
	})
	return &done
}

// dump is what the functions logged, for a test that failed.
func dump(c *local.Cloud) string {
	var b strings.Builder
	for name, text := range c.Logs() {
		b.WriteString(name + "\n" + text + "\n")
	}
	for _, call := range c.Calls() {
		if call.Code != "" {
			b.WriteString(call.Function + " " + call.Service + "." + call.Operation + ": " + call.Code + ": " + call.Error + "\n")
		}
	}
	b.WriteString(strings.Join(c.Dropped(), "\n"))
	return b.String()
}

func TestMonteCarloIsOnboarded(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	vendor(t, c, 26*time.Hour, 3*time.Hour)
	ended := onboard(t, c, "onboard.monte-carlo.json")
	want := []string{
		"Plan", "ServiceVisible", "AwaitAllowlisting", "Plan", "ServiceVisible", "EnsureEndpoint", "AwaitApproval", "AwaitAvailable",
		"ProbeEndpoint", "ConfigureDNS", "VerifyConnectivity", "PublishConfig", "Onboarded",
	}
	if diff := cmp.Diff(want, ended.Path); diff != "" || ended.Status != states.Succeeded {
		t.Fatalf("%s %s: %s\n%s\n%s", ended.Status, ended.Error, ended.Cause, diff, dump(c))
	}
	var state connection.State
	if err := json.Unmarshal(ended.Output, &state); err != nil {
		t.Fatal(err)
	}
	checkWorld(t, c, state, 2)
	checkBudget(t, c, ended)
}

// requests are the mails that ask for something for the first time; reminders are not.
func requests(c *local.Cloud) []sns.Mail {
	return slices.DeleteFunc(c.Mail(), func(mail sns.Mail) bool { return !strings.Contains(mail.Subject, " waits for ") })
}

// reminders are the other mails.
func reminders(c *local.Cloud) []sns.Mail {
	return slices.DeleteFunc(c.Mail(), func(mail sns.Mail) bool { return strings.Contains(mail.Subject, " waits for ") })
}

// checkWorld checks what an onboarding leaves behind.
func checkWorld(t *testing.T, c *local.Cloud, state connection.State, mails int) {
	t.Helper()
	endpoint, known := c.World.Endpoint(state.Endpoint.ID)
	if !known || endpoint.State != privatelink.Available || len(c.World.Endpoints()) != 1 {
		t.Errorf("endpoint %+v of %d", endpoint, len(c.World.Endpoints()))
	}
	published := map[string]string{}
	for _, name := range c.Parameters.Names() {
		version, _ := c.Parameters.Get(name)
		published[name] = version.Value
	}
	const url = "https://artemis.privatelink.getmontecarlo.com"
	if len(published) != 2 {
		t.Errorf("published %v", published)
	}
	for name, value := range published {
		if !strings.HasPrefix(name, "/postern/monte-carlo/agents-prod/") || !strings.Contains(value, url) {
			t.Errorf("published %s: %s", name, value)
		}
	}
	if zones := c.Zones.Zones(); len(zones) != 1 || zones[0].Name != "privatelink.getmontecarlo.com." {
		t.Errorf("zones %+v", zones)
	}
	if got := requests(c); len(got) != mails {
		t.Errorf("got %d mails, want %d, one for each gate that was waited at: %+v", len(got), mails, got)
	}
	if dropped := c.Dropped(); len(dropped) > 0 {
		t.Errorf("dropped: %s", strings.Join(dropped, "\n"))
	}
	if queued := c.Queues.Messages(deadLetters(c)); len(queued) > 0 {
		t.Errorf("dead letters: %+v", queued)
	}
}

// deadLetters is the ARN of the stack's queue.
func deadLetters(c *local.Cloud) string { return template.All[template.Queue](c.Stack)[0].ARN }

// checkBudget checks what one onboarding may cost; see docs/adr/0005.
func checkBudget(t *testing.T, c *local.Cloud, ended states.Execution) {
	t.Helper()
	var calls, writes int
	for _, call := range c.Calls() {
		if call.Code == wire.CodeNotImplemented {
			t.Errorf("%s called %s.%s, which is not known here: %s", call.Function, call.Service, call.Operation, call.Error)
		}
		switch call.Function {
		case "postern-ticket", "postern-relay": // comments on tickets, docs/adr/0008, and what Step Functions cannot call, docs/adr/0010
			continue
		}
		if call.Origin != ended.ARN {
			continue
		}
		calls++
		if call.Write {
			writes++
		}
	}
	if ended.Transitions > 15 || calls > 40 || writes > 12 {
		t.Errorf("%d transitions, %d calls, %d writes; allowed are 15, 40, 12", ended.Transitions, calls, writes)
		for _, call := range c.Calls() {
			t.Logf("%s %-24s %s.%s write=%v origin=%s",
				call.At.Format(time.DateTime), call.Function, call.Service, call.Operation, call.Write, call.Origin)
		}
	}
}
