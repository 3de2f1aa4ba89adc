package approval

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/store"
	"postern/internal/store/storetest"
)

const (
	connectionID = "monte-carlo/agents-prod"
	executionARN = "arn:aws:states:us-east-1:111122223333:execution:postern:monte-carlo-agents-prod-0123456789abcdef"
)

// taskService is Step Functions at the wire, as far as tokens go: a task ends once, and afterwards its token answers
// TaskTimedOut.
type taskService struct {
	mu    sync.Mutex
	tasks map[string]*task
	fault func(operation string, after bool) error
	sent  []string // bodies, for the canary
}

// task is one attempt of a waiting state.
type task struct {
	since   time.Time
	ended   string // "", succeeded, timed out, or the error it failed with
	cause   string
	output  connection.GateResult
	beats   int
	refused int
}

func (s *taskService) start(token string, since time.Time) *task {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tasks == nil {
		s.tasks = map[string]*task{}
	}
	s.tasks[token] = &task{since: since}
	return s.tasks[token]
}

func (s *taskService) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if s.fault != nil {
		if err := s.fault(operation, false); err != nil {
			return nil, err
		}
	}
	var in struct{ TaskToken, Output, Error, Cause string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	s.sent = append(s.sent, in.Output+in.Error+in.Cause)
	t, known := s.tasks[in.TaskToken]
	switch {
	case !known:
		return respond(400, `{"__type":"InvalidToken","message":"no such token: `+in.TaskToken+`"}`), nil
	case t.ended != "":
		t.refused++
		return respond(400, `{"__type":"TaskTimedOut","message":"Task Timed Out: `+in.TaskToken+`"}`), nil
	}
	switch operation {
	case "SendTaskSuccess":
		t.ended = "succeeded"
		if err := json.Unmarshal([]byte(in.Output), &t.output); err != nil {
			return nil, err
		}
	case "SendTaskFailure":
		t.ended, t.cause = in.Error, in.Cause
	case "SendTaskHeartbeat":
		t.beats++
	default:
		return nil, fmt.Errorf("no operation %q", operation)
	}
	if s.fault != nil {
		if err := s.fault(operation, true); err != nil {
			return nil, err
		}
	}
	return respond(200, `{}`), nil
}

func respond(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(body))}
}

// place is one connection with everything around it: the vendor's endpoint, the table, the bus, the tasks, and the clock.
type place struct {
	now     time.Time
	state   connection.EndpointState
	visible bool
	unnamed bool // the vendor has yet to name its service
	gate    connection.Gate
	gates   connection.Gates
	ticket  *connection.Ticket
	table   *storetest.Table
	bus     *eventBus
	tasks   *taskService
	log     *bytes.Buffer
	errors  []string
	attempt int
	current *task

	// sending, when set, is what happens between reading a token and sending it.
	sending func()
	// between, when set, is what happens between storing the token and looking, and between looking and saying.
	between func()

	keeper   *Gatekeeper
	observer *Observer
	resumer  *Resumer
}

func newPlace(gate connection.Gate) *place {
	p := &place{now: noon, gate: gate, state: connection.StatePendingAcceptance, table: &storetest.Table{}, bus: &eventBus{},
		tasks: &taskService{},
		log:   &bytes.Buffer{}}
	log := slog.New(slog.NewJSONHandler(p.log, nil))
	table, bus := store.New(p.table, "connections"), onBus(p.bus)
	p.keeper = NewGatekeeper(table, p, bus, log)
	p.observer = NewObserver(table, everywhere(p), bus, "us-east-1", p.log, log)
	p.resumer = NewResumer(slowTokens{table, p}, sfn.New(sfn.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
		HTTPClient: &http.Client{Transport: p.tasks}, Retryer: aws.NopRetryer{},
	}), log)
	return p
}

// slowTokens lets something happen after a token was read.
type slowTokens struct {
	*store.Store
	place *place
}

func (s slowTokens) Token(ctx context.Context, id string) (store.Wait, store.Token, bool, error) {
	wait, token, found, err := s.Store.Token(ctx, id)
	if s.place.sending != nil {
		s.place.sending()
	}
	return wait, token, found, err
}

func (p *place) pause() {
	if p.between != nil {
		p.between()
	}
}

// Describe looks at the endpoint: AWS's answer is of one moment, and something may happen before and after it.
func (p *place) Describe(context.Context, string) (endpoint.Endpoint, error) {
	p.pause()
	found := ours(sampleEndpoint, p.state)
	p.pause()
	return found, nil
}

func (p *place) DescribeAll(ctx context.Context, ids []string) ([]endpoint.Endpoint, error) {
	if len(ids) != 1 || ids[0] != sampleEndpoint {
		return nil, fmt.Errorf("asked for %v", ids)
	}
	return []endpoint.Endpoint{ours(sampleEndpoint, p.state)}, nil
}

func (p *place) Service(_ context.Context, name, region, _ string) (connection.Service, error) {
	p.pause()
	found := connection.Service{Name: name, Region: region, Visible: p.visible}
	p.pause()
	return found, nil
}

// enter runs await-gate for a new attempt of the task, as the state machine does: a retry keeps the time of entry.
func (p *place) enter(since time.Time) error {
	p.attempt++
	token := fmt.Sprintf("%s-%d", canary, p.attempt)
	p.current = p.tasks.start(token, since)
	in := GateInput{Gate: p.gate, Token: store.NewToken(token)}
	in.Execution, in.EnteredAt = executionARN, since
	in.State.Plan = &connection.Plan{ConnectionID: connectionID, Service: connection.Service{Name: "svc", Region: "us-east-1"},
		Gates: p.gates, Ticket: p.ticket}
	if p.unnamed {
		in.State.Plan.Service = connection.Service{}
	}
	if p.gate == connection.GateApproval {
		in.State.Endpoint = &connection.Endpoint{ID: sampleEndpoint, State: connection.StatePendingAcceptance}
	}
	_, err := p.keeper.Await(context.Background(), in)
	return p.note(err)
}

func (p *place) note(err error) error {
	if err != nil {
		p.errors = append(p.errors, err.Error())
	}
	return err
}

func (p *place) notify() error {
	at := p.now.Format(time.RFC3339Nano)
	raw := fmt.Sprintf(`{"Records":[{"EventSource":"aws:sns","Sns":{"Message":"%s","Timestamp":"%s"}}]}`, sampleEndpoint, at)
	_, err := p.observer.Observe(context.Background(), json.RawMessage(raw))
	return p.note(err)
}

func (p *place) sweep() error {
	raw := fmt.Sprintf(`{"source":"aws.events","detail-type":"Scheduled Event","time":"%s"}`, p.now.Format(time.RFC3339))
	_, err := p.observer.Observe(context.Background(), json.RawMessage(raw))
	return p.note(err)
}

// queued returns how many events are on the bus.
func (p *place) queued() int {
	p.bus.mu.Lock()
	defer p.bus.mu.Unlock()
	return len(p.bus.taken)
}

// deliver hands the event at an index to resume, as the rule does; a kept event comes again.
func (p *place) deliver(i int, keep bool) (Resumed, error) {
	p.bus.mu.Lock()
	entry := p.bus.taken[i]
	p.bus.mu.Unlock()
	r, err := p.resumer.Resume(context.Background(), observed{*entry.Source, *entry.DetailType, json.RawMessage(*entry.Detail)})
	if err == nil && !keep {
		p.lose(i)
	}
	return r, p.note(err)
}

func (p *place) lose(i int) {
	p.bus.mu.Lock()
	defer p.bus.mu.Unlock()
	p.bus.taken = append(p.bus.taken[:i:i], p.bus.taken[i+1:]...)
}

// drain delivers all events, until none is left.
func (p *place) drain() error {
	for p.queued() > 0 {
		if _, err := p.deliver(0, false); err != nil {
			return err
		}
	}
	return nil
}

// decided reports whether the gate's wait is over, and how its task must end.
func (p *place) decided() (ending string, over bool) {
	if p.gate == connection.GateAllowlist {
		return "succeeded", p.visible
	}
	if p.state.Accepted() {
		return "succeeded", true
	}
	return p.state.Failure(), p.state.Failure() != ""
}

// leaks returns where a token shows that must not: logs, errors, events, and what is sent besides the token.
func (p *place) leaks() error {
	for where, text := range map[string]string{
		"log": p.log.String(), "errors": strings.Join(p.errors, "\n"), "what is sent with a token": strings.Join(p.tasks.sent, "\n"),
	} {
		if strings.Contains(text, canary) {
			return fmt.Errorf("the token shows in the %s:\n%s", where, text)
		}
	}
	for _, entry := range p.bus.taken {
		if strings.Contains(*entry.Detail, canary) {
			return errors.New("the token shows in an event")
		}
	}
	return nil
}
