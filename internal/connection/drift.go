package connection

import (
	"maps"
	"slices"
	"time"
)

// DriftCheck is one thing that the drift check looks at, in kebab-case; stable.
type DriftCheck string

// The checks, in the order of their report. DriftChecks says what each of them is.
const (
	CheckEndpointState  DriftCheck = "endpoint-state"
	CheckEndpoint       DriftCheck = "endpoint"
	CheckService        DriftCheck = "service"
	CheckSubnets        DriftCheck = "subnets"
	CheckZonesOffered   DriftCheck = "availability-zones"
	CheckInterfaces     DriftCheck = "interfaces"
	CheckSecurityGroups DriftCheck = "security-groups"
	CheckPrivateDNS     DriftCheck = "private-dns"
	CheckVPCDNS         DriftCheck = "vpc-dns"
	CheckZone           DriftCheck = "zone"
	CheckRecord         DriftCheck = "record"
	CheckShadowing      DriftCheck = "shadowing"
	CheckPolicy         DriftCheck = "policy"
	CheckParameters     DriftCheck = "parameters"
	CheckTags           DriftCheck = "tags"
	CheckServiceVisible DriftCheck = "service-visible"
	CheckNotification   DriftCheck = "notification"
	CheckResolution     DriftCheck = "resolution"
	CheckNetworkACL     DriftCheck = "network-acl"
	CheckCertificate    DriftCheck = "certificate"
)

// Severity of a drift.
const (
	SeverityCritical = "critical" // the link does not work, or leads elsewhere
	SeverityHigh     = "high"     // it will not work soon, or for some
	SeverityMedium   = "medium"
	SeverityLow      = "low"
)

// DriftCheckInfo is what is fixed about a check.
type DriftCheckInfo struct {
	Check    DriftCheck
	Severity string
	// Deep checks need reads of their own for each connection, and are made in turn; the others come out of lists.
	Deep bool
	// Repairable says that an execution may put it right: it changes only what Postern made.
	Repairable bool
	What       string // what is compared, for people
}

// DriftChecks lists every check, in the order of the report.
var DriftChecks = []DriftCheckInfo{
	{CheckEndpointState, SeverityCritical, false, false, "the endpoint is available; a vendor can reject it at any time"},
	{CheckEndpoint, SeverityCritical, false, false, "the endpoint exists in its VPC"},
	{CheckService, SeverityCritical, false, false, "it reaches the same service, in the same Region"},
	{CheckSubnets, SeverityMedium, false, true, "its subnets are those of the plan"},
	{CheckZonesOffered, SeverityLow, false, false, "the service is offered in no Availability Zone but those at the onboarding"},
	{CheckInterfaces, SeverityMedium, true, false, "one network interface in each subnet, in use, with the addresses it was verified with"},
	{CheckSecurityGroups, SeverityHigh, false, true, "its security groups are those of the plan and let every client in on every port"},
	{CheckPrivateDNS, SeverityCritical, false, true, "the endpoint's private DNS is on or off as planned"},
	{CheckVPCDNS, SeverityHigh, false, false, "the VPC has enableDnsSupport and enableDnsHostnames"},
	{CheckZone, SeverityCritical, true, true, "the hosted zone exists, is ours, and answers in each of its VPCs"},
	{CheckRecord, SeverityCritical, true, true, "the zone's records lead to the endpoint, with their TTL"},
	{CheckShadowing, SeverityHigh, true, false, "no other zone of the VPC answers for the name"},
	{CheckPolicy, SeverityHigh, false, false, "the endpoint's policy is the one it was made with, or taken over with"},
	{CheckParameters, SeverityHigh, true, true, "the published parameters have the published values"},
	{CheckTags, SeverityLow, false, true, "the endpoint carries our tags"},
	{CheckServiceVisible, SeverityHigh, false, false, "the vendor's service is visible to the account, as it was"},
	{CheckNotification, SeverityLow, false, true, "the endpoint's connection notification is there"},
	{CheckResolution, SeverityCritical, true, false, "from inside the VPC the name leads to the endpoint, and TLS works"},
	{CheckNetworkACL, SeverityMedium, false, false, "network ACLs let the clients through, both ways"},
	{CheckCertificate, SeverityHigh, true, false, "the vendor's certificate is good for more than two weeks"},
}

// Info returns what is known of a check; false for a name that is none.
func (c DriftCheck) Info() (DriftCheckInfo, bool) {
	i := slices.IndexFunc(DriftChecks, func(info DriftCheckInfo) bool { return info.Check == c })
	if i < 0 {
		return DriftCheckInfo{}, false
	}
	return DriftChecks[i], true
}

// DriftPolicy is what is done about a finding.
type DriftPolicy string

// The policies. A finding is always an event and a metric.
const (
	PolicyReport DriftPolicy = "report" // nothing more
	PolicyTicket DriftPolicy = "ticket" // the connection's ticket gets a comment, if it has one; the default
	PolicyRepair DriftPolicy = "repair" // as PolicyTicket, and an execution repairs it
)

// DriftPolicies lists every policy.
var DriftPolicies = []DriftPolicy{PolicyReport, PolicyTicket, PolicyRepair}

// DriftPolicyOf are a connection's own policies by check; a check that is not named has PolicyTicket.
type DriftPolicyOf map[DriftCheck]DriftPolicy

// Of returns the policy of a check.
func (p DriftPolicyOf) Of(check DriftCheck) DriftPolicy {
	if policy, ok := p[check]; ok {
		return policy
	}
	return PolicyTicket
}

func (p DriftPolicyOf) check(faults *Faults) {
	var names []DriftCheck
	for _, info := range DriftChecks {
		names = append(names, info.Check)
	}
	for _, check := range slices.Sorted(maps.Keys(p)) {
		path := join("drift", fieldName(string(check)))
		info, known := check.Info()
		switch {
		case !known:
			faults.Addf(path, "write one of "+joined(names), "%q is not a drift check", clip(string(check)))
		case !slices.Contains(DriftPolicies, p[check]):
			faults.Addf(path, "write one of "+joined(DriftPolicies), "%q is not a policy", clip(string(p[check])))
		case p[check] == PolicyRepair && !info.Repairable:
			faults.Addf(path, "write ticket or report", "Postern cannot repair this, because Postern did not make it")
		}
	}
}

// DriftResult is the answer of a check. A failed read is DriftUnknown, never DriftOK.
type DriftResult string

// The results of a check.
const (
	DriftOK      DriftResult = "ok"
	DriftFound   DriftResult = "drift"
	DriftUnknown DriftResult = "unknown"
)

// DriftAnswer is the result of one check of one connection.
type DriftAnswer struct {
	Check  DriftCheck  `json:"check"`
	Result DriftResult `json:"result"`
	// Detail says what is and what should be, or why the check could not run; "" for DriftOK.
	Detail string `json:"detail,omitempty"`
	// ForHands says that it needs a manual repair: a repair changes only what Postern made.
	ForHands bool `json:"forHands,omitempty"`
}

// DriftFinding is a check that is not ok, for as long as it is not.
type DriftFinding struct {
	DriftAnswer
	Since time.Time `json:"since"` // when it was first seen; with the check it names the finding
	At    time.Time `json:"at"`    // when it was last seen
	// By is who changed it, as CloudTrail names them; "" when CloudTrail does not know.
	By string `json:"by,omitempty"`
	// Repairs are when executions were started to repair it during the last day.
	Repairs []time.Time `json:"repairs,omitempty"`
	// Repair is the ARN of the last of them.
	Repair string `json:"repair,omitempty"`
	// Flapping is set when Postern stopped repairing it, because it is changed back again and again.
	Flapping bool `json:"flapping,omitempty"`
}

// Drift is what the drift check knows about an onboarded connection. It is kept in the table with the ledger. A later onboarding or
// repair leaves it: the next check closes what was repaired.
type Drift struct {
	SchemaVersion int       `json:"schemaVersion"`
	Ledger        time.Time `json:"ledger"` // At of the ledger that was last compared with
	// DeepAt is when the deep checks were last made; zero: not since the onboarding, which had verified all of them.
	DeepAt time.Time `json:"deepAt,omitzero"`
	// NotAfter is when the certificate expires that was last seen.
	NotAfter *time.Time     `json:"notAfter,omitempty"`
	Findings []DriftFinding `json:"findings"` // in the order of DriftChecks
	// Repairs are when each check was repaired during the last day, also after its finding closed: a change that comes back again
	// and again is noticed by it.
	Repairs map[DriftCheck][]time.Time `json:"repairs,omitempty"`
}

// Count returns how many findings have a result.
func (d Drift) Count(result DriftResult) int {
	count := 0
	for _, finding := range d.Findings {
		if finding.Result == result {
			count++
		}
	}
	return count
}

// Expectation is what lists are compared with, for every onboarded connection: the part of its ledger that the shallow checks
// need. It is in an index, so it is short.
type Expectation struct {
	At               time.Time     `json:"at"` // of the ledger
	AccountID        string        `json:"accountId"`
	Access           Access        `json:"access,omitzero"`
	Region           string        `json:"region"`
	VPCID            string        `json:"vpcId"`
	EndpointID       string        `json:"endpointId"`
	ServiceName      string        `json:"serviceName"`
	ServiceRegion    string        `json:"serviceRegion"`
	SubnetIDs        []string      `json:"subnetIds"`
	InterfaceIDs     []string      `json:"interfaceIds"`
	SecurityGroupIDs []string      `json:"securityGroupIds"`
	CIDRs            []string      `json:"cidrs,omitempty"` // of the clients, IPv4
	ClientGroupIDs   []string      `json:"clientGroupIds,omitempty"`
	Ports            []int         `json:"ports"`
	PrivateDNS       bool          `json:"privateDns,omitempty"`
	ZoneID           string        `json:"zoneId,omitempty"`
	Parameters       []string      `json:"parameters,omitempty"`
	Policies         DriftPolicyOf `json:"policies,omitempty"`
	// NotAfter is when the certificate expires that the last verification saw.
	NotAfter *time.Time `json:"notAfter,omitempty"`
	// InterfaceIPs are the addresses of InterfaceIDs.
	InterfaceIPs []string `json:"interfaceIps,omitempty"`
	// OwnGroup says that Postern made the security group: its rules are exactly CIDRs and ClientGroupIDs, the probe's among them.
	OwnGroup bool `json:"ownGroup,omitempty"`
	// Adopted says that the endpoint was created manually and adopted.
	Adopted bool `json:"adopted,omitempty"`
	// PolicyDigest is that of the policy of an adopted endpoint; "" for any other.
	PolicyDigest string `json:"policyDigest,omitempty"`
	// Open says that the groups which the request named allowed any client from the start.
	Open bool `json:"open,omitempty"`
	// The service as it was.
	AZIDs              []string `json:"azIds,omitempty"`
	AcceptanceRequired bool     `json:"acceptanceRequired,omitempty"`
	PrivateDNSName     string   `json:"privateDnsName,omitempty"`
	PrivateDNSVerified bool     `json:"privateDnsVerified,omitempty"`
}

// Expect returns what the shallow checks expect of a connection.
func (l Ledger) Expect() Expectation {
	plan := l.Plan
	e := Expectation{
		At: l.At, AccountID: plan.Network.AccountID, Access: plan.Network.Access(), Region: plan.Network.Region, VPCID: plan.Network.VPCID,
		EndpointID: l.Endpoint.ID, ServiceName: plan.Service.Name, ServiceRegion: plan.Service.Region,
		SecurityGroupIDs: plan.Network.SecurityGroupIDs, CIDRs: plan.Network.ClientCIDRs,
		ClientGroupIDs: plan.Network.ClientSecurityGroupIDs, Ports: plan.Probe.Ports,
		PrivateDNS: plan.DNS.Mode == ModeVendorPrivateDNS && !l.DNS.Kept || l.Endpoint.PrivateDNSEnabled, ZoneID: l.DNS.ZoneID,
		Policies: plan.Drift, NotAfter: l.Verification.NotAfter, Open: l.Open, Adopted: l.Endpoint.Adopted, PolicyDigest: l.Endpoint.PolicyDigest,
		AZIDs: plan.Service.AZIDs, AcceptanceRequired: plan.Service.AcceptanceRequired, PrivateDNSName: plan.Service.PrivateDNSName,
		PrivateDNSVerified: plan.Service.PrivateDNSVerified,
	}
	if l.Endpoint.SecurityGroupID != "" {
		e.SecurityGroupIDs = []string{l.Endpoint.SecurityGroupID}
	}
	if group := plan.SecurityGroup; group != nil && l.Endpoint.SecurityGroupID != "" {
		e.OwnGroup, e.Ports, e.CIDRs, e.ClientGroupIDs = true, group.Ports, group.CIDRs, group.GroupIDs
	}
	for _, i := range l.Availability.Interfaces {
		e.SubnetIDs = append(e.SubnetIDs, i.SubnetID)
		e.InterfaceIDs = append(e.InterfaceIDs, i.ID)
		e.InterfaceIPs = append(e.InterfaceIPs, i.IP)
	}
	for _, parameter := range l.Config.Parameters {
		e.Parameters = append(e.Parameters, parameter.Name)
	}
	return e
}

// DriftNotice is the detail of EventDrift.
type DriftNotice struct {
	SchemaVersion int          `json:"schemaVersion"`
	ConnectionID  string       `json:"connectionId"`
	Status        string       `json:"status"` // DriftOpened, DriftClosed or DriftFlapping
	Severity      string       `json:"severity"`
	Policy        DriftPolicy  `json:"policy"`
	Finding       DriftFinding `json:"finding"`
	ObservedAt    time.Time    `json:"observedAt"`
	EndpointID    string       `json:"endpointId,omitempty"`
	Ticket        string       `json:"ticket,omitempty"` // key of the ticket that the connection belongs to
}

// What a DriftNotice says.
const (
	DriftOpened = "opened"
	DriftClosed = "closed" // it is ok again, by a repair or by a manual change
	// DriftFlapping: it is changed back after each repair, and Postern no longer repairs it.
	DriftFlapping = "flapping"
)
