package sns_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/local/clock"
	"postern/internal/local/sns"
	"postern/internal/local/wire"
)

const (
	account  = "111122223333"
	region   = "us-east-1"
	topic    = "arn:aws:sns:us-east-1:111122223333:operators"
	function = "arn:aws:lambda:us-east-1:111122223333:function:observe"
	queue    = "arn:aws:sqs:us-east-1:111122223333:dead"
	key      = "arn:aws:kms:us-east-1:111122223333:key/k"
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

type world struct {
	*sns.Service
	clock *clock.Clock
	got   []sns.Notification
	event []byte // the last one
}

// newWorld has a topic with a function and a mailbox.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{clock: clock.New(start)}
	w.Service = sns.New(w.clock, account, region)
	err := errors.Join(
		w.AddTopic(sns.Topic{ARN: topic, DisplayName: "Postern", KeyARN: key}),
		w.Subscribe(sns.Subscription{TopicARN: topic, Protocol: "lambda", Endpoint: function, DeadLetterARN: queue}),
		w.Subscribe(sns.Subscription{TopicARN: topic, Protocol: "email", Endpoint: "ops@example.com"}))
	if err != nil {
		t.Fatal(err)
	}
	w.OnDeliver(func(s sns.Subscription, n sns.Notification) error {
		w.got, w.event = append(w.got, n), n.LambdaEvent(s)
		return nil
	})
	return w
}

func (w *world) run(d time.Duration) {
	done := false
	w.clock.After(d, "end", func() { done = true })
	for !done {
		w.clock.Step()
	}
}

func (w *world) client(t *testing.T, authorizer wire.Authorizer) *client.Client {
	server := wire.NewServer(wire.Config{AccountID: account, Region: region, Now: w.clock.Now, Authorizer: authorizer}, w)
	server.Register("AKIA", wire.Principal{RoleARN: "arn:aws:iam::111122223333:role/R", Function: "f"})
	return client.NewFromConfig(server.AWS("AKIA"))
}

func (w *world) publish(t *testing.T, in *client.PublishInput) (*client.PublishOutput, error) {
	return w.client(t, wire.AllowAll{}).Publish(context.Background(), in)
}

func TestPublish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const message = "line <1> & \"2\"\n"
	out, err := w.publish(t, &client.PublishInput{
		TopicArn: aws.String(topic), Subject: aws.String("Hello"), Message: aws.String(message),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.run(72 * time.Millisecond)
	if len(w.got)+len(w.Mails()) != 0 {
		t.Error("delivered before the latency")
	}
	w.run(time.Millisecond)
	want := []sns.Mail{{
		TopicARN: topic, From: "Postern <no-reply@sns.amazonaws.com>", To: "ops@example.com", Subject: "Hello", Body: message,
		At: start.Add(73 * time.Millisecond),
	}}
	if diff := cmp.Diff(want, w.Mails()); diff != "" {
		t.Error(diff)
	}
	var event lambdaevents.SNSEvent // AWS's own reading of the event
	if err := json.Unmarshal(w.event, &event); err != nil {
		t.Fatal(err)
	}
	got := event.Records[0].SNS
	if event.Records[0].EventSource != "aws:sns" || !strings.HasPrefix(event.Records[0].EventSubscriptionArn, topic+":") ||
		got.MessageID != *out.MessageId || got.TopicArn != topic || got.Subject != "Hello" || got.Message != message ||
		!got.Timestamp.Equal(start) || got.Type != "Notification" || got.UnsubscribeURL == "" {
		t.Errorf("got %+v", event.Records[0])
	}
}

func TestEventWithoutSubject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.Publish(topic, "", "m"); err != nil {
		t.Fatal(err)
	}
	w.run(time.Second)
	var event struct {
		Records []struct{ Sns map[string]any }
	}
	if err := json.Unmarshal(w.event, &event); err != nil {
		t.Fatal(err)
	}
	got := event.Records[0].Sns
	if subject, has := got["Subject"]; !has || subject != nil || got["Timestamp"] != "2026-11-02T09:00:00.000Z" || len(got) != 11 {
		t.Errorf("got %s", w.event)
	}
	if mails := w.Mails(); len(mails) != 1 || mails[0].Subject != "AWS Notification Message" {
		t.Errorf("got %+v", mails)
	}
	if _, err := w.Publish(topic+"x", "", "m"); err == nil {
		t.Error("a message to no topic is taken")
	}
}

func TestPublishRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	message := aws.String("m")
	tests := []struct {
		name string
		in   client.PublishInput
		want string
	}{
		{"no topic", client.PublishInput{Message: message, TopicArn: aws.String(topic + "x")}, "NotFound"},
		{"not an ARN", client.PublishInput{Message: message, TopicArn: aws.String("operators")}, "InvalidParameter"},
		{"empty message", client.PublishInput{Message: aws.String("")}, "InvalidParameter"},
		{"too long", client.PublishInput{Message: aws.String(strings.Repeat("x", 256*1024+1))}, "InvalidParameter"},
		{"empty subject", client.PublishInput{Message: message, Subject: aws.String("")}, "InvalidParameter"},
		{"line break in subject", client.PublishInput{Message: message, Subject: aws.String("a\nb")}, "InvalidParameter"},
		{"umlaut in subject", client.PublishInput{Message: message, Subject: aws.String("ä")}, "InvalidParameter"},
		{"subject begins with a space", client.PublishInput{Message: message, Subject: aws.String(" a")}, "InvalidParameter"},
		{"long subject", client.PublishInput{Message: message, Subject: aws.String(strings.Repeat("x", 100))}, "InvalidParameter"},
		{"attributes", client.PublishInput{Message: message, MessageAttributes: map[string]types.MessageAttributeValue{
			"a": {DataType: aws.String("String"), StringValue: aws.String("x")},
		}}, wire.CodeNotImplemented},
		{"unknown member", client.PublishInput{Message: message, MessageStructure: aws.String("json")}, wire.CodeNotImplemented},
	}
	for _, test := range tests {
		if test.in.TopicArn == nil {
			test.in.TopicArn = aws.String(topic)
		}
		if _, err := w.publish(t, &test.in); code(err) != test.want {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
	longest := client.PublishInput{TopicArn: aws.String(topic), Message: message, Subject: aws.String(strings.Repeat("x", 99))}
	if _, err := w.publish(t, &longest); err != nil {
		t.Errorf("a subject of 99 characters: %v", err)
	}
	w.run(time.Second)
	if len(w.Mails()) != 1 {
		t.Errorf("%d mails, want 1", len(w.Mails()))
	}
}

type rules []string // what is allowed: "action resource"

func (r rules) Authorize(_ string, p wire.Permission) wire.Decision {
	if strings.HasPrefix(p.Action, "kms:") && !cmp.Equal(p.Context["kms:viaservice"], []string{"sns.us-east-1.amazonaws.com"}) {
		return wire.Decision{}
	}
	for _, allowed := range r {
		if allowed == p.Action+" "+p.Resource {
			return wire.Decision{Allowed: true}
		}
	}
	return wire.Decision{}
}

func TestPublishPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := rules{"sns:Publish " + topic, "kms:GenerateDataKey " + key, "kms:Decrypt " + key}
	in := &client.PublishInput{TopicArn: aws.String(topic), Message: aws.String("m")}
	if _, err := w.client(t, all).Publish(context.Background(), in); err != nil {
		t.Error(err)
	}
	for i := range all {
		some := append(append(rules{}, all[:i]...), all[i+1:]...)
		want := "AuthorizationError"
		if strings.HasPrefix(all[i], "kms:") {
			want = "KMSAccessDenied"
		}
		if _, err := w.client(t, some).Publish(context.Background(), in); code(err) != want {
			t.Errorf("without %s: got %v, want %s", all[i], err, want)
		}
	}
}

func TestDisturb(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Disturb(func(_ sns.Subscription, n sns.Notification) []time.Duration {
		switch n.Message {
		case "lost":
			return nil
		case "twice":
			return []time.Duration{0, time.Minute}
		case "late":
			return []time.Duration{time.Hour}
		}
		return []time.Duration{0}
	})
	for _, message := range []string{"late", "lost", "twice", "usual"} {
		if _, err := w.Publish(topic, "", message); err != nil {
			t.Fatal(err)
		}
	}
	w.run(2 * time.Hour)
	var got []string
	for _, n := range w.got {
		got = append(got, n.Message)
	}
	if diff := cmp.Diff([]string{"twice", "usual", "twice", "late"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestUndeliverable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.OnDeliver(func(sns.Subscription, sns.Notification) error { return errors.New("no permission") })
	var body map[string]any
	w.OnDeadLetter(func(s sns.Subscription, raw []byte, attributes map[string]string) error {
		if s.DeadLetterARN != queue || attributes["ERROR_MESSAGE"] != "no permission" {
			t.Errorf("got %+v, %v", s, attributes)
		}
		return json.Unmarshal(raw, &body)
	})
	if _, err := w.Publish(topic, "s", "m"); err != nil {
		t.Fatal(err)
	}
	w.run(time.Second)
	if body["Message"] != "m" || body["TopicArn"] != topic || body["SigningCertURL"] == nil {
		t.Errorf("the queue got %v", body)
	}
	if f := w.Failures(); len(f) != 1 || !f[0].DeadLettered || len(w.Mails()) != 1 {
		t.Errorf("failures %+v, mails %v", f, w.Mails())
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, bad := range []sns.Topic{
		{ARN: topic}, {ARN: "operators"}, {ARN: topic + ".fifo"}, {ARN: "arn:aws:sns:eu-west-1:111122223333:x"},
		{ARN: topic + "2", KeyARN: "alias/aws/sns"},
	} {
		if err := w.AddTopic(bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	for _, bad := range []sns.Subscription{
		{TopicARN: topic + "x", Protocol: "lambda", Endpoint: function},
		{TopicARN: topic, Protocol: "lambda", Endpoint: "observe"},
		{TopicARN: topic, Protocol: "email", Endpoint: "ops"},
		{TopicARN: topic, Protocol: "sqs", Endpoint: queue},
	} {
		if err := w.Subscribe(bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
