package mail

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"postern/events"
	"postern/internal/connection"
	"postern/internal/store"
)

// claims is the store's part: one claim for each execution and gate, given back by its name.
type claims struct {
	mu       sync.Mutex
	held     map[string]string // names
	given    int
	claimErr error
}

func (c *claims) ClaimNotice(_ context.Context, id, execution string, gate connection.Gate, at time.Time) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := id + execution + string(gate)
	if at.IsZero() {
		return "", errors.New("a claim that would never expire")
	}
	if c.claimErr != nil || c.held[key] != "" {
		return "", c.claimErr
	}
	if c.held == nil {
		c.held = map[string]string{}
	}
	c.given++
	c.held[key] = fmt.Sprint("claim ", c.given)
	return c.held[key], nil
}

func (c *claims) ReleaseNotice(_ context.Context, id, execution string, gate connection.Gate, name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if key := id + execution + string(gate); c.held[key] == name {
		delete(c.held, key)
	}
	return nil
}

func (c *claims) ClaimReminder(ctx context.Context, r store.Reminder) (string, error) {
	return c.ClaimNotice(ctx, r.ConnectionID, fmt.Sprint(r.Execution, r.Percent), r.Gate, time.Unix(1, 0))
}

func (c *claims) ReleaseReminder(ctx context.Context, r store.Reminder, name string) error {
	return c.ReleaseNotice(ctx, r.ConnectionID, fmt.Sprint(r.Execution, r.Percent), r.Gate, name)
}

func (c *claims) ClaimRemoval(ctx context.Context, id, execution string, at time.Time) (string, error) {
	return c.ClaimNotice(ctx, id, execution, "removal", at)
}

func (c *claims) ReleaseRemoval(ctx context.Context, id, execution, name string) error {
	return c.ReleaseNotice(ctx, id, execution, "removal", name)
}

func (c *claims) ClaimOrphan(ctx context.Context, o connection.OrphanNotice) (string, error) {
	return c.ClaimNotice(ctx, o.ConnectionID, o.Digest, connection.Gate(o.Kind), time.Unix(1, 0))
}

func (c *claims) ReleaseOrphan(ctx context.Context, o connection.OrphanNotice, name string) error {
	return c.ReleaseNotice(ctx, o.ConnectionID, o.Digest, connection.Gate(o.Kind), name)
}

// topic answers for SNS at the wire: with the results in order, then with success. A nil answer never comes.
type topic struct {
	mu      sync.Mutex
	answers []func() (*http.Response, error)
	mails   []map[string]string // that went out
	tries   int
}

func (s *topic) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	mail := map[string]string{}
	for _, name := range []string{"Action", "TopicArn", "Subject", "Message"} {
		mail[name] = r.PostForm.Get(name)
	}
	answer := sent
	if len(s.answers) > 0 {
		answer, s.answers = s.answers[0], s.answers[1:]
	}
	response, err := answer()
	if err == nil && response.StatusCode == http.StatusOK || errors.Is(err, errLost) {
		s.mails = append(s.mails, mail)
	}
	return response, err
}

var errLost = errors.New("connection reset after the request was read")

func respond(status int, body string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/xml"}},
			Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

var sent = respond(200,
	`<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>`)

func refused(status int, code string) func() (*http.Response, error) {
	return respond(status,
		`<ErrorResponse><Error><Code>`+code+`</Code><Message>no</Message></Error></ErrorResponse>`)
}

func lost() (*http.Response, error) { return nil, errLost }

func undialled() (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
}

func newNotifier(c Claims, s *topic, log io.Writer) *Notifier {
	api := sns.New(sns.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
		HTTPClient: &http.Client{Transport: s}, Retryer: aws.NopRetryer{},
	})
	return New(c, api, "arn:aws:sns:us-east-1:111122223333:operators", slog.New(slog.NewJSONHandler(log, nil)))
}

func opened(t *testing.T) event {
	t.Helper()
	return sample(t, "postern.gate-opened.json", func(*map[string]any) {})
}

// sample is a sample of an event, with its detail changed.
func sample[T any](t *testing.T, file string, edit func(*T)) event {
	t.Helper()
	var e event
	if err := json.Unmarshal(events.Read(file), &e); err != nil {
		t.Fatal(err)
	}
	var detail T
	if err := json.Unmarshal(e.Detail, &detail); err != nil {
		t.Fatal(err)
	}
	edit(&detail)
	var err error
	if e.Detail, err = json.Marshal(detail); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestMail(t *testing.T) {
	t.Parallel()
	var s topic
	result, err := newNotifier(&claims{}, &s, io.Discard).Notify(t.Context(), opened(t))
	if err != nil || !result.Sent || len(s.mails) != 1 {
		t.Fatalf("%+v, %v, %d mails", result, err, len(s.mails))
	}
	mail := s.mails[0]
	if got, want := mail["Subject"], "Postern: monte-carlo/agents-prod waits for the vendor to accept the endpoint"; got != want {
		t.Errorf("subject %q, want %q", got, want)
	}
	if mail["TopicArn"] != "arn:aws:sns:us-east-1:111122223333:operators" {
		t.Errorf("sent to %s", mail["TopicArn"])
	}
	for _, want := range []string{
		"monte-carlo/agents-prod waits for the vendor to accept the endpoint.",
		"send the message below to support@example.com",
		"up to 48 business hours (calendar US business days).",
		"goes on by itself when the endpoint is accepted",
		"Subject: PrivateLink endpoint vpce-0f1e2d3c4b5a69788: please accept\n\nHello,\n\nplease accept",
		"Endpoint: vpce-0f1e2d3c4b5a69788", "Waiting since: 2026-11-23T14:00:00Z",
		"https://console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/arn:aws:states:us-east-1:111122223333:" +
			"execution:postern:monte-carlo-agents-prod-0123456789abcdef",
	} {
		if !strings.Contains(mail["Message"], want) {
			t.Errorf("the mail lacks %q:\n%s", want, mail["Message"])
		}
	}
}

// TestOnce: a lost answer must not mail twice, a refusal must not lose the mail.
func TestOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers   []func() (*http.Response, error)
		errors    int // invocations that fail, of three
		mails     int
		wantError string
	}{
		"duplicates":           {nil, 0, 1, ""},
		"throttled, then sent": {[]func() (*http.Response, error){refused(400, "Throttled")}, 1, 1, "Throttled"},
		"refused twice, then sent": {[]func() (*http.Response, error){refused(403, "AuthorizationError"), refused(500,
			"InternalError")}, 2, 1, "AuthorizationError"},
		"never reached, then sent": {[]func() (*http.Response, error){undialled}, 1, 1, "connection refused"},
		"the answer lost: not sent twice": {[]func() (*http.Response, error){lost}, 1, 1,
			"the message may be out and is not sent again: see plan.gates.approval in execution arn:aws:states:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := topic{answers: test.answers}
			n := newNotifier(&claims{}, &s, io.Discard)
			failed, first := 0, ""
			for range 3 {
				if _, err := n.Notify(t.Context(), opened(t)); err != nil {
					if failed++; failed == 1 {
						first = err.Error()
					}
				}
			}
			if failed != test.errors || len(s.mails) != test.mails || !strings.Contains(first, test.wantError) {
				t.Errorf("%d errors, %d mails, first error %q; want %d, %d, %q", failed, len(s.mails), first, test.errors, test.mails,
					test.wantError)
			}
		})
	}
}

func TestConcurrentDuplicates(t *testing.T) {
	t.Parallel()
	var s topic
	n := newNotifier(&claims{}, &s, io.Discard)
	e := opened(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := n.Notify(t.Context(), e); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(s.mails) != 1 {
		t.Errorf("%d mails", len(s.mails))
	}
}

func TestEachExecutionAndGateIsToldApart(t *testing.T) {
	t.Parallel()
	var s topic
	n := newNotifier(&claims{}, &s, io.Discard)
	for _, execution := range []string{"arn:1", "arn:2"} {
		for _, gate := range []connection.Gate{connection.GateAllowlist, connection.GateApproval} {
			e := opened(t)
			e.Detail = []byte(fmt.Sprintf(`{"connectionId":"v/n","execution":%q,"gate":%q,"body":"b","openedAt":"2026-11-23T12:00:00Z"}`, execution, gate))
			if _, err := n.Notify(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(s.mails) != 4 {
		t.Errorf("%d mails, want 4", len(s.mails))
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		event     event
		wantError string
	}{
		"another detail type": {event{Source: "postern", DetailType: "Gate Still Closed", Detail: []byte(`{}`)}, ""},
		"of another source":   {event{Source: "aws.ec2", DetailType: "Gate Opened", Detail: []byte(`{}`)}, ""},
		"nothing":             {event{}, ""},
		"no detail":           {event{Source: "postern", DetailType: "Gate Opened"}, "reading the detail"},
		"an odd detail":       {event{Source: "postern", DetailType: "Gate Opened", Detail: []byte(`[1]`)}, "reading the detail"},
		"an empty detail":     {event{Source: "postern", DetailType: "Gate Opened", Detail: []byte(`{}`)}, "lacks a connection id"},
		"an unknown gate": {event{Source: "postern", DetailType: "Gate Opened",
			Detail: []byte(`{"connectionId":"v/n","execution":"e","body":"b","gate":"moat"}`)}, "known gate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s topic
			result, err := newNotifier(&claims{}, &s, io.Discard).Notify(t.Context(), test.event)
			if s.tries != 0 || result.Sent {
				t.Errorf("a mail was sent")
			}
			switch {
			case test.wantError == "" && err != nil:
				t.Errorf("%v, want a no-op", err)
			case test.wantError != "" && (connection.NameOf(err) != connection.Internal || !strings.Contains(err.Error(), test.wantError)):
				t.Errorf("%v, want %q", err, test.wantError)
			}
		})
	}
}

func TestClaimFails(t *testing.T) {
	t.Parallel()
	var s topic
	broken := errors.New("no table")
	if _, err := newNotifier(&claims{claimErr: broken}, &s, io.Discard).Notify(t.Context(), opened(t)); !errors.Is(err, broken) ||
		s.tries != 0 {
		t.Errorf("%v, %d tries: without a claim nothing is sent", err, s.tries)
	}
}

// TestNoText: the log says that a message went out, not what is in it.
func TestNoText(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	if _, err := newNotifier(&claims{}, &topic{}, &log).Notify(t.Context(), opened(t)); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), "Hello") || !strings.Contains(log.String(), "monte-carlo/agents-prod") {
		t.Errorf("logged %s", &log)
	}
}

func TestSubject(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{
		"plain": "monte-carlo/a", "long": "v/" + strings.Repeat("n", 200), "not ASCII": "vé/ñandú",
		"line breaks": "a\r\nBcc: x/\x00y",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := subject(connection.GateNotice{ConnectionID: id, Gate: connection.GateAllowlist})
			if len(got) >= 100 || !strings.HasPrefix(got, "Postern: ") {
				t.Errorf("%d characters: %q", len(got), got)
			}
			if strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("SNS refuses %q", got)
			}
		})
	}
}

func TestBodyWithLittleKnown(t *testing.T) {
	t.Parallel()
	got := body(connection.GateNotice{ConnectionID: "v/n", Gate: connection.GateAllowlist, Body: "please", Execution: "local"})
	for _, want := range []string{"to the vendor's support.", "the vendor gives no figure.", "service becomes visible",
		"Execution: local\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
	for _, unwanted := range []string{"To:", "Subject:", "Endpoint:", "Waiting since", "0001"} {
		if strings.Contains(got, unwanted) {
			t.Errorf("has %q:\n%s", unwanted, got)
		}
	}
}

func TestConsoleLink(t *testing.T) {
	t.Parallel()
	const page = "#/v2/executions/details/"
	for arn, console := range map[string]string{
		"arn:aws:states:eu-west-1:1:execution:m:n":            "https://console.aws.amazon.com/states/home?region=eu-west-1",
		"arn:aws-cn:states:cn-north-1:1:execution:m:n":        "https://console.amazonaws.cn/states/home?region=cn-north-1",
		"arn:aws-us-gov:states:us-gov-west-1:1:execution:m:n": "https://console.amazonaws-us-gov.com/states/home?region=us-gov-west-1",
	} {
		if got, want := consoleLink(arn), console+page+arn; got != want {
			t.Errorf("consoleLink(%s) = %s, want %s", arn, got, want)
		}
	}
	if got := consoleLink("not an arn"); got != "not an arn" {
		t.Errorf("of something else: %s", got)
	}
}

func TestOpenedAtIsUTC(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.FixedZone("", -5*3600))
	if got := body(connection.GateNotice{OpenedAt: at}); !strings.Contains(got, "Waiting since: 2026-11-23T14:00:00Z") {
		t.Errorf("the mail says\n%s", got)
	}
}
