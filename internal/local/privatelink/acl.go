package privatelink

import (
	"fmt"
	"net/netip"
	"slices"
)

// NetworkACL is a stateless filter around subnets.
type NetworkACL struct {
	ID, VPCID string
	Default   bool
	Entries   []ACLEntry
	Tags      map[string]string
}

// ACLEntry is one rule of a network ACL. The lowest number that matches decides; what matches none is denied. Protocol is a
// number, -1 for all, as the API has it; ports of 0 to 0 with protocol -1 mean all.
type ACLEntry struct {
	Number           int
	Egress, Allow    bool
	Protocol         string // "-1", "6" for TCP, "17" for UDP
	CIDR             string
	FromPort, ToPort int
}

// lastNumber is the number of the entry that AWS adds to every ACL: deny what nothing else matched.
const lastNumber = 32767

func allowAll() []ACLEntry {
	return []ACLEntry{
		{Number: 100, Egress: true, Allow: true, Protocol: "-1", CIDR: "0.0.0.0/0"},
		{Number: lastNumber, Egress: true, Protocol: "-1", CIDR: "0.0.0.0/0"},
		{Number: 100, Allow: true, Protocol: "-1", CIDR: "0.0.0.0/0"},
		{Number: lastNumber, Protocol: "-1", CIDR: "0.0.0.0/0"},
	}
}

// Allows reports whether TCP traffic to a port, to (egress) or from an address, passes.
func (a NetworkACL) Allows(egress bool, peer netip.Addr, port int) bool {
	entries := slices.Clone(a.Entries)
	slices.SortStableFunc(entries, func(x, y ACLEntry) int { return x.Number - y.Number })
	for _, entry := range entries {
		if entry.Egress == egress && entry.matches(peer, port) {
			return entry.Allow
		}
	}
	return false
}

func (e ACLEntry) matches(peer netip.Addr, port int) bool {
	prefix, err := netip.ParsePrefix(e.CIDR)
	if err != nil || !prefix.Contains(peer) {
		return false
	}
	return e.Protocol == "-1" || e.Protocol == "6" && e.FromPort <= port && port <= e.ToPort
}

// ACL returns the network ACL of a subnet.
func (w *World) ACL(subnetID string) (NetworkACL, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	subnet := w.subnets.get(subnetID)
	if subnet == nil {
		return NetworkACL{}, false
	}
	return *w.acls.get(subnet.acl), true
}

// SetACL gives a subnet a network ACL of its own with these entries, plus AWS's last ones that deny the rest.
func (w *World) SetACL(subnetID string, entries ...ACLEntry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	subnet := w.subnets.get(subnetID)
	if subnet == nil {
		return fmt.Errorf("setting the network ACL: subnet %s does not exist", subnetID)
	}
	for _, egress := range []bool{true, false} {
		entries = append(entries, ACLEntry{Number: lastNumber, Egress: egress, Protocol: "-1", CIDR: "0.0.0.0/0"})
	}
	acl := &NetworkACL{ID: w.newID("acl"), VPCID: subnet.VPCID, Entries: entries}
	w.acls.put(acl.ID, acl)
	subnet.acl = acl.ID
	w.called(subnet.VPCID, "ReplaceNetworkAclAssociation", map[string]any{
		"associationId": w.newID("aclassoc"), "networkAclId": acl.ID,
	})
	return nil
}
