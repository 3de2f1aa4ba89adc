package rollback

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/step"
	"postern/internal/store"
)

func api(code string) error { return &smithy.GenericAPIError{Code: code, Message: "as AWS says"} }

// Whatever state failed, what was made before it is undone newest first, and the claim is let go last.
func TestOrder(t *testing.T) {
	t.Parallel()
	wrote := connection.Config{Parameters: []connection.Parameter{
		{Name: "/p/config", Version: 3, PreviousVersion: 2, Changed: true}, {Name: "/p/same", Version: 1}, {Name: "/p/url",
			Version: 1, Changed: true},
	}}
	zone := connection.DNS{Hostname: host, ZoneID: "Z1", ZoneName: "zone.example", ZoneCreated: true}
	gone := []string{"RemoveNotification nfn-1", "Describe vpce-1", "Finish " + id}
	for name, test := range map[string]struct {
		world world
		in    Input
		calls []string
		// undone is of the outcome
		undone []string
	}{
		"allow-listing": {world{}, reached(stateAwaitAllowlisting, statesTimeout, ""), []string{"Finish " + id}, nil},
		"ensure, nothing made": {
			world{}, reached(stateEnsureEndpoint, connection.LimitExceeded, "full"), []string{"OfConnection vpc-1 " + id,
				"Finish " + id}, nil,
		},
		"ensure, the answer was lost and it is gone by now": {
			world{endpoints: []endpoint.Endpoint{theirs("vpce-0", connection.StateAvailable), mine("vpce-1", connection.StateDeleted)}},
			reached(stateEnsureEndpoint, "Lambda.Unknown", ""), []string{"OfConnection vpc-1 " + id, "Describe vpce-1", "Finish " + id},
			[]string{"endpoint vpce-1 deleted"},
		},
		"approval": {world{}, reached(stateAwaitApproval, connection.EndpointRejected, "no"), gone, []string{
			"connection notification nfn-1 deleted", "endpoint vpce-1 deleted",
		}},
		"available": {world{}, reached(stateAwaitAvailable, connection.EndpointPending, "slow"), gone, []string{
			"connection notification nfn-1 deleted", "endpoint vpce-1 deleted",
		}},
		"DNS, nothing made": {
			world{}, reached(stateConfigureDNS, connection.Conflict, "taken"), append([]string{"dns.Made zone.example vpce-1.svc"},
				gone...),
			[]string{"connection notification nfn-1 deleted", "endpoint vpce-1 deleted"},
		},
		"DNS, a zone made": {
			world{madeDNS: zone}, reached(stateConfigureDNS, "Lambda.Unknown", ""),
			append([]string{"dns.Made zone.example vpce-1.svc", "dns.Undo Z1 " + id}, gone...),
			[]string{"hosted zone zone.example (Z1) deleted", "connection notification nfn-1 deleted", "endpoint vpce-1 deleted"},
		},
		"verification": {
			world{}, reached(stateVerify, connection.ConnectivityFailed, "dns"), append([]string{"dns.Undo Z1 " + id}, gone...),
			[]string{
				"record " + host + " deleted, hosted zone zone.example (Z1) deleted", "connection notification nfn-1 deleted",
				"endpoint vpce-1 deleted",
			},
		},
		"publishing, nothing written": {
			world{}, reached(statePublishConfig, connection.ConfigRefused, "no"),
			append([]string{"publish.Made /p/config 2026-11-21T04:59:00Z", "dns.Undo Z1 " + id}, gone...),
			[]string{
				"record " + host + " deleted, hosted zone zone.example (Z1) deleted", "connection notification nfn-1 deleted",
				"endpoint vpce-1 deleted",
			},
		},
		"publishing, two written": {
			world{madeConfig: wrote}, reached(statePublishConfig, connection.Throttled, "slow"),
			append([]string{
				"publish.Made /p/config 2026-11-21T04:59:00Z", "publish.Undo /p/url", "publish.Undo /p/config", "dns.Undo Z1 " + id,
			}, gone...),
			[]string{
				"parameter /p/url deleted", "parameter /p/config set back to the value of version 2",
				"record " + host + " deleted, hosted zone zone.example (Z1) deleted", "connection notification nfn-1 deleted",
				"endpoint vpce-1 deleted",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.in.Retries = 1 // an earlier try has begun to delete the endpoint
			got, err := test.world.roll(t, test.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.calls, test.world.afterKeep()); diff != "" {
				t.Errorf("calls %s", diff)
			}
			if diff := cmp.Diff(append([]string{}, test.undone...), got.Undone); diff != "" {
				t.Errorf("undone %s", diff)
			}
			if !got.Clean || len(got.Left) != 0 || got.Left == nil {
				t.Errorf("%+v", got)
			}
			message, _, _ := strings.Cut(got.Cause, "\n")
			want := store.Result{ConnectionID: id, Turn: test.in.turn(), Status: store.StatusFailed, Failure: &store.Failure{
				Error: got.Error, Message: message, AccountID: test.in.State.Plan.Network.AccountID,
				Region: test.in.State.Plan.Network.Region, VPCID: "vpc-1",
			}}
			if diff := cmp.Diff([]store.Result{want}, test.world.finished); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An endpoint is deleted when AWS says it is gone, and the claim is kept until then.
func TestWaitsUntilTheEndpointIsGone(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]Input{
		"known": reached(stateAwaitApproval, connection.EndpointRejected, "no"), "lost": reached(stateEnsureEndpoint,
			"Lambda.Unknown", ""),
	} {
		w := world{endpoints: []endpoint.Endpoint{mine("vpce-1", connection.StateRejected)}}
		for try := range 3 {
			if _, err := w.roll(t, in); connection.NameOf(err) != connection.RollbackPending || !strings.Contains(err.Error(), "vpce-1") {
				t.Errorf("%s, try %d: %v", name, try, err)
			}
		}
		if removed := strings.Count(strings.Join(w.calls, "\n"), "Remove vpce-1"); removed != 1 || len(w.finished) != 0 {
			t.Errorf("%s: removed %d times, finished %v", name, removed, w.finished)
		}
		w.gone()
		if got, err := w.roll(t, in); err != nil || !got.Clean || len(w.finished) != 1 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// The last try ends the rollback, with the error that began it first, and then what could not be undone.
func TestLastTry(t *testing.T) {
	t.Parallel()
	pending := &connection.Failure{Error: connection.RollbackPending,
		Cause: `{"errorMessage":"waiting until AWS has deleted endpoint vpce-1","errorType":"RollbackPending"}`}
	tests := map[string]struct {
		world world
		clean bool
		says  []string
		stays string // the endpoint that the record keeps
	}{
		"AWS never deletes it": {world{endpoints: []endpoint.Endpoint{mine("vpce-1", connection.StateDeleting)}}, false,
			[]string{"Left behind:\n- endpoint vpce-1: AWS has not deleted it yet\n"}, "vpce-1"},
		"AWS throttles for ever": {world{endpoints: []endpoint.Endpoint{mine("vpce-1", connection.StateAvailable)},
			fail: map[string]error{"dns.Undo": api("ThrottlingException")}}, false,
			[]string{"- record " + host, "ThrottlingException", "- endpoint vpce-1: AWS has not deleted it yet\n"}, "vpce-1"},
		"the endpoint cannot be read": {world{fail: map[string]error{"Describe": api("RequestLimitExceeded")}}, false,
			[]string{"- endpoint vpce-1: "}, "vpce-1"},
		"the record cannot be written": {world{fail: map[string]error{"Finish": api("ThrottlingException")}}, false,
			[]string{"- the claim on connection " + id}, ""},
		"it is gone at last": {world{}, true, []string{"Undone:\n- record "}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := reached(stateVerify, connection.ConnectivityFailed, `{"errorMessage":"the name gives 10.0.0.1","errorType":"ConnectivityFailed"}`)
			in.GaveUp = pending
			got, err := test.world.roll(t, in)
			if err != nil || got.Clean != test.clean || got.Error != connection.ConnectivityFailed || len(test.world.finished) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			first := "the name gives 10.0.0.1\nFailed in: VerifyConnectivity\n" +
				"Rollback gave up after its last retry, with RollbackPending: waiting until AWS has deleted endpoint vpce-1\n"
			if !strings.HasPrefix(got.Cause, first) || strings.Contains(got.Cause, "errorMessage") {
				t.Errorf("cause %s", got.Cause)
			}
			for _, want := range test.says {
				if !strings.Contains(got.Cause, want) {
					t.Errorf("%q is not in %s", want, got.Cause)
				}
			}
			if test.world.finished[0].EndpointID != test.stays {
				t.Errorf("the record keeps %q", test.world.finished[0].EndpointID)
			}
		})
	}
}

// What another person deleted before the rollback began is not listed as undone.
func TestWhatOthersDeletedIsNotUndone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		failure string
		retries int
		undone  bool
	}{
		{connection.EndpointDeleted, 0, false}, {connection.EndpointDeleted, 1, false}, // it was still deleting at the first try
		{connection.EndpointRejected, 0, false}, {connection.EndpointRejected, 1, true},
	} {
		w := world{}
		in := reached(stateAwaitApproval, test.failure, "endpoint vpce-1 is gone")
		in.State.Endpoint.NotificationID, in.Retries = "", test.retries
		got, err := w.roll(t, in)
		if err != nil || !got.Clean || slices.Contains(got.Undone, "endpoint vpce-1 deleted") != test.undone {
			t.Errorf("%+v: %+v, %v", test, got, err)
		}
		if !test.undone && !strings.Contains(got.Cause, "What was made was gone already, so nothing is left behind.") {
			t.Errorf("%s", got.Cause)
		}
	}
}

// An execution keeps its connection before it undoes anything, in the turn in which it rolls back. An execution that was aborted and
// redriven may have lost the connection to another: then nothing is undone, and the outcome says so.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	const claimed = "Another execution has claimed the connection since, so nothing was undone."
	made := connection.State{Plan: &connection.Plan{ConnectionID: id, Decision: connection.DecisionProceed},
		Endpoint: &connection.Endpoint{ID: "vpce-1", Created: true}}
	unheard := connection.State{Plan: made.Plan} // EnsureEndpoint could not report what it made
	for name, test := range map[string]struct {
		world    world
		state    connection.State
		redrives int
		removed  bool
		says     bool
	}{
		"its own":                           {world{}, made, 1, true, false},
		"another's":                         {world{lost: true}, made, 1, false, true},
		"another's, never redriven":         {world{lost: true}, made, 0, false, true},
		"another's, unheard":                {world{lost: true}, unheard, 1, false, true},
		"it never was its own":              {world{lost: true}, unheard, 0, false, false},
		"the table cannot be read (denied)": {world{fail: map[string]error{"Keep": api("AccessDeniedException")}}, made, 1, false, false},
	} {
		in := Input{Execution: execution, EnteredAt: at, RedriveCount: test.redrives, Retries: 3, State: State{State: test.state}}
		test.world.endpoints = []endpoint.Endpoint{{ID: "vpce-1", State: connection.StateAvailable, Tags: connection.Tags(id, execution)}}
		got, err := test.world.roll(t, in)
		removed := strings.Contains(strings.Join(test.world.calls, "\n"), "Remove vpce-1")
		if (err == nil) == test.removed || removed != test.removed { // one that is on its way out is waited for
			t.Errorf("%s: removed %v, %+v, %v", name, removed, got, err)
		}
		if strings.Contains(got.Cause, claimed) != test.says {
			t.Errorf("%s: it says %s", name, got.Cause)
		}
		want := []connection.Turn{{Execution: execution, EnteredAt: at, Redrive: test.redrives, Attempt: 3}}
		if diff := cmp.Diff(want, test.world.turns); diff != "" || test.world.calls[0] != "Keep "+id {
			t.Errorf("%s: kept %s, calls %q", name, diff, test.world.calls)
		}
		for _, result := range test.world.finished {
			if result.Turn != want[0] {
				t.Errorf("%s: ended in %+v", name, result.Turn)
			}
		}
	}
}

func TestTouchesOnlyWhatIsOurs(t *testing.T) {
	t.Parallel()
	adopted := reached(stateVerify, connection.ConnectivityFailed, "dns")
	adopted.State.Endpoint.Created, adopted.State.Endpoint.NotificationID = false, ""
	for name, test := range map[string]struct {
		in         Input
		endpoints  []endpoint.Endpoint
		calls      []string
		clean      bool
		endpointID string // that stays
	}{
		"an adopted endpoint stays": {
			adopted, []endpoint.Endpoint{theirs("vpce-1", connection.StateAvailable)}, []string{"dns.Undo Z1 " + id, "Finish " + id},
			true, "vpce-1",
		},
		"another execution's tag": {
			reached(stateAwaitApproval, connection.EndpointRejected, "no"), []endpoint.Endpoint{theirs("vpce-1",
				connection.StateRejected)},
			[]string{"RemoveNotification nfn-1", "Describe vpce-1", "Finish " + id}, false, "vpce-1",
		},
	} {
		w := world{endpoints: test.endpoints}
		got, err := w.roll(t, test.in)
		if err != nil || got.Clean != test.clean || (len(got.Left) == 0) != test.clean {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if diff := cmp.Diff(test.calls, w.afterKeep()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if len(w.finished) != 1 || w.finished[0].EndpointID != test.endpointID || w.finished[0].Failure.Dirty == test.clean {
			t.Errorf("%s: %+v", name, w.finished)
		}
	}
}

// An undo that cannot be done stops no other one, and is named; but what a parameter leads to is kept while it is published. One that AWS will take later comes before those after it: what is
// published leads to an endpoint that is there.
func TestOneFailureStopsNoOther(t *testing.T) {
	t.Parallel()
	wrote := connection.Config{Parameters: []connection.Parameter{{Name: "/p/config", Version: 1, Changed: true}}}
	calls := []string{
		"publish.Undo /p/config", "dns.Undo Z1 " + id, "RemoveNotification nfn-1", "Describe vpce-1", "Remove vpce-1", "Finish " + id,
	}
	for _, failing := range calls {
		for code, retried := range map[string]bool{"AccessDenied": false, "Throttling": true, "InternalError": true} {
			w := world{
				endpoints: []endpoint.Endpoint{mine("vpce-1", connection.StateAvailable)},
				fail:      map[string]error{failing: fmt.Errorf("x: %w", api(code))},
			}
			in := reached(statePublishConfig, connection.Conflict, "held")
			in.State.Config = &wrote
			got, err := w.roll(t, in)
			if connection.NameOf(err) == connection.RollbackPending { // the endpoint goes; the rest is said when it is gone
				w.gone()
				got, err = w.roll(t, in)
			}
			switch {
			case retried && (err == nil || step.Name(err) == connection.RollbackPending):
				t.Errorf("%s, %s: %+v %v", failing, code, got, err)
			case !retried && failing != "Describe vpce-1" && failing != "Remove vpce-1" && failing != calls[0] && (err != nil || got.Clean || len(got.Left) != 1):
				t.Errorf("%s, %s: %+v %v", failing, code, got, err)
			case !retried && (got.Clean || !strings.Contains(got.Cause, "Left behind:") || !strings.Contains(got.Cause, "docs/operate.md")):
				t.Errorf("%s, %s: %q", failing, code, got.Cause)
			}
			all := strings.Join(w.calls, "\n")
			for i, call := range calls {
				first := slices.Index(calls, failing)
				later := retried && (call == "Finish "+id || first < 2 && i > first)
				if !retried && first == 0 { // published for good
					later = slices.Contains([]string{"dns.Undo Z1 " + id, "RemoveNotification nfn-1", "Remove vpce-1"}, call)
				}
				skipped := call == "Remove vpce-1" && failing == "Describe vpce-1"
				if strings.Contains(all, call) == later && call != failing && !skipped {
					t.Errorf("%s, %s: %s was called: %v", failing, code, call, later)
				}
			}
			if retried && failing != "Finish "+id && len(w.finished) > 0 {
				t.Errorf("%s, %s: the claim was let go before all was undone", failing, code)
			}
		}
	}
}

func TestLookingMayFailToo(t *testing.T) {
	t.Parallel()
	for call, in := range map[string]Input{
		"publish.Made": reached(statePublishConfig, connection.Conflict, ""), "dns.Made": reached(stateConfigureDNS,
			connection.Conflict, ""),
		"OfConnection": reached(stateEnsureEndpoint, connection.Conflict, ""),
	} {
		w := world{fail: map[string]error{call: api("AccessDenied")}}
		if got, err := w.roll(t, in); err != nil || got.Clean || len(got.Left) != 1 && call != "publish.Made" {
			t.Errorf("%s: what was not looked at is not clean: %+v %v", call, got, err)
		}
		w = world{fail: map[string]error{call: api("RequestLimitExceeded")}}
		if _, err := w.roll(t, in); step.Name(err) != connection.Throttled {
			t.Errorf("%s: %v", call, err)
		}
	}
}

// request is a request that decodes.
const request = `{"schemaVersion":1,"action":"onboard","vendor":"monte-carlo","name":"prod","target":{"region":"us-east-1",` +
	`"vpcId":"vpc-0a1b2c3d4e5f60718","subnetIds":["subnet-0a10000000000000a"],"securityGroupIds":["sg-0e0000000000000e1"]}}`

// refused is what rollback gets when Plan refused the request: the failure stands in the state's place.
func refused(request string) Input {
	in := Input{Execution: execution, EnteredAt: at, Request: json.RawMessage(request)}
	in.State.Failure = connection.Failure{
		Error: connection.InvalidRequest,
		Cause: `{"errorMessage":"The request has 1 fault:\n- vendor: unknown","errorType":"InvalidRequest"}`,
	}
	return in
}

func TestRefusedByPlan(t *testing.T) {
	t.Parallel()
	const cause = "The request has 1 fault:\n- vendor: unknown\nNothing was made, so nothing is left behind.\n" +
		"Next: correct the request, then start a new execution."
	for name, test := range map[string]struct {
		request string
		calls   []string
	}{
		"undecodable":   {`{"vendor":5}`, nil},
		"not an object": {`[1]`, nil},
		"a request":     {request, []string{"Holder " + id, "Finish " + id}}, // the wait for allow-listing may hold the connection
	} {
		w := world{}
		got, err := w.roll(t, refused(test.request))
		want := connection.Outcome{Error: connection.InvalidRequest, Cause: cause, Clean: true, Undone: []string{}, Left: []string{}}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
		if diff := cmp.Diff(test.calls, w.calls); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	w := world{fail: map[string]error{"Finish": api("ThrottlingException")}}
	if _, err := w.roll(t, refused(request)); step.Name(err) != connection.Throttled {
		t.Errorf("%v", err)
	}
}

func TestPlanFailedOtherwise(t *testing.T) {
	t.Parallel()
	in := Input{Execution: execution, EnteredAt: at, Request: json.RawMessage(request)}
	in.State.State.Failure = &connection.Failure{Error: connection.Conflict, Cause: `{"errorMessage":"held by another"}`}
	w := world{lost: true}
	got, err := w.roll(t, in)
	if err != nil || got.Error != connection.Conflict || !got.Clean || !strings.HasPrefix(got.Cause, "held by another\n") {
		t.Errorf("%+v %v", got, err)
	}
	if diff := cmp.Diff([]string{"Holder " + id}, w.calls); diff != "" { // another execution holds it: nothing is written
		t.Error(diff)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	again := reached(stateAwaitAllowlisting, connection.Throttled, "slow")
	again.State.Allowlisting = &connection.GateResult{}
	undecided := reached(stateAwaitAllowlisting, "", "")
	undecided.State.State.Failure, undecided.State.Plan.Decision = nil, "perhaps"
	for name, test := range map[string]struct {
		in   Input
		want string
		says []string
	}{
		"allow-listing, late": {reached(stateAwaitAllowlisting, statesTimeout, ""), connection.AllowlistingTimedOut, []string{
			"The vendor did not allow-list account 111122223333 for svc within 30 minutes.\n", "Failed in: AwaitAllowlisting",
			"Next: ask the vendor",
		}},
		"approval, late": {reached(stateAwaitApproval, statesTimeout, ""), connection.ApprovalTimedOut, []string{
			"The vendor did not accept endpoint vpce-1 within 120 hours.\n", "Undone:\n- connection", "Next: ask the vendor",
		}},
		"watch lost": {reached(stateAwaitApproval, statesHeartbeatTimeout, ""), connection.WatchLost,
			[]string{"no heartbeat"}},
		"a function, late": {reached(stateEnsureEndpoint, statesTimeout, ""), connection.Unavailable,
			[]string{"EnsureEndpoint did not end in time."}},
		"the plan again": {again, connection.Throttled, []string{"slow\n"}},
		"no decision":    {undecided, connection.Internal, []string{"perhaps"}},
		"the vendor's no": {reached(stateAwaitApproval, connection.EndpointRejected, "Rejected: endpoint.\n- why"),
			connection.EndpointRejected, []string{"Rejected: endpoint.\n- why\nFailed in: AwaitApproval"}},
		"a function's words": {reached(stateVerify, connection.ConnectivityFailed,
			`{"errorMessage":"a\n- b","errorType":"ConnectivityFailed"}`), connection.ConnectivityFailed,
			[]string{"a\n- b\nFailed in: VerifyConnectivity"}},
		"a function that died": {reached(stateConfigureDNS, "Lambda.Unknown", `{"errorMessage":"killed"}`), connection.Unavailable,
			[]string{"ConfigureDNS failed with Lambda.Unknown: killed"}},
		"out of memory": {reached(stateConfigureDNS, "Runtime.ExitError", `{"errorMessage":"signal: killed"}`),
			connection.Internal, []string{"Runtime.ExitError"}},
		"out of time":       {reached(stateConfigureDNS, "Sandbox.Timedout", ""), connection.Unavailable, []string{"no message"}},
		"Lambda's throttle": {reached(stateConfigureDNS, "Lambda.TooManyRequestsException", "x"), connection.Throttled, nil},
		"no permission":     {reached(stateConfigureDNS, "States.Permissions", "x"), connection.AccessDenied, nil},
		"an unknown name":   {reached(stateConfigureDNS, "wrapError", "x"), connection.Internal, []string{"wrapError: x"}},
		"nothing at all":    {Input{Execution: execution}, connection.Internal, []string{"neither a plan nor a failure"}},
	} {
		w := world{}
		got, err := w.roll(t, test.in)
		if err != nil || got.Error != test.want {
			t.Errorf("%s: %+v %v", name, got, err)
		}
		for _, want := range test.says {
			if !strings.Contains(got.Cause, want) {
				t.Errorf("%s: %q does not say %q", name, got.Cause, want)
			}
		}
	}
}

// Every name of ours is passed on as it is: docs/operate.md speaks of no other.
func TestKnownNamesStay(t *testing.T) {
	t.Parallel()
	for _, name := range connection.ErrorNames {
		w := world{}
		if got, err := w.roll(t, reached(stateAwaitApproval, name, "x")); err != nil || got.Error != name {
			t.Errorf("%s became %s, %v", name, got.Error, err)
		}
	}
}

// AWS: the cause of a failed execution has at most 32,768 characters.
func TestCauseIsBounded(t *testing.T) {
	t.Parallel()
	w := world{}
	got, err := w.roll(t, reached(stateAwaitApproval, connection.EndpointFailed, strings.Repeat("日", 50_000)))
	if n := len([]rune(got.Cause)); err != nil || n > 32_768 || n < maxCause {
		t.Errorf("%d characters, %v", n, err)
	}
}

// FailedClean and FailedDirty read the outcome by path.
func TestOutcomeAsJSON(t *testing.T) {
	t.Parallel()
	w := world{}
	got, err := w.roll(t, reached(stateAwaitAllowlisting, statesTimeout, ""))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	if fields["Error"] != connection.AllowlistingTimedOut || fields["Cause"] == nil || fields["clean"] != true ||
		fields["undone"] == nil {
		t.Errorf("%s", raw)
	}
}

func TestSpoken(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[int64]string{432000: "120 hours", 3600: "1 hours", 1800: "30 minutes", 90: "90 seconds",
		0: "0 seconds"} {
		if got := spoken(seconds); got != want {
			t.Errorf("%d: %s", seconds, got)
		}
	}
}

func TestErrorsOfOneParameterAreNamed(t *testing.T) {
	t.Parallel()
	in := reached(statePublishConfig, connection.Conflict, "")
	in.State.Config = &connection.Config{Parameters: []connection.Parameter{{Name: "/a", Changed: true}, {Name: "/b",
		Changed: true}}}
	w := world{fail: map[string]error{"publish.Undo /b": connection.Errorf(connection.Conflict, "was changed: %w",
		errors.New("manually"))}}
	got, err := w.roll(t, in)
	if err != nil || got.Clean || !strings.Contains(got.Left[0], "/b") || !strings.Contains(strings.Join(got.Undone, "\n"),
		"parameter /a deleted") {
		t.Errorf("%+v %v", got, err)
	}
}

// A diagnosis claims nothing and makes nothing: whatever it failed with, no call is made on its way out.
func TestDiagnosisIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{connection.ModePrivateHostedZone, connection.ModeVendorPrivateDNS} {
		w := &world{endpoints: []endpoint.Endpoint{mine("vpce-1", connection.StateAvailable)}}
		in := Input{Execution: execution, EnteredAt: at, Request: []byte(`{}`)}
		in.State.Plan = plan()
		in.State.Plan.Decision, in.State.Plan.DNS.Mode = connection.DecisionDiagnose, mode
		in.State.Plan.SecurityGroup = &connection.SecurityGroupPlan{}
		in.State.State.Failure = &connection.Failure{Error: "Lambda.Unknown", Cause: "it died"}
		outcome, err := w.roll(t, in)
		if err != nil || !outcome.Clean || outcome.Error != connection.Unavailable {
			t.Errorf("%s: %+v, %v", mode, outcome, err)
		}
		if !strings.Contains(outcome.Cause, "Failed in: Diagnose") || !strings.Contains(outcome.Cause, "Nothing was made") {
			t.Errorf("%s: %s", mode, outcome.Cause)
		}
		if len(w.calls) > 0 {
			t.Errorf("%s: calls %v", mode, w.calls)
		}
	}
}
