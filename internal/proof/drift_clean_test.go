package proof_test

import (
	"testing"
	"time"

	profiles "postern/internal/catalog"
	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/states"
)

// Nothing changes for days, and the drift check finds nothing, for every kind of connection. It ignores resources of others in the
// account.
func TestAnUntouchedConnectionHasNoDrift(t *testing.T) {
	t.Parallel()
	type kind = func(*testing.T, *local.Cloud) states.Execution
	with := func(sample string, edits ...func(map[string]any)) kind {
		return func(t *testing.T, c *local.Cloud) states.Execution {
			return onboardWith(t, c, sample, func(request map[string]any) {
				for _, edit := range edits {
					edit(request)
				}
			})
		}
	}
	option := func(name, value string) func(map[string]any) {
		return func(request map[string]any) {
			options, _ := request["options"].(map[string]any)
			if options == nil {
				options = map[string]any{}
			}
			options[name], request["options"] = value, options
		}
	}
	taken := func(sample string, change func(*privatelink.HandMade), zone string) kind {
		return func(t *testing.T, c *local.Cloud) states.Execution {
			id := handMade(t, c, change)
			if zone != "" {
				zoneByHand(c, zone, c.World.DNSName(id))
			}
			return onboardWith(t, c, sample, adopting(id))
		}
	}
	kinds := map[string]kind{
		"a group of our own":                    with(monteCarlo, withoutGroup),
		"a group of our own in another account": with(otherAccount, withoutGroup),
		"a zone for the one name":               with(monteCarlo, option("zoneScope", "hostname")),
		"a zone that answers in one more VPC":   with(monteCarlo, associated(world.StagingVPC)),
		"a zone in a VPC of another account":    with(monteCarlo, associated(world.OtherVPC)),
		"another account's zone in our VPC":     with(otherAccount, associated(world.VPC)),
		"adopted":                               taken(monteCarlo, nil, ""),
		"adopted with a zone":                   taken(monteCarlo, nil, "privatelink.getmontecarlo.com."),
		"adopted with private DNS on": func(t *testing.T, c *local.Cloud) states.Execution {
			id := handMade(t, c, func(made *privatelink.HandMade) { made.ServiceName = world.EngFlowService })
			must(t, c.World.SetPrivateDNSByHand(id, true))
			return onboardWith(t, c, engflow, adopting(id))
		},
		"adopted with a policy of its own": func(t *testing.T, c *local.Cloud) states.Execution {
			id := handMade(t, c, nil)
			must(t, c.World.ChangeByHand(id, func(e *privatelink.Endpoint) { e.Policy = ownPolicy }))
			return onboardWith(t, c, monteCarlo, adopting(id))
		},
		"adopted with private DNS off":             taken(engflow, func(made *privatelink.HandMade) { made.ServiceName = world.EngFlowService }, ""),
		"adopted with a wider zone":                taken(monteCarlo, nil, "getmontecarlo.com."),
		"adopted in another account":               taken(otherAccount, inOtherAccount, ""),
		"adopted in one subnet of the two planned": taken(monteCarlo, func(made *privatelink.HandMade) { made.SubnetIDs = made.SubnetIDs[:1] }, ""),
		"another account":                          with(otherAccount),
	}
	for sample := range abroad {
		kinds[sample] = with(sample)
	}
	catalog, err := profiles.Load()
	must(t, err)
	for _, id := range catalog.IDs() {
		kinds[id] = with("onboard." + id + ".json")
	}
	for name, onboarded := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
			ended := onboarded(t, c)
			if ended.Path[len(ended.Path)-1] != "Onboarded" {
				t.Fatalf("%v: %s", ended.Path, ended.Cause)
			}
			c.World.AddEndpoint(privatelink.Endpoint{
				ID: "vpce-0ffffffffffffffff", AccountID: world.Account, Region: world.Region, VPCID: world.VPC,
				ServiceName: world.SnowflakeService, ServiceRegion: world.Region, State: privatelink.Rejected,
				SubnetIDs: []string{world.SubnetC}, Tags: map[string]string{connection.TagConnection: "monte-carlo/other-team"},
			}, "10.20.3.200")
			pass(t, c, 60)
			if said := drifts(t, c); len(said) > 0 {
				t.Errorf("found drift, although nothing was changed: %q", said)
			}
			probed := 0
			for _, call := range c.Calls() {
				if call.Function == "postern-drift" && call.Service == "lambda" && call.Code == "" {
					probed++
				}
			}
			if probed != 2 {
				t.Errorf("probed %d times in 60 hours, want 2", probed)
			}
		})
	}
}
