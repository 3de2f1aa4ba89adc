package sqs_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/local/clock"
	"postern/internal/local/conformance"
	"postern/internal/local/sqs"
	"postern/internal/local/wire"
)

const (
	account = "111122223333"
	region  = "us-east-1"
	arn     = "arn:aws:sqs:us-east-1:111122223333:dead"
	url     = "https://sqs.us-east-1.amazonaws.com/111122223333/dead"
)

type world struct {
	*sqs.Service
	t     *testing.T
	clock *clock.Clock
	http  *http.Client
}

func newWorld(t *testing.T, authorizer wire.Authorizer) *world {
	t.Helper()
	w := &world{t: t, clock: clock.New(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC))}
	w.Service = sqs.New(w.clock, account, region)
	if err := w.AddQueue(sqs.Queue{ARN: arn}); err != nil {
		t.Fatal(err)
	}
	server := wire.NewServer(wire.Config{AccountID: account, Region: region, Now: w.clock.Now, Authorizer: authorizer}, w)
	conformance.Watch(t, server)
	server.Register("AKIA", wire.Principal{RoleARN: "arn:aws:iam::111122223333:role/R", Function: "f"})
	w.http = &http.Client{Transport: server.Transport()}
	return w
}

// call makes a call as an SDK writes it; no function uses SQS, so its client is not among the dependencies.
func (w *world) call(operation string, in map[string]any) (out map[string]any) {
	w.t.Helper()
	if in["QueueName"] == nil && in["QueueUrl"] == nil {
		in["QueueUrl"] = url
	}
	body, err := json.Marshal(in)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, "http://aws.embedded", bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/20261102/us-east-1/sqs/aws4_request, Signature=x")
	answer, err := w.http.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) pass(d time.Duration) {
	w.clock.After(d, "end", func() {})
	w.clock.Step()
}

func (w *world) receive(in map[string]any) []any {
	w.t.Helper()
	messages, _ := w.call("ReceiveMessage", in)["Messages"].([]any)
	return messages
}

func TestSendReceiveDelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	if err := w.Send(arn, []byte("one"), map[string]string{"ERROR_CODE": "NO_PERMISSIONS"}); err != nil {
		t.Fatal(err)
	}
	w.call("SendMessage", map[string]any{"MessageBody": "two"})
	got := w.receive(map[string]any{"MessageAttributeNames": []string{"All"}, "MessageSystemAttributeNames": []string{"ApproximateReceiveCount"}})
	first, _ := got[0].(map[string]any)
	want := map[string]any{
		"MessageId": w.Messages(arn)[0].ID, "ReceiptHandle": first["ReceiptHandle"], "Body": "one",
		"MD5OfBody":         "f97c5d29941bfb1b2fdab0874906ab82",
		"Attributes":        map[string]any{"ApproximateReceiveCount": "1"},
		"MessageAttributes": map[string]any{"ERROR_CODE": map[string]any{"DataType": "String", "StringValue": "NO_PERMISSIONS"}},
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	if got := w.receive(map[string]any{"MaxNumberOfMessages": 10}); len(got) != 1 {
		t.Errorf("%d messages, want the one that is not in flight", len(got))
	}
	attributes := w.call("GetQueueAttributes", map[string]any{
		"AttributeNames": []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"},
	})
	want = map[string]any{"Attributes": map[string]any{
		"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "2",
	}}
	if diff := cmp.Diff(want, attributes); diff != "" {
		t.Error(diff)
	}
	w.call("DeleteMessage", map[string]any{"ReceiptHandle": first["ReceiptHandle"]})
	w.pass(30 * time.Second)
	if got := w.receive(map[string]any{"MaxNumberOfMessages": 10}); len(got) != 1 || len(w.Messages(arn)) != 1 {
		t.Errorf("%d received, %d kept, want the one that was not deleted", len(got), len(w.Messages(arn)))
	}
}

func TestRetentionAndPurge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	for range 2 {
		if err := w.Send(arn, []byte("x"), nil); err != nil {
			t.Fatal(err)
		}
		w.pass(2 * 24 * time.Hour)
	}
	if got := len(w.Messages(arn)); got != 1 {
		t.Errorf("%d messages after 4 days, want 1", got)
	}
	w.call("PurgeQueue", map[string]any{})
	if got := len(w.Messages(arn)); got != 0 {
		t.Errorf("%d messages, want none", got)
	}
}

func TestDelay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	w.call("SendMessage", map[string]any{"MessageBody": "x", "DelaySeconds": 10})
	if got := w.receive(map[string]any{}); len(got) != 0 {
		t.Errorf("got %v before the delay", got)
	}
	w.pass(10 * time.Second)
	if got := w.receive(map[string]any{}); len(got) != 1 {
		t.Errorf("got %v after the delay", got)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	number := map[string]any{"n": map[string]any{"DataType": "Number"}}
	tests := []struct {
		operation string
		in        map[string]any
		want      string
	}{
		{"GetQueueUrl", map[string]any{"QueueName": "x"}, "QueueDoesNotExist"},
		{"SendMessage", map[string]any{"QueueUrl": url + "x", "MessageBody": "x"}, "QueueDoesNotExist"},
		{"SendMessage", map[string]any{}, "MissingParameter"},
		{"SendMessage", map[string]any{"MessageBody": "x", "MessageGroupId": "g"}, wire.CodeNotImplemented},
		{"SendMessage", map[string]any{"MessageBody": "x", "MessageAttributes": number}, "InvalidParameterValue"},
		{"ReceiveMessage", map[string]any{"MaxNumberOfMessages": 11}, "InvalidParameterValue"},
		{"GetQueueAttributes", map[string]any{"AttributeNames": []string{"x"}}, "InvalidAttributeName"},
		{"DeleteQueue", map[string]any{}, wire.CodeNotImplemented},
	}
	for _, test := range tests {
		if got := w.call(test.operation, test.in)["__type"]; got != test.want {
			t.Errorf("%s %v: got %v, want %s", test.operation, test.in, got, test.want)
		}
	}
	if err := w.Send(arn+"x", nil, nil); err == nil {
		t.Error("a message to no queue is taken")
	}
	for _, bad := range []string{arn, "dead", arn + ".fifo", "arn:aws:sqs:eu-west-1:111122223333:x"} {
		if err := w.AddQueue(sqs.Queue{ARN: bad}); err == nil {
			t.Errorf("the queue %q is taken", bad)
		}
	}
	if got := w.call("GetQueueUrl", map[string]any{"QueueName": "dead"})["QueueUrl"]; got != url {
		t.Errorf("got %v, want %s", got, url)
	}
}

type onlyThe string

func (o onlyThe) Authorize(_ string, p wire.Permission) wire.Decision {
	return wire.Decision{Allowed: p.Action+" "+p.Resource == string(o)}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onlyThe("sqs:SendMessage "+arn))
	if got := w.call("SendMessage", map[string]any{"MessageBody": "x"}); got["MessageId"] == nil {
		t.Errorf("got %v", got)
	}
	if got := w.call("ReceiveMessage", map[string]any{})["__type"]; got != "AccessDeniedException" {
		t.Errorf("got %v", got)
	}
}
