package connection

// Availability is the endpoint once it is available.
type Availability struct {
	State EndpointState `json:"state"`
	// DNSName is the endpoint's own Regional name; HostedZoneID is the zone that an ALIAS to it names.
	DNSName      string             `json:"dnsName"`
	HostedZoneID string             `json:"hostedZoneId"`
	Interfaces   []NetworkInterface `json:"interfaces"`
	// ZonalNames are the endpoint's names that point to one Availability Zone, by zone id; a cross-Region endpoint has none.
	ZonalNames map[string]string `json:"zonalNames,omitempty"`
}

// NetworkInterface is one of the endpoint's interfaces, one in each subnet.
type NetworkInterface struct {
	ID       string `json:"id"`
	SubnetID string `json:"subnetId"`
	AZ       string `json:"az"`
	IP       string `json:"ip"`
}
