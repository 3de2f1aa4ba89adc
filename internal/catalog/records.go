package catalog

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"postern/internal/connection"
)

// RecordsIn returns the records of the zone for an endpoint in Availability Zones: those that point to the whole endpoint, then
// those of each zone.
func (r Rendered) RecordsIn(azIDs []string) []connection.NameRecord {
	records := slices.Clone(r.DNS.Records)
	for _, record := range r.Zonal {
		template := record.Name
		for _, azID := range azIDs {
			record.Name, record.AZID = strings.ReplaceAll(template, "${"+varZone+"}", azID), azID
			records = append(records, record)
		}
	}
	return records
}

// renderRecords puts the zone and its records into a plan, and returns those that become one for each Availability Zone.
func (p *Profile) renderRecords(faults *connection.Faults, values map[string]string, plan *connection.DNSPlan) (
	zonal []connection.NameRecord) {
	zone := p.DNS.Zone.value(values)
	plan.Zone = zone.Text
	names := naming{faults: faults, zone: zone}
	for _, record := range p.DNS.Records {
		for _, name := range record.names(values) {
			if !names.take(name, record.Type) {
				continue
			}
			made := connection.NameRecord{Name: name.Text, Type: record.Type}
			if record.Type == connection.RecordCNAME {
				made.TTL = p.DNS.TTL
			}
			if record.Target == TargetZonal {
				zonal = append(zonal, made)
			} else {
				plan.Records = append(plan.Records, made)
			}
		}
	}
	names.answer(p.DNS.Hostname.value(values))
	return zonal
}

// names are the names of a record's rendering: one, or one for each item. A zonal one still has ${azId} in it.
func (r Record) names(values map[string]string) []Value {
	if r.Each == "" {
		return []Value{r.name(values)}
	}
	var names []Value
	if list, known := values[r.Each]; known {
		for _, item := range items(list) {
			with := maps.Clone(values)
			with[varItem] = item
			name := r.name(with)
			name.Path = "inputs." + r.Each
			names = append(names, name)
		}
	}
	return names
}

func (r Record) name(values map[string]string) Value {
	name := r.Name.value(values)
	if r.Target == TargetZonal { // the zone's id comes later
		with := maps.Clone(values)
		with[varZone] = ""
		name.Known = r.Name.value(with).Known
	}
	return name
}

// naming collects the names of a zone's records, and what is wrong with them.
type naming struct {
	faults *connection.Faults
	zone   Value
	taken  []string
	open   bool // some name is not known
}

// shown returns names for a message: the id of an Availability Zone is not known yet.
func shown(names string) string {
	return strings.ReplaceAll(names, "${"+varZone+"}", "<Availability Zone ID>")
}

// take takes a name, and reports whether a record can have it.
func (n *naming) take(name Value, kind string) bool {
	path := cmp.Or(name.Path, n.zone.Path, "vendor")
	switch {
	case !name.Known || !n.zone.Known:
		n.open = true // what it is made of has a fault already
		return false
	case name.Text != n.zone.Text && !strings.HasSuffix(name.Text, "."+n.zone.Text):
		n.faults.Addf(path, "write a name below that zone", "%s is not in zone %s", shown(name.Text), n.zone.Text)
	case name.Text == n.zone.Text && kind == connection.RecordCNAME:
		n.faults.Addf(path, "write a name below that zone", "%s is the zone's own name, which cannot have a CNAME", shown(name.Text))
	case slices.Contains(n.taken, name.Text):
		n.faults.Addf(path, "write each name once", "%s has a record already", shown(name.Text))
	default:
		n.taken = append(n.taken, name.Text)
		return true
	}
	return false
}

// answer checks that a record answers the hostname: one of its name, or a wildcard above it.
func (n *naming) answer(hostname Value) {
	answers := func(name string) bool {
		domain, wildcard := strings.CutPrefix(name, "*.")
		return name == hostname.Text || wildcard && strings.HasSuffix(hostname.Text, "."+domain)
	}
	if n.open || !hostname.Known || slices.ContainsFunc(n.taken, answers) {
		return
	}
	n.faults.Addf(cmp.Or(hostname.Path, "vendor"), "write a name that one of these records answers: "+shown(strings.Join(n.taken, ", ")),
		"%s has no record in zone %s", hostname.Text, n.zone.Text)
}
