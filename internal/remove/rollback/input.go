package rollback

import (
	"encoding/json"
	"fmt"
	"time"

	"postern/internal/connection"
)

// Input is what the state machine hands to rollback.
type Input struct {
	Execution string    `json:"execution"`
	EnteredAt time.Time `json:"enteredAt"`
	// Request is the execution's input as it came; it may be anything.
	Request json.RawMessage `json:"request"`
	// RedriveCount is how often the execution was redriven (AWS: $$.Execution.RedriveCount).
	RedriveCount int `json:"redriveCount,omitempty"`
	// Retries is how often the state was tried before (AWS: $$.State.RetryCount).
	Retries int   `json:"retries,omitempty"`
	State   State `json:"state"`
	// GaveUp is the failure of the state Rollback after its last retry, nil before: this is the last try.
	GaveUp *connection.Failure `json:"gaveUp,omitempty"`
}

func (in Input) turn() connection.Turn {
	return connection.Turn{Execution: in.Execution, EnteredAt: in.EnteredAt, Redrive: in.RedriveCount, Attempt: in.Retries}
}

// State is the state of the machine, or, when Plan refused the request, the bare failure in its place.
type State struct {
	connection.State
	connection.Failure
}

// failure returns what ended the run.
func (s State) failure() connection.Failure {
	switch {
	case s.State.Failure != nil:
		return *s.State.Failure
	case s.Error != "":
		return s.Failure
	case s.Plan != nil:
		cause := fmt.Sprintf("the plan decided %q, which no state follows", s.Plan.Decision)
		return connection.Failure{Error: connection.Internal, Cause: cause}
	}
	return connection.Failure{Error: connection.Internal, Cause: "there is neither a plan nor a failure"}
}

// connectionID returns the connection of the execution, or "" when the request names none: then nothing can have been claimed.
func (in Input) connectionID() string {
	if in.State.Plan != nil {
		return in.State.Plan.ConnectionID
	}
	request, err := connection.DecodeRequest(in.Request)
	if err != nil {
		return ""
	}
	return request.ConnectionID()
}

// diagnoses reports whether the execution was a diagnosis, which claims nothing and makes nothing.
func (in Input) diagnoses() bool {
	return in.State.Plan != nil && in.State.Plan.Decision == connection.DecisionDiagnose
}

// The states of the machine that can fail, by the section that each adds.
const (
	statePlan              = "Plan"
	stateDiagnose          = "Diagnose"
	stateAwaitAllowlisting = "AwaitAllowlisting"
	stateEnsureEndpoint    = "EnsureEndpoint"
	stateAwaitApproval     = "AwaitApproval"
	stateAwaitAvailable    = "AwaitAvailable"
	stateProbeEndpoint     = "ProbeEndpoint"
	stateConfigureDNS      = "ConfigureDNS"
	stateVerify            = "VerifyConnectivity"
	statePublishConfig     = "PublishConfig"
	stateOffboard          = "Offboard"
	stateAcknowledge       = "Acknowledge"
)

// timedOut reports whether a wait came to its end, or a task.
func (s State) timedOut() bool {
	name := s.failure().Error
	return name == statesTimeout || name == statesHeartbeatTimeout
}

// AWS's own error names.
const (
	statesTimeout          = "States.Timeout"
	statesHeartbeatTimeout = "States.HeartbeatTimeout"
)

// failedAt returns the state in which the run failed: the one whose section is the first to be missing.
func (s State) failedAt() string {
	switch {
	case s.Plan == nil:
		return statePlan
	case s.Plan.Acknowledges():
		return stateAcknowledge
	case s.Plan.Decision == connection.DecisionOffboard:
		return stateOffboard
	case s.Plan.Decision == connection.DecisionDiagnose:
		return stateDiagnose
	case s.Endpoint == nil && s.Plan.Decision == connection.DecisionAllowlist && s.Allowlisting != nil && !s.timedOut() &&
		s.failure().Error != connection.Cancelled:
		return statePlan // the second visit, after the wait
	case s.Endpoint == nil && s.Plan.Decision == connection.DecisionAllowlist:
		return stateAwaitAllowlisting
	case s.Endpoint == nil:
		return stateEnsureEndpoint
	case s.Approval == nil:
		return stateAwaitApproval
	case s.Availability == nil:
		return stateAwaitAvailable
	case s.Probe == nil:
		return stateProbeEndpoint
	case s.DNS == nil:
		return stateConfigureDNS
	case s.Verification == nil:
		return stateVerify
	}
	return statePublishConfig
}
