package privatelink

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"postern/internal/local/wire"
)

// VPC is a virtual private cloud. DNSSupport and DNSHostnames are its enableDnsSupport and enableDnsHostnames attributes.
type VPC struct {
	ID, Region               string
	AccountID                string // the owner's; "" is the world's own account
	CIDRs                    []string
	DNSSupport, DNSHostnames bool
	Tags                     map[string]string

	defaultGroup, defaultACL string
}

// Subnet is a subnet. AZ is this account's name of the Availability Zone, AZID its id, which is the same in every account.
// Taken is how many of its addresses others use, besides the five that AWS reserves.
type Subnet struct {
	ID, VPCID, AZ, AZID, CIDR string
	Taken                     int
	Tags                      map[string]string

	acl string
}

// NetworkInterface is one network interface: of an endpoint, or a client's.
type NetworkInterface struct {
	ID, VPCID, SubnetID, IP string
	AZ, AZID                string
	GroupIDs                []string
	EndpointID              string // "" for a client's
	Type                    string // vpc_endpoint, or interface
	Status                  string // in-use, pending
	Description             string
	Tags                    map[string]string
}

// AddVPC adds a VPC with AWS's defaults: a default security group that admits only itself, and a network ACL that admits all.
func (w *World) AddVPC(vpc VPC) {
	w.mu.Lock()
	defer w.mu.Unlock()
	acl := &NetworkACL{ID: w.newID("acl"), VPCID: vpc.ID, Default: true, Entries: allowAll()}
	w.acls.put(acl.ID, acl)
	group := &SecurityGroup{ID: w.newID("sg"), VPCID: vpc.ID, Name: "default", Description: "default VPC security group"}
	group.Rules = []Rule{
		{ID: w.newID("sgr"), Protocol: "-1", GroupID: group.ID},
		{ID: w.newID("sgr"), Protocol: "-1", CIDR: "0.0.0.0/0", Egress: true},
	}
	w.groups.put(group.ID, group)
	vpc.defaultGroup, vpc.defaultACL = group.ID, acl.ID
	vpc.Tags = maps.Clone(vpc.Tags)
	vpc.AccountID = cmp.Or(vpc.AccountID, w.options.AccountID)
	w.vpcs.put(vpc.ID, &vpc)
}

// AddSubnet adds a subnet to a VPC that is there already.
func (w *World) AddSubnet(subnet Subnet) {
	w.mu.Lock()
	defer w.mu.Unlock()
	subnet.acl = w.vpcs.get(subnet.VPCID).defaultACL
	subnet.Tags = maps.Clone(subnet.Tags)
	w.subnets.put(subnet.ID, &subnet)
}

// AddInterface adds a client's network interface, such as that of an instance, and returns it with an address of its subnet.
func (w *World) AddInterface(subnetID string, groupIDs ...string) (NetworkInterface, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	subnet := w.subnets.get(subnetID)
	if subnet == nil {
		return NetworkInterface{}, fmt.Errorf("adding an interface: subnet %s does not exist", subnetID)
	}
	eni, err := w.plug(subnet, groupIDs)
	if err != nil {
		return NetworkInterface{}, err
	}
	eni.Type, eni.Status = "interface", "in-use"
	return *eni, nil
}

// VPC returns a VPC.
func (w *World) VPC(id string) (VPC, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if vpc := w.vpcs.get(id); vpc != nil {
		return *vpc, true
	}
	return VPC{}, false
}

// Subnet returns a subnet.
func (w *World) Subnet(id string) (Subnet, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if subnet := w.subnets.get(id); subnet != nil {
		return *subnet, true
	}
	return Subnet{}, false
}

// SubnetOf returns the subnet of a VPC that an address lies in.
func (w *World) SubnetOf(vpcID, ip string) (Subnet, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	address, err := netip.ParseAddr(ip)
	if err != nil {
		return Subnet{}, false
	}
	for _, subnet := range w.subnets.all() {
		if subnet.VPCID == vpcID && netip.MustParsePrefix(subnet.CIDR).Contains(address) {
			return *subnet, true
		}
	}
	return Subnet{}, false
}

// InterfaceAt returns the network interface that owns an address of a VPC.
func (w *World) InterfaceAt(vpcID, ip string) (NetworkInterface, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, eni := range w.interfaces.all() {
		if eni.VPCID == vpcID && eni.IP == ip {
			return *eni, true
		}
	}
	return NetworkInterface{}, false
}

// Interfaces returns the network interfaces of an endpoint.
func (w *World) Interfaces(endpointID string) []NetworkInterface {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []NetworkInterface
	for _, eni := range w.interfaces.all() {
		if eni.EndpointID == endpointID {
			found = append(found, *eni)
		}
	}
	return found
}

// sees reports whether a VPC is in the caller's account and the call's Region. The world is locked.
func (w *World) sees(call *wire.Call, vpcID string) bool {
	vpc := w.vpcs.get(vpcID)
	return vpc != nil && vpc.AccountID == call.AccountID && vpc.Region == call.Region
}

// seen keeps what is in the caller's account and the call's Region, by the VPC that each thing is in.
func seen[T any](w *World, call *wire.Call, things []*T, vpcOf func(*T) string) []*T {
	return slices.DeleteFunc(things, func(thing *T) bool { return !w.sees(call, vpcOf(thing)) })
}

// used is how many interfaces have an address of a subnet.
func (w *World) used(subnetID string) int {
	used := 0
	for _, eni := range w.interfaces.all() {
		if eni.SubnetID == subnetID {
			used++
		}
	}
	return used
}

// free is how many addresses of a subnet are left. AWS keeps the first four and the last for itself.
func (w *World) free(subnet *Subnet) int {
	size := 1 << (32 - netip.MustParsePrefix(subnet.CIDR).Bits())
	return max(0, size-5-subnet.Taken-w.used(subnet.ID))
}

// plug makes a network interface with the lowest free address of a subnet.
func (w *World) plug(subnet *Subnet, groupIDs []string) (*NetworkInterface, error) {
	if w.free(subnet) == 0 {
		return nil, fault("InsufficientFreeAddressesInSubnet",
			"The specified subnet does not have enough free addresses to satisfy the request.")
	}
	taken := map[string]bool{}
	for _, eni := range w.interfaces.all() {
		taken[eni.IP] = eni.SubnetID == subnet.ID || taken[eni.IP]
	}
	address := netip.MustParsePrefix(subnet.CIDR).Masked().Addr()
	for range 4 + subnet.Taken {
		address = address.Next()
	}
	for taken[address.String()] {
		address = address.Next()
	}
	eni := &NetworkInterface{
		ID: w.newID("eni"), VPCID: subnet.VPCID, SubnetID: subnet.ID, IP: address.String(), AZ: subnet.AZ, AZID: subnet.AZID,
		GroupIDs: slices.Clone(groupIDs),
	}
	w.interfaces.put(eni.ID, eni)
	return eni, nil
}

// azName is the caller's name of an Availability Zone, "" when the account has none for it. Accounts map names to zones
// differently; the subnets say how this one does.
func (w *World) azName(call *wire.Call, azID string) string {
	taken := map[string]bool{}
	for _, subnet := range w.subnets.all() {
		if !w.sees(call, subnet.VPCID) {
			continue
		}
		if subnet.AZID == azID {
			return subnet.AZ
		}
		taken[subnet.AZ] = true
	}
	number := azID[strings.LastIndex(azID, "z")+1:]
	if len(number) != 1 || number < "1" || number > "6" {
		return ""
	}
	if name := call.Region + string('a'+number[0]-'1'); !taken[name] {
		return name
	}
	return ""
}
