package proof_test

import (
	"slices"
	"testing"
	"time"

	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/states"
)

// An execution that was stopped manually releases nothing: the next execution adopts the connection, without an operator, while no
// other execution holds it.
func TestAStoppedExecutionIsTakenOver(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"AwaitAllowlisting", "EnsureEndpoint", "AwaitApproval", "ConfigureDNS"} {
		for _, next := range []connection.Action{connection.ActionOnboard, connection.ActionOffboard} {
			t.Run(at+", then "+string(next), func(t *testing.T) {
				t.Parallel()
				c := open(t, nil)
				(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
				stopped := begin(t, c)
				c.States.OnState(func(e states.StateEvent) {
					if e.Kind == states.Exited && e.State == at && e.Execution == stopped || e.Kind == states.Waiting && e.State == at {
						c.Clock.After(time.Second, "an operator stops the execution", func() { c.States.Stop(stopped, "", "") })
					}
				})
				if ended := ending(t, c, stopped); ended.Status == states.Succeeded {
					t.Fatalf("%s: %v", ended.Status, ended.Path)
				}
				if asked := describedExecutions(c); asked != 0 {
					t.Errorf("asked for %d executions while the connection was free", asked)
				}
				checkEnd(t, c, say(t, c, connection.ActionCancel, nil), refusedWord, connection.NotWaiting, "was stopped and undid nothing")
				if next == connection.ActionOffboard {
					checkEnd(t, c, say(t, c, next, nil), offboarded, "", "")
					return
				}
				ended := ending(t, c, begin(t, c))
				if ended.Path[len(ended.Path)-1] != "Onboarded" {
					t.Fatalf("%v %s: %s\n%s", ended.Path, ended.Error, ended.Cause, dump(c))
				}
				if len(c.World.Endpoints()) != 1 {
					t.Errorf("%d endpoints", len(c.World.Endpoints()))
				}
			})
		}
	}
}

// An execution that runs is never taken over.
func TestARunningExecutionIsNotTakenOver(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	if err := c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()); err != nil {
		t.Fatal(err)
	}
	first := begin(t, c)
	advance(t, c, time.Hour)
	checkEnd(t, c, begin(t, c), slices.Concat([]string{"Plan"}, failedClean), connection.Conflict, "is held by execution "+first)
	checkEnd(t, c, say(t, c, connection.ActionOffboard, nil), slices.Concat([]string{"Plan"}, failedClean), connection.Conflict, first)
	accept(t, c)
	checkEnd(t, c, first, slices.Concat(untilApproval[:2], untilApproval[5:], afterApproval), "", "")
}

func describedExecutions(c *local.Cloud) int {
	n := 0
	for _, call := range c.Calls() {
		if call.Operation == "DescribeExecution" {
			n++
		}
	}
	return n
}
