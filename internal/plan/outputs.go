package plan

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"postern/internal/connection"
	"postern/internal/publish"
)

// checkParameters reads the parameters that will be written, and checks that each can be: an existing value must be the
// connection's own, or a document that keeps its other content.
func (s *site) checkParameters(ctx context.Context, d *draft) error {
	if d.profile == nil || d.broken("name") {
		return nil
	}
	var names []string
	for _, output := range d.plan.Outputs {
		names = append(names, output.Parameter)
	}
	found, err := s.Parameters.Inspect(ctx, names)
	if err != nil {
		return err
	}
	d.parameters = map[string]bool{}
	for _, output := range d.plan.Outputs {
		var existing *publish.Existing
		if value, ok := found[output.Parameter]; ok {
			existing = &value
			d.parameters[output.Parameter] = true
		}
		if err := publish.Check(output, existing); err != nil {
			d.faults.Addf("name", "or write another connection name", "%v", err)
		}
	}
	return nil
}

// list writes down what will be made, one line each, in the order it is made in.
func (d *draft) list() {
	network := d.plan.Network
	if group := d.plan.SecurityGroup; group != nil {
		d.creates("security group %s: %s", group.Name, describeGroup(*group))
	}
	if d.plan.AdoptEndpointID == "" {
		var zones []string
		for _, subnet := range network.Subnets {
			zones = append(zones, subnet.ID+" ("+subnet.AZID+")")
		}
		groups := network.SecurityGroupIDs
		if d.plan.SecurityGroup != nil {
			groups = []string{"that security group"}
		}
		d.creates("interface endpoint to %s in %s: %s, with %s", cmp.Or(d.plan.Service.Name, "the vendor's service"), network.VPCID, strings.Join(zones, ", "),
			strings.Join(groups, ", "))
	}
	if d.plan.HandMade && !d.mine(d.adopted) {
		tags := connection.AdoptionTags(d.plan.ConnectionID, "")
		d.creates("tags %s on %s", strings.Join(slices.Sorted(maps.Keys(tags)), ", "), d.plan.AdoptEndpointID)
	}
	if network.Access().Home() {
		d.creates("connection notification of the endpoint")
	}
	d.listNames()
	for _, output := range d.plan.Outputs {
		verb := "SSM parameter "
		if d.parameters[output.Parameter] {
			verb = "new version, if it differs, of SSM parameter "
		}
		d.creates("%s%s", verb, output.Parameter)
	}
}

// listNames writes down what will be made for the names.
func (d *draft) listNames() {
	network, dns := d.plan.Network, d.plan.DNS
	if dns.Kept != nil {
		return
	}
	if dns.Mode == connection.ModePrivateHostedZone {
		if dns.ZoneID == "" {
			d.creates("private hosted zone %s for %s", dns.Zone, network.VPCID)
		}
		for _, record := range dns.Records {
			target := "the endpoint's name"
			if record.AZID != "" {
				target += " in " + record.AZID
			}
			d.creates("%s record %s to %s", record.Type, record.Name, target)
		}
		for _, vpc := range dns.Associations {
			if !vpc.Existing {
				d.creates("association of the zone with %s of account %s (%s)", vpc.VPCID, vpc.AccountID, vpc.Name)
			}
		}
	}
	if dns.Mode == connection.ModeVendorPrivateDNS && !d.adopted.PrivateDNSEnabled {
		d.creates("private DNS of the endpoint for %s", dns.Hostname)
	}
}
