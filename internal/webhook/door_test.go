package webhook

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"

	"postern/internal/connection"
	"postern/internal/step"
	"postern/internal/store"
)

func TestAccepted(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			got := w.deliver(t, name, sample(name))
			started := slices.Collect(maps.Keys(w.machine.executions))
			if got.status != http.StatusAccepted || got.ConnectionID != id || len(started) != 1 ||
				got.Execution != "arn:aws:states:us-east-1:111122223333:execution:postern:"+started[0] {
				t.Errorf("answered %d %s, started %v", got.status, got.raw, started)
			}
			if refused := w.metrics.String(); refused != "" {
				t.Errorf("an accepted delivery was counted as refused: %s", refused)
			}
			if calls := w.table.Calls(); len(calls) != 1 || calls[0] != "GetItem" {
				t.Errorf("calls of the table: %v", calls)
			}
		})
	}
}

// TestThousandDeliveries: at once and one after another, before and after the execution ended, of one ticket.
func TestThousandDeliveries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.deliver(t, "github", sample("github"))
	if first.State != stateStarted {
		t.Errorf("the first delivery: %s", first.raw)
	}
	var group sync.WaitGroup
	for i := range 1000 {
		if i == 500 {
			group.Wait()
			w.machine.ended = true
		}
		group.Go(func() {
			at, want := noon.Add(time.Minute), stateRunning
			if i >= 500 {
				want = "succeeded"
			}
			request := post("github", sign(w.config.Sources["github"], key, at, sample("github")), sample("github"), at)
			request.Headers["x-github-delivery"] = fmt.Sprint(i)
			response, err := w.Handle(context.Background(), request)
			var got answer
			if err == nil {
				err = json.Unmarshal([]byte(response.Body), &got)
			}
			if err != nil || response.StatusCode != http.StatusAccepted || got.Execution != first.Execution || got.State != want ||
				(got.Message != "") != (i >= 500) {
				t.Errorf("delivery %d: %d %s, %v", i, response.StatusCode, response.Body, err)
			}
		})
	}
	group.Wait()
	if len(w.machine.executions) != 1 {
		t.Errorf("%d executions", len(w.machine.executions))
	}
}

// A change that is delivered again is answered with the state of its execution, and one that is delivered too late starts nothing: AWS keeps
// an execution's name for 90 days after its end. A new change of the ticket starts another execution.
func TestDeliveredLate(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	for _, name := range Names() {
		source := everySource(t)[name]
		for _, action := range connection.TicketActions {
			t.Run(name+" "+string(action), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				body := asking(t, source, action)
				send := func(body []byte, at time.Time) result {
					return w.send(t, post(name, sign(source, key, at, body), body, at))
				}
				if action == connection.ActionApprove || action == connection.ActionCancel || action == connection.ActionOffboard {
					asked, _ := source.Map(body, networks, w.config.Catalog)
					w.own(t, asked.Ticket(), connection.ExecutionARN(machine, "other"), action == connection.ActionOffboard)
				}
				first := send(body, noon)
				if first.status != http.StatusAccepted || first.State != stateStarted {
					t.Fatalf("answered %d %s", first.status, first.raw)
				}
				if again := send(body, noon.Add(time.Hour)); again.status != http.StatusAccepted || again.Execution != first.Execution || again.State != stateRunning {
					t.Errorf("while it runs: %d %s", again.status, again.raw)
				}
				w.machine.status = map[string]sfntypes.ExecutionStatus{first.Execution: sfntypes.ExecutionStatusFailed}
				w.machine.ended = true
				if again := send(body, noon.Add(89*day)); again.status != http.StatusAccepted || again.Execution != first.Execution || again.State != "failed" || again.Message == "" {
					t.Errorf("after it ended: %d %s", again.status, again.raw)
				}
				next := edit(t, body, later[name].pointer, later[name].value)
				if another := send(next, noon); another.status != http.StatusAccepted || another.Execution == first.Execution || another.State != stateStarted {
					t.Errorf("asked for again: %d %s", another.status, another.raw)
				}
				clear(w.machine.executions) // AWS has forgotten them
				w.machine.status = nil
				late := send(body, noon.Add(91*day))
				if timed := source.Ticket.At != ""; timed && (late.status != http.StatusUnprocessableEntity || len(w.machine.executions) > 0 ||
					!strings.Contains(late.raw, "more than")) {
					t.Errorf("after 91 days: %d %s, %d executions", late.status, late.raw, len(w.machine.executions))
				}
			})
		}
	}
}

// A delivery that was refused cannot be replayed later where the signature has no time: a ticket system has seven days to deliver again.
func TestARefusedDeliveryIsNoUseLater(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"github", "jira"} {
		w := newWorld(t)
		source := w.config.Sources[name]
		body := asking(t, source, connection.ActionOffboard)
		asked, _ := source.Map(body, networks, w.config.Catalog)
		w.own(t, asked.Ticket(), connection.ExecutionARN(machine, "other"), false)
		for _, test := range []struct {
			after  time.Duration
			status int
			says   string
		}{{0, 422, "is at work"}, {6 * 24 * time.Hour, 202, ""}, {8 * 24 * time.Hour, 422, "more than 7 days"}} {
			if test.after > 0 {
				w.machine.status = map[string]sfntypes.ExecutionStatus{connection.ExecutionARN(machine, "other"): sfntypes.ExecutionStatusAborted}
			}
			clear(w.machine.executions)
			at := noon.Add(test.after)
			got := w.send(t, post(name, sign(source, key, at, body), body, at))
			if got.status != test.status || !strings.Contains(got.raw, test.says) {
				t.Errorf("%s after %s: %d %s", name, test.after, got.status, got.raw)
			}
		}
	}
}

// own makes the connection one that a ticket opened.
func (w *world) own(t *testing.T, ticket, execution string, finished bool) {
	t.Helper()
	wait := store.Wait{ConnectionID: id, Gate: connection.GateApproval, Execution: execution, Since: noon,
		EndpointID: "vpce-0123abcd", Ticket: ticket}
	if err := w.store.Register(t.Context(), wait, store.NewToken("token")); err != nil {
		t.Fatal(err)
	}
	if finished {
		err := w.store.Finish(t.Context(), store.Result{ConnectionID: id, Turn: connection.Turn{Execution: execution, EnteredAt: noon}, Status: store.StatusOnboarded,
			EndpointID: "vpce-0123abcd", LastSeen: connection.StateAvailable})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhoseConnection: a ticket can only act on the connection that it opened.
func TestWhoseConnection(t *testing.T) {
	t.Parallel()
	const mine, other = "github:example/network#42", "github:example/network#7"
	plan := edit(t, sample("github"), "/label/name", "postern-plan")
	retry := edit(t, sample("github"), "/label/name", "postern-retry")
	approve := edit(t, sample("github"), "/label/name", "postern-approve")
	cancel := edit(t, sample("github"), "/label/name", "postern-cancel")
	offboard := edit(t, sample("github"), "/label/name", "postern-offboard")
	for name, test := range map[string]struct {
		ticket   string
		finished bool
		body     []byte
		status   int
		says     string
	}{
		"another ticket's, at work":    {other, false, sample("github"), 422, "not opened from this ticket"},
		"another ticket's, onboarded":  {other, true, sample("github"), 422, "not opened from this ticket"},
		"another ticket's, a dry run":  {other, true, plan, 422, "not opened from this ticket"},
		"another ticket's, a retry":    {other, true, retry, 422, "not opened from this ticket"},
		"the operators', onboarded":    {"", true, sample("github"), 422, "not opened from this ticket"},
		"its own, onboarded":           {mine, true, sample("github"), 202, ""},
		"its own, a retry":             {mine, true, retry, 422, "the last onboarding did not fail"},
		"its own, at work":             {mine, false, sample("github"), 422, "execution other is at work"},
		"its own, a retry at work":     {mine, false, retry, 422, "execution other is at work"},
		"its own, a dry run meanwhile": {mine, false, plan, 202, ""},
		"its own, approved":            {mine, false, approve, 202, ""},
		"its own, cancelled":           {mine, false, cancel, 202, ""},
		"its own, cancelled too late":  {mine, true, cancel, 422, "nothing is at work"},
		"another ticket's, approved":   {other, false, approve, 422, "opened from this ticket"},
		"another ticket's, cancelled":  {other, false, cancel, 422, "opened from this ticket"},
		"the operators', cancelled":    {"", false, cancel, 422, "opened from this ticket"},
		"its own, offboarded":          {mine, true, offboard, 202, ""},
		"another ticket's, offboarded": {other, true, offboard, 422, "opened from this ticket"},
		"the operators', offboarded":   {"", true, offboard, 422, "opened from this ticket"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.own(t, test.ticket, connection.ExecutionARN(machine, "other"), test.finished)
			got := w.deliver(t, "github", test.body)
			if got.status != test.status || !strings.Contains(got.raw, test.says) {
				t.Errorf("answered %d %s", got.status, got.raw)
			}
			if started := len(w.machine.executions); (started == 1) != (test.status == 202) {
				t.Errorf("%d executions", started)
			}
			if strings.Contains(got.raw, "#7") {
				t.Error("the answer tells of the other ticket")
			}
		})
	}
}

// TestStoppedByHand: the execution that holds the connection was stopped and did not release it. It no longer runs: its own ticket may
// go on, another ticket may not. The door checks the execution only when the answer depends on it.
func TestStoppedByHand(t *testing.T) {
	t.Parallel()
	const mine, other = "github:example/network#42", "github:example/network#7"
	for name, test := range map[string]struct {
		ticket string
		label  string
		holder sfntypes.ExecutionStatus
		status int
		asked  int
		says   string
	}{
		"its own":              {mine, "postern-onboard", sfntypes.ExecutionStatusAborted, 202, 1, ""},
		"its own, failed":      {mine, "postern-retry", sfntypes.ExecutionStatusFailed, 202, 1, ""},
		"its own, timed out":   {mine, "postern-offboard", sfntypes.ExecutionStatusTimedOut, 202, 1, ""},
		"its own, runs":        {mine, "postern-retry", sfntypes.ExecutionStatusRunning, 422, 1, "is at work"},
		"its own, redriven":    {mine, "postern-retry", sfntypes.ExecutionStatusPendingRedrive, 422, 1, "is at work"},
		"its own, approved":    {mine, "postern-approve", sfntypes.ExecutionStatusAborted, 422, 1, "nothing is at work"},
		"its own, cancelled":   {mine, "postern-cancel", sfntypes.ExecutionStatusAborted, 422, 1, "ask for a retry"},
		"its own, a dry run":   {mine, "postern-plan", sfntypes.ExecutionStatusAborted, 202, 0, ""},
		"another ticket's":     {other, "postern-onboard", sfntypes.ExecutionStatusAborted, 422, 0, "not opened from this ticket"},
		"another's, cancelled": {other, "postern-cancel", sfntypes.ExecutionStatusAborted, 422, 0, "opened from this ticket"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			holder := connection.ExecutionARN(machine, "other")
			w.own(t, test.ticket, holder, false)
			w.machine.status = map[string]sfntypes.ExecutionStatus{holder: test.holder}
			got := w.deliver(t, "github", edit(t, sample("github"), "/label/name", test.label))
			if got.status != test.status || !strings.Contains(got.raw, test.says) || w.machine.asked != test.asked {
				t.Errorf("answered %d %s after asking %d times", got.status, got.raw, w.machine.asked)
			}
		})
	}
	w := newWorld(t)
	w.own(t, mine, connection.ExecutionARN(machine, "other"), false)
	w.machine.err = &smithy.GenericAPIError{Code: "ThrottlingException"}
	if got := w.deliver(t, "github", sample("github")); got.status != http.StatusTooManyRequests {
		t.Errorf("the status of the execution is unknown: answered %d %s", got.status, got.raw)
	}
}

// TestFreed: a connection whose last run failed and left nothing may be opened by any ticket, and acted on by its own only. When
// something is left, no other ticket may open it.
func TestFreed(t *testing.T) {
	t.Parallel()
	const mine, other = "github:example/network#42", "github:example/network#7"
	for name, test := range map[string]struct {
		ticket string
		dirty  bool
		label  string
		status int
	}{
		"another's, clean":             {other, false, "postern-onboard", 202},
		"another's, clean, a dry run":  {other, false, "postern-plan", 202},
		"another's, clean, a retry":    {other, false, "postern-retry", 202},
		"another's, clean, offboarded": {other, false, "postern-offboard", 422},
		"another's, dirty":             {other, true, "postern-onboard", 422},
		"another's, dirty, a dry run":  {other, true, "postern-plan", 422},
		"another's, dirty, a retry":    {other, true, "postern-retry", 422},
		"another's, dirty, offboarded": {other, true, "postern-offboard", 422},
		"its own, dirty, a retry":      {mine, true, "postern-retry", 202},
		"its own, dirty, offboarded":   {mine, true, "postern-offboard", 202},
		"its own, clean, offboarded":   {mine, false, "postern-offboard", 202},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.own(t, test.ticket, "arn:1", false)
			if err := w.store.Finish(t.Context(), store.Result{ConnectionID: id, Turn: connection.Turn{Execution: "arn:1", EnteredAt: noon}, Status: store.StatusFailed,
				Failure: &store.Failure{Error: connection.Internal, Dirty: test.dirty}}); err != nil {
				t.Fatal(err)
			}
			got := w.deliver(t, "github", edit(t, sample("github"), "/label/name", test.label))
			if got.status != test.status || strings.Contains(got.raw, "#7") {
				t.Errorf("answered %d %s", got.status, got.raw)
			}
		})
	}
	w := newWorld(t)
	if got := w.deliver(t, "github", edit(t, sample("github"), "/label/name", "postern-offboard")); got.status != http.StatusUnprocessableEntity {
		t.Errorf("what was never made is offboarded: answered %d %s", got.status, got.raw)
	}
}

// TestDeliveredAgainWhileItRuns: before the running execution wrote its ticket down.
func TestDeliveredAgainWhileItRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.deliver(t, "github", sample("github"))
	w.own(t, "", first.Execution, false)
	if again := w.deliver(t, "github", sample("github")); again.raw != first.raw { // within the second
		t.Errorf("answered %s, then %s", first.raw, again.raw)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := w.send(t, post("gitlab", nil, nil, noon)); got.status != http.StatusNotFound {
		t.Errorf("an unknown source: %d", got.status)
	}
	if got := w.send(t, post("", nil, nil, noon)); got.status != http.StatusNotFound {
		t.Errorf("no source: %d", got.status)
	}
	got := w.deliver(t, "github", edit(t, sample("github"), "/issue/body", ""))
	if got.status != http.StatusUnprocessableEntity || len(got.Faults) != 4 || got.Message != "the ticket has 4 faults" ||
		got.Faults[0].Field != "Network" || got.Faults[0].Remedy == "" {
		t.Errorf("an empty form: %d %s", got.status, got.raw)
	}
	if got := w.deliver(t, "github", []byte(`{"zen":"Design for failure."}`)); got.status != http.StatusOK {
		t.Errorf("a ping: %d %s", got.status, got.raw)
	}
	if len(w.machine.executions)+len(w.table.Calls()) != 0 {
		t.Error("something was started or read")
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pad := func(size int) []byte {
		return append(sample("github"), bytes.Repeat([]byte(" "), size-len(sample("github")))...)
	}
	encoded := func(body []byte) string { return base64.StdEncoding.EncodeToString(body) }
	headers := func(body []byte) map[string]string { return sign(w.config.Sources["github"], key, noon, body) }
	for name, test := range map[string]struct {
		signed []byte
		sent   string
		base64 bool
		want   int
	}{
		"the largest":             {pad(MaxBody), string(pad(MaxBody)), false, 202},
		"one byte more":           {pad(MaxBody + 1), string(pad(MaxBody + 1)), false, 413},
		"the largest, encoded":    {pad(MaxBody), encoded(pad(MaxBody)), true, 202},
		"one byte more, encoded":  {pad(MaxBody + 1), encoded(pad(MaxBody + 1)), true, 413},
		"two bytes more, encoded": {pad(MaxBody + 3), encoded(pad(MaxBody + 3)), true, 413},
		"far too large":           {nil, strings.Repeat("A", 6<<20), true, 413},
		"not base64":              {pad(MaxBody), "{}", true, 401},
		"signed as encoded":       {[]byte(encoded(pad(MaxBody))), encoded(pad(MaxBody)), true, 401},
	} {
		request := post("github", headers(test.signed), nil, noon)
		request.Body, request.IsBase64Encoded = test.sent, test.base64
		if got := w.send(t, request); got.status != test.want {
			t.Errorf("%s: %d %s, want %d", name, got.status, got.raw, test.want)
		}
	}
}

// TestUnavailable: what fails on our side is to be delivered again.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	throttled, down := &smithy.GenericAPIError{Code: "ThrottlingException"}, errors.New("connection reset")
	for name, test := range map[string]struct {
		spoil func(*world)
		want  int
	}{
		"Secrets Manager":           {func(w *world) { w.vault.err = down }, 503},
		"Secrets Manager throttles": {func(w *world) { w.vault.err = throttled }, 429},
		"the table":                 {func(w *world) { w.table.Fault = func(string, bool) error { return down } }, 503},
		"Step Functions":            {func(w *world) { w.machine.err = down }, 503},
		"Step Functions throttles":  {func(w *world) { w.machine.err = throttled }, 429},
	} {
		w := newWorld(t)
		test.spoil(w)
		response, err := w.Handle(t.Context(), post("jira", sign(w.config.Sources["jira"], key, noon, sample("jira")),
			sample("jira"), noon))
		if err != nil || response.StatusCode != test.want || response.Headers["Retry-After"] == "" ||
			strings.Contains(response.Body, "reset") {
			t.Errorf("%s: %d %s, %v", name, response.StatusCode, response.Body, err)
		}
	}
}

// TestLogs: neither a body nor a secret reaches the log.
func TestLogs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range Names() {
		source, body := w.config.Sources[name], sample(name)
		w.deliver(t, name, body)
		w.deliver(t, name, []byte(`{"canary":"agents"`))
		w.send(t, post(name, sign(source, "AAAA"+key, noon, body), body, noon))
		w.send(t, post(name, sign(source, key, noon.Add(-1e12), body), body, noon))
	}
	w.machine.err = errors.New("down")
	w.deliver(t, "jira", edit(t, sample("jira"), "/issue/key", "NET-43"))
	logs := w.logs.String()
	if !strings.Contains(logs, `"status":202`) || !strings.Contains(logs, `"reason":"signed more than`) {
		t.Errorf("the log does not say what happened:\n%s", logs)
	}
	for _, never := range []string{key, oldKey, "Bearer", "sha256=", "v1,", "canary", "vpce-svc", "octocat", "Krystof", "subnet-"} {
		if strings.Contains(logs, never) {
			t.Errorf("the log contains %s", never)
		}
	}
}

func build(env map[string]string) (lambda.Handler, error) {
	e := step.NewEnv(func(name string) string { return env[name] })
	log := &lines{}
	handler, err := Function(step.Runtime{AWS: aws.Config{Region: "us-east-1"}, Env: e, Log: newLogger(log)})
	return handler, errors.Join(err, e.Err())
}

func TestFunction(t *testing.T) {
	t.Parallel()
	good := map[string]string{step.EnvTable: "t", step.EnvStateMachine: machine, step.EnvNetworks: "[]",
		step.EnvWebhooks: `{"github":{}}`}
	handler, err := build(good)
	if err != nil {
		t.Fatal(err)
	}
	out, err := handler.Invoke(t.Context(),
		[]byte(`{"version":"2.0","pathParameters":{"source":"jira"},"requestContext":{"timeEpoch":1}}`))
	if err != nil || !strings.Contains(string(out), `"statusCode":404`) {
		t.Errorf("%s, %v: a source that is off must not answer", out, err)
	}
	if _, err := build(nil); err == nil || !strings.Contains(err.Error(), step.EnvWebhooks) ||
		!strings.Contains(err.Error(), step.EnvStateMachine) {
		t.Errorf("without an environment: %v", err)
	}
	for name, value := range map[string]string{step.EnvWebhooks: `{"gitlab":{}}`, step.EnvNetworks: "{"} {
		bad := maps.Clone(good)
		bad[name] = value
		if _, err := build(bad); err == nil {
			t.Errorf("%s=%s was taken", name, value)
		}
	}
}
