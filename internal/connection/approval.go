package connection

import "time"

// Gate is a wait for a person at the vendor.
type Gate string

// The two gates.
const (
	GateAllowlist Gate = "allowlist" // before the endpoint can be created
	GateApproval  Gate = "approval"  // after the endpoint was created
)

// Gates are the waits of a plan. Their JSON names are the paths that the state machine reads timeouts from.
type Gates struct {
	Allowlist GatePlan `json:"allowlist"`
	Approval  GatePlan `json:"approval"`
}

// Of returns the plan of a gate.
func (g Gates) Of(gate Gate) GatePlan {
	if gate == GateAllowlist {
		return g.Allowlist
	}
	return g.Approval
}

// GatePlan is one wait: what to send the vendor, how long the vendor says it takes, and when to give up.
type GatePlan struct {
	To      string `json:"to"`
	Subject string `json:"subject"`
	// Body may contain ${vpcEndpointId}, which is filled in when the endpoint exists.
	Body string `json:"body"`
	// SLAHours is the vendor's own figure, in business hours of its calendar.
	SLAHours int    `json:"slaHours"`
	Calendar string `json:"calendar"`
	// ByConnection is set when no acceptance is needed in AWS, but the vendor resets connections until the endpoint is on a list
	// of its own. Only a connection shows that: the text is sent at once, and the probe waits.
	ByConnection bool `json:"byConnection,omitempty"`
	// TimeoutSeconds ends the wait with AllowlistingTimedOut or ApprovalTimedOut.
	TimeoutSeconds int64 `json:"timeoutSeconds"`
	// HeartbeatSeconds ends the wait with WatchLost when the sweep sends no heartbeat for so long.
	HeartbeatSeconds int64 `json:"heartbeatSeconds"`
}

// GateResult is how a gate was passed; resume sends it with the task token. It is the section of both AwaitAllowlisting and
// AwaitApproval.
type GateResult struct {
	ObservedAt time.Time     `json:"observedAt"`
	ObservedBy string        `json:"observedBy"` // notification, sweep, cloudtrail, registration, acknowledgement
	State      EndpointState `json:"state,omitempty"`
	// AskedAt is when the request went to the vendor. When the same gate is waited at again, its time goes on from there.
	AskedAt time.Time `json:"askedAt,omitzero"`
	// Inputs came with an acknowledgement; By is the ARN of the execution that brought it.
	Inputs map[string]string `json:"inputs,omitempty"`
	By     string            `json:"by,omitempty"`
}
