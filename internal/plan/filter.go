package plan

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/internal/connection"
	"postern/internal/endpoint"
)

// The kinds of the checks of filters.
const (
	kindGroup       = "security-group"
	kindClientGroup = "client-security-group"
	kindACL         = "network-acl"
)

// filterFacts judges what filters packets between the clients and the endpoint's interfaces. The probe stands for the clients where
// AWS cannot tell who they are: its security groups and its subnets are theirs.
func (p *Planner) filterFacts(ctx context.Context, d *draft) error {
	facts, interfaces := d.plan.Diagnosis, d.plan.Diagnosis.Endpoint.Interfaces
	groups, err := p.from.Endpoints.SecurityGroups(ctx, facts.Endpoint.SecurityGroupIDs)
	if err != nil {
		return err
	}
	clients, err := p.from.Endpoints.SecurityGroups(ctx, d.network.ProbeSecurityGroupIDs)
	if err != nil {
		return err
	}
	subnets := slices.Clone(d.network.ProbeSubnetIDs)
	for _, eni := range interfaces {
		subnets = append(subnets, eni.SubnetID)
	}
	acls, err := p.from.Endpoints.NetworkACLs(ctx, subnets)
	if err != nil {
		return err
	}
	for _, port := range d.plan.Probe.Ports {
		facts.Filters = append(facts.Filters, d.admission(groups, port), departure(clients, port, facts.Endpoint))
		facts.Filters = append(facts.Filters, d.passages(acls, interfaces, port)...)
	}
	return nil
}

// admission checks that the endpoint's groups let the clients in on a port: their blocks, and the groups that they carry. A client
// group is in by its own name, or with the whole VPC.
func (d *draft) admission(groups []endpoint.SecurityGroup, port int) connection.Check {
	in := admits(groups, port)
	check := connection.Check{Kind: kindGroup, Target: fmt.Sprintf("%s %d/tcp", idsOf(groups), port), Verdict: connection.Pass}
	missing := uncovered(prefixes(d.plan.Network.ClientCIDRs), in.cidrs)
	if intersects(in.groupIDs, d.network.ProbeSecurityGroupIDs) {
		missing = nil // the probe's groups are the clients'
	}
	if len(uncovered(prefixes(d.vpc.CIDRs), in.cidrs)) > 0 {
		for _, client := range d.plan.Network.ClientSecurityGroupIDs {
			if !slices.Contains(in.groupIDs, client) {
				missing = append(missing, client)
			}
		}
	}
	others := slices.DeleteFunc(slices.Clone(in.groupIDs), func(id string) bool {
		return slices.ContainsFunc(groups, func(g endpoint.SecurityGroup) bool { return g.ID == id })
	})
	if len(d.plan.Network.ClientSecurityGroupIDs) > 0 {
		others = nil // the request says which groups the clients carry
	}
	others = append(others, in.prefixListIDs...)
	switch {
	case len(missing) == 0:
		check.Detail = "lets the clients in"
	case len(others) > 0:
		check.Verdict = connection.Unknown
		check.Detail = fmt.Sprintf("lets %s in, not %s: whether every client is among them is not known", strings.Join(others, ", "),
			strings.Join(missing, ", "))
	default:
		check.Verdict = connection.Fail
		check.Detail = fmt.Sprintf("no inbound rule lets %s in on %d/tcp", strings.Join(missing, ", "), port)
	}
	return check
}

// departure checks that the clients' groups, of which the probe's are a sample, let connections to the endpoint out.
func departure(groups []endpoint.SecurityGroup, port int, to *connection.EndpointFacts) connection.Check {
	check := connection.Check{Kind: kindClientGroup, Target: fmt.Sprintf("%s %d/tcp", idsOf(groups), port), Verdict: connection.Pass}
	outbound := make([]endpoint.SecurityGroup, len(groups))
	for i, group := range groups {
		outbound[i] = endpoint.SecurityGroup{ID: group.ID, Inbound: group.Outbound}
	}
	out := admits(outbound, port)
	var missing []string
	for _, eni := range to.Interfaces {
		missing = append(missing, uncovered(prefixes([]string{eni.IP + "/32"}), out.cidrs)...)
	}
	switch {
	case len(to.Interfaces) == 0:
		check.Verdict, check.Detail = connection.Unknown, "not judged: the endpoint has no interface"
	case len(missing) == 0 || intersects(out.groupIDs, to.SecurityGroupIDs):
		check.Detail = "lets the probe out to the endpoint"
	case len(out.prefixListIDs) > 0:
		check.Verdict = connection.Unknown
		check.Detail = "lets " + strings.Join(out.prefixListIDs, ", ") + " out: what that holds is not read"
	default:
		check.Verdict, check.Detail = connection.Fail, fmt.Sprintf("no outbound rule lets the probe out to %s on %d/tcp",
			strings.Join(missing, ", "), port)
	}
	return check
}

func idsOf(groups []endpoint.SecurityGroup) string {
	ids := make([]string, len(groups))
	for i, group := range groups {
		ids[i] = group.ID
	}
	return strings.Join(ids, ", ")
}

// Ports that clients of every common kind connect from.
//
// AWS: Linux takes 32768 to 60999, Windows from 49152; network ACLs are stateless, so answers to them need a rule.
const firstEphemeral, lastEphemeral = 49152, 60999

// passages checks the network ACLs on both ends: those of the endpoint's subnets for all clients, those of the probe's subnets for
// the endpoint's interfaces.
//
// AWS: an ACL stands at the edge of a subnet: who is in the same one does not meet it.
func (d *draft) passages(acls []endpoint.NetworkACL, interfaces []connection.NetworkInterface, port int) []connection.Check {
	clients := prefixes(d.plan.Network.ClientCIDRs)
	if len(clients) == 0 {
		clients = prefixes(d.vpc.CIDRs) // they are named by their groups
	}
	var checks []connection.Check
	for _, eni := range interfaces {
		checks = append(checks, passage(acls, eni.SubnetID, false, clients, port))
	}
	for _, subnet := range d.network.ProbeSubnetIDs {
		var beyond []string
		for _, eni := range interfaces {
			if eni.SubnetID != subnet {
				beyond = append(beyond, eni.IP+"/32")
			}
		}
		if len(beyond) > 0 {
			checks = append(checks, passage(acls, subnet, true, prefixes(beyond), port))
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
