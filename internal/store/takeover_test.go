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
	status map[string]types.ExecutionStatus
	err    error
	asked  []string
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
	return &sfn.DescribeExecutionOutput{Status: status, StartDate: aws.Time(noon), Input: aws.String(`{"action":"onboard"}`)}, nil
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
		"runs":         {status: types.ExecutionStatusRunning, want: connection.Conflict},
		"redriven":     {status: types.ExecutionStatusPendingRedrive, want: connection.Conflict},
		"aborted":      {status: types.ExecutionStatusAborted},
		"failed":       {status: types.ExecutionStatusFailed},
		"timed out":    {status: types.ExecutionStatusTimedOut},
		"succeeded":    {status: types.ExecutionStatusSucceeded},
		"forgotten":    {status: none},
		"nobody knows": {fail: connection.Errorf(connection.Unavailable, "no answer"), want: connection.Unavailable},
		"cannot ask":   {status: types.ExecutionStatusAborted, mute: true, want: connection.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := &executions{status: map[string]types.ExecutionStatus{}, err: test.fail}
			if test.status != none {
				asked.status["arn:1"] = test.status
			}
			for way, take := range map[string]func(*store.Store) error{
				"claim": func(s *store.Store) error { return s.Claim(t.Context(), id, "arn:2", "", noon, noon) },
				"register": func(s *store.Store) error {
					return s.Register(t.Context(), approval("arn:2", noon), store.NewToken(canary))
				},
			} {
				s, table := open()
				must(t, s.Claim(t.Context(), id, "arn:1", "", noon, noon))
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

// The holder itself and the first comer ask nobody.
func TestNobodyIsAskedWithoutNeed(t *testing.T) {
	t.Parallel()
	s, _ := open()
	asked := &executions{err: errors.New("asked")}
	s = s.Asking(asked)
	must(t, s.Claim(t.Context(), id, "arn:1", "", noon, noon))
	must(t, s.Claim(t.Context(), id, "arn:1", "", noon, noon))
	must(t, s.Register(t.Context(), approval("arn:1", noon), store.NewToken(canary)))
	if len(asked.asked) > 0 {
		t.Errorf("asked for %v", asked.asked)
	}
}

// Between the look and the claim a third execution takes the connection: the one that has ended is no excuse to take it from that.
func TestTakeoverRace(t *testing.T) {
	t.Parallel()
	s, table := open()
	must(t, s.Claim(t.Context(), id, "arn:1", "", noon, noon))
	third := s.Asking(&executions{})
	late := s.Asking(claiming{func() { must(t, third.Claim(t.Context(), id, "arn:3", "", noon, noon)) }})
	if err := late.Claim(t.Context(), id, "arn:2", "", noon, noon); connection.NameOf(err) != connection.Conflict || table.Get(id)["holder"] != "arn:3" {
		t.Errorf("%v, held by %s", err, table.Get(id)["holder"])
	}
}

// An attempt that nobody hears any more still runs, and takes the connection over from one that has ended while a later attempt is
// about to: the later one's token is the one that counts.
func TestTakeoverByAnEarlierAttempt(t *testing.T) {
	t.Parallel()
	s, table := open()
	must(t, s.Claim(t.Context(), id, "arn:1", "", noon, noon))
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

// claiming answers that an execution is forgotten, after something else happened.
type claiming struct{ meanwhile func() }

func (c claiming) DescribeExecution(context.Context, *sfn.DescribeExecutionInput, ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error) {
	c.meanwhile()
	return nil, &smithy.GenericAPIError{Code: "ExecutionDoesNotExist"}
}

// Once it is told to give up, an execution can neither claim, nor wait, nor finish as onboarded; it can finish as failed, and the next
// one is free to begin.
func TestCancel(t *testing.T) {
	t.Parallel()
	s, table := open()
	if told, err := s.Cancel(t.Context(), id, "arn:1"); told || err != nil {
		t.Errorf("cancelled what nobody holds: %v, %v", told, err)
	}
	must(t, s.Claim(t.Context(), id, "arn:1", "", noon, noon))
	if told, err := s.Cancel(t.Context(), id, "arn:0"); told || err != nil || table.Get(id)["cancelledHolder"] != "" {
		t.Errorf("cancelled another one: %v, %v", told, err)
	}
	for range 2 {
		if told, err := s.Cancel(t.Context(), id, "arn:1"); !told || err != nil {
			t.Errorf("%v, %v", told, err)
		}
	}
	onboarded := store.Result{ConnectionID: id, Execution: "arn:1", Status: store.StatusOnboarded, EndpointID: "vpce-0123abcd", At: noon}
	for name, err := range map[string]error{
		"claim":    s.Claim(t.Context(), id, "arn:1", "", noon, noon),
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
	must(t, s.Finish(t.Context(), store.Result{ConnectionID: id, Execution: "arn:1", Status: store.StatusFailed, At: noon}))
	must(t, s.Claim(t.Context(), id, "arn:2", "", noon, noon))
	if item := table.Get(id); item["cancelledHolder"] != "" || item["holder"] != "arn:2" {
		t.Errorf("item %v", item)
	}
}

// What is known of the vendor is told to whoever hears operators, and to nobody else; it goes with the wait.
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
		"known":        {&executions{status: map[string]types.ExecutionStatus{"arn:1": types.ExecutionStatusAborted}}, `{"action":"onboard"}`, noon, false},
		"forgotten":    {&executions{}, "", time.Time{}, false},
		"nobody knows": {&executions{err: errors.New("no answer")}, "", time.Time{}, true},
		"cannot ask":   {nil, "", time.Time{}, false},
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

// A plan that another execution's end has overtaken claims nothing, and what holds the connection by now stays: whoever was stopped is
// redriven with it. The end of an earlier one, or its own, overtakes nothing.
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
		"nobody has ended it so far":    {noon.Add(-time.Minute), "", ""},
	} {
		for how, claim := range map[string]func(*store.Store) error{
			"claim": func(s *store.Store) error { return s.Claim(t.Context(), id, "arn:1", "", test.planned, noon) },
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
					must(t, s.Finish(t.Context(), store.Result{
						ConnectionID: id, Execution: test.finishedBy, Status: store.StatusOffboarded, At: noon,
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
		return func(t *testing.T, s *store.Store) { must(t, s.Claim(t.Context(), id, execution, "", noon, noon)) }
	}
	finish := func(execution string) func(*testing.T, *store.Store) {
		return func(t *testing.T, s *store.Store) {
			must(t, s.Finish(t.Context(), store.Result{ConnectionID: id, Execution: execution, Status: store.StatusOnboarded, At: noon}))
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
		"nobody ever held it":  {func(*testing.T, *store.Store) {}, connection.Conflict},
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
			if err := s.Holds(t.Context(), id, "arn:1"); err != nil != (test.want != "") || err != nil && connection.NameOf(err) != test.want {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}
