package proof_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/catalog/calendar"
	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/local"
	"postern/internal/local/states"
	"postern/internal/local/template"
)

// A vendor who says nothing is reminded three times at each gate, by its own hours, and never again: the sweep looks every five
// minutes for weeks.
func TestReminders(t *testing.T) {
	t.Parallel()
	for behaviour, gates := range map[people.Behaviour]int{people.Silent: 1, people.Ignore: 1, people.Slow: 2} {
		t.Run(string(behaviour), func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			(&people.Vendor{Behaviour: behaviour, After: time.Hour}).Join(c)
			ended := onboard(t, c, "onboard.monte-carlo.json")
			var got []string
			for _, mail := range reminders(c) {
				got = append(got, mail.Subject)
			}
			subject := "Postern %s: monte-carlo/agents-prod: %d of the vendor's 48 business hours have passed"
			want := []string{fmt.Sprintf(subject, "reminder", 24), fmt.Sprintf(subject, "reminder", 38)}
			if behaviour == people.Slow { // who answers after the second reminder
				want = slices.Concat(want, want)
			} else {
				want = append(want, fmt.Sprintf(subject, "escalation", 48))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("(-want +got):\n%s\n%s: %s", diff, ended.Error, ended.Cause)
			}
			asked, clock := requests(c), usBusiness(t)
			for i, mail := range reminders(c) {
				since := asked[len(asked)-gates+i*gates/len(want)].At
				due := clock.Due(since, 48*time.Hour*time.Duration([]int{50, 80, 100}[i%(len(want)/gates)])/100)
				if late := mail.At.Sub(due); late < -time.Minute || late > 6*time.Minute {
					t.Errorf("%q came %s after it was due at %s", mail.Subject, late, due)
				}
			}
			if ended.Status == states.Succeeded { // a rollback looks as often as it takes
				checkBudget(t, c, ended)
			}
		})
	}
}

// After a time in which Postern could send no reminders, it sends one for the highest threshold, and none for those it passed.
func TestRemindersAfterASilence(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Ignore, After: time.Hour}).Join(c)
	c.World.OnRequest(func(_, _ string) {
		switchRule(t, c, connection.EventGateReminder, false)
		c.Clock.After(4*24*time.Hour, "the rule is switched on again", func() { switchRule(t, c, connection.EventGateReminder, true) })
	})
	ended := onboard(t, c, "onboard.monte-carlo.json")
	got := reminders(c)
	if len(got) != 1 || !strings.HasPrefix(got[0].Subject, "Postern escalation: ") {
		t.Fatalf("%d reminders: %+v", len(got), got)
	}
	for _, want := range []string{"escalate", "To: Monte Carlo support", "have passed (past 100 percent)", "Execution: https://"} {
		if !strings.Contains(got[0].Body, want) {
			t.Errorf("the escalation lacks %q:\n%s", want, got[0].Body)
		}
	}
	if ended.Error != connection.ApprovalTimedOut {
		t.Errorf("ended with %s: %s", ended.Error, ended.Cause)
	}
}

// switchRule switches the rule on events of a detail type.
func switchRule(t *testing.T, c *local.Cloud, detailType string, on bool) {
	t.Helper()
	for _, rule := range template.All[template.Rule](c.Stack) {
		if strings.Contains(string(rule.Properties.EventPattern), detailType) {
			if err := c.Events.SetEnabled(rule.ARN, on); err != nil {
				t.Error(err)
			}
		}
	}
}

func usBusiness(t *testing.T) calendar.Clock {
	t.Helper()
	clock, err := calendar.Named(calendar.USBusiness)
	if err != nil {
		t.Fatal(err)
	}
	return clock
}
