package webhook

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"postern/events"
	"postern/internal/catalog"
	"postern/internal/connection"
	"postern/internal/store"
	"postern/internal/store/storetest"
)

const (
	key     = "c2VjcmV0LWNhbmFyeS1vZi10aGUtd2ViaG9vaw==" // base64, as Standard Webhooks needs it
	oldKey  = "dGhlLXByZXZpb3VzLXNlY3JldC1jYW5hcnk="
	machine = "arn:aws:states:us-east-1:111122223333:stateMachine:postern"
	id      = "monte-carlo/agents-prod"
)

var noon = time.Date(2026, 11, 2, 14, 0, 0, 0, time.UTC)

var networks = connection.Networks{{Name: "agents-prod", AccountID: "111122223333", Region: "us-east-1",
	VPCID: "vpc-0a1b2c3d4e5f60718"}}

func everySource(t testing.TB) Sources {
	t.Helper()
	block := map[string]Override{}
	for _, name := range Names() {
		block[name] = Override{}
	}
	raw, err := json.Marshal(block)
	if err != nil {
		t.Fatal(err)
	}
	sources, err := Load(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	return sources
}

func vendors(t testing.TB) catalog.Catalog {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func digest(key string, parts ...string) []byte {
	hash := hmac.New(sha256.New, []byte(key))
	for _, part := range parts {
		hash.Write([]byte(part))
	}
	return hash.Sum(nil)
}

// sign returns the headers that the source's system would send.
func sign(source *Source, key string, at time.Time, body []byte) map[string]string {
	hub := "sha256=" + hex.EncodeToString(digest(key, string(body)))
	switch source.Scheme {
	case "standard":
		hook, err := standardwebhooks.NewWebhook(key)
		if err != nil {
			panic(err)
		}
		signature, err := hook.Sign("msg_1", at, body)
		if err != nil {
			panic(err)
		}
		return map[string]string{"webhook-id": "msg_1", "webhook-timestamp": strconv.FormatInt(at.Unix(), 10),
			"webhook-signature": signature}
	case "jira":
		return map[string]string{"x-hub-signature": hub, "x-atlassian-webhook-identifier": "1"}
	case "github":
		return map[string]string{"x-hub-signature-256": hub, "x-github-event": "issues", "x-github-delivery": "1"}
	case "zendesk":
		stamp := at.Format("2006-01-02T15:04:05Z")
		return map[string]string{"x-zendesk-webhook-signature-timestamp": stamp,
			"x-zendesk-webhook-signature": base64.StdEncoding.EncodeToString(digest(key, stamp, string(body)))}
	default:
		return map[string]string{"authorization": "Bearer " + key}
	}
}

func post(source string, headers map[string]string, body []byte, at time.Time) lambdaevents.APIGatewayV2HTTPRequest {
	request := lambdaevents.APIGatewayV2HTTPRequest{Version: "2.0", Headers: headers, Body: string(body),
		PathParameters: map[string]string{"source": source}}
	request.RequestContext.TimeEpoch = at.UnixMilli()
	return request
}

func sample(source string) []byte { return events.Read("webhook." + source + ".json") }

// world is a door with everything behind it.
type world struct {
	*Door
	vault   *fakeSecrets
	machine *fakeStates
	table   *storetest.Table
	store   *store.Store
	logs    *lines
	metrics *lines
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{vault: &fakeSecrets{values: map[string]string{}}, machine: &fakeStates{executions: map[string]string{}},
		table: &storetest.Table{}, logs: &lines{}, metrics: &lines{}}
	for _, name := range Names() {
		w.vault.values[SecretPrefix+name+" AWSCURRENT"] = key
		w.vault.values[SecretPrefix+name+" AWSPREVIOUS"] = oldKey
	}
	w.store = store.New(w.table, "connections").Asking(w.machine)
	w.Door = New(Config{Sources: everySource(t), Networks: networks, Catalog: vendors(t), Machine: machine}, NewVault(w.vault),
		w.store, w.machine, w.metrics, slog.New(slog.NewJSONHandler(w.logs, nil)))
	return w
}

type result struct {
	status int
	answer
	raw string
}

func (w *world) send(t testing.TB, request lambdaevents.APIGatewayV2HTTPRequest) result {
	t.Helper()
	response, err := w.Handle(context.Background(), request)
	if err != nil {
		t.Fatal(err)
	}
	r := result{status: response.StatusCode, raw: response.Body}
	if err := json.Unmarshal([]byte(response.Body), &r.answer); err != nil {
		t.Fatal(err)
	}
	return r
}

// deliver sends a body, rightly signed.
func (w *world) deliver(t testing.TB, source string, body []byte) result {
	t.Helper()
	return w.send(t, post(source, sign(w.config.Sources[source], key, noon, body), body, noon))
}

// lines collects the log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// fakeSecrets is Secrets Manager: values by name and stage.
type fakeSecrets struct {
	mu     sync.Mutex
	values map[string]string
	err    error
	calls  int
}

func (f *fakeSecrets) GetSecretValue(_ context.Context, in *secretsmanager.GetSecretValueInput,
	_ ...func(*secretsmanager.Options)) (
	*secretsmanager.GetSecretValueOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.err != nil {
		return nil, f.err
	}
	value, known := f.values[aws.ToString(in.SecretId)+" "+aws.ToString(in.VersionStage)]
	if !known {
		return nil, &smithy.GenericAPIError{Code: "ResourceNotFoundException",
			Message: "Secrets Manager can't find the specified secret."}
	}
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String(value)}, nil
}

// fakeStates is Step Functions: a running execution is found again by name and input, one that ended is not.
type fakeStates struct {
	mu         sync.Mutex
	executions map[string]string // name to input
	ended      bool              // everything that was started
	err        error
	status     map[string]sfntypes.ExecutionStatus // by ARN; what is not there runs
	asked      int                                 // how often whether another execution runs, such as that of the name "other"
}

func (f *fakeStates) DescribeExecution(_ context.Context, in *sfn.DescribeExecutionInput, _ ...func(*sfn.Options)) (
	*sfn.DescribeExecutionOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	arn := aws.ToString(in.ExecutionArn)
	name := executionName(arn)
	_, started := f.executions[name]
	status, known := f.status[arn]
	switch {
	case !started && !known && name != "other":
		return nil, &smithy.GenericAPIError{Code: "ExecutionDoesNotExist"}
	case started:
		status = cmp.Or(status, map[bool]sfntypes.ExecutionStatus{true: sfntypes.ExecutionStatusSucceeded}[f.ended])
	default:
		f.asked++
	}
	out := &sfn.DescribeExecutionOutput{Status: cmp.Or(status, sfntypes.ExecutionStatusRunning)}
	if out.Status != sfntypes.ExecutionStatusRunning && out.Status != sfntypes.ExecutionStatusPendingRedrive {
		out.StopDate = aws.Time(noon)
	}
	return out, nil
}

func (f *fakeStates) StartExecution(_ context.Context, in *sfn.StartExecutionInput, _ ...func(*sfn.Options)) (
	*sfn.StartExecutionOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	name, input := aws.ToString(in.Name), aws.ToString(in.Input)
	if aws.ToString(in.StateMachineArn) != machine || len(name) > 80 || !json.Valid([]byte(input)) {
		return nil, fmt.Errorf("a wrong start: %s %s", aws.ToString(in.StateMachineArn), name)
	}
	if before, known := f.executions[name]; known && (f.ended || before != input) {
		return nil, &smithy.GenericAPIError{Code: "ExecutionAlreadyExists", Message: "Execution Already Exists"}
	}
	f.executions[name] = input
	return &sfn.StartExecutionOutput{ExecutionArn: aws.String(connection.ExecutionARN(machine, name)), StartDate: aws.Time(noon)}, nil
}

func delivery(headers map[string]string, body []byte) Delivery {
	d := Delivery{Header: http.Header{}, Body: body, At: noon}
	for name, value := range headers {
		d.Header.Add(name, value)
	}
	return d
}

func newLogger(l *lines) *slog.Logger { return slog.New(slog.NewJSONHandler(l, nil)) }
