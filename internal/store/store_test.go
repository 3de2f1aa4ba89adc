package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/store"
	"postern/internal/store/storetest"
)

const (
	id     = "monte-carlo/agents-prod"
	canary = "AQCEAAAAKgAAAAMAAAAA-canary-task-token"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func open() (*store.Store, *storetest.Table) {
	table := &storetest.Table{}
	return store.New(table, "connections"), table
}

func approval(execution string, since time.Time) store.Wait {
	return store.Wait{ConnectionID: id, Gate: connection.GateApproval, Execution: execution, Since: since,
		EndpointID:  "vpce-0123abcd",
		ServiceName: "svc", ServiceRegion: "eu-west-1", LastSeen: connection.StatePendingAcceptance}
}

// turn is a turn of an execution that was never redriven.
func turn(execution string, at time.Time) connection.Turn {
	return connection.Turn{Execution: execution, EnteredAt: at}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// stored returns what waits, or fails.
func stored(t *testing.T, s *store.Store) (store.Wait, string) {
	t.Helper()
	wait, token, found, err := s.Token(t.Context(), id)
	if err != nil || !found {
		t.Fatalf("nothing waits: %v, %v", found, err)
	}
	return wait, token.Reveal()
}

func TestRegister(t *testing.T) {
	t.Parallel()
	s, table := open()
	want := approval("arn:1", noon.Add(123456789))
	want.Access = connection.Access{RoleARN: "arn:aws:iam::222233334444:role/r", ExternalID: "0d2b7c9e", Region: "us-east-1"}
	want.Asked, want.SLAHours, want.Calendar, want.To, want.Subject = noon, 48, "us-business", "support@example.com", "please accept"
	want.Ticket = "github:example/network#42"
	must(t, s.Register(t.Context(), want, store.NewToken(canary)))
	got, token := stored(t, s)
	if token != canary || got.Registration == "" || strings.Contains(canary, got.Registration) {
		t.Errorf("token %q, registration %q", token, got.Registration)
	}
	got.Registration = ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the wait differs (-want +got):\n%s", diff)
	}
	item := table.Get(id)
	if item["holder"] != "arn:1" || item["vendor"] != "monte-carlo" || item["updatedAt"] != "2026-11-23T12:00:00.123456789Z" {
		t.Errorf("item %v", item)
	}
	if calls := table.Calls(); calls[0] != "UpdateItem" || len(calls) != 2 {
		t.Errorf("calls %v, want the claim and the wait in one write", calls)
	}
}

// TestRecord: whose the connection is follows who took it last, and the record never has the token.
func TestRecord(t *testing.T) {
	t.Parallel()
	s, table := open()
	if record, err := s.Record(t.Context(), id); err != nil || record != (store.Record{}) {
		t.Errorf("a connection that was never made: %+v, %v", record, err)
	}
	wait := approval("arn:1", noon)
	wait.Ticket = "github:example/network#42"
	must(t, s.Register(t.Context(), wait, store.NewToken(canary)))
	want := store.Record{Holder: "arn:1", Ticket: wait.Ticket, Taken: true}
	if record, err := s.Record(t.Context(), id); err != nil || record != want {
		t.Errorf("waiting: %+v, %v", record, err)
	}
	must(t, s.Finish(t.Context(), store.Result{ConnectionID: id, Turn: turn("arn:1", noon), Status: store.StatusOnboarded,
		EndpointID: "vpce-0123abcd"}))
	want = store.Record{Ticket: wait.Ticket, EndpointID: "vpce-0123abcd", Status: store.StatusOnboarded, Taken: true}
	if record, err := s.Record(t.Context(), id); err != nil || record != want {
		t.Errorf("onboarded: %+v, %v", record, err)
	}
	must(t, s.Register(t.Context(), approval("arn:2", noon), store.NewToken(canary)))
	want.Holder, want.Ticket = "arn:2", ""
	if record, err := s.Record(t.Context(), id); err != nil || record != want {
		t.Errorf("run again from the console: %+v, %v", record, err)
	}
	if calls := table.Calls(); calls[0] != "GetItem" || len(calls) != 7 {
		t.Errorf("calls %v", calls)
	}
}

// TestRegisterOrder: a retry of the task brings a new token, the same time and a higher attempt, a redrive a later time. The function
// of an earlier attempt may come last: Step Functions tries again when it has lost a function's answer.
func TestRegisterOrder(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		second  time.Time
		attempt int
		want    string
	}{
		"the same again":              {noon, 1, "second"},
		"a retry replaces":            {noon, 2, "second"},
		"the tenth, too":              {noon, 10, "second"},
		"an earlier try does not":     {noon, 0, "first"},
		"a redrive replaces":          {noon.Add(time.Nanosecond), 0, "second"},
		"an older one does not":       {noon.Add(-time.Nanosecond), 5, "first"},
		"nor by a fraction of second": {noon.Add(-500 * time.Millisecond), 1, "first"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := open()
			first, second := approval("arn:1", noon), approval("arn:1", test.second)
			first.Attempt, second.Attempt = 1, test.attempt
			must(t, s.Register(t.Context(), first, store.NewToken("first")))
			must(t, s.Register(t.Context(), second, store.NewToken("second")))
			if _, token := stored(t, s); token != test.want {
				t.Errorf("%s waits, want %s", token, test.want)
			}
		})
	}
}

func TestRegisterNextGate(t *testing.T) {
	t.Parallel()
	s, _ := open()
	allowlist := store.Wait{ConnectionID: id, Gate: connection.GateAllowlist, Execution: "arn:1", Since: noon, ServiceName: "svc",
		ServiceRegion: "eu-west-1"}
	must(t, s.Register(t.Context(), allowlist, store.NewToken("first")))
	must(t, s.Register(t.Context(), approval("arn:1", noon.Add(time.Minute)), store.NewToken("second")))
	waits, err := s.Waiting(t.Context())
	if err != nil || len(waits) != 1 || waits[0].Gate != connection.GateApproval {
		t.Errorf("waits %+v, %v", waits, err)
	}
	must(t, s.Register(t.Context(), allowlist, store.NewToken("late")))
	if wait, token := stored(t, s); token != "second" || wait.EndpointID == "" {
		t.Errorf("%s waits at %s: a late registration of the gate before won", token, wait.Gate)
	}
}

func TestRegisterConflict(t *testing.T) {
	t.Parallel()
	s, table := open()
	must(t, s.Register(t.Context(), approval("arn:1", noon), store.NewToken("first")))
	before := table.Get(id)
	err := s.Register(t.Context(), approval("arn:2", noon.Add(time.Hour)), store.NewToken(canary))
	if connection.NameOf(err) != connection.Conflict || strings.Contains(err.Error(), canary) {
		t.Fatalf("%v, want a Conflict without the token", err)
	}
	for _, part := range []string{"connection " + id, "held by execution arn:1", "wait until"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
	if diff := cmp.Diff(before, table.Get(id)); diff != "" {
		t.Errorf("the holder's item changed:\n%s", diff)
	}
}

func TestRegisterRefuses(t *testing.T) {
	t.Parallel()
	s, table := open()
	nameless := approval("arn:1", noon)
	nameless.ConnectionID = ""
	for name, err := range map[string]error{
		"no token":      s.Register(t.Context(), approval("arn:1", noon), store.Token{}),
		"no execution":  s.Register(t.Context(), approval("", noon), store.NewToken(canary)),
		"no connection": s.Register(t.Context(), nameless, store.NewToken(canary)),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if len(table.Calls()) != 0 {
		t.Errorf("calls %v", table.Calls())
	}
}

func TestWaitingPagesAndHidesTokens(t *testing.T) {
	t.Parallel()
	s, table := open()
	table.PageSize = 2
	var want []string
	for i := range 7 {
		wait := approval("arn:1", noon.Add(time.Duration(7-i)*time.Minute))
		wait.ConnectionID, wait.Gate = fmt.Sprint("v/", i), connection.GateApproval
		must(t, s.Register(t.Context(), wait, store.NewToken(canary)))
		want = append(want, wait.ConnectionID)
	}
	slices.Reverse(want) // oldest first
	allowlist := approval("arn:1", noon)
	allowlist.ConnectionID, allowlist.Gate = "v/a", connection.GateAllowlist
	must(t, s.Register(t.Context(), allowlist, store.NewToken(canary)))
	waits, err := s.Waiting(t.Context())
	must(t, err)
	var got []string
	for _, wait := range waits {
		got = append(got, wait.ConnectionID)
	}
	if !slices.Equal(got, append([]string{"v/a"}, want...)) {
		t.Errorf("waits %v", got)
	}
	if strings.Contains(fmt.Sprintf("%+v", waits), canary) {
		t.Error("the list of waits carries a token")
	}
}

func TestTokenWhenNothingWaits(t *testing.T) {
	t.Parallel()
	s, _ := open()
	if _, _, found, err := s.Token(t.Context(), id); found || err != nil {
		t.Errorf("of an item that is not there: %v, %v", found, err)
	}
	must(t, s.Claim(t.Context(), id, turn("arn:1", noon), "", noon))
	if _, _, found, err := s.Token(t.Context(), id); found || err != nil {
		t.Errorf("of an item that does not wait: %v, %v", found, err)
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	s, table := open()
	must(t, s.Register(t.Context(), approval("arn:1", noon), store.NewToken(canary)))
	wait, _ := stored(t, s)
	for range 2 {
		must(t, s.Settle(t.Context(), wait, connection.StatePending))
	}
	want := storetest.Item{"id": id, "vendor": "monte-carlo", "holder": "arn:1", "updatedAt": "2026-11-23T12:00:00.000000000Z",
		"lastSeen": "pending", "fence": "2026-11-23T12:00:00.000000000Z 000000 000000"}
	if diff := cmp.Diff(want, table.Get(id)); diff != "" {
		t.Errorf("the item (-want +got):\n%s", diff)
	}
	if waits, err := s.Waiting(t.Context()); err != nil || len(waits) != 0 {
		t.Errorf("still waits: %v, %v", waits, err)
	}
}

// TestSettleAfterReplacement: between reading a token and settling, the task may have been tried again, even with the same time.
func TestSettleAfterReplacement(t *testing.T) {
	t.Parallel()
	for name, since := range map[string]time.Time{"a retry": noon, "a redrive": noon.Add(time.Hour)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := open()
			must(t, s.Register(t.Context(), approval("arn:1", noon), store.NewToken("first")))
			old, _ := stored(t, s)
			must(t, s.Register(t.Context(), approval("arn:1", since), store.NewToken("second")))
			must(t, s.Settle(t.Context(), old, connection.StateRejected))
			wait, token := stored(t, s)
			if token != "second" || wait.LastSeen != connection.StatePendingAcceptance {
				t.Errorf("%s waits, last seen %s", token, wait.LastSeen)
			}
		})
	}
}

func TestSettleWithoutAState(t *testing.T) {
	t.Parallel()
	s, table := open()
	must(t, s.Register(t.Context(), approval("arn:1", noon), store.NewToken(canary)))
	wait, _ := stored(t, s)
	must(t, s.Settle(t.Context(), wait, ""))
	if item := table.Get(id); item["lastSeen"] != "pendingacceptance" || item["waitToken"] != "" {
		t.Errorf("item %v", item)
	}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	s, table := open()
	must(t, s.Claim(t.Context(), id, turn("arn:1", noon), "", noon))
	if holder, err := s.Holder(t.Context(), id); holder != "arn:1" || err != nil {
		t.Errorf("held by %q, %v", holder, err)
	}
	writes := func() int {
		return len(slices.DeleteFunc(table.Calls(), func(c string) bool { return c != "UpdateItem" }))
	}
	must(t, s.Claim(t.Context(), id, turn("arn:1", noon), "", noon))
	if writes() != 1 {
		t.Errorf("%d writes: what is ours already needs none", writes())
	}
	if err := s.Claim(t.Context(), id, turn("arn:2", noon), "", noon); connection.NameOf(err) != connection.Conflict ||
		!strings.Contains(err.Error(), "arn:1") {
		t.Errorf("%v, want a Conflict", err)
	}
	if writes() != 1 {
		t.Error("a claim that is refused wrote")
	}
}

// TestClaimRace: of many that claim at once, one holds.
func TestClaimRace(t *testing.T) {
	t.Parallel()
	s, _ := open()
	var wg sync.WaitGroup
	results := make([]error, 16)
	for i := range results {
		wg.Go(func() {
			execution := fmt.Sprint("arn:", i)
			if i%2 == 0 {
				results[i] = s.Claim(t.Context(), id, turn(execution, noon), "", noon)
			} else {
				results[i] = s.Register(t.Context(), approval(execution, noon), store.NewToken(execution))
			}
		})
	}
	wg.Wait()
	holder, err := s.Holder(t.Context(), id)
	must(t, err)
	won := 0
	for i, err := range results {
		switch {
		case err == nil:
			won++
			if holder != fmt.Sprint("arn:", i) {
				t.Errorf("arn:%d was told that it holds, %s does", i, holder)
			}
		case connection.NameOf(err) != connection.Conflict:
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d won", won)
	}
}

func TestFinish(t *testing.T) {
	t.Parallel()
	done := store.Result{ConnectionID: id, Turn: turn("arn:1", noon), Status: store.StatusOnboarded, EndpointID: "vpce-0123abcd",
		LastSeen: connection.StateAvailable}
	failed := store.Result{ConnectionID: id, Turn: turn("arn:1", noon), Status: store.StatusFailed}
	why := failed
	why.Failure = &store.Failure{Error: connection.EndpointRejected, Message: "no", AccountID: "111122223333", Region: "us-east-1", VPCID: "vpc-1"}
	finished := storetest.Item{"id": id, "vendor": "monte-carlo", "status": "onboarded", "finishedBy": "arn:1", "finishedAt": "2026-11-23T12:00:00.000000000Z",
		"updatedAt": "2026-11-23T12:00:00.000000000Z", "endpointId": "vpce-0123abcd", "lastSeen": "available",
		"fence": "2026-11-23T12:00:00.000000000Z 000000 000000"}
	for name, test := range map[string]struct {
		before func(*testing.T, *store.Store)
		result store.Result
		want   storetest.Item // nil: unchanged
		name   string         // of the error
	}{
		"onboarded": {func(t *testing.T, s *store.Store) { must(t, s.Claim(t.Context(), id, turn("arn:1", noon), "", noon)) }, done, finished, ""},
		"onboarded while a wait was left": {func(t *testing.T, s *store.Store) {
			must(t, s.Register(t.Context(), approval("arn:1", noon), store.NewToken(canary)))
		}, done, finished, ""},
		"onboarded, and it never held": {func(*testing.T, *store.Store) {}, done, nil, connection.Conflict},
		"onboarded, and another has ended it": {func(t *testing.T, s *store.Store) {
			must(t, s.Claim(t.Context(), id, turn("arn:0", noon), "", noon))
			must(t, s.Finish(t.Context(), store.Result{ConnectionID: id, Turn: turn("arn:0", noon), Status: store.StatusOffboarded}))
		}, done, nil, connection.Conflict},
		"onboarded, after its rollback": {func(t *testing.T, s *store.Store) {
			must(t, s.Claim(t.Context(), id, turn("arn:1", noon), "", noon))
			must(t, s.Finish(t.Context(), why))
		}, done, nil, connection.Conflict},
		"onboarded, but another holds": {func(t *testing.T, s *store.Store) { must(t, s.Claim(t.Context(), id, turn("arn:2", noon), "", noon)) }, done,
			nil,
			connection.Conflict},
		"failed": {func(t *testing.T, s *store.Store) {
			must(t, s.Register(t.Context(), approval("arn:1", noon), store.NewToken(canary)))
		}, failed, storetest.Item{"id": id, "vendor": "monte-carlo", "status": "failed", "finishedBy": "arn:1", "finishedAt": "2026-11-23T12:00:00.000000000Z",
			"updatedAt": "2026-11-23T12:00:00.000000000Z", "fence": "2026-11-23T12:00:00.000000000Z 000000 000000"}, ""},
		"failed, and why": {func(t *testing.T, s *store.Store) { must(t, s.Claim(t.Context(), id, turn("arn:1", noon), "", noon)) }, why,
			storetest.Item{"id": id, "vendor": "monte-carlo", "status": "failed", "finishedBy": "arn:1", "finishedAt": "2026-11-23T12:00:00.000000000Z",
				"updatedAt": "2026-11-23T12:00:00.000000000Z", "fence": "2026-11-23T12:00:00.000000000Z 000000 000000",
				"failure": `{"error":"EndpointRejected","message":"no","accountId":"111122223333","region":"us-east-1","vpcId":"vpc-1"}`}, ""},
		"onboarded after a failure": {func(t *testing.T, s *store.Store) {
			must(t, s.Claim(t.Context(), id, turn("arn:0", noon), "", noon))
			earlier := why
			earlier.Turn.Execution = "arn:0"
			must(t, s.Finish(t.Context(), earlier))
			must(t, s.Claim(t.Context(), id, turn("arn:1", noon), "", noon))
		}, done, finished, ""},
		"failed before it held anything": {func(*testing.T, *store.Store) {}, failed, nil, ""},
		"failed, and another holds": {func(t *testing.T, s *store.Store) {
			must(t, s.Register(t.Context(), approval("arn:2", noon), store.NewToken(canary)))
		}, failed, nil, ""},
		"failed, long after the connection was onboarded": {func(t *testing.T, s *store.Store) {
			earlier := done
			earlier.Turn.Execution = "arn:0"
			must(t, s.Claim(t.Context(), id, turn("arn:0", noon), "", noon))
			must(t, s.Finish(t.Context(), earlier))
		}, failed, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, table := open()
			test.before(t, s)
			if test.want == nil {
				test.want = table.Get(id)
			}
			for range 2 {
				if err := s.Finish(t.Context(), test.result); connection.NameOf(err) != test.name || (err != nil) != (test.name != "") {
					t.Fatalf("%v, want %q", err, test.name)
				}
			}
			if diff := cmp.Diff(test.want, table.Get(id)); diff != "" {
				t.Errorf("the item (-want +got):\n%s", diff)
			}
		})
	}
}

func TestClaimNotice(t *testing.T) {
	t.Parallel()
	s, table := open()
	claim := func(execution string, gate connection.Gate, want bool) (name string) {
		t.Helper()
		name, err := s.ClaimNotice(t.Context(), id, execution, gate, noon)
		if err != nil || (name != "") != want {
			t.Errorf("%s of %s: claimed as %q, %v; want a claim: %v", gate, execution, name, err, want)
		}
		return name
	}
	claim("arn:1", connection.GateAllowlist, true)
	claim("arn:1", connection.GateAllowlist, false)
	claim("arn:1", connection.GateApproval, true) // another gate
	second := claim("arn:2", connection.GateApproval, true)
	claim("arn:1", connection.GateApproval, false) // a late duplicate: the claim of the one is not forgotten for the other's
	claim("arn:2", connection.GateApproval, false)

	for range 2 {
		must(t, s.ReleaseNotice(t.Context(), id, "arn:2", connection.GateApproval, second))
	}
	claim("arn:2", connection.GateApproval, true)
	must(t, s.ReleaseNotice(t.Context(), id, "arn:2", connection.GateApproval, second)) // the SDK retries, and another caller holds it
	claim("arn:2", connection.GateApproval, false)
	claim("arn:1", connection.GateApproval, false)

	if table.Get(id) != nil {
		t.Errorf("the connection has a record: %v", table.Get(id))
	}
}

// TestBeat: a heartbeat is recorded for the registration it was sent for, and never replaces a later one. A new registration, which
// has a token of its own, has had none.
func TestBeat(t *testing.T) {
	t.Parallel()
	s, table := open()
	wait := approval("arn:1", noon)
	wait.Heartbeat = 3 * time.Hour
	absent := wait
	absent.Registration = "gone"
	must(t, s.Beat(t.Context(), absent, noon, connection.StateRejected))
	if table.Get(id) != nil {
		t.Error("a heartbeat made an item")
	}
	check := func(beat time.Time, seen connection.EndpointState) store.Wait {
		t.Helper()
		found, _ := stored(t, s)
		if !found.Beat.Equal(beat) || found.LastSeen != seen || found.Heartbeat != 3*time.Hour {
			t.Fatalf("heartbeat of %s at %s, last seen %s; want %s, %s", found.Heartbeat, found.Beat, found.LastSeen, beat, seen)
		}
		return found
	}
	must(t, s.Register(t.Context(), wait, store.NewToken(canary)))
	first := check(time.Time{}, wait.LastSeen)
	must(t, s.Beat(t.Context(), first, noon.Add(2*time.Hour), connection.StateUnknown))
	must(t, s.Beat(t.Context(), first, noon.Add(time.Hour), connection.StatePendingAcceptance)) // comes late
	check(noon.Add(2*time.Hour), connection.StateUnknown)
	must(t, s.Beat(t.Context(), first, noon.Add(3*time.Hour), ""))
	check(noon.Add(3*time.Hour), connection.StateUnknown)
	must(t, s.Register(t.Context(), wait, store.NewToken(canary+"2"))) // another try of the task, with the same time of entry
	check(time.Time{}, wait.LastSeen)
	must(t, s.Beat(t.Context(), first, noon.Add(4*time.Hour), connection.StateUnknown))
	check(time.Time{}, wait.LastSeen)
	if waits, err := s.Waiting(t.Context()); err != nil || len(waits) != 1 || waits[0].Heartbeat != 3*time.Hour {
		t.Errorf("the list of waits: %+v, %v", waits, err)
	}
}

// TestAnswerLost: the SDK asks again when an answer is lost. The second try of every method must end like the first.
func TestAnswerLost(t *testing.T) {
	t.Parallel()
	lost := &smithy.GenericAPIError{Code: "Lost", Message: "no answer"}
	methods := map[string]func(*store.Store) error{
		"Register": func(s *store.Store) error {
			return s.Register(t.Context(), approval("arn:1", noon), store.NewToken(canary))
		},
		"Claim": func(s *store.Store) error { return s.Claim(t.Context(), id, turn("arn:1", noon), "", noon) },
		"Beat": func(s *store.Store) error {
			wait, _ := stored(t, s)
			return s.Beat(t.Context(), wait, noon, "pending")
		},
		"Finish": func(s *store.Store) error {
			return s.Finish(t.Context(), store.Result{ConnectionID: id, Turn: turn("arn:1", noon), Status: store.StatusOnboarded})
		},
		"Finish as failed": func(s *store.Store) error {
			return s.Finish(t.Context(), store.Result{ConnectionID: id, Turn: turn("arn:1", noon), Status: store.StatusFailed})
		},
	}
	for name, method := range methods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, table := open()
			must(t, s.Register(t.Context(), approval("arn:1", noon), store.NewToken(canary)))
			if name == "Claim" {
				s, table = open()
			}
			tries := 0
			table.Fault = func(operation string, after bool) error {
				if operation == "UpdateItem" && after {
					if tries++; tries == 1 {
						return lost
					}
				}
				return nil
			}
			if err := method(s); !errors.Is(err, lost) {
				t.Fatalf("%v, want the lost answer", err)
			}
			once := table.Get(id)
			must(t, method(s))
			if diff := cmp.Diff(once, table.Get(id)); diff != "" {
				t.Errorf("the second try changed the item:\n%s", diff)
			}
		})
	}
}

// retrying sends a write again when its answer is lost, as the SDK does.
type retrying struct{ *storetest.Table }

func (r retrying) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput,
	options ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	out, err := r.Table.UpdateItem(ctx, in, options...)
	if err != nil && strings.Contains(err.Error(), "lost") {
		return r.Table.UpdateItem(ctx, in, options...)
	}
	return out, err
}

// A claim ends by itself, long after the execution did; the connection's own item never does.
func TestClaimsExpire(t *testing.T) {
	t.Parallel()
	s, table := open()
	must(t, s.Claim(t.Context(), id, turn("arn:1", noon), "", noon))
	for _, claim := range []func() (string, error){
		func() (string, error) { return s.ClaimNotice(t.Context(), id, "arn:1", connection.GateAllowlist, noon) },
		func() (string, error) {
			return s.ClaimNotice(t.Context(), id, "arn:1", connection.GateApproval, noon.Add(time.Hour))
		},
		func() (string, error) { return s.ClaimRemoval(t.Context(), id, "arn:2", noon) },
	} {
		if name, err := claim(); name == "" || err != nil {
			t.Fatal(name, err)
		}
	}
	year := noon.Add(400 * 24 * time.Hour)
	for item, want := range map[string]time.Time{
		"notice/" + id + "/arn:1": year.Add(time.Hour), "notice/" + id + "/arn:2": year,
	} {
		if got := table.Get(item)["expires"]; got != strconv.FormatInt(want.Unix(), 10) {
			t.Errorf("%s expires at %s, want %s", item, got, want)
		}
	}
	if _, has := table.Get(id)["expires"]; has {
		t.Error("the connection expires")
	}
}

func TestClaimRemoval(t *testing.T) {
	t.Parallel()
	s, _ := open()
	claim := func(execution string, want bool) (name string) {
		t.Helper()
		name, err := s.ClaimRemoval(t.Context(), id, execution, noon)
		if err != nil || (name != "") != want {
			t.Errorf("%s: claimed as %q, %v; want a claim: %v", execution, name, err, want)
		}
		return name
	}
	_, err := s.ClaimNotice(t.Context(), id, "arn:1", connection.GateApproval, noon)
	must(t, err)
	first := claim("arn:1", true) // a gate's message is another one
	claim("arn:1", false)
	claim("arn:2", true) // the connection was onboarded again meanwhile
	must(t, s.ReleaseRemoval(t.Context(), id, "arn:1", "another"))
	claim("arn:1", false)
	must(t, s.ReleaseRemoval(t.Context(), id, "arn:1", first))
	claim("arn:1", true)
}

// TestClaimNoticeAnswerLost: a claim whose answer is lost is still ours when the SDK asks again; else the mail would never go
// out.
func TestClaimNoticeAnswerLost(t *testing.T) {
	t.Parallel()
	table := &storetest.Table{}
	writes := 0
	table.Fault = func(_ string, after bool) error {
		if after {
			if writes++; writes == 1 {
				return errors.New("lost")
			}
		}
		return nil
	}
	s := store.New(retrying{table}, "connections")
	for i, want := range []bool{true, false} {
		if name, err := s.ClaimNotice(t.Context(), id, "arn:1", connection.GateApproval, noon); err != nil || (name != "") != want {
			t.Errorf("claim %d: as %q, %v; want a claim: %v", i, name, err, want)
		}
	}
}

func TestErrorsNameTheThing(t *testing.T) {
	t.Parallel()
	refused := &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not authorized near " + canary}
	s, table := open()
	table.Fault = func(string, bool) error { return refused }
	result := store.Result{ConnectionID: id, Turn: turn("arn:1", noon), Status: store.StatusFailed}
	_, waiting := s.Waiting(t.Context())
	_, _, _, token := s.Token(t.Context(), id)
	_, holder := s.Holder(t.Context(), id)
	_, notice := s.ClaimNotice(t.Context(), id, "arn:1", connection.GateApproval, noon)
	for name, err := range map[string]error{
		"registering the approval wait of " + id:                s.Register(t.Context(), approval("arn:1", noon), store.NewToken(canary)),
		"reading the waits":                                     waiting,
		"reading the wait of " + id:                             token,
		"settling the approval wait of " + id:                   s.Settle(t.Context(), approval("arn:1", noon), "pending"),
		"reading who holds " + id:                               holder,
		"recording that " + id + " is failed":                   s.Finish(t.Context(), result),
		"claiming the approval message of " + id:                notice,
		"releasing the approval message of " + id:               s.ReleaseNotice(t.Context(), id, "arn:1", connection.GateApproval, "name"),
		"releasing the removal message of " + id:                s.ReleaseRemoval(t.Context(), id, "arn:1", "name"),
		"recording the heartbeat of the approval wait of " + id: s.Beat(t.Context(), approval("arn:1", noon), noon, "pending"),
	} {
		if !errors.Is(err, refused) || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%v, want it to begin with %q", err, name)
		}
		if strings.HasPrefix(name, "registering") && strings.Contains(err.Error(), canary) {
			t.Errorf("the token leaks: %v", err)
		}
	}
}

func TestNoConnectionID(t *testing.T) {
	t.Parallel()
	s, table := open()
	_, err := s.Holder(t.Context(), "")
	if err == nil || s.Claim(t.Context(), "", turn("arn:1", noon), "", noon) == nil || len(table.Calls()) != 0 {
		t.Errorf("%v: an empty id must not reach AWS", err)
	}
}
