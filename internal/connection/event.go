package connection

import "time"

// EventSource is the source of Postern's own events on the bus.
const EventSource = "postern"

// The detail types of Postern's events. Rules of users may match them.
const (
	// EventEndpointState says that an endpoint's state differs from the last one seen. AWS itself emits no such event for
	// interface endpoints; Postern's observe function makes it from DescribeVpcEndpoints.
	EventEndpointState = "VPC Endpoint State Change"
	// EventServiceVisible says that the vendor's service became visible to this account: allow-listing is done.
	EventServiceVisible = "VPC Endpoint Service Visible"
	// EventGateOpened says that an execution began to wait for the vendor; it carries the text to send.
	EventGateOpened = "Gate Opened"
	// EventGateReminder says that 50, 80 or 100 percent of the vendor's own hours have passed at a waiting gate.
	EventGateReminder = "Gate Reminder"
	// EventAcknowledged says that an operator ends the wait for allow-listing with inputs that the vendor gave.
	EventAcknowledged = "Gate Acknowledged"
	// EventCancelled says that an operator gives up the connection that an execution waits for.
	EventCancelled = "Gate Cancelled"
	// EventDrift says that something of an onboarded connection differs from what was verified, could not be checked, or matches
	// again. It is sent at least once for each finding.
	EventDrift = "Connection Drift"
	// EventOrphan says that AWS has a resource that Postern made and no connection owns, or that a stopped execution holds a
	// connection. Every sweep for orphans sends it while it lasts.
	EventOrphan = "Orphan Found"
	// EventOffboarded says that an offboarding has deleted an endpoint; it carries the text for the vendor.
	EventOffboarded = "Connection Offboarded"
	// EventGateStillClosed says that the sweep looked and the wait goes on; resume turns it into a heartbeat.
	EventGateStillClosed = "Gate Still Closed"
)

// How an observation came about.
const (
	ObservedByNotification = "notification"    // the endpoint's SNS connection notification
	ObservedByCloudTrail   = "cloudtrail"      // an EC2 call that Postern did not make
	ObservedBySweep        = "sweep"           // the schedule
	ObservedByRegistration = "registration"    // the describe that follows storing the token
	ObservedByOperator     = "acknowledgement" // an execution with action approve or cancel
)

// Observation is the detail of EventEndpointState, EventServiceVisible, EventGateStillClosed, EventAcknowledged and EventCancelled.
type Observation struct {
	SchemaVersion int           `json:"schemaVersion"`
	ConnectionID  string        `json:"connectionId"`
	Gate          Gate          `json:"gate"`
	EndpointID    string        `json:"endpointId,omitempty"`
	ServiceName   string        `json:"serviceName,omitempty"`
	PreviousState EndpointState `json:"previousState,omitempty"`
	State         EndpointState `json:"state,omitempty"`
	Reason        string        `json:"reason,omitempty"` // AWS: LastError, FailureReason
	ObservedAt    time.Time     `json:"observedAt"`
	ObservedBy    string        `json:"observedBy"`
	// Execution is the ARN of the execution that waits, and Ticket the key of the ticket that it came from, "" for none. Both are "" of
	// an endpoint that was found by its tags alone.
	Execution string `json:"execution,omitempty"`
	Ticket    string `json:"ticket,omitempty"`
	// By and Inputs are of EventAcknowledged and EventCancelled: the execution that says so, an ARN, and what the vendor gave.
	By     string            `json:"by,omitempty"`
	Inputs map[string]string `json:"inputs,omitempty"`
}

// GateNotice is the detail of EventGateOpened.
type GateNotice struct {
	SchemaVersion int       `json:"schemaVersion"`
	ConnectionID  string    `json:"connectionId"`
	Execution     string    `json:"execution"`
	Gate          Gate      `json:"gate"`
	OpenedAt      time.Time `json:"openedAt"`
	To            string    `json:"to"`
	Subject       string    `json:"subject"`
	Body          string    `json:"body"`
	SLAHours      int       `json:"slaHours"`
	Calendar      string    `json:"calendar"`
	EndpointID    string    `json:"endpointId,omitempty"`
	// EndpointState, Plan and Ticket are for the comment on the ticket.
	EndpointState EndpointState `json:"endpointState,omitempty"`
	Plan          *PlanNotice   `json:"plan,omitempty"`
	Ticket        *Ticket       `json:"ticket,omitempty"`
}

// RemovalReport is the detail of EventOffboarded. It is sent before the execution ends, and may be sent twice.
type RemovalReport struct {
	SchemaVersion int       `json:"schemaVersion"`
	ConnectionID  string    `json:"connectionId"`
	Execution     string    `json:"execution"`
	OffboardedAt  time.Time `json:"offboardedAt"`
	RemovalNotice
	Removed []string `json:"removed"` // as Removal's
	Kept    []string `json:"kept,omitempty"`
	Ticket  string   `json:"ticket,omitempty"` // key of the ticket that asked for it
}

// PlanNotice is the part of a plan that a comment shows.
type PlanNotice struct {
	Creates  []string  `json:"creates"`
	Findings []Finding `json:"findings"`
	Cost     Cost      `json:"cost"`
}

// GateReminder is the detail of EventGateReminder. It is sent until the mail was sent, so it may come more than once; a
// percentage that is passed before that is skipped.
type GateReminder struct {
	SchemaVersion int       `json:"schemaVersion"`
	ConnectionID  string    `json:"connectionId"`
	Execution     string    `json:"execution"`
	Gate          Gate      `json:"gate"`
	Percent       int       `json:"percent"` // 50, 80 or 100
	Since         time.Time `json:"since"`   // when the vendor was asked
	ObservedAt    time.Time `json:"observedAt"`
	PassedHours   int       `json:"passedHours"` // of the vendor's hours, rounded down
	SLAHours      int       `json:"slaHours"`    // the vendor's own figure, in hours of its calendar
	Calendar      string    `json:"calendar"`
	To            string    `json:"to"`
	Subject       string    `json:"subject"`
	Body          string    `json:"body"` // what to send the vendor now
	ServiceName   string    `json:"serviceName,omitempty"`
	EndpointID    string    `json:"endpointId,omitempty"`
	Ticket        string    `json:"ticket,omitempty"` // key of the ticket that the execution came from
}
