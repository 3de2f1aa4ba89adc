// Package lambda runs functions as AWS Lambda would: as real processes that poll a Runtime API, or in
// this process, for fast tests. Both keep a function warm, end it when it crashes or runs out of time, report errors in Lambda's
// own form, and keep what it wrote to its log.
package lambda

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"postern/internal/local/wire"
)

// Spec is a function as the template describes it.
type Spec struct {
	Name        string
	ARN         string
	Handler     string            // names the function among those built into this process
	Directory   string            // holds the bootstrap executable; "" in process
	Environment map[string]string // all that the function sees
	Timeout     time.Duration
	Clock       func() time.Time // what a function in this process reads the time from; nil is the system's
}

// Function is a function that can be invoked, one invocation at a time.
type Function interface {
	// Invoke runs the function once. Whatever goes wrong inside is part of the result.
	Invoke(requestID string, payload []byte) Result
	// End ends the running invocation from outside: it crashes, or it runs out of time. Safe from any goroutine.
	End(how wire.Ending)
	// Logs is everything that the function wrote.
	Logs() string
	// Close ends the function for good.
	Close() error
}

// Result is how an invocation ended.
type Result struct {
	// Payload is what the function returned, or Lambda's error document: errorMessage and errorType.
	Payload []byte
	// ErrorType is "" when the function returned; otherwise the type that Step Functions sees as the error's name.
	ErrorType string
	// TimedOut is set when the invocation used up the function's timeout.
	TimedOut bool
	// Waited is the virtual time that the invocation spent between tries of its calls. A function in a process of its own waits in
	// real time instead, and reports none.
	Waited time.Duration
}

// failure is the document that Lambda answers with when a function fails.
type failure struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType"`
}

func failed(errorType, message string) Result {
	payload, err := json.Marshal(failure{Message: message, Type: errorType})
	if err != nil {
		panic(err) // two strings always encode
	}
	return Result{Payload: payload, ErrorType: errorType}
}

// timedOut is the result of an invocation that used up its time.
//
// AWS: runtimes on Amazon Linux 2023 report it to Step Functions as Sandbox.Timedout.
func timedOut(requestID string, timeout time.Duration) Result {
	message := fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", requestID, timeout.Seconds())
	result := failed("Sandbox.Timedout", message)
	result.TimedOut = true
	return result
}

// crashed is the result of an invocation whose process ended.
func crashed(requestID, how string) Result {
	return failed("Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: Runtime exited with error: %s", requestID, how))
}

// buffer is a log that several goroutines write to.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns the log so far.
func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// tail is the last lines of the log, for a message.
func (b *buffer) tail() string {
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}
