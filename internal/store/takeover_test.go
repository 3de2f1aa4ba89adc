package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/store"
	"postern/internal/store/storetest"
)

// executions is Step Functions, as far as it says how executions are; one that is not there is forgotten.
type executions struct {
	status   map[string]types.ExecutionStatus
	redrives map[string]int
	err      error
	asked    []string
	then     func() // happens once, after an answer and before it arrives
}

func (e *executions) DescribeExecution(_ context.Context, in *sfn.DescribeExecutionInput, _ ...func(*sfn.Options)) (
	*sfn.DescribeExecutionOutput, error) {
	arn := aws.ToString(in.ExecutionArn)
	e.asked = append(e.asked, arn)
	status, known := e.status[arn]
	switch {
	case e.err != nil:
		return nil, e.err
	case !known:
		return nil, &smithy.GenericAPIError{Code: "ExecutionDoesNotExist"}
	}
	out := &sfn.DescribeExecutionOutput{
		Status: status, RedriveCount: aws.Int32(int32(e.redrives[arn])), StartDate: aws.Time(noon), Input: aws.String(`{"action":"onboard"}`),
	}
	if then := e.then; then != nil {
		e.then = nil
		then()
	}
	return out, nil
}

// Who may take a connection that arn:1 holds, by what Step Functions says of arn:1.
func TestTakeover(t *testing.T) {
	t.Parallel()
	none := types.ExecutionStatus("")
	for name, test := range map[string]struct {
		status types.ExecutionStatus
		fail   error
		mute   bool // a store that cannot ask
		want   string
	}{
		"runs":       {status: types.ExecutionStatusRunning, want: connection.Conflict},
		"redriven":   {status: types.ExecutionStatusPendingRedrive, want: connection.Conflict},
		"aborted":    {status: types.ExecutionStatusAborted},
		"failed":     {status: types.ExecutionStatusFailed},
		"timed out":  {status: types.ExecutionStatusTimedOut},
		"succeeded":  {status: types.ExecutionStatusSucceeded},
		"forgotten":  {status: none},
		"unknown":    {fail: connection.Errorf(connection.Unavailable, "no answer"), want: connection.Unavailable},
		"cannot ask": {status: types.ExecutionStatusAborted, mute: true, want: connection.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := &executions{status: map[string]types.ExecutionStatus{}, err: test.fail}
			if test.status != none {
				asked.status["arn:1"] = test.status
			}
			for way, take := range map[string]func(*store.Store) error{
				"claim": func(s *store.Store) error { return s.Claim(t.Context(), id, turn("arn:2", noon), "", noon) },
				"register": func(s *store.Store) error {
					return s.Register(t.Context(), approval("arn:2", noon), store.NewToken(canary))
				},
			} {
				s, table := open()
				must(t, s.Claim(t.Context(), id, turn("arn:1", noon), "", noon))
				if !test.mute {
					s = s.Asking(asked)
				}
				err := take(s)
				holder := "arn:2"
				if test.want != "" {
					holder = "arn:1"
				}
				if (err == nil) != (test.want == "") || err != nil && connection.NameOf(err) != test.want || table.Get(id)["holder"] != holder {
					t.Errorf("%s: %v, held by %s", way, err, table.Get(id)["holder"])
				}
			}
		})
	}
}

// A claim by the holder itself, or of a free connection, checks no execution.
func TestHolderIsNotCheckedWithoutNeed(t *testing.T) {
	t.Parallel()
	s, _ := open()
	asked := &executions{err: errors.New("asked")}
	s = s.Asking(asked)
	must(t, s.Claim(t.Context(), id, turn("arn:1", noon), "", noon))
	must(t, s.Claim(t.Context(), id, turn("arn:1", noon), "", noon))
	must(t, s.Register(t.Context(), approval("arn:1", noon), store.NewToken(canary)))
	if len(asked.asked) > 0 {
		t.Errorf("asked for %v", asked.asked)
	}
}

// ways are how an execution takes a connection, in a turn of its own that begins at two minutes after noon, with a plan of one minute
// after noon.
var ways = map[string]func(context.Context, *store.Store, string) error{
	"claim": func(ctx context.Context, s *store.Store, execution string) error {
		return s.Claim(ctx, id, turn(execution, noon.Add(2*time.Minute)), "", noon.Add(time.Minute))
	},
	"register": func(ctx context.Context, s *store.Store, execution string) error {
		wait := approval(execution, noon.Add(2*time.Minute))
		wait.Planned = noon.Add(time.Minute)
		return s.Register(ctx, wait, store.NewToken(execution))
	},
}

// redriven is a turn of the holder after a redrive.
type redriven struct {
	redrives int
	entered  time.Time
}

// again are what an execution that was redriven does first, whatever state it was stopped in.
var again = map[string]func(context.Context, *store.Store, redriven) error{
	"it waits": func(ctx context.Context, s *store.Store, r redriven) error {
		wait := approval("arn:1", r.entered)
		wait.Planned, wait.Redrive = noon.Add(-time.Minute), r.redrives
		return s.Register(ctx, wait, store.NewToken("redriven"))
	},
	"it claims": func(ctx context.Context, s *store.Store, r redriven) error {
		return s.Claim(ctx, id, r.turn(), "", noon.Add(-time.Minute))
	},
	"it goes on": func(ctx context.Context, s *store.Store, r redriven) error { return s.Holds(ctx, id, r.turn()) },
	"it rolls back": func(ctx context.Context, s *store.Store, r redriven) error {
		if kept, err := s.Keep(ctx, id, r.turn()); err != nil || kept {
			return err
		}
		return connection.Errorf(connection.Conflict, "not kept")
	},
}

func (r redriven) turn() connection.Turn {
	return connection.Turn{Execution: "arn:1", Redrive: r.redrives, EnteredAt: r.entered}
}

// stopped is a connection whose holder, arn:1, was stopped while it waited.
func stopped(t *testing.T) (*store.Store, *storetest.Table, *executions) {
	t.Helper()
	s, table := open()
	wait := approval("arn:1", noon)
	wait.Attempt = 3
	must(t, s.Register(t.Context(), wait, store.NewToken("stopped")))
	asked := &executions{status: map[string]types.ExecutionStatus{
		"arn:1": types.ExecutionStatusAborted, "arn:2": types.ExecutionStatusRunning, "arn:3": types.ExecutionStatusRunning,
	}, redrives: map[string]int{}}
	return s.Asking(asked), table, asked
}

func conflicts(err error) bool { return connection.NameOf(err) == connection.Conflict }

// The holder is redriven and acts after another execution saw that it had ended, and before that one writes: the holder keeps the
// connection, whatever it does first, and the other one ends at once with a Conflict.
func TestRedrivenBeforeTheTakeover(t *testing.T) {
	t.Parallel()
	for when, r := range map[string]redriven{
		"redriven":                              {1, noon.Add(3 * time.Minute)},
		"redriven, and the time of entry stays": {1, noon},
		"redriven twice":                        {2, noon.Add(3 * time.Minute)},
		"redriven before the other planned":     {1, noon.Add(30 * time.Second)},
	} {
		for how, act := range again {
			for way, take := range ways {
				t.Run(when+", "+how+", "+way, func(t *testing.T) {
					t.Parallel()
					s, table, asked := stopped(t)
					asked.then = func() {
						asked.status["arn:1"], asked.redrives["arn:1"] = types.ExecutionStatusRunning, r.redrives
						if err := act(t.Context(), s, r); err != nil {
							t.Errorf("the holder: %v", err)
						}
					}
					if err := take(t.Context(), s, "arn:2"); !conflicts(err) {
						t.Errorf("the other: %v", err)
					}
					item := table.Get(id)
					if item["holder"] != "arn:1" || how == "it waits" && (item["waitToken"] != "redriven" || item["waitExecution"] != "arn:1") {
						t.Errorf("item %v", item)
					}
				})
			}
		}
	}
}

// The holder is redriven after another execution took the connection over: it ends at once with a Conflict, and what the other one has
// stays, whether it has come to wait, was stopped since, or has ended.
func TestRedrivenAfterTheTakeover(t *testing.T) {
	t.Parallel()
	for since, then := range map[string]func(*testing.T, *store.Store, *executions){
		"it runs": func(*testing.T, *store.Store, *executions) {},
		"it was stopped": func(_ *testing.T, _ *store.Store, asked *executions) {
			asked.status["arn:2"] = types.ExecutionStatusAborted
		},
		"it is forgotten": func(_ *testing.T, _ *store.Store, asked *executions) { delete(asked.status, "arn:2") },
		"it has failed": func(t *testing.T, s *store.Store, _ *executions) {
			must(t, s.Finish(t.Context(), store.Result{ConnectionID: id, Turn: turn("arn:2", noon.Add(3*time.Minute)), Status: store.StatusFailed}))
		},
		"it has offboarded": func(t *testing.T, s *store.Store, _ *executions) {
			must(t, s.Finish(t.Context(), store.Result{ConnectionID: id, Turn: turn("arn:2", noon.Add(3*time.Minute)), Status: store.StatusOffboarded}))
		},
	} {
		for how, act := range again {
			for way, take := range ways {
				t.Run(since+", "+how+", "+way, func(t *testing.T) {
					t.Parallel()
					s, table, asked := stopped(t)
					must(t, take(t.Context(), s, "arn:2"))
					then(t, s, asked)
					before := table.Get(id)
					for redrives := range 2 {
						asked.status["arn:1"], asked.redrives["arn:1"] = types.ExecutionStatusRunning, redrives+1
						if err := act(t.Context(), s, redriven{redrives + 1, noon.Add(time.Duration(4+redrives) * time.Minute)}); !conflicts(err) {
							t.Errorf("redriven %d times: %v", redrives+1, err)
						}
					}
					if diff := cmp.Diff(before, table.Get(id)); diff != "" {
						t.Error(diff)
					}
				})
			}
		}
	}
}

// Both were stopped and both are redriven: the one that took the connection over last has it.
func TestBothRedriven(t *testing.T) {
	t.Parallel()
	for way, take := range ways {
		s, table, asked := stopped(t)
		must(t, take(t.Context(), s, "arn:2"))
		asked.status["arn:2"] = types.ExecutionStatusAborted
		if err := again["it claims"](t.Context(), s, redriven{1, noon.Add(4 * time.Minute)}); !conflicts(err) {
			t.Errorf("%s: the first: %v", way, err)
		}
		wait := approval("arn:2", noon.Add(5*time.Minute))
		wait.Planned, wait.Redrive = noon.Add(time.Minute), 1
		must(t, s.Register(t.Context(), wait, store.NewToken("redriven")))
		if item := table.Get(id); item["holder"] != "arn:2" || item["waitToken"] != "redriven" {
			t.Errorf("%s: item %v", way, item)
		}
	}
}

// During a deploy a function of a release that had no fence takes the connection over at the same time.
func TestTakeoverRaceWithoutAFence(t *testing.T) {
	t.Parallel()
	for way, take := range ways {
		s, table, asked := stopped(t)
		table.Drop(id, "fence")
		asked.then = func() {
			must(t, s.Claim(t.Context(), id, turn("arn:3", noon.Add(2*time.Minute)), "", noon.Add(time.Minute)))
			table.Drop(id, "fence")
		}
		if err := take(t.Context(), s, "arn:2"); !conflicts(err) || table.Get(id)["holder"] != "arn:3" {
			t.Errorf("%s: %v, held by %s", way, err, table.Get(id)["holder"])
		}
	}
}

// What happens between the look and the claim, when the holder is not redriven.
func TestTakeoverRace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		then   func(*testing.T, *store.Store, *executions)
		holder string
	}{
		"nothing": {func(*testing.T, *store.Store, *executions) {}, "arn:2"},
		"a third takes it": {func(t *testing.T, s *store.Store, _ *executions) {
			must(t, s.Claim(t.Context(), id, turn("arn:3", noon.Add(2*time.Minute)), "", noon.Add(time.Minute)))
		}, "arn:3"},
		"a third takes it and is stopped": {func(t *testing.T, s *store.Store, asked *executions) {
			must(t, s.Claim(t.Context(), id, turn("arn:3", noon.Add(2*time.Minute)), "", noon.Add(time.Minute)))
			asked.status["arn:3"] = types.ExecutionStatusAborted
		}, "arn:3"},
		"a third takes it and ends": {func(t *testing.T, s *store.Store, _ *executions) {
			must(t, s.Claim(t.Context(), id, turn("arn:3", noon.Add(2*time.Minute)), "", noon.Add(time.Minute)))
			must(t, s.Finish(t.Context(), store.Result{ConnectionID: id, Turn: turn("arn:3", noon.Add(2*time.Minute)), Status: store.StatusFailed}))
		}, ""},
		"a function of the holder still runs, and registers": {func(t *testing.T, s *store.Store, _ *executions) {
			wait := approval("arn:1", noon)
			wait.Attempt = 4
			must(t, s.Register(t.Context(), wait, store.NewToken("stopped")))
		}, "arn:2"},
		"a function of the holder still runs, and ends it": {func(t *testing.T, s *store.Store, _ *executions) {
			must(t, s.Finish(t.Context(), store.Result{ConnectionID: id, Turn: turn("arn:1", noon.Add(time.Second)), Status: store.StatusFailed}))
		}, "arn:2"},
		"the holder was redriven, acted, and was stopped again": {func(t *testing.T, s *store.Store, asked *executions) {
			asked.redrives["arn:1"] = 1
			must(t, s.Holds(t.Context(), id, redriven{1, noon.Add(90 * time.Second)}.turn()))
		}, "arn:1"},
	} {
		for way, take := range ways {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				s, table, asked := stopped(t)
				asked.then = func() { test.then(t, s, asked) }
				if err := take(t.Context(), s, "arn:2"); (err == nil) != (test.holder == "arn:2") || err != nil && !conflicts(err) {
					t.Error(err)
				}
				if item := table.Get(id); item["holder"] != test.holder {
					t.Errorf("held by %q", item["holder"])
				}
			})
		}
	}
}

// A connection that changes hands whenever it is looked at is none to wait for in a function: the state machine tries again.
func TestTakeoverOfARestlessConnection(t *testing.T) {
	t.Parallel()
	for way, take := range ways {
		s, _, asked := stopped(t)
		var act func()
		n := 0
		act = func() { // the holder acts in ever later turns, and is stopped in each
			n++
			must(t, s.Holds(t.Context(), id, redriven{0, noon.Add(time.Duration(n) * time.Second)}.turn()))
			asked.then = act
		}
		asked.then = act
		if err := take(t.Context(), s, "arn:2"); connection.NameOf(err) != connection.Unavailable {
			t.Errorf("%s: %v", way, err)
		}
	}
}

// AWS: DescribeExecution is eventually consistent. That a redriven execution has ended, as it had before, is no news when it has acted since.
func TestTakeoverByAStaleAnswer(t *testing.T) {
	t.Parallel()
	for way, take := range ways {
		s, table, asked := stopped(t)
		must(t, s.Holds(t.Context(), id, redriven{1, noon.Add(30 * time.Second)}.turn()))
		if err := take(t.Context(), s, "arn:2"); !conflicts(err) || table.Get(id)["holder"] != "arn:1" {
			t.Errorf("%s: %v, held by %s", way, err, table.Get(id)["holder"])
		}
		asked.redrives["arn:1"] = 1
		must(t, take(t.Context(), s, "arn:2"))
	}
}

// An attempt of an earlier turn still runs while its execution goes on: in a later state, or redriven. Nothing that it does counts.
func TestAnEarlierTurnChangesNothing(t *testing.T) {
	t.Parallel()
	late := map[string]func(context.Context, *store.Store) error{
		"waits": func(ctx context.Context, s *store.Store) error {
			wait := approval("arn:1", noon)
			wait.Attempt = 9
			return s.Register(ctx, wait, store.NewToken("late"))
		},
		"claims": func(ctx context.Context, s *store.Store) error {
			return s.Claim(ctx, id, turn("arn:1", noon), "", noon)
		},
		"holds": func(ctx context.Context, s *store.Store) error { return s.Holds(ctx, id, turn("arn:1", noon)) },
		"keeps": func(ctx context.Context, s *store.Store) error {
			if kept, err := s.Keep(ctx, id, turn("arn:1", noon)); err != nil || kept {
				return err
			}
			return connection.Errorf(connection.Conflict, "not kept")
		},
		"onboards": func(ctx context.Context, s *store.Store) error {
			return s.Finish(ctx, store.Result{ConnectionID: id, Turn: turn("arn:1", noon), Status: store.StatusOnboarded, EndpointID: "vpce-1"})
		},
		"offboards": func(ctx context.Context, s *store.Store) error {
			return s.Finish(ctx, store.Result{ConnectionID: id, Turn: turn("arn:1", noon), Status: store.StatusOffboarded})
		},
		"fails": func(ctx context.Context, s *store.Store) error {
			return s.Finish(ctx, store.Result{ConnectionID: id, Turn: turn("arn:1", noon), Status: store.StatusFailed})
		},
	}
	for since, r := range map[string]redriven{
		"a later state":                         {0, noon.Add(time.Millisecond)},
		"redriven":                              {1, noon.Add(time.Minute)},
		"redriven, and the time of entry stays": {1, noon},
	} {
		for how, act := range again {
			for what, do := range late {
				t.Run(since+", "+how+", then "+what, func(t *testing.T) {
					t.Parallel()
					s, table, _ := stopped(t)
					must(t, act(t.Context(), s, r))
					if since == "a later state" && how == "it claims" {
						return // it holds the connection already, and writes nothing
					}
					before := table.Get(id)
					silent := what == "waits" || what == "fails" // a token that is not the last, and an end that does not count
					if err := do(t.Context(), s); (err == nil) != silent || err != nil && !conflicts(err) {
						t.Error(err)
					}
					if diff := cmp.Diff(before, table.Get(id)); diff != "" {
						t.Error(diff)
					}
				})
			}
		}
	}
}

// A redriven wait replaces the one before, whose task was tried more often: the tries count anew. AWS documents that a redrive resets
// them, and not that it renews the time of entry.
func TestARedriveBeginsItsTriesAnew(t *testing.T) {
	t.Parallel()
	s, table, _ := stopped(t)
	wait := approval("arn:1", noon)
	wait.Redrive = 1
	must(t, s.Register(t.Context(), wait, store.NewToken("redriven")))
	if got := table.Get(id)["waitToken"]; got != "redriven" {
		t.Errorf("stored is the token %q", got)
	}
}

// An execution that took a connection over dies before it waits. The wait that the execution before it left has no owner: that
// execution cannot get the connection back, and a third one takes the connection as it is.
func TestDeathBetweenTheClaimAndTheWait(t *testing.T) {
	t.Parallel()
	s, table, asked := stopped(t)
	must(t, ways["claim"](t.Context(), s, "arn:2"))
	for range 2 { // a retry of the function claims again
		must(t, ways["claim"](t.Context(), s, "arn:2"))
	}
	asked.status["arn:2"] = types.ExecutionStatusAborted
	if err := again["it waits"](t.Context(), s, redriven{1, noon.Add(3 * time.Minute)}); !conflicts(err) {
		t.Error(err)
	}
	wait := approval("arn:3", noon.Add(5*time.Minute))
	wait.Planned = noon.Add(4 * time.Minute)
	must(t, s.Register(t.Context(), wait, store.NewToken("third")))
	if item := table.Get(id); item["holder"] != "arn:3" || item["waitToken"] != "third" || item["waitExecution"] != "arn:3" {
		t.Errorf("item %v", item)
	}
}

// An item of a release that had no fence is taken over, kept and ended like any other.
func TestNoFence(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		do     func(context.Context, *store.Store) error
		holder string
	}{
		"another claims":    {func(ctx context.Context, s *store.Store) error { return ways["claim"](ctx, s, "arn:2") }, "arn:2"},
		"another registers": {func(ctx context.Context, s *store.Store) error { return ways["register"](ctx, s, "arn:2") }, "arn:2"},
		"it waits":          {func(ctx context.Context, s *store.Store) error { return again["it waits"](ctx, s, redriven{1, noon}) }, "arn:1"},
		"it goes on":        {func(ctx context.Context, s *store.Store) error { return again["it goes on"](ctx, s, redriven{1, noon}) }, "arn:1"},
		"it ends": {func(ctx context.Context, s *store.Store) error {
			return s.Finish(ctx, store.Result{ConnectionID: id, Turn: turn("arn:1", noon), Status: store.StatusOnboarded, EndpointID: "vpce-1"})
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, table, _ := stopped(t)
			table.Drop(id, "fence")
			must(t, test.do(t.Context(), s))
			if item := table.Get(id); item["holder"] != test.holder || item["fence"] == "" {
				t.Errorf("item %v", item)
			}
		})
	}
}

// An attempt whose caller is gone still runs, and takes the connection over from one that has ended while a later attempt is
// about to: the later one's token is the one that counts.
func TestTakeoverByAnEarlierAttempt(t *testing.T) {
	t.Parallel()
	s, table := open()
	must(t, s.Claim(t.Context(), id, turn("arn:1", noon), "", noon))
	earlier, later := approval("arn:2", noon), approval("arn:2", noon)
	earlier.Attempt, later.Attempt = 1, 2
	reading := &meanwhile{API: table, do: func() {
		must(t, s.Asking(&executions{}).Register(t.Context(), earlier, store.NewToken("earlier")))
	}}
	must(t, store.New(reading, "connections").Asking(&executions{}).Register(t.Context(), later, store.NewToken("later")))
	if got := table.Get(id)["waitToken"]; got != "later" {
		t.Errorf("stored is the token %q", got)
	}
	must(t, s.Register(t.Context(), earlier, store.NewToken("earlier")))
	if got := table.Get(id)["waitToken"]; got != "later" {
		t.Errorf("stored is the token %q", got)
	}
}

// meanwhile is a table to which something else happens before it is first read.
type meanwhile struct {
	store.API
	do func()
}

func (m *meanwhile) GetItem(ctx context.Context, in *dynamodb.GetItemInput, options ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if do := m.do; do != nil {
		m.do = nil
		do()
	}
	return m.API.GetItem(ctx, in, options...)
}

// Once it is told to give up, an execution can neither claim, nor wait, nor finish as onboarded; it can finish as failed, and the next
// one is free to begin.
func TestCancel(t *testing.T) {
	t.Parallel()
	s, table := open()
	if told, err := s.Cancel(t.Context(), id, "arn:1"); told || err != nil {
		t.Errorf("cancelled a connection that no execution holds: %v, %v", told, err)
	}
	must(t, s.Claim(t.Context(), id, turn("arn:1", noon), "", noon))
	if told, err := s.Cancel(t.Context(), id, "arn:0"); told || err != nil || table.Get(id)["cancelledHolder"] != "" {
		t.Errorf("cancelled another one: %v, %v", told, err)
	}
	for range 2 {
		if told, err := s.Cancel(t.Context(), id, "arn:1"); !told || err != nil {
			t.Errorf("%v, %v", told, err)
		}
	}
	onboarded := store.Result{ConnectionID: id, Turn: turn("arn:1", noon), Status: store.StatusOnboarded, EndpointID: "vpce-0123abcd"}
	for name, err := range map[string]error{
		"claim":    s.Claim(t.Context(), id, turn("arn:1", noon), "", noon),
		"register": s.Register(t.Context(), approval("arn:1", noon), store.NewToken(canary)),
		"finish":   s.Finish(t.Context(), onboarded),
	} {
		if connection.NameOf(err) != connection.Cancelled || !strings.Contains(err.Error(), id) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if item := table.Get(id); item["waitToken"] != "" || item["status"] != "" {
		t.Errorf("item %v", item)
	}
	must(t, s.Finish(t.Context(), store.Result{ConnectionID: id, Turn: turn("arn:1", noon), Status: store.StatusFailed}))
	must(t, s.Claim(t.Context(), id, turn("arn:2", noon), "", noon))
	if item := table.Get(id); item["cancelledHolder"] != "" || item["holder"] != "arn:2" {
		t.Errorf("item %v", item)
	}
}

// WaitOf, which the acknowledgement of an operator uses, returns the inputs of the vendor. The resume path does not read them. Settle
// removes them with the wait.
func TestInputsOfAWait(t *testing.T) {
	t.Parallel()
	s, table := open()
	wait := approval("arn:1", noon)
	wait.Inputs = map[string]string{"serviceName": "svc", "tenant": "a"}
	must(t, s.Register(t.Context(), wait, store.NewToken(canary)))
	got, found, err := s.WaitOf(t.Context(), id)
	if diff := cmp.Diff(wait.Inputs, got.Inputs); diff != "" || !found || err != nil {
		t.Errorf("%v, %v\n%s", found, err, diff)
	}
	stored, _ := stored(t, s)
	if stored.Inputs != nil {
		t.Errorf("resume reads %v", stored.Inputs)
	}
	must(t, s.Settle(t.Context(), stored, ""))
	if item := table.Get(id); item["waitInputs"] != "" {
		t.Errorf("item %v", item)
	}
	if _, found, err := s.WaitOf(t.Context(), id); found || err != nil {
		t.Errorf("still waiting: %v, %v", found, err)
	}
}

// What an execution was asked for is known as long as AWS remembers it.
func TestRan(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		asking  *executions
		request string
		since   time.Time
		fails   bool
	}{
		"known":      {&executions{status: map[string]types.ExecutionStatus{"arn:1": types.ExecutionStatusAborted}}, `{"action":"onboard"}`, noon, false},
		"forgotten":  {&executions{}, "", time.Time{}, false},
		"unknown":    {&executions{err: errors.New("no answer")}, "", time.Time{}, true},
		"cannot ask": {nil, "", time.Time{}, false},
	} {
		s, _ := open()
		if test.asking != nil {
			s = s.Asking(test.asking)
		}
		request, since, err := s.Ran(t.Context(), "arn:1")
		if string(request) != test.request || !since.Equal(test.since) || (err != nil) != test.fails {
			t.Errorf("%s: %q, %v, %v", name, request, since, err)
		}
	}
}

// A plan that another execution's end has overtaken claims nothing, and the current holder stays: the execution that was
// stopped is redriven with it. The end of an earlier one, or its own, overtakes nothing.
func TestAnOvertakenPlanClaimsNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		planned    time.Time
		finishedBy string
		want       string
	}{
		"planned before another's end":  {noon.Add(-time.Minute), "arn:2", connection.Conflict},
		"planned after another's end":   {noon.Add(time.Minute), "arn:2", ""},
		"planned when another ended":    {noon, "arn:2", ""},
		"its own end":                   {noon.Add(-time.Minute), "arn:1", ""},
		"planned by an earlier release": {time.Time{}, "arn:2", ""},
		"no execution has ended it":     {noon.Add(-time.Minute), "", ""},
	} {
		for how, claim := range map[string]func(*store.Store) error{
			"claim": func(s *store.Store) error { return s.Claim(t.Context(), id, turn("arn:1", noon), "", test.planned) },
			"wait": func(s *store.Store) error {
				return s.Register(t.Context(), store.Wait{
					ConnectionID: id, Gate: connection.GateApproval, Execution: "arn:1", Since: noon, Planned: test.planned,
				}, store.NewToken("t"))
			},
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				table := &storetest.Table{}
				s := store.New(table, "table")
				if test.finishedBy != "" {
					must(t, s.Claim(t.Context(), id, turn(test.finishedBy, noon), "", noon))
					must(t, s.Finish(t.Context(), store.Result{
						ConnectionID: id, Turn: turn(test.finishedBy, noon), Status: store.StatusOffboarded,
					}))
				}
				err := claim(s)
				if got := connection.NameOf(err); err != nil != (test.want != "") || err != nil && got != test.want {
					t.Fatalf("%v, want %q", err, test.want)
				}
				if held := table.Get(id)["holder"] == "arn:1"; held != (test.want == "") {
					t.Errorf("held %v", held)
				}
			})
		}
	}
}

// A step in the midst of a run goes on only while its execution holds the connection, or has just ended it.
func TestHolds(t *testing.T) {
	t.Parallel()
	claim := func(execution string) func(*testing.T, *store.Store) {
		return func(t *testing.T, s *store.Store) { must(t, s.Claim(t.Context(), id, turn(execution, noon), "", noon)) }
	}
	finish := func(execution string) func(*testing.T, *store.Store) {
		return func(t *testing.T, s *store.Store) {
			must(t, s.Claim(t.Context(), id, turn(execution, noon), "", noon))
			must(t, s.Finish(t.Context(), store.Result{ConnectionID: id, Turn: turn(execution, noon), Status: store.StatusOnboarded}))
		}
	}
	for name, test := range map[string]struct {
		before func(*testing.T, *store.Store)
		want   string
	}{
		"it holds":             {claim("arn:1"), ""},
		"it has ended it":      {finish("arn:1"), ""},
		"another holds":        {claim("arn:2"), connection.Conflict},
		"another has ended it": {finish("arn:2"), connection.Conflict},
		"no execution held it": {func(*testing.T, *store.Store) {}, connection.Conflict},
		"it was cancelled": {func(t *testing.T, s *store.Store) {
			claim("arn:1")(t, s)
			_, err := s.Cancel(t.Context(), id, "arn:1")
			must(t, err)
		}, connection.Cancelled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := store.New(&storetest.Table{}, "table")
			test.before(t, s)
			if err := s.Holds(t.Context(), id, turn("arn:1", noon)); err != nil != (test.want != "") || err != nil && connection.NameOf(err) != test.want {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}
