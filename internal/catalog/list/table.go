package main

import (
	"fmt"
	"strings"

	"postern/internal/catalog"
	"postern/internal/connection"
)

// row is one vendor; the first is the heading.
type row struct{ id, name, regions, ports, dns, names, allowlist, approval, outputs, verified string }

func (r row) String() string {
	return "| " + strings.Join([]string{
		r.id, r.name, r.regions, r.ports, r.dns, r.names, r.allowlist, r.approval, r.outputs, r.verified,
	}, " | ") + " |\n"
}

// table is the catalog as a Markdown table, one line for each vendor.
func table(vendors catalog.Catalog) string {
	var b strings.Builder
	b.WriteString(row{
		"profile", "vendor", "Regions", "ports", "DNS", "names", "before the endpoint", "after it", "published", "verified",
	}.String())
	b.WriteString(strings.Repeat("|---", 10) + "|\n")
	for _, id := range vendors.IDs() {
		profile, _ := vendors.Find(id)
		b.WriteString(rowOf(profile).String())
	}
	return b.String()
}

func rowOf(p *catalog.Profile) row {
	var outputs []string
	for _, output := range p.Outputs {
		outputs = append(outputs, "`"+output.Key+"`")
	}
	return row{
		id: "`" + p.ID + "` " + p.Version, name: p.DisplayName, regions: regions(p), ports: ports(p), dns: mode(p), names: names(p),
		allowlist: allowlist(p), approval: approval(p), outputs: strings.Join(outputs, ", "),
		verified: fmt.Sprintf("[%s](%s)", p.VerifiedAt, p.Sources[0]),
	}
}

func regions(p *catalog.Profile) string {
	if p.Regions.Mode == catalog.SameRegionOnly {
		return "same only"
	}
	return "cross-Region"
}

func ports(p *catalog.Profile) string {
	var all []string
	for _, port := range p.Ports {
		text := fmt.Sprint(port.Number)
		if !port.TLS {
			text += " without TLS"
		}
		all = append(all, text)
	}
	if len(p.ALPN) > 0 {
		all = append(all, "ALPN "+strings.Join(p.ALPN, " "))
	}
	return strings.Join(all, ", ")
}

func mode(p *catalog.Profile) string {
	switch p.DNS.Mode {
	case connection.ModeVendorPrivateDNS:
		if p.DNS.SharedWithPublic {
			return "the endpoint's private DNS; the public name needs `cutover`"
		}
		return "the endpoint's private DNS"
	case connection.ModePrivateHostedZone:
		if len(p.DNS.ZoneScope.Allowed) == 1 && p.DNS.ZoneScope.Default == catalog.ScopeHostname {
			return "zone of the hostname"
		}
		return "private hosted zone"
	}
	return "none"
}

// names are the records, with variables as the profile spells them.
func names(p *catalog.Profile) string {
	if len(p.DNS.Records) == 0 {
		return "`" + p.DNS.Hostname.String() + "`"
	}
	var all []string
	for _, record := range p.DNS.Records {
		text := "`" + record.Name.String() + "`"
		if record.Each != "" {
			text = "each of `" + record.Each + "`"
		}
		if record.Target == catalog.TargetZonal {
			text += " (zonal)"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func kind(g catalog.Gate) string {
	switch g.Kind {
	case catalog.KindCommand:
		return "a command of ours"
	case catalog.KindPortal:
		return "the vendor's portal"
	}
	return "a message to the vendor"
}

func allowlist(p *catalog.Profile) string {
	var late []string
	for _, input := range p.Inputs {
		if input.Required == catalog.RequiredAfterAllowlisting {
			late = append(late, "`"+input.Name+"`")
		}
	}
	if len(late) == 0 {
		return kind(p.Gates.Allowlist)
	}
	return kind(p.Gates.Allowlist) + ", who gives " + strings.Join(late, " and ") + " then"
}

func approval(p *catalog.Profile) string {
	if p.Acceptance == catalog.AcceptanceAuto && p.Gates.Approval.Kind == "" {
		return "accepts by itself"
	}
	text := kind(p.Gates.Approval)
	if p.Acceptance == catalog.AcceptanceDiscover {
		text += ", if AWS says so"
	}
	return text
}
