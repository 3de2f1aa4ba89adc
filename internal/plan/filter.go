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

// filterFacts judges what filters packets between the clients and the endpoint's interfaces.
func (p *Planner) filterFacts(ctx context.Context, d *draft) error {
	facts, clients := d.plan.Diagnosis, prefixes(d.plan.Network.ClientCIDRs)
	interfaces := facts.Endpoint.Interfaces
	ports := d.plan.Probe.Ports
	if ids := facts.Endpoint.SecurityGroupIDs; len(ids) > 0 {
		groups, err := p.from.Endpoints.SecurityGroups(ctx, ids)
		if err != nil {
			return err
		}
		for _, port := range ports {
			facts.Filters = append(facts.Filters, d.admission(groups, port, clients))
		}
	}
	if ids := d.network.ProbeSecurityGroupIDs; len(ids) > 0 && len(interfaces) > 0 {
		groups, err := p.from.Endpoints.SecurityGroups(ctx, ids)
		if err != nil {
			return err
		}
		for _, port := range ports {
			facts.Filters = append(facts.Filters, departure(groups, port, interfaces, facts.Endpoint.SecurityGroupIDs))
		}
	}
	if len(interfaces) == 0 {
		return nil
	}
	var subnets []string
	for _, eni := range interfaces {
		subnets = append(subnets, eni.SubnetID)
	}
	acls, err := p.from.Endpoints.NetworkACLs(ctx, subnets)
	if err != nil {
		return err
	}
	for _, eni := range interfaces {
		for _, port := range ports {
			facts.Filters = append(facts.Filters, passage(acls, eni, port, clients))
		}
	}
	return nil
}

// admission checks that the endpoint's groups let the clients in on a port.
func (d *draft) admission(groups []endpoint.SecurityGroup, port int, clients []netip.Prefix) connection.Check {
	ids := idsOf(groups)
	in := admits(groups, port)
	check := connection.Check{Kind: kindGroup, Target: fmt.Sprintf("%s %d/tcp", ids, port), Verdict: connection.Pass}
	missing := strings.Join(uncovered(clients, in.cidrs), ", ")
	others := slices.DeleteFunc(slices.Clone(in.groupIDs), func(id string) bool {
		return slices.ContainsFunc(groups, func(g endpoint.SecurityGroup) bool { return g.ID == id })
	})
	others = append(others, in.prefixListIDs...)
	switch {
	case missing == "":
		check.Detail = "lets the clients in"
	case intersects(in.groupIDs, d.network.ProbeSecurityGroupIDs):
		check.Detail = "lets the clients' groups in"
	case len(others) > 0:
		check.Verdict = connection.Unknown
		check.Detail = fmt.Sprintf("lets %s in, not %s: whether every client is among them is not known", strings.Join(others, ", "), missing)
	default:
		check.Verdict, check.Detail = connection.Fail, fmt.Sprintf("no inbound rule lets %s in on %d/tcp", missing, port)
	}
	return check
}

// departure checks that the clients' groups, of which the probe's are a sample, let connections to the endpoint out.
func departure(groups []endpoint.SecurityGroup, port int, to []connection.NetworkInterface, endpointGroups []string) connection.Check {
	check := connection.Check{Kind: kindClientGroup, Target: fmt.Sprintf("%s %d/tcp", idsOf(groups), port), Verdict: connection.Pass}
	outbound := make([]endpoint.SecurityGroup, len(groups))
	for i, group := range groups {
		outbound[i] = endpoint.SecurityGroup{ID: group.ID, Inbound: group.Outbound}
	}
	out := admits(outbound, port)
	var missing []string
	for _, eni := range to {
		missing = append(missing, uncovered(prefixes([]string{eni.IP + "/32"}), out.cidrs)...)
	}
	switch {
	case len(missing) == 0 || intersects(out.groupIDs, endpointGroups):
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

// passage checks that the network ACL of an interface's subnet lets the clients in on a port, and the answers out.
//
// AWS: an ACL stands at the edge of a subnet: a client in the same one does not meet it.
func passage(acls []endpoint.NetworkACL, eni connection.NetworkInterface, port int, clients []netip.Prefix) connection.Check {
	check := connection.Check{
		Kind: kindACL, Target: fmt.Sprintf("%s %d/tcp", eni.SubnetID, port), Verdict: connection.Unknown, Detail: "its network ACL was not found",
	}
	for _, acl := range acls {
		if !slices.Contains(acl.SubnetIDs, eni.SubnetID) {
			continue
		}
		check.Verdict, check.Detail = connection.Pass, acl.ID+" lets the clients in and the answers out"
		for _, client := range clients {
			rule, denied := denies(acl, false, client, port, port)
			if !denied {
				rule, denied = denies(acl, true, client, firstEphemeral, lastEphemeral)
			}
			if denied {
				check.Verdict, check.Detail = connection.Fail, fmt.Sprintf("%s of %s (%s): %s", acl.ID, eni.SubnetID, eni.AZ, rule)
				break
			}
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
