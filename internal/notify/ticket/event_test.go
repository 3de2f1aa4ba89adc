package ticket

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"postern/events"
	"postern/internal/connection"
)

const arn = "arn:aws:states:us-east-1:111122223333:execution:postern:x"

// change is a change of an execution's status, as Step Functions tells it.
func change(t *testing.T, status string, more map[string]any) Event {
	t.Helper()
	input := `{"schemaVersion":1,"action":"onboard","vendor":"v","name":"n","ticket":{"system":"github","id":"example/network#42"}}`
	detail := map[string]any{"executionArn": arn, "stateMachineArn": "arn:m", "status": status, "input": input, "output": nil,
		"error": nil, "cause": nil, "inputDetails": map[string]any{"included": true}}
	for name, value := range more {
		detail[name] = value
	}
	raw, err := json.Marshal(detail)
	if err != nil {
		t.Fatal(err)
	}
	return Event{Source: "aws.states", DetailType: "Step Functions Execution Status Change", Time: noon, Detail: raw}
}

func output(t *testing.T, state connection.State) string {
	t.Helper()
	raw, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestWhatAnExecutionTells(t *testing.T) {
	t.Parallel()
	ticket := &connection.Ticket{System: "github", ID: "example/network#42"}
	onboarded := connection.State{Plan: &connection.Plan{ConnectionID: "v/n", Decision: connection.DecisionProceed, Ticket: ticket},
		Verification: &connection.Proof{Verdict: connection.Pass, Checks: make([]connection.Check, 3)}}
	unproved := onboarded
	unproved.Verification = &connection.Proof{Verdict: connection.Unknown}
	for name, test := range map[string]struct {
		status string
		more   map[string]any
		want   string   // state of the comment, "" for nothing to tell
		says   []string // in the comment
	}{
		"begins":                    {"RUNNING", nil, "accepted", []string{"Accepted", "v/n", "What happens is told here"}},
		"begins again":              {"RUNNING", map[string]any{"redriveCount": 1}, "", nil},
		"a plan begins":             {"RUNNING", map[string]any{"input": `{"action":"plan","vendor":"v","name":"n","ticket":{"system":"jira","id":"A-1"}}`}, "accepted", []string{"Nothing is made"}},
		"an offboarding begins":     {"RUNNING", map[string]any{"input": `{"action":"offboard","vendor":"v","name":"n","ticket":{"system":"jira","id":"A-1"}}`}, "accepted", []string{"is removed"}},
		"without a ticket":          {"RUNNING", map[string]any{"input": `{"vendor":"v","name":"n"}`}, "", nil},
		"no request":                {"RUNNING", map[string]any{"input": `"frobnicate"`}, "", nil},
		"input left out":            {"RUNNING", map[string]any{"input": nil, "inputDetails": map[string]any{"included": false}}, "", nil},
		"succeeds":                  {"SUCCEEDED", map[string]any{"output": output(t, onboarded)}, "onboarded", []string{"Connected", "Verified: from inside the VPC, 3 checks"}},
		"succeeds, not verified":    {"SUCCEEDED", map[string]any{"output": output(t, unproved)}, "onboarded", []string{"Verified: no"}},
		"succeeds, input left out":  {"SUCCEEDED", map[string]any{"input": nil, "output": output(t, onboarded)}, "onboarded", []string{"Connected", "v/n"}},
		"succeeds, output left out": {"SUCCEEDED", map[string]any{"outputDetails": map[string]any{"included": false}}, "finished", []string{"too large", "us-east-1#/v2/executions/details/" + arn}},
		"fails":                     {"FAILED", map[string]any{"error": "EndpointRejected", "cause": "The vendor rejected it.\nNext: ask."}, "failed", []string{"Failed: EndpointRejected", "Next: ask."}},
		"fails without a cause":     {"FAILED", nil, "failed", []string{"Failed: no reason given", "Next:"}},
		"times out":                 {"TIMED_OUT", nil, "failed", []string{"took too long", "Nothing was undone", "Next:"}},
		"is cancelled":              {"FAILED", map[string]any{"error": "Cancelled", "cause": "An operator gave up.\nNext: onboard again."}, "cancelled", []string{"Cancelled", "Next: onboard again."}},
		"an approval begins":        {"RUNNING", map[string]any{"input": `{"action":"approve","vendor":"v","name":"n","ticket":{"system":"jira","id":"A-1"}}`}, "", nil},
		"a cancelling begins":       {"RUNNING", map[string]any{"input": `{"action":"cancel","vendor":"v","name":"n","ticket":{"system":"jira","id":"A-1"}}`}, "", nil},
		"approves":                  {"SUCCEEDED", map[string]any{"output": output(t, connection.State{Plan: &connection.Plan{ConnectionID: "v/n", Decision: connection.DecisionApprove}})}, "passed-on", []string{"confirmation was passed on"}},
		"approves too early":        {"FAILED", map[string]any{"error": "StillClosed", "cause": "Look later.", "input": `{"action":"approve","vendor":"v","name":"n","ticket":{"system":"jira","id":"A-1"}}`}, "not-passed-on", []string{"Not passed on: StillClosed", "Look later."}},
		"cancels":                   {"SUCCEEDED", map[string]any{"output": output(t, connection.State{Plan: &connection.Plan{ConnectionID: "v/n", Decision: connection.DecisionCancel}})}, "passed-on", []string{"cancel was passed on"}},
		"is stopped by hand":        {"ABORTED", nil, "failed", []string{"stopped", "Nothing was undone", "Next:"}},
		"waits to be started":       {"PENDING_REDRIVE", nil, "", nil},
		"diagnosed": {"SUCCEEDED", map[string]any{"output": output(t, connection.State{
			Plan:      &connection.Plan{ConnectionID: "v/n", Decision: connection.DecisionDiagnose},
			Diagnosis: &connection.Diagnosis{Sentence: "The zone is gone.", Next: "Onboard again."}})},
			"diagnosed", []string{"The zone is gone.", "Next: Onboard again."}},
		"offboarded": {"SUCCEEDED", map[string]any{"output": output(t, connection.State{
			Plan:    &connection.Plan{ConnectionID: "v/n", Decision: connection.DecisionOffboard},
			Removal: &connection.Removal{Removed: []string{"endpoint vpce-1"}, Kept: []string{"zone z: not ours"}}})},
			"offboarded", []string{"Removed", "endpoint vpce-1", "zone z: not ours"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := tell(change(t, test.status, test.more))
			if err != nil {
				t.Fatal(err)
			}
			if n == nil || test.want == "" {
				if (n == nil) != (test.want == "") {
					t.Errorf("told %+v, want %q", n, test.want)
				}
				return
			}
			text := n.comment.Text()
			if n.comment.State != test.want || n.connectionID != "v/n" || n.ticket == nil {
				t.Errorf("told %+v", n)
			}
			for _, want := range test.says {
				if !strings.Contains(text, want) {
					t.Errorf("lacks %q:\n%s", want, text)
				}
			}
		})
	}
}

// TestSampleEvents: every event of Postern's own tells something, or is not for tickets.
func TestSampleEvents(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"postern.gate-opened": "awaiting-approval", "postern.endpoint-state-change": "endpoint-accepted", "postern.service-visible": "allow-listed",
		"postern.connection-drift": "drift", "postern.gate-still-closed": "", "schedule.sweep": "", "cloudtrail.modify": "",
	} {
		var e Event
		if err := json.Unmarshal(events.Read(name+".json"), &e); err != nil {
			t.Fatal(err)
		}
		n, err := tell(e)
		if err != nil || (n == nil) != (want == "") || n != nil && n.comment.State != want {
			t.Errorf("%s: %+v, %v; want %q", name, n, err, want)
		}
	}
}

func TestOddDetails(t *testing.T) {
	t.Parallel()
	for kind := range tellers {
		source, detailType, _ := strings.Cut(kind, " ")
		for _, detail := range []string{"", "[1]", "null", "{}", `{"connectionId":7}`, `{"status":7}`, `{"connectionId":"v/n"}`} {
			_, err := tell(Event{Source: source, DetailType: detailType, Detail: []byte(detail)})
			if err != nil && connection.NameOf(err) != connection.Internal {
				t.Errorf("%s %s: %v", kind, detail, err)
			}
		}
	}
	if n, err := tell(change(t, "SUCCEEDED", map[string]any{"output": "not JSON"})); err == nil {
		t.Errorf("an output that is no state: %+v", n)
	}
}

// TestOneReferenceForEachState: what differs is told apart, what comes again is the same.
func TestOneReferenceForEachState(t *testing.T) {
	t.Parallel()
	var scopes []string
	for _, e := range []Event{
		change(t, "RUNNING", nil), change(t, "FAILED", nil), change(t, "FAILED", map[string]any{"redriveCount": 1}),
		change(t, "RUNNING", map[string]any{"executionArn": arn + "2"}),
	} {
		n, err := tell(e)
		if err != nil || n == nil {
			t.Fatalf("%+v, %v", n, err)
		}
		again, err := tell(e)
		if err != nil || fmt.Sprint(again.scope) != fmt.Sprint(n.scope) {
			t.Errorf("%v, then %v", n.scope, again.scope)
		}
		scopes = append(scopes, n.comment.State+fmt.Sprint(n.scope))
	}
	if slices.Sort(scopes); len(slices.Compact(scopes)) != 4 {
		t.Errorf("not told apart: %v", scopes)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		system string
		s      Settings
		want   string // in the error, "" for none
	}{
		"an owner":            {"github", Settings{Account: "example"}, ""},
		"a repository":        {"github", Settings{Account: "example/network"}, ""},
		"an enterprise":       {"github", Settings{Account: "example", BaseURL: "https://github.example.com/api/v3/"}, ""},
		"no account":          {"github", Settings{}, "writeBack.account"},
		"a site":              {"jira", Settings{BaseURL: "https://example.atlassian.net"}, ""},
		"no site":             {"jira", Settings{}, "writeBack.baseUrl: missing"},
		"not encrypted":       {"jira", Settings{BaseURL: "http://example.atlassian.net"}, "writeBack.baseUrl"},
		"an address":          {"jira", Settings{BaseURL: "https://169.254.169.254/latest"}, "writeBack.baseUrl"},
		"IPv6":                {"jira", Settings{BaseURL: "https://[::1]/"}, "writeBack.baseUrl"},
		"this machine":        {"jira", Settings{BaseURL: "https://localhost:9001"}, "writeBack.baseUrl"},
		"with a password":     {"standard", Settings{BaseURL: "https://u:p@portal.example.com/"}, "writeBack.baseUrl"},
		"with a query":        {"standard", Settings{BaseURL: "https://portal.example.com/?token=x"}, "writeBack.baseUrl"},
		"a path":              {"standard", Settings{BaseURL: "https://portal.example.com/postern"}, ""},
		"an account of Jira":  {"jira", Settings{BaseURL: "https://example.atlassian.net", Account: "x"}, "writeBack.account"},
		"a table":             {"servicenow", Settings{BaseURL: "https://example.service-now.com", Table: "incident"}, ""},
		"a table that is not": {"servicenow", Settings{BaseURL: "https://example.service-now.com", Table: "incident/../x"}, "writeBack.table"},
		"an unknown system":   {"redmine", Settings{BaseURL: "https://example.com"}, "Postern cannot write back"},
	} {
		err := test.s.Check(test.system)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	if _, err := ParseSettings(`{"jira":{"baseUrl":"http://x"}}`); err == nil {
		t.Error("wrong settings were taken")
	}
	for _, address := range []string{"192.0.2.1:80", "example.com:80", "nonsense"} {
		if _, err := NewClient(address); err == nil {
			t.Errorf("%s stands in for ticket systems", address)
		}
	}
}

// A sweep says a reminder again until the operators know; later sweeps see more hours.
func TestAReminderIsTheSameUntilThePercentageChanges(t *testing.T) {
	t.Parallel()
	of := func(execution string, gate connection.Gate, percent, passed int) string {
		raw, err := json.Marshal(connection.GateReminder{ConnectionID: "v/n", Execution: execution, Gate: gate, Percent: percent,
			PassedHours: passed, SLAHours: 48, Ticket: "github:example/network#42", Body: "Hello"})
		if err != nil {
			t.Fatal(err)
		}
		n, err := tell(Event{Source: connection.EventSource, DetailType: connection.EventGateReminder, Time: noon, Detail: raw})
		if err != nil || n.ticket.Key() != "github:example/network#42" || !strings.Contains(n.comment.Text(), fmt.Sprintf("%d percent", percent)) {
			t.Fatalf("%+v, %v", n, err)
		}
		return Reference(append([]string{n.comment.State}, n.scope...)...)
	}
	first := of("a", connection.GateApproval, 50, 24)
	if again := of("a", connection.GateApproval, 50, 25); again != first {
		t.Error("a repeated reminder is another comment")
	}
	for name, other := range map[string]string{
		"percentage": of("a", connection.GateApproval, 80, 39),
		"gate":       of("a", connection.GateAllowlist, 50, 24),
		"execution":  of("b", connection.GateApproval, 50, 24),
	} {
		if other == first {
			t.Errorf("a reminder of another %s is the same comment", name)
		}
	}
}
