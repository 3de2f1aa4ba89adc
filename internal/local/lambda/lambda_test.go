package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"postern/internal/local/lambda"
	"postern/internal/local/wire"
)

// TestMain makes the test binary the function's bootstrap too: the processes under test are this program, started by a runtime.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		if err := serve(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve runs function as a process does: it polls the Runtime API.
func serve() error {
	credentials := aws.Credentials{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY")}
	handler, err := function(lambda.Runtime{Getenv: os.Getenv, Log: os.Stderr, AWS: aws.Config{
		Region: os.Getenv("AWS_REGION"), BaseEndpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL")),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil }),
	}})
	if err == nil {
		awslambda.Start(handler)
	}
	return err
}

type order struct{ Do, Say string }

type report struct{ Said, Greeting, RequestID, ARN string }

type oops struct{}

func (oops) Error() string { return "it went wrong" }

// function does what its input says, so that one function shows every way an invocation can end.
func function(r lambda.Runtime) (awslambda.Handler, error) {
	greeting, log := r.Getenv("GREETING"), slog.New(slog.NewJSONHandler(r.Log, nil))
	if greeting == "" {
		return nil, errors.New("GREETING is not set")
	}
	states := sfn.NewFromConfig(r.AWS)
	return awslambda.NewHandler(func(ctx context.Context, in order) (report, error) {
		lc, _ := lambdacontext.FromContext(ctx)
		log.InfoContext(ctx, "asked", "do", in.Do)
		switch in.Do {
		case "fail":
			return report{}, &oops{}
		case "name":
			return report{}, messages.InvokeResponse_Error{Type: "Conflict", Message: "taken"}
		case "panic":
			panic(errors.New("boom"))
		case "exit":
			os.Exit(3)
		case "hang":
			if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
				select {} // as bad code does, which only the runtime can end
			}
			<-ctx.Done()
			return report{}, ctx.Err()
		case "call":
			_, err := states.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: aws.String("t"), Output: aws.String("{}")})
			return report{}, err
		}
		return report{Said: in.Say, Greeting: greeting, RequestID: lc.AwsRequestID, ARN: lc.InvokedFunctionArn}, nil
	}), nil
}

// world is a wire server that counts effects and fails as told.
type world struct {
	*wire.Server
	effects atomic.Int32
	current lambda.Function
}

type states struct{ w *world }

func (states) Name() string            { return "states" }
func (states) Protocol() wire.Protocol { return wire.JSON10 }
func (s states) Operations() map[string]wire.Operation {
	count := func(*wire.Call) ([]byte, error) {
		s.w.effects.Add(1)
		return []byte("{}"), nil
	}
	return map[string]wire.Operation{"SendTaskSuccess": {Do: count}}
}

func newWorld() *world {
	w := &world{}
	w.Server = wire.NewServer(wire.Config{
		AccountID: "111122223333", Region: "us-east-1", Authorizer: wire.AllowAll{},
		Now:   func() time.Time { return time.Unix(0, 0) },
		Ended: func(_ string, how wire.Ending) { w.current.End(how) },
	}, states{w})
	w.Register("AKIA", wire.Principal{RoleARN: "arn:aws:iam::111122223333:role/r", Function: "f"})
	return w
}

// opener runs a function in a world.
type opener func(w *world, timeout time.Duration, environment map[string]string) lambda.Function

// kinds are the two ways to run a function.
var kinds = map[string]func(t *testing.T, w *world, timeout time.Duration, environment map[string]string) lambda.Function{
	"process": func(t *testing.T, w *world, timeout time.Duration, environment map[string]string) lambda.Function {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.Symlink(self, filepath.Join(dir, "bootstrap")); err != nil {
			t.Fatal(err)
		}
		endpoint := httptest.NewServer(w)
		t.Cleanup(endpoint.Close)
		all := map[string]string{
			"AWS_ENDPOINT_URL": endpoint.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s",
		}
		for name, value := range environment {
			all[name] = value
		}
		process, err := lambda.NewProcess(lambda.Spec{Name: "f", ARN: "arn:f", Directory: dir, Environment: all, Timeout: timeout})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = process.Close() })
		w.current = process
		return process
	},
	"in process": func(_ *testing.T, w *world, timeout time.Duration, environment map[string]string) lambda.Function {
		spec := lambda.Spec{Name: "f", ARN: "arn:f", Environment: environment, Timeout: timeout}
		config := func(network http.RoundTripper) aws.Config { return w.AWSOver("AKIA", network) }
		f := lambda.NewInProcess(spec, function, w.Transport(), config)
		w.current = f
		return f
	},
}

var greeting = map[string]string{"GREETING": "hello"}

func both(t *testing.T, test func(t *testing.T, open opener)) {
	t.Helper()
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func(w *world, timeout time.Duration, environment map[string]string) lambda.Function {
				return kind(t, w, timeout, environment)
			})
		})
	}
}

func TestInvocations(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, open opener) {
		f := open(newWorld(), time.Minute, greeting)
		steps := []struct{ in, errorType, payload string }{
			{`{"Say":"one"}`, "", `{"Said":"one","Greeting":"hello","RequestID":"r-0","ARN":"arn:f"}`},
			{`{"Do":"fail"}`, "oops", `{"errorMessage":"it went wrong","errorType":"oops"}`},
			{`{"Do":"name"}`, "Conflict", `{"errorMessage":"taken","errorType":"Conflict"}`},
			{`{"Say":"warm"}`, "", `{"Said":"warm","Greeting":"hello","RequestID":"r-3","ARN":"arn:f"}`},
			{`{"Do":"panic"}`, "errorString", `{"errorMessage":"boom","errorType":"errorString"`},
			{`{"Say":"cold again"}`, "", `{"Said":"cold again","Greeting":"hello","RequestID":"r-5","ARN":"arn:f"}`},
			{`{"Do":7}`, "UnmarshalTypeError", `{"errorMessage":"json: cannot unmarshal`},
		}
		for i, step := range steps {
			got := f.Invoke("r-"+string(rune('0'+i)), []byte(step.in))
			if got.ErrorType != step.errorType || !strings.HasPrefix(string(got.Payload), step.payload) || got.TimedOut {
				t.Errorf("%s: got %q %s", step.in, got.ErrorType, got.Payload)
			}
		}
		if !strings.Contains(f.Logs(), "boom") {
			t.Errorf("the log lacks the panic:\n%s", f.Logs())
		}
		if got := strings.Count(f.Logs(), "asked"); got != 6 {
			t.Errorf("got %d log lines, want 6:\n%s", got, f.Logs())
		}
	})
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, open opener) {
		f := open(newWorld(), 50*time.Millisecond, greeting)
		got := f.Invoke("r", []byte(`{"Do":"hang"}`))
		const want = `{"errorMessage":"RequestId: r Error: Task timed out after 0.05 seconds","errorType":"Sandbox.Timedout"}`
		if got.ErrorType != "Sandbox.Timedout" || !got.TimedOut || string(got.Payload) != want {
			t.Errorf("got %+v %s", got, got.Payload)
		}
	})
}

func TestColdStartThatFails(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, open opener) {
		f := open(newWorld(), time.Minute, nil)
		got := f.Invoke("r", []byte(`{}`))
		if got.ErrorType != "Runtime.ExitError" || !strings.Contains(string(got.Payload), "exit status 1") {
			t.Errorf("got %+v %s", got, got.Payload)
		}
		if !strings.Contains(f.Logs(), "GREETING") {
			t.Errorf("the log does not name what is missing: %s", f.Logs())
		}
	})
}

func TestFaultsEndTheFunctionOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind      wire.FaultKind
		errorType string
		effects   int32
	}{
		{wire.CrashBefore, "Runtime.ExitError", 0},
		{wire.CrashAfter, "Runtime.ExitError", 1},
		{wire.Hang, "Sandbox.Timedout", 0},
		{wire.HangAfter, "Sandbox.Timedout", 1},
	}
	both(t, func(t *testing.T, open opener) {
		for _, test := range tests {
			w := newWorld()
			f := open(w, time.Minute, greeting)
			w.SetFault(func(*wire.Call, wire.Recorded) *wire.Fault { return &wire.Fault{Kind: test.kind} })
			if got := f.Invoke("r", []byte(`{"Do":"call"}`)); got.ErrorType != test.errorType || w.effects.Load() != test.effects {
				t.Errorf("%s: got %s %s and %d effects", test.kind, got.ErrorType, got.Payload, w.effects.Load())
			}
			w.SetFault(nil)
			if got := f.Invoke("r", []byte(`{"Do":"call"}`)); got.ErrorType != "" || w.effects.Load() != test.effects+1 {
				t.Errorf("%s: afterwards got %s %s and %d effects", test.kind, got.ErrorType, got.Payload, w.effects.Load())
			}
		}
	})
}

func TestProcessThatExits(t *testing.T) {
	t.Parallel()
	f := kinds["process"](t, newWorld(), time.Minute, greeting)
	const want = `{"errorMessage":"RequestId: r Error: Runtime exited with error: exit status 3","errorType":"Runtime.ExitError"}`
	if got := f.Invoke("r", []byte(`{"Do":"exit"}`)); got.ErrorType != "Runtime.ExitError" || string(got.Payload) != want {
		t.Errorf("got %s", got.Payload)
	}
	if got := f.Invoke("r", []byte(`{}`)); got.ErrorType != "" {
		t.Errorf("afterwards got %s", got.Payload)
	}
}

func TestProcessSeesOnlyItsEnvironment(t *testing.T) {
	t.Setenv("GREETING", "of this process")
	f := kinds["process"](t, newWorld(), time.Minute, nil)
	if got := f.Invoke("r", []byte(`{}`)); got.ErrorType != "Runtime.ExitError" {
		t.Errorf("got %s", got.Payload)
	}
}

func TestWhatCannotRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	spec := lambda.Spec{Name: "f", Directory: dir, Timeout: time.Minute}
	if _, err := lambda.NewProcess(spec); err == nil || !strings.Contains(err.Error(), "function f") {
		t.Errorf("no bootstrap: got %v", err)
	}
	path := filepath.Join(dir, "bootstrap")
	if err := os.WriteFile(path, []byte("\x7fELF for another machine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := lambda.NewProcess(spec); err == nil || !strings.Contains(err.Error(), "not executable") {
		t.Errorf("not executable: got %v", err)
	}
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := lambda.NewProcess(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := f.Invoke("r", []byte(`{}`))
	if got.ErrorType != "Runtime.InvalidEntrypoint" || !strings.Contains(string(got.Payload), "is not built for") {
		t.Errorf("got %s", got.Payload)
	}
}
