package plan

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"postern/internal/awserr"
	"postern/internal/connection"
	"postern/internal/endpoint/filter"
)

func associatedPath(i int) string { return fmt.Sprintf("target.associatedVpcIds[%d]", i) }

// checkAssociated reads the further VPCs in which the zone must answer, each in its own account. Their clients are clients of the
// endpoint: what the request says about those must allow them.
func (s *site) checkAssociated(ctx context.Context, d *draft) error {
	target := d.request.Target
	if len(target.AssociatedVPCIDs) == 0 || d.broken("target.associatedVpcIds") || d.profile == nil {
		return nil
	}
	if d.plan.DNS.Mode != connection.ModePrivateHostedZone {
		d.faults.Addf("target.associatedVpcIds", "leave them out, and connect each VPC by itself",
			"%s is answered by the endpoint's own private DNS, which reaches no other VPC", d.profile.DisplayName)
		return nil
	}
	d.associated = map[int]connection.Association{}
	for i, id := range target.AssociatedVPCIDs {
		network, registered := s.networks.Find(target.Region, id)
		if !registered {
			d.faults.Addf(associatedPath(i), "register it in the postern block of cdk.json and deploy, or leave it out",
				"%s in %s is not a registered network", id, target.Region)
			continue
		}
		vpc := connection.Association{
			Name: network.Name, AccountID: network.AccountID, Region: network.Region, VPCID: id, RoleARN: network.RoleARN,
			ExternalID: network.ExternalID, CrossAccount: network.AccountID != d.plan.Network.AccountID,
		}
		if err := s.checkAssociatedVPC(ctx, d, i, vpc); err != nil {
			return err
		}
	}
	d.info("associated-not-probed", "The name is proved from inside %s. In %s it will be answered, and is not tried.", target.VPCID,
		strings.Join(target.AssociatedVPCIDs, ", "))
	return nil
}

func (s *site) checkAssociatedVPC(ctx context.Context, d *draft, i int, vpc connection.Association) error {
	switch err := s.Account.Reach(ctx, vpc.Access()); {
	case awserr.IsDenied(err):
		d.faults.Addf(associatedPath(i), "deploy the network stack of "+vpc.Name+" in account "+vpc.AccountID+" again, or leave it out",
			"the role %s, through which %s is reached, cannot be assumed", vpc.RoleARN, vpc.VPCID)
		return nil
	case err != nil:
		return err
	}
	found, err := s.sources(vpc.Access()).Endpoints.VPC(ctx, vpc.VPCID)
	if awserr.IsNotFound(err) {
		d.faults.Addf(associatedPath(i), "write a VPC that exists, or correct the registered network", "%s does not exist in %s",
			vpc.VPCID, vpc.Region)
		return nil
	}
	if err != nil {
		return err
	}
	d.associated[i] = vpc
	if !found.DNSSupport || !found.DNSHostnames {
		d.faults.Addf(associatedPath(i), "switch both on (aws ec2 modify-vpc-attribute): without them private names are not answered there",
			"enableDnsSupport or enableDnsHostnames is off in %s", vpc.VPCID)
	}
	if target := d.request.Target; len(target.ClientCIDRs) == 0 && len(target.ClientSecurityGroupIDs) == 0 {
		d.plan.Network.ClientCIDRs = append(slices.Clone(d.plan.Network.ClientCIDRs), found.CIDRs...)
		return nil
	}
	if missing := filter.Uncovered(filter.Blocks(found.CIDRs), filter.Blocks(d.plan.Network.ClientCIDRs)); len(missing) > 0 {
		d.faults.Addf(associatedPath(i), "add them to target.clientCidrs, or leave the VPC out", "the clients in %s would learn a name that "+
			"they may not use: %s is not among the clients", vpc.VPCID, strings.Join(missing, ", "))
	}
	return nil
}

// checkAssociatedZones looks for zones of the further VPCs that are in the way of the connection's.
func (s *site) checkAssociatedZones(ctx context.Context, d *draft, own string) error {
	for _, i := range slices.Sorted(maps.Keys(d.associated)) {
		vpc := d.associated[i]
		zones, err := s.sources(vpc.Access()).Zones.Zones(ctx, vpc.VPCID, vpc.Region)
		if err != nil {
			return err
		}
		for _, zone := range zones {
			switch hostname := d.answeredBy(zone); {
			case zone.Name == own && zone.ID == d.plan.DNS.ZoneID:
				vpc.Existing = true
			case zone.Name == own, hostname != "" && below(zone.Name, own):
				d.faults.Addf(associatedPath(i), "leave the VPC out, or find out who uses that zone, and end its association with the VPC when "+
					"nothing there needs its records",
					"%s has a zone %s (%s) that would answer %s", vpc.VPCID, zone.Name, owner(zone), d.plan.DNS.Hostname)
			}
		}
		d.plan.DNS.Associations = append(d.plan.DNS.Associations, vpc)
	}
	return nil
}
