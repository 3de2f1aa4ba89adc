package connection

import (
	"strings"
	"time"
)

// Endpoint is the interface endpoint of the connection.
type Endpoint struct {
	ID      string        `json:"id"`
	State   EndpointState `json:"state"`
	Created bool          `json:"created"` // by this execution; rollback never deletes any other endpoint
	// Adopted is set for an endpoint that was created manually and that Postern adopted, in this execution or an earlier one:
	// Postern releases it and never deletes it.
	Adopted bool `json:"adopted,omitempty"`
	// PrivateDNSEnabled is set when the private DNS of an adopted endpoint was on when it was adopted.
	PrivateDNSEnabled bool   `json:"privateDnsEnabled,omitempty"`
	NotificationID    string `json:"notificationId,omitempty"`
	// PolicyDigest is that of the policy which an adopted endpoint had when it was adopted; "" for any other endpoint.
	PolicyDigest string `json:"policyDigest,omitempty"`
	// SecurityGroupID is the group that Postern made for it, "" when the request named groups.
	SecurityGroupID string    `json:"securityGroupId,omitempty"`
	At              time.Time `json:"at,omitzero"` // when EnsureEndpoint was entered; the wait for approval begins then
}

// EndpointState is the state of an interface endpoint, in lower case.
//
// AWS: DescribeVpcEndpoints.VpcEndpoints[].State. The wire says pendingAcceptance where the SDK's enum says PendingAcceptance
// (aws/aws-sdk-go-v2#2864), so a raw value is never compared: ParseEndpointState first.
type EndpointState string

// Every state the API has. StateUnknown is any word that this release does not know: Postern keeps waiting and never acts on it.
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

// Live reports whether the endpoint is available or can still become so. Only such an endpoint is adopted.
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
