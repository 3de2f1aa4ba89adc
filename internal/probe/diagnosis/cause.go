package diagnosis

// Cause is something that can be wrong with a connection.
type Cause struct {
	Code string // kebab-case, stable
	Says string // what is the matter, in a sentence without its full stop
	Next string // what to do; {endpoint}, {service}, {account}, {name}, {vpc} and {zone} are filled in
}

// The codes of the causes.
const (
	ServiceNotVisible    = "service-not-visible"
	NoEndpoint           = "no-endpoint"
	EndpointNotAccepted  = "endpoint-not-accepted"
	EndpointRejected     = "endpoint-rejected"
	EndpointExpired      = "endpoint-expired"
	EndpointFailed       = "endpoint-failed"
	EndpointDeleted      = "endpoint-deleted"
	EndpointPending      = "endpoint-pending"
	VPCDNSOff            = "vpc-dns-off"
	PrivateDNSConflict   = "private-dns-conflict"
	PrivateDNSOff        = "private-dns-off"
	ZoneNotAssociated    = "zone-not-associated"
	ZoneMissing          = "zone-missing"
	ZoneForeign          = "zone-foreign"
	ZoneShadowed         = "zone-shadowed"
	RecordMissing        = "record-missing"
	RecordElsewhere      = "record-elsewhere"
	LoadBalancer         = "load-balancer"
	NameElsewhere        = "name-elsewhere"
	NameUnresolved       = "name-unresolved"
	SecurityGroup        = "security-group"
	ClientSecurityGroup  = "client-security-group"
	NetworkACL           = "network-acl"
	ZoneDown             = "zone-down"
	VendorReset          = "vendor-reset"
	PortClosed           = "port-closed"
	NoAnswer             = "no-answer"
	CertificateName      = "certificate-name"
	CertificateExpired   = "certificate-expired"
	CertificateAuthority = "certificate-authority"
	TLSFailed            = "tls-failed"
	ALPN                 = "alpn"
	ServiceWithdrawn     = "service-withdrawn"
	Inconclusive         = "inconclusive"
	AllWell              = "all-well"
)

// Causes lists every cause in the order in which they are looked for: a cause hides those after it, which may only follow from it.
var Causes = []Cause{
	{ServiceNotVisible, "The vendor's service is not visible to this account, and there is no endpoint",
		"ask the vendor to allow-list account {account} for {service}; check the name and its Region first: AWS answers all three alike."},
	{NoEndpoint, "The VPC has no endpoint for this connection", "start an onboarding with this request."},
	{EndpointNotAccepted, "The vendor has not accepted the endpoint", "ask the vendor to accept {endpoint}; until then connections time out."},
	{EndpointRejected, "The vendor rejected the endpoint",
		"ask the vendor why, then start an onboarding: a new endpoint with a new id is made."},
	{EndpointExpired, "The vendor did not accept the endpoint before AWS expired it",
		"agree on a time with the vendor, then start an onboarding: a new endpoint is made."},
	{EndpointFailed, "AWS reports the endpoint as failed", "read AWS's reason, then delete {endpoint} and start an onboarding."},
	{EndpointDeleted, "The endpoint was deleted", "find out who (CloudTrail: DeleteVpcEndpoints), then start an onboarding."},
	{EndpointPending, "The endpoint is not available yet", "wait some minutes, then diagnose again; ask AWS Support when it stays so."},
	{VPCDNSOff, "A DNS attribute of the VPC is off, so that private names are not answered in it",
		"switch enableDnsSupport and enableDnsHostnames of {vpc} on (aws ec2 modify-vpc-attribute)."},
	{PrivateDNSConflict, "Private DNS of the endpoint is off, and something else in the VPC answers for its name",
		"remove that zone from {vpc}, or switch private DNS of that endpoint off; then start an onboarding."},
	{PrivateDNSOff, "Private DNS of the endpoint is not enabled",
		"start an onboarding, which enables it after a probe, or enable it manually (Modify private DNS name of {endpoint})."},
	{ZoneNotAssociated, "The connection's hosted zone is not associated with the VPC", "associate {zone} with {vpc}."},
	{ZoneMissing, "The connection's hosted zone does not exist", "start an onboarding: the zone and its records are made."},
	{ZoneForeign, "A hosted zone of the same name that Postern did not make answers in the VPC",
		"remove that zone from {vpc}, or write the records into it; then diagnose again."},
	{ZoneShadowed, "A more specific hosted zone hides the connection's", "remove that zone from {vpc}, or write the record into it."},
	{RecordMissing, "The hosted zone has no record for the name", "start an onboarding: the record is made."},
	{RecordElsewhere, "The record does not lead to the endpoint", "set it to the endpoint's name, or start an onboarding when Postern made it."},
	{LoadBalancer, "The name leads to a load balancer of the vendor, not to the endpoint",
		"look at Resolver rules, Route 53 Profiles and the clients' DNS servers that answer for {name}."},
	{NameElsewhere, "The name leads to addresses that are not this endpoint's",
		"look at Resolver rules, Route 53 Profiles and other zones that answer for {name}."},
	{NameUnresolved, "The name does not resolve, though its zone and record are right",
		"wait until a negative answer is no longer cached, then look at Resolver rules and DNS Firewall of {vpc}."},
	{SecurityGroup, "A security group of the endpoint does not let the clients in",
		"add the inbound rule to a security group of {endpoint}; an outbound rule there does not help."},
	{ClientSecurityGroup, "The clients' security group does not let connections out", "add the outbound rule to the clients' security group."},
	{NetworkACL, "A network ACL stops the packets", "correct the rule that is named; ACLs are stateless: answers need a rule of their own."},
	{ZoneDown, "The endpoint answers in some Availability Zones only",
		"ask the vendor about their targets in that zone; look at the routes of its subnet."},
	{VendorReset, "The vendor accepts connections and closes them at once",
		"ask the vendor to list endpoint {endpoint}, and whether their targets are healthy."},
	{PortClosed, "No server at the vendor listens on the port", "ask the vendor which ports {service} serves."},
	{NoAnswer, "Connections to the endpoint get no answer, and no filter that we can read stops them",
		"look at routes and firewalls between the clients and the endpoint; then ask the vendor whether their targets are healthy."},
	{CertificateName, "The vendor's certificate is for another name", "ask the vendor which name {service} serves; {name} must be in it."},
	{CertificateExpired, "The vendor's certificate has expired, or is not valid yet", "ask the vendor to renew it."},
	{CertificateAuthority, "The clients do not trust the signer of the vendor's certificate",
		"look for a device in the VPC that inspects TLS; then ask the vendor which authority signs for {name}."},
	{TLSFailed, "TLS fails", "ask the vendor whether the port speaks TLS, and which versions."},
	{ALPN, "The vendor does not negotiate the protocol that clients need", "ask the vendor whether {service} serves it, such as gRPC over h2."},
	{ServiceWithdrawn, "The connection works, but the vendor's service is no longer visible to this account",
		"ask the vendor to allow-list account {account} for {service} again: another endpoint could not be made."},
	{Inconclusive, "Nothing wrong was found, but not everything could be looked at", "look at the evidence that is unknown."},
	{AllWell, "The connection works from inside the VPC",
		"look at the clients: their own DNS servers, proxies, configuration, and credentials at the vendor."},
}
