package diagnosis

import (
	"fmt"
	"slices"
	"strings"

	"postern/internal/connection"
)

// names judges the names and what answers for them. When the probe saw every name lead to the endpoint, whatever else the facts
// say does no harm: a zone may reach the VPC in ways that AWS does not list.
func (s scene) names() []connection.Check {
	resolved := s.all(KindDNS)
	var checks []connection.Check
	checks = append(checks, s.vpcDNS(resolved))
	switch {
	case resolved:
	case s.plan.DNS.Kept != nil:
		kept := s.plan.DNS.Kept
		checks = append(checks, pass(kindZone, s.plan.DNS.Hostname, "answered by "+kept.ZoneName+" ("+kept.ZoneID+"), which was created manually"))
	case s.plan.DNS.Mode == connection.ModeVendorPrivateDNS:
		checks = append(checks, s.privateDNS()...)
	case s.plan.DNS.Mode == connection.ModePrivateHostedZone:
		for _, record := range s.plan.DNS.Records {
			checks = append(checks, s.record(record))
		}
	}
	codes := map[string]string{SymptomLoadBalancer: LoadBalancer, SymptomElsewhere: NameElsewhere}
	for _, check := range s.of(KindDNS) {
		if check.Verdict == connection.Fail {
			code, known := codes[check.Cause]
			if !known {
				code = NameUnresolved
			}
			check.Cause = code
		}
		checks = append(checks, check)
	}
	return checks
}

func (s scene) vpcDNS(resolved bool) connection.Check {
	vpc := s.plan.Network.VPCID
	var off []string
	if !s.facts.DNSSupport {
		off = append(off, "enableDnsSupport")
	}
	if !s.facts.DNSHostnames {
		off = append(off, "enableDnsHostnames")
	}
	detail := strings.Join(off, " and ") + " off in " + vpc
	switch {
	case len(off) == 0:
		return pass(kindVPCDNS, vpc, "enableDnsSupport and enableDnsHostnames are on")
	case resolved:
		return unknown(kindVPCDNS, vpc, detail+", though the names resolve rightly")
	}
	return fail(kindVPCDNS, vpc, VPCDNSOff, detail)
}

// privateDNS judges the endpoint's private DNS, and the zone that answers for its name.
func (s scene) privateDNS() []connection.Check {
	e := s.facts.Endpoint
	if e == nil {
		return nil
	}
	host := s.plan.DNS.Hostname
	zone, answered := s.answers(host)
	switch {
	case !e.PrivateDNSEnabled && answered:
		return []connection.Check{fail(kindPrivateDNS, e.ID, PrivateDNSConflict, zone.text()+" answers for "+host)}
	case !e.PrivateDNSEnabled:
		return []connection.Check{fail(kindPrivateDNS, e.ID, PrivateDNSOff, "off at "+e.ID)}
	case answered && !zone.managed():
		return []connection.Check{fail(kindZone, host, ZoneShadowed, zone.text()+" answers for "+host)}
	}
	return []connection.Check{pass(kindPrivateDNS, e.ID, "on")}
}

// record judges a name of a private hosted zone: which zone answers for it, and what that zone says.
func (s scene) record(planned connection.NameRecord) connection.Check {
	name, own := planned.Name, s.plan.DNS.Zone
	zone, answered := s.answers(name)
	switch {
	case answered && zone.Ours:
		return s.value(zone, planned)
	case answered && zone.Name == own:
		return fail(kindZone, name, ZoneForeign, zone.text()+" answers for "+name)
	case answered && len(zone.Name) > len(own):
		return fail(kindZone, name, ZoneShadowed, zone.text()+" answers for "+name)
	case s.facts.Apart != nil:
		return fail(kindZone, name, ZoneNotAssociated, s.facts.Apart.Name+" ("+s.facts.Apart.ID+")")
	}
	return fail(kindZone, name, ZoneMissing, own)
}

// value judges the record of a name in our zone.
func (s scene) value(zone zoneFacts, planned connection.NameRecord) connection.Check {
	var found []string
	for _, record := range zone.Records {
		if record.Name != planned.Name {
			continue
		}
		text := record.Type + " " + record.Value
		if s.leadsToEndpoint(record.Value, planned.AZID) {
			return pass(kindRecord, planned.Name, text)
		}
		found = append(found, text)
	}
	if len(found) == 0 {
		return fail(kindRecord, planned.Name, RecordMissing, planned.Name+" in "+zone.text())
	}
	return fail(kindRecord, planned.Name, RecordElsewhere, planned.Name+" is "+strings.Join(found, ", "))
}

// leadsToEndpoint reports whether a value is one of the endpoint's names: that of an Availability Zone, or with none any of them.
//
// AWS: the first label of a zonal name ends in the zone as this account calls it.
func (s scene) leadsToEndpoint(value, azID string) bool {
	if s.facts.Endpoint == nil || !slices.Contains(s.facts.Endpoint.Names, value) {
		return false
	}
	label, _, _ := strings.Cut(value, ".")
	return azID == "" || slices.ContainsFunc(s.plan.Network.Subnets, func(n connection.Subnet) bool {
		return n.AZID == azID && strings.HasSuffix(label, "-"+n.AZ)
	})
}

type zoneFacts struct{ connection.ZoneFacts }

func (z zoneFacts) text() string {
	owner := "account " + z.Owner
	if z.managed() {
		owner = z.Owner
	}
	return fmt.Sprintf("zone %s (%s of %s)", z.Name, z.ID, owner)
}

// managed reports whether AWS made the zone, such as that of an endpoint's private DNS.
func (z zoneFacts) managed() bool { return strings.Contains(z.Owner, ".") }

// answers returns the zone of the VPC that answers for a name: the most specific, and no other.
func (s scene) answers(name string) (zoneFacts, bool) {
	for _, zone := range s.facts.Zones {
		if name == zone.Name || strings.HasSuffix(name, "."+zone.Name) {
			return zoneFacts{zone}, true
		}
	}
	return zoneFacts{}, false
}
