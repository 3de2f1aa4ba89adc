package connection

import (
	"errors"
	"fmt"
)

// The names of the ways a step can fail. infra/workflow.asl.json retries and catches by them, a failed execution ends with one of
// them, and a test compares the names there with the names here.
const (
	// InvalidRequest: the request, or the network it names, cannot work. Nothing was made.
	InvalidRequest = "InvalidRequest"
	// Conflict: another execution, or a resource that Postern does not own, holds what this run needs; or the connection does not belong
	// to the ticket of the request.
	Conflict = "Conflict"
	// AccessDenied: AWS refused a call; the message names the action.
	AccessDenied = "AccessDenied"
	// LimitExceeded: an AWS quota is used up.
	LimitExceeded = "LimitExceeded"
	// Throttled: AWS throttled a call. Retried.
	Throttled = "Throttled"
	// Unavailable: AWS answered 5xx, or not at all. Retried.
	Unavailable = "Unavailable"
	// EndpointPending: the endpoint is accepted, but not available yet. Retried.
	EndpointPending = "EndpointPending"
	// EndpointRejected: the vendor rejected the endpoint connection.
	EndpointRejected = "EndpointRejected"
	// EndpointExpired: the vendor did not answer before AWS expired the endpoint.
	EndpointExpired = "EndpointExpired"
	// EndpointFailed: AWS reports the endpoint as failed.
	EndpointFailed = "EndpointFailed"
	// EndpointDeleted: the endpoint was deleted during the wait for it.
	EndpointDeleted = "EndpointDeleted"
	// AllowlistingTimedOut: the vendor did not allow-list the account in time.
	AllowlistingTimedOut = "AllowlistingTimedOut"
	// ApprovalTimedOut: the vendor did not accept the endpoint in time.
	ApprovalTimedOut = "ApprovalTimedOut"
	// WatchLost: the sweep sent no heartbeat to a waiting gate.
	WatchLost = "WatchLost"
	// ConnectivityFailed: the endpoint, its name or its certificate did not pass the probe. Retried, then final.
	ConnectivityFailed = "ConnectivityFailed"
	// EndpointNotListed: the vendor resets connections of this endpoint until it is put on the vendor's list. Retried for days.
	EndpointNotListed = "EndpointNotListed"
	// ConfigRefused: the configuration cannot be published as it is.
	ConfigRefused = "ConfigRefused"
	// RemovalPending: what offboarding deleted is not gone yet. Retried.
	RemovalPending = "RemovalPending"
	// RemovalIncomplete: offboarding could not remove everything.
	RemovalIncomplete = "RemovalIncomplete"
	// RollbackPending: what rollback deleted is not gone yet. Retried.
	RollbackPending = "RollbackPending"
	// TargetsFailed: some connections of a fleet are not made; the message has a line for each.
	TargetsFailed = "TargetsFailed"
	// Cancelled: an operator or a ticket cancelled the execution.
	Cancelled = "Cancelled"
	// NotWaiting: no execution waits that an approval or a cancellation could act on.
	NotWaiting = "NotWaiting"
	// StillClosed: an operator reports that the vendor approved, but AWS does not show it.
	StillClosed = "StillClosed"
	// Internal: none of the above; a defect.
	Internal = "Internal"
)

// ErrorNames lists every name.
var ErrorNames = []string{
	InvalidRequest, Conflict, AccessDenied, LimitExceeded, Throttled, Unavailable, EndpointPending, EndpointRejected, EndpointExpired,
	EndpointFailed, EndpointDeleted, AllowlistingTimedOut, ApprovalTimedOut, WatchLost, ConnectivityFailed,
	EndpointNotListed, ConfigRefused, RemovalPending, RemovalIncomplete, RollbackPending, TargetsFailed, Cancelled,
	NotWaiting, StillClosed, Internal,
}

// Error is an error that the state machine branches on. Name is one of the constants above; Message is for people: what
// happened to which thing, and what to do next.
type Error struct {
	Name    string
	Message string
	Cause   error
}

// Errorf returns an *Error with the given name; the format is fmt.Errorf's, and %w makes the cause.
func Errorf(name, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Name: name, Message: wrapped.Error(), Cause: errors.Unwrap(wrapped)}
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause, so errors.Is and errors.As look through.
func (e *Error) Unwrap() error { return e.Cause }

// NotOf returns the Conflict of a ticket, a key, that asks for something of a connection which belongs to another one or to the
// operators. It does not say to which.
func NotOf(connectionID, ticket string) error {
	return Errorf(Conflict, "Connection %s was not opened from ticket %s.\n"+
		"What to do: ask on the ticket that it was opened from. An operator starts the same request without ticket.",
		connectionID, ticket)
}

// NameOf returns the name of the first *Error in err's chain, or "" when there is none.
func NameOf(err error) string {
	var named *Error
	if errors.As(err, &named) {
		return named.Name
	}
	var faults Faults
	if errors.As(err, &faults) {
		return InvalidRequest
	}
	return ""
}
