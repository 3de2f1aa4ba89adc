package proof_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/local/states"
	"postern/internal/local/template"
)

// redrive redrives a stopped execution, and returns its end.
func (r *race) redrive(t *testing.T) states.Execution {
	t.Helper()
	if _, err := r.States.Redrive(r.arn); err != nil {
		t.Fatal(err)
	}
	return ending(t, r.Cloud, r.arn)
}

// eachStop stops every tale in each of its states, after the state's function did its work and before anybody heard of it.
func eachStop(t *testing.T, do func(t *testing.T, s tale, state string, r *race)) {
	t.Helper()
	eachTask(t, func(t *testing.T, s tale, state string) { do(t, s, state, s.stopped(t, state, unheard)) })
}

// A stopped execution that is redriven at once ends like one that was never stopped.
func TestStopAndRedriveInEachState(t *testing.T) {
	t.Parallel()
	eachStop(t, func(t *testing.T, s tale, state string, r *race) {
		ended := r.redrive(t)
		if got, want := ended.Path[len(ended.Path)-1], s.path[len(s.path)-1]; got != want {
			t.Errorf("%v %s: %s; want %s", ended.Path, ended.Error, ended.Cause, want)
		}
		r.check(t, state)
	})
}

// A stopped execution is redriven after another one has taken the connection over and onboarded it: nothing of it is touched.
func TestRedriveAfterATakeover(t *testing.T) {
	t.Parallel()
	eachStop(t, func(t *testing.T, s tale, state string, r *race) {
		taken := r.onboard(t)
		if s.vendor == people.Reject {
			t.Skip("the vendor rejects the other's endpoint, too")
		}
		if end := taken.Path[len(taken.Path)-1]; end != "Onboarded" {
			t.Fatalf("%v %s: %s", taken.Path, taken.Error, taken.Cause)
		}
		before, record := r.Inventory(), r.record()
		ended := r.redrive(t)
		r.check(t, state)
		if state == "Plan" {
			return // it plans anew, with what is there: as any other
		}
		if diff := cmp.Diff(before, r.Inventory()) + cmp.Diff(record, r.record()); diff != "" {
			t.Errorf("%v %s: %s\nthe other's connection changed:\n%s", ended.Path, ended.Error, ended.Cause, diff)
		}
	})
}

// A stopped execution is redriven while another one has the connection and waits for the vendor: the other one ends as if it were
// alone.
func TestRedriveDuringATakeover(t *testing.T) {
	t.Parallel()
	eachStop(t, func(t *testing.T, s tale, state string, r *race) {
		if s.vendor != people.Approve {
			t.Skip("the vendor rejects the other's endpoint, too")
		}
		other := r.start(t)
		advance(t, r.Cloud, time.Second)
		redriven := r.redrive(t)
		ended := ending(t, r.Cloud, other)
		if end := ended.Path[len(ended.Path)-1]; end != "Onboarded" {
			t.Errorf("the other: %v %s: %s\nthe redriven: %v %s: %s", ended.Path, ended.Error, ended.Cause, redriven.Path, redriven.Error,
				redriven.Cause)
		}
		r.check(t, state)
		if state == "Plan" {
			return // it planned anew, perhaps after the other's end
		}
		if n := len(r.World.Endpoints()); n != 1 {
			t.Errorf("%d endpoints", n)
		}
	})
}

// A stopped execution is redriven after the connection was offboarded: the account stays as it was before, unless it plans anew.
func TestRedriveAfterAnOffboarding(t *testing.T) {
	t.Parallel()
	eachStop(t, func(t *testing.T, s tale, state string, r *race) {
		checkEnd(t, r.Cloud, say(t, r.Cloud, connection.ActionOffboard, nil), offboarded, "", "")
		ended := r.redrive(t)
		r.check(t, state)
		if end := ended.Path[len(ended.Path)-1]; end == "Onboarded" && state == "Plan" {
			return
		} else if end == "Onboarded" || end == "FailedDirty" {
			t.Errorf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
		}
		if wrong := r.witness.Restored(r.before); len(wrong) > 0 {
			t.Errorf("%v %s: %s\n%s", ended.Path, ended.Error, ended.Cause, wrong)
		}
	})
}

// record is how the table says that the connection was ended, and by whom.
func (r *race) record() string {
	for _, table := range template.All[template.Table](r.Stack) {
		for _, item := range r.Tables.Items(table.Ref) {
			if item["id"].Text == "monte-carlo/agents-prod" {
				return fmt.Sprint(item["status"].Text, " ", item["linked"].Text, " ", item["finishedBy"].Text)
			}
		}
	}
	return ""
}
