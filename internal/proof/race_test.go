package proof_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/events"
	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/states"
	"postern/internal/local/wire"
	"postern/internal/proof/invariant"
)

// tale is a run of the machine to disturb. Together the tales come through every task of the machine.
type tale struct {
	name   string
	vendor people.Behaviour
	before []byte // runs first, nil for nothing
	input  []byte
	path   []string
	byHand bool // the endpoint was created manually before, and input names it
}

func tales(t *testing.T) map[string]tale {
	t.Helper()
	action := func(action connection.Action) []byte {
		return fmt.Appendf(nil, `{"schemaVersion":1,"action":%q,"vendor":"monte-carlo","name":"agents-prod"}`, action)
	}
	onboarding := change(t, func(map[string]any) {})
	diagnosis := events.Read("diagnose.monte-carlo.json")
	repairing := fmt.Appendf(nil, `{"schemaVersion":1,"action":"repair","vendor":"monte-carlo","name":"agents-prod","repair":{"checks":%s}}`,
		`["tags","notification","record","parameters"]`)
	return map[string]tale{
		"onboard":  {vendor: people.Approve, input: onboarding, path: slices.Concat(untilApproval, afterApproval)},
		"reject":   {vendor: people.Reject, input: onboarding, path: slices.Concat(untilApproval, failedClean)},
		"offboard": {vendor: people.Approve, before: onboarding, input: action(connection.ActionOffboard), path: offboarded},
		"diagnose": {vendor: people.Approve, before: onboarding, input: diagnosis,
			path: []string{"Plan", "ServiceVisible", "Diagnose", "Diagnosed"}},
		"cancel": {vendor: people.Approve, before: onboarding, input: action(connection.ActionCancel), path: refusedWord},
		"repair": {vendor: people.Approve, before: onboarding, input: repairing, path: repaired},
		"adopt":  {vendor: people.Approve, input: onboarding, path: adopted, byHand: true},
	}
}

// tasks are the states of a path that do something, each once, and the states of the machine that do.
func tasks(t *testing.T, path []string) (visited, all []string) {
	t.Helper()
	raw, err := os.ReadFile("../../infra/workflow.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	var machine struct {
		States map[string]struct{ Type string }
	}
	if err := json.Unmarshal(raw, &machine); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(machine.States)) {
		if machine.States[name].Type != "Task" {
			continue
		}
		all = append(all, name)
		if slices.Contains(path, name) {
			visited = append(visited, name)
		}
	}
	return visited, all
}

func TestTheTalesComeThroughEveryTask(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	var all []string
	for _, s := range tales(t) {
		var visited []string
		visited, all = tasks(t, s.path)
		for _, name := range visited {
			seen[name] = true
		}
	}
	seen["RollbackGaveUp"] = true // the last try of a rollback, which a test of its own drives
	if diff := cmp.Diff(all, slices.Sorted(maps.Keys(seen))); diff != "" {
		t.Errorf("a new state needs a tale (-machine +tales):\n%s", diff)
	}
}

// race is a cloud in which a tale runs, up to a state.
type race struct {
	*local.Cloud
	witness *invariant.Witness
	before  []string // the inventory before the first run
	found   []string // the inventory when the tale began
	arn     string
	reached bool
	request []byte // the onboarding of the connection
}

// onboard starts the onboarding of the tale's connection, and returns its end.
func (r *race) onboard(t *testing.T) states.Execution {
	t.Helper()
	return ending(t, r.Cloud, r.start(t))
}

func (r *race) start(t *testing.T) string {
	t.Helper()
	arn, err := r.StartExecution("", r.request)
	if err != nil {
		t.Fatal(err)
	}
	return arn
}

// begin starts a tale, and calls then once when it enters a state, or waits in it.
func (s tale) begin(t *testing.T, state string, then func(*race)) *race {
	t.Helper()
	return s.on(t, open(t, nil), state, then)
}

func (s tale) on(t *testing.T, c *local.Cloud, state string, then func(*race)) *race {
	t.Helper()
	request, input := change(t, func(map[string]any) {}), s.input
	if s.byHand {
		request = change(t, adopting(handMade(t, c, nil)))
		input = request
	}
	r := &race{Cloud: c, witness: invariant.Watch(c), before: c.Inventory(), request: request}
	(&people.Vendor{Behaviour: s.vendor, After: time.Hour}).Join(c)
	if s.before != nil {
		execute(t, c, s.before)
	}
	if s.before != nil && slices.Equal(s.path, repaired) { // there is something to repair
		broken("record-deleted")(t, c)
	}
	r.found = c.Inventory()
	var err error
	if r.arn, err = c.StartExecution("", input); err != nil {
		t.Fatal(err)
	}
	waits := strings.HasPrefix(state, "AwaitAl") || state == "AwaitApproval"
	c.States.OnState(func(e states.StateEvent) {
		if r.reached || e.Execution != r.arn || e.State != state || e.Kind != states.Entered && e.Kind != states.Waiting ||
			waits != (e.Kind == states.Waiting) {
			return
		}
		r.reached = true
		then(r)
	})
	return r
}

// moment is when an operator stops the execution in a state.
type moment string

const (
	onEntry moment = "on entry" // before the state's function is called
	unheard moment = "unheard"  // the function has done its work, and the execution no longer receives its answer
)

var moments = []moment{onEntry, unheard}

// stopped runs a tale until an operator stops it in a state. The function of a state that waits has answered already.
func (s tale) stopped(t *testing.T, state string, at moment) *race {
	t.Helper()
	var r *race
	stop := func() { r.reached, _ = true, r.States.Stop(r.arn, "", "") }
	c := open(t, func(config *local.Config) {
		config.Around = func(call states.Invocation, invoke local.Invoke) ([]byte, *states.Failure, time.Duration) {
			output, failed, waited := invoke(call)
			if at == unheard && r != nil && !r.reached && call.Execution == r.arn && call.State == state {
				stop()
				waited += time.Second // the answer is on its way
			}
			return output, failed, waited
		}
	})
	r = s.on(t, c, state, func(r *race) {
		if r.reached = false; at == onEntry {
			stop()
		}
	})
	if ended := ending(t, c, r.arn); ended.Status != states.Aborted || !r.reached {
		t.Fatalf("it ended %s before it could be stopped: %v", ended.Status, ended.Path)
	}
	return r
}

func (r *race) check(t *testing.T, state string) {
	t.Helper()
	advance(t, r.Cloud, time.Hour)
	if !r.reached {
		t.Errorf("%s was never reached", state)
	}
	if wrong := r.witness.Violations(); len(wrong) > 0 {
		t.Errorf("%s\n%s", strings.Join(wrong, "\n"), dump(r.Cloud))
	}
}

func eachTask(t *testing.T, do func(t *testing.T, s tale, state string)) {
	t.Helper()
	for name, s := range tales(t) {
		s.name = name
		visited, _ := tasks(t, s.path)
		for _, state := range visited {
			t.Run(name+" "+state, func(t *testing.T) {
				t.Parallel()
				do(t, s, state)
			})
		}
	}
}

// Stop is pressed in a state, before and after its function did its work. Whatever is left, the next onboarding takes over, and an
// offboarding leaves the account as it was.
func TestStopInEachState(t *testing.T) {
	t.Parallel()
	for _, at := range moments {
		for _, next := range []connection.Action{connection.ActionOnboard, connection.ActionOffboard} {
			t.Run(fmt.Sprint(next, " ", at), func(t *testing.T) {
				t.Parallel()
				eachTask(t, func(t *testing.T, s tale, state string) {
					r := s.stopped(t, state, at)
					(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(r.Cloud)
					if next == connection.ActionOnboard {
						if ended := r.onboard(t); ended.Path[len(ended.Path)-1] != "Onboarded" && s.vendor == people.Approve {
							t.Errorf("%v %s: %s\n%s", ended.Path, ended.Error, ended.Cause, dump(r.Cloud))
						}
						r.check(t, state)
					}
					checkEnd(t, r.Cloud, say(t, r.Cloud, connection.ActionOffboard, nil), offboarded, "", "")
					r.check(t, state)
					if wrong := r.witness.Restored(r.before); len(wrong) > 0 {
						t.Error(wrong)
					}
				})
			})
		}
	}
}

// Each state fails permanently: each of its calls is denied, and a function that makes no call, or does not need the answer, dies. A
// redrive changes nothing, since every failure is caught. When the cause is fixed, a new execution succeeds.
func TestEachStateFailsForGood(t *testing.T) {
	t.Parallel()
	eachTask(t, func(t *testing.T, s tale, state string) {
		var r *race
		broken, within := true, false
		c := open(t, func(config *local.Config) {
			config.Around = func(call states.Invocation, invoke local.Invoke) ([]byte, *states.Failure, time.Duration) {
				if !broken || r == nil || call.Execution != r.arn || call.State != state {
					return invoke(call)
				}
				within = true
				_, failed, waited := invoke(call)
				if within = false; failed == nil {
					failed = &states.Failure{Error: "Runtime.ExitError", Cause: "the function died"}
				}
				return nil, failed, waited
			}
		})
		r = s.on(t, c, state, func(*race) {})
		c.Server.SetFault(func(*wire.Call, wire.Recorded) *wire.Fault {
			if within {
				return &wire.Fault{Kind: wire.Deny}
			}
			return nil
		})
		failed := ending(t, c, r.arn)
		if broken = false; failed.Status != states.Failed {
			t.Fatalf("%s %v", failed.Status, failed.Path)
		}
		inventory := r.Inventory()
		if _, err := r.States.Redrive(r.arn); err != nil {
			t.Fatal(err)
		}
		redriven := ending(t, r.Cloud, r.arn)
		if diff := cmp.Diff(inventory, r.Inventory()); diff != "" || redriven.Status != states.Failed {
			t.Errorf("%s %v\n%s", redriven.Status, redriven.Path, diff)
		}
		(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(r.Cloud)
		checkEnd(t, r.Cloud, say(t, r.Cloud, connection.ActionOffboard, nil), offboarded, "", "")
		if wrong := r.witness.Restored(r.before); len(wrong) > 0 {
			t.Error(wrong)
		}
	})
}

// cancellations are how a cancelled execution ends, and what the operator who cancelled it gets as an answer: for each tale, and for
// the states where the result differs.
var cancellations = map[string]struct{ ends, told string }{
	"onboard":               {"FailedClean Cancelled", "undoes what it made"},
	"onboard PublishConfig": {"Onboarded ", "start action offboard"}, // too late
	"reject":                {"FailedClean Cancelled", "undoes what it made"},
	"reject Rollback":       {"FailedClean EndpointRejected", "undoes what it made"},
	"adopt":                 {"FailedClean Cancelled", "undoes what it made"},
	"adopt PublishConfig":   {"Onboarded ", "start action offboard"},
	"repair":                {"FailedClean Cancelled", "undoes what it made"},
	"repair PublishConfig":  {"Onboarded ", "start action offboard"},
	"offboard":              {"Offboarded ", "let it end, then start action onboard"},
	"diagnose":              {"Diagnosed ", "nothing is at work on it"},
	"cancel":                {"FailedClean NotWaiting", "nothing is at work on it"},
}

func TestCancelInEachState(t *testing.T) {
	t.Parallel()
	eachTask(t, func(t *testing.T, s tale, state string) {
		name := s.name + " " + state
		want, known := cancellations[name]
		if !known {
			want, known = cancellations[s.name]
		}
		if !known {
			t.Fatal("cancellations has no entry for this state: add one")
		}
		var cancel string
		r := s.begin(t, state, func(r *race) {
			r.Clock.After(0, "an operator cancels", func() { cancel = say(t, r.Cloud, connection.ActionCancel, nil) })
		})
		ended := ending(t, r.Cloud, r.arn)
		word := ending(t, r.Cloud, cancel)
		end := ended.Path[len(ended.Path)-1]
		if got := end + " " + ended.Error; got != want.ends {
			t.Errorf("%v %s: %s; want %s", ended.Path, ended.Error, ended.Cause, want.ends)
		}
		if told := word.Cause + string(word.Output); !strings.Contains(told, want.told) {
			t.Errorf("the operator got %s; want %s", told, want.told)
		}
		if end == "FailedClean" {
			if wrong := r.witness.Restored(r.found); len(wrong) > 0 {
				t.Error(wrong)
			}
		}
		if s.name == "repair" && strings.Contains(ended.Cause, "start action onboard") {
			t.Errorf("it is onboarded: %s", ended.Cause)
		}
		r.check(t, state)
	})
}

// Two requests for one connection at once: one is carried out, the other is refused or finds it done.
func TestTwoRequestsForOneConnection(t *testing.T) {
	t.Parallel()
	for _, allowed := range []bool{true, false} {
		for _, apart := range []time.Duration{0, time.Millisecond, 100 * time.Millisecond, time.Second, time.Minute} {
			t.Run(fmt.Sprint(allowed, " ", apart), func(t *testing.T) {
				t.Parallel()
				c := open(t, nil)
				w := invariant.Watch(c)
				(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
				if allowed {
					if err := c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()); err != nil {
						t.Fatal(err)
					}
				}
				first := begin(t, c)
				if apart > 0 {
					advance(t, c, apart)
				}
				second := begin(t, c)
				ends := map[string]int{}
				for _, arn := range []string{first, second} {
					ended := ending(t, c, arn)
					ends[ended.Path[len(ended.Path)-1]+" "+ended.Error]++
				}
				advance(t, c, time.Hour)
				if diff := cmp.Diff(map[string]int{"Onboarded ": 1, "FailedClean Conflict": 1}, ends); diff != "" {
					t.Errorf("%s\n%s", diff, dump(c))
				}
				if wrong := w.Violations(); len(wrong) > 0 {
					t.Error(wrong)
				}
				if n := len(c.World.Endpoints()); n != 1 {
					t.Errorf("%d endpoints", n)
				}
			})
		}
	}
}
