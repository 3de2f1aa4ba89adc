package invariant_test

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"postern/events"
	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/states"
	"postern/internal/local/wire"
	"postern/internal/proof/handlers"
	"postern/internal/proof/invariant"
	"postern/internal/step"
)

const monteCarlo = "onboard.monte-carlo.json"

// run lets a request run to its end, with a change of the cloud before it.
func run(t *testing.T, request string, functions map[string]step.Function, before func(*local.Cloud)) (
	*local.Cloud, *invariant.Witness, states.Execution) {
	t.Helper()
	raw, err := os.ReadFile("../../../infra/testdata/postern.template.json")
	if err != nil {
		t.Fatal(err)
	}
	all := handlers.InProcess()
	for name, function := range functions {
		all[name] = handlers.Simulated(function)
	}
	c, err := world.Open(local.Config{Template: raw, Functions: all})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	c.World.AddSecurityGroup(privatelink.SecurityGroup{ID: "sg-0123456789abcdef0", VPCID: world.VPC, Name: "other-team"})
	if err := c.Parameters.PutByHand("/other-team/value", "value"); err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(request, ".adopt.json") {
		if _, err := people.MakeByHand(c, people.HandMade); err != nil {
			t.Fatal(err)
		}
	}
	w := invariant.Watch(c)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	if before != nil {
		before(c)
	}
	arn, err := c.StartExecution("", events.Read(request))
	if err != nil {
		t.Fatal(err)
	}
	ended, err := c.Run(arn, 60*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return c, w, ended
}

func TestGoodRunsViolateNothing(t *testing.T) {
	t.Parallel()
	for _, request := range []string{monteCarlo, "onboard.engflow.json", "plan.monte-carlo.json"} {
		_, w, ended := run(t, request, nil, nil)
		if wrong := w.Violations(); len(wrong) > 0 || ended.Status != states.Succeeded {
			t.Errorf("%s: %s %s, %q", request, ended.Status, ended.Cause, wrong)
		}
	}
}

// An endpoint that was created manually may have our tags while the connection exists. Nothing else of it may change.
func TestAdopted(t *testing.T) {
	t.Parallel()
	c, w, ended := run(t, "onboard.monte-carlo.adopt.json", nil, nil)
	if wrong := w.Violations(); len(wrong) > 0 || ended.Status != states.Succeeded {
		t.Fatalf("%s %s, %q", ended.Status, ended.Cause, wrong)
	}
	if err := c.World.SetTagsByHand(world.HandMade, map[string]string{"Name": "changed"}); err != nil {
		t.Fatal(err)
	}
	if wrong := w.Violations(); len(wrong) != 1 || !strings.HasPrefix(wrong[0], "only ours: something of others") {
		t.Errorf("got %q", wrong)
	}
}

func allowed(c *local.Cloud) {
	if err := c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()); err != nil {
		panic(err)
	}
}

// always are functions that answer and do nothing.
func always(answers map[string]any) map[string]step.Function {
	functions := map[string]step.Function{}
	for name, answer := range answers {
		functions[name] = func(r step.Runtime) (lambda.Handler, error) {
			return step.Handle(r.Log, func(context.Context, json.RawMessage) (any, error) { return answer, nil }), nil
		}
	}
	return functions
}

var accepted = regexp.MustCompile(`<state>(pending|available)<`)

func rewriting(r wire.Rewrite) func(*local.Cloud) {
	return func(c *local.Cloud) { c.Server.SetRewrite(r) }
}

// withoutParameters answers as if there were no parameters.
func withoutParameters(call *wire.Call, body []byte) []byte {
	if call.Operation != "GetParameters" {
		return body
	}
	return []byte(`{"Parameters":[],"InvalidParameters":[]}`)
}

// The witness must see what it is there to see.
func TestViolations(t *testing.T) {
	t.Parallel()
	failing := func(c *local.Cloud) {
		c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
			if record.Function == "postern-publish-config" && call.Operation == "UpdateItem" ||
				record.Function == "postern-rollback" && call.Operation == "DeleteVpcEndpoints" {
				return &wire.Fault{Kind: wire.Deny}
			}
			return nil
		})
	}
	for name, test := range map[string]struct {
		functions     map[string]step.Function // instead of ours
		before, after func(*local.Cloud)
	}{
		"watched": {functions: always(map[string]any{"await-gate": nil}), before: allowed},
		"proven": {functions: always(map[string]any{
			"await-available": connection.Availability{State: connection.StateAvailable}, "configure-dns": connection.DNS{},
			"probe": connection.Proof{Verdict: connection.Pass},
		}), before: allowed},
		"verified config": {functions: always(map[string]any{"publish-config": connection.Config{}}), before: allowed},
		"restored":        {functions: always(map[string]any{"rollback": connection.Outcome{Clean: true}}), before: failing},
		"released":        {functions: always(map[string]any{"rollback": connection.Outcome{Clean: true}}), before: failing},
		"one of each": {after: func(c *local.Cloud) {
			e := c.World.Endpoints()[0]
			c.World.AddSecurityGroup(privatelink.SecurityGroup{ID: "sg-1", VPCID: e.VPCID, Name: "a", Tags: e.Tags})
			c.World.AddSecurityGroup(privatelink.SecurityGroup{ID: "sg-2", VPCID: e.VPCID, Name: "b", Tags: e.Tags})
		}},
		"only ours: something of others": {after: func(c *local.Cloud) { _ = c.Parameters.PutByHand("/other-team/value", "changed") }},
		"only ours: no plan names":       {after: func(c *local.Cloud) { _ = c.Parameters.PutByHand("/postern/unplanned", "new") }},
		"only ours: security group sg-1 does not say": {after: func(c *local.Cloud) {
			c.World.AddSecurityGroup(privatelink.SecurityGroup{ID: "sg-1", VPCID: world.VPC, Name: "untagged"})
		}},
		"only ours: security group sg-1 says that it is of monte-carlo/agents-prod, whose ledger": {after: func(c *local.Cloud) {
			e := c.World.Endpoints()[0]
			c.World.AddSecurityGroup(privatelink.SecurityGroup{ID: "sg-1", VPCID: e.VPCID, Name: "a", Tags: e.Tags})
		}},
		"lost: the sweep": {functions: always(map[string]any{"resume": nil})},
		"lost: the vendor had accepted": {before: rewriting(wire.Rewrite{Answer: func(call *wire.Call, body []byte) []byte {
			return accepted.ReplaceAll(body, []byte("<state>pendingAcceptance<"))
		}})},
		"lost: the vendor had allow-listed": {before: rewriting(wire.Rewrite{Request: func(call *wire.Call) {
			if call.Operation == "DescribeVpcEndpointServices" {
				call.Form.Set("ServiceName.1", world.MonteCarloService+"0")
			}
		}})},
		"verified config: parameter": {after: func(c *local.Cloud) {
			rewriting(wire.Rewrite{Answer: withoutParameters})(c)
			arn, _ := c.StartExecution("", events.Read("offboard.monte-carlo.json"))
			_, _ = c.Run(arn, time.Hour)
		}},
		"ended": {before: failing},
		"one text": {after: func(c *local.Cloud) {
			mail := c.Mail()[0]
			_, _ = c.Topics.Publish(mail.TopicARN, mail.Subject, mail.Body+"\nonce more")
			_ = c.Advance(time.Minute)
		}},
		"secret token": {after: func(c *local.Cloud) {
			_, _ = c.Topics.Publish(c.Mail()[0].TopicARN, "a token", "AQCEAAAAKgAAAAMAAAAAAAAAA"+strings.Repeat("x", 40))
			_ = c.Advance(time.Minute)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, w, ended := run(t, monteCarlo, test.functions, test.before)
			if test.after != nil {
				test.after(c)
			}
			invariant, what, _ := strings.Cut(name, ": ")
			if wrong := w.Violations(); !slices.ContainsFunc(wrong, func(line string) bool {
				return strings.HasPrefix(line, invariant+": ") && strings.Contains(line, what)
			}) {
				t.Errorf("ended %v %s: got %q", ended.Path, ended.Error, wrong)
			}
		})
	}
}
