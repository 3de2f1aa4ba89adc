package connection

import (
	"maps"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// SchemaVersion is the request schema this release writes and reads.
const SchemaVersion = 1

// Action is what a request asks for.
type Action string

// The actions of a request.
const (
	ActionOnboard Action = "onboard" // make the connection
	ActionPlan    Action = "plan"    // compute and show the plan, write nothing
	// ActionDiagnose names what is wrong with a connection that exists; it writes nothing.
	ActionDiagnose Action = "diagnose"
	// ActionOffboard removes the connection that vendor and name say; the request needs nothing else.
	ActionOffboard Action = "offboard"
	// ActionApprove reports that the vendor confirmed: the waiting execution looks at once. Inputs may bring what the vendor answered.
	ActionApprove Action = "approve"
	// ActionCancel makes the execution that holds the connection roll back.
	ActionCancel Action = "cancel"
	// ActionRepair repairs the drift of an onboarded connection that the request names.
	ActionRepair Action = "repair"
)

// Actions lists every action that the state machine takes.
var Actions = []Action{ActionOnboard, ActionPlan, ActionDiagnose, ActionOffboard, ActionApprove, ActionCancel, ActionRepair}

// ActionRetry is an action of tickets only: to onboard again after a failure, under another execution name.
const ActionRetry Action = "retry"

// NamesOnly reports whether the action needs only vendor and name: the connection exists already.
func (a Action) NamesOnly() bool {
	return a == ActionOffboard || a == ActionApprove || a == ActionCancel || a == ActionRepair
}

// TicketActions lists everything that a ticket may ask for.
var TicketActions = []Action{ActionOnboard, ActionPlan, ActionApprove, ActionRetry, ActionCancel, ActionOffboard}

// Request is the one input of the state machine, whichever door it came through: the console, the webhook, drift repair.
type Request struct {
	SchemaVersion int    `json:"schemaVersion"`
	Action        Action `json:"action"`
	// Vendor is a profile id, such as monte-carlo.
	Vendor string `json:"vendor"`
	// Name tells this vendor's connections apart; vendor/name is the connection id. 1 to 40 of a-z, 0-9 and '-'.
	Name   string `json:"name"`
	Target Target `json:"target,omitzero"`
	// Inputs are the vendor profile's inputs by name.
	Inputs map[string]string `json:"inputs,omitempty"`
	// Options choose among the forms a vendor profile allows, by name; see the profile.
	Options map[string]string `json:"options,omitempty"`
	// AdoptEndpointID is an endpoint that was created manually for the same service in the same VPC. Postern adopts it and makes no
	// second one. It keeps its subnets and security groups, and is released when the connection is removed.
	AdoptEndpointID string `json:"adoptEndpointId,omitempty"`
	// Cutover says that the name may move although it is in use: a vendor's private name that is also its public one changes
	// for every client in the VPC at once.
	Cutover bool `json:"cutover,omitempty"`
	// Drift says what is done about each kind of drift once the connection is onboarded, by check.
	Drift DriftPolicyOf `json:"drift,omitempty"`
	// Repair is for ActionRepair only.
	Repair *Repair `json:"repair,omitempty"`
	Ticket *Ticket `json:"ticket,omitempty"`
	// Requester is who started the request, for the record and the vendor's text.
	Requester string `json:"requester,omitempty"`
	// StartedBy is the ARN of the fleet's execution, in the field by which AWS links an execution to the one that started it.
	StartedBy string `json:"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID,omitempty"`
}

// Target is where the endpoint goes. The VPC must be a registered network.
type Target struct {
	Region string `json:"region"`
	VPCID  string `json:"vpcId"`
	// SubnetIDs are the endpoint's subnets, at most one in each Availability Zone.
	SubnetIDs []string `json:"subnetIds"`
	// SecurityGroupIDs are put on the endpoint; they must allow the clients on the vendor's ports. Empty: Postern makes
	// one that does, and removes it with the connection.
	SecurityGroupIDs []string `json:"securityGroupIds,omitempty"`
	// AssociatedVPCIDs are further VPCs, each a registered network in the same Region, in which the name must resolve too: those
	// that reach the endpoint over a transit gateway or a peering.
	AssociatedVPCIDs []string `json:"associatedVpcIds,omitempty"`
	// ClientCIDRs are where the clients are, IPv4. Empty, as ClientSecurityGroupIDs: the VPC's own CIDR blocks.
	ClientCIDRs []string `json:"clientCidrs,omitempty"`
	// ClientSecurityGroupIDs are security groups that the clients carry.
	ClientSecurityGroupIDs []string `json:"clientSecurityGroupIds,omitempty"`
}

// Ticket is the ticket a request came from.
type Ticket struct {
	System string `json:"system"`
	ID     string `json:"id"`
	URL    string `json:"url,omitempty"`
}

// Key names a ticket among those of all systems: github:example/network#42. It is "" for no ticket.
func (t *Ticket) Key() string {
	if t == nil {
		return ""
	}
	return t.System + ":" + t.ID
}

// ConnectionID returns vendor/name.
func (r Request) ConnectionID() string { return ID(r.Vendor, r.Name) }

// Unclear reports whether the request may lack a target or not: its action is misspelled, and may be one that needs none.
func (r Request) Unclear() bool {
	return r.Action != "" && !slices.Contains(Actions, r.Action) && reflect.DeepEqual(r.Target, Target{})
}

var (
	vendorPattern        = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	namePattern          = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
	regionPattern        = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-\d{1,2}$`)
	vpcPattern           = regexp.MustCompile(`^vpc-([0-9a-f]{8}|[0-9a-f]{17})$`)
	subnetPattern        = regexp.MustCompile(`^subnet-([0-9a-f]{8}|[0-9a-f]{17})$`)
	endpointPattern      = regexp.MustCompile(`^vpce-([0-9a-f]{8}|[0-9a-f]{17})$`)
	securityGroupPattern = regexp.MustCompile(`^sg-([0-9a-f]{8}|[0-9a-f]{17})$`)
)

// MaxName is the most characters of a connection's name.
const MaxName = 40

const (
	maxText    = 256  // characters of a free-text field
	maxInput   = 1024 // characters of an input's value or an address
	maxListed  = 50   // items of a list, or inputs of a request
	maxSubnets = 16
)

// DecodeRequest decodes and checks a request. An unknown field, a wrong type and a malformed value are each a fault; all of them
// are returned at once, as Faults. What only a vendor profile or AWS can know is checked by the plan.
func DecodeRequest(raw []byte) (Request, error) {
	return decodeChecked[Request](raw)
}

// decodeChecked decodes a request of either kind strictly, and checks it.
func decodeChecked[T interface{ check() Faults }](raw []byte) (T, error) {
	var request T
	faults := decodeStrict(raw, &request)
	if faults.Covers("") {
		return request, faults
	}
	// A value whose type is wrong was left empty: a second fault about its emptiness would only confuse.
	decoded := faults
	for _, fault := range request.check() {
		if !decoded.Covers(fault.Path) {
			faults = append(faults, fault)
		}
	}
	return request, faults.Err()
}

func (r Request) check() Faults {
	var faults Faults
	if r.SchemaVersion != SchemaVersion {
		faults.Addf("schemaVersion", "write 1", "%d is not a schema version of this release", r.SchemaVersion)
	}
	if !slices.Contains(Actions, r.Action) {
		faults.Addf("action", "write one of "+joined(Actions), "%q is not an action", r.Action)
	}
	if !vendorPattern.MatchString(r.Vendor) {
		faults.Addf("vendor", "write a vendor profile's id, such as monte-carlo", "%q is not a vendor id", clip(r.Vendor))
	}
	if !namePattern.MatchString(r.Name) {
		faults.Addf("name", "write 1 to 40 of a-z, 0-9 and '-', such as agents-prod", "%q is not a connection name", clip(r.Name))
	}
	switch {
	case r.Action.NamesOnly():
		r.checkNamesOnly(&faults)
	case !r.Unclear():
		r.Target.check(&faults)
	}
	checkEndpointID(&faults, "adoptEndpointId", r.AdoptEndpointID)
	checkText(&faults, "inputs", r.Inputs)
	checkText(&faults, "options", r.Options)
	r.Drift.check(&faults)
	r.checkRepair(&faults)
	if r.Ticket != nil {
		r.Ticket.check(&faults)
	}
	checkLine(&faults, "requester", r.Requester, maxText, "write a name or an e-mail address")
	return faults
}

// checkNamesOnly refuses fields that the action does not read: the sender of the request expects an effect of them.
func (r Request) checkNamesOnly(faults *Faults) {
	remedy := "leave it out: vendor and name say which connection"
	if !reflect.DeepEqual(r.Target, Target{}) {
		faults.Addf("target", remedy, "is not used by %s", r.Action)
	}
	if len(r.Inputs) > 0 && r.Action != ActionApprove {
		faults.Addf("inputs", remedy, "are not used by %s", r.Action)
	}
	if r.AdoptEndpointID != "" {
		faults.Addf("adoptEndpointId", remedy, "is not used by %s", r.Action)
	}
	if len(r.Options) > 0 {
		faults.Addf("options", remedy, "are not used by %s", r.Action)
	}
	if len(r.Drift) > 0 {
		faults.Addf("drift", remedy, "is not used by %s", r.Action)
	}
}

func (r Request) checkRepair(faults *Faults) {
	switch {
	case r.Action == ActionRepair && r.Repair == nil:
		faults.Add("repair", "missing", `write what has drifted, such as {"checks": ["record"]}`)
	case r.Action == ActionRepair:
		r.Repair.check(faults)
	case r.Repair != nil && slices.Contains(Actions, r.Action):
		faults.Addf("repair", "leave it out, or write action repair", "is not used by %s", r.Action)
	}
}

func (t Ticket) check(faults *Faults) {
	const remedy = "write the ticket's own value, or leave ticket out"
	if t.System == "" {
		faults.Add("ticket.system", "missing", remedy)
	}
	if t.ID == "" {
		faults.Add("ticket.id", "missing", remedy)
	}
	checkLine(faults, "ticket.system", t.System, maxText, remedy)
	checkLine(faults, "ticket.id", t.ID, maxText, remedy)
	checkLine(faults, "ticket.url", t.URL, maxInput, remedy)
	if t.URL != "" && !strings.HasPrefix(t.URL, "https://") && !strings.HasPrefix(t.URL, "http://") {
		faults.Addf("ticket.url", "write the ticket's address, such as https://tickets.example.com/NET-42",
			"%q is not a web address", clip(t.URL))
	}
}

func (t Target) check(faults *Faults) {
	if !regionPattern.MatchString(t.Region) {
		faults.Addf("target.region", "write an AWS Region, such as us-east-1", "%q is not a Region", clip(t.Region))
	}
	if !vpcPattern.MatchString(t.VPCID) {
		faults.Addf("target.vpcId", "write vpc- and 8 or 17 hexadecimal digits", "%q is not a VPC id", clip(t.VPCID))
	}
	if len(t.SubnetIDs) == 0 || len(t.SubnetIDs) > maxSubnets {
		faults.Addf("target.subnetIds", "write 1 to 16 subnets, one in each Availability Zone", "%d subnets", len(t.SubnetIDs))
	}
	checkIDs(faults, "target.subnetIds", t.SubnetIDs, subnetPattern, "subnet")
	checkIDs(faults, "target.associatedVpcIds", t.AssociatedVPCIDs, vpcPattern, "vpc")
	if len(t.AssociatedVPCIDs) > maxListed {
		faults.Add("target.associatedVpcIds", "more than 50 VPCs", "use an endpoint for some of them")
	}
	if i := slices.Index(t.AssociatedVPCIDs, t.VPCID); i >= 0 {
		faults.Add(index("target.associatedVpcIds", i), "is target.vpcId", "write the further VPCs only")
	}
	checkIDs(faults, "target.securityGroupIds", t.SecurityGroupIDs, securityGroupPattern, "sg")
	if len(t.ClientSecurityGroupIDs) > maxListed {
		faults.Add("target.clientSecurityGroupIds", "more than 50 groups", "give the clients a group in common")
	}
	checkIDs(faults, "target.clientSecurityGroupIds", t.ClientSecurityGroupIDs, securityGroupPattern, "sg")
	if len(t.ClientCIDRs) > maxListed {
		faults.Add("target.clientCidrs", "more than 50 blocks", "write larger blocks")
	}
	for i, cidr := range t.ClientCIDRs {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil || !prefix.Addr().Is4() || prefix.Masked() != prefix {
			faults.Addf(index("target.clientCidrs", i), "write an IPv4 block, such as 10.0.0.0/16", "%q is not a CIDR block", clip(cidr))
		}
	}
}

func checkEndpointID(faults *Faults, path, id string) {
	if id != "" && !endpointPattern.MatchString(id) {
		faults.Addf(path, "write vpce- and 8 or 17 hexadecimal digits", "%q is not an endpoint id", clip(id))
	}
}

func checkIDs(faults *Faults, path string, ids []string, pattern *regexp.Regexp, prefix string) {
	seen := map[string]bool{}
	for i, id := range ids {
		switch {
		case !pattern.MatchString(id):
			faults.Addf(index(path, i), "write "+prefix+"- and 8 or 17 hexadecimal digits", "%q is malformed", clip(id))
		case seen[id]:
			faults.Addf(index(path, i), "write each id once", "%s is repeated", id)
		}
		seen[id] = true
	}
}

func checkText(faults *Faults, path string, values map[string]string) {
	if len(values) > maxListed {
		faults.Add(path, "more than 50 values", "leave out what the vendor profile does not ask for")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		checkLine(faults, join(path, fieldName(name)), values[name], maxInput, "write the value the vendor gave")
	}
}

// checkLine checks free text: it is repeated in mails, logs and faults, where a line break or a character that turns the
// direction of text around would forge what is not there.
func checkLine(faults *Faults, path, text string, most int, remedy string) {
	if utf8.RuneCountInString(text) > most {
		faults.Addf(path, remedy, "longer than %d characters", most)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) {
		faults.Add(path, "contains a character that does not print, such as a line break", "write plain text on one line")
	}
}
