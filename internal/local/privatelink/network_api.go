package privatelink

import (
	"maps"
	"slices"
	"strconv"

	"postern/internal/local/wire"
)

// Parameters that Describe calls have in common.
var describing = []string{"Filter.Name", "Filter.Value", "MaxResults", "NextToken"}

func describes(parameters ...string) []string { return append(slices.Clone(describing), parameters...) }

func (w *World) networkOperations() map[string]operation {
	return map[string]operation{
		"DescribeVpcs":              {parameters: describes("VpcId"), permissions: everything, do: w.describeVpcs},
		"DescribeVpcAttribute":      {parameters: []string{"VpcId", "Attribute"}, permissions: everything, do: w.describeVpcAttribute},
		"DescribeSubnets":           {parameters: describes("SubnetId"), permissions: everything, do: w.describeSubnets},
		"DescribeNetworkAcls":       {parameters: describes("NetworkAclId"), permissions: everything, do: w.describeNetworkAcls},
		"DescribeNetworkInterfaces": {parameters: describes("NetworkInterfaceId"), permissions: everything, do: w.describeInterfaces},
	}
}

type tagXML struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

func tagsXML(tags map[string]string) []tagXML {
	var all []tagXML
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		all = append(all, tagXML{key, tags[key]})
	}
	return all
}

type vpcXML struct {
	ID           string           `xml:"vpcId"`
	OwnerID      string           `xml:"ownerId"`
	State        string           `xml:"state"`
	CIDR         string           `xml:"cidrBlock"`
	Associations []associationXML `xml:"cidrBlockAssociationSet>item"`
	Tenancy      string           `xml:"instanceTenancy"`
	IsDefault    bool             `xml:"isDefault"`
	Tags         []tagXML         `xml:"tagSet>item"`
}

type associationXML struct {
	CIDR  string `xml:"cidrBlock"`
	State string `xml:"cidrBlockState>state"`
}

func (w *World) describeVpcs(call *wire.Call) (any, error) {
	notFound := func(id string) error { return fault("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", id) }
	found, err := selected(call.Form, seen(w, call, w.vpcs.all(), func(v *VPC) string { return v.ID }),
		list(call.Form, "VpcId"), notFound, func(v *VPC) (string, map[string]string, attributes) {
			return v.ID, v.Tags, attributes{"vpc-id": {v.ID}, "cidr": v.CIDRs[:1], "state": {"available"}}
		})
	if err != nil {
		return nil, err
	}
	items, next, err := page(call.Form, found, w.options.PageSize, 5)
	var answer struct {
		VPCs      []vpcXML `xml:"vpcSet>item"`
		NextToken string   `xml:"nextToken,omitempty"`
	}
	for _, v := range items {
		item := vpcXML{
			ID: v.ID, OwnerID: call.AccountID, State: "available", CIDR: v.CIDRs[0], Tenancy: "default", Tags: tagsXML(v.Tags),
		}
		for _, cidr := range v.CIDRs {
			item.Associations = append(item.Associations, associationXML{cidr, "associated"})
		}
		answer.VPCs = append(answer.VPCs, item)
	}
	answer.NextToken = next
	return answer, err
}

// vpcIn returns a VPC of the caller's in the call's Region.
func (w *World) vpcIn(call *wire.Call, id string) (*VPC, error) {
	if !w.sees(call, id) {
		return nil, fault("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", id)
	}
	return w.vpcs.get(id), nil
}

func (w *World) describeVpcAttribute(call *wire.Call) (any, error) {
	vpc, err := w.vpcIn(call, call.Form.Get("VpcId"))
	if err != nil {
		return nil, err
	}
	type value struct {
		Value bool `xml:"value"`
	}
	var answer struct {
		ID        string `xml:"vpcId"`
		Support   *value `xml:"enableDnsSupport"`
		Hostnames *value `xml:"enableDnsHostnames"`
	}
	answer.ID = vpc.ID
	switch attribute := call.Form.Get("Attribute"); attribute {
	case "enableDnsSupport":
		answer.Support = &value{vpc.DNSSupport}
	case "enableDnsHostnames":
		answer.Hostnames = &value{vpc.DNSHostnames}
	default:
		return nil, fault("InvalidParameterValue", "Value (%s) for parameter attribute is invalid. Unknown attribute.", attribute)
	}
	return answer, nil
}

type returned struct {
	Return bool `xml:"return"`
}

type subnetXML struct {
	ID        string   `xml:"subnetId"`
	ARN       string   `xml:"subnetArn"`
	VPCID     string   `xml:"vpcId"`
	OwnerID   string   `xml:"ownerId"`
	State     string   `xml:"state"`
	CIDR      string   `xml:"cidrBlock"`
	Free      int      `xml:"availableIpAddressCount"`
	AZ        string   `xml:"availabilityZone"`
	AZID      string   `xml:"availabilityZoneId"`
	IsDefault bool     `xml:"defaultForAz"`
	Tags      []tagXML `xml:"tagSet>item"`
}

func (w *World) describeSubnets(call *wire.Call) (any, error) {
	notFound := func(id string) error {
		return fault("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", id)
	}
	mine := seen(w, call, w.subnets.all(), func(s *Subnet) string { return s.VPCID })
	found, err := selected(call.Form, mine, list(call.Form, "SubnetId"), notFound,
		func(s *Subnet) (string, map[string]string, attributes) {
			return s.ID, s.Tags, attributes{
				"subnet-id": {s.ID}, "vpc-id": {s.VPCID}, "availability-zone": {s.AZ}, "availability-zone-id": {s.AZID},
				"cidr-block": {s.CIDR}, "state": {"available"},
			}
		})
	if err != nil {
		return nil, err
	}
	items, next, err := page(call.Form, found, w.options.PageSize, 5)
	var answer struct {
		Subnets   []subnetXML `xml:"subnetSet>item"`
		NextToken string      `xml:"nextToken,omitempty"`
	}
	for _, s := range items {
		answer.Subnets = append(answer.Subnets, subnetXML{
			ID: s.ID, ARN: arn(call, "subnet", s.ID), VPCID: s.VPCID, OwnerID: call.AccountID, State: "available",
			CIDR: s.CIDR, Free: w.free(s), AZ: s.AZ, AZID: s.AZID, Tags: tagsXML(s.Tags),
		})
	}
	answer.NextToken = next
	return answer, err
}

type aclXML struct {
	ID           string         `xml:"networkAclId"`
	VPCID        string         `xml:"vpcId"`
	OwnerID      string         `xml:"ownerId"`
	Default      bool           `xml:"default"`
	Entries      []aclEntryXML  `xml:"entrySet>item"`
	Associations []aclSubnetXML `xml:"associationSet>item"`
	Tags         []tagXML       `xml:"tagSet>item"`
}

type aclSubnetXML struct {
	ID       string `xml:"networkAclAssociationId"`
	ACLID    string `xml:"networkAclId"`
	SubnetID string `xml:"subnetId"`
}

type aclEntryXML struct {
	Number   int    `xml:"ruleNumber"`
	Protocol string `xml:"protocol"`
	Action   string `xml:"ruleAction"`
	Egress   bool   `xml:"egress"`
	CIDR     string `xml:"cidrBlock"`
	Ports    *struct {
		From int `xml:"from"`
		To   int `xml:"to"`
	} `xml:"portRange"`
}

func (w *World) describeNetworkAcls(call *wire.Call) (any, error) {
	notFound := func(id string) error {
		return fault("InvalidNetworkAclID.NotFound", "The networkAcl ID '%s' does not exist", id)
	}
	mine := seen(w, call, w.acls.all(), func(a *NetworkACL) string { return a.VPCID })
	found, err := selected(call.Form, mine, list(call.Form, "NetworkAclId"), notFound,
		func(a *NetworkACL) (string, map[string]string, attributes) {
			return a.ID, a.Tags, attributes{
				"network-acl-id": {a.ID}, "vpc-id": {a.VPCID}, "default": {strconv.FormatBool(a.Default)},
				"association.subnet-id": w.subnetsBehind(a.ID),
			}
		})
	if err != nil {
		return nil, err
	}
	items, next, err := page(call.Form, found, w.options.PageSize, 5)
	var answer struct {
		ACLs      []aclXML `xml:"networkAclSet>item"`
		NextToken string   `xml:"nextToken,omitempty"`
	}
	for _, a := range items {
		answer.ACLs = append(answer.ACLs, w.aclXML(call, a))
	}
	answer.NextToken = next
	return answer, err
}

func (w *World) subnetsBehind(aclID string) []string {
	var ids []string
	for _, subnet := range w.subnets.all() {
		if subnet.acl == aclID {
			ids = append(ids, subnet.ID)
		}
	}
	return ids
}

func (w *World) aclXML(call *wire.Call, a *NetworkACL) aclXML {
	item := aclXML{ID: a.ID, VPCID: a.VPCID, OwnerID: call.AccountID, Default: a.Default, Tags: tagsXML(a.Tags)}
	for _, entry := range a.Entries {
		action := "deny"
		if entry.Allow {
			action = "allow"
		}
		e := aclEntryXML{Number: entry.Number, Protocol: entry.Protocol, Action: action, Egress: entry.Egress, CIDR: entry.CIDR}
		if entry.Protocol != "-1" {
			e.Ports = &struct {
				From int `xml:"from"`
				To   int `xml:"to"`
			}{entry.FromPort, entry.ToPort}
		}
		item.Entries = append(item.Entries, e)
	}
	for _, id := range w.subnetsBehind(a.ID) {
		item.Associations = append(item.Associations, aclSubnetXML{"aclassoc-" + id[len("subnet-"):], a.ID, id})
	}
	return item
}

type interfaceXML struct {
	ID          string       `xml:"networkInterfaceId"`
	SubnetID    string       `xml:"subnetId"`
	VPCID       string       `xml:"vpcId"`
	AZ          string       `xml:"availabilityZone"`
	AZID        string       `xml:"availabilityZoneId"`
	Description string       `xml:"description"`
	OwnerID     string       `xml:"ownerId"`
	Managed     bool         `xml:"requesterManaged"`
	Status      string       `xml:"status"`
	IP          string       `xml:"privateIpAddress"`
	IPs         []addressXML `xml:"privateIpAddressesSet>item"`
	Groups      []groupIDXML `xml:"groupSet>item"`
	Type        string       `xml:"interfaceType"`
	Tags        []tagXML     `xml:"tagSet>item"`
}

type addressXML struct {
	IP      string `xml:"privateIpAddress"`
	Primary bool   `xml:"primary"`
}

type groupIDXML struct {
	ID   string `xml:"groupId"`
	Name string `xml:"groupName"`
}

func (w *World) describeInterfaces(call *wire.Call) (any, error) {
	ids := list(call.Form, "NetworkInterfaceId")
	if len(ids) > 0 && call.Form.Has("MaxResults") {
		return nil, fault("InvalidParameterCombination", "The parameters networkInterfaceIds and maxResults cannot be used together")
	}
	notFound := func(id string) error {
		return fault("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist", id)
	}
	mine := seen(w, call, w.interfaces.all(), func(n *NetworkInterface) string { return n.VPCID })
	found, err := selected(call.Form, mine, ids, notFound, func(n *NetworkInterface) (string, map[string]string, attributes) {
		return n.ID, n.Tags, attributes{
			"network-interface-id": {n.ID}, "subnet-id": {n.SubnetID}, "vpc-id": {n.VPCID}, "availability-zone": {n.AZ},
			"availability-zone-id": {n.AZID}, "description": {n.Description}, "group-id": n.GroupIDs, "interface-type": {n.Type},
			"status": {n.Status}, "private-ip-address": {n.IP}, "addresses.private-ip-address": {n.IP},
		}
	})
	if err != nil {
		return nil, err
	}
	items, next, err := page(call.Form, found, w.options.PageSize, 5)
	var answer struct {
		Interfaces []interfaceXML `xml:"networkInterfaceSet>item"`
		NextToken  string         `xml:"nextToken,omitempty"`
	}
	for _, n := range items {
		answer.Interfaces = append(answer.Interfaces, interfaceXML{
			ID: n.ID, SubnetID: n.SubnetID, VPCID: n.VPCID, AZ: n.AZ, AZID: n.AZID, Description: n.Description,
			OwnerID: call.AccountID, Managed: n.EndpointID != "", Status: n.Status, IP: n.IP,
			IPs: []addressXML{{n.IP, true}}, Groups: w.groupIDsXML(n.GroupIDs), Type: n.Type, Tags: tagsXML(n.Tags),
		})
	}
	answer.NextToken = next
	return answer, err
}

func (w *World) groupIDsXML(ids []string) []groupIDXML {
	var all []groupIDXML
	for _, id := range ids {
		item := groupIDXML{ID: id}
		if group := w.groups.get(id); group != nil {
			item.Name = group.Name
		}
		all = append(all, item)
	}
	return all
}
