package main

import (
	"fmt"
	"strings"

	"postern/internal/connection"
	"postern/internal/vendor"
)

// row is one vendor; the first is the heading.
type row struct{ id, name, regions, ports, dns, names, allowlist, approval, outputs, verified string }

func (r row) String() string {
	return "| " + strings.Join([]string{
		r.id, r.name, r.regions, r.ports, r.dns, r.names, r.allowlist, r.approval, r.outputs, r.verified,
	}, " | ") + " |\n"
}

// table is the catalog as a Markdown table, one line for each vendor.
func table(catalog vendor.Catalog) string {
	var b strings.Builder
	b.WriteString(row{
		"profile", "vendor", "Regions", "ports", "DNS", "names", "before the endpoint", "after it", "published", "verified",
	}.String())
	b.WriteString(strings.Repeat("|---", 10) + "|\n")
	for _, id := range catalog.IDs() {
		profile, _ := catalog.Find(id)
		b.WriteString(rowOf(profile).String())
	}
	return b.String()
}

func rowOf(p *vendor.Profile) row {
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

func regions(p *vendor.Profile) string {
	if p.Regions.Mode == vendor.SameRegionOnly {
		return "same only"
	}
	return "cross-Region"
}

func ports(p *vendor.Profile) string {
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

func mode(p *vendor.Profile) string {
	switch p.DNS.Mode {
	case connection.ModeVendorPrivateDNS:
		if p.DNS.SharedWithPublic {
			return "the endpoint's private DNS; the public name needs `cutover`"
		}
		return "the endpoint's private DNS"
	case connection.ModePrivateHostedZone:
		if len(p.DNS.ZoneScope.Allowed) == 1 && p.DNS.ZoneScope.Default == vendor.ScopeHostname {
			return "zone of the hostname"
		}
		return "private hosted zone"
	}
	return "none"
}

// names are the records, with variables as the profile spells them.
func names(p *vendor.Profile) string {
	if len(p.DNS.Records) == 0 {
		return "`" + p.DNS.Hostname.String() + "`"
	}
	var all []string
	for _, record := range p.DNS.Records {
		text := "`" + record.Name.String() + "`"
		if record.Each != "" {
			text = "each of `" + record.Each + "`"
		}
		if record.Target == vendor.TargetZonal {
			text += " (zonal)"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func kind(g vendor.Gate) string {
	switch g.Kind {
	case vendor.KindCommand:
		return "a command of ours"
	case vendor.KindPortal:
		return "the vendor's portal"
	}
	return "a message to the vendor"
}

func allowlist(p *vendor.Profile) string {
	var late []string
	for _, input := range p.Inputs {
		if input.Required == vendor.RequiredAfterAllowlisting {
			late = append(late, "`"+input.Name+"`")
		}
	}
	if len(late) == 0 {
		return kind(p.Gates.Allowlist)
	}
	return kind(p.Gates.Allowlist) + ", who gives " + strings.Join(late, " and ") + " then"
}

func approval(p *vendor.Profile) string {
	if p.Acceptance == vendor.AcceptanceAuto && p.Gates.Approval.Kind == "" {
		return "accepts by itself"
	}
	text := kind(p.Gates.Approval)
	if p.Acceptance == vendor.AcceptanceDiscover {
		text += ", if AWS says so"
	}
	return text
}
