package filter

import (
	"fmt"
	"net/netip"
	"slices"

	"postern/internal/endpoint"
)

// Admission is who security groups let in on one TCP port.
type Admission struct {
	CIDRs         []netip.Prefix
	GroupIDs      []string
	PrefixListIDs []string
	Open          bool // from anywhere
}

// Admits returns who the inbound rules of groups together let in on a TCP port.
func Admits(groups []endpoint.SecurityGroup, port int) Admission {
	var in Admission
	for _, group := range groups {
		for _, rule := range group.Inbound {
			if !matches(rule, port) {
				continue
			}
			in.CIDRs = append(in.CIDRs, Blocks(rule.CIDRs)...)
			in.GroupIDs = append(in.GroupIDs, rule.GroupIDs...)
			in.PrefixListIDs = append(in.PrefixListIDs, rule.PrefixListIDs...)
		}
	}
	in.Open = slices.ContainsFunc(in.CIDRs, Anywhere)
	return in
}

// Anywhere reports whether a block is every address.
func Anywhere(prefix netip.Prefix) bool { return prefix.Bits() == 0 }

// matches reports whether a rule is for a TCP port.
//
// AWS: protocol -1 is every protocol, whatever its ports say; 6 is tcp; ports -1 are every port.
func matches(rule endpoint.Rule, port int) bool {
	switch rule.Protocol {
	case "-1":
		return true
	case "tcp", "6":
		return rule.FromPort == -1 || rule.FromPort <= port && port <= rule.ToPort
	default:
		return false
	}
}

// Blocks parses CIDR blocks; what is none is left out: AWS and the decoder of requests let no such thing through.
func Blocks(cidrs []string) []netip.Prefix {
	var parsed []netip.Prefix
	for _, cidr := range cidrs {
		if prefix, err := netip.ParsePrefix(cidr); err == nil {
			parsed = append(parsed, prefix.Masked())
		}
	}
	return parsed
}

// Uncovered returns the clients' blocks that the allowed ones together do not cover.
func Uncovered(clients, allowed []netip.Prefix) []string {
	var missing []string
	for _, client := range clients {
		if !covered(client, allowed) {
			missing = append(missing, client.String())
		}
	}
	return missing
}

// covered reports whether blocks together cover a block: one of them contains it, or both of its halves are covered.
func covered(block netip.Prefix, by []netip.Prefix) bool {
	var inside []netip.Prefix
	for _, other := range by {
		if other.Bits() <= block.Bits() && other.Overlaps(block) {
			return true
		}
		if other.Overlaps(block) {
			inside = append(inside, other)
		}
	}
	if len(inside) == 0 {
		return false
	}
	low, high := halves(block)
	return covered(low, inside) && covered(high, inside)
}

// halves splits a block that is not a single address.
func halves(block netip.Prefix) (low, high netip.Prefix) {
	bits := block.Bits()
	address := block.Addr().AsSlice()
	low = netip.PrefixFrom(block.Addr(), bits+1)
	address[bits/8] |= 0x80 >> (bits % 8)
	upper, _ := netip.AddrFromSlice(address)
	return low, netip.PrefixFrom(upper, bits+1)
}

// Beyond describes the inbound rules that are for other ports than these, or from elsewhere than the clients.
func Beyond(groups []endpoint.SecurityGroup, ports []int, clients []netip.Prefix) []string {
	var wider []string
	for _, group := range groups {
		for _, rule := range group.Inbound {
			needed := slices.ContainsFunc(ports, func(port int) bool { return matches(rule, port) })
			if !needed || rule.Protocol == "-1" || !oneOfPorts(rule, ports) {
				wider = append(wider, fmt.Sprintf("%s: %s", group.ID, describe(rule)))
				continue
			}
			for _, from := range Blocks(rule.CIDRs) {
				if !Anywhere(from) && !covered(from, clients) {
					wider = append(wider, fmt.Sprintf("%s: %s from %s", group.ID, describe(rule), from))
				}
			}
		}
	}
	return wider
}

// oneOfPorts reports whether every port of a rule is one of ports.
func oneOfPorts(rule endpoint.Rule, ports []int) bool {
	if rule.FromPort < 1 || rule.ToPort-rule.FromPort >= len(ports) {
		return false
	}
	for port := rule.FromPort; port <= rule.ToPort; port++ {
		if !slices.Contains(ports, port) {
			return false
		}
	}
	return true
}

func describe(rule endpoint.Rule) string {
	switch {
	case rule.Protocol == "-1":
		return "every protocol and port"
	case rule.FromPort == -1 || !slices.Contains([]string{"tcp", "udp", "6", "17"}, rule.Protocol):
		return "protocol " + rule.Protocol
	case rule.FromPort == rule.ToPort:
		return fmt.Sprintf("%d/%s", rule.FromPort, rule.Protocol)
	default:
		return fmt.Sprintf("%d-%d/%s", rule.FromPort, rule.ToPort, rule.Protocol)
	}
}

// Names reports whether the rules let one of the groups in by its name.
func (a Admission) Names(groupIDs []string) bool { return intersects(a.GroupIDs, groupIDs) }

func intersects(a, b []string) bool {
	return slices.ContainsFunc(a, func(item string) bool { return slices.Contains(b, item) })
}
