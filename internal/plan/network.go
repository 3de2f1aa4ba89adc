package plan

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"postern/internal/awserr"
	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/endpoint/filter"
)

// checkVPC reads the VPC. Both DNS attributes must be on for a private zone, and for private DNS, to be answered in it.
func (s *site) checkVPC(ctx context.Context, d *draft) error {
	target := d.request.Target
	vpc, err := s.Endpoints.VPC(ctx, target.VPCID)
	if awserr.IsNotFound(err) {
		d.faults.Addf("target.vpcId", "write a VPC that exists, or correct the registered network",
			"%s does not exist in %s", target.VPCID, target.Region)
		return nil
	}
	if err != nil {
		return err
	}
	d.vpc = &vpc
	if len(target.ClientCIDRs) == 0 && len(target.ClientSecurityGroupIDs) == 0 {
		d.plan.Network.ClientCIDRs = vpc.CIDRs
	}
	remedy := "switch it on (aws ec2 modify-vpc-attribute): without it private names are not answered in the VPC"
	if !vpc.DNSSupport {
		d.faults.Addf("target.vpcId", remedy, "enableDnsSupport is off in %s", target.VPCID)
	}
	if !vpc.DNSHostnames {
		d.faults.Addf("target.vpcId", remedy, "enableDnsHostnames is off in %s", target.VPCID)
	}
	return nil
}

// checkSubnets reads the subnets: all in the VPC, at most one in each Availability Zone, each with a free address.
//
// AWS: an endpoint has one network interface in each subnet, and one subnet in each zone (DuplicateSubnetsInSameZone).
func (s *site) checkSubnets(ctx context.Context, d *draft) error {
	target := d.request.Target
	if d.broken("target.subnetIds") {
		return nil
	}
	remedy := "write a subnet of " + target.VPCID
	found, err := s.Endpoints.Subnets(ctx, target.SubnetIDs)
	if awserr.IsNotFound(err) {
		d.missing("target.subnetIds", target.SubnetIDs, remedy, err)
		return nil
	}
	if err != nil {
		return err
	}
	inZone := map[string]string{}
	for i, subnet := range found {
		d.place(fmt.Sprintf("target.subnetIds[%d]", i), subnet, inZone, remedy)
	}
	if d.profile != nil && len(inZone) < d.profile.AZ.MinZones && !d.broken("target.subnetIds") {
		d.warn("few-zones", "The endpoint will be in %s only; %d Availability Zones are advised, so that the connection survives "+
			"the loss of one.", strings.Join(slices.Sorted(maps.Keys(inZone)), ", "), d.profile.AZ.MinZones)
	}
	return nil
}

// place adds one subnet to the plan, also a wrong one, so that its index stays that of the request; inZone holds the right ones
// so far by zone id.
func (d *draft) place(path string, subnet endpoint.Subnet, inZone map[string]string, remedy string) {
	d.plan.Network.Subnets = append(d.plan.Network.Subnets, connection.Subnet{ID: subnet.ID, AZ: subnet.AZ, AZID: subnet.AZID})
	switch other := inZone[subnet.AZID]; {
	case subnet.VPCID != d.request.Target.VPCID:
		d.faults.Addf(path, remedy, "%s belongs to %s", subnet.ID, subnet.VPCID)
		return
	case other != "":
		d.faults.Addf(path, "keep one subnet in each Availability Zone",
			"%s and %s are both in %s (%s)", subnet.ID, other, subnet.AZID, subnet.AZ)
		return
	}
	inZone[subnet.AZID] = subnet.ID
	if subnet.FreeAddresses < 1 {
		d.full.Addf(path, "free one, or write another subnet of "+subnet.AZID, "%s has no free address", subnet.ID)
	}
}

// missing adds a fault for each of the ids that AWS says does not exist. The error's code said what is wrong; its text only tells
// which.
func (d *draft) missing(path string, ids []string, remedy string, err error) {
	before := len(d.faults)
	for i, id := range ids {
		if strings.Contains(awserr.Message(err), id) {
			d.faults.Addf(fmt.Sprintf("%s[%d]", path, i), remedy, "%s does not exist in %s", id, d.request.Target.Region)
		}
	}
	if len(d.faults) == before {
		d.faults.Add(path, err.Error(), remedy)
	}
}

// checkSecurityGroups reads the groups that go on the endpoint. Their inbound rules are what counts: clients connect to the
// endpoint. Vendors' pages that ask for an outbound rule, such as Monte Carlo's, speak of the clients' groups at best.
func (s *site) checkSecurityGroups(ctx context.Context, d *draft) error {
	target := d.request.Target
	if err := s.checkClientGroups(ctx, d); err != nil || d.broken("target.securityGroupIds") || d.request.AdoptEndpointID != "" {
		return err // an adopted endpoint has groups, which are checked with it
	}
	if len(target.SecurityGroupIDs) == 0 {
		d.designGroup()
		return nil
	}
	remedy := "write a security group of " + target.VPCID
	found, err := s.Endpoints.SecurityGroups(ctx, target.SecurityGroupIDs)
	if awserr.IsNotFound(err) {
		d.missing("target.securityGroupIds", target.SecurityGroupIDs, remedy, err)
		return nil
	}
	if err != nil {
		return err
	}
	for i, group := range found {
		if group.VPCID != target.VPCID {
			d.faults.Addf(fmt.Sprintf("target.securityGroupIds[%d]", i), remedy, "%s belongs to %s", group.ID, group.VPCID)
		}
	}
	if d.profile != nil && !d.broken("target.securityGroupIds") && !d.broken("target.clientCidrs") {
		d.checkAdmission(found)
	}
	return nil
}

// checkAdmission checks that the groups together allow all clients on all of the vendor's ports, and how much more they allow.
func (d *draft) checkAdmission(groups []endpoint.SecurityGroup) {
	clients := filter.Blocks(d.plan.Network.ClientCIDRs)
	ports, _ := d.profile.PortNumbers()
	for _, port := range ports {
		d.checkPort(port, filter.Admits(groups, port), clients)
	}
	if wider := filter.Beyond(groups, ports, clients); len(wider) > 0 {
		d.info("security-group-wider", "The endpoint's security groups allow more than the connection needs: %s.",
			strings.Join(wider, "; "))
	}
}

// checkPort checks one port. A rule that names groups or prefix lists may allow the clients, which blocks alone cannot prove. It
// is proof when it names a group of the clients, which the network's probe has. It is none when it names the endpoint's own
// groups only, as a VPC's default group does. A client group that the request names is in by its own name, or by the whole VPC's.
func (d *draft) checkPort(port int, in filter.Admission, clients []netip.Prefix) {
	groups := strings.Join(d.request.Target.SecurityGroupIDs, ", ")
	if d.vpc != nil && len(filter.Uncovered(filter.Blocks(d.vpc.CIDRs), in.CIDRs)) > 0 {
		for i, client := range d.request.Target.ClientSecurityGroupIDs {
			if !slices.Contains(in.GroupIDs, client) {
				d.faults.Addf(fmt.Sprintf("target.clientSecurityGroupIds[%d]", i),
					fmt.Sprintf("add an inbound rule for TCP %d from %s to one of them", port, client),
					"%s do not allow %s on %d/tcp", groups, client, port)
			}
		}
	}
	if in.Open {
		d.warn(connection.FindingOpen, "%s allow any client on %d/tcp; the clients are in %s.",
			groups, port, strings.Join(d.plan.Network.ClientCIDRs, ", "))
	}
	missing := strings.Join(filter.Uncovered(clients, in.CIDRs), ", ")
	if missing == "" || in.Names(d.network.ProbeSecurityGroupIDs) {
		return
	}
	own := func(id string) bool { return slices.Contains(d.request.Target.SecurityGroupIDs, id) }
	if others := append(slices.DeleteFunc(in.GroupIDs, own), in.PrefixListIDs...); len(others) > 0 {
		d.warn("security-group-by-reference", "On %d/tcp %s allow %s, not %s: whether every client is among them is not checked.",
			port, groups, strings.Join(others, ", "), missing)
		return
	}
	remedy := fmt.Sprintf("add an inbound rule for TCP %d from %s to one of them; an outbound rule, which a vendor's page may "+
		"ask for, does not help: the clients connect to the endpoint", port, missing)
	d.faults.Addf("target.securityGroupIds", remedy, "%s do not allow %s on %d/tcp", groups, missing, port)
}
