package lambda

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"reflect"
	"runtime/debug"
	"sync"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"postern/internal/local/wire"
)

// Runtime is what a function in this process is built from.
type Runtime struct {
	// AWS is the configuration of the SDK's clients. Its retries wait in virtual time.
	AWS aws.Config
	// Retries are the options that make a retryer wait in virtual time, for a function that has a retryer of its own.
	Retries func(*retry.StandardOptions)
	Getenv  func(name string) string // the function's environment
	Log     io.Writer
	Clock   func() time.Time // the virtual time
}

// Build builds the handler of a function, as the start of its process would. An error fails the cold start.
type Build func(Runtime) (awslambda.Handler, error)

// InProcess is a function that runs inside this process. It is built at its first invocation, as a cold start would, and again
// after it crashed.
type InProcess struct {
	spec    Spec
	build   Build
	config  func(http.RoundTripper) aws.Config
	network http.RoundTripper
	log     buffer

	handler awslambda.Handler

	mu     sync.Mutex
	cancel context.CancelFunc // of the running invocation
	ended  *wire.Ending       // how the running invocation was ended from outside
	waited time.Duration      // between tries, by the running invocation
	chance *rand.Rand
}

// NewInProcess returns a function whose AWS calls go over network, with the configuration that config makes around it.
func NewInProcess(
	spec Spec, build Build, network http.RoundTripper, config func(http.RoundTripper) aws.Config,
) *InProcess {
	seed := fnv.New64a()
	_, _ = seed.Write([]byte(spec.ARN)) // a hash never fails
	return &InProcess{spec: spec, build: build, network: network, config: config, chance: rand.New(rand.NewPCG(seed.Sum64(), 0))}
}

// Invoke runs the function once.
func (f *InProcess) Invoke(requestID string, payload []byte) Result {
	ctx, cancel := context.WithTimeout(context.Background(), f.spec.Timeout)
	defer cancel()
	f.mu.Lock()
	f.cancel, f.ended, f.waited = cancel, nil, 0
	f.mu.Unlock()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: requestID, InvokedFunctionArn: f.spec.ARN})
	result := f.run(ctx, requestID, payload)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cancel = nil
	switch {
	case f.ended != nil && *f.ended == wire.Crashed:
		f.handler = nil
		return crashed(requestID, "signal: killed")
	case f.ended != nil, errors.Is(ctx.Err(), context.DeadlineExceeded):
		f.handler = nil
		result = timedOut(requestID, f.spec.Timeout)
	}
	result.Waited = f.waited
	return result
}

func (f *InProcess) run(ctx context.Context, requestID string, payload []byte) (result Result) {
	defer func() {
		if value := recover(); value != nil {
			f.handler = nil // aws-lambda-go ends the process after a panic
			fmt.Fprintf(&f.log, "panic: %v\n%s", value, debug.Stack())
			result = failed(typeName(value), fmt.Sprint(value))
		}
	}()
	if f.handler == nil {
		if err := f.start(); err != nil {
			fmt.Fprintf(&f.log, "cold start failed: %v\n", err)
			return crashed(requestID, "exit status 1")
		}
	}
	answer, err := f.handler.Invoke(ctx, payload)
	if err != nil {
		return errorResult(err)
	}
	return Result{Payload: bytes.Clone(answer)} // aws-lambda-go writes the next answer over this one
}

// start builds the handler.
func (f *InProcess) start() error {
	cfg := f.config(lifeline{f})
	retries := func(o *retry.StandardOptions) { o.Backoff, o.RateLimiter = pause{f}, ratelimit.None }
	cfg.Retryer = func() aws.Retryer { return retry.NewStandard(retries) }
	handler, err := f.build(Runtime{
		AWS: cfg, Retries: retries, Getenv: func(name string) string { return f.spec.Environment[name] }, Log: &f.log, Clock: f.spec.Clock,
	})
	if err != nil {
		return err
	}
	f.handler = handler
	return nil
}

// End ends the running invocation from outside.
func (f *InProcess) End(how wire.Ending) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cancel != nil && f.ended == nil {
		f.ended = &how
		f.cancel()
	}
}

// Logs is everything that the function wrote.
func (f *InProcess) Logs() string { return f.log.String() }

// Close does nothing: the function has nothing of its own.
func (f *InProcess) Close() error { return nil }

// lifeline is a function's network: a function that was ended cannot call any more, whatever its code still tries.
type lifeline struct{ function *InProcess }

// RoundTrip passes the request on while the function lives, and says by how much the function is late.
func (l lifeline) RoundTrip(r *http.Request) (*http.Response, error) {
	l.function.mu.Lock()
	dead, waited := l.function.ended != nil, l.function.waited
	l.function.mu.Unlock()
	if !dead && waited >= l.function.spec.Timeout {
		l.function.End(wire.TimedOut)
		dead = true
	}
	if dead {
		return nil, errors.New("the function has ended")
	}
	return l.function.network.RoundTrip(r.WithContext(wire.Late(r.Context(), waited)))
}

// pause is how a function's SDK waits between tries: it counts the time and goes on at once, since simulated time stands still
// while a function runs. Its quota of retries is left out. In AWS each invocation that runs at the same time has an environment,
// and a quota, of its own; here all share one.
type pause struct{ function *InProcess }

// BackoffDelay is no delay. What the SDK would wait is counted: up to two seconds before the second try, up to four before the
// third.
func (p pause) BackoffDelay(attempt int, _ error) (time.Duration, error) {
	p.function.mu.Lock()
	defer p.function.mu.Unlock()
	most := min(time.Second<<attempt, retry.DefaultMaxBackoff)
	p.function.waited += time.Duration(p.function.chance.Int64N(int64(most)))
	return 0, nil
}

// errorResult reports an error as aws-lambda-go does: by the type of the outermost error.
func errorResult(err error) Result {
	if named, ok := err.(messages.InvokeResponse_Error); ok { //nolint:errorlint // as aws-lambda-go does: wrapping hides the name
		return failed(named.Type, named.Message)
	}
	return failed(typeName(err), err.Error())
}

func typeName(value any) string {
	kind := reflect.TypeOf(value)
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	return kind.Name()
}
