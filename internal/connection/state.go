package connection

import (
	"encoding/json"
	"time"
)

// Input is what the state machine hands to a function: the execution, when the state was entered, the request as it came, and
// what the steps before have added. Time comes from here and from events, never from the function's own clock, so a step that
// runs twice does the same twice.
type Input struct {
	// Execution is the ARN of the execution (AWS: $$.Execution.Id).
	Execution string `json:"execution"`
	// EnteredAt is when the state was entered (AWS: $$.State.EnteredTime); a retry keeps it, a redrive renews it.
	EnteredAt time.Time `json:"enteredAt"`
	// RedriveCount is how often the execution was redriven (AWS: $$.Execution.RedriveCount), in the states whose step needs a hold on
	// the connection. While an execution is stopped, another one may take its connection over.
	RedriveCount int `json:"redriveCount,omitempty"`
	// Attempt counts the tries of the task (AWS: $$.State.RetryCount), likewise; a redrive begins anew.
	Attempt int   `json:"attempt,omitempty"`
	State   State `json:"state"`
}

// Turn returns the turn in which the step acts.
func (in Input) Turn() Turn {
	return Turn{Execution: in.Execution, EnteredAt: in.EnteredAt, Redrive: in.RedriveCount, Attempt: in.Attempt}
}

// Turn is one attempt of an execution at one of its states. The turns of an execution follow one another: a later state is entered later,
// a redrive counts, and within both the attempts do. One that is called twice acts in the same turn.
type Turn struct {
	Execution string    // ARN
	EnteredAt time.Time // when the state was entered
	Redrive   int       // how often the execution was redriven before; 0 where an execution of an earlier release does not say
	Attempt   int       // likewise
}

// State is the one value that flows through an execution. Each step owns one section and only adds to it. Executions outlive
// deploys, so a field is never renamed or retyped.
type State struct {
	Plan         *Plan         `json:"plan,omitempty"`         // Plan
	Allowlisting *GateResult   `json:"allowlisting,omitempty"` // AwaitAllowlisting
	Endpoint     *Endpoint     `json:"endpoint,omitempty"`     // EnsureEndpoint
	Approval     *GateResult   `json:"approval,omitempty"`     // AwaitApproval
	Availability *Availability `json:"availability,omitempty"` // AwaitAvailable
	Probe        *Proof        `json:"probe,omitempty"`        // ProbeEndpoint
	DNS          *DNS          `json:"dns,omitempty"`          // ConfigureDNS
	Verification *Proof        `json:"verification,omitempty"` // VerifyConnectivity
	Config       *Config       `json:"config,omitempty"`       // PublishConfig
	Removal      *Removal      `json:"removal,omitempty"`      // Offboard
	Diagnosis    *Diagnosis    `json:"diagnosis,omitempty"`    // Diagnose
	// Acknowledgement is what Acknowledge told the execution that waits.
	Acknowledgement *Acknowledgement `json:"acknowledgement,omitempty"`
	Failure         *Failure         `json:"failure,omitempty"` // the Catch of the state that failed
	Outcome         *Outcome         `json:"outcome,omitempty"` // Rollback
}

// Decision is where the plan sends the execution.
type Decision string

// The decisions of a plan.
const (
	DecisionPlanned   Decision = "planned"   // plan only: nothing is written
	DecisionAllowlist Decision = "allowlist" // the vendor has to allow-list the account first
	DecisionProceed   Decision = "proceed"   // make the endpoint
	DecisionOffboard  Decision = "offboard"  // remove the connection
	DecisionDiagnose  Decision = "diagnose"  // look at what is there: nothing is written
	DecisionApprove   Decision = "approve"   // tell whoever waits that the vendor confirmed
	DecisionCancel    Decision = "cancel"    // tell whoever holds the connection to give up
)

// Plan is all that the run will do, computed before anything is written. Later steps read the plan, never the request.
type Plan struct {
	ConnectionID   string            `json:"connectionId"`
	At             time.Time         `json:"at,omitzero"` // when Plan was entered; a wait for allow-listing begins then
	Vendor         string            `json:"vendor"`
	ProfileVersion string            `json:"profileVersion"`
	Decision       Decision          `json:"decision"`
	Inputs         map[string]string `json:"inputs"` // the request's, with the profile's defaults
	Network        Network           `json:"network"`
	Service        Service           `json:"service"`
	DNS            DNSPlan           `json:"dns"`
	Gates          Gates             `json:"gates"`
	Probe          ProbePlan         `json:"probe"`
	Outputs        []Output          `json:"outputs"`
	// SecurityGroup is the group that is made for the endpoint, nil when the request names groups or the endpoint has its own.
	SecurityGroup *SecurityGroupPlan `json:"securityGroup,omitempty"`
	// AdoptEndpointID is an endpoint of ours that already serves this connection, or "".
	AdoptEndpointID string `json:"adoptEndpointId,omitempty"`
	// HandMade is set when the request names AdoptEndpointID as one that was made by hand: it is taken over, and no endpoint is made.
	HandMade      bool      `json:"handMade,omitempty"`
	ClientActions []string  `json:"clientActions,omitempty"` // what people do with the clients afterwards
	Findings      []Finding `json:"findings"`                // warnings and notes; faults end the run instead
	Creates       []string  `json:"creates"`                 // what will be made, one line each, for people
	Cost          Cost      `json:"cost"`
	// Offboard is what will be removed, for an offboarding only.
	Offboard  *OffboardPlan `json:"offboard,omitempty"`
	Ticket    *Ticket       `json:"ticket,omitempty"`
	Requester string        `json:"requester,omitempty"`
	Diagnosis *Facts        `json:"diagnosis,omitempty"` // for a diagnosis only
	// Drift is what the request says of drift.
	Drift DriftPolicyOf `json:"drift,omitempty"`
	// Repair is set for a repair only.
	Repair *RepairPlan `json:"repair,omitempty"`
	// TakenFrom is when the execution began that was stopped by hand and held the connection; zero when it was free.
	TakenFrom time.Time `json:"takenFrom,omitzero"`
}

// PublishedSince is the time since which what stands in the parameters may be of this run: when the link was verified, or when the
// run began that was stopped and taken over.
func (s State) PublishedSince() time.Time {
	if s.Plan != nil && !s.Plan.TakenFrom.IsZero() {
		return s.Plan.TakenFrom
	}
	if s.Verification == nil {
		return time.Time{}
	}
	return s.Verification.At
}

// Acknowledges reports whether the run only tells another one something.
func (p Plan) Acknowledges() bool {
	return p.Decision == DecisionApprove || p.Decision == DecisionCancel
}

// Network is where the endpoint goes, as AWS describes it.
type Network struct {
	Name             string   `json:"name"` // of the registered network
	AccountID        string   `json:"accountId"`
	Region           string   `json:"region"`
	VPCID            string   `json:"vpcId"`
	Subnets          []Subnet `json:"subnets"`
	SecurityGroupIDs []string `json:"securityGroupIds"`
	ClientCIDRs      []string `json:"clientCidrs"`
	// ClientSecurityGroupIDs are groups of clients, besides the clients in ClientCIDRs.
	ClientSecurityGroupIDs []string `json:"clientSecurityGroupIds,omitempty"`
	// RoleARN and ExternalID are those of the registered network, kept so that clean-up does not depend on what is registered by
	// then. See Access.
	RoleARN    string `json:"roleArn,omitempty"`
	ExternalID string `json:"externalId,omitempty"`
}

// SecurityGroupPlan is a security group of our own: inbound TCP on the ports from each of the blocks and groups, and nothing else.
type SecurityGroupPlan struct {
	Name     string   `json:"name"` // unique in the VPC, and a function of the connection
	Ports    []int    `json:"ports"`
	CIDRs    []string `json:"cidrs,omitempty"`
	GroupIDs []string `json:"groupIds,omitempty"`
}

// Access returns how the network's account is reached.
func (n Network) Access() Access { return accessOf(n.RoleARN, n.ExternalID, n.Region) }

// Access returns how the account of the plan's network is reached: the stack's own before there is a plan.
func (s State) Access() Access {
	if s.Plan == nil {
		return Access{}
	}
	return s.Plan.Network.Access()
}

// Subnet is one subnet of the endpoint. AZ names differ from account to account; AZ ids do not, and are what is compared.
type Subnet struct {
	ID   string `json:"id"`
	AZ   string `json:"az"`
	AZID string `json:"azId"`
}

// Service is the vendor's endpoint service as this account sees it.
//
// AWS: DescribeVpcEndpointServices. A service that has not allow-listed us, a wrong Region and a typing error look the same:
// InvalidServiceName.
type Service struct {
	// Name and Region are "" as long as the vendor has not given them.
	Name               string `json:"name"`
	Region             string `json:"region"`
	Visible            bool   `json:"visible"`
	AcceptanceRequired bool   `json:"acceptanceRequired"`
	// Type is what kind of endpoint the service takes: Interface, or another word of AWS when it takes no interface endpoints.
	Type string `json:"type,omitempty"`
	// PrivateDNSName is the vendor's own private name, "" when it has none; it can be used only when PrivateDNSVerified.
	PrivateDNSName     string   `json:"privateDnsName,omitempty"`
	PrivateDNSVerified bool     `json:"privateDnsVerified,omitempty"`
	AZIDs              []string `json:"azIds,omitempty"` // empty for a service in another Region
}

// CrossRegion reports whether the service is hosted in another Region than the endpoint's; false as long as its Region is not known.
func (p Plan) CrossRegion() bool {
	return p.Service.Region != "" && p.Service.Region != p.Network.Region
}

// How a vendor's name is made to resolve.
const (
	ModePrivateHostedZone = "privateHostedZone" // a zone and a record of ours
	ModeVendorPrivateDNS  = "vendorPrivateDns"  // the endpoint's own private DNS, switched on after it is available
	ModeNone              = "none"
)

// The record types of a privateHostedZone.
const (
	RecordCNAME = "CNAME"
	RecordAlias = "ALIAS" // an A record with an alias target: the only form that can stand at a zone's apex
)

// DNSPlan is how the hostname will resolve to the endpoint.
type DNSPlan struct {
	Mode       string `json:"mode"`
	Hostname   string `json:"hostname"`
	Zone       string `json:"zone,omitempty"`       // without trailing dot
	RecordType string `json:"recordType,omitempty"` // RecordCNAME or RecordAlias
	TTL        int64  `json:"ttl,omitempty"`        // seconds; an alias has none
	// ZoneID is an existing zone of ours that is used, or "" when one will be made.
	ZoneID string `json:"zoneId,omitempty"`
	// Records are the zone's records when the profile lists them; otherwise the one record is Hostname's. RecordType and TTL are
	// those of the first. See Names.
	Records []NameRecord `json:"records,omitempty"`
	// Associations are the further VPCs in which a privateHostedZone shall answer.
	Associations []Association `json:"associations,omitempty"`
	// Present are our own records that stood at these names when the plan was made. Whoever overwrites one and dies before it could
	// say so leaves them as the only memory of it.
	Present []Record `json:"present,omitempty"`
	// Kept is what was made by hand and answers the names with the adopted endpoint already: it is left as it is, and nothing is
	// written.
	Kept *KeptDNS `json:"kept,omitempty"`
}

// KeptDNS is a hosted zone that somebody else made, or that of the endpoint's own private DNS, whose records cannot be read.
type KeptDNS struct {
	ZoneID   string       `json:"zoneId"`
	ZoneName string       `json:"zoneName"`
	Records  []ZoneRecord `json:"records,omitempty"`
}

// Before returns our own record that a written one replaced, as the plan saw it; nil when there was none, or the same.
func (p DNSPlan) Before(written Record) *Record {
	for _, record := range p.Present {
		if record.Name == written.Name && record != written {
			return &record
		}
	}
	return nil
}

// Association is a further VPC in which the zone shall answer.
type Association struct {
	Name       string `json:"name"` // of the registered network
	AccountID  string `json:"accountId"`
	Region     string `json:"region"`
	VPCID      string `json:"vpcId"`
	RoleARN    string `json:"roleArn,omitempty"` // as Network's
	ExternalID string `json:"externalId,omitempty"`
	// CrossAccount is set when the VPC is in another account than the zone.
	CrossAccount bool `json:"crossAccount,omitempty"`
	// Existing is set when the VPC had the zone before.
	Existing bool `json:"existing,omitempty"`
}

// Access returns how the VPC's account is reached.
func (a Association) Access() Access { return accessOf(a.RoleARN, a.ExternalID, a.Region) }

// NameRecord is a record that the zone shall hold.
type NameRecord struct {
	Name string `json:"name"`          // whole, without trailing dot; a wildcard begins with *.
	Type string `json:"type"`          // RecordCNAME or RecordAlias
	TTL  int64  `json:"ttl,omitempty"` // seconds; an alias has none
	// AZID is the Availability Zone whose interface the name leads to, "" for all of them.
	AZID string `json:"azId,omitempty"`
}

// Names returns the records of a privateHostedZone, one or several; none for the other modes.
func (p DNSPlan) Names() []NameRecord {
	if p.Mode != ModePrivateHostedZone || len(p.Records) > 0 {
		return p.Records
	}
	return []NameRecord{{Name: p.Hostname, Type: p.RecordType, TTL: p.TTL}}
}

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
	// ByConnection says that AWS asks nobody to accept, but the vendor resets connections until the endpoint is on a list of its
	// own, which nothing but a connection shows: the text goes out at once, and the probe waits.
	ByConnection bool `json:"byConnection,omitempty"`
	// TimeoutSeconds ends the wait with AllowlistingTimedOut or ApprovalTimedOut.
	TimeoutSeconds int64 `json:"timeoutSeconds"`
	// HeartbeatSeconds ends the wait with WatchLost when the sweep fell silent for so long.
	HeartbeatSeconds int64 `json:"heartbeatSeconds"`
}

// ProbePlan is how the link is proved from inside the VPC.
type ProbePlan struct {
	// FunctionName is what the state machine calls: the probe function of the registered network, or the relay to it.
	FunctionName string `json:"functionName"`
	// RelayTo is the ARN of the probe function that the relay calls; "" for a network of the stack's Region.
	RelayTo  string   `json:"relayTo,omitempty"`
	Ports    []int    `json:"ports"`
	TLSPorts []int    `json:"tlsPorts"`       // ports on which TLS is spoken
	ALPN     []string `json:"alpn,omitempty"` // protocols that must be negotiated, such as h2
	SNI      string   `json:"sni"`
}

// Output formats.
const (
	FormatText = "text" // the value as it is
	FormatYAML = "yaml" // one key set in a YAML document; every other byte of an existing document is kept
)

// Output is one SSM parameter that agents read.
type Output struct {
	Key       string `json:"key"`       // of the profile, such as config.yaml
	Parameter string `json:"parameter"` // full SSM name
	Format    string `json:"format"`
	// YAMLPath is the dotted path of the value in a YAML document: container.backendServiceUrl.
	YAMLPath string `json:"yamlPath,omitempty"`
	Value    string `json:"value"`
}

// Finding is something a person should know about a plan that can still go on.
type Finding struct {
	Severity string `json:"severity"` // SeverityWarning or SeverityInfo
	Code     string `json:"code"`     // kebab-case, stable
	Message  string `json:"message"`
}

// FindingAwaited is the code of the finding that names the inputs which the vendor gives with the allow-listing.
const FindingAwaited = "inputs-with-allow-listing"

// FindingOpen is the code of the finding that the security groups which the request names let anyone in.
const FindingOpen = "security-group-open"

// Severities of a finding.
const (
	SeverityWarning = "warning"
	SeverityInfo    = "info"
)

// Cost is what the connection costs in US dollars a month, data processing aside, at the prices of the plan.
type Cost struct {
	MonthlyUSD float64 `json:"monthlyUsd"`
	Basis      string  `json:"basis"` // how it was computed, with the source
}

// GateResult is how a gate was passed; resume sends it with the task token.
type GateResult struct {
	ObservedAt time.Time     `json:"observedAt"`
	ObservedBy string        `json:"observedBy"` // notification, sweep, cloudtrail, registration, acknowledgement
	State      EndpointState `json:"state,omitempty"`
	// AskedAt is when the vendor was asked: a gate that is waited at again goes on counting from there.
	AskedAt time.Time `json:"askedAt,omitzero"`
	// Inputs were given with an acknowledgement, By is the ARN of the execution that gave them.
	Inputs map[string]string `json:"inputs,omitempty"`
	By     string            `json:"by,omitempty"`
}

// Acknowledgement is what an approval or a cancellation did.
type Acknowledgement struct {
	At        time.Time `json:"at"`
	Action    Action    `json:"action"`
	Execution string    `json:"execution"`      // ARN of the execution that was told
	Gate      Gate      `json:"gate,omitempty"` // it waits at, "" for none
	Effect    string    `json:"effect"`         // one line, for people
}

// Endpoint is the interface endpoint of the connection.
type Endpoint struct {
	ID      string        `json:"id"`
	State   EndpointState `json:"state"`
	Created bool          `json:"created"` // by this execution; an adopted endpoint is never deleted
	// Adopted is set for an endpoint that was made by hand and taken over, by whichever execution: it is handed back, never deleted.
	Adopted bool `json:"adopted,omitempty"`
	// PrivateDNSEnabled is set when the private DNS of an adopted endpoint was on as it was found.
	PrivateDNSEnabled bool   `json:"privateDnsEnabled,omitempty"`
	NotificationID    string `json:"notificationId,omitempty"`
	// PolicyDigest is that of the policy which an adopted endpoint had as it was found; "" when it is not adopted, and in ledgers of
	// earlier releases.
	PolicyDigest string `json:"policyDigest,omitempty"`
	// SecurityGroupID is the group that Postern made for it, "" when the request named groups.
	SecurityGroupID string    `json:"securityGroupId,omitempty"`
	At              time.Time `json:"at,omitzero"` // when EnsureEndpoint was entered; the wait for approval begins then
}

// Availability is the endpoint once it is available.
type Availability struct {
	State EndpointState `json:"state"`
	// DNSName is the endpoint's own Regional name; HostedZoneID is the zone that an ALIAS to it names.
	DNSName      string             `json:"dnsName"`
	HostedZoneID string             `json:"hostedZoneId"`
	Interfaces   []NetworkInterface `json:"interfaces"`
	// ZonalNames are the endpoint's names that lead to one Availability Zone, by zone id; a cross-Region endpoint has none.
	ZonalNames map[string]string `json:"zonalNames,omitempty"`
}

// NetworkInterface is one of the endpoint's interfaces, one in each subnet.
type NetworkInterface struct {
	ID       string `json:"id"`
	SubnetID string `json:"subnetId"`
	AZ       string `json:"az"`
	IP       string `json:"ip"`
}

// Verdict is the answer of one check. Unknown is a third answer: what was not run is never a pass.
type Verdict string

// The verdicts.
const (
	Pass    Verdict = "pass"
	Fail    Verdict = "fail"
	Unknown Verdict = "unknown"
)

// Proof is what a probe saw from inside the VPC.
type Proof struct {
	Verdict   Verdict   `json:"verdict"`
	At        time.Time `json:"at"`
	Host      string    `json:"host"`      // the name that was tried
	Chain     []string  `json:"chain"`     // names passed on the way to the addresses, CNAMEs included
	Addresses []string  `json:"addresses"` // what the name resolved to
	Checks    []Check   `json:"checks"`
	// NotAfter is when the certificate that was shown expires.
	NotAfter *time.Time `json:"notAfter"`
}

// Check is one thing a probe tried.
type Check struct {
	Kind    string  `json:"kind"`   // dns, tcp, tls, alpn
	Target  string  `json:"target"` // name or address:port
	Verdict Verdict `json:"verdict"`
	Cause   string  `json:"cause,omitempty"`  // dns, security-group, network, vendor-allowlist, tls
	Detail  string  `json:"detail,omitempty"` // for people
}

// DNS is what ConfigureDNS left behind, and what was there before.
type DNS struct {
	Mode        string  `json:"mode"`
	Hostname    string  `json:"hostname"`
	ZoneID      string  `json:"zoneId,omitempty"`
	ZoneName    string  `json:"zoneName,omitempty"`
	ZoneCreated bool    `json:"zoneCreated,omitempty"`
	Record      *Record `json:"record,omitempty"`
	// Changed is false when everything was already so.
	Changed bool `json:"changed"`
	// Previous is our own earlier record that was overwritten, restored by rollback.
	Previous *Record `json:"previous,omitempty"`
	// PrivateDNSEnabled is set when this execution switched the endpoint's private DNS on.
	PrivateDNSEnabled bool `json:"privateDnsEnabled,omitempty"`
	// Associations are the further VPCs that this execution made the zone answer in.
	Associations []Association `json:"associations,omitempty"`
	// Records are all records when the plan lists several; Record, Changed and Previous then speak of all of them together, by
	// the first. See Written.
	Records []WrittenRecord `json:"records,omitempty"`
	// Kept is set when what was made by hand answers, as the plan says, and nothing was written.
	Kept bool `json:"kept,omitempty"`
}

// WrittenRecord is a record as it is now.
type WrittenRecord struct {
	Record
	Changed  bool    `json:"changed"`            // false when it was already so
	Previous *Record `json:"previous,omitempty"` // our own earlier record that was overwritten
}

// Written returns the records that ConfigureDNS left behind, one or several.
func (d DNS) Written() []WrittenRecord {
	if len(d.Records) > 0 || d.Record == nil {
		return d.Records
	}
	return []WrittenRecord{{Record: *d.Record, Changed: d.Changed, Previous: d.Previous}}
}

// Record is a DNS record: a CNAME with its TTL in seconds, or an A alias with its target's zone.
type Record struct {
	Name        string `json:"name"`
	Type        string `json:"type"` // RecordCNAME or RecordAlias
	Value       string `json:"value"`
	TTL         int64  `json:"ttl,omitempty"`
	AliasZoneID string `json:"aliasZoneId,omitempty"`
}

// Config is what was published.
type Config struct {
	Parameters []Parameter `json:"parameters"`
}

// Parameter is one SSM parameter after publishing. Its value is not kept: whoever may read it reads SSM.
type Parameter struct {
	Name            string `json:"name"`
	Version         int64  `json:"version"`
	PreviousVersion int64  `json:"previousVersion,omitempty"` // 0: the parameter was created
	Changed         bool   `json:"changed"`
	SHA256          string `json:"sha256"` // of the value, hexadecimal
}

// Failure is what a Catch stores: the error's name, and the cause as AWS gives it (for a function, JSON with errorMessage).
type Failure struct {
	Error string `json:"Error"`
	Cause string `json:"Cause"`
}

// Message is the words of the cause: of a function's JSON the errorMessage, anything else as it is.
func (f Failure) Message() string {
	var function struct {
		ErrorMessage string `json:"errorMessage"`
	}
	if json.Unmarshal([]byte(f.Cause), &function) == nil && function.ErrorMessage != "" {
		return function.ErrorMessage
	}
	return f.Cause
}

// Outcome is how a failed execution ended. Error and Cause are spelled as a Catch spells them, because FailedClean and
// FailedDirty read them by path whichever of the two wrote them.
type Outcome struct {
	Error  string   `json:"Error"`
	Cause  string   `json:"Cause"` // readable: a short first line, then one line for each thing
	Clean  bool     `json:"clean"`
	Undone []string `json:"undone"`
	Left   []string `json:"left"`
}
