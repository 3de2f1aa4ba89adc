package wire

import (
	"fmt"
	"net/http"
	"strings"
)

// FaultKind is a way a call can fail.
type FaultKind string

// The faults. Those before the effect leave the world as it was; LostAnswer and CrashAfter happen after it.
const (
	Throttle    FaultKind = "throttle"     // refused with the service's own throttling code
	ServerError FaultKind = "server-error" // 500
	Deny        FaultKind = "deny"         // refused as a service control policy would
	NoEffect    FaultKind = "no-effect"    // the request is lost: connection closed, nothing done
	LostAnswer  FaultKind = "lost-answer"  // the effect happens, then the connection is closed
	CrashBefore FaultKind = "crash-before" // the function dies just before the effect
	CrashAfter  FaultKind = "crash-after"  // the function dies just after the effect
	Hang        FaultKind = "hang"         // nothing happens and no answer comes until the function times out
	HangAfter   FaultKind = "hang-after"   // the effect happens and no answer comes until the function times out
)

// Fault is one fault to inject. Code, Message and Status replace what the kind answers with, when set.
type Fault struct {
	Kind    FaultKind
	Code    string
	Message string
	Status  int
}

// Ending is how a fault ends the function that called.
type Ending int

// The endings.
const (
	Crashed Ending = iota
	TimedOut
)

func (k FaultKind) before() bool { return k != LostAnswer && k != CrashAfter && k != HangAfter }

func (k FaultKind) ending() (how Ending, ends bool) {
	switch k {
	case CrashBefore, CrashAfter:
		return Crashed, true
	case Hang, HangAfter:
		return TimedOut, true
	}
	return 0, false
}

// error is what a call is refused with, or nil when the fault gives no answer at all.
func (f *Fault) error(call *Call, protocol Protocol, record Recorded) *Error {
	var err *Error
	switch f.Kind {
	case Throttle:
		err = throttled(call.Service)
	case ServerError:
		err = &Error{Status: http.StatusInternalServerError, Code: "InternalError", Message: "An internal error has occurred"}
	case Deny:
		principal := Principal{RoleARN: record.Principal, Function: record.Function}
		permission := Permission{Action: call.Service + ":" + call.Operation, Resource: "*"}
		err = denied(call.Service, protocol, principal, permission, "with an explicit deny in a service control policy")
	default:
		return nil
	}
	if f.Code != "" {
		err.Code = f.Code
	}
	if f.Message != "" {
		err.Message = f.Message
	}
	if f.Status != 0 {
		err.Status = f.Status
	}
	return err
}

// throttled is the throttling answer of a service; each has its own.
func throttled(service string) *Error {
	switch service {
	case "ec2":
		return &Error{Status: http.StatusServiceUnavailable, Code: "RequestLimitExceeded", Message: "Request limit exceeded."}
	case "route53", "sns":
		return Errorf("Throttling", "Rate exceeded")
	case "dynamodb":
		return Errorf("ThrottlingException", "Throughput exceeds the current capacity of your table or index.")
	case "lambda":
		return &Error{Status: http.StatusTooManyRequests, Code: "TooManyRequestsException", Message: "Rate Exceeded."}
	default:
		return Errorf("ThrottlingException", "Rate exceeded")
	}
}

// denied is the answer to a call without permission. AWS names the caller, the action and the resource, each service under its
// own code.
func denied(service string, protocol Protocol, principal Principal, permission Permission, reason string) *Error {
	if reason == "" {
		reason = fmt.Sprintf("because no identity-based policy allows the %s action", permission.Action)
	}
	text := fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s",
		principal.Session(), permission.Action, permission.Resource, reason)
	refused := func(status int, code string) *Error { return &Error{Status: status, Code: code, Message: text} }
	switch {
	case protocol == EC2Query:
		text = "You are not authorized to perform this operation. " + text
		return refused(http.StatusForbidden, "UnauthorizedOperation")
	case service == "sns" && strings.HasPrefix(permission.Action, "kms:"):
		return refused(http.StatusBadRequest, "KMSAccessDenied")
	case service == "sns":
		return refused(http.StatusForbidden, "AuthorizationError")
	case protocol == Query || protocol == RESTXML:
		return refused(http.StatusForbidden, "AccessDenied")
	case protocol == RESTJSON:
		return refused(http.StatusForbidden, "AccessDeniedException")
	default:
		return refused(http.StatusBadRequest, "AccessDeniedException")
	}
}

// unknownCaller is the answer to an access key that was not registered.
func unknownCaller(protocol Protocol, accessKeyID string) *Error {
	code := "UnrecognizedClientException"
	switch protocol {
	case EC2Query:
		code = "AuthFailure"
	case Query, RESTXML:
		code = "InvalidClientTokenId"
	}
	message := fmt.Sprintf("the access key %q is not registered", accessKeyID)
	return &Error{Status: http.StatusForbidden, Code: code, Message: message}
}
