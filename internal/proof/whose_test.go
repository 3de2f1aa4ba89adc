package proof_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/states"
	"postern/internal/local/wire"
)

// asks is what a ticket of the portal asks for.
func asks(t *testing.T, id, action string) []byte {
	t.Helper()
	return ticket(t, func(data map[string]any) { data["ticket"], data["action"] = id, action })
}

// opening has a ticket open the connection, of a vendor who has allow-listed the account, until the vendor has to accept the endpoint.
func opening(t *testing.T, c *local.Cloud, id string) accepted {
	t.Helper()
	must(t, c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()))
	begun := post(t, c, "msg_1", asks(t, id, "onboard"), http.StatusAccepted)
	advance(t, c, time.Hour)
	return begun
}

// rejected has the vendor reject what waits for it.
func rejected(t *testing.T, c *local.Cloud) {
	t.Helper()
	mc := c.World.Vendor(world.MonteCarloService)
	for _, id := range mc.Waiting() {
		must(t, mc.Reject(id, "no"))
	}
}

func checkLast(t *testing.T, c *local.Cloud, arn, last string) {
	t.Helper()
	if ended := ending(t, c, arn); ended.Path[len(ended.Path)-1] != last {
		t.Fatalf("%v %s: %s, want %s\n%s", ended.Path, ended.Error, ended.Cause, last, dump(c))
	}
}

// former are the ways in which the connection of ticket NET-42 comes to be free again.
var former = map[string]func(*testing.T, *local.Cloud){
	"failed clean": func(t *testing.T, c *local.Cloud) {
		begun := opening(t, c, "NET-42")
		rejected(t, c)
		checkLast(t, c, begun.Execution, "FailedClean")
	},
	"offboarded": func(t *testing.T, c *local.Cloud) {
		begun := opening(t, c, "NET-42")
		accept(t, c)
		checkLast(t, c, begun.Execution, "Onboarded")
		checkLast(t, c, post(t, c, "msg_2", asks(t, "NET-42", "offboard"), http.StatusAccepted).Execution, "Offboarded")
	},
	"cancelled": func(t *testing.T, c *local.Cloud) {
		begun := opening(t, c, "NET-42")
		post(t, c, "msg_2", asks(t, "NET-42", "cancel"), http.StatusAccepted)
		checkLast(t, c, begun.Execution, "FailedClean")
	},
}

// refuse checks that a ticket can do nothing with a connection: neither at the door, nor past it, in an execution that says that it
// came from the ticket.
func refuse(t *testing.T, c *local.Cloud, id string) {
	t.Helper()
	before, executions := c.Inventory(), len(c.States.Executions())
	for _, action := range []string{"offboard", "cancel", "approve", "plan", "onboard", "retry"} {
		post(t, c, "msg_"+action, asks(t, id, action), http.StatusUnprocessableEntity)
	}
	if started := len(c.States.Executions()) - executions; started > 0 {
		t.Errorf("the door started %d executions", started)
	}
	from := map[string]any{"system": "standard", "id": id}
	for _, action := range []connection.Action{connection.ActionOffboard, connection.ActionCancel, connection.ActionApprove} {
		more := map[string]any{"ticket": from}
		if action == connection.ActionApprove {
			more["inputs"] = map[string]string{"serviceName": strings.Replace(world.MonteCarloService, "svc-0", "svc-1", 1)}
		}
		refused(t, c, say(t, c, action, more))
	}
	for _, action := range []string{"onboard", "plan"} {
		arn, err := c.StartExecution("", onTicket(t, "standard", id, action))
		must(t, err)
		refused(t, c, arn)
	}
	if diff := cmp.Diff(before, c.Inventory()); diff != "" {
		t.Errorf("a ticket changed what is not its own (-before +after)\n%s", diff)
	}
}

// refused lets an execution end within the minute, as one that may not do what it is asked.
func refused(t *testing.T, c *local.Cloud, arn string) {
	t.Helper()
	advance(t, c, time.Minute)
	ended := ending(t, c, arn)
	if end := ended.Path[len(ended.Path)-1]; end != "FailedClean" || ended.Error != connection.Conflict ||
		!strings.Contains(ended.Cause, "was not opened from ticket") {
		t.Errorf("%v %s: %s\n%s", ended.Path, ended.Error, ended.Cause, dump(c))
	}
}

// An old ticket has nothing to say in what the operators made since: not while it is made, nor afterwards. It is told nothing of it,
// and the operators are mailed what drifts.
func TestAnOldTicketOwnsNothing(t *testing.T) {
	t.Parallel()
	for name, before := range former {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			credential(t, c, "standard")
			before(t, c)
			advance(t, c, 10*time.Minute)
			told := len(heads(c, "NET-42"))
			onboarding := begin(t, c)
			advance(t, c, time.Hour)
			refuse(t, c, "NET-42")
			accept(t, c)
			checkLast(t, c, onboarding, "Onboarded")
			advance(t, c, time.Hour)
			refuse(t, c, "NET-42")
			broken("record-deleted")(t, c)
			advance(t, c, 5*time.Hour)
			if mails := driftMails(c); len(mails) == 0 {
				t.Error("the operators are mailed nothing of the drift")
			}
			for _, head := range heads(c, "NET-42")[told:] {
				if head != "Failed: Conflict" && head != "Not passed on: Conflict" && head != "Accepted" { // of what refuse started
					t.Errorf("the old ticket is told %q", head)
				}
			}
			checkEnd(t, c, say(t, c, connection.ActionOffboard, nil), offboarded, "", "") // the operators act on everything
		})
	}
}

// The operators wait for the vendor to allow-list the account. The old ticket cannot end that wait, nor change what is asked for.
func TestAnOldTicketApprovesNothing(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	former["cancelled"](t, c)
	must(t, c.World.Vendor(world.MonteCarloService).Withdraw(c.World.AccountID()))
	onboarding := begin(t, c)
	advance(t, c, time.Hour)
	refuse(t, c, "NET-42")
	must(t, c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()))
	advance(t, c, time.Hour)
	accept(t, c)
	checkEnd(t, c, onboarding, slices.Concat(untilApproval, afterApproval), "", "")
}

// Another ticket opened what an old one had. The old one can do nothing, from the first write of the other's execution on, when it does
// not wait for the vendor yet.
func TestAnOldTicketBetweenClaimAndWait(t *testing.T) {
	t.Parallel()
	var c *local.Cloud
	var tried bool
	c = open(t, func(config *local.Config) {
		config.Around = func(call states.Invocation, invoke local.Invoke) ([]byte, *states.Failure, time.Duration) {
			if call.State == "AwaitApproval" && len(c.States.Executions()) == 2 && !tried {
				tried = true
				for _, action := range []string{"cancel", "approve", "offboard", "onboard"} {
					post(t, c, "msg_3", asks(t, "NET-42", action), http.StatusUnprocessableEntity)
				}
			}
			return invoke(call)
		}
	})
	former["failed clean"](t, c)
	other := opening(t, c, "NET-66")
	accept(t, c)
	checkLast(t, c, other.Execution, "Onboarded")
	if !tried {
		t.Error("nothing was tried")
	}
	refuse(t, c, "NET-42")
	checkLast(t, c, post(t, c, "msg_4", asks(t, "NET-66", "offboard"), http.StatusAccepted).Execution, "Offboarded")
}

// Another ticket's run failed and left something behind, though no endpoint: a security group. Only that ticket and the operators may go
// on from there.
func TestWhatIsLeftBehindIsNobodyElses(t *testing.T) {
	t.Parallel()
	for _, stranger := range []string{"NET-42", "NET-7"} { // one that had it before, one that never did
		t.Run(stranger, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			before := c.Inventory()
			former["failed clean"](t, c)
			c.Server.SetFault(func(call *wire.Call, _ wire.Recorded) *wire.Fault {
				if call.Operation == "DeleteSecurityGroup" {
					return &wire.Fault{Kind: wire.Deny}
				}
				return nil
			})
			demand := ticket(t, func(data map[string]any) {
				data["ticket"] = "NET-66"
				delete(data, "securityGroupIds")
			})
			left := post(t, c, "msg_2", demand, http.StatusAccepted)
			advance(t, c, time.Hour)
			rejected(t, c)
			checkLast(t, c, left.Execution, "FailedDirty")
			for _, e := range c.World.Endpoints() {
				if e.State != privatelink.Deleted {
					t.Fatalf("endpoint %s is %s", e.ID, e.State)
				}
			}
			c.Server.SetFault(nil)
			refuse(t, c, stranger)
			checkLast(t, c, post(t, c, "msg_3", asks(t, "NET-66", "offboard"), http.StatusAccepted).Execution, "Offboarded")
			if diff := cmp.Diff(before, c.Inventory()); diff != "" {
				t.Errorf("(-before +after)\n%s", diff)
			}
		})
	}
}

// Between a ticket's plan and its claim the operators take the connection, and are stopped: the claim must see that it is not the
// ticket's any more.
func TestATicketsClaimComesTooLate(t *testing.T) {
	t.Parallel()
	for action, state := range map[string]string{"offboard": "Offboard", "retry": "EnsureEndpoint"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			var late string
			stopped := false
			c := open(t, func(config *local.Config) {
				config.Around = func(call states.Invocation, invoke local.Invoke) ([]byte, *states.Failure, time.Duration) {
					if call.Execution == late && call.State == state && !stopped {
						return nil, &states.Failure{Error: connection.Throttled, Cause: "come again"}, 0
					}
					return invoke(call)
				}
			})
			former["failed clean"](t, c)
			late = post(t, c, "msg_2", asks(t, "NET-42", action), http.StatusAccepted).Execution
			onboarding := begin(t, c)
			c.States.OnState(func(e states.StateEvent) {
				if e.Execution == onboarding && e.State == "EnsureEndpoint" && e.Kind == states.Exited {
					c.Clock.After(0, "somebody stops the execution", func() { c.States.Stop(onboarding, "", "") })
				}
			})
			ended := ending(t, c, onboarding)
			if stopped = true; ended.Status != states.Aborted {
				t.Fatalf("%s %v", ended.Status, ended.Path)
			}
			before := c.Inventory()
			refused(t, c, late)
			if diff := cmp.Diff(before, c.Inventory()); diff != "" {
				t.Errorf("a ticket changed what is not its own (-before +after)\n%s", diff)
			}
			checkEnd(t, c, say(t, c, connection.ActionOffboard, nil), offboarded, "", "")
		})
	}
}
