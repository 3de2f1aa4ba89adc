package drift

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
)

const machine = "arn:aws:states:us-east-1:111122223333:stateMachine:postern:live" // as it is deployed

// starter obeys Step Functions: the same name and input is the same execution while it runs, and a name that has ended is taken.
type starter struct {
	started []connection.Request
	inputs  map[string]string // by execution name
	ended   bool
	fail    error
}

func (s *starter) StartExecution(_ context.Context, in *sfn.StartExecutionInput, _ ...func(*sfn.Options)) (
	*sfn.StartExecutionOutput, error) {
	if s.fail != nil {
		return nil, s.fail
	}
	name, input := aws.ToString(in.Name), aws.ToString(in.Input)
	if aws.ToString(in.StateMachineArn) != machine || len(name) > 80 || name == "" {
		panic("machine " + aws.ToString(in.StateMachineArn) + ", execution " + name)
	}
	if known, taken := s.inputs[name]; taken && (s.ended || known != input) {
		return nil, &smithy.GenericAPIError{Code: "ExecutionAlreadyExists"}
	} else if !taken {
		request, err := connection.DecodeRequest([]byte(input))
		if err != nil {
			panic(err)
		}
		if s.inputs == nil {
			s.inputs = map[string]string{}
		}
		s.inputs[name], s.started = input, append(s.started, request)
	}
	return &sfn.StartExecutionOutput{ExecutionArn: aws.String(executionARN(name))}, nil
}

func executionARN(name string) string {
	return "arn:aws:states:us-east-1:111122223333:execution:postern:" + name
}

func (s *starter) checker() *Checker {
	return &Checker{Repairer: NewRepairer(s, machine), Log: slog.New(slog.DiscardHandler)}
}

// What a run starts, by the policy of the connection, what was found, and when it was repaired before.
func TestRepairs(t *testing.T) {
	t.Parallel()
	ago := func(minutes ...int) (times []time.Time) {
		for _, m := range minutes {
			times = append(times, monday.Add(-time.Duration(m)*time.Minute))
		}
		return times
	}
	const day = 24 * 60
	tests := map[string]struct {
		policy   connection.DriftPolicy
		result   connection.DriftResult
		repairs  []time.Time
		flapping bool // before
		starts   bool
		says     []string
		now      bool // flapping afterwards
	}{
		"asked for":                      {policy: connection.PolicyRepair, result: connection.DriftFound, starts: true},
		"by default":                     {result: connection.DriftFound},
		"only reported":                  {policy: connection.PolicyTicket, result: connection.DriftFound},
		"to be reported":                 {policy: connection.PolicyReport, result: connection.DriftFound},
		"unknown":                        {policy: connection.PolicyRepair, result: connection.DriftUnknown},
		"a moment ago":                   {policy: connection.PolicyRepair, result: connection.DriftFound, repairs: ago(0)},
		"an event that came late":        {policy: connection.PolicyRepair, result: connection.DriftFound, repairs: ago(-5)},
		"14 minutes ago":                 {policy: connection.PolicyRepair, result: connection.DriftFound, repairs: ago(14)},
		"15 minutes ago":                 {policy: connection.PolicyRepair, result: connection.DriftFound, repairs: ago(15), starts: true},
		"twice":                          {policy: connection.PolicyRepair, result: connection.DriftFound, repairs: ago(200, 100), starts: true},
		"three times, the last just now": {policy: connection.PolicyRepair, result: connection.DriftFound, repairs: ago(300, 200, 10)},
		"three times": {policy: connection.PolicyRepair, result: connection.DriftFound, repairs: ago(300, 200, 100),
			says: []string{"flapping record drift"}, now: true},
		"three times, and said": {policy: connection.PolicyRepair, result: connection.DriftFound, repairs: ago(300, 200, 100),
			flapping: true, now: true},
		"three times, the first a day ago": {policy: connection.PolicyRepair, result: connection.DriftFound, repairs: ago(day, 200, 100),
			flapping: true, starts: true},
		"three times, the first almost": {policy: connection.PolicyRepair, result: connection.DriftFound, repairs: ago(day-1, 200, 100),
			says: []string{"flapping record drift"}, now: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s starter
			l := link()
			if test.policy != "" {
				l.Expects.Policies = connection.DriftPolicyOf{connection.CheckRecord: test.policy}
			}
			found := finding(connection.CheckRecord, test.result)
			found.Flapping = test.flapping
			known := map[connection.DriftCheck][]time.Time{connection.CheckRecord: test.repairs}
			drift := connection.Drift{Findings: []connection.DriftFinding{found}, Repairs: known}
			changes, err := s.checker().repair(t.Context(), l, &drift, monday)
			if err != nil || !slices.Equal(said(changes), test.says) {
				t.Fatalf("said %q, %v", said(changes), err)
			}
			f := drift.Findings[0]
			if f.Flapping != test.now || (len(s.started) == 1) != test.starts || (f.Repair != "") != test.starts {
				t.Fatalf("%d executions, finding %+v", len(s.started), f)
			}
			if len(known[connection.CheckRecord]) != len(test.repairs) {
				t.Error("what is known was changed")
			}
			if !test.starts {
				return
			}
			want := connection.Request{SchemaVersion: 1, Action: connection.ActionRepair, Vendor: "monte-carlo", Name: "agents-prod",
				Repair: &connection.Repair{Checks: []connection.DriftCheck{connection.CheckRecord}}, Requester: requester}
			if diff := cmp.Diff(want, s.started[0]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			last := drift.Repairs[connection.CheckRecord]
			if !slices.Equal(f.Repairs, last) || !last[len(last)-1].Equal(monday) {
				t.Errorf("repairs %v, of the finding %v", last, f.Repairs)
			}
		})
	}
}

// One execution repairs all that is due, and leaves what is not.
func TestOneRepairForAllThatIsDue(t *testing.T) {
	t.Parallel()
	var s starter
	l := link()
	l.Expects.Policies = connection.DriftPolicyOf{}
	for _, info := range connection.DriftChecks {
		if info.Repairable && info.Check != connection.CheckTags {
			l.Expects.Policies[info.Check] = connection.PolicyRepair
		}
	}
	drift := connection.Drift{Repairs: map[connection.DriftCheck][]time.Time{connection.CheckZone: {monday.Add(-time.Minute)}}}
	for _, check := range []connection.DriftCheck{connection.CheckSubnets, connection.CheckZone, connection.CheckRecord, connection.CheckTags} {
		drift.Findings = append(drift.Findings, finding(check, connection.DriftFound))
	}
	if _, err := s.checker().repair(t.Context(), l, &drift, monday); err != nil || len(s.started) != 1 {
		t.Fatalf("%d executions, %v", len(s.started), err)
	}
	want := []connection.DriftCheck{connection.CheckSubnets, connection.CheckRecord}
	if got := s.started[0].Repair.Checks; !slices.Equal(got, want) {
		t.Errorf("repairs %q, want %q", got, want)
	}
	for _, f := range drift.Findings {
		if (f.Repair != "") != slices.Contains(want, f.Check) {
			t.Errorf("got %+v", f)
		}
	}
}

// A check whose finding closed is remembered for a day: a change that comes back is noticed by it.
func TestRepairsAreRemembered(t *testing.T) {
	t.Parallel()
	drift := connection.Drift{Repairs: map[connection.DriftCheck][]time.Time{
		connection.CheckRecord: {monday.Add(-25 * time.Hour), monday.Add(-time.Hour)},
		connection.CheckZone:   {monday.Add(-25 * time.Hour)},
	}}
	if _, err := (&starter{}).checker().repair(t.Context(), link(), &drift, monday); err != nil {
		t.Fatal(err)
	}
	want := map[connection.DriftCheck][]time.Time{connection.CheckRecord: {monday.Add(-time.Hour)}}
	if diff := cmp.Diff(want, drift.Repairs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Started again the same repair is the same execution, also when it has ended; another time or other checks are another.
func TestStartIsTheSameExecution(t *testing.T) {
	t.Parallel()
	var s starter
	r := NewRepairer(&s, machine)
	start := func(at time.Time, checks ...connection.DriftCheck) string {
		arn, err := r.Start(t.Context(), "monte-carlo/agents-prod", checks, at)
		if err != nil || !strings.HasPrefix(arn, executionARN("")) {
			t.Fatalf("%s, %v", arn, err)
		}
		return arn
	}
	first := start(monday, connection.CheckRecord)
	s.ended = true
	if again := start(monday, connection.CheckRecord); again != first || len(s.started) != 1 {
		t.Errorf("%s became %s, %d started", first, again, len(s.started))
	}
	if zoned := start(monday.In(time.FixedZone("", 3600)), connection.CheckRecord); zoned != first {
		t.Errorf("in another time zone %s became %s", first, zoned)
	}
	if later := start(monday.Add(time.Hour), connection.CheckRecord); later == first {
		t.Error("an hour later it is the same")
	}
	if other := start(monday, connection.CheckZone); other == first {
		t.Error("another check is the same")
	}
}

// A repair that could not be started is no repair: the next run tries again.
func TestRepairDoesNotStart(t *testing.T) {
	t.Parallel()
	denied := &smithy.GenericAPIError{Code: "AccessDeniedException"}
	s := starter{fail: denied}
	l := link()
	l.Expects.Policies = connection.DriftPolicyOf{connection.CheckRecord: connection.PolicyRepair}
	drift := connection.Drift{Findings: []connection.DriftFinding{finding(connection.CheckRecord, connection.DriftFound)}}
	if _, err := s.checker().repair(t.Context(), l, &drift, monday); !errors.Is(err, denied) || !strings.Contains(err.Error(), l.ConnectionID) {
		t.Errorf("got %v", err)
	}
	if f := drift.Findings[0]; f.Repair != "" || len(f.Repairs) > 0 || len(drift.Repairs) > 0 {
		t.Errorf("noted as repaired: %+v, %v", f, drift.Repairs)
	}
	raw, err := json.Marshal(drift)
	if err != nil || strings.Contains(string(raw), "repair") {
		t.Errorf("%s, %v", raw, err)
	}
}
