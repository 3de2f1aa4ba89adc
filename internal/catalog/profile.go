package catalog

import "regexp"

// Profile is one vendor's profile. profile.schema.json says what each field may be.
type Profile struct {
	ID            string    `yaml:"id"`
	DisplayName   string    `yaml:"displayName"`
	Version       string    `yaml:"version"`
	VerifiedAt    string    `yaml:"verifiedAt"` // a day, such as 2026-11-21
	Sources       []string  `yaml:"sources"`    // URLs
	Requires      []string  `yaml:"requires"`   // what the customer must have at the vendor first
	Inputs        []Input   `yaml:"inputs"`
	Regions       Regions   `yaml:"regions"`
	Service       Service   `yaml:"service"`
	Ports         []Port    `yaml:"ports"`
	ALPN          []string  `yaml:"alpn"`
	Acceptance    string    `yaml:"acceptance"` // AcceptanceRequired, AcceptanceAuto or AcceptanceDiscover
	AZ            AZ        `yaml:"az"`
	DNS           DNS       `yaml:"dns"`
	Gates         Gates     `yaml:"gates"`
	Outputs       []Output  `yaml:"outputs"`
	ClientActions []Text    `yaml:"clientActions"`
	Symptoms      []Symptom `yaml:"symptoms"`
}

// When an input must be given.
const (
	RequiredAtOnce = "true"
	// RequiredAfterAllowlisting is for what the vendor says only when it has allow-listed the account: an onboarding may leave it out,
	// and waits until an approval brings it.
	RequiredAfterAllowlisting = "afterAllowlisting"
)

// Input is one value that a request gives for the vendor: required, or with a default made of earlier inputs and variables.
type Input struct {
	Name      string `yaml:"name"`
	Required  string `yaml:"required"`  // RequiredAtOnce, RequiredAfterAllowlisting, or "" when there is a default
	Pattern   string `yaml:"pattern"`   // of the whole value, or of each item of a list; "" with a format
	Format    string `yaml:"format"`    // a name of formats, instead of a pattern
	List      bool   `yaml:"list"`      // the value is a list with commas between its items
	MaxLength int    `yaml:"maxLength"` // bytes; 0: no limit but the request's
	Default   Text   `yaml:"default"`
	Help      string `yaml:"help"` // where a person finds the value

	expression *regexp.Regexp
}

// Where the vendor's service can be reached from.
const (
	SameRegionOnly     = "sameRegionOnly"
	CrossRegionAllowed = "crossRegionAllowed"
)

// Regions says where the vendor's service can be reached from.
type Regions struct {
	Mode string `yaml:"mode"`
}

// Service names the vendor's endpoint service.
type Service struct {
	Name   Text `yaml:"name"`
	Region Text `yaml:"region"`
}

// Port is a TCP port that clients use.
type Port struct {
	Number int  `yaml:"number"`
	TLS    bool `yaml:"tls"`
}

// How the vendor accepts an endpoint.
const (
	AcceptanceRequired = "required" // a person accepts it
	AcceptanceAuto     = "auto"
	AcceptanceDiscover = "discover" // not documented: what AWS says of the service
)

// AZ is what the vendor says of Availability Zones.
type AZ struct {
	MinZones int `yaml:"minZones"` // with fewer the plan warns
}

// The scopes of a private hosted zone.
const (
	ScopeParent   = "parent"   // zone of the domain above the hostname, with a CNAME; it hides every other name below that domain
	ScopeHostname = "hostname" // zone of the hostname itself, with an ALIAS at its apex
)

// DNS is how the vendor's hostname is made to resolve. TTL (seconds) and either ZoneScope or Zone with Records belong to
// connection.ModePrivateHostedZone.
type DNS struct {
	Mode             string    `yaml:"mode"`
	Hostname         Text      `yaml:"hostname"`
	ZoneScope        ZoneScope `yaml:"zoneScope"`
	Zone             Text      `yaml:"zone"`
	Records          []Record  `yaml:"records"`
	TTL              int64     `yaml:"ttl"`
	SharedWithPublic bool      `yaml:"sharedWithPublic"` // the hostname exists in public DNS too
	PublicName       Text      `yaml:"publicName"`       // then only when it equals this name, if there is one
	KnownSiblings    []Text    `yaml:"knownSiblings"`    // names that a parent zone hides and clients may need
}

// What a record points to.
const (
	TargetRegional = "regional" // the endpoint, in any zone
	TargetZonal    = "zonal"    // the endpoint's interface in one Availability Zone: a record for each zone
)

// Record is a record of a zone, or one for each item of a list, or one for each Availability Zone.
type Record struct {
	Name   Text   `yaml:"name"` // whole; may begin with *.
	Type   string `yaml:"type"` // connection.RecordCNAME or RecordAlias
	Target string `yaml:"target"`
	Each   string `yaml:"each"` // a list input, or ""
}

// ZoneScope is the scope of the zone, and which ones a request may choose by options.zoneScope.
type ZoneScope struct {
	Default string   `yaml:"default"`
	Allowed []string `yaml:"allowed"`
}

// Gates are the two waits for a person at the vendor.
type Gates struct {
	Allowlist Gate `yaml:"allowlist"`
	Approval  Gate `yaml:"approval"`
}

// How a gate is passed.
const (
	KindMessage = "message" // a person at the vendor acts on the text; the default
	KindCommand = "command" // we run at the vendor what the text says
	KindPortal  = "portal"  // we act in the vendor's portal, or by its API
)

// Gate is what a person sends the vendor, or does there, and how long that takes.
type Gate struct {
	Kind        string `yaml:"kind"`
	To          string `yaml:"to"`
	Subject     Text   `yaml:"subject"`
	Body        Text   `yaml:"body"`
	SLAHours    int    `yaml:"slaHours"` // the vendor's own figure, 0 when it gives none
	Calendar    string `yaml:"calendar"`
	TimeoutDays int    `yaml:"timeoutDays"`
	// PassedBy is PassedByConnection when only a connection shows that the gate is passed; "" when AWS shows it.
	PassedBy string `yaml:"passedBy"`
}

// PassedByConnection is a gate that AWS knows nothing of: the vendor resets connections until the endpoint is on its list.
const PassedByConnection = "connection"

// Output is a parameter that clients read; see connection.Output.
type Output struct {
	Key      string `yaml:"key"`
	Format   string `yaml:"format"`
	YAMLPath string `yaml:"yamlPath"`
	Value    Text   `yaml:"value"`
}

// Symptom is what a failure that clients see means with this vendor.
type Symptom struct {
	Match  string `yaml:"match"` // tcpTimeout, reset, tlsName, nxdomain, elbInChain, publicAddress, http:<status>
	Cause  string `yaml:"cause"`
	Action string `yaml:"action"`
}

// PortNumbers returns the numbers of the ports, and of those on which TLS is spoken.
func (p *Profile) PortNumbers() (all, tls []int) {
	for _, port := range p.Ports {
		all = append(all, port.Number)
		if port.TLS {
			tls = append(tls, port.Number)
		}
	}
	return all, tls
}
