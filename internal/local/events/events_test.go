package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/local/clock"
	"postern/internal/local/events"
	"postern/internal/local/wire"
)

const (
	account = "111122223333"
	region  = "us-east-1"
	target  = "arn:aws:lambda:us-east-1:111122223333:function:resume"
	queue   = "arn:aws:sqs:us-east-1:111122223333:dead"
	busARN  = "arn:aws:events:us-east-1:111122223333:event-bus/postern"
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

type world struct {
	*events.Service
	clock  *clock.Clock
	got    []events.Delivery
	dead   []map[string]string
	bodies []string
}

// newWorld has a bus and one rule on it for everything of source postern, changed by change.
func newWorld(t *testing.T, change func(*events.Rule)) *world {
	t.Helper()
	w := &world{clock: clock.New(start)}
	w.Service = events.New(w.clock, account, region)
	if err := w.AddBus("postern"); err != nil {
		t.Fatal(err)
	}
	rule := events.Rule{
		Name: "all", Bus: "postern", Pattern: json.RawMessage(`{"source": ["postern"]}`),
		Targets: []events.Target{{ID: "t", ARN: target, DeadLetterARN: queue}},
	}
	if change != nil {
		change(&rule)
	}
	if err := w.AddRule(rule); err != nil {
		t.Fatal(err)
	}
	w.OnDeliver(func(d events.Delivery) error { w.got = append(w.got, d); return nil })
	w.OnDeadLetter(func(d events.Delivery, body []byte, attributes map[string]string) error {
		w.dead, w.bodies = append(w.dead, attributes), append(w.bodies, string(body))
		return nil
	})
	return w
}

// run lets d pass.
func (w *world) run(d time.Duration) {
	done := false
	w.clock.After(d, "end", func() { done = true })
	for !done {
		w.clock.Step()
	}
}

func (w *world) client(t *testing.T, authorizer wire.Authorizer) *eventbridge.Client {
	server := wire.NewServer(wire.Config{AccountID: account, Region: region, Now: w.clock.Now, Authorizer: authorizer}, w)
	server.Register("AKIA", wire.Principal{RoleARN: "arn:aws:iam::111122223333:role/R", Function: "f"})
	return eventbridge.NewFromConfig(server.AWS("AKIA"))
}

func entry() types.PutEventsRequestEntry {
	return types.PutEventsRequestEntry{
		EventBusName: aws.String("postern"), Source: aws.String("postern"), DetailType: aws.String("Gate Opened"),
		Detail: aws.String(`{ "to": "a <b@c.example>", "n": 1.50 }`), Time: aws.Time(time.Date(2026, 11, 2, 8, 59, 58, 0, time.UTC)),
		Resources: []string{"arn:x"},
	}
}

func put(t *testing.T, w *world, entries ...types.PutEventsRequestEntry) *eventbridge.PutEventsOutput {
	t.Helper()
	out, err := w.client(t, wire.AllowAll{}).PutEvents(context.Background(), &eventbridge.PutEventsInput{Entries: entries})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPutEventsDelivers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	byARN := entry()
	byARN.EventBusName = aws.String(busARN)
	elsewhere := entry()
	elsewhere.EventBusName = nil
	out := put(t, w, entry(), byARN, elsewhere)
	if out.FailedEntryCount != 0 || len(out.Entries) != 3 || *out.Entries[0].EventId == *out.Entries[1].EventId {
		t.Fatalf("got %+v", out)
	}
	w.run(147 * time.Millisecond)
	if len(w.got) != 0 {
		t.Error("delivered before the latency")
	}
	w.run(time.Millisecond)
	if len(w.got) != 2 {
		t.Fatalf("%d deliveries, want the 2 on the bus", len(w.got))
	}
	want := `{"version":"0","id":"` + *out.Entries[0].EventId + `","detail-type":"Gate Opened","source":"postern",` +
		`"account":"111122223333","time":"2026-11-02T08:59:58Z","region":"us-east-1","resources":["arn:x"],` +
		`"detail":{"to":"a <b@c.example>","n":1.50}}`
	if got := string(w.got[0].Payload); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(w.Events()) != 3 || len(w.Failures()) != 0 {
		t.Errorf("%d events, failures %v", len(w.Events()), w.Failures())
	}
}

func TestPutEventsRefusesEntries(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*types.PutEventsRequestEntry)
		want   string
	}{
		{"no source", func(e *types.PutEventsRequestEntry) { e.Source = nil }, "InvalidArgument"},
		{"no detail type", func(e *types.PutEventsRequestEntry) { e.DetailType = nil }, "InvalidArgument"},
		{"no detail", func(e *types.PutEventsRequestEntry) { e.Detail = nil }, "InvalidArgument"},
		{"detail is not JSON", func(e *types.PutEventsRequestEntry) { e.Detail = aws.String("{") }, "MalformedDetail"},
		{"detail is not an object", func(e *types.PutEventsRequestEntry) { e.Detail = aws.String("[1]") }, "MalformedDetail"},
		{"detail is null", func(e *types.PutEventsRequestEntry) { e.Detail = aws.String("null") }, "MalformedDetail"},
		{"AWS's source", func(e *types.PutEventsRequestEntry) { e.Source = aws.String("aws.ec2") }, "NotAuthorizedForSourceException"},
		{"no such bus", func(e *types.PutEventsRequestEntry) { e.EventBusName = aws.String("x") }, "ResourceNotFoundException"},
		{"made to fail", func(e *types.PutEventsRequestEntry) { e.DetailType = aws.String("bad") }, "ThrottlingException"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.Refuse(func(e events.Event) (string, string) {
				if e.DetailType == "bad" {
					return "ThrottlingException", "Rate exceeded"
				}
				return "", ""
			})
			bad := entry()
			test.change(&bad)
			out := put(t, w, bad, entry())
			w.run(time.Second)
			if out.FailedEntryCount != 1 || aws.ToString(out.Entries[0].ErrorCode) != test.want || out.Entries[0].EventId != nil {
				t.Errorf("got %+v", out.Entries[0])
			}
			if out.Entries[1].ErrorCode != nil || len(w.got) != 1 {
				t.Errorf("the other entry: %+v, %d deliveries", out.Entries[1], len(w.got))
			}
		})
	}
}

func TestPutEventsLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	large := entry()
	large.Detail = aws.String(`{"x":"` + strings.Repeat("x", 256*1024) + `"}`)
	for name, entries := range map[string][]types.PutEventsRequestEntry{
		"none": {}, "eleven": make([]types.PutEventsRequestEntry, 11), "too large": {large},
	} {
		_, err := w.client(t, wire.AllowAll{}).PutEvents(context.Background(), &eventbridge.PutEventsInput{Entries: entries})
		if code(err) != "ValidationException" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

type onlyOf map[string]string // context key -> value

func (o onlyOf) Authorize(_ string, p wire.Permission) wire.Decision {
	for key, want := range o {
		if got := p.Context[key]; !cmp.Equal(got, []string{want}) {
			return wire.Decision{}
		}
	}
	return wire.Decision{Allowed: p.Action == "events:PutEvents" && p.Resource == busARN}
}

func TestPutEventsPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	elsewhere, other := entry(), entry()
	elsewhere.EventBusName, other.DetailType = aws.String("other"), aws.String("other")
	tests := []struct {
		name    string
		entries []types.PutEventsRequestEntry
		allowed bool
	}{
		{"allowed", []types.PutEventsRequestEntry{entry()}, true},
		{"another bus", []types.PutEventsRequestEntry{entry(), elsewhere}, false},
		{"another detail type", []types.PutEventsRequestEntry{entry(), other}, false},
	}
	client := w.client(t, onlyOf{"events:source": "postern", "events:detail-type": "Gate Opened"})
	for _, test := range tests {
		_, err := client.PutEvents(context.Background(), &eventbridge.PutEventsInput{Entries: test.entries})
		if (code(err) == "AccessDeniedException") == test.allowed || (err == nil) != test.allowed {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
}

func TestEmit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(r *events.Rule) {
		r.Bus, r.Pattern = "", json.RawMessage(`{"source": ["aws.ssm"], "detail": {"name": [{"prefix": "/postern/"}]}}`)
	})
	for _, name := range []string{"/postern/a", "/other/a"} {
		e := events.Event{Source: "aws.ssm", DetailType: "Parameter Store Change", Detail: json.RawMessage(`{"name":"` + name + `"}`)}
		if err := w.Emit(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Emit(events.Event{Detail: json.RawMessage(`"x"`)}); err == nil {
		t.Error("a detail that is no object is taken")
	}
	w.run(time.Second)
	if len(w.got) != 1 || w.got[0].Event.Time != start || w.got[0].Rule != "arn:aws:events:us-east-1:111122223333:rule/all" {
		t.Errorf("got %+v", w.got)
	}
}

func TestDisturb(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.Disturb(func(d events.Delivery) []time.Duration {
		switch d.Event.DetailType {
		case "lost":
			return nil
		case "twice":
			return []time.Duration{0, time.Minute}
		case "late":
			return []time.Duration{time.Hour}
		}
		return []time.Duration{0}
	})
	for _, name := range []string{"late", "lost", "twice", "usual"} {
		e := entry()
		e.DetailType = aws.String(name)
		put(t, w, e)
	}
	w.run(2 * time.Hour)
	var got []string
	for _, d := range w.got {
		got = append(got, d.Event.DetailType)
	}
	if diff := cmp.Diff([]string{"twice", "usual", "twice", "late"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		policy   *events.RetryPolicy
		failures int // tries that fail
		err      error
		tries    int
		want     map[string]string // attributes of the dead letter
	}{
		{"none", nil, 0, nil, 1, nil},
		{"two", nil, 2, errors.New("busy"), 3, nil},
		{"out of attempts", &events.RetryPolicy{MaximumRetryAttempts: aws.Int(3)}, 99, errors.New("busy"), 4, map[string]string{
			"ERROR_CODE": "ERROR_FROM_TARGET", "ERROR_MESSAGE": "busy", "RETRY_ATTEMPTS": "3",
			"EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
		}},
		{"no attempts", &events.RetryPolicy{MaximumRetryAttempts: aws.Int(0)}, 99, errors.New("busy"), 1, map[string]string{
			"ERROR_CODE": "ERROR_FROM_TARGET", "ERROR_MESSAGE": "busy", "RETRY_ATTEMPTS": "0",
			"EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
		}},
		{"too old", &events.RetryPolicy{MaximumEventAgeInSeconds: aws.Int(60)}, 99, errors.New("busy"), 6, map[string]string{
			"ERROR_CODE": "ERROR_FROM_TARGET", "ERROR_MESSAGE": "busy", "RETRY_ATTEMPTS": "5", // after 1, 3, 7, 15 and 31 seconds
			"EXHAUSTED_RETRY_CONDITION": "MaximumEventAgeInSeconds",
		}},
		{"refused", nil, 99, events.Refused("NO_PERMISSIONS", "not allowed"), 1, map[string]string{
			"ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "not allowed", "RETRY_ATTEMPTS": "0",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(r *events.Rule) { r.Targets[0].Retry = test.policy })
			tries := 0
			w.OnDeliver(func(events.Delivery) error {
				if tries++; tries <= test.failures {
					return test.err
				}
				return nil
			})
			put(t, w, entry())
			w.run(48 * time.Hour)
			if tries != test.tries {
				t.Errorf("%d tries, want %d", tries, test.tries)
			}
			if test.want == nil {
				if len(w.dead)+len(w.Failures()) != 0 {
					t.Errorf("dead letters %v, failures %v", w.dead, w.Failures())
				}
				return
			}
			test.want["RULE_ARN"], test.want["TARGET_ARN"] = "arn:aws:events:us-east-1:111122223333:rule/postern/all", target
			if diff := cmp.Diff([]map[string]string{test.want}, w.dead); diff != "" {
				t.Error(diff)
			}
			if f := w.Failures(); len(f) != 1 || !f[0].DeadLettered || !strings.Contains(w.bodies[0], `"Gate Opened"`) {
				t.Errorf("failures %+v, bodies %v", f, w.bodies)
			}
		})
	}
}

// AWS's default policy: 185 retries within a day.
func TestDefaultRetryPolicyEndsWithinADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(r *events.Rule) { r.Targets[0].DeadLetterARN = "" })
	tries := 0
	w.OnDeliver(func(events.Delivery) error { tries++; return errors.New("busy") })
	put(t, w, entry())
	w.run(25 * time.Hour)
	if f := w.Failures(); len(f) != 1 || f[0].DeadLettered || tries < 150 || tries > 186 || len(w.dead) != 0 {
		t.Errorf("%d tries, failures %+v", tries, f)
	}
}

func TestScheduledRule(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(r *events.Rule) { r.Name, r.Bus, r.Pattern, r.Schedule = "sweep", "", nil, "rate(5 minutes)" })
	w.run(11 * time.Minute)
	if len(w.got) != 2 {
		t.Fatalf("%d runs, want 2", len(w.got))
	}
	want := `,"detail-type":"Scheduled Event","source":"aws.events","account":"111122223333","time":"2026-11-02T09:05:00Z",` +
		`"region":"us-east-1","resources":["arn:aws:events:us-east-1:111122223333:rule/sweep"],"detail":{}}`
	if got := string(w.got[0].Payload); !strings.HasSuffix(got, want) {
		t.Errorf("got %s", got)
	}
	arn := w.got[0].Rule
	if err := w.SetEnabled(arn, false); err != nil {
		t.Fatal(err)
	}
	w.run(time.Hour)
	if err := w.SetEnabled(arn, true); err != nil || len(w.got) != 2 {
		t.Errorf("%v; %d runs, want 2 while it is disabled", err, len(w.got))
	}
	w.run(5 * time.Minute)
	if len(w.got) != 3 {
		t.Errorf("%d runs, want 3", len(w.got))
	}
	if err := w.SetEnabled(arn+"x", true); err == nil {
		t.Error("a rule that does not exist is enabled")
	}
}

func TestDisabledRule(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(r *events.Rule) { r.State = "DISABLED" })
	put(t, w, entry())
	w.run(time.Second)
	if len(w.got) != 0 {
		t.Error("a disabled rule delivers")
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*events.Rule)
	}{
		{"no bus", func(r *events.Rule) { r.Bus = "x" }},
		{"schedule on another bus", func(r *events.Rule) { r.Schedule = "rate(1 day)" }},
		{"no name", func(r *events.Rule) { r.Name = "" }},
		{"twice", func(r *events.Rule) { r.Name = "all" }},
		{"nothing to match", func(r *events.Rule) { r.Pattern = nil }},
		{"bad pattern", func(r *events.Rule) { r.Pattern = json.RawMessage(`{"source": "x"}`) }},
		{"bad state", func(r *events.Rule) { r.State = "enabled" }},
		{"bad schedule", func(r *events.Rule) { r.Bus, r.Schedule = "", "rate(1 week)" }},
		{"six targets", func(r *events.Rule) { r.Targets = make([]events.Target, 6) }},
		{"same target twice", func(r *events.Rule) { r.Targets = append(r.Targets, r.Targets[0]) }},
		{"target without an id", func(r *events.Rule) { r.Targets[0].ID = "" }},
		{"target without an ARN", func(r *events.Rule) { r.Targets[0].ARN = "resume" }},
		{"dead letters to a topic", func(r *events.Rule) { r.Targets[0].DeadLetterARN = "arn:aws:sns:us-east-1:1:t" }},
		{"too many retries", func(r *events.Rule) { r.Targets[0].Retry = &events.RetryPolicy{MaximumRetryAttempts: aws.Int(186)} }},
		{"age too short", func(r *events.Rule) { r.Targets[0].Retry = &events.RetryPolicy{MaximumEventAgeInSeconds: aws.Int(59)} }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			rule := events.Rule{
				Name: "new", Bus: "postern", Pattern: json.RawMessage(`{"source": ["postern"]}`),
				Targets: []events.Target{{ID: "t", ARN: target}},
			}
			test.change(&rule)
			if err := w.AddRule(rule); err == nil {
				t.Error("the rule is taken")
			}
		})
	}
}
