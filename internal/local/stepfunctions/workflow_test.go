package stepfunctions_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/local/clock"
	"postern/internal/local/stepfunctions"
	"postern/internal/local/wire"
)

var start = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

const machineARN = "arn:aws:states:us-east-1:111122223333:stateMachine:postern"

// functions answers invocations by function name; a token that is handed over is kept.
type functions struct {
	answers map[string][]string // name -> answers in order, the last one for good; one that begins with ! is a failure's name
	tokens  []string
	called  []string
}

func (f *functions) Invoke(call stepfunctions.Invocation) ([]byte, *stepfunctions.Failure) {
	name := call.Function[strings.LastIndex(call.Function, ":")+1:]
	f.called = append(f.called, name)
	var payload struct{ Token string }
	if json.Unmarshal(call.Payload, &payload) == nil && payload.Token != "" {
		f.tokens = append(f.tokens, payload.Token)
	}
	answers := f.answers[name]
	if len(answers) == 0 {
		return []byte("{}"), nil
	}
	if len(answers) > 1 {
		f.answers[name] = answers[1:]
	}
	if failed, ok := strings.CutPrefix(answers[0], "!"); ok {
		cause, _ := json.Marshal(map[string]string{"errorMessage": "because", "errorType": failed})
		return nil, &stepfunctions.Failure{Error: failed, Cause: string(cause)}
	}
	return []byte(answers[0]), nil
}

func plan(decision string) string {
	return `{"decision":"` + decision + `","gates":{"allowlist":{"timeoutSeconds":1209600,"heartbeatSeconds":10800},
		"approval":{"timeoutSeconds":1209600,"heartbeatSeconds":10800}},"probe":{"functionName":"probe"}}`
}

const proof = `{"verdict":"pass","at":"2026-11-23T14:00:00Z","host":"h","chain":[],"addresses":[],"checks":[],"notAfter":null}`

type scenario struct {
	clock    *clock.Clock
	service  *stepfunctions.Service
	fake     *functions
	arn      string
	onTokens func(*scenario, string)
}

func workflow(t *testing.T, fake *functions) *scenario {
	t.Helper()
	raw, err := os.ReadFile("../../../infra/workflow.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(raw), "${AWS::Partition}", "aws")
	text = regexp.MustCompile(`\$\{(\w+)Function\}`).ReplaceAllString(text, "arn:aws:lambda:us-east-1:111122223333:function:$1")
	s := &scenario{clock: clock.New(start), fake: fake}
	s.service = stepfunctions.New(s.clock, "111122223333", "us-east-1", fake)
	if err := s.service.AddMachine(stepfunctions.Machine{ARN: machineARN, Name: "postern", RoleARN: "role", Definition: []byte(text)}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *scenario) run(t *testing.T) stepfunctions.Execution {
	t.Helper()
	arn, err := s.service.Start(machineARN, "n", []byte(`{"vendor":"monte-carlo"}`), "")
	if err != nil {
		t.Fatal(err)
	}
	s.arn = arn
	seen := 0
	s.service.OnState(func(e stepfunctions.StateEvent) {
		if e.Kind == stepfunctions.Waiting && s.onTokens != nil {
			seen++
			s.onTokens(s, s.fake.tokens[len(s.fake.tokens)-1])
		}
	})
	ended := func() bool {
		e, _ := s.service.Execution(arn)
		return e.Status != stepfunctions.Running
	}
	if err := s.clock.Run(ended, start.AddDate(1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	e, _ := s.service.Execution(arn)
	return e
}

func call(t *testing.T, s *stepfunctions.Service, operation string, in map[string]any) error {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Operations()[operation].Do(&wire.Call{Operation: operation, Body: body, Now: start})
	return err
}

func passAfter(t *testing.T, d time.Duration) func(*scenario, string) {
	return func(s *scenario, token string) {
		s.clock.After(d, "the vendor", func() {
			if err := call(t, s.service, "SendTaskSuccess", map[string]any{"taskToken": token, "output": `{"observedBy":"sweep"}`}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWorkflowPaths(t *testing.T) {
	t.Parallel()
	happy := func() map[string][]string {
		return map[string][]string{"Plan": {plan("allowlist"), plan("proceed")}, "probe": {proof}, "Rollback": {`{"Error":"E","Cause":"C","clean":true}`}}
	}
	with := func(name string, answers ...string) map[string][]string {
		m := happy()
		m[name] = answers
		return m
	}
	head := []string{"Plan", "ServiceVisible", "AwaitAllowlisting", "Plan", "ServiceVisible", "EnsureEndpoint", "AwaitApproval"}
	tail := []string{"AwaitAvailable", "ProbeEndpoint", "ConfigureDNS", "VerifyConnectivity", "PublishConfig", "Onboarded"}
	clean := []string{"Rollback", "RolledBack", "FailedClean"}
	path := func(parts ...[]string) []string {
		var all []string
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	tests := map[string]struct {
		answers map[string][]string
		tokens  func(*testing.T) func(*scenario, string)
		path    []string
		status  stepfunctions.Status
		error   string
	}{
		"both gates":               {happy(), func(t *testing.T) func(*scenario, string) { return passAfter(t, time.Hour) }, path(head, tail), stepfunctions.Succeeded, ""},
		"dry run":                  {with("Plan", plan("planned")), nil, []string{"Plan", "ServiceVisible", "Planned"}, stepfunctions.Succeeded, ""},
		"refused request":          {with("Plan", "!InvalidRequest"), nil, path([]string{"Plan"}, clean), stepfunctions.Failed, "E"},
		"nobody sends a heartbeat": {happy(), nil, path(head[:3], clean), stepfunctions.Failed, "E"},
		"accepted, slow to become available": {with("AwaitAvailable", "!EndpointPending", "!EndpointPending", "{}"),
			func(t *testing.T) func(*scenario, string) { return passAfter(t, time.Hour) }, path(head, tail), stepfunctions.Succeeded, ""},
		"probe never passes": {with("probe", "!ConnectivityFailed"),
			func(t *testing.T) func(*scenario, string) { return passAfter(t, time.Hour) }, path(head, tail[:2], clean), stepfunctions.Failed, "E"},
		"rollback leaves something": {map[string][]string{"Plan": {"!AccessDenied"}, "Rollback": {`{"Error":"E","Cause":"C","clean":false}`}}, nil,
			[]string{"Plan", "Rollback", "RolledBack", "FailedDirty"}, stepfunctions.Failed, "E"},
		"rollback crashes": {map[string][]string{"Plan": {"!AccessDenied"}, "Rollback": {"!Internal"}}, nil,
			[]string{"Plan", "Rollback", "FailedDirty"}, stepfunctions.Failed, "Internal"},
		"rejected": {happy(), func(t *testing.T) func(*scenario, string) {
			return func(s *scenario, token string) {
				if len(s.fake.tokens) == 1 {
					passAfter(t, time.Hour)(s, token)
					return
				}
				s.clock.After(time.Hour, "the vendor", func() {
					in := map[string]any{"taskToken": token, "error": "EndpointRejected", "cause": "no"}
					if err := call(t, s.service, "SendTaskFailure", in); err != nil {
						t.Error(err)
					}
				})
			}
		}, path(head, clean), stepfunctions.Failed, "E"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := workflow(t, &functions{answers: test.answers})
			if test.tokens != nil {
				s.onTokens = test.tokens(t)
			}
			e := s.run(t)
			if diff := cmp.Diff(test.path, e.Path); diff != "" {
				t.Errorf("path (-want +got):\n%s", diff)
			}
			if e.Status != test.status || e.Error != test.error {
				t.Errorf("%s %q, want %s %q (%s)", e.Status, e.Error, test.status, test.error, e.Cause)
			}
		})
	}
}

func TestTokensAreUsedOnce(t *testing.T) {
	t.Parallel()
	s := workflow(t, &functions{answers: map[string][]string{"Plan": {plan("allowlist"), plan("planned")}}})
	s.onTokens = func(s *scenario, token string) {
		in := map[string]any{"taskToken": token, "output": "{}"}
		if err := call(t, s.service, "SendTaskSuccess", map[string]any{"taskToken": token, "output": "{"}); err == nil || !strings.Contains(err.Error(), "InvalidOutput") {
			t.Errorf("malformed output: %v", err)
		}
		if err := call(t, s.service, "SendTaskSuccess", in); err != nil {
			t.Error(err)
		}
		if err := call(t, s.service, "SendTaskSuccess", in); err == nil || !strings.Contains(err.Error(), "TaskTimedOut") {
			t.Errorf("the second use of a token: %v, want TaskTimedOut", err)
		}
	}
	if e := s.run(t); e.Status != stepfunctions.Succeeded {
		t.Errorf("%s %s %s", e.Status, e.Error, e.Cause)
	}
	if err := call(t, s.service, "SendTaskHeartbeat", map[string]any{"taskToken": "unknown"}); err == nil || !strings.Contains(err.Error(), "TaskDoesNotExist") {
		t.Errorf("an unknown token: %v, want TaskDoesNotExist", err)
	}
}

func TestHeartbeatsKeepAWaitAlive(t *testing.T) {
	t.Parallel()
	s := workflow(t, &functions{answers: map[string][]string{"Plan": {plan("allowlist")}, "Rollback": {`{"Error":"E","Cause":"C","clean":true}`}}})
	beats := 0
	s.onTokens = func(s *scenario, token string) {
		var beat func()
		beat = func() {
			if beats++; call(t, s.service, "SendTaskHeartbeat", map[string]any{"taskToken": token}) == nil {
				s.clock.After(2*time.Hour, "beat", beat)
			}
		}
		beat()
	}
	e := s.run(t)
	if waited := e.StoppedAt.Sub(start); waited < 14*24*time.Hour {
		t.Errorf("it waited %s, want the timeout of 14 days", waited)
	}
	if beats < 14*12 {
		t.Errorf("%d heartbeats", beats)
	}
}
