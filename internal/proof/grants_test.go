package proof_test

import (
	"maps"
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
	"postern/internal/local/states"
	"postern/internal/local/wire"
)

// unusedGrants are what the stack grants and no scenario below uses, each with its reason. What is not listed must be used: a role
// has what its function was seen to need, and no permission that is only a precaution.
var unusedGrants = map[string]string{
	"ConfigureDns route53:ListHostedZonesByName":        "finds the zone of a CreateHostedZone whose answer was lost",
	"EnsureEndpoint route53:AssociateVPCWithHostedZone": "AWS names it beside CreateVpcEndpoint; the endpoint is made without private DNS",
	"EnsureEndpoint vpce:AllowMultiRegion":              "a service in another Region",
	"Rollback route53:ListHostedZonesByVPC":             "finds the zone of a ConfigureDNS that could not answer any more",
	"Network ec2:ModifyVpcEndpoint":                     "as Rollback's, and for private DNS",
	"Rollback ssm:PutParameter":                         "puts an earlier value back",
	"Rollback dynamodb:GetItem":                         "reads who holds the connection after a plan that was refused",
	"Plan ssm:GetParameterHistory":                      "reads the oldest version of a parameter that has 100, for its labels",
	"PublishConfig ssm:GetParameterHistory":             "as Plan's, before it writes",
	"Network ssm:GetParameterHistory":                   "as Plan's, in the network's account",
}

var (
	roleName = regexp.MustCompile(`:role/Postern-(\w+?)Role[0-9A-F]{8}-`)
	// trustedName is that of a role which other accounts trust, or of the one there that trusts it.
	trustedName = regexp.MustCompile(`:role/postern-(?:us-east-1-([a-z-]+)|(network)-[a-z-]+)$`)
	wordStart   = regexp.MustCompile(`(?:^|-)[a-z]`)
)

// grantName is a role's grant without what CloudFormation adds to names; "" for resource policies and the machines' roles.
func grantName(owner, action string) string {
	name := ""
	if match := roleName.FindStringSubmatch(owner); match != nil {
		name = match[1]
	} else if match := trustedName.FindStringSubmatch(owner); match != nil {
		name = wordStart.ReplaceAllStringFunc(match[1]+match[2], func(start string) string {
			return strings.ToUpper(strings.TrimPrefix(start, "-"))
		})
	}
	if name == "" || name == "Workflow" || name == "FleetWorkflow" || strings.HasPrefix(name, "Probe") {
		return ""
	}
	return name + " " + action
}

func TestWhatIsGrantedIsUsed(t *testing.T) {
	t.Parallel()
	approve := func(t *testing.T, c *local.Cloud) {
		t.Helper()
		(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	}
	scenarios := map[string]func(*testing.T, *local.Cloud){
		"onboarded, and again over what is there": func(t *testing.T, c *local.Cloud) {
			approve(t, c)
			onboard(t, c, "onboard.monte-carlo.json")
			onboard(t, c, "onboard.monte-carlo.json")
		},
		"live name": func(t *testing.T, c *local.Cloud) {
			approve(t, c)
			onboard(t, c, "onboard.engflow.json")
		},
		"looked at for a day": func(t *testing.T, c *local.Cloud) {
			approve(t, c)
			onboard(t, c, "onboard.monte-carlo.json")
			advance(t, c, 26*time.Hour)
		},
		"another account": func(t *testing.T, c *local.Cloud) {
			approve(t, c)
			onboard(t, c, otherAccount)
			onboardWith(t, c, otherAccount, func(request map[string]any) { request["action"] = "diagnose" })
		},
		"another Region": func(t *testing.T, c *local.Cloud) {
			approve(t, c)
			for sample := range abroad {
				onboard(t, c, sample)
			}
		},
		"further VPCs, undone at the very end": func(t *testing.T, c *local.Cloud) {
			approve(t, c)
			c.Server.SetFault(onFunction("postern-publish-config", "dynamodb", wire.Deny))
			onboardWith(t, c, "onboard.monte-carlo.json", associated(world.OtherVPC))
			onboardWith(t, c, otherAccount, associated(world.VPC))
		},
		"another account, undone at the very end": func(t *testing.T, c *local.Cloud) {
			approve(t, c)
			c.Server.SetFault(onFunction("postern-publish-config", "dynamodb", wire.Deny))
			onboardWith(t, c, otherAccount, func(request map[string]any) { delete(request["target"].(map[string]any), "securityGroupIds") })
		},
		"rejected": func(t *testing.T, c *local.Cloud) {
			(&people.Vendor{Behaviour: people.Reject, After: time.Hour}).Join(c)
			onboard(t, c, "onboard.monte-carlo.json")
		},
		"rejected, with a security group of ours": func(t *testing.T, c *local.Cloud) {
			(&people.Vendor{Behaviour: people.Reject, After: time.Hour}).Join(c)
			execute(t, c, withoutGroups(t))
		},
		"no gate before the endpoint": func(t *testing.T, c *local.Cloud) {
			approve(t, c)
			onboard(t, c, "onboard.clickhouse-cloud.json")
		},
		"undone at the very end": func(t *testing.T, c *local.Cloud) {
			approve(t, c)
			c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
				if record.Function == "postern-publish-config" && call.Service == "dynamodb" {
					return &wire.Fault{Kind: wire.Deny}
				}
				return nil
			})
			onboard(t, c, "onboard.monte-carlo.json")
		},
		"offboarded, with a security group and a manually changed value": func(t *testing.T, c *local.Cloud) {
			approve(t, c)
			if err := c.Parameters.PutByHand("/postern/monte-carlo/agents-prod/config.yaml", "other: 1\n"); err != nil {
				t.Fatal(err)
			}
			execute(t, c, withoutGroups(t))
			offboard(t, c)
		},
		"diagnosed": func(t *testing.T, c *local.Cloud) {
			approve(t, c)
			onboard(t, c, "onboard.monte-carlo.json")
			onboard(t, c, "diagnose.monte-carlo.json")
			must(t, c.Zones.DeleteByHand("privatelink.getmontecarlo.com."))
			onboard(t, c, "diagnose.monte-carlo.json")
		},
		"shown": func(t *testing.T, c *local.Cloud) { shown(t, c) },
		"looked at by the drift check, at home and in another account": func(t *testing.T, c *local.Cloud) {
			approve(t, c)
			onboard(t, c, "onboard.monte-carlo.json")
			onboard(t, c, otherAccount)
			reject(t, c)
			advance(t, c, 2*time.Hour)
		},
		"repaired by the drift check": func(t *testing.T, c *local.Cloud) {
			approve(t, c)
			onboardWith(t, c, monteCarlo, func(request map[string]any) { request["drift"] = map[string]string{"security-groups": "repair"} })
			broken("security-group-replaced")(t, c)
			advance(t, c, 2*time.Hour)
			if started := repairs(c); len(started) != 1 || started[0].Status != states.Succeeded {
				t.Errorf("repairs: %+v", started)
			}
		},
		"stopped and redriven": func(t *testing.T, c *local.Cloud) {
			approve(t, c)
			arn := stopAt(t, c, sample(t, monteCarlo, func(map[string]any) {}), "AwaitApproval")
			_, err := c.States.Redrive(arn)
			must(t, err)
			if ended := ending(t, c, arn); ended.Status != states.Succeeded {
				t.Errorf("%s: %s", ended.Status, ended.Cause)
			}
		},
		"a fleet": func(t *testing.T, c *local.Cloud) {
			approve(t, c)
			onboard(t, c, "onboard.fleet.json")
		},
		"reported to a ticket": func(t *testing.T, c *local.Cloud) {
			credential(t, c, "github")
			runTicket(t, c, onTicket(t, "github", hubTicket, "plan"))
		},
		"stopped manually at each gate, and adopted": func(t *testing.T, c *local.Cloud) {
			stop := func() {
				arn := begin(t, c)
				advance(t, c, 10*time.Minute)
				c.States.Stop(arn, "", "")
			}
			stop()
			stop()
			must(t, c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()))
			stop()
			stop()
			advance(t, c, 13*time.Hour) // the sweep for orphans
			offboard(t, c)
		},
		"approved and cancelled": func(t *testing.T, c *local.Cloud) {
			begin(t, c)
			advance(t, c, time.Hour)
			ending(t, c, say(t, c, connection.ActionApprove, nil))
			must(t, c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()))
			advance(t, c, time.Hour)
			ending(t, c, say(t, c, connection.ActionApprove, nil))
			ending(t, c, say(t, c, connection.ActionCancel, nil))
		},
		"by a ticket": func(t *testing.T, c *local.Cloud) {
			body := ticket(t, nil)
			post(t, c, "msg_grants", body, 202)
			advance(t, c, time.Hour)
			retry := ticket(t, func(data map[string]any) { data["action"] = "retry" })
			post(t, c, "msg_again", retry, 422)
		},
		"over an endpoint created manually": func(t *testing.T, c *local.Cloud) {
			id := handMade(t, c, func(made *privatelink.HandMade) { made.ServiceName = world.EngFlowService })
			onboardWith(t, c, "onboard.engflow.json", adopting(id))
			onboard(t, c, "offboard.engflow.json")
			c.Server.SetFault(onFunction("postern-publish-config", "dynamodb", wire.Deny))
			onboardWith(t, c, "onboard.engflow.json", adopting(id))
		},
		"over an endpoint created manually in another account": func(t *testing.T, c *local.Cloud) {
			c.Server.SetFault(onFunction("postern-publish-config", "dynamodb", wire.Deny))
			onboardWith(t, c, otherAccount, adopting(handMade(t, c, inOtherAccount)))
		},
	}
	used, granted := map[string]bool{}, map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(scenarios)) {
		c := open(t, nil)
		scenarios[name](t, c)
		in, out := c.Grants()
		for _, grant := range in {
			used[grantName(grant.Owner, grant.Action)] = true
			granted[grantName(grant.Owner, grant.Action)] = true
		}
		for _, grant := range out {
			granted[grantName(grant.Owner, grant.Action)] = true
		}
	}
	delete(granted, "")
	var unused []string
	for name := range granted {
		// What failed events need is used when they fail: access_test.go.
		if !used[name] && !strings.HasSuffix(name, " sqs:SendMessage") {
			unused = append(unused, name)
		}
	}
	slices.Sort(unused)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(unusedGrants)), unused); diff != "" {
		t.Errorf("granted and never used (-listed +found):\n%s", diff)
	}
}
