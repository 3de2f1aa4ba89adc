package connection

import "time"

// Decision is where the plan sends the execution.
type Decision string

// The decisions of a plan.
const (
	DecisionPlanned   Decision = "planned"   // plan only: nothing is written
	DecisionAllowlist Decision = "allowlist" // the vendor has to allow-list the account first
	DecisionProceed   Decision = "proceed"   // make the endpoint
	DecisionOffboard  Decision = "offboard"  // remove the connection
	DecisionDiagnose  Decision = "diagnose"  // look at what exists: nothing is written
	DecisionApprove   Decision = "approve"   // notify the waiting execution that the vendor confirmed
	DecisionCancel    Decision = "cancel"    // make the execution that holds the connection roll back
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
	// AdoptEndpointID is the existing endpoint that this run uses, or "".
	AdoptEndpointID string `json:"adoptEndpointId,omitempty"`
	// HandMade is set when the request names AdoptEndpointID as an endpoint that was created manually: the run adopts it.
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
	// TakenFrom is when the stopped execution began that held the connection until this run claimed it; zero when it was free.
	TakenFrom time.Time `json:"takenFrom,omitzero"`
}

// Acknowledges reports whether the run only passes an acknowledgement to another execution.
func (p Plan) Acknowledges() bool {
	return p.Decision == DecisionApprove || p.Decision == DecisionCancel
}

// CrossRegion reports whether the service is hosted in another Region than the endpoint's; false as long as its Region is not known.
func (p Plan) CrossRegion() bool {
	return p.Service.Region != "" && p.Service.Region != p.Network.Region
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
	// ClientSecurityGroupIDs are groups of clients, in addition to the clients in ClientCIDRs.
	ClientSecurityGroupIDs []string `json:"clientSecurityGroupIds,omitempty"`
	// RoleARN and ExternalID are those of the registered network. They are kept so that clean-up works when the network is no
	// longer registered. See Access.
	RoleARN    string `json:"roleArn,omitempty"`
	ExternalID string `json:"externalId,omitempty"`
}

// Access returns how the network's account is reached.
func (n Network) Access() Access { return accessOf(n.RoleARN, n.ExternalID, n.Region) }

// Subnet is one subnet of the endpoint. AZ names differ from account to account; AZ ids do not, and are what is compared.
type Subnet struct {
	ID   string `json:"id"`
	AZ   string `json:"az"`
	AZID string `json:"azId"`
}

// SecurityGroupPlan is a security group that Postern makes: inbound TCP on the ports from each of the blocks and groups, and
// nothing else.
type SecurityGroupPlan struct {
	Name     string   `json:"name"` // unique in the VPC, and a function of the connection
	Ports    []int    `json:"ports"`
	CIDRs    []string `json:"cidrs,omitempty"`
	GroupIDs []string `json:"groupIds,omitempty"`
}

// Service is the vendor's endpoint service as this account sees it.
//
// AWS: DescribeVpcEndpointServices. A service that has not allow-listed the account, a wrong Region and a typing error look the
// same: InvalidServiceName.
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

// Finding is something a person should know about a plan that can still go on.
type Finding struct {
	Severity string `json:"severity"` // SeverityWarning or SeverityInfo
	Code     string `json:"code"`     // kebab-case, stable
	Message  string `json:"message"`
}

// The codes of findings that other steps read.
const (
	FindingAwaited = "inputs-with-allow-listing" // it names the inputs that the vendor gives with the allow-listing
	FindingOpen    = "security-group-open"       // the security groups that the request names allow any client
)

// Severities of a finding.
const (
	SeverityWarning = "warning"
	SeverityInfo    = "info"
)

// Cost is what the connection costs in US dollars a month, data processing excluded, at the prices of the plan.
type Cost struct {
	MonthlyUSD float64 `json:"monthlyUsd"`
	Basis      string  `json:"basis"` // how it was computed, with the source
}
