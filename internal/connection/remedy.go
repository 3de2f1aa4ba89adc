package connection

import "fmt"

// remedies say what an operator does about a check that found a difference and that no repair can put right, as a request to somebody
// who has only this line. What they advise closes the finding: an onboarding of a connection that is onboarded keeps its endpoint with
// its subnets, proves the link, and notes what is there as what is expected.
var remedies = map[DriftCheck]string{
	CheckEndpointState: "ask the vendor why the endpoint is not available any more, and to accept it again; if it cannot be, onboard again: " +
		"that makes a new endpoint.",
	CheckEndpoint: "find out who deleted the endpoint, then onboard again: that makes a new one.",
	CheckService:  "find out who replaced the endpoint; offboard, then onboard again.",
	CheckZonesOffered: "onboard again as it is, which accepts the zones that there are now; to use the new one, first add a subnet there to " +
		"the endpoint by hand, and to the request.",
	CheckInterfaces:     "run a diagnosis; when the link works, onboard again: that verifies the network interfaces as they are.",
	CheckVPCDNS:         "switch DNS support and DNS hostnames of the VPC on again.",
	CheckShadowing:      "take the other zone from the VPC, whose records do not matter, or offboard.",
	CheckPolicy:         "restore the endpoint's policy; of one that was made by hand, onboarding again accepts the policy as it is.",
	CheckServiceVisible: "ask the vendor to allow-list the account again; when the service is visible but changed, onboard again.",
	CheckResolution:     "run a diagnosis: the name does not lead to the endpoint, or TLS fails.",
	CheckNetworkACL:     "let the clients through the network ACLs again, both ways.",
	CheckCertificate:    "ask the vendor to renew its certificate.",
}

// Remedy is what an operator does about a finding that is drift, in one sentence that begins in lower case.
func (f DriftFinding) Remedy() string {
	info, _ := f.Check.Info()
	switch {
	case f.ForHands:
		return "put it right by hand: no repair is started, since one changes only what Postern made."
	case info.Repairable:
		return fmt.Sprintf("change it back, or start an execution with action repair and check %s.", f.Check)
	}
	if remedy, known := remedies[f.Check]; known {
		return remedy
	}
	return "run a diagnosis of the connection."
}
