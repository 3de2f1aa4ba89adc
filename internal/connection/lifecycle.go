package connection

import "strings"

// EndpointState is the state of an interface endpoint, in lower case.
//
// AWS: DescribeVpcEndpoints.VpcEndpoints[].State. The wire says pendingAcceptance where the SDK's enum says PendingAcceptance
// (aws/aws-sdk-go-v2#2864), so a raw value is never compared: ParseEndpointState first.
type EndpointState string

// Every state the API has. StateUnknown stands for a word this release does not know: it is kept waiting on, never acted on.
const (
	StatePendingAcceptance EndpointState = "pendingacceptance"
	StatePending           EndpointState = "pending"
	StateAvailable         EndpointState = "available"
	StateDeleting          EndpointState = "deleting"
	StateDeleted           EndpointState = "deleted"
	StateRejected          EndpointState = "rejected"
	StateFailed            EndpointState = "failed"
	StateExpired           EndpointState = "expired"
	StatePartial           EndpointState = "partial"
	StateUnknown           EndpointState = "unknown"
)

// EndpointStates lists every state but StateUnknown, in the order of an endpoint's life.
var EndpointStates = []EndpointState{
	StatePendingAcceptance, StatePending, StateAvailable, StatePartial,
	StateRejected, StateExpired, StateFailed, StateDeleting, StateDeleted,
}

// ParseEndpointState reads a state in any letter case. A word it does not know, and the empty string, give StateUnknown.
func ParseEndpointState(raw string) EndpointState {
	lower := EndpointState(strings.ToLower(strings.TrimSpace(raw)))
	for _, state := range EndpointStates {
		if lower == state {
			return state
		}
	}
	return StateUnknown
}

// Waiting reports whether the vendor still has to accept the endpoint. An unknown word keeps waiting: only a deadline or a
// state we understand ends a wait.
func (s EndpointState) Waiting() bool {
	return s == StatePendingAcceptance || s == StateUnknown
}

// Accepted reports whether the vendor accepted the endpoint: it is available or on its way there.
func (s EndpointState) Accepted() bool {
	return s == StatePending || s == StateAvailable || s == StatePartial
}

// Live reports whether the endpoint can still become or is available; adopting any other would adopt a corpse.
func (s EndpointState) Live() bool { return s.Waiting() || s.Accepted() }

// Gone reports whether the endpoint no longer exists, or soon will not.
func (s EndpointState) Gone() bool { return s == StateDeleting || s == StateDeleted }

// Failure returns the error name a wait ends with in this state, or "" when the state is not a failure.
func (s EndpointState) Failure() string {
	switch s {
	case StateRejected:
		return EndpointRejected
	case StateExpired:
		return EndpointExpired
	case StateFailed:
		return EndpointFailed
	case StateDeleting, StateDeleted:
		return EndpointDeleted
	default:
		return ""
	}
}
