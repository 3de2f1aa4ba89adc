package local

import (
	"fmt"
	"slices"

	"postern/internal/local/privatelink"
)

// Inventory is everything that a connection can touch, in every account and Region, one line for each thing: two inventories are equal
// when all of it is as it was. Endpoints that are deleted are not there any more, though AWS still shows them.
func (c *Cloud) Inventory() []string {
	all := []string{}
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	names := map[string]string{}
	for _, group := range c.World.SecurityGroups() {
		names[group.ID] = group.Name
		rules := make([]string, len(group.Rules))
		for i, rule := range group.Rules {
			rules[i] = fmt.Sprintf("%v %s", rule.Egress, rule)
		}
		slices.Sort(rules)
		add("security group %s of %s: %q", group.Name, group.VPCID, rules)
	}
	for _, e := range c.World.Endpoints() {
		if e.State == privatelink.Deleted {
			continue
		}
		var groups []string
		for _, id := range e.GroupIDs {
			groups = append(groups, names[id])
		}
		add("endpoint to %s in %s: %s, subnets %v, groups %v, private DNS %v, tags %v", e.ServiceName, e.VPCID, e.State, e.SubnetIDs,
			groups, e.PrivateDNSEnabled, e.Tags)
	}
	for _, n := range c.World.Notifications() {
		add("connection notification to %s", n.TopicARN)
	}
	for _, zone := range c.Zones.Zones() {
		var records []string
		for _, record := range zone.Records {
			if record.Type != "NS" && record.Type != "SOA" { // AWS's own, which name servers at random
				target := ""
				if record.Alias != nil {
					target = record.Alias.DNSName
				}
				records = append(records, fmt.Sprintf("%s %s %d %v %s", record.Name, record.Type, record.TTL, record.Values, target))
			}
		}
		slices.Sort(records)
		add("hosted zone %s of %v: %q", zone.Name, zone.VPCs, records)
	}
	for _, place := range c.stores.Places() {
		store, where := c.stores.In(place[0], place[1]), ""
		if store != c.Parameters {
			where = " of " + place[0] + " in " + place[1]
		}
		for _, name := range store.Names() {
			version, _ := store.Get(name)
			add("parameter %s%s = %q", name, where, version.Value)
		}
	}
	slices.Sort(all)
	return all
}
