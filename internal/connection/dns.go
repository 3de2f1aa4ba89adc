package connection

// How a vendor's name is made to resolve.
const (
	ModePrivateHostedZone = "privateHostedZone" // a zone and records that Postern makes
	ModeVendorPrivateDNS  = "vendorPrivateDns"  // the endpoint's own private DNS, switched on after it is available
	ModeNone              = "none"
)

// The record types of a privateHostedZone.
const (
	RecordCNAME = "CNAME"
	RecordAlias = "ALIAS" // an A record with an alias target: the only form that can be at a zone's apex
)

// DNSPlan is how the hostname will resolve to the endpoint.
type DNSPlan struct {
	Mode     string `json:"mode"`
	Hostname string `json:"hostname"`
	Zone     string `json:"zone,omitempty"` // without trailing dot
	// ZoneID is the connection's existing zone, or "" when one will be made.
	ZoneID string `json:"zoneId,omitempty"`
	// Records are the records of a privateHostedZone; none for the other modes.
	Records []NameRecord `json:"records,omitempty"`
	// Associations are the further VPCs in which a privateHostedZone must answer.
	Associations []Association `json:"associations,omitempty"`
	// Present are the connection's own records at these names when the plan was made. An execution that overwrites one and is
	// stopped before it can report so leaves no other trace of it.
	Present []Record `json:"present,omitempty"`
	// Kept is set when a manually created zone, or the endpoint's private DNS, already answers the names with the adopted
	// endpoint: it stays as it is, and nothing is written.
	Kept *KeptDNS `json:"kept,omitempty"`
}

// Before returns the connection's own record that a written one replaced, as the plan saw it; nil when there was none, or the same.
func (p DNSPlan) Before(written Record) *Record {
	for _, record := range p.Present {
		if record.Name == written.Name && record != written {
			return &record
		}
	}
	return nil
}

// NameRecord is a record that the zone must hold.
type NameRecord struct {
	Name string `json:"name"`          // whole, without trailing dot; a wildcard begins with *.
	Type string `json:"type"`          // RecordCNAME or RecordAlias
	TTL  int64  `json:"ttl,omitempty"` // seconds; an alias has none
	// AZID is the Availability Zone whose interface the name points to, "" for all of them.
	AZID string `json:"azId,omitempty"`
}

// Association is a further VPC in which the zone must answer.
type Association struct {
	Name       string `json:"name"` // of the registered network
	AccountID  string `json:"accountId"`
	Region     string `json:"region"`
	VPCID      string `json:"vpcId"`
	RoleARN    string `json:"roleArn,omitempty"` // as Network's
	ExternalID string `json:"externalId,omitempty"`
	// CrossAccount is set when the VPC is in another account than the zone.
	CrossAccount bool `json:"crossAccount,omitempty"`
	// Existing is set when the zone was associated with the VPC before.
	Existing bool `json:"existing,omitempty"`
}

// Access returns how the VPC's account is reached.
func (a Association) Access() Access { return accessOf(a.RoleARN, a.ExternalID, a.Region) }

// KeptDNS is a manually created hosted zone, or that of the endpoint's own private DNS, whose records cannot be read.
type KeptDNS struct {
	ZoneID   string       `json:"zoneId"`
	ZoneName string       `json:"zoneName"`
	Records  []ZoneRecord `json:"records,omitempty"`
}

// DNS is what ConfigureDNS wrote, and what was there before.
type DNS struct {
	Mode        string `json:"mode"`
	Hostname    string `json:"hostname"`
	ZoneID      string `json:"zoneId,omitempty"`
	ZoneName    string `json:"zoneName,omitempty"`
	ZoneCreated bool   `json:"zoneCreated,omitempty"`
	// Records are the plan's records as they are in the zone.
	Records []WrittenRecord `json:"records,omitempty"`
	// Associations are the further VPCs that this execution associated with the zone.
	Associations []Association `json:"associations,omitempty"`
	// PrivateDNSEnabled is set when this execution switched the endpoint's private DNS on.
	PrivateDNSEnabled bool `json:"privateDnsEnabled,omitempty"`
	// Kept is set when nothing was written, because the plan keeps what already answers.
	Kept bool `json:"kept,omitempty"`
}

// WrittenRecord is a record in the zone.
type WrittenRecord struct {
	Record
	Changed  bool    `json:"changed"`            // by this execution; false when it was already so
	Previous *Record `json:"previous,omitempty"` // the connection's earlier record that was overwritten
}

// Record is a DNS record: a CNAME with its TTL in seconds, or an A alias with its target's zone.
type Record struct {
	Name        string `json:"name"`
	Type        string `json:"type"` // RecordCNAME or RecordAlias
	Value       string `json:"value"`
	TTL         int64  `json:"ttl,omitempty"`
	AliasZoneID string `json:"aliasZoneId,omitempty"`
}
