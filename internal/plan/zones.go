package plan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"postern/internal/catalog"
	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
)

// checkZones looks at the private hosted zones that the VPC has. The resolver answers a name from the most specific zone that
// contains it, and from no other: a zone of the same name, or one between it and the hostname, makes the connection impossible.
//
// AWS: zones that reach the VPC through a Route 53 Profile are not listed.
func (s *site) checkZones(ctx context.Context, d *draft) error {
	if !d.rendered.Hostname.Known || d.broken("options") || d.plan.DNS.Mode == connection.ModeNone {
		return nil
	}
	d.nameRecords()
	own := d.ownZone()
	zones, err := s.Zones.Zones(ctx, d.plan.Network.VPCID, d.plan.Network.Region)
	if err != nil {
		return err
	}
	d.zones = zones
	if kept, err := s.keeps(ctx, d, zones); kept || err != nil {
		return err
	}
	taken := false
	for _, zone := range zones {
		switch hostname := d.answeredBy(zone); {
		case d.itsPrivateDNS(zone):
			// The zone that AWS made for the endpoint we adopt.
		case zone.Name == own:
			taken = true
			if err := s.checkSameZone(ctx, d, zone); err != nil {
				return err
			}
		case hostname != "" && below(zone.Name, own):
			remedy, err := s.zoneInstead(ctx, d, zone)
			if err != nil {
				return err
			}
			d.faults.Addf("target.vpcId", remedy+d.otherScope(),
				"zone %s (%s) is more specific than %s and would answer %s", zone.Name, owner(zone), own, hostname)
		case below(zone.Name, own):
			d.info("more-specific-zone", "Zone %s (%s) keeps answering the names below it.", zone.Name, owner(zone))
		case below(own, zone.Name) && own != d.plan.DNS.Hostname:
			d.warn("wider-zone", "Names below %s that zone %s (%s) answers now will no longer resolve.", own, zone.Name, owner(zone))
		}
	}
	if !taken {
		d.checkNeighbours(own)
	}
	d.noteShadow()
	return s.checkAssociatedZones(ctx, d, own)
}

// itsPrivateDNS reports whether a zone is one of AWS's, for the private DNS of the endpoint that is adopted.
func (d *draft) itsPrivateDNS(zone dns.Zone) bool {
	return zone.OwningService != "" && d.adopted.PrivateDNSEnabled && d.plan.DNS.Mode == connection.ModeVendorPrivateDNS
}

// nameRecords writes the records that the profile lists into the plan: those for one Availability Zone by the zones of the subnets.
//
// AWS: an endpoint for a service of another Region has no names of zones.
func (d *draft) nameRecords() {
	var azIDs []string
	for _, subnet := range d.plan.Network.Subnets {
		if !d.plan.CrossRegion() && !slices.Contains(azIDs, subnet.AZID) {
			azIDs = append(azIDs, subnet.AZID)
		}
	}
	d.plan.DNS.Records = d.rendered.RecordsIn(azIDs)
	if d.plan.CrossRegion() && len(d.rendered.Zonal) > 0 {
		d.warn("no-zonal-names", "The endpoint will have no names of Availability Zones, since the service is in another Region: the "+
			"names for one zone get no record.")
	}
}

// ownZone is the zone that will answer the hostname: the connection's, or the one that AWS makes for the endpoint's private DNS.
//
// AWS: that zone has the service's private DNS name, for a wildcard without its star.
func (d *draft) ownZone() string {
	private := strings.TrimPrefix(d.plan.Service.PrivateDNSName, "*.")
	if d.plan.DNS.Mode == connection.ModeVendorPrivateDNS && below(d.plan.DNS.Hostname, private) {
		return private
	}
	return cmp.Or(d.plan.DNS.Zone, d.plan.DNS.Hostname)
}

// answeredBy returns the first of the plan's names that a zone answers for, or "".
func (d *draft) answeredBy(zone dns.Zone) string {
	names := []string{d.plan.DNS.Hostname}
	for _, record := range d.plan.DNS.Records {
		names = append(names, record.Name)
	}
	for _, name := range names {
		if below(name, zone.Name) {
			return name
		}
	}
	return ""
}

// checkNeighbours looks for another endpoint whose private DNS answers for the connection's zone already, which AWS may not list among the
// zones.
//
// AWS: the second private DNS of a name in a VPC is refused, and so is a zone of that name.
func (d *draft) checkNeighbours(own string) {
	if e, found := d.rival(own); found {
		d.faults.Addf("target.vpcId", "switch private DNS of "+e.ID+" off, or use another VPC",
			"the private DNS of %s (%s) answers for %s in this VPC already", e.ID, e.ServiceName, own)
	}
}

// rival returns another endpoint of the VPC whose private DNS has a zone of this name.
func (d *draft) rival(zone string) (endpoint.Endpoint, bool) {
	for _, e := range d.neighbours {
		for _, name := range e.DNSNames {
			if e.PrivateDNSEnabled && strings.TrimPrefix(dns.Name(name.Name), "*.") == zone {
				return e, true
			}
		}
	}
	return endpoint.Endpoint{}, false
}

// checkSameZone decides about a zone with the name of the connection's: one that Postern made for this connection is used again.
//
// AWS: a VPC has one zone of a name (ConflictingDomainExists), and an endpoint with private DNS has one too.
func (s *site) checkSameZone(ctx context.Context, d *draft, zone dns.Zone) error {
	if zone.OwningService != "" {
		other := "another endpoint"
		if e, found := d.rival(zone.Name); found {
			other = e.ID + " (" + e.ServiceName + ")"
		}
		d.faults.Addf("target.vpcId", "switch private DNS of that endpoint off, or use another VPC",
			"zone %s is made by %s for the private DNS of %s", zone.Name, zone.OwningService, other)
		return nil
	}
	if d.plan.DNS.Mode == connection.ModePrivateHostedZone && zone.OwningAccount == d.plan.Network.AccountID {
		of, err := s.Zones.Connection(ctx, zone.ID)
		if err != nil {
			return err
		}
		if of == d.plan.ConnectionID {
			d.plan.DNS.ZoneID = zone.ID
			d.plan.DNS.Present, err = s.Zones.Present(ctx, zone.ID, d.plan.DNS.Records)
			return err
		}
	}
	remedy, err := s.zoneInstead(ctx, d, zone)
	if err != nil {
		return err
	}
	d.faults.Addf("target.vpcId", remedy+d.otherScope(),
		"%s already has a zone %s (%s) that Postern did not make for this connection", d.plan.Network.VPCID, zone.Name, owner(zone))
	return nil
}

// zoneInstead returns what to do about a zone in the way of this connection's. A zone that another connection uses must stay. Only the
// zones of the network's own account can be read.
func (s *site) zoneInstead(ctx context.Context, d *draft, zone dns.Zone) (string, error) {
	other := ""
	if zone.OwningService == "" && zone.OwningAccount == d.plan.Network.AccountID {
		var err error
		if other, err = s.Zones.Connection(ctx, zone.ID); err != nil {
			return "", err
		}
	}
	if other != "" && other != d.plan.ConnectionID {
		return s.instead(ctx, other)
	}
	return "find out who uses that zone, and end its association with the VPC when nothing there needs its records", nil
}

// otherScope returns the way out that another zone scope would be, if there is one.
func (d *draft) otherScope() string {
	scopes := d.profile.DNS.ZoneScope.Allowed
	if d.plan.DNS.Zone == d.plan.DNS.Hostname || !slices.Contains(scopes, catalog.ScopeHostname) {
		return ""
	}
	return ", or write options.zoneScope: " + catalog.ScopeHostname
}

func owner(zone dns.Zone) string {
	if zone.OwningService != "" {
		return zone.ID + " of " + zone.OwningService
	}
	return zone.ID + " of account " + zone.OwningAccount
}

// noteShadow warns of the names that a zone of the parent domain hides.
//
// AWS: a name that its zone has no record for does not exist; the resolver does not go on to public DNS.
func (d *draft) noteShadow() {
	plan := d.plan.DNS
	all := slices.ContainsFunc(plan.Records, func(record connection.NameRecord) bool { return record.Name == "*."+plan.Zone })
	if plan.Mode != connection.ModePrivateHostedZone || plan.Zone == plan.Hostname || all {
		return
	}
	hidden := "every other public name below it"
	if len(d.rendered.Siblings) > 0 {
		hidden += ", such as " + strings.Join(d.rendered.Siblings, ", ")
	}
	wayOut := ""
	if d.otherScope() != "" {
		wayOut = fmt.Sprintf(" options.zoneScope: %s makes a zone of %s alone.", catalog.ScopeHostname, plan.Hostname)
	}
	d.warn("shadows-siblings", "Zone %s hides %s from %s.%s", plan.Zone, hidden, d.plan.Network.VPCID, wayOut)
}

// below reports whether a DNS name lies below a domain, or is the domain.
func below(name, domain string) bool {
	return name == domain || strings.HasSuffix(name, "."+domain)
}
