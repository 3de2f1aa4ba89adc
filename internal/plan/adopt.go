package plan

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
)

const adoptPath = "adoptEndpointId"

// consented reports whether the request names an endpoint as the one to adopt.
func (d *draft) consented(e endpoint.Endpoint) bool {
	return d.request.AdoptEndpointID != "" && d.request.AdoptEndpointID == e.ID
}

// handMade reports whether the endpoint that is used was created manually, whether it is adopted now or was before.
func (d *draft) handMade() bool { return d.plan.HandMade || d.adopted.HandMade() }

// named returns the endpoint that the request names for adoption, nil when there is none or when it cannot be adopted, which is a fault.
func (s *site) named(ctx context.Context, d *draft, inVPC []endpoint.Endpoint) (*endpoint.Endpoint, error) {
	id := d.request.AdoptEndpointID
	if id == "" || d.broken(adoptPath) {
		return nil, nil
	}
	i := slices.IndexFunc(inVPC, func(e endpoint.Endpoint) bool { return e.ID == id })
	if i < 0 {
		e, err := s.Endpoints.Describe(ctx, id)
		switch {
		case err != nil:
			return nil, err
		case e.VPCID == "":
			d.faults.Addf(adoptPath, "write an endpoint of "+d.plan.Network.VPCID+", or leave it out", "%s does not exist in %s", id,
				d.plan.Network.Region)
		default:
			d.faults.Addf(adoptPath, "write an endpoint of the target's VPC, or correct target.vpcId", "%s is in %s, not in %s", id, e.VPCID,
				d.plan.Network.VPCID)
		}
		return nil, nil
	}
	before := len(d.faults)
	d.checkNamed(inVPC[i])
	if len(d.faults) > before {
		return nil, nil
	}
	return &inVPC[i], nil
}

// checkNamed checks that an endpoint can be adopted: no connection owns it, it is live, and it reaches the service.
func (d *draft) checkNamed(e endpoint.Endpoint) {
	leaveOut := "write the endpoint that reaches the service, or leave it out: then one is made"
	region := cmp.Or(e.ServiceRegion, d.plan.Network.Region)
	switch {
	case !strings.EqualFold(e.Type, "Interface"):
		d.faults.Addf(adoptPath, leaveOut, "%s is a %s endpoint, not an interface endpoint", e.ID, e.Type)
	case len(d.rendered.Awaited) > 0:
		d.knownByNow(e)
	case e.ServiceName != d.plan.Service.Name:
		d.faults.Addf(adoptPath, leaveOut, "%s reaches another service, %s", e.ID, e.ServiceName)
	case d.plan.Service.Region != "" && region != d.plan.Service.Region:
		d.faults.Addf(adoptPath, leaveOut, "%s reaches the service in %s, not in %s", e.ID, region, d.plan.Service.Region)
	case e.State == connection.StateUnknown || !e.State.Live():
		d.faults.Addf(adoptPath, leaveOut, "%s is %s, and can no longer be used", e.ID, e.State)
	case d.mine(e):
	case e.Connection() != "":
		d.faults.Addf(adoptPath, "use that connection, or offboard it first if it is no longer needed", "%s belongs to the connection %s", e.ID, e.Connection())
	case e.Marked():
		d.faults.Addf(adoptPath, "remove those tags when no connection uses the endpoint", "%s carries tags that begin with %s, and no "+
			"connection's", e.ID, connection.TagPrefix)
	}
}

// takeOver plans to adopt an endpoint that was created manually. It keeps its subnets and security groups, so the plan uses these, and
// the groups must allow the clients as those of a request must.
func (s *site) takeOver(ctx context.Context, d *draft, ours []endpoint.Endpoint, named endpoint.Endpoint) error {
	for _, e := range ours {
		if e.ID != named.ID {
			d.faults.Addf(adoptPath, "leave it out; or offboard this connection first, which removes "+e.ID, "%s has the endpoint %s already", d.plan.ConnectionID, e.ID)
			return nil
		}
	}
	d.plan.HandMade = true
	d.adopt([]endpoint.Endpoint{named})
	if named.PrivateDNSEnabled && named.Tags[connection.TagPrivateDNS] == "" {
		d.info("private-dns-kept", "Private DNS of %s is on already and stays on, also when the connection is removed.", named.ID)
	}
	groups, err := s.Endpoints.SecurityGroups(ctx, named.SecurityGroupIDs)
	if err != nil {
		return err
	}
	d.request.Target.SecurityGroupIDs, d.plan.Network.SecurityGroupIDs = named.SecurityGroupIDs, named.SecurityGroupIDs
	if d.profile != nil && !d.broken("target.clientCidrs") {
		d.checkAdmission(groups)
	}
	if sameSet(named.SubnetIDs, d.request.Target.SubnetIDs) || d.broken("target.subnetIds") {
		return nil
	}
	subnets, err := s.Endpoints.Subnets(ctx, named.SubnetIDs)
	if err != nil {
		return err
	}
	d.plan.Network.Subnets = nil
	for _, s := range subnets {
		d.plan.Network.Subnets = append(d.plan.Network.Subnets, connection.Subnet{ID: s.ID, AZ: s.AZ, AZID: s.AZID})
	}
	return nil
}

// keeps leaves the names as they are when they resolve to the adopted endpoint already.
func (s *site) keeps(ctx context.Context, d *draft, zones []dns.Zone) (bool, error) {
	kept, err := s.keptDNS(ctx, d, zones)
	if kept == nil || err != nil {
		return false, err
	}
	d.plan.DNS.Kept = kept
	what := "Zone " + kept.ZoneName + " (" + kept.ZoneID + "), which was created manually,"
	if len(kept.Records) == 0 {
		what = "The endpoint's own private DNS"
	}
	d.info("names-kept", "%s answers %s with %s already: it stays as it is, and nothing is written.", what, strings.Join(d.names(), ", "),
		d.adopted.ID)
	if len(d.request.Target.AssociatedVPCIDs) > 0 {
		d.faults.Addf("target.associatedVpcIds", "associate it manually and leave them out here", "the names are answered by %s (%s), which "+
			"Postern did not make and does not associate", kept.ZoneName, kept.ZoneID)
	}
	return true, nil
}

// keptDNS returns what answers every name of the plan with the adopted endpoint already, nil when nothing does: a zone that was
// created manually, or the endpoint's own private DNS where the vendor's profile would make a zone.
func (s *site) keptDNS(ctx context.Context, d *draft, zones []dns.Zone) (*connection.KeptDNS, error) {
	if !d.handMade() {
		return nil, nil
	}
	zone, one := theZone(zones, d.names())
	kept := &connection.KeptDNS{ZoneID: zone.ID, ZoneName: zone.Name}
	switch {
	case !one:
		return nil, nil
	case zone.OwningService != "":
		if d.plan.DNS.Mode != connection.ModePrivateHostedZone || !d.ownPrivateDNS() {
			return nil, nil
		}
		return kept, nil
	case zone.OwningAccount != d.plan.Network.AccountID:
		return nil, nil // its records cannot be read
	}
	of, err := s.Zones.Connection(ctx, zone.ID)
	if err != nil || of == d.plan.ConnectionID {
		return nil, err
	}
	kept.Records, err = s.Zones.Records(ctx, zone.ID, d.names())
	if err != nil || !d.leadThere(kept.Records) {
		return nil, err
	}
	return kept, nil
}

// theZone returns the zone that answers for names, when it is one for all: the most specific that contains the name.
func theZone(zones []dns.Zone, names []string) (answering dns.Zone, one bool) {
	for i, name := range names {
		var best dns.Zone
		for _, zone := range zones {
			if zone.Answers(name) && len(zone.Name) > len(best.Name) {
				best = zone
			}
		}
		if best.ID == "" || i > 0 && best.ID != answering.ID {
			return dns.Zone{}, false
		}
		answering = best
	}
	return answering, len(names) > 0
}

// ownPrivateDNS reports whether the private DNS of the adopted endpoint answers every name of the plan.
func (d *draft) ownPrivateDNS() bool {
	return d.adopted.PrivateDNSEnabled && !slices.ContainsFunc(d.names(), func(name string) bool {
		return !slices.ContainsFunc(d.adopted.DNSNames, func(private endpoint.DNSName) bool { return answers(dns.Name(private.Name), name) })
	})
}

// leadThere reports whether records answer every name of the plan, and all with the adopted endpoint. A name that must point to one
// Availability Zone must have the endpoint's name in that zone.
func (d *draft) leadThere(records []connection.ZoneRecord) bool {
	zonal := map[string]string{}
	for _, planned := range d.plan.DNS.Records {
		zonal[planned.Name] = d.zoneName(planned.AZID)
	}
	for _, name := range d.names() {
		at := slices.DeleteFunc(slices.Clone(records), func(r connection.ZoneRecord) bool { return r.Name != name })
		elsewhere := slices.ContainsFunc(at, func(r connection.ZoneRecord) bool {
			label, _, _ := strings.Cut(r.Value, ".")
			return !d.itsName(r.Value) || !strings.HasSuffix(label, zonal[name])
		})
		if len(at) == 0 || elsewhere {
			return false
		}
	}
	return true
}

// zoneName is how the endpoint's names say an Availability Zone, "" for none: as this account calls it.
func (d *draft) zoneName(azID string) string {
	for _, subnet := range d.plan.Network.Subnets {
		if azID != "" && subnet.AZID == azID {
			return "-" + subnet.AZ
		}
	}
	return ""
}

// itsName reports whether a name is one of the adopted endpoint's own, which begin with its id.
func (d *draft) itsName(value string) bool {
	return strings.HasPrefix(value, d.adopted.ID+"-") && slices.ContainsFunc(d.adopted.DNSNames, func(name endpoint.DNSName) bool {
		return dns.Name(name.Name) == value
	})
}
