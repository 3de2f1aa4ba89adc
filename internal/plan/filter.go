package plan

import (
	"context"
	"slices"

	"postern/internal/endpoint/filter"
)

// filterFacts judges what filters packets between the clients and the endpoint's interfaces.
func (s *site) filterFacts(ctx context.Context, d *draft) error {
	facts, interfaces := d.plan.Diagnosis, d.plan.Diagnosis.Endpoint.Interfaces
	groups, err := s.Endpoints.SecurityGroups(ctx, facts.Endpoint.SecurityGroupIDs)
	if err != nil {
		return err
	}
	probes, err := s.Endpoints.SecurityGroups(ctx, d.network.ProbeSecurityGroupIDs)
	if err != nil {
		return err
	}
	subnets := slices.Clone(d.network.ProbeSubnetIDs)
	for _, eni := range interfaces {
		subnets = append(subnets, eni.SubnetID)
	}
	acls, err := s.Endpoints.NetworkACLs(ctx, subnets)
	if err != nil {
		return err
	}
	clients := d.clients()
	for _, port := range d.plan.Probe.Ports {
		facts.Filters = append(facts.Filters, clients.Admission(groups, port), filter.Departure(probes, port, facts.Endpoint))
		facts.Filters = append(facts.Filters, clients.Passages(acls, interfaces, port)...)
	}
	return nil
}

func (d *draft) clients() filter.Clients {
	return filter.Clients{
		CIDRs: d.plan.Network.ClientCIDRs, GroupIDs: d.plan.Network.ClientSecurityGroupIDs, VPCCIDRs: d.vpc.CIDRs,
		ProbeGroupIDs: d.network.ProbeSecurityGroupIDs, ProbeSubnetIDs: d.network.ProbeSubnetIDs,
	}
}
