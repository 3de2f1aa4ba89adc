package network

import (
	"fmt"
	"net/netip"
	"slices"

	"postern/internal/local/privatelink"
)

// Source is where a connection comes from: a function's or an instance's network interface in a VPC.
type Source struct {
	VPCID, SubnetID, IP string
	SecurityGroupIDs    []string
}

// Outcome is what becomes of a connection.
type Outcome string

// The outcomes.
const (
	Connected Outcome = "connected"
	Dropped   Outcome = "dropped" // no answer: a timeout
	Refused   Outcome = "refused" // nothing listens
	Reset     Outcome = "reset"   // accepted, then closed by the vendor
)

// Verdict is the outcome of a connection with its reason, for tests and for people. Service is the vendor's when one was reached.
type Verdict struct {
	Outcome Outcome
	Reason  string
	Service privatelink.VendorService
}

// ephemeral is a port that stands for all that clients connect from; network ACLs are stateless, so answers must pass them too.
const ephemeral = 49152

// Decide tells what becomes of a TCP connection from a source to an address and port.
func (n *Network) Decide(source Source, address string, port int) Verdict {
	world := n.config.World
	eni, known := world.InterfaceAt(source.VPCID, address)
	if !known {
		return dropped("nothing in %s has the address %s", source.VPCID, address)
	}
	if reason := n.filtered(source, eni, port); reason != "" {
		return dropped("%s", reason)
	}
	if eni.EndpointID == "" {
		return Verdict{Outcome: Refused, Reason: eni.ID + " belongs to no endpoint"}
	}
	return n.decideEndpoint(eni, port)
}

func dropped(format string, args ...any) Verdict {
	return Verdict{Outcome: Dropped, Reason: fmt.Sprintf(format, args...)}
}

// filtered is the filter that stops a connection on its way to an interface, or "".
func (n *Network) filtered(source Source, eni privatelink.NetworkInterface, port int) string {
	world := n.config.World
	from, fromErr := netip.ParseAddr(source.IP)
	to, toErr := netip.ParseAddr(eni.IP)
	if fromErr != nil || toErr != nil {
		return fmt.Sprintf("%q or %q is not an address", source.IP, eni.IP)
	}
	switch {
	case !world.Admits(source.SecurityGroupIDs, true, privatelink.Peer{IP: to, GroupIDs: eni.GroupIDs}, port):
		return "no outbound rule of the client's security groups"
	case !world.Admits(eni.GroupIDs, false, privatelink.Peer{IP: from, GroupIDs: source.SecurityGroupIDs}, port):
		return "no inbound rule of the endpoint's security groups"
	case source.SubnetID == eni.SubnetID: // AWS: a network ACL stands at the subnet's edge
		return ""
	}
	near, _ := world.ACL(source.SubnetID)
	far, _ := world.ACL(eni.SubnetID)
	switch {
	case !near.Allows(true, to, port):
		return "outbound rules of " + near.ID
	case !far.Allows(false, from, port):
		return "inbound rules of " + far.ID
	case !far.Allows(true, from, ephemeral):
		return "outbound rules of " + far.ID + " for the answer"
	case !near.Allows(false, to, ephemeral):
		return "inbound rules of " + near.ID + " for the answer"
	}
	return ""
}

// decideEndpoint is what the endpoint and the vendor behind it do with a connection.
func (n *Network) decideEndpoint(eni privatelink.NetworkInterface, port int) Verdict {
	endpoint, exists := n.config.World.Endpoint(eni.EndpointID)
	if !exists || !endpoint.Connected {
		return dropped("%s is %s", eni.EndpointID, endpoint.State)
	}
	service, exists := n.config.World.Service(endpoint.ServiceName)
	switch {
	case !exists:
		return dropped("%s is gone", endpoint.ServiceName)
	case slices.Contains(service.DownAZIDs, eni.AZID):
		return dropped("the vendor is down in %s", eni.AZID)
	case n.config.Now().Before(endpoint.AvailableAt.Add(service.WarmUp)):
		return dropped("the link of %s is not ready yet", endpoint.ID)
	case service.ListedOnly && !slices.Contains(service.Listed, endpoint.ID):
		return Verdict{Outcome: Reset, Reason: "the vendor does not list " + endpoint.ID, Service: service}
	case !slices.Contains(service.Ports, port):
		return Verdict{Outcome: Refused, Reason: fmt.Sprintf("the vendor does not listen on %d", port), Service: service}
	}
	return Verdict{Outcome: Connected, Service: service}
}
