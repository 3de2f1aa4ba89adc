package connection

import "time"

// Facts are what AWS's control plane knows about a connection that is diagnosed.
type Facts struct {
	// Endpoint is the connection's own by its tags, else any endpoint of the VPC to the service; nil when there is none.
	Endpoint     *EndpointFacts `json:"endpoint,omitempty"`
	DNSSupport   bool           `json:"dnsSupport"`   // AWS: enableDnsSupport of the VPC
	DNSHostnames bool           `json:"dnsHostnames"` // AWS: enableDnsHostnames of the VPC
	// Zones are the zones of the VPC that answer for the connection's names, the most specific first.
	Zones []ZoneFacts `json:"zones"`
	// Apart is a zone of the connection that is not associated with the VPC.
	Apart *ZoneFacts `json:"apart,omitempty"`
	// Filters are the security groups and the network ACLs on the way, one check for each port and filter.
	Filters []Check `json:"filters"`
}

// EndpointFacts is the endpoint that is diagnosed.
type EndpointFacts struct {
	ID                string             `json:"id"`
	Ours              bool               `json:"ours"` // made for this connection
	State             EndpointState      `json:"state"`
	Reason            string             `json:"reason,omitempty"` // AWS: LastError, FailureReason
	PrivateDNSEnabled bool               `json:"privateDnsEnabled"`
	Names             []string           `json:"names"` // its own DNS names
	SecurityGroupIDs  []string           `json:"securityGroupIds"`
	Interfaces        []NetworkInterface `json:"interfaces"`
}

// ZoneFacts is a private hosted zone, and what it holds at the connection's names.
type ZoneFacts struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Owner string `json:"owner"` // an account, or a service of AWS
	Ours  bool   `json:"ours"`  // made for this connection
	// Read is whether the records could be read: those of another account's zone cannot.
	Read    bool         `json:"read"`
	Records []ZoneRecord `json:"records,omitempty"`
}

// ZoneRecord is a record in a zone, whether or not Postern wrote it.
type ZoneRecord struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value"` // the first, when there are several
}

// Diagnosis names one cause of what is wrong with a connection, and the next action.
type Diagnosis struct {
	Cause      string    `json:"cause"`    // a code of internal/probe/diagnosis
	Sentence   string    `json:"sentence"` // what is the matter
	Next       string    `json:"next"`     // what to do
	At         time.Time `json:"at"`
	EndpointID string    `json:"endpointId"`
	// Evidence is everything that was looked at. The Cause of a check is what that check alone would name.
	Evidence []Check `json:"evidence"`
}
