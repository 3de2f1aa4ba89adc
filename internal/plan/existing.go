package plan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"postern/internal/connection"
	"postern/internal/endpoint"
)

// defaultEndpointQuota is AWS's default quota of interface and Gateway Load Balancer endpoints in a VPC.
const defaultEndpointQuota = 50

// checkEndpoints looks at the endpoints that the VPC has: one that serves this connection already is adopted, and so is the one
// that the request names. Any other endpoint for the same service stops the plan.
func (s *site) checkEndpoints(ctx context.Context, d *draft) error {
	all, err := s.Endpoints.InVPC(ctx, d.plan.Network.VPCID)
	if err != nil {
		return err
	}
	d.endpoints = all
	if !d.serviceKnown() && len(d.rendered.Awaited) == 0 {
		return nil
	}
	named, err := s.named(ctx, d, all)
	if err != nil {
		return err
	}
	var ours []endpoint.Endpoint
	for _, e := range all {
		if !d.mine(e) && !d.consented(e) && e.State.Live() {
			d.neighbours = append(d.neighbours, e)
		}
		mine, err := s.serves(ctx, d, e)
		if err != nil {
			return err
		}
		if mine {
			ours = append(ours, e)
		}
	}
	switch {
	case named != nil:
		return s.takeOver(ctx, d, ours, *named)
	case d.request.AdoptEndpointID != "":
		return nil // it cannot be, and the fault says why
	case len(ours) > 0:
		d.adopt(ours)
		return nil
	}
	d.faults = append(d.faults, d.full...)
	d.checkQuota(all)
	return nil
}

// serves reports whether an endpoint serves this connection already. One that is in its way is a fault; checkNamed checks the one
// that the request names.
func (s *site) serves(ctx context.Context, d *draft, e endpoint.Endpoint) (bool, error) {
	mine := d.mine(e)
	if e.State.Gone() || !mine && (e.ServiceName != d.plan.Service.Name || d.consented(e)) {
		return false, nil
	}
	switch {
	case e.State.Failure() != "":
		d.info("dead-endpoint", "%s is %s and is left alone; it can be deleted.", e.ID, e.State)
	case e.State == connection.StateUnknown:
		d.faults.Addf("target.vpcId", "look at it in the VPC console, then upgrade Postern or delete it",
			"%s is in a state that this release does not know", e.ID)
	case mine && len(d.rendered.Awaited) > 0:
		d.knownByNow(e)
	case mine && e.ServiceName != d.plan.Service.Name:
		d.faults.Addf(cmp.Or(d.rendered.Service.Path, "vendor"), "offboard this connection first, or write another name",
			"%s of %s reaches another service, %s", e.ID, d.plan.ConnectionID, e.ServiceName)
	case mine:
		return true, nil
	default:
		return false, s.meet(ctx, d, e)
	}
	return false, nil
}

// meet decides about an endpoint for the same service that is not this connection's: only the request can allow that it is adopted.
func (s *site) meet(ctx context.Context, d *draft, e endpoint.Endpoint) error {
	switch {
	case d.request.AdoptEndpointID != "":
		d.warn("another-endpoint", "%s. It is left alone.", foreign(e))
	case e.Connection() == "":
		d.faults.Add("target.vpcId", foreign(e), "write \""+adoptPath+"\": \""+e.ID+"\" to adopt it (action plan shows what would "+
			"change), or delete it when you know that nothing uses it")
	default:
		remedy, err := s.instead(ctx, e.Connection())
		if err != nil {
			return err
		}
		d.faults.Add("target.vpcId", foreign(e), remedy)
	}
	return nil
}

// instead returns what to do about a resource of another connection. What a connection uses must not be deleted for this one.
func (p *Planner) instead(ctx context.Context, other string) (string, error) {
	ledger, err := p.holders.Ledger(ctx, other)
	if err != nil {
		return "", err
	}
	record, err := p.holders.Record(ctx, other)
	if err != nil {
		return "", err
	}
	switch {
	case ledger != nil:
		return "use " + other + ", which is onboarded and needs it; do not delete it", nil
	case record.Holder != "":
		return "wait until execution " + record.Holder + " has ended, which holds " + other + "; do not delete it", nil
	}
	return "run action offboard for " + other + ", which is not onboarded and which no execution holds; that removes it", nil
}

// knownByNow asks for the awaited inputs: the connection has an endpoint, so the vendor has given them.
func (d *draft) knownByNow(e endpoint.Endpoint) {
	for _, name := range d.rendered.Awaited {
		d.faults.Addf("inputs."+name, "write what the vendor gave for it",
			"%s of this connection reaches %s, so the service is known by now", e.ID, e.ServiceName)
	}
}

func foreign(e endpoint.Endpoint) string {
	maker := "was not made by Postern"
	if owner := e.Connection(); owner != "" {
		maker = "belongs to the connection " + owner
	}
	return fmt.Sprintf("%s reaches the same service from this VPC and %s", e.ID, maker)
}

// adopt chooses among the live endpoints of the connection: the one that came farthest.
func (d *draft) adopt(ours []endpoint.Endpoint) {
	progress := []connection.EndpointState{
		connection.StateAvailable, connection.StatePartial, connection.StatePending, connection.StatePendingAcceptance,
	}
	slices.SortFunc(ours, func(a, b endpoint.Endpoint) int {
		return cmp.Or(cmp.Compare(slices.Index(progress, a.State), slices.Index(progress, b.State)), cmp.Compare(a.ID, b.ID))
	})
	d.adopted = ours[0]
	d.plan.AdoptEndpointID = d.adopted.ID
	if d.plan.HandMade && !d.mine(d.adopted) {
		d.info("taking-over", "%s (%s), which was created manually, is adopted: it gets Postern's tags and keeps all it has. It is "+
			"released, not deleted, when the connection is removed.", d.adopted.ID, d.adopted.State)
	} else {
		d.info("adopting", "%s (%s) of this connection is used again; no endpoint is made.", d.adopted.ID, d.adopted.State)
	}
	if d.handMade() && !d.adopted.DefaultPolicy() {
		d.info("policy-kept", "%s has a policy of its own, which stays; the drift check reports when it is changed.", d.adopted.ID)
	}
	if len(ours) > 1 {
		var others []string
		for _, e := range ours[1:] {
			others = append(others, e.ID)
		}
		d.warn("several-endpoints", "The connection has more endpoints than one; %s can be deleted.", strings.Join(others, ", "))
	}
	target := d.request.Target
	if len(target.SecurityGroupIDs) == 0 { // it has groups already
		d.plan.SecurityGroup, target.SecurityGroupIDs = nil, d.adopted.SecurityGroupIDs
		d.plan.Network.SecurityGroupIDs = d.adopted.SecurityGroupIDs
	}
	if !sameSet(d.adopted.SubnetIDs, target.SubnetIDs) || !sameSet(d.adopted.SecurityGroupIDs, target.SecurityGroupIDs) {
		if !d.plan.HandMade && len(d.rendered.Zonal) > 0 && !sameSet(d.adopted.SubnetIDs, target.SubnetIDs) {
			d.faults.Addf("target.subnetIds", "write "+strings.Join(d.adopted.SubnetIDs, ", ")+", or change the endpoint's subnets first",
				"%s, which is used again, has other subnets, and this vendor's records name each Availability Zone", d.adopted.ID)
			return
		}
		d.warn("adopted-endpoint-differs", "%s keeps its subnets (%s) and security groups (%s); the request names others.",
			d.adopted.ID, strings.Join(d.adopted.SubnetIDs, ", "), strings.Join(d.adopted.SecurityGroupIDs, ", "))
	}
}

// checkQuota compares the number of endpoints with the quota: AWS's default, or what the registered network says it was raised
// to.
func (d *draft) checkQuota(all []endpoint.Endpoint) {
	quota := cmp.Or(d.network.EndpointQuota, defaultEndpointQuota)
	used := 0
	for _, e := range all {
		counts := strings.EqualFold(e.Type, "Interface") || strings.EqualFold(e.Type, "GatewayLoadBalancer")
		if counts && e.State != connection.StateDeleted {
			used++
		}
	}
	if used >= quota {
		d.faults.Addf("target.vpcId", "delete an endpoint, or have the quota \"Interface VPC endpoints per VPC\" raised, and "+
			"write it as endpointQuota of the registered network",
			"%s has %d endpoints, and the quota is %d", d.plan.Network.VPCID, used, quota)
	}
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
