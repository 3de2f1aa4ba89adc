package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postern/internal/awserr"
	"postern/internal/connection"
	"postern/internal/endpoint/filter"
)

// maxGroupRules is AWS's default quota of inbound rules in a security group.
const maxGroupRules = 60

// checkClientGroups reads the groups that the clients carry.
//
// AWS: a rule may name groups of its own VPC; those of a peered VPC are not looked for here.
func (s *site) checkClientGroups(ctx context.Context, d *draft) error {
	const path = "target.clientSecurityGroupIds"
	target := d.request.Target
	if len(target.ClientSecurityGroupIDs) == 0 || d.broken(path) {
		return nil
	}
	remedy := "write a security group of " + target.VPCID + ", or the clients' blocks in target.clientCidrs"
	found, err := s.Endpoints.SecurityGroups(ctx, target.ClientSecurityGroupIDs)
	if awserr.IsNotFound(err) {
		d.missing(path, target.ClientSecurityGroupIDs, remedy, err)
		return nil
	}
	if err != nil {
		return err
	}
	for i, group := range found {
		if group.VPCID != target.VPCID {
			d.faults.Addf(fmt.Sprintf("%s[%d]", path, i), remedy, "%s belongs to %s", group.ID, group.VPCID)
		}
	}
	return nil
}

// designGroup plans a security group for a request that names none: it allows the clients on the vendor's ports, and no other
// traffic. The network's probe is a client too: what it cannot reach is never proved.
func (d *draft) designGroup() {
	if d.profile == nil || d.vpc == nil || d.broken("target.clientCidrs") || d.broken("target.clientSecurityGroupIds") {
		return
	}
	network := d.plan.Network
	ports, _ := d.profile.PortNumbers()
	group := connection.SecurityGroupPlan{
		Name: connection.SecurityGroupName(d.plan.ConnectionID), Ports: ports,
		CIDRs: network.ClientCIDRs, GroupIDs: slices.Clone(network.ClientSecurityGroupIDs),
	}
	if len(filter.Uncovered(filter.Blocks(d.vpc.CIDRs), filter.Blocks(group.CIDRs))) > 0 {
		for _, id := range d.network.ProbeSecurityGroupIDs {
			if !slices.Contains(group.GroupIDs, id) {
				group.GroupIDs = append(group.GroupIDs, id)
			}
		}
	}
	for i, cidr := range d.request.Target.ClientCIDRs {
		if slices.ContainsFunc(filter.Blocks([]string{cidr}), filter.Anywhere) {
			d.faults.Addf(fmt.Sprintf("target.clientCidrs[%d]", i),
				"write the blocks that the clients are in, or a group of your own in target.securityGroupIds",
				"%s would allow any client, and Postern makes no such security group", cidr)
		}
	}
	if rules := len(ports) * (len(group.CIDRs) + len(group.GroupIDs)); rules > maxGroupRules {
		d.faults.Addf("target.clientCidrs", "write fewer and larger blocks, or a group of your own in target.securityGroupIds",
			"%d clients on %d ports need %d rules, and a security group takes %d",
			len(group.CIDRs)+len(group.GroupIDs), len(ports), rules, maxGroupRules)
	}
	d.plan.SecurityGroup = &group
}

// describeGroup says whom a planned group lets in.
func describeGroup(group connection.SecurityGroupPlan) string {
	var ports []string
	for _, port := range group.Ports {
		ports = append(ports, fmt.Sprint(port))
	}
	from := append(slices.Clone(group.CIDRs), group.GroupIDs...)
	return fmt.Sprintf("inbound TCP %s from %s", strings.Join(ports, ", "), strings.Join(from, ", "))
}
