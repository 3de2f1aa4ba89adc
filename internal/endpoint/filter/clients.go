package filter

import (
	"fmt"
	"slices"
	"strings"

	"postern/internal/connection"
	"postern/internal/endpoint"
)

// The kinds of the checks.
const (
	kindGroup       = "security-group"
	kindClientGroup = "client-security-group"
	kindACL         = "network-acl"
)

// Clients are who connects to an endpoint. The probe stands for them where AWS cannot tell who they are: its security groups and its
// subnets are theirs.
type Clients struct {
	CIDRs          []string // blocks that they are in, IPv4
	GroupIDs       []string // security groups that they carry, besides the clients in CIDRs
	VPCCIDRs       []string
	ProbeGroupIDs  []string
	ProbeSubnetIDs []string
}

// Admission judges whether the endpoint's groups let the clients in on a port: their blocks, and the groups that they carry. A client
// group is in by its own name, or with the whole VPC.
func (c Clients) Admission(groups []endpoint.SecurityGroup, port int) connection.Check {
	in := Admits(groups, port)
	check := connection.Check{Kind: kindGroup, Target: fmt.Sprintf("%s %d/tcp", idsOf(groups), port), Verdict: connection.Pass}
	missing := Uncovered(Blocks(c.CIDRs), in.CIDRs)
	if in.Names(c.ProbeGroupIDs) {
		missing = nil // the probe's groups are the clients'
	}
	if len(Uncovered(Blocks(c.VPCCIDRs), in.CIDRs)) > 0 {
		for _, client := range c.GroupIDs {
			if !slices.Contains(in.GroupIDs, client) {
				missing = append(missing, client)
			}
		}
	}
	others := slices.DeleteFunc(slices.Clone(in.GroupIDs), func(id string) bool {
		return slices.ContainsFunc(groups, func(g endpoint.SecurityGroup) bool { return g.ID == id })
	})
	if len(c.GroupIDs) > 0 {
		others = nil // the request says which groups the clients carry
	}
	others = append(others, in.PrefixListIDs...)
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

// Departure judges whether the clients' groups, of which the probe's are a sample, let connections to the endpoint out.
func Departure(groups []endpoint.SecurityGroup, port int, to *connection.EndpointFacts) connection.Check {
	check := connection.Check{Kind: kindClientGroup, Target: fmt.Sprintf("%s %d/tcp", idsOf(groups), port), Verdict: connection.Pass}
	outbound := make([]endpoint.SecurityGroup, len(groups))
	for i, group := range groups {
		outbound[i] = endpoint.SecurityGroup{ID: group.ID, Inbound: group.Outbound}
	}
	out := Admits(outbound, port)
	var missing []string
	for _, eni := range to.Interfaces {
		missing = append(missing, Uncovered(Blocks([]string{eni.IP + "/32"}), out.CIDRs)...)
	}
	switch {
	case len(to.Interfaces) == 0:
		check.Verdict, check.Detail = connection.Unknown, "not judged: the endpoint has no interface"
	case len(missing) == 0 || intersects(out.GroupIDs, to.SecurityGroupIDs):
		check.Detail = "lets the probe out to the endpoint"
	case len(out.PrefixListIDs) > 0:
		check.Verdict = connection.Unknown
		check.Detail = "lets " + strings.Join(out.PrefixListIDs, ", ") + " out: what that holds is not read"
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
