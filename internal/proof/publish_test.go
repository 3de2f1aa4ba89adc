package proof_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/local"
	"postern/internal/local/states"
	"postern/internal/local/wire"
)

const (
	configParameter = "/postern/monte-carlo/agents-prod/config.yaml"
	stoodBefore     = "container:\n  backendServiceUrl: https://before.example\n  image: x\n"
)

// meanwhile lets a person write a parameter just before a function's first write of it.
func meanwhile(t *testing.T, c *local.Cloud, function, value string) *bool {
	wrote := false
	c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
		if !wrote && record.Function == function && call.Operation == "PutParameter" && strings.Contains(string(call.Body), configParameter) {
			wrote = true
			must(t, c.Parameters.PutByHand(configParameter, value))
		}
		return nil
	})
	return &wrote
}

// A person who adds a key while Postern writes the document keeps it, through the onboarding, a rollback, and the offboarding.
func TestPublishMeetsAPerson(t *testing.T) {
	t.Parallel()
	theirs := stoodBefore + "  theirs: 1\n"
	t.Run("onboarded, then offboarded", func(t *testing.T) {
		t.Parallel()
		c := open(t, nil)
		must(t, c.Parameters.PutByHand(configParameter, stoodBefore))
		(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
		wrote := meanwhile(t, c, "postern-publish-config", theirs)
		ended := onboard(t, c, "onboard.monte-carlo.json")
		now, _ := c.Parameters.Get(configParameter)
		if ended.Status != states.Succeeded || !*wrote || !strings.Contains(now.Value, "theirs: 1") || strings.Contains(now.Value, "before.example") {
			t.Fatalf("%v %s: %s; holds %q", *wrote, ended.Error, ended.Cause, now.Value)
		}
		must(t, c.Parameters.PutByHand(configParameter, now.Value+"  second: 2\n"))
		if ended := offboard(t, c); ended.Status != states.Succeeded {
			t.Fatalf("%s: %s", ended.Error, ended.Cause)
		}
		if now, _ := c.Parameters.Get(configParameter); now.Value != theirs+"  second: 2\n" {
			t.Errorf("after the offboarding it holds %q", now.Value)
		}
	})
	t.Run("rolled back", func(t *testing.T) {
		t.Parallel()
		c := open(t, nil)
		must(t, c.Parameters.PutByHand(configParameter, stoodBefore))
		(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
		wrote := false
		c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
			switch {
			case record.Function == "postern-publish-config" && call.Operation == "UpdateItem":
				return &wire.Fault{Kind: wire.Deny}
			case !wrote && record.Function == "postern-publish-config" && call.Operation == "PutParameter" && strings.Contains(string(call.Body), configParameter):
				wrote = true
				must(t, c.Parameters.PutByHand(configParameter, theirs))
			}
			return nil
		})
		ended := onboard(t, c, "onboard.monte-carlo.json")
		if now, _ := c.Parameters.Get(configParameter); !wrote || ended.Path[len(ended.Path)-1] != "FailedClean" || now.Value != theirs {
			t.Errorf("%v %s: %s; holds %q", ended.Path, ended.Error, ended.Cause, now.Value)
		}
	})
}

// What AWS would refuse the write for is a fault of the plan, before the vendor is asked.
func TestPublishIsCheckedByThePlan(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	must(t, c.Parameters.PutByHand(configParameter, stoodBefore+"# "+strings.Repeat("x", 4096-len(stoodBefore)-2)))
	ended := onboard(t, c, "onboard.monte-carlo.json")
	if ended.Error != connection.InvalidRequest || !strings.Contains(ended.Cause, "with our change, the standard tier takes 4096") || len(c.World.Endpoints()) > 0 {
		t.Errorf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
	}
}

// A rollback that gives up ends with the error that began it, then with what is left.
func TestRollbackGivesUp(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kind wire.FaultKind
		path []string
		says []string
	}{
		"throttled for hours": {wire.Throttle, []string{"Rollback", "RollbackGaveUp", "RolledBack", "FailedDirty"},
			[]string{"Rollback gave up after its last retry, with Throttled: ", "Left behind:\n- endpoint vpce-"}},
		"its function dies": {wire.CrashBefore, []string{"Rollback", "RollbackGaveUp", "RollbackBroken", "FailedDirty"},
			[]string{"Left behind: everything that this execution made"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			(&people.Vendor{Behaviour: people.Reject, After: time.Hour}).Join(c)
			c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
				if record.Function == "postern-rollback" && call.Operation == "DeleteVpcEndpoints" {
					return &wire.Fault{Kind: test.kind}
				}
				return nil
			})
			ended := onboard(t, c, "onboard.monte-carlo.json")
			if len(ended.Path) < 4 || !slices.Equal(ended.Path[len(ended.Path)-4:], test.path) || strings.Contains(ended.Cause, "errorMessage") {
				t.Fatalf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
			}
			if test.kind == wire.Throttle && (ended.Error != connection.EndpointRejected || !strings.HasPrefix(ended.Cause, "The vendor rejected")) {
				t.Errorf("%s: %s", ended.Error, ended.Cause)
			}
			for _, want := range test.says {
				if !strings.Contains(ended.Cause, want) {
					t.Errorf("%q is not in %s", want, ended.Cause)
				}
			}
		})
	}
}

// An endpoint that a person deletes while the vendor is waited for is not listed as undone.
func TestWhatAPersonDeletedIsNotUndone(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Deleted, After: time.Hour}).Join(c)
	ended := onboard(t, c, "onboard.monte-carlo.json")
	if ended.Error != connection.EndpointDeleted || strings.Contains(ended.Cause, "- endpoint ") {
		t.Errorf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
	}
}
