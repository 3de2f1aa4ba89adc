package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
)

// A ticket opens what is free or its own, and acts on its own only; the operators, whose requests have no ticket, act on everything.
// What the execution itself holds goes on.
func TestPlanChecksWhoseTheConnectionIs(t *testing.T) {
	t.Parallel()
	const mine, theirs = "jira:NET-1", "jira:NET-2"
	opened := func(t *testing.T, w *world, action string, ticket map[string]any) error {
		_, err := w.planner(t, config()).Plan(t.Context(), first(request(t, map[string]any{"action": action, "ticket": ticket})))
		return err
	}
	removed := func(t *testing.T, w *world, ticket string) error {
		raw := strings.Replace(removeRequest, `"name"`, ticket+` "name"`, 1)
		_, err := w.planner(t, config()).Plan(t.Context(), first([]byte(raw)))
		return err
	}
	of := map[string]any{"system": "jira", "id": "NET-1"}
	ways := map[string]func(*testing.T, *world) error{
		"onboard": func(t *testing.T, w *world) error { return opened(t, w, "onboard", of) },
		"plan":    func(t *testing.T, w *world) error { return opened(t, w, "plan", of) },
		"offboard": func(t *testing.T, w *world) error {
			return removed(t, w, `"ticket": {"system": "jira", "id": "NET-1"},`)
		},
		"onboard by operators":  func(t *testing.T, w *world) error { return opened(t, w, "onboard", nil) },
		"offboard by operators": func(t *testing.T, w *world) error { return removed(t, w, "") },
	}
	for name, test := range map[string]struct {
		world func(*world)
		opens bool
		owns  bool
	}{
		"free":                          {func(*world) {}, true, false},
		"free, its own before":          {func(w *world) { w.ticket = mine }, true, true},
		"free, another ticket's before": {func(w *world) { w.ticket = theirs }, true, false},
		"its own":                       {func(w *world) { w.ticket, w.taken = mine, true }, true, true},
		"another ticket's":              {func(w *world) { w.ticket, w.taken = theirs, true }, false, false},
		"the operators'":                {func(w *world) { w.taken = true }, false, false},
		"its own, stopped":              {func(w *world) { w.ticket, w.holder, w.holderEnded = mine, "arn:other", true }, true, true},
		"another ticket's, stopped":     {func(w *world) { w.ticket, w.holder, w.holderEnded = theirs, "arn:other", true }, false, false},
		"the operators', stopped":       {func(w *world) { w.holder, w.holderEnded = "arn:other", true }, false, false},
		"held by this execution":        {func(w *world) { w.holder = execution }, true, true},
	} {
		for way, ask := range ways {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				w := newWorld()
				test.world(w)
				may := test.opens
				switch {
				case strings.HasSuffix(way, "by operators"):
					may = true
				case way == "offboard":
					may = test.owns
				}
				err := ask(t, w)
				if may && err != nil || !may && (connection.NameOf(err) != connection.Conflict || !strings.Contains(err.Error(), "was not opened from ticket "+mine)) {
					t.Errorf("%v, want it taken: %v", err, may)
				}
				if err != nil && strings.Contains(err.Error(), theirs) {
					t.Errorf("tells of the other ticket: %v", err)
				}
			})
		}
	}
}

// After the wait for allow-listing the connection may be another's.
func TestPlanAgainChecksWhoseTheConnectionIs(t *testing.T) {
	t.Parallel()
	w := newWorld()
	in, _ := waited(t, w)
	w.taken = true
	if _, err := w.planner(t, config()).Plan(t.Context(), in); err != nil {
		t.Errorf("the operators' own: %v", err)
	}
	ticketed := strings.Replace(string(in.State), `"connectionId"`, `"ticket":{"system":"jira","id":"NET-1"},"connectionId"`, 1)
	in.State = []byte(ticketed)
	if _, err := w.planner(t, config()).Plan(t.Context(), in); connection.NameOf(err) != connection.Conflict {
		t.Errorf("a ticket's: %v", err)
	}
}

// A dry run without a ticket asks nobody whose the connection is, as before; one from a ticket does.
func TestOnlyATicketIsAskedAbout(t *testing.T) {
	t.Parallel()
	calls := func(changes map[string]any) int {
		w := newWorld()
		if _, err := w.planner(t, config()).Plan(t.Context(), first(request(t, changes))); err != nil {
			t.Fatal(err)
		}
		return len(w.calls)
	}
	without := calls(map[string]any{"action": "plan"})
	if diff := cmp.Diff(without+1, calls(map[string]any{"action": "plan", "ticket": map[string]any{"system": "jira", "id": "NET-1"}})); diff != "" {
		t.Error(diff)
	}
}
