package connection

import (
	"encoding/json"
	"time"
)

// OrphanKind is why a resource is orphaned; stable.
type OrphanKind string

// The kinds.
const (
	// OrphanStopped: the execution that holds the connection has ended and did not release it.
	OrphanStopped OrphanKind = "stopped-execution"
	// OrphanUnknown: resources with our tags or reference, of a connection that has no record, was offboarded, or failed.
	OrphanUnknown OrphanKind = "unknown-connection"
	// OrphanSecond: an endpoint of an onboarded connection that uses another one.
	OrphanSecond OrphanKind = "second-endpoint"
	// OrphanOverdue: an endpoint that waits for the vendor for longer than the gate does.
	OrphanOverdue OrphanKind = "overdue-endpoint"
)

// OrphanKinds lists every kind.
var OrphanKinds = []OrphanKind{OrphanStopped, OrphanUnknown, OrphanSecond, OrphanOverdue}

// The types of things that can be orphans.
const (
	ThingEndpoint      = "VPC endpoint"
	ThingSecurityGroup = "security group"
	ThingHostedZone    = "hosted zone"
	ThingParameter     = "SSM parameter"
)

// OrphanThing is one thing in AWS that carries our tags or our reference.
type OrphanThing struct {
	Type      string `json:"type"`
	ID        string `json:"id"`
	AccountID string `json:"accountId"`
	Region    string `json:"region,omitempty"` // a hosted zone has none
	VPCID     string `json:"vpcId,omitempty"`  // AWS does not list it with a hosted zone; a parameter has none
	// State and Subnets are an endpoint's. It bills by the hour for each subnet, whatever its state.
	State     EndpointState `json:"state,omitempty"`
	Subnets   int           `json:"subnets,omitempty"`
	CreatedAt time.Time     `json:"createdAt,omitzero"` // AWS reports it for endpoints and parameters only
	// Adopted is set for an adopted endpoint.
	Adopted bool `json:"adopted,omitempty"`
}

// OrphanNotice is the detail of EventOrphan.
type OrphanNotice struct {
	SchemaVersion int           `json:"schemaVersion"`
	Kind          OrphanKind    `json:"kind"`
	ConnectionID  string        `json:"connectionId"`
	Things        []OrphanThing `json:"things"`
	// Since is since when it is known to be orphaned; zero when unknown.
	Since      time.Time `json:"since,omitzero"`
	ObservedAt time.Time `json:"observedAt"`
	// Cost is what the things cost a month; zero when they cost nothing, or when the connection needs them.
	Cost      Cost   `json:"cost,omitzero"`
	Execution string `json:"execution,omitempty"` // ARN of the one that holds the connection, or ended last
	Ticket    string `json:"ticket,omitempty"`    // key of the ticket that the connection's last execution came from
	// Next says what removes it, to people. Request is what to start the state machine with, as it is, when that does it.
	Next    string          `json:"next"`
	Request json.RawMessage `json:"request,omitempty"`
	// Digest names the orphan while it lasts: the same connection's may be another one later.
	Digest string `json:"digest"`
}
