// Package remedy says what an operator does about drift.
package remedy

import (
	"fmt"

	"postern/internal/connection"
)

// remedies are for the checks that no repair can fix. Each advice stands alone: its reader may have only this line. Each closes the
// finding: onboarding an onboarded connection again keeps its endpoint and subnets, verifies the link, and records what exists as
// expected.
var remedies = map[connection.DriftCheck]string{
	connection.CheckEndpointState: "ask the vendor why the endpoint is no longer available, and to accept it again; if that is not " +
		"possible, onboard again: that makes a new endpoint.",
	connection.CheckEndpoint: "find out who deleted the endpoint, then onboard again: that makes a new one.",
	connection.CheckService:  "find out who replaced the endpoint; offboard, then onboard again.",
	connection.CheckZonesOffered: "onboard again with the same request, which accepts the zones that there are now; to use the new one, " +
		"first add a subnet there to the endpoint manually, and to the request.",
	connection.CheckInterfaces:     "run a diagnosis; when the link works, onboard again: that verifies the network interfaces as they are.",
	connection.CheckVPCDNS:         "switch DNS support and DNS hostnames of the VPC on again.",
	connection.CheckShadowing:      "find out who uses the other zone; remove its association with the VPC when nothing there needs its records, or offboard.",
	connection.CheckPolicy:         "restore the endpoint's policy; for an adopted endpoint, onboarding again accepts the policy as it is.",
	connection.CheckServiceVisible: "ask the vendor to allow-list the account again; when the service is visible but changed, onboard again.",
	connection.CheckResolution:     "run a diagnosis: the name does not resolve to the endpoint, or TLS fails.",
	connection.CheckNetworkACL:     "allow the clients through the network ACLs again, both ways.",
	connection.CheckCertificate:    "ask the vendor to renew its certificate.",
}

// Of returns what an operator does about a finding that is drift, in one sentence that begins in lower case.
func Of(f connection.DriftFinding) string {
	info, _ := f.Check.Info()
	switch {
	case f.ForHands:
		return "fix it manually: no repair is started, since a repair changes only what Postern made."
	case info.Repairable:
		return fmt.Sprintf("change it back, or start an execution with action repair and check %s.", f.Check)
	}
	if remedy, known := remedies[f.Check]; known {
		return remedy
	}
	return "run a diagnosis of the connection."
}
