package schedule

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"postern/internal/approval"
	"postern/internal/bus"
	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/notify/mail"
	"postern/internal/store"
	"postern/internal/store/storetest"
)

const (
	connectionID = "monte-carlo/agents-prod"
	serviceName  = "com.amazonaws.vpce.us-east-1.vpce-svc-0a1b2c3d4e5f60718"
	region       = "us-east-1"
	canary       = "AQCEAAAAKgAAAAMAAAAA-canary-"
)

// model is one connection with everything around it.
type model struct {
	now     time.Time
	flights []*flight
	running *flight  // the one that goes on just now
	later   []func() // what follows from it

	// EC2 and the vendor
	visible   bool
	endpoints []*vpce
	// EventBridge, SNS
	events []event
	sent   map[string]int // mails, by their text
	// Step Functions
	executions []*execution
	tasks      map[string]*task // by token

	cancelled map[string]bool // executions that an operator gave up
	wrong     []string

	table    *storetest.Table
	store    *store.Store
	keeper   *approval.Gatekeeper
	observer *approval.Observer
	resumer  *approval.Resumer
	operator *approval.Acknowledger
	notifier *mail.Notifier
}

// vpce is an endpoint.
type vpce struct {
	id, madeBy string
	state      connection.EndpointState
	was        map[connection.EndpointState]bool
}

func (e *vpce) become(state connection.EndpointState) { e.state, e.was[state] = state, true }

// event is an event on the bus that is not delivered yet.
type event struct {
	detailType string
	raw        []byte
}

func newModel() *model {
	m := &model{
		now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), sent: map[string]int{}, tasks: map[string]*task{},
		cancelled: map[string]bool{}, table: &storetest.Table{},
	}
	log := slog.New(slog.NewJSONHandler(said{m}, nil))
	m.store = store.New(tables{model: m}, "connections").Asking(stepFunctions{m})
	ec2, bus := ec2{m}, bus.New(eventBridge{m}, "bus")
	everywhere := func(connection.Access) approval.Endpoints { return ec2 }
	m.keeper = approval.NewGatekeeper(m.store, ec2, bus, log)
	m.observer = approval.NewObserver(m.store, everywhere, bus, region, io.Discard, log)
	m.resumer = approval.NewResumer(m.store, stepFunctions{m}, log)
	m.operator = approval.NewAcknowledger(m.store, everywhere, bus, region, log)
	m.notifier = mail.New(m.store, letters{m}, "arn:aws:sns:us-east-1:111122223333:operators", log)
	return m
}

// say looks for a task token in what is told.
func (m *model) say(where, text string) {
	if strings.Contains(text, canary) {
		m.violate("a task token is in the %s: %s", where, text)
	}
}

func (m *model) violate(format string, args ...any) {
	m.wrong = append(m.wrong, fmt.Sprintf(format, args...))
}

// said is what the functions log.
type said struct{ *model }

func (s said) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(canary)) {
		s.violate("a task token is in the log: %s", line)
	}
	return len(line), nil
}

// tables is DynamoDB. Nothing here scans.
type tables struct {
	store.API
	*model
}

func (t tables) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return call(t.model, func() (*dynamodb.GetItemOutput, error) { return t.table.GetItem(ctx, in) })
}

func (t tables) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (
	*dynamodb.UpdateItemOutput, error) {
	return call(t.model, func() (*dynamodb.UpdateItemOutput, error) {
		out, err := t.table.UpdateItem(ctx, in)
		t.cancelled[t.table.Get(connectionID)["cancelledHolder"]] = true
		return out, err
	})
}

func (t tables) Scan(ctx context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	return call(t.model, func() (*dynamodb.ScanOutput, error) { return t.table.Scan(ctx, in) })
}

// ec2 describes; an approval.Endpoints.
type ec2 struct{ *model }

func (e ec2) find(id string) *vpce {
	for _, found := range e.endpoints {
		if found.id == id {
			return found
		}
	}
	return nil
}

func (e ec2) describe(id string) endpoint.Endpoint {
	found := e.find(id)
	return endpoint.Endpoint{ID: id, ServiceName: serviceName, VPCID: "vpc-0f1e2d3c4b5a69788", State: found.state,
		Tags: connection.Tags(connectionID, found.madeBy)}
}

func (e ec2) Describe(_ context.Context, id string) (endpoint.Endpoint, error) {
	return call(e.model, func() (endpoint.Endpoint, error) { return e.describe(id), nil })
}

func (e ec2) DescribeAll(_ context.Context, ids []string) ([]endpoint.Endpoint, error) {
	return call(e.model, func() ([]endpoint.Endpoint, error) {
		all := make([]endpoint.Endpoint, len(ids))
		for i, id := range ids {
			all[i] = e.describe(id)
		}
		return all, nil
	})
}

func (e ec2) Service(_ context.Context, name, region, _ string) (connection.Service, error) {
	return call(e.model, func() (connection.Service, error) {
		return connection.Service{Name: name, Region: region, Visible: e.visible}, nil
	})
}

// eventBridge is the bus.
type eventBridge struct{ *model }

func (b eventBridge) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (
	*eventbridge.PutEventsOutput, error) {
	return call(b.model, func() (*eventbridge.PutEventsOutput, error) {
		for _, entry := range in.Entries {
			b.say("event", *entry.Detail)
			raw, err := json.Marshal(map[string]any{
				"source": *entry.Source, "detail-type": *entry.DetailType, "detail": json.RawMessage(*entry.Detail),
			})
			if err != nil {
				return nil, err
			}
			b.events = append(b.events, event{*entry.DetailType, raw})
		}
		return &eventbridge.PutEventsOutput{}, nil
	})
}

// letters is the operators' topic.
type letters struct{ *model }

func (s letters) Publish(_ context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	return call(s.model, func() (*sns.PublishOutput, error) {
		s.say("mail", *in.Message)
		text := *in.Subject
		for line := range strings.Lines(*in.Message) {
			if strings.HasPrefix(line, "Execution:") || strings.HasPrefix(line, "How long: ") && strings.Contains(*in.Subject, "hours") {
				text += "\n" + line
			}
		}
		if s.sent[text]++; s.sent[text] > 1 {
			s.violate("sent %d times: %s", s.sent[text], text)
		}
		return &sns.PublishOutput{}, nil
	})
}

// stepFunctions answers about executions and takes tokens: a task ends once, and afterwards its token answers TaskTimedOut. AWS:
// DescribeExecution is eventually consistent, so for a second it does not know of a redrive.
type stepFunctions struct{ *model }

func (s stepFunctions) DescribeExecution(_ context.Context, in *sfn.DescribeExecutionInput, _ ...func(*sfn.Options)) (
	*sfn.DescribeExecutionOutput, error) {
	return call(s.model, func() (*sfn.DescribeExecutionOutput, error) {
		for _, x := range s.executions {
			if x.arn != *in.ExecutionArn {
				continue
			}
			if s.now.Sub(x.redriven) < time.Second {
				return &sfn.DescribeExecutionOutput{Status: sfntypes.ExecutionStatusAborted, RedriveCount: aws.Int32(int32(x.redrives - 1))}, nil
			}
			return &sfn.DescribeExecutionOutput{Status: x.status, RedriveCount: aws.Int32(int32(x.redrives))}, nil
		}
		return nil, &sfntypes.ExecutionDoesNotExist{}
	})
}

func (s stepFunctions) SendTaskSuccess(_ context.Context, in *sfn.SendTaskSuccessInput, _ ...func(*sfn.Options)) (
	*sfn.SendTaskSuccessOutput, error) {
	s.say("output", *in.Output)
	return call(s.model, func() (*sfn.SendTaskSuccessOutput, error) {
		return &sfn.SendTaskSuccessOutput{}, s.answer(*in.TaskToken, "")
	})
}

func (s stepFunctions) SendTaskFailure(_ context.Context, in *sfn.SendTaskFailureInput, _ ...func(*sfn.Options)) (
	*sfn.SendTaskFailureOutput, error) {
	s.say("cause", *in.Error+*in.Cause)
	return call(s.model, func() (*sfn.SendTaskFailureOutput, error) {
		return &sfn.SendTaskFailureOutput{}, s.answer(*in.TaskToken, *in.Error)
	})
}

func (s stepFunctions) SendTaskHeartbeat(_ context.Context, in *sfn.SendTaskHeartbeatInput, _ ...func(*sfn.Options)) (
	*sfn.SendTaskHeartbeatOutput, error) {
	return call(s.model, func() (*sfn.SendTaskHeartbeatOutput, error) {
		t, err := s.open(*in.TaskToken)
		if err == nil {
			t.beat = s.now
		}
		return &sfn.SendTaskHeartbeatOutput{}, err
	})
}

// open finds a task that waits.
func (m *model) open(token string) (*task, error) {
	t, known := m.tasks[token]
	switch {
	case !known:
		return nil, &sfntypes.InvalidToken{}
	case t.ended:
		return nil, &sfntypes.TaskTimedOut{}
	}
	return t, nil
}
