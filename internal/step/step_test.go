package step

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"postern/internal/connection"
)

func api(code string) error { return &smithy.GenericAPIError{Code: code, Message: "as AWS says"} }

func status(code int, inner error) error {
	return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: code}}, Err: inner}
}

func TestName(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"a decision": {connection.Errorf(connection.EndpointPending, "not yet"), connection.EndpointPending},
		"a wrapped decision": {fmt.Errorf("waiting: %w", connection.Errorf(connection.EndpointRejected, "no")),
			connection.EndpointRejected},
		"a decision over an AWS error": {connection.Errorf(connection.Conflict, "taken: %w", api("Throttling")), connection.Conflict},
		"faults":                       {fmt.Errorf("plan: %w", connection.Faults{{Path: "a"}}), connection.InvalidRequest},
		"EC2 throttling":               {fmt.Errorf("describing: %w", api("RequestLimitExceeded")), connection.Throttled},
		"DynamoDB throttling":          {api("ProvisionedThroughputExceededException"), connection.Throttled},
		"EC2 denial":                   {api("UnauthorizedOperation"), connection.AccessDenied},
		"denial": {fmt.Errorf("a: %w", fmt.Errorf("b: %w", api("AccessDeniedException"))),
			connection.AccessDenied},
		"quota": {api("VpcEndpointLimitExceeded"), connection.LimitExceeded},
		"5xx":   {fmt.Errorf("c: %w", status(503, errors.New("no body"))), connection.Unavailable},
		"no answer": {fmt.Errorf("d: %w", &net.OpError{Op: "read", Err: errors.New("reset")}),
			connection.Unavailable},
		"deadline":                       {fmt.Errorf("e: %w", context.DeadlineExceeded), connection.Unavailable},
		"an unknown code":                {api("MadeUp"), connection.Internal},
		"a plain error":                  {errors.New("index out of range"), connection.Internal},
		"joined: the first that decides": {errors.Join(errors.New("x"), api("Throttling")), connection.Throttled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Name(test.err); got != test.want {
				t.Errorf("Name(%v) = %s, want %s", test.err, got, test.want)
			}
		})
	}
}

type in struct {
	N    int       `json:"n"`
	When time.Time `json:"when"`
}

type out struct {
	Twice int    `json:"twice"`
	Text  string `json:"text,omitempty"`
}

func handler(log *slog.Logger) lambda.Handler {
	return Handle(log, func(_ context.Context, i in) (out, error) {
		if i.N < 0 {
			return out{Twice: -1}, fmt.Errorf("halving %d: %w", i.N, connection.Errorf(connection.Conflict, "held by another"))
		}
		if i.N == 0 {
			return out{}, errors.New("nothing to do")
		}
		return out{Twice: 2 * i.N, Text: "<&>"}, nil
	})
}

func TestHandle(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		payload, want, wantType, wantMessage string
	}{
		"works":                     {payload: `{"n":21}`, want: `{"twice":42,"text":"<&>"}`},
		"a newer field is let pass": {payload: `{"n":1,"later":{}}`, want: `{"twice":2,"text":"<&>"}`},
		"a decision keeps its name": {payload: `{"n":-1}`, wantType: connection.Conflict, wantMessage: "halving -1: held by another"},
		"anything else is Internal": {payload: `{}`, wantType: connection.Internal, wantMessage: "unexpected: nothing to do"},
		"a wrong type": {payload: `{"n":"1"}`, wantType: connection.Internal,
			wantMessage: "reading the function's input"},
		"a time that is none": {payload: `{"when":"noon"}`, wantType: connection.Internal,
			wantMessage: "reading the function's input"},
		"a list":                 {payload: `[]`, wantType: connection.Internal, wantMessage: "reading the function's input"},
		"null is the zero value": {payload: `null`, wantType: connection.Internal, wantMessage: "nothing to do"},
		"a number with a wrong sign": {payload: `{"n":-0.5}`, wantType: connection.Internal,
			wantMessage: "reading the function's input"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			got, err := handler(slog.New(slog.NewJSONHandler(&log, nil))).Invoke(t.Context(), []byte(test.payload))
			if test.wantType == "" {
				if err != nil || strings.TrimSpace(string(got)) != test.want || log.Len() != 0 {
					t.Fatalf("got %s, %v, log %s; want %s", got, err, &log, test.want)
				}
				return
			}
			var answer messages.InvokeResponse_Error
			if !errors.As(err, &answer) || answer.Type != test.wantType || !strings.Contains(answer.Message, test.wantMessage) {
				t.Fatalf("got %v, want type %s and message %q", err, test.wantType, test.wantMessage)
			}
			var record struct{ Name, Error string }
			if err := json.Unmarshal(log.Bytes(), &record); err != nil || record.Name != test.wantType || record.Error == "" {
				t.Errorf("the log says %s (%v), want one record with name %s and the error", &log, err, test.wantType)
			}
		})
	}
}

// TestErrorOnTheWire: the answer that the Lambda runtime posts must carry our name, since States.Catch compares it.
func TestErrorOnTheWire(t *testing.T) {
	t.Parallel()
	_, err := handler(slog.New(slog.DiscardHandler)).Invoke(t.Context(), []byte(`{"n":-1}`))
	wire, _ := json.Marshal(err)
	want := `{"errorMessage":"halving -1: held by another","errorType":"Conflict"}`
	if string(wire) != want {
		t.Errorf("posted %s, want %s", wire, want)
	}
}

func TestEnv(t *testing.T) {
	t.Parallel()
	values := map[string]string{"A": "1", "EMPTY": ""}
	env := NewEnv(func(name string) string { return values[name] })
	if got := env.Required("A"); got != "1" {
		t.Errorf("Required(A) = %q", got)
	}
	if got := env.Optional("B", "fallback"); got != "fallback" {
		t.Errorf("Optional(B) = %q", got)
	}
	if got := env.Optional("A", "fallback"); got != "1" {
		t.Errorf("Optional(A) = %q", got)
	}
	if err := env.Err(); err != nil {
		t.Errorf("Err() = %v before anything is missing", err)
	}
	env.Required("EMPTY")
	env.Required("C")
	if err := env.Err(); err == nil || err.Error() != "missing environment: EMPTY, C" {
		t.Errorf("Err() = %v, want both names", err)
	}
}

func TestOpen(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-central-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "example")
	t.Setenv("AWS_SESSION_TOKEN", "token")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv(EnvTable, "")
	t.Setenv(EnvEventBus, "")
	broken := errors.New("networks: not JSON")
	_, err := open(func(r Runtime) (lambda.Handler, error) {
		r.Env.Required(EnvTable)
		r.Env.Required(EnvEventBus)
		return nil, broken
	}, slog.New(slog.DiscardHandler))
	for _, want := range []string{EnvTable, EnvEventBus, broken.Error()} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("open: %v, want every missing name and the constructor's own error", err)
		}
	}

	var runtime Runtime
	h, err := open(func(r Runtime) (lambda.Handler, error) {
		runtime = r
		return handler(r.Log), nil
	}, slog.New(slog.DiscardHandler))
	if err != nil || h == nil {
		t.Fatalf("open: %v", err)
	}
	if runtime.AWS.Region != "eu-central-1" || runtime.AWS.Retryer().MaxAttempts() != 3 {
		t.Errorf("region %q, attempts %d", runtime.AWS.Region, runtime.AWS.Retryer().MaxAttempts())
	}
	if runtime.Out == nil {
		t.Error("metrics go nowhere")
	}
}

func TestMetricsAreNeverNil(t *testing.T) {
	t.Parallel()
	if _, err := fmt.Fprintln(Runtime{}.Metrics(), "x"); err != nil {
		t.Errorf("a runtime without Out: %v", err)
	}
	var b bytes.Buffer
	if fmt.Fprint(Runtime{Out: &b}.Metrics(), "x"); b.String() != "x" {
		t.Errorf("Out got %q", &b)
	}
}
