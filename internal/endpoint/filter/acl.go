package filter

import (
	"fmt"
	"net/netip"
	"slices"

	"postern/internal/connection"
	"postern/internal/endpoint"
)

// Ports that clients of every common kind connect from.
//
// AWS: Linux takes 32768 to 60999, Windows from 49152; network ACLs are stateless, so answers to them need a rule.
const firstEphemeral, lastEphemeral = 49152, 60999

// Passages judges the network ACLs on both ends: those of the endpoint's subnets for all clients, those of the probe's subnets for
// the endpoint's interfaces.
//
// AWS: an ACL stands at the edge of a subnet: who is in the same one does not meet it.
func (c Clients) Passages(acls []endpoint.NetworkACL, interfaces []connection.NetworkInterface, port int) []connection.Check {
	blocks := Blocks(c.CIDRs)
	if len(blocks) == 0 {
		blocks = Blocks(c.VPCCIDRs) // they are named by their groups
	}
	var checks []connection.Check
	for _, eni := range interfaces {
		checks = append(checks, passage(acls, eni.SubnetID, false, blocks, port))
	}
	for _, subnet := range c.ProbeSubnetIDs {
		var beyond []string
		for _, eni := range interfaces {
			if eni.SubnetID != subnet {
				beyond = append(beyond, eni.IP+"/32")
			}
		}
		if len(beyond) > 0 {
			checks = append(checks, passage(acls, subnet, true, Blocks(beyond), port))
		}
	}
	return checks
}

// passage checks that the network ACL of a subnet lets connections to a port pass, out or in, and their answers the other way.
func passage(acls []endpoint.NetworkACL, subnet string, out bool, peers []netip.Prefix, port int) connection.Check {
	end := "in from the clients"
	if out {
		end = "out to the endpoint"
	}
	check := connection.Check{Kind: kindACL, Target: fmt.Sprintf("%s %d/tcp %s", subnet, port, end), Verdict: connection.Unknown}
	i := slices.IndexFunc(acls, func(acl endpoint.NetworkACL) bool { return slices.Contains(acl.SubnetIDs, subnet) })
	if i < 0 {
		check.Detail = "AWS shows no network ACL of it"
		return check
	}
	acl := acls[i]
	check.Verdict, check.Detail = connection.Pass, acl.ID+" lets them pass, and the answers"
	for _, peer := range peers {
		rule, denied := denies(acl, out, peer, port, port)
		if !denied {
			rule, denied = denies(acl, !out, peer, firstEphemeral, lastEphemeral)
		}
		if denied {
			check.Verdict, check.Detail = connection.Fail, fmt.Sprintf("%s of %s: %s", acl.ID, subnet, rule)
			break
		}
	}
	return check
}

// denies returns the rule by which an ACL stops TCP between a block and a range of ports, or a part of either.
func denies(acl endpoint.NetworkACL, egress bool, block netip.Prefix, from, to int) (endpoint.ACLEntry, bool) {
	var allowed []netip.Prefix
	for _, entry := range acl.Entries {
		with, err := netip.ParsePrefix(entry.CIDR)
		tcp := entry.Protocol == "-1" || entry.Protocol == "6"
		if err != nil || entry.Egress != egress || !tcp || !with.Overlaps(block) || entry.ToPort < from || to < entry.FromPort {
			continue
		}
		shared := with.Masked() // of two blocks that overlap, one is inside the other
		if block.Bits() > with.Bits() {
			shared = block
		}
		switch {
		case !entry.Allow && !covered(shared, allowed):
			return entry, true
		case entry.Allow && entry.FromPort <= from && to <= entry.ToPort:
			allowed = append(allowed, shared)
		}
		if covered(block, allowed) {
			return endpoint.ACLEntry{}, false
		}
	}
	return endpoint.ACLEntry{}, false
}
