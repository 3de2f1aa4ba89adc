package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"postern/internal/awserr"
	"postern/internal/catalog"
	"postern/internal/connection"
	"postern/internal/step"
	"postern/internal/store"
)

// Secrets returns the active secrets of a source; none when there are none.
type Secrets interface {
	Secrets(ctx context.Context, source string, at time.Time) ([]Secret, error)
}

// Records is what is known of a connection, and whether the execution that holds it has ended; *store.Store satisfies it.
type Records interface {
	Record(ctx context.Context, connectionID string) (store.Record, error)
	Ended(ctx context.Context, execution string) (bool, error)
}

// StatesAPI is what the door calls of Step Functions; *sfn.Client satisfies it.
type StatesAPI interface {
	StartExecution(context.Context, *sfn.StartExecutionInput, ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error)
	DescribeExecution(context.Context, *sfn.DescribeExecutionInput, ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error)
}

// Config is what a deployment decides.
type Config struct {
	Sources  Sources
	Networks connection.Networks
	Catalog  catalog.Catalog
	Machine  string // ARN of the state machine
}

// Door takes deliveries.
type Door struct {
	config  Config
	secrets Secrets
	records Records
	states  StatesAPI
	metrics io.Writer
	log     *slog.Logger
}

// MetricRefused is the number of deliveries whose sender could not show that it knows the source's secret. It is written when
// there are any.
const MetricRefused = "WebhookRefused"

// New returns a door; it writes metric lines to metrics.
func New(config Config, secrets Secrets, records Records, states StatesAPI, metrics io.Writer, log *slog.Logger) *Door {
	return &Door{config: config, secrets: secrets, records: records, states: states, metrics: metrics, log: log}
}

// answer is what the sender gets.
type answer struct {
	status       int
	Message      string       `json:"message,omitempty"`
	ConnectionID string       `json:"connectionId,omitempty"`
	Execution    string       `json:"execution,omitempty"`
	State        string       `json:"state,omitempty"` // of the execution: stateStarted, stateRunning, or how it ended
	Faults       []fieldFault `json:"faults,omitempty"`
}

// fieldFault is a fault by what the ticket calls the field.
type fieldFault struct {
	Field   string `json:"field"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy,omitempty"`
}

// Handle answers one HTTP request of API Gateway. Its error is always nil: what went wrong on our side is a 5xx, which ticket
// systems deliver again.
func (d *Door) Handle(ctx context.Context, request events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	name := request.PathParameters["source"]
	source, known := d.config.Sources[name]
	if !known {
		return d.respond(ctx, "", answer{status: http.StatusNotFound, Message: "no such webhook"}, nil), nil
	}
	a, err := d.receive(ctx, source, request)
	if a.status == http.StatusUnauthorized {
		refused := step.Metric{Name: MetricRefused, Unit: step.Count, Value: 1}
		err = errors.Join(err, step.WriteMetrics(d.metrics, receivedAt(request), refused))
	}
	return d.respond(ctx, name, a, err), nil
}

// receive checks who sent the delivery before it looks at what it says. The error is for our log.
func (d *Door) receive(ctx context.Context, source *Source, request events.APIGatewayV2HTTPRequest) (answer, error) {
	denied := answer{status: http.StatusUnauthorized, Message: "not authorized"}
	delivery, err := deliveryOf(request)
	if errors.Is(err, errTooLarge) {
		return answer{status: http.StatusRequestEntityTooLarge, Message: err.Error()}, nil
	}
	if err != nil {
		return denied, err
	}
	secrets, err := d.secrets.Secrets(ctx, source.Name, delivery.At)
	if err != nil {
		return unavailable(err), err
	}
	if err := source.Verify(delivery, secrets); err != nil {
		return denied, err
	}
	asked, faults := source.Map(delivery.Body, d.config.Networks, d.config.Catalog)
	if len(faults) > 0 {
		return refusal(faults), nil
	}
	if asked == nil {
		return answer{status: http.StatusOK, Message: "nothing to do: the ticket asks for nothing now"}, nil
	}
	return d.start(ctx, source, asked, delivery.At)
}

func refusal(faults connection.Faults) answer {
	a := answer{status: http.StatusUnprocessableEntity}
	if a.Message = fmt.Sprintf("the ticket has %d faults", len(faults)); len(faults) == 1 {
		a.Message = "the ticket has 1 fault"
	}
	for _, fault := range faults {
		a.Faults = append(a.Faults, fieldFault{Field: fault.Path, Problem: fault.Problem, Remedy: fault.Remedy})
	}
	return a
}

// The states of an execution that runs. One that has ended has AWS's own: succeeded, failed, timed_out or aborted.
const (
	stateStarted = "started"
	stateRunning = "running"
)

// clockSkew is how far the clocks of API Gateway and Step Functions may differ.
const clockSkew = time.Second

// start starts the execution of a ticket's change, unless an earlier delivery of the same change started it. The answer then has the state
// of that execution, even where a new change would be refused now; only a ticket to which the connection no longer belongs is refused.
func (d *Door) start(ctx context.Context, source *Source, asked *Asked, received time.Time) (answer, error) {
	id := asked.Request.ConnectionID()
	name, input := asked.Execution()
	accepted := answer{status: http.StatusAccepted, ConnectionID: id, Execution: connection.ExecutionARN(d.config.Machine, name)}
	record, err := d.records.Record(ctx, id)
	if err != nil {
		return unavailable(err), err
	}
	own := record.Holder == accepted.Execution
	if faults := owns(record, asked); len(faults) > 0 && !own {
		return refusal(source.named(faults)), nil
	}
	faults := asked.stale(source.Ticket, received)
	if len(faults) == 0 && !own {
		atWork, err := d.atWork(ctx, record, asked)
		if err != nil {
			return unavailable(err), err
		}
		faults = mayAct(record, atWork, asked)
	}
	if len(faults) > 0 {
		return d.found(ctx, accepted, refusal(source.named(faults)))
	}
	out, err := d.states.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: aws.String(d.config.Machine), Name: aws.String(name), Input: aws.String(input),
	})
	switch {
	// AWS: the name of an execution that has ended is taken for 90 days; while it runs, the same name and input start nothing.
	case awserr.Is(err, "ExecutionAlreadyExists"):
		return d.found(ctx, accepted, accepted)
	case err != nil:
		return unavailable(err), fmt.Errorf("starting execution %s: %w", name, err)
	case out.StartDate != nil && received.Sub(*out.StartDate) > clockSkew:
		accepted.State = stateRunning
	default:
		accepted.State = stateStarted
	}
	return accepted, nil
}

// found answers with the state of the execution that an earlier delivery of the same change started. When there is none, it returns
// otherwise.
func (d *Door) found(ctx context.Context, accepted, otherwise answer) (answer, error) {
	out, err := d.states.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(accepted.Execution)})
	switch {
	case awserr.Is(err, "ExecutionDoesNotExist"):
		return otherwise, nil
	case err != nil:
		return unavailable(err), fmt.Errorf("looking for execution %s: %w", accepted.Execution, err)
	}
	accepted.State = strings.ToLower(string(out.Status))
	if out.StopDate != nil {
		accepted.Message = "this change of the ticket was delivered before, and its execution has ended; to ask again, change the ticket again"
	}
	return accepted, nil
}

// atWork reports whether the connection is being worked on. One that was stopped by hand holds it still, and does nothing. It is
// only asked where the answer matters.
func (d *Door) atWork(ctx context.Context, record store.Record, asked *Asked) (bool, error) {
	if record.Holder == "" || asked.Action == connection.ActionPlan {
		return record.Holder != "", nil
	}
	ended, err := d.records.Ended(ctx, record.Holder)
	return !ended, err
}

// owns refuses a ticket that acts on a connection of another ticket or of the operators. The execution checks this again when it plans and
// when it claims.
func owns(record store.Record, asked *Asked) connection.Faults {
	var faults connection.Faults
	switch asked.Action {
	case connection.ActionApprove, connection.ActionCancel, connection.ActionOffboard:
		if !record.Owns(asked.Ticket()) {
			faults.Add("name", "no connection of this name was opened from this ticket", "act on the ticket that it was opened from")
		}
	default:
		if !record.Opens(asked.Ticket()) {
			faults.Add("name", "this connection was not opened from this ticket",
				"act on the ticket that it was opened from, or choose another name")
		}
	}
	return faults
}

// mayAct refuses an action for which the connection is in the wrong state, such as another onboarding during one: the execution would only
// fail.
func mayAct(record store.Record, atWork bool, asked *Asked) connection.Faults {
	var faults connection.Faults
	acknowledges := asked.Action == connection.ActionApprove || asked.Action == connection.ActionCancel
	switch {
	case acknowledges && !atWork:
		faults.Add(actionPath, "nothing is at work on this connection", "nothing needs to be done; to begin anew ask for a retry")
	case acknowledges:
	case atWork && asked.Action != connection.ActionPlan:
		faults.Addf("name", "wait until that has ended", "execution %s is at work on this connection", executionName(record.Holder))
	case asked.Action == connection.ActionRetry && record.Holder == "" && record.Status == store.StatusOnboarded:
		faults.Add(actionPath, "the last onboarding did not fail", "nothing needs to be done")
	}
	return faults
}

func executionName(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }

// unavailable says to come again.
func unavailable(err error) answer {
	if awserr.IsThrottled(err) {
		return answer{status: http.StatusTooManyRequests, Message: "too many requests, try again"}
	}
	return answer{status: http.StatusServiceUnavailable, Message: "not available now, try again"}
}

// respond logs what came of a delivery, never what was in it, and makes API Gateway's answer.
func (d *Door) respond(ctx context.Context, source string, a answer, err error) events.APIGatewayV2HTTPResponse {
	attributes := []any{
		"source", source, "status", a.status, "connection", a.ConnectionID, "execution", a.Execution, "faults", len(a.Faults),
	}
	if err != nil {
		d.log.WarnContext(ctx, "delivery refused", append(attributes, "reason", err.Error())...)
	} else {
		d.log.InfoContext(ctx, "delivery answered", attributes...)
	}
	body, failed := json.Marshal(a)
	if failed != nil {
		panic(failed) // strings only
	}
	headers := map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"}
	if a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable {
		headers["Retry-After"] = "30"
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: a.status, Headers: headers, Body: string(body)}
}
