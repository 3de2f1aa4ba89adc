package proof_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/local/template"
)

// A dead sweep ends a wait within hours, under a name of its own: whichever name Step Functions gives to a heartbeat that stayed
// away.
func TestADeadSweepIsNoticed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"States.HeartbeatTimeout", "States.Timeout"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			c.States.HeartbeatError = name
			(&people.Vendor{Behaviour: people.Ignore, After: time.Hour}).Join(c)
			// The sweep dies while the endpoint waits for its approval.
			c.World.OnRequest(func(_, _ string) {
				for _, rule := range template.All[template.Rule](c.Stack) {
					if rule.Properties.ScheduleExpression != "" {
						if err := c.Events.SetEnabled(rule.ARN, false); err != nil {
							t.Error(err)
						}
					}
				}
			})
			ended := onboard(t, c, "onboard.monte-carlo.json")
			if diff := cmp.Diff(slices.Concat(untilApproval, failedClean), ended.Path); diff != "" || ended.Error != connection.WatchLost {
				t.Fatalf("%s\n%s: %s", diff, ended.Error, ended.Cause)
			}
			if waited := ended.StoppedAt.Sub(ended.StartedAt); waited > 6*time.Hour {
				t.Errorf("it took %s to notice", waited)
			}
			checkNothingLeft(t, c)
		})
	}
}
