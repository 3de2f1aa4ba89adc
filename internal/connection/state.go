package connection

import "time"

// Input is what the state machine passes to a function. Time comes from here and from events, never from the function's own clock,
// so a step that runs twice does the same twice.
type Input struct {
	// Execution is the ARN of the execution (AWS: $$.Execution.Id).
	Execution string `json:"execution"`
	// EnteredAt is when the state was entered (AWS: $$.State.EnteredTime). A retry keeps it, a redrive renews it.
	EnteredAt time.Time `json:"enteredAt"`
	// RedriveCount is how often the execution was redriven (AWS: $$.Execution.RedriveCount). Only the steps get it that need a hold on
	// the connection: before a redrive another execution may have claimed it.
	RedriveCount int `json:"redriveCount,omitempty"`
	// Retries is how often the state was tried before (AWS: $$.State.RetryCount). The same steps get it.
	Retries int   `json:"retries,omitempty"`
	State   State `json:"state"`
}

// Turn returns the turn in which the step acts.
func (in Input) Turn() Turn {
	return Turn{Execution: in.Execution, EnteredAt: in.EnteredAt, Redrive: in.RedriveCount, Attempt: in.Retries}
}

// Turn is one attempt of an execution at one of its states. The turns of an execution have an order: a later state is entered later, a
// redrive raises its count, and a retry raises the count of attempts. A function that AWS calls twice acts in the same turn.
type Turn struct {
	Execution string    // ARN
	EnteredAt time.Time // when the state was entered
	Redrive   int       // how often the execution was redriven
	Attempt   int       // how often the state was tried before
}

// State is the value that flows through an execution. Each step owns one section and only adds to it. Executions outlive
// deploys, so a released field is never renamed or retyped.
type State struct {
	Plan            *Plan            `json:"plan,omitempty"`            // Plan
	Allowlisting    *GateResult      `json:"allowlisting,omitempty"`    // AwaitAllowlisting
	Endpoint        *Endpoint        `json:"endpoint,omitempty"`        // EnsureEndpoint
	Approval        *GateResult      `json:"approval,omitempty"`        // AwaitApproval
	Availability    *Availability    `json:"availability,omitempty"`    // AwaitAvailable
	Probe           *Proof           `json:"probe,omitempty"`           // ProbeEndpoint
	DNS             *DNS             `json:"dns,omitempty"`             // ConfigureDNS
	Verification    *Proof           `json:"verification,omitempty"`    // VerifyConnectivity
	Config          *Config          `json:"config,omitempty"`          // PublishConfig
	Removal         *Removal         `json:"removal,omitempty"`         // Offboard
	Diagnosis       *Diagnosis       `json:"diagnosis,omitempty"`       // Diagnose
	Acknowledgement *Acknowledgement `json:"acknowledgement,omitempty"` // Acknowledge
	Failure         *Failure         `json:"failure,omitempty"`         // the Catch of the state that failed
	Outcome         *Outcome         `json:"outcome,omitempty"`         // Rollback
}

// Access returns how the account of the plan's network is reached. Before there is a plan it is the stack's own account.
func (s State) Access() Access {
	if s.Plan == nil {
		return Access{}
	}
	return s.Plan.Network.Access()
}

// PublishedSince returns the earliest time at which this run can have written its parameters: when it verified the link, or when
// the stopped execution began whose connection it claimed. It is zero when neither happened.
func (s State) PublishedSince() time.Time {
	if s.Plan != nil && !s.Plan.TakenFrom.IsZero() {
		return s.Plan.TakenFrom
	}
	if s.Verification == nil {
		return time.Time{}
	}
	return s.Verification.At
}
