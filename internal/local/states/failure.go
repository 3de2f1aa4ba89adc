package states

import (
	"errors"
	"fmt"
	"slices"
)

// failure is an error of the language: a name that Retry and Catch match, and a cause.
type failure struct {
	name, cause string
	heartbeat   bool // it is a heartbeat that stayed away, by whatever name
	located     bool // the cause names the state
}

// timeout reports whether time ran out.
func (f *failure) timeout() bool { return f.name == timeoutError || f.name == heartbeatError }

func (f *failure) Error() string { return f.name + ": " + f.cause }

func runtimeError(format string, args ...any) *failure {
	return &failure{name: "States.Runtime", cause: fmt.Sprintf(format, args...)}
}

func asFailure(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	return runtimeError("%v", err)
}

// The names of time running out.
const (
	timeoutError   = "States.Timeout"
	heartbeatError = "States.HeartbeatTimeout"
)

// matches reports whether the names of a Retry or Catch match a failure.
//
// AWS, https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html: States.Runtime always fails the
// execution; States.ALL matches anything but that and States.DataLimitExceeded; States.TaskFailed matches any error but
// States.Timeout. The specification, appendix A: States.Timeout is also a task that failed to send a heartbeat in time, so it
// matches States.HeartbeatTimeout as well.
func matches(names []string, failed *failure) bool {
	if failed.name == "States.Runtime" {
		return false
	}
	return slices.ContainsFunc(names, func(name string) bool {
		switch name {
		case failed.name:
			return true
		case "States.ALL":
			return failed.name != "States.DataLimitExceeded"
		case "States.TaskFailed":
			return failed.name != "States.DataLimitExceeded" && !failed.timeout()
		case timeoutError:
			return failed.timeout()
		case heartbeatError:
			return failed.heartbeat
		default:
			return false
		}
	})
}
