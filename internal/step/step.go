// Package step is the boundary between AWS Lambda and Postern: it reads the environment once, builds the AWS configuration and
// the logger, and turns errors into the names the state machine branches on.
package step

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// Runtime is what a function is built from, once, at its cold start.
type Runtime struct {
	AWS aws.Config
	Env *Env
	Log *slog.Logger
	// Out takes the lines that are not log records: metrics. It is standard output in Lambda, which CloudWatch reads; nil drops
	// them.
	Out io.Writer
	// Clock is what a function reads the time from that decides nothing about a connection; nil is the system's.
	Clock func() time.Time
}

// Now is the time by the function's clock.
func (r Runtime) Now() time.Time {
	if r.Clock == nil {
		return time.Now()
	}
	return r.Clock()
}

// Metrics returns where metric lines go; never nil.
func (r Runtime) Metrics() io.Writer {
	if r.Out == nil {
		return io.Discard
	}
	return r.Out
}

// Function builds a function's handler. Each package exports one for every Lambda function that it serves; a main passes it to Start,
// and the embedded cloud calls it to run the same function in its own process.
type Function func(Runtime) (lambda.Handler, error)

// Start runs a function until Lambda ends the process. A function that cannot be built ends the cold start with the reason.
func Start(build Function) {
	log := slog.New(lambdacontext.NewLogHandler())
	handler, err := open(build, log)
	if err != nil {
		log.Error("cold start failed", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(handler)
}

func open(build Function, log *slog.Logger) (lambda.Handler, error) {
	env := NewEnv(os.Getenv)
	handler, err := build(Runtime{AWS: configuration(env), Env: env, Log: log, Out: os.Stdout})
	return handler, errors.Join(env.Err(), err)
}

// configuration reads the AWS configuration from the variables that Lambda sets. The SDK's own loader also reads shared files, profiles
// and sign-in, which no function has: they would add half a megabyte, and a third to its start.
//
// AWS: the credentials are set when the execution environment is created, and are valid for its lifetime.
func configuration(env *Env) aws.Config {
	cfg := aws.Config{Region: env.Required("AWS_REGION"), Retryer: func() aws.Retryer { return Retryer() }}
	credentials := aws.Credentials{
		AccessKeyID: env.Required("AWS_ACCESS_KEY_ID"), SecretAccessKey: env.Required("AWS_SECRET_ACCESS_KEY"),
		SessionToken: env.Optional("AWS_SESSION_TOKEN", ""), Source: "Lambda",
	}
	cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil })
	if endpoint := env.Optional("AWS_ENDPOINT_URL", ""); endpoint != "" {
		cfg.BaseEndpoint = aws.String(endpoint)
	}
	return cfg
}

// Retryer is the SDK retryer of every function: short, because the state machine retries too, and longer than one Lambda lives.
// A refusal is tried again too: a role that was changed a moment ago is not known everywhere yet, and a rollback or a wait of days must
// not fail because of that.
//
// AWS: IAM is eventually consistent.
func Retryer(change ...func(*retry.StandardOptions)) aws.Retryer {
	standard := retry.NewStandard(append([]func(*retry.StandardOptions){
		func(o *retry.StandardOptions) { o.MaxAttempts = 3 },
	}, change...)...)
	return retry.AddWithErrorCodes(standard, "UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "AuthorizationError")
}

// Handle makes a Lambda handler of a typed function. The error the function returns reaches the state machine under the name
// that connection and awserr give it: aws-lambda-go reports the type name of the outermost error, so an error wrapped with %w
// would arrive as "wrapError" and no Catch would match. The error is logged here and nowhere else; payloads never are. The error
// of another function, which has a name and was logged there, is passed on as it is.
//
// The input is decoded here and not by aws-lambda-go, which would report "UnmarshalTypeError" under that name. An unknown field
// is ignored: executions outlive deploys, so an older function may get a newer state.
func Handle[In, Out any](log *slog.Logger, handle func(context.Context, In) (Out, error)) lambda.Handler {
	return lambda.NewHandler(func(ctx context.Context, raw json.RawMessage) (Out, error) {
		out, err := decoded(ctx, raw, handle)
		if err == nil {
			return out, nil
		}
		var none Out
		if passedOn, is := errors.AsType[messages.InvokeResponse_Error](err); is {
			return none, passedOn
		}
		name := Name(err)
		log.WarnContext(ctx, "step failed", "name", name, "error", err.Error())
		return none, messages.InvokeResponse_Error{Type: name, Message: message(name, err)}
	})
}

func decoded[In, Out any](ctx context.Context, raw json.RawMessage, handle func(context.Context, In) (Out, error)) (Out, error) {
	var in In
	if err := json.Unmarshal(raw, &in); err != nil {
		var none Out
		return none, connection.Errorf(connection.Internal, "reading the function's input: %w", err)
	}
	return handle(ctx, in)
}

// Name returns the error name that a state machine sees for err.
func Name(err error) string {
	if name := connection.NameOf(err); name != "" {
		return name
	}
	switch {
	case awserr.IsThrottled(err):
		return connection.Throttled
	case awserr.IsDenied(err):
		return connection.AccessDenied
	case awserr.IsLimit(err):
		return connection.LimitExceeded
	case awserr.IsUnavailable(err):
		return connection.Unavailable
	default:
		return connection.Internal
	}
}

func message(name string, err error) string {
	if name == connection.Internal {
		return "unexpected: " + err.Error()
	}
	return err.Error()
}

// Env is a function's environment. A variable that is missing is noted, and Err names all of them at once.
type Env struct {
	lookup  func(string) string
	missing []string
}

// NewEnv reads through lookup, which is os.Getenv in Lambda.
func NewEnv(lookup func(string) string) *Env { return &Env{lookup: lookup} }

// Required returns a variable's value, and notes it when it is empty.
func (e *Env) Required(name string) string {
	value := e.lookup(name)
	if value == "" {
		e.missing = append(e.missing, name)
	}
	return value
}

// Optional returns a variable's value, or fallback when it is empty.
func (e *Env) Optional(name, fallback string) string {
	if value := e.lookup(name); value != "" {
		return value
	}
	return fallback
}

// Err returns an error that names every required variable that was missing, or nil.
func (e *Env) Err() error {
	if len(e.missing) == 0 {
		return nil
	}
	return fmt.Errorf("missing environment: %s", strings.Join(e.missing, ", "))
}

// The environment of the functions. The stack writes these names and the functions read them.
const (
	EnvTable             = "POSTERN_TABLE"              // DynamoDB table of connections
	EnvNetworks          = "POSTERN_NETWORKS"           // connection.Networks as JSON
	EnvParameterPrefix   = "POSTERN_PARAMETER_PREFIX"   // such as /postern
	EnvNotificationTopic = "POSTERN_NOTIFICATION_TOPIC" // ARN of the topic for endpoint connection notifications
	EnvOperatorsTopic    = "POSTERN_OPERATORS_TOPIC"    // ARN of the topic that e-mails the operators
	EnvEventBus          = "POSTERN_EVENT_BUS"          // name of the event bus
	EnvTimeouts          = "POSTERN_TIMEOUTS"           // Timeouts as JSON
	EnvStateMachine      = "POSTERN_STATE_MACHINE"      // ARN of the state machine's alias
	EnvWebhooks          = "POSTERN_WEBHOOKS"           // webhook.Override by source, as JSON
	EnvComments          = "POSTERN_COMMENTS"           // DynamoDB table of comments on tickets
	EnvWriteBack         = "POSTERN_WRITE_BACK"         // ticket.Settings by system, as JSON
	// EnvResolver and EnvGateway are set by the embedded cloud only, never by the stack (a test asserts it): the address of a DNS
	// server that stands in for the VPC's resolver, and of an HTTP CONNECT gateway that stands in for the VPC's network.
	EnvResolver = "POSTERN_RESOLVER"
	EnvGateway  = "POSTERN_GATEWAY"
	// EnvTickets likewise: the address, on this machine, of a server that stands in for every ticket system.
	EnvTickets = "POSTERN_TICKETS"
)
