package proof_test

import (
	"encoding/json"
	"fmt"
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
	"postern/internal/local/route53"
	"postern/internal/local/sns"
	"postern/internal/local/states"
	"postern/internal/local/wire"
)

// orphans are the reports of the last sweep for orphans.
func orphans(t *testing.T, c *local.Cloud) []connection.OrphanNotice {
	t.Helper()
	var last []connection.OrphanNotice
	for _, emitted := range c.Events.Events() {
		if emitted.Event.DetailType != connection.EventOrphan {
			continue
		}
		var notice connection.OrphanNotice
		must(t, json.Unmarshal(emitted.Event.Detail, &notice))
		if len(last) > 0 && !last[0].ObservedAt.Equal(notice.ObservedAt) {
			last = nil
		}
		last = append(last, notice)
	}
	// Lambda tries again some minutes later, with the same event.
	if swept := lastSweep(c); len(last) == 0 || swept.Sub(last[0].ObservedAt) > 10*time.Minute {
		return nil
	}
	return last
}

// lastSweep is when orphan ran last.
func lastSweep(c *local.Cloud) (at time.Time) {
	for _, invocation := range c.Invocations() {
		if invocation.Function == "postern-orphan" {
			at = invocation.At
		}
	}
	return at
}

// mailsOf are the mails about orphans.
func mailsOf(c *local.Cloud) []sns.Mail {
	return slices.DeleteFunc(c.Mail(), func(mail sns.Mail) bool { return !strings.HasPrefix(mail.Subject, "Postern orphan") })
}

// kinds says of each report what it is about.
func kinds(found []connection.OrphanNotice) []string {
	var all []string
	for _, notice := range found {
		things := map[string]int{}
		for _, thing := range notice.Things {
			things[thing.Type]++
		}
		text := fmt.Sprintf("%s of %s: %d endpoints, %d groups, %d zones", notice.Kind, notice.ConnectionID,
			things[connection.ThingEndpoint], things[connection.ThingSecurityGroup], things[connection.ThingHostedZone])
		if n := things[connection.ThingParameter]; n > 0 {
			text += fmt.Sprintf(", %d parameters", n)
		}
		all = append(all, text)
	}
	return all
}

// stopAt runs an onboarding of a request and stops it manually in a state: while it waits there, or right after it.
func stopAt(t *testing.T, c *local.Cloud, request []byte, state string) string {
	t.Helper()
	arn, err := c.StartExecution("", request)
	must(t, err)
	done := false
	c.States.OnState(func(e states.StateEvent) {
		if !done && e.State == state && e.Execution == arn && (e.Kind == states.Exited || e.Kind == states.Waiting) {
			done = true
			c.Clock.After(time.Second, "an operator stops the execution", func() { c.States.Stop(arn, "", "") })
		}
	})
	if ended := ending(t, c, arn); ended.Status != states.Aborted {
		t.Fatalf("%s after %v: %s", ended.Status, ended.Path, ended.Cause)
	}
	return arn
}

// stopPublished runs an onboarding until it has published, keeps it from recording that, and stops it manually.
func stopPublished(t *testing.T, c *local.Cloud, request []byte) {
	t.Helper()
	c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
		if record.Function == "postern-publish-config" && call.Operation == "UpdateItem" {
			return &wire.Fault{Kind: wire.Throttle}
		}
		return nil
	})
	defer c.Server.SetFault(nil)
	arn, err := c.StartExecution("", request)
	must(t, err)
	done := false
	c.States.OnState(func(e states.StateEvent) {
		if !done && e.State == "PublishConfig" && e.Execution == arn {
			done = true
			c.Clock.After(time.Second, "an operator stops the execution", func() { c.States.Stop(arn, "", "") })
		}
	})
	if ended := ending(t, c, arn); ended.Status != states.Aborted || len(c.Parameters.Names()) == 0 {
		t.Fatalf("%s after %v: %s; published %q", ended.Status, ended.Path, ended.Cause, c.Parameters.Names())
	}
}

// sample is a sample request with changes.
func sample(t *testing.T, name string, edit func(request map[string]any)) []byte {
	t.Helper()
	var request map[string]any
	must(t, json.Unmarshal(events.Read(name), &request))
	edit(request)
	raw, err := json.Marshal(request)
	must(t, err)
	return raw
}

// foreign puts things of others into the account, some of which look almost like ours.
func foreign(c *local.Cloud) {
	c.Zones.AddZone(route53.Zone{
		Name: "corp.example", Private: true, VPCs: []route53.VPC{{ID: world.VPC, Region: world.Region}},
	})
	c.World.AddSecurityGroup(privatelink.SecurityGroup{
		ID: "sg-0f000000000000fff", VPCID: world.VPC, Name: "theirs", Description: "tagged by another team",
		Tags: map[string]string{connection.TagConnection: "monte-carlo/agents-prod"},
	})
}

func requestElsewhere(t *testing.T) []byte {
	t.Helper()
	return change(t, func(r map[string]any) {
		delete(target(r), "securityGroupIds")
		delete(target(r), "clientCidrs")
		target(r)["vpcId"], target(r)["subnetIds"] = world.StagingVPC, []string{world.StagingSubnetA, world.StagingSubnetB}
	})
}

// Whatever an orphan is, the request of its report, as it is, removes it and nothing else: the account is as it was before.
func TestAnOrphanIsRemovedByItsRequest(t *testing.T) {
	t.Parallel()
	approve := func(c *local.Cloud) { (&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c) }
	stopped := func(state string) func(*testing.T, *local.Cloud) {
		return func(t *testing.T, c *local.Cloud) {
			approve(c)
			stopAt(t, c, withoutGroups(t), state)
		}
	}
	tests := map[string]struct {
		before func(*testing.T, *local.Cloud)
		want   []string
		cost   float64
	}{
		"stopped before anything was made": {stopped("AwaitAllowlisting"),
			[]string{"stopped-execution of monte-carlo/agents-prod: 0 endpoints, 0 groups, 0 zones"}, 0},
		"stopped with the endpoint made": {stopped("EnsureEndpoint"),
			[]string{"stopped-execution of monte-carlo/agents-prod: 1 endpoints, 1 groups, 0 zones"}, 14.6},
		"stopped while the vendor is waited for": {stopped("AwaitApproval"),
			[]string{"stopped-execution of monte-carlo/agents-prod: 1 endpoints, 1 groups, 0 zones"}, 14.6},
		"stopped with the name wired": {stopped("ConfigureDNS"),
			[]string{"stopped-execution of monte-carlo/agents-prod: 1 endpoints, 1 groups, 1 zones"}, 15.1},
		"stopped in another account": {func(t *testing.T, c *local.Cloud) {
			approve(c)
			stopAt(t, c, sample(t, otherAccount, func(r map[string]any) { delete(target(r), "securityGroupIds") }), "ConfigureDNS")
		}, []string{"stopped-execution of monte-carlo/agents-research: 1 endpoints, 1 groups, 1 zones"}, 15.1},
		"stopped in another VPC than it was in before": {func(t *testing.T, c *local.Cloud) {
			approve(c)
			onboard(t, c, "onboard.monte-carlo.json")
			offboard(t, c)
			stopAt(t, c, requestElsewhere(t), "ConfigureDNS")
		}, []string{"stopped-execution of monte-carlo/agents-prod: 1 endpoints, 1 groups, 1 zones"}, 15.1},
		"stopped with the configuration published": {func(t *testing.T, c *local.Cloud) {
			approve(c)
			stopPublished(t, c, withoutGroups(t))
		}, []string{"stopped-execution of monte-carlo/agents-prod: 1 endpoints, 1 groups, 1 zones, 2 parameters"}, 15.1},
		"a rollback that was denied": {func(t *testing.T, c *local.Cloud) {
			(&people.Vendor{Behaviour: people.Reject, After: time.Hour}).Join(c)
			c.Server.SetFault(func(call *wire.Call, _ wire.Recorded) *wire.Fault {
				if call.Operation == "DeleteVpcEndpoints" {
					return &wire.Fault{Kind: wire.Deny}
				}
				return nil
			})
			if ended := execute(t, c, withoutGroups(t)); ended.Path[len(ended.Path)-1] != "FailedDirty" {
				t.Fatal(ended.Path, ended.Cause)
			}
			c.Server.SetFault(nil)
		}, []string{"unknown-connection of monte-carlo/agents-prod: 1 endpoints, 1 groups, 0 zones"}, 14.6},
		"tagged as another's": {func(t *testing.T, c *local.Cloud) {
			stopped("AwaitApproval")(t, c)
			for _, e := range c.World.Endpoints() {
				must(t, c.World.SetTagsByHand(e.ID, map[string]string{connection.TagConnection: "monte-carlo/ghost"}))
			}
		}, []string{
			"stopped-execution of monte-carlo/agents-prod: 0 endpoints, 1 groups, 0 zones",
			"unknown-connection of monte-carlo/ghost: 1 endpoints, 0 groups, 0 zones",
		}, 14.6},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			foreign(c)
			before := c.Inventory()
			test.before(t, c)
			advance(t, c, 13*time.Hour) // at least two sweeps
			found := orphans(t, c)
			if diff := cmp.Diff(test.want, kinds(found)); diff != "" {
				t.Fatalf("%s\n%s", diff, dump(c))
			}
			if mails := mailsOf(c); len(mails) != len(test.want) {
				t.Errorf("%d mails, want one for each: %+v", len(mails), mails)
			}
			var monthly float64
			// The last one first: a group can be deleted only after its endpoint, even if another connection has that endpoint.
			for _, notice := range slices.Backward(found) {
				monthly += notice.Cost.MonthlyUSD
				mailed := func(mail sns.Mail) bool { return strings.Contains(mail.Body, string(notice.Request)) }
				if !slices.ContainsFunc(mailsOf(c), mailed) {
					t.Errorf("no mail has the request %s", notice.Request)
				}
				if ended := execute(t, c, notice.Request); !cmp.Equal(ended.Path, offboarded) {
					t.Errorf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
				}
			}
			if monthly != test.cost {
				t.Errorf("$%.2f a month, want $%.2f", monthly, test.cost)
			}
			if diff := cmp.Diff(before, c.Inventory()); diff != "" {
				t.Errorf("(-before +after)\n%s", diff)
			}
			advance(t, c, 13*time.Hour)
			if left := orphans(t, c); len(left) > 0 {
				t.Errorf("still reported: %q", kinds(left))
			}
			if dropped := c.Dropped(); len(dropped) > 0 {
				t.Errorf("dropped: %s", strings.Join(dropped, "\n"))
			}
		})
	}
}

// Offboarding keeps and reports parameters of a stopped execution that were changed manually since. It also keeps parameters that
// others created under the same path.
func TestAStoppedPublicationThatWasChanged(t *testing.T) {
	t.Parallel()
	const theirs = "/postern/monte-carlo/agents-prod/theirs"
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	stopPublished(t, c, withoutGroups(t))
	changed := c.Parameters.Names()[0]
	must(t, c.Parameters.PutByHand(changed, "manual change"))
	must(t, c.Parameters.PutByHand(theirs, "x"))
	ended := offboard(t, c)
	if !cmp.Equal(ended.Path, offboarded) || !strings.Contains(strings.Join(removal(t, ended).Kept, "\n"), changed+": it was changed after version 1") {
		t.Fatalf("%v %s, kept %q", ended.Path, ended.Cause, removal(t, ended).Kept)
	}
	if diff := cmp.Diff([]string{changed, theirs}, c.Parameters.Names()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	advance(t, c, 13*time.Hour)
	if left := orphans(t, c); len(left) > 0 {
		t.Errorf("reported: %q", kinds(left))
	}
}

// A second endpoint of a live connection needs manual repair: offboarding would remove the connection.
func TestASecondEndpoint(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	foreign(c)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	stopAt(t, c, change(t, func(map[string]any) {}), "AwaitApproval")
	first := c.World.Endpoints()[0].ID
	if ended := execute(t, c, requestElsewhere(t)); ended.Status != states.Succeeded {
		t.Fatal(ended.Path, ended.Cause)
	}
	advance(t, c, 13*time.Hour)
	found := orphans(t, c)
	want := []string{"second-endpoint of monte-carlo/agents-prod: 1 endpoints, 0 groups, 0 zones"}
	if diff := cmp.Diff(want, kinds(found)); diff != "" {
		t.Fatalf("%s\n%s", diff, dump(c))
	}
	if found[0].Request != nil || !strings.Contains(found[0].Next, first) || found[0].Things[0].ID != first || found[0].Cost.MonthlyUSD != 14.6 {
		t.Errorf("%+v", found[0])
	}
	must(t, c.World.DeleteByHand(first))
	advance(t, c, 13*time.Hour)
	if left := orphans(t, c); len(left) > 0 || len(mailsOf(c)) != 1 {
		t.Errorf("reported %q, %d mails", kinds(left), len(mailsOf(c)))
	}
	if ended := offboard(t, c); ended.Status != states.Succeeded {
		t.Error(ended.Path, ended.Cause)
	}
}

// An endpoint that waits for longer than today's settings let it, with an execution that still waits, is cancelled by its request.
func TestAnOverdueEndpoint(t *testing.T) {
	t.Parallel()
	c := open(t, func(config *local.Config) { config.Mutate = waitingFor(30) })
	before := c.Inventory()
	must(t, c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()))
	arn := begin(t, c)
	advance(t, c, 14*24*time.Hour)
	if found := orphans(t, c); len(found) > 0 {
		t.Fatalf("within its time: %q", kinds(found))
	}
	advance(t, c, 13*time.Hour)
	found := orphans(t, c)
	want := []string{"overdue-endpoint of monte-carlo/agents-prod: 1 endpoints, 0 groups, 0 zones"}
	if diff := cmp.Diff(want, kinds(found)); diff != "" {
		t.Fatalf("%s\n%s", diff, dump(c))
	}
	if found[0].Execution != arn || found[0].Cost.MonthlyUSD != 14.6 {
		t.Errorf("%+v", found[0])
	}
	if ended := execute(t, c, found[0].Request); ended.Status != states.Succeeded {
		t.Error(ended.Path, ended.Cause)
	}
	if ended := ending(t, c, arn); ended.Error != connection.Cancelled {
		t.Error(ended.Path, ended.Cause)
	}
	if diff := cmp.Diff(before, c.Inventory()); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
}

// waitingFor changes how long the plan lets an approval take; the sweep keeps the vendor profile's time.
func waitingFor(days int) func(template map[string]any) {
	return func(template map[string]any) {
		for _, r := range template["Resources"].(map[string]any) {
			properties, _ := r.(map[string]any)["Properties"].(map[string]any)
			environment, _ := properties["Environment"].(map[string]any)
			variables, _ := environment["Variables"].(map[string]any)
			switch properties["Handler"] {
			case "plan":
				variables["POSTERN_TIMEOUTS"] = fmt.Sprintf(`{"approvalDays": %d}`, days)
			case "orphan":
				variables["POSTERN_TIMEOUTS"] = "{}"
			}
		}
	}
}

// What runs, what is onboarded and what is younger than an hour is no orphan.
func TestNoOrphans(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	foreign(c)
	(&people.Vendor{Behaviour: people.Approve, After: 20 * time.Hour}).Join(c)
	onboard(t, c, "onboard.fleet.json")
	must(t, c.World.Vendor(world.MonteCarloService).Withdraw(c.World.AccountID()))
	begin(t, c)
	advance(t, c, 24*time.Hour) // it waits
	next := lastSweep(c).Add(6 * time.Hour)
	advance(t, c, next.Sub(c.Clock.Now())-30*time.Minute)
	stopAt(t, c, sample(t, "onboard.clickhouse-cloud.json", func(map[string]any) {}), "EnsureEndpoint")
	advance(t, c, time.Hour)
	if !lastSweep(c).Equal(next) {
		t.Fatalf("swept at %s, want %s", lastSweep(c), next)
	}
	for _, emitted := range c.Events.Events() {
		if emitted.Event.DetailType == connection.EventOrphan {
			t.Errorf("reported %s", emitted.Event.Detail)
		}
	}
	advance(t, c, 6*time.Hour)
	want := []string{"stopped-execution of clickhouse-cloud/analytics: 1 endpoints, 0 groups, 0 zones"}
	if diff := cmp.Diff(want, kinds(orphans(t, c))); diff != "" {
		t.Errorf("later: %s", diff)
	}
}

// A sweep reports what it cannot do, and reports no orphan falsely. The next sweep completes the work: one mail for one orphan.
func TestASweepForOrphansThatFails(t *testing.T) {
	t.Parallel()
	seen := "stopped-execution of monte-carlo/agents-research: 1 endpoints, 0 groups, 0 zones"
	unseen := "stopped-execution of monte-carlo/agents-research: 0 endpoints, 0 groups, 0 zones"
	for service, test := range map[string]struct {
		kind wire.FaultKind
		want []string // of the sweeps that fail
		says string   // in the log
	}{
		"sts":      {wire.Deny, []string{unseen}, "could not look for orphans"},
		"ec2":      {wire.Throttle, []string{unseen}, "could not look for orphans"},
		"states":   {wire.ServerError, nil, "could not find out whether a connection is orphaned"},
		"dynamodb": {wire.Deny, nil, "sweeping for orphans"},
		"events":   {wire.LostAnswer, []string{seen}, "putting 1 events"},
	} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
			onboard(t, c, "onboard.monte-carlo.json")
			stopAt(t, c, sample(t, otherAccount, func(map[string]any) {}), "EnsureEndpoint")
			c.Server.SetFault(onFunction("postern-orphan", service, test.kind))
			advance(t, c, 13*time.Hour)
			found := orphans(t, c)
			if diff := cmp.Diff(test.want, slices.Compact(kinds(found))); diff != "" || !strings.Contains(c.Logs()["postern-orphan"], test.says) {
				t.Errorf("%s\n%s", diff, c.Logs()["postern-orphan"])
			}
			c.Server.SetFault(nil)
			advance(t, c, 13*time.Hour)
			if diff := cmp.Diff([]string{seen}, kinds(orphans(t, c))); diff != "" || len(mailsOf(c)) != 1 {
				t.Errorf("%d mails %s", len(mailsOf(c)), diff)
			}
		})
	}
}
