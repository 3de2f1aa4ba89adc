package privatelink

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// SecurityGroup is a stateful filter on network interfaces.
type SecurityGroup struct {
	ID, VPCID, Name, Description string
	Rules                        []Rule
	Tags                         map[string]string
}

// Rule is one rule of a security group, with exactly one peer: a CIDR, a group or a prefix list. Protocol is tcp, udp, icmp or
// -1 for all, which has no ports.
type Rule struct {
	ID                        string
	Egress                    bool
	Protocol                  string
	FromPort, ToPort          int
	CIDR, GroupID, PrefixList string
	Description               string
	Tags                      map[string]string
}

// AddSecurityGroup adds a security group. Rules without an id get one, and a group without outbound rules gets AWS's own:
// everything may leave.
func (w *World) AddSecurityGroup(group SecurityGroup) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addGroup(&group)
}

func (w *World) addGroup(group *SecurityGroup) {
	rules := slices.Clone(group.Rules)
	if !slices.ContainsFunc(rules, func(r Rule) bool { return r.Egress }) {
		rules = append(rules, Rule{Egress: true, Protocol: "-1", CIDR: "0.0.0.0/0"})
	}
	for i := range rules {
		if rules[i].ID == "" {
			rules[i].ID = w.newID("sgr")
		}
	}
	group.Rules = rules
	w.groups.put(group.ID, group)
}

// AddPrefixList adds a managed prefix list that rules can name.
func (w *World) AddPrefixList(id string, cidrs ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.prefixLists[id] = cidrs
}

// SecurityGroup returns a security group.
func (w *World) SecurityGroup(id string) (SecurityGroup, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if group := w.groups.get(id); group != nil {
		copied := *group
		copied.Rules = slices.Clone(group.Rules)
		return copied, true
	}
	return SecurityGroup{}, false
}

// SecurityGroups returns every security group.
func (w *World) SecurityGroups() []SecurityGroup {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []SecurityGroup
	for _, group := range w.groups.all() {
		copied := *group
		copied.Rules = slices.Clone(group.Rules)
		all = append(all, copied)
	}
	return all
}

// Peer is the other end of a connection as a security group sees it.
type Peer struct {
	IP       netip.Addr
	GroupIDs []string
}

// Admits reports whether any of the groups lets TCP traffic to a port pass: from the peer, or with egress to it.
func (w *World) Admits(groupIDs []string, egress bool, peer Peer, port int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range groupIDs {
		group := w.groups.get(id)
		if group == nil {
			continue
		}
		for _, rule := range group.Rules {
			if rule.Egress == egress && rule.covers(port) && w.isPeer(rule, peer) {
				return true
			}
		}
	}
	return false
}

func (r Rule) covers(port int) bool {
	return r.Protocol == "-1" || r.Protocol == "tcp" && r.FromPort <= port && port <= r.ToPort
}

func (w *World) isPeer(rule Rule, peer Peer) bool {
	if rule.GroupID != "" {
		return slices.Contains(peer.GroupIDs, rule.GroupID)
	}
	cidrs := w.prefixLists[rule.PrefixList]
	if rule.CIDR != "" {
		cidrs = []string{rule.CIDR}
	}
	return slices.ContainsFunc(cidrs, func(cidr string) bool {
		prefix, err := netip.ParsePrefix(cidr)
		return err == nil && prefix.Contains(peer.IP)
	})
}

// same reports whether two rules admit the same traffic; a description does not tell rules apart.
func (r Rule) same(other Rule) bool {
	return r.Egress == other.Egress && r.Protocol == other.Protocol && r.FromPort == other.FromPort && r.ToPort == other.ToPort &&
		r.CIDR == other.CIDR && r.GroupID == other.GroupID && r.PrefixList == other.PrefixList
}

// String is a rule as AWS names it in errors.
func (r Rule) String() string {
	peer := r.CIDR + r.GroupID + r.PrefixList
	if r.Protocol == "-1" {
		return fmt.Sprintf("peer: %s, ALL, ALLOW", peer)
	}
	return fmt.Sprintf("peer: %s, %s, from port: %d, to port: %d, ALLOW", peer, strings.ToUpper(r.Protocol), r.FromPort, r.ToPort)
}

// groupInUse reports whether an interface or another group's rule needs a group.
func (w *World) groupInUse(id string) bool {
	for _, eni := range w.interfaces.all() {
		if slices.Contains(eni.GroupIDs, id) {
			return true
		}
	}
	for _, group := range w.groups.all() {
		if group.ID != id && slices.ContainsFunc(group.Rules, func(r Rule) bool { return r.GroupID == id }) {
			return true
		}
	}
	return false
}
