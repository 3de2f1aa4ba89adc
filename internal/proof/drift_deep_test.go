package proof_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	profiles "postern/internal/catalog"
	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/events"
	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
	"postern/internal/local/wire"
)

// deepDrifts is what the drift check has said of the deep checks.
func deepDrifts(t *testing.T, c *local.Cloud) []string {
	t.Helper()
	return slices.DeleteFunc(drifts(t, c), func(said string) bool {
		info, known := connection.DriftCheck(strings.Fields(said)[1]).Info()
		return known && !info.Deep
	})
}

// pass lets hours pass.
func pass(t *testing.T, c *local.Cloud, hours int) {
	t.Helper()
	for range hours {
		if err := c.Advance(time.Hour); err != nil {
			t.Fatal(err)
		}
	}
}

// forgetful loses every event that would wake the drift check but the schedule's.
func forgetful(d events.Delivery) []time.Duration {
	if strings.HasSuffix(d.Target.ARN, ":postern-drift") && d.Event.Source != "aws.events" {
		return nil
	}
	return []time.Duration{0}
}

// What each damage is named by among the deep checks: at once where AWS tells of it, else within a day. What the lists show is
// another test's.
var damageFindings = map[string]struct{ now, day []string }{
	"nothing":    {},
	"withdrawal": {}, // the endpoint stays
	"rejection":  {now: []string{"resolution"}},
	"deletion":   {now: []string{"resolution"}, day: []string{"interfaces"}}, // which AWS takes minutes to remove

	"dns-hostnames":        {now: []string{"resolution"}},
	"dns-support":          {now: []string{"resolution"}},
	"private-dns":          {now: []string{"resolution"}},
	"private-dns-taken":    {now: []string{"shadowing", "resolution"}},
	"private-dns-shadowed": {now: []string{"shadowing", "resolution"}},

	"zone-association": {now: []string{"zone", "resolution"}},
	"zone-deleted":     {now: []string{"zone", "record", "resolution"}},
	"zone-replaced":    {now: []string{"zone", "record", "shadowing", "resolution"}},
	"zone-shadowed":    {now: []string{"shadowing", "resolution"}},
	"record-deleted":   {now: []string{"record", "resolution"}},
	"record-changed":   {now: []string{"record", "resolution"}},

	"security-group":          {now: []string{"resolution"}},
	"security-group-replaced": {now: []string{"resolution"}},
	"client-security-group":   {day: []string{"resolution"}},
	"network-acl":             {day: []string{"resolution"}},
	"network-acl-answers":     {day: []string{"resolution"}},
	"client-network-acl":      {day: []string{"resolution"}},

	"zone-down":             {day: []string{"resolution"}},
	"no-answer":             {day: []string{"resolution"}},
	"allow-list":            {day: []string{"resolution"}},
	"port":                  {day: []string{"resolution"}},
	"plain":                 {day: []string{"resolution"}},
	"protocol":              {day: []string{"resolution"}},
	"certificate-name":      {day: []string{"resolution"}},
	"certificate-expired":   {day: []string{"resolution"}},
	"certificate-authority": {day: []string{"resolution"}},
}

func opened(checks ...string) []string {
	said := []string{}
	for _, check := range checks {
		said = append(said, "opened "+check+" drift")
	}
	return said
}

func TestEveryDamageIsNamed(t *testing.T) {
	t.Parallel()
	for _, damage := range people.Damages {
		t.Run(damage.Name, func(t *testing.T) {
			t.Parallel()
			want, known := damageFindings[damage.Name]
			if !known {
				t.Fatal("damageFindings has no entry for this damage: add the checks that report it")
			}
			c := linked(t, "onboard."+damage.Vendor+".json")
			if err := damage.Do(c, c.World.Endpoints()[0].ID); err != nil {
				t.Fatal(err)
			}
			if err := c.Advance(time.Minute); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(opened(want.now...), deepDrifts(t, c)); diff != "" {
				t.Errorf("at once (-want +got):\n%s", diff)
			}
			pass(t, c, 25)
			if diff := cmp.Diff(opened(slices.Concat(want.now, want.day)...), deepDrifts(t, c)); diff != "" {
				t.Errorf("within a day (-want +got):\n%s", diff)
			}
		})
	}
}

// ownZone returns the zone that Postern made.
func ownZone(t *testing.T, c *local.Cloud) route53.Zone {
	t.Helper()
	for _, zone := range c.Zones.Zones() {
		if strings.HasPrefix(zone.CallerReference, "postern:") {
			return zone
		}
	}
	t.Fatal("there is no zone of ours")
	return route53.Zone{}
}

// edit changes our zone manually.
func edit(change func(*route53.Zone)) func(*testing.T, *local.Cloud) error {
	return func(t *testing.T, c *local.Cloud) error { return c.Zones.ChangeByHand(ownZone(t, c).ID, change) }
}

func setTTL(ttl int64) func(*testing.T, *local.Cloud) error {
	return edit(func(z *route53.Zone) {
		for i := range z.Records {
			if z.Records[i].Type == "CNAME" {
				z.Records[i].TTL = ttl
			}
		}
	})
}

const (
	documentParameter = "/postern/monte-carlo/agents-prod/config.yaml"
	elsewhere         = "vpc-0fedcba9876543210"
)

// interventions are manual changes and how to undo them, each with the check that reports it and the checks that follow from it.
var interventions = map[string]struct {
	do, undo func(*testing.T, *local.Cloud) error
	want     []string
	silent   bool // AWS tells of nothing: it is found when the turn comes
}{
	"the endpoint has another address": {
		do: func(_ *testing.T, c *local.Cloud) error {
			return c.World.SetAddressByHand(c.World.Endpoints()[0].ID, "10.20.1.77")
		},
		undo: func(_ *testing.T, c *local.Cloud) error {
			return c.World.SetAddressByHand(c.World.Endpoints()[0].ID, "10.20.1.5")
		},
		want: []string{"interfaces", "resolution"}, // the name points to an address that no execution verified
	},
	"the zone answers in one more VPC": {
		do: edit(func(z *route53.Zone) {
			z.VPCs = append(z.VPCs, route53.VPC{ID: elsewhere, Region: world.Region})
		}),
		undo: edit(func(z *route53.Zone) { z.VPCs = z.VPCs[:1] }),
		want: []string{"zone"},
	},
	"the record has another TTL": {do: setTTL(7), undo: setTTL(60), want: []string{"record"}},
	"the record is an address": {
		do: edit(func(z *route53.Zone) {
			for i := range z.Records {
				if z.Records[i].Type == "CNAME" {
					z.Records[i] = route53.Record{Name: z.Records[i].Name, Type: "A", TTL: 60, Values: []string{"203.0.113.9"}}
				}
			}
		}),
		want: []string{"record", "resolution"},
	},
	"a parameter is deleted": {
		do:   func(_ *testing.T, c *local.Cloud) error { return c.Parameters.DeleteByHand(documentParameter) },
		want: []string{"parameters"},
	},
	"our key of a document is changed": {
		do: func(_ *testing.T, c *local.Cloud) error {
			return c.Parameters.PutByHand(documentParameter, "container:\n  backendServiceUrl: https://secret.example.com\n")
		},
		undo: func(_ *testing.T, c *local.Cloud) error {
			return c.Parameters.PutByHand(documentParameter,
				"container:\n  backendServiceUrl: https://artemis.privatelink.getmontecarlo.com\n")
		},
		want: []string{"parameters"},
	},
	"another key of a document is changed": {
		do: func(_ *testing.T, c *local.Cloud) error {
			now, _ := c.Parameters.Get(documentParameter)
			return c.Parameters.PutByHand(documentParameter, now.Value+"other: theirs\n")
		},
	},
	"the vendor forgets to renew the certificate": {
		do: func(_ *testing.T, c *local.Cloud) error {
			return c.World.Vendor(world.MonteCarloService).Update(func(s *privatelink.VendorService) {
				s.Certificate = privatelink.ExpiringCertificate
			})
		},
		undo: func(_ *testing.T, c *local.Cloud) error {
			return c.World.Vendor(world.MonteCarloService).Update(func(s *privatelink.VendorService) { s.Certificate = "" })
		},
		want: []string{"certificate"}, silent: true,
	},
}

// With an event, the drift check reports the change at once; without an event, within a day. Once repaired, the finding closes.
func TestInterventionsAreNamed(t *testing.T) {
	t.Parallel()
	for name, test := range interventions {
		for _, told := range []bool{true, false} {
			if !told && test.silent {
				continue
			}
			t.Run(name+map[bool]string{true: "", false: ", and the event is lost"}[told], func(t *testing.T) {
				t.Parallel()
				c := linked(t, "onboard.monte-carlo.json")
				before := c.World.Endpoints()[0]
				if !told {
					c.Events.Disturb(forgetful)
				}
				if err := test.do(t, c); err != nil {
					t.Fatal(err)
				}
				if err := c.Advance(time.Minute); err != nil {
					t.Fatal(err)
				}
				if said := drifts(t, c); told && !test.silent && len(said) != len(test.want) || (!told || test.silent) && len(said) > 0 {
					t.Errorf("at once: %q", said)
				}
				pass(t, c, 25)
				want := opened(test.want...)
				if diff := cmp.Diff(want, drifts(t, c)); diff != "" {
					t.Fatalf("within a day (-want +got):\n%s", diff)
				}
				for _, emitted := range c.Events.Events() {
					if strings.Contains(string(emitted.Event.Detail), "secret.example.com") {
						t.Error("an event contains a secret value")
					}
				}
				if test.undo == nil {
					return
				}
				if err := test.undo(t, c); err != nil {
					t.Fatal(err)
				}
				pass(t, c, 2)
				for _, check := range test.want {
					want = append(want, "closed "+check+" drift")
				}
				if diff := cmp.Diff(want, drifts(t, c)); diff != "" {
					t.Errorf("%s after the repair (-want +got):\n%s", before.ID, diff)
				}
			})
		}
	}
}

// What cannot be read is unknown, and does not close what was found before.
func TestUnreadableIsUnknown(t *testing.T) {
	t.Parallel()
	for service, test := range map[string]struct{ unknown, closed []string }{
		"route53": {unknown: []string{"zone", "shadowing"}, closed: []string{"zone", "shadowing"}}, // the record was found wrong before
		"ssm":     {unknown: []string{"parameters"}, closed: []string{"parameters"}},
		"lambda":  {unknown: []string{"certificate"}}, // no certificate is shown while the name points elsewhere
	} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			c := linked(t, "onboard.monte-carlo.json")
			damage, err := people.ParseDamage("record-changed")
			if err != nil {
				t.Fatal(err)
			}
			if err := damage.Do(c, c.World.Endpoints()[0].ID); err != nil {
				t.Fatal(err)
			}
			pass(t, c, 1)
			want := opened("record", "resolution")
			if diff := cmp.Diff(want, drifts(t, c)); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			c.Server.SetFault(onFunction("postern-drift", service, wire.Deny))
			pass(t, c, 2)
			for _, check := range test.unknown {
				want = append(want, "opened "+check+" unknown")
			}
			if diff := cmp.Diff(want, drifts(t, c)); diff != "" {
				t.Fatalf("unreadable (-want +got):\n%s", diff)
			}
			c.Server.SetFault(nil)
			pass(t, c, 2)
			for _, check := range test.closed {
				want = append(want, "closed "+check+" unknown")
			}
			if diff := cmp.Diff(want, drifts(t, c)); diff != "" {
				t.Errorf("readable again (-want +got):\n%s", diff)
			}
		})
	}
}

// A clean fleet has no finding, wherever it is.
func TestCleanFleetHasNoDrift(t *testing.T) {
	t.Parallel()
	catalog, err := profiles.Load()
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	samples := []string{
		"onboard.monte-carlo.other-account-and-region.json", "onboard.monte-carlo.other-account.json", "onboard.monte-carlo.other-region.json",
	}
	for _, id := range catalog.IDs() {
		samples = append(samples, "onboard."+id+".json")
	}
	onboarded := 0
	for _, sample := range samples {
		if ended := onboard(t, c, sample); ended.Path[len(ended.Path)-1] == "Onboarded" {
			onboarded++
		} else {
			t.Errorf("%s: %v %s: %s", sample, ended.Path, ended.Error, ended.Cause)
		}
	}
	pass(t, c, 72)
	if said := drifts(t, c); len(said) > 0 {
		t.Errorf("found drift, although nothing was changed: %q\n%s", said, dump(c))
	}
	probed := 0
	for _, call := range c.Calls() {
		if call.Function == "postern-drift" && call.Service == "lambda" && call.Code == "" {
			probed++
		}
	}
	if probed < 2*onboarded {
		t.Errorf("%d connections were probed %d times in three days", onboarded, probed)
	}
}

// What Postern does itself, and what is done to things of no connection, sets nothing off but a look at the index.
func TestOwnAndForeignChangesAreLeftAlone(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	onboard(t, c, "onboard.engflow.json") // switches private DNS on
	woken := 0
	for _, invocation := range c.Invocations() {
		if invocation.Function == "postern-drift" {
			woken++
		}
	}
	var calls []string
	for _, call := range c.Calls() {
		if call.Function == "postern-drift" && call.Operation != "Query" {
			calls = append(calls, call.Service+"."+call.Operation)
		}
	}
	if woken == 0 || len(calls) > 0 {
		t.Errorf("woken %d times, it called %q", woken, calls)
	}
	before := len(c.Calls())
	c.Zones.AddZone(route53.Zone{Name: "example.com.", Private: true, VPCs: []route53.VPC{{ID: elsewhere, Region: world.Region}}})
	if err := c.Advance(time.Second); err != nil {
		t.Fatal(err)
	}
	calls = nil
	for _, call := range c.Calls()[before:] {
		calls = append(calls, call.Function+" "+call.Service+"."+call.Operation)
	}
	if diff := cmp.Diff([]string{"postern-drift dynamodb.Query"}, calls); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
