package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"postern/events"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
	"postern/internal/local/states"
	"postern/internal/local/wire"
)

// mutation removes a safeguard: it rewrites calls, so that the functions behave as if they lacked it. With the safeguard the scenario
// ends well in spite of the fault. Without it an invariant must be violated: this proves that the check can fail.
type mutation struct {
	safeguard string
	what      string // how it is removed
	violates  string // what a violation that notices it begins with
	scenario  scenario
	// What happens with and without the safeguard, made anew for each run; nil for nothing.
	fault   func() fault
	refusal func() wire.Rewrite
	removed wire.Rewrite // takes the safeguard away
}

// fault decides about each call whether it fails.
type fault func(call *wire.Call, record wire.Recorded) *wire.Fault

func mutations() []mutation {
	onboard := events.Read("onboard.monte-carlo.json")
	return []mutation{
		{
			safeguard: "client token",
			what:      "CreateVpcEndpoint arrives without its ClientToken; the first answer is lost",
			violates:  "one of each: ",
			scenario:  scenario{vendor: people.Approve, request: onboard, end: "Onboarded", prepare: slowlyVisible},
			fault:     func() fault { return firstAnswerLost("CreateVpcEndpoint") },
			removed:   wire.Rewrite{Request: withoutToken},
		},
		{
			safeguard: "store, then describe",
			what:      "the gate reads the state from before it stored the token; the vendor was faster, and no other function checks",
			violates:  "lost: ",
			scenario:  scenario{vendor: people.Early, request: onboard, end: "Onboarded", prepare: allowListed},
			fault:     func() fault { return blind },
			removed:   wire.Rewrite{Answer: stale},
		},
		{
			safeguard: "ownership check",
			what:      "a hosted zone of another owner is shown with our caller reference",
			violates:  "only ours: ",
			scenario:  scenario{vendor: people.Approve, request: onboard, end: failedClean, prepare: foreignZone},
			removed:   wire.Rewrite{Answer: asOurs},
		},
		{
			safeguard: "Unsuccessful read",
			what:      "the deletion of a connection notification is refused once; the answer loses the item that says so",
			violates:  "restored: ",
			scenario: scenario{
				vendor: people.Approve, before: onboard, request: onboard, end: failedClean, prepare: brokenLater,
			},
			refusal: firstDeletionRefused,
			removed: wire.Rewrite{Answer: withoutUnsuccessful},
		},
	}
}

func withoutToken(call *wire.Call) {
	if call.Operation == "CreateVpcEndpoint" {
		call.Form.Del("ClientToken")
	}
}

// stale answers the gate's look as it would have been before the token was stored: the endpoint had only just been made.
func stale(call *wire.Call, body []byte) []byte {
	if call.Operation != "DescribeVpcEndpoints" || call.Function != gatekeeper {
		return body
	}
	return stateOf.ReplaceAll(body, []byte("<state>"+privatelink.PendingAcceptance+"</state>"))
}

func asOurs(call *wire.Call, body []byte) []byte {
	if call.Service != "route53" {
		return body
	}
	ours := "<CallerReference>postern:monte-carlo/agents-prod:" + strings.Repeat("0", 32) + "</CallerReference>"
	return referenceOf.ReplaceAll(body, []byte(ours))
}

// withoutUnsuccessful: an endpoint is looked at until it is gone, so its deletion is guarded twice. Of a notification this item is
// all that is ever said.
func withoutUnsuccessful(call *wire.Call, body []byte) []byte {
	if call.Operation != deleteNotifications {
		return body
	}
	return unsuccessful.ReplaceAll(body, nil)
}

// What is looked for in answers.
var (
	stateOf      = regexp.MustCompile(`<state>\w+</state>`)
	referenceOf  = regexp.MustCompile(`<CallerReference>[^<]*</CallerReference>`)
	unsuccessful = regexp.MustCompile(`(?s)<unsuccessful>.*</unsuccessful>`)
)

// Names of the template and of AWS.
const (
	gatekeeper          = "postern-await-gate"
	observer            = "postern-observe"
	deleteNotifications = "DeleteVpcEndpointConnectionNotifications"
)

// slowlyVisible: EC2 does not show a new endpoint at once.
//
// AWS: the EC2 API is eventually consistent.
func slowlyVisible(c *local.Cloud) {
	c.World.Configure(func(o *privatelink.Options) { o.VisibleAfter = 2 * time.Minute })
}

// allowListed: the vendor has allow-listed the account before anybody asked.
func allowListed(c *local.Cloud) {
	_ = c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()) // it exists
}

// foreignZone adds a zone of the planned name that another person created. Its record for the vendor's name points elsewhere.
func foreignZone(c *local.Cloud) {
	c.Zones.AddZone(route53.Zone{
		Name: "privatelink.getmontecarlo.com", Private: true, CallerReference: "another-owner",
		VPCs: []route53.VPC{{ID: world.VPC, Region: world.Region}},
		Records: []route53.Record{{
			Name: world.MonteCarloHost + ".", Type: "CNAME", TTL: 60,
			Values: []string{"vpce-0123456789abcdef0-a1b2c3d4.vpce-svc-0a0a0a0a0a0a0a0a0.us-east-1.vpce.amazonaws.com"},
		}},
	})
}

// brokenLater: after the first onboarding a manual change deletes the endpoint's notification, and the vendor's service goes down. The
// second onboarding creates a notification for the endpoint that it adopts, fails, and rolls back only the notification.
func brokenLater(c *local.Cloud) {
	done := false
	c.States.OnStatusChange(func(e states.Execution) {
		if e.Status == states.Running || done {
			return
		}
		done = true
		for _, endpoint := range c.World.Endpoints() {
			c.World.DeleteNotificationsByHand(endpoint.ID)
		}
		_ = c.World.Vendor(world.MonteCarloService).Update(func(s *privatelink.VendorService) { s.DownAZIDs = s.AZIDs }) // it exists
	})
}

// firstAnswerLost loses the first answer of an operation, after its effect.
func firstAnswerLost(operation string) fault {
	return func(call *wire.Call, _ wire.Recorded) *wire.Fault {
		if call.Operation != operation {
			return nil
		}
		operation = "" // the first one only
		return &wire.Fault{Kind: wire.LostAnswer}
	}
}

// blind: notifications, CloudTrail and the sweep see nothing.
func blind(_ *wire.Call, record wire.Recorded) *wire.Fault {
	if record.Function == observer {
		return &wire.Fault{Kind: wire.ServerError}
	}
	return nil
}

// firstDeletionRefused refuses the first deletion of a connection notification as EC2 does: inside an answer that succeeds.
func firstDeletionRefused() wire.Rewrite {
	const parameter, nowhere = "ConnectionNotificationId.1", "vpce-nfn-00000000000000000"
	refused := ""
	return wire.Rewrite{
		Request: func(call *wire.Call) {
			if call.Operation == deleteNotifications && refused == "" {
				refused = call.Form.Get(parameter)
				call.Form.Set(parameter, nowhere)
			}
		},
		Answer: func(call *wire.Call, body []byte) []byte {
			if call.Operation != deleteNotifications || call.Form.Get(parameter) != nowhere {
				return body
			}
			text := strings.ReplaceAll(string(body), nowhere, refused)
			return []byte(strings.ReplaceAll(text, "InvalidConnectionNotification", "InternalError"))
		},
	}
}

// both is two rewrites, the second one after the first.
func both(first, second wire.Rewrite) wire.Rewrite {
	return wire.Rewrite{
		Request: func(call *wire.Call) {
			for _, r := range []wire.Rewrite{first, second} {
				if r.Request != nil {
					r.Request(call)
				}
			}
		},
		Answer: func(call *wire.Call, body []byte) []byte {
			for _, r := range []wire.Rewrite{first, second} {
				if r.Answer != nil {
					body = r.Answer(call, body)
				}
			}
			return body
		},
	}
}

// run runs the scenario, with or without the safeguard.
func (m mutation) run(raw []byte, safe bool) (outcome, error) {
	var rewrite wire.Rewrite
	if m.refusal != nil {
		rewrite = m.refusal()
	}
	if !safe {
		rewrite = both(rewrite, m.removed)
	}
	fails := func(*wire.Call, wire.Recorded) *wire.Fault { return nil }
	if m.fault != nil {
		fails = m.fault()
	}
	s := m.scenario
	s.prepare = func(c *local.Cloud) {
		c.Server.SetRewrite(rewrite)
		if m.scenario.prepare != nil {
			m.scenario.prepare(c)
		}
	}
	end, violations, err := s.run(raw, func(_ int, call *wire.Call, record wire.Recorded) *wire.Fault { return fails(call, record) })
	return outcome{end, violations}, err
}

// noticed says why a mutation is not noticed, or returns nil.
func (m mutation) noticed(raw []byte) error {
	switch with, err := m.run(raw, true); {
	case err != nil:
		return fmt.Errorf("with the %s: %w", m.safeguard, err)
	case with.end != m.scenario.end || len(with.violations) > 0:
		return fmt.Errorf("with the %s it ends %s, not %s: %q", m.safeguard, with.end, m.scenario.end, with.violations)
	}
	without, err := m.run(raw, false)
	if err != nil {
		return fmt.Errorf("without the %s: %w", m.safeguard, err)
	}
	if !slices.ContainsFunc(without.violations, func(v string) bool { return strings.HasPrefix(v, m.violates) }) {
		return fmt.Errorf("without the %s no violation begins with %q: it ends %s, %q", m.safeguard, m.violates, without.end,
			without.violations)
	}
	return nil
}

// mutate takes each safeguard away, and returns a table of how that was noticed; the error names those that were not missed.
func mutate(raw []byte) (string, error) {
	var table strings.Builder
	var unnoticed []error
	all := mutations()
	for _, m := range all {
		if err := m.noticed(raw); err != nil {
			unnoticed = append(unnoticed, err)
			continue
		}
		fmt.Fprintf(&table, "| %s | %s | %s |\n", m.safeguard, m.what, strings.TrimSuffix(m.violates, ": "))
	}
	head := fmt.Sprintf("safeguards: %d of %d mutations noticed\n\n| removed | how | violated |\n|---|---|---|\n",
		len(all)-len(unnoticed), len(all))
	return head + table.String(), errors.Join(unnoticed...)
}
