package orphan

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"postern/internal/connection"
	"postern/internal/store"
)

// place is an account and Region to look in.
type place struct {
	account, region string
	access          connection.Access
	zones           bool // hosted zones are an account's: they are listed in one of its Regions
}

// places are the accounts and Regions of the registered networks and of the onboarded connections, which may be in one that is
// registered no more. An account and Region that several networks are in is reached through the first one's role.
func places(networks connection.Networks, records []store.Overview) []place {
	var all []place
	add := func(p place) {
		same := func(other place) bool { return other.account == p.account && other.region == p.region }
		if p.account == "" || slices.ContainsFunc(all, same) {
			return
		}
		p.zones = !slices.ContainsFunc(all, func(other place) bool { return other.account == p.account })
		all = append(all, p)
	}
	for _, n := range networks {
		add(place{account: n.AccountID, region: n.Region, access: n.Access()})
	}
	records = slices.SortedFunc(slices.Values(records), func(a, b store.Overview) int { return cmp.Compare(a.ConnectionID, b.ConnectionID) })
	for _, record := range records {
		if e := record.Expects; e != nil {
			add(place{account: e.AccountID, region: e.Region, access: e.Access})
		}
	}
	return all
}

// sighting is what is there, by connection, and how much could not be looked at.
type sighting struct {
	things  map[string][]connection.OrphanThing
	looked  int
	unknown int
}

// look lists what carries our tags and references in a place. A list that cannot be read is said in the log, and leaves the others
// as they are.
func (s *Sweeper) look(ctx context.Context, p place, seen *sighting) {
	add := func(id string, thing connection.OrphanThing) {
		if id == "" {
			return // our tag without a connection: not Postern's
		}
		thing.AccountID = p.account
		seen.things[id] = append(seen.things[id], thing)
		seen.looked++
	}
	failed := func(what string, err error) bool {
		if err != nil {
			seen.unknown++
			s.Log.WarnContext(ctx, "could not look for orphans", "what", what, "account", p.account, "region", p.region, "error", err.Error())
		}
		return err != nil
	}
	client := s.Endpoints(p.access)
	if endpoints, err := client.Managed(ctx); !failed(connection.ThingEndpoint, err) {
		for _, e := range endpoints {
			if e.State.Gone() {
				continue
			}
			add(e.Connection(), connection.OrphanThing{
				Type: connection.ThingEndpoint, ID: e.ID, Region: p.region, VPCID: e.VPCID, State: e.State, Subnets: len(e.SubnetIDs),
				CreatedAt: e.CreatedAt, Adopted: e.HandMade(),
			})
		}
	}
	if groups, err := client.ManagedGroups(ctx); !failed(connection.ThingSecurityGroup, err) {
		for _, g := range groups {
			add(g.Connection(), connection.OrphanThing{Type: connection.ThingSecurityGroup, ID: g.ID, Region: p.region, VPCID: g.VPCID})
		}
	}
	if parameters, err := s.Parameters(p.access).Created(ctx, s.Prefix, ""); !failed(connection.ThingParameter, err) {
		for _, made := range parameters {
			if made.Version > 1 {
				continue // it was written manually since: no offboarding removes it, and a report would repeat for ever
			}
			add(connectionOf(s.Prefix, made.Name), connection.OrphanThing{
				Type: connection.ThingParameter, ID: made.Name, Region: p.region, CreatedAt: made.Modified,
			})
		}
	}
	if !p.zones {
		return
	}
	if zones, err := s.Zones(p.access).Managed(ctx); !failed(connection.ThingHostedZone, err) {
		for id, made := range zones {
			for _, zone := range made {
				add(id, connection.OrphanThing{Type: connection.ThingHostedZone, ID: zone.ID})
			}
		}
	}
}

// connectionOf returns the connection that a parameter is of, prefix/vendor/name/…; "" for any other name.
func connectionOf(prefix, parameter string) string {
	parts := strings.SplitN(strings.TrimPrefix(parameter, prefix+"/"), "/", 3)
	if len(parts) < 3 {
		return ""
	}
	return parts[0] + "/" + parts[1]
}
