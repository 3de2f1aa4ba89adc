package relay_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"postern/internal/connection"
	"postern/internal/local/lambda"
	"postern/internal/local/sts"
	"postern/internal/local/wire"
	"postern/internal/probe/relay"
	"postern/internal/step"
)

const (
	home  = "arn:aws:iam::111122223333:role/postern-us-east-1-relay-probe"
	there = "arn:aws:iam::222233334444:role/postern-network-b"
	probe = "arn:aws:lambda:eu-west-1:222233334444:function:postern-probe-b"
	// payload has what the state machine sends, and a field that no version of the relay knows.
	payload = `{"mode":"endpoint","enteredAt":"2026-11-02T14:00:00Z","later":[1,{"a":"<é>"}],"state":{"plan":{` +
		`"network":{"region":"eu-west-1","roleArn":"` + there + `","externalId":"0d2b7c9e1f63"},` +
		`"probe":{"functionName":"postern-relay","relayTo":"` + probe + `"}}}}`
)

// world is AWS with one probe, and what reached it.
type world struct {
	server *wire.Server
	asked  []string
	denied bool
}

// Authorize lets the relay assume the network's role, and that role invoke the probe.
func (w *world) Authorize(role string, p wire.Permission) wire.Decision {
	switch p.Action {
	case "sts:AssumeRole":
		return wire.Decision{Allowed: role == home && p.Resource == there && strings.Join(p.Context["sts:externalid"], "") == "0d2b7c9e1f63"}
	case "lambda:InvokeFunction":
		return wire.Decision{Allowed: role == there && p.Resource == probe && !w.denied}
	}
	return wire.Decision{}
}

// open returns a relay, and the world in which its probe answers so.
func open(t *testing.T, answer func() (lambda.Result, error)) (awslambda.Handler, *world) {
	t.Helper()
	w := &world{}
	w.server = wire.NewServer(
		wire.Config{AccountID: "111122223333", Region: "us-east-1", Now: func() time.Time { return time.Unix(0, 0) }, Authorizer: w},
		lambda.NewService(func(arn string, payload []byte) (lambda.Result, error) {
			w.asked = append(w.asked, arn+" "+string(payload))
			return answer()
		}),
		sts.New(func(key string, p wire.Principal) { w.server.Register(key, p) }))
	w.server.Register("AKIA", wire.Principal{RoleARN: home, Function: "postern-relay"})
	handler, err := relay.Function(step.Runtime{
		AWS: w.server.AWS("AKIA"), Env: step.NewEnv(func(string) string { return "" }), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return handler, w
}

// The probe's input and answer pass unchanged.
func TestPayloadIsPassedOn(t *testing.T) {
	t.Parallel()
	const said = `{"verdict":"pass","later":{"b":[2]}}`
	handler, w := open(t, func() (lambda.Result, error) { return lambda.Result{Payload: []byte(said)}, nil })
	for range 2 { // the second time with the session of the first
		got, err := handler.Invoke(t.Context(), []byte(payload))
		if err != nil || string(got) != said {
			t.Fatalf("got %s, %v", got, err)
		}
	}
	if want := probe + " " + payload; len(w.asked) != 2 || w.asked[0] != want || w.asked[1] != want {
		t.Errorf("the probe was asked\n%s\nwant\n%s", strings.Join(w.asked, "\n"), want)
	}
}

// An error keeps its name and its message, also one that AWS named.
func TestErrorsKeepTheirNames(t *testing.T) {
	t.Parallel()
	document := func(kind, message string) lambda.Result {
		return lambda.Result{ErrorType: "set", Payload: []byte(`{"errorMessage":"` + message + `","errorType":"` + kind + `"}`)}
	}
	for name, test := range map[string]struct {
		answer        lambda.Result
		kind, message string
	}{
		"the link does not work": {document(connection.ConnectivityFailed, "443: no answer"), connection.ConnectivityFailed, "443: no answer"},
		"not listed yet":         {document(connection.EndpointNotListed, "reset"), connection.EndpointNotListed, "reset"},
		"a defect of the probe":  {document(connection.Internal, "unexpected: nil"), connection.Internal, "unexpected: nil"},
		"out of time": {document("Sandbox.Timedout", "Task timed out after 60.00 seconds"), "Sandbox.Timedout",
			"Task timed out after 60.00 seconds"},
		"crashed": {document("Runtime.ExitError", "exit status 2"), "Runtime.ExitError", "exit status 2"},
		"without a type": {lambda.Result{ErrorType: "set", Payload: []byte(`{"errorMessage":"Task timed out"}`)},
			"Lambda.Unknown", "Task timed out"},
		"no document": {lambda.Result{ErrorType: "set", Payload: []byte(`out of memory`)}, "Lambda.Unknown", "out of memory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler, _ := open(t, func() (lambda.Result, error) { return test.answer, nil })
			checkError(t, handler, payload, test.kind, test.message)
		})
	}
}

// What keeps the relay from its probe has a name that the state machine knows.
func TestProbeIsNotReached(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		payload       string
		fault         wire.FaultKind
		denied        bool
		missing       error
		kind, message string
	}{
		"throttled":           {payload: payload, fault: wire.Throttle, kind: connection.Throttled, message: probe},
		"AWS is broken":       {payload: payload, fault: wire.ServerError, kind: connection.Unavailable, message: probe},
		"no answer":           {payload: payload, fault: wire.NoEffect, kind: connection.Unavailable, message: probe},
		"no permission":       {payload: payload, denied: true, kind: connection.AccessDenied, message: "lambda:InvokeFunction"},
		"no function":         {payload: payload, missing: errors.New("gone"), kind: connection.Internal, message: "Function not found"},
		"another external id": {payload: strings.Replace(payload, "0d2b7c9e1f63", "guess", 1), kind: connection.AccessDenied, message: there},
		"another's probe": {payload: strings.Replace(payload, "function:postern-probe-b", "function:pay", 1),
			kind: connection.AccessDenied, message: "function:pay"},
		"another Region's probe": {payload: strings.Replace(payload, `"region":"eu-west-1"`, `"region":"eu-west-2"`, 1),
			kind: connection.Internal, message: "not reachable in this region"},
		"no probe": {payload: `{"state":{"plan":{"probe":{"functionName":"postern-relay"}}}}`, kind: connection.Internal,
			message: "names no probe"},
		"no plan":  {payload: `{}`, kind: connection.Internal, message: "names no probe"},
		"no state": {payload: `{"state":[]}`, kind: connection.Internal, message: "reading the function's input"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler, w := open(t, func() (lambda.Result, error) { return lambda.Result{Payload: []byte(`{}`)}, test.missing })
			w.denied = test.denied
			if test.fault != "" {
				w.server.SetFault(func(call *wire.Call, _ wire.Recorded) *wire.Fault {
					if call.Service != "lambda" {
						return nil
					}
					return &wire.Fault{Kind: test.fault}
				})
			}
			checkError(t, handler, test.payload, test.kind, test.message)
		})
	}
}

func checkError(t *testing.T, handler awslambda.Handler, payload, kind, message string) {
	t.Helper()
	got, err := handler.Invoke(context.Background(), []byte(payload))
	var named messages.InvokeResponse_Error
	if !errors.As(err, &named) || named.Type != kind || !strings.Contains(named.Message, message) {
		t.Errorf("got %s, %v; want %s: %s", got, err, kind, message)
	}
}
