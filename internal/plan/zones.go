package plan

import (
	"cmp"
	"context"
	"strings"

	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/vendor"
)

// checkZones looks at the private hosted zones that the VPC has. The resolver answers a name from the most specific zone that
// contains it, and from no other: a zone like ours, or one between ours and the hostname, makes the connection impossible.
//
// AWS: zones that reach the VPC through a Route 53 Profile are not listed.
func (p *Planner) checkZones(ctx context.Context, d *draft) error {
	hostname, own := d.plan.DNS.Hostname, cmp.Or(d.plan.DNS.Zone, d.plan.DNS.Hostname)
	if !d.rendered.Hostname.Known || d.broken("options") || d.plan.DNS.Mode == connection.ModeNone {
		return nil
	}
	zones, err := p.from.Zones.Zones(ctx, d.plan.Network.VPCID, d.plan.Network.Region)
	if err != nil {
		return err
	}
	for _, zone := range zones {
		switch {
		case zone.OwningService != "" && d.adopted.PrivateDNSEnabled && d.plan.DNS.Mode == connection.ModeVendorPrivateDNS:
			// The zone that AWS made for the endpoint we adopt.
		case zone.Name == own:
			if err := p.checkSameZone(ctx, d, zone); err != nil {
				return err
			}
		case below(hostname, zone.Name) && below(zone.Name, own):
			d.faults.Addf("target.vpcId", "remove that zone from the VPC, or write options.zoneScope: "+vendor.ScopeHostname,
				"zone %s (%s) is more specific than %s and would answer %s", zone.Name, owner(zone), own, hostname)
		case below(zone.Name, own):
			d.info("more-specific-zone", "Zone %s (%s) keeps answering the names below it.", zone.Name, owner(zone))
		case below(own, zone.Name) && own != hostname:
			d.warn("wider-zone", "Names below %s that zone %s (%s) answers now will not resolve any more.", own, zone.Name, owner(zone))
		}
	}
	d.noteShadow()
	return nil
}

// checkSameZone decides about a zone with the name of ours: one that Postern made for this connection is used again.
//
// AWS: a VPC has one zone of a name (ConflictingDomainExists), and an endpoint with private DNS has one too.
func (p *Planner) checkSameZone(ctx context.Context, d *draft, zone dns.Zone) error {
	if zone.OwningService != "" {
		d.faults.Addf("target.vpcId", "switch the private DNS of that endpoint off, or use another VPC",
			"zone %s is made by %s for another endpoint's private DNS", zone.Name, zone.OwningService)
		return nil
	}
	if d.plan.DNS.Mode == connection.ModePrivateHostedZone && zone.OwningAccount == d.plan.Network.AccountID {
		ours, err := p.from.Zones.Ours(ctx, zone.ID, d.plan.ConnectionID)
		if err != nil {
			return err
		}
		if ours {
			d.plan.DNS.ZoneID = zone.ID
			return nil
		}
	}
	d.faults.Addf("target.vpcId", "remove that zone from the VPC"+d.otherScope(),
		"%s already has a zone %s (%s) that Postern did not make for this connection", d.plan.Network.VPCID, zone.Name, owner(zone))
	return nil
}

// otherScope returns the way out that another zone scope would be, if there is one.
func (d *draft) otherScope() string {
	if d.plan.DNS.RecordType != connection.RecordCNAME {
		return ""
	}
	return ", or write options.zoneScope: " + vendor.ScopeHostname
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
	if d.plan.DNS.Mode != connection.ModePrivateHostedZone || d.plan.DNS.Zone == d.plan.DNS.Hostname {
		return
	}
	hidden := "every other public name below it"
	if len(d.rendered.Siblings) > 0 {
		hidden += ", such as " + strings.Join(d.rendered.Siblings, ", ")
	}
	d.warn("shadows-siblings", "Zone %s hides %s from %s. options.zoneScope: %s makes a zone of %s alone.",
		d.plan.DNS.Zone, hidden, d.plan.Network.VPCID, vendor.ScopeHostname, d.plan.DNS.Hostname)
}
