// Package mail mails the operators what to send to a vendor: when an execution begins to wait for one, and again when half, four
// fifths and all of the vendor's own hours have passed, and when an endpoint is deleted that the vendor may have on its lists. It also
// mails them orphaned resources and the drift of a link in use.
//
// Each message for a vendor goes out once for each execution and gate, or offboarding, and that of an orphan once. The order is claim, publish; what
// follows a failed publish depends on what is known. When AWS refused, nothing was sent: the claim is given back, and the retry sends. When no answer came, the
// message may be out: the claim stays, since a vendor who is asked twice opens two tickets, and the error (and its alarm) says
// where to find the text. SNS has no idempotency token for a topic that mails, which is why the claim exists at all.
package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"postern/internal/awserr"
	"postern/internal/connection"
	"postern/internal/store"
)

// API is what is called of SNS; *sns.Client satisfies it. It must not retry by itself: a retry after a lost answer mails twice.
type API interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// Claims says who sends which message; *store.Store satisfies it. A claim has a name, "" when another caller holds it, and is
// released by that name.
type Claims interface {
	ClaimNotice(ctx context.Context, connectionID, execution string, gate connection.Gate, at time.Time) (name string, err error)
	ReleaseNotice(ctx context.Context, connectionID, execution string, gate connection.Gate, name string) error
	ClaimReminder(ctx context.Context, r store.Reminder) (name string, err error)
	ReleaseReminder(ctx context.Context, r store.Reminder, name string) error
	ClaimRemoval(ctx context.Context, connectionID, execution string, at time.Time) (name string, err error)
	ReleaseRemoval(ctx context.Context, connectionID, execution, name string) error
	ClaimOrphan(ctx context.Context, orphan connection.OrphanNotice) (name string, err error)
	ReleaseOrphan(ctx context.Context, orphan connection.OrphanNotice, name string) error
}

// Notifier mails the operators.
type Notifier struct {
	claims Claims
	api    API
	topic  string
	log    *slog.Logger
}

// New returns a notifier that publishes to a topic, given by its ARN.
func New(claims Claims, api API, topic string, log *slog.Logger) *Notifier {
	return &Notifier{claims: claims, api: api, topic: topic, log: log}
}

// Result says whether this invocation sent the message.
type Result struct {
	Sent bool `json:"sent"`
}

// event is an EventBridge event, as far as it matters here.
type event struct {
	Source     string          `json:"source"`
	DetailType string          `json:"detail-type"`
	Detail     json.RawMessage `json:"detail"`
}

// Notify handles one event of Postern's own; one that says nothing to operators is a no-op.
func (n *Notifier) Notify(ctx context.Context, e event) (Result, error) {
	switch {
	case e.Source == connection.EventSource && e.DetailType == connection.EventGateOpened:
		return n.ask(ctx, e.Detail)
	case e.Source == connection.EventSource && e.DetailType == connection.EventGateReminder:
		return n.remind(ctx, e.Detail)
	case e.Source == connection.EventSource && e.DetailType == connection.EventOffboarded:
		return n.removed(ctx, e.Detail)
	case e.Source == connection.EventSource && e.DetailType == connection.EventOrphan:
		return n.reportOrphan(ctx, e.Detail)
	case e.Source == connection.EventSource && e.DetailType == connection.EventDrift:
		return n.drifted(ctx, e.Detail)
	default:
		n.log.InfoContext(ctx, "nothing to mail", "source", e.Source, "detailType", e.DetailType)
		return Result{}, nil
	}
}

// ask mails the text that begins a wait.
func (n *Notifier) ask(ctx context.Context, detail json.RawMessage) (Result, error) {
	notice, err := decode(detail)
	if err != nil {
		return Result{}, err
	}
	log := n.log.With("connection", notice.ConnectionID, "gate", notice.Gate, "execution", notice.Execution)
	name, err := n.claims.ClaimNotice(ctx, notice.ConnectionID, notice.Execution, notice.Gate, notice.OpenedAt)
	if err != nil {
		return Result{}, err
	}
	if name == "" {
		log.InfoContext(ctx, "the message is sent already")
		return Result{}, nil
	}
	err = n.publish(ctx, subject(notice), body(notice))
	if err == nil {
		log.InfoContext(ctx, "message sent")
		return Result{Sent: true}, nil
	}
	err = fmt.Errorf("mailing the operators about %s: %w", notice.ConnectionID, err)
	if notSent(err) {
		return Result{}, errors.Join(err, n.claims.ReleaseNotice(ctx, notice.ConnectionID, notice.Execution, notice.Gate, name))
	}
	return Result{}, fmt.Errorf("%w; the message may be out and is not sent again: see plan.gates.%s in execution %s",
		err, notice.Gate, notice.Execution)
}

func (n *Notifier) publish(ctx context.Context, subject, body string) error {
	_, err := n.api.Publish(ctx, &sns.PublishInput{
		TopicArn: aws.String(n.topic), Subject: aws.String(subject), Message: aws.String(body),
	})
	return err
}

// notSent reports whether a publish that failed certainly sent nothing: AWS answered with an error, or was never reached.
func notSent(err error) bool {
	var network *net.OpError
	if errors.As(err, &network) && network.Op == "dial" {
		return true
	}
	return awserr.Code(err) != ""
}

// decode reads a notice. Fields it does not know are let pass: await-gate may be newer than this function.
func decode(detail json.RawMessage) (connection.GateNotice, error) {
	var notice connection.GateNotice
	if err := json.Unmarshal(detail, &notice); err != nil {
		return notice, connection.Errorf(connection.Internal, "reading the detail of %q: %w", connection.EventGateOpened, err)
	}
	known := notice.Gate == connection.GateAllowlist || notice.Gate == connection.GateApproval
	if notice.ConnectionID == "" || notice.Execution == "" || notice.Body == "" || !known {
		return notice, connection.Errorf(connection.Internal,
			"the detail of %q lacks a connection id, an execution, a body or a known gate", connection.EventGateOpened)
	}
	return notice, nil
}
