package drift

import (
	"context"
	"maps"
	"slices"
	"time"

	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/store"
)

// list is what one list shows, by id; nothing of it is known when it could not be read.
type list[T any] struct {
	found map[string]T
	err   error
}

func listed[T any](found map[string]T, err error) list[T] { return list[T]{found, err} }

// survey is everything that lists show of a place.
type survey struct {
	endpoints list[endpoint.Endpoint]
	groups    list[endpoint.SecurityGroup]
	topics    list[[]string] // by endpoint
	vpcs      list[endpoint.VPC]
	acls      list[endpoint.NetworkACL]           // by subnet
	services  map[string]list[connection.Service] // by Region, by name
	dns       map[string]vpcDNS                   // of VPCs whose turn it is
}

// vpcDNS are the DNS attributes of a VPC.
type vpcDNS struct {
	support, hostnames bool
	err                error
}

// survey reads the lists of every place that a connection is in. A list that cannot be read makes what depends on it unknown.
func (c *Checker) survey(ctx context.Context, w wake, links []store.Link) map[place]*survey {
	inPlace := map[place][]store.Link{}
	for _, link := range links {
		inPlace[placeOf(link)] = append(inPlace[placeOf(link)], link)
	}
	surveys := map[place]*survey{}
	for at, links := range inPlace {
		surveys[at] = c.list(ctx, w, at, links)
		c.Log.InfoContext(ctx, "surveyed", "account", at.accountID, "region", at.region, "connections", len(links))
	}
	return surveys
}

func (c *Checker) list(ctx context.Context, w wake, at place, links []store.Link) *survey {
	ids, from := c.idsOf(links), c.Places(at.access)
	s := &survey{services: map[string]list[connection.Service]{}, dns: map[string]vpcDNS{}}
	s.endpoints = listed(from.List(ctx, ids.endpoints.sorted()))
	s.groups = listed(from.ListSecurityGroups(ctx, ids.groups.sorted()))
	s.vpcs = listed(from.ListVPCs(ctx, ids.vpcs.sorted()))
	if c.Config.hears(at.access) {
		s.topics = listed(from.ListTopics(ctx, ids.endpoints.sorted()))
	}
	acls, err := from.NetworkACLs(ctx, ids.subnets.sorted())
	s.acls = listed(bySubnet(acls), err)
	for region, names := range ids.services {
		s.services[region] = listed(from.ListServices(ctx, names.sorted(), region, at.region))
	}
	for _, id := range inTurn(w, ids.vpcs.sorted()) {
		var dns vpcDNS
		dns.support, dns.hostnames, dns.err = from.VPCDNS(ctx, id)
		s.dns[id] = dns
	}
	return s
}

// hears reports whether endpoints of a place have a connection notification: see endpoint.Want.
func (c Config) hears(access connection.Access) bool { return access.Home() && c.TopicARN != "" }

// mostVPCs is how many VPCs of a place one scheduled run reads the DNS attributes of, in turn.
//
// AWS: DescribeVpcAttribute answers one attribute of one VPC; no list shows any.
const mostVPCs = 5

// inTurn returns the VPCs to read: a few in a scheduled run, and all that a change concerns.
func inTurn(w wake, vpcIDs []string) []string {
	if w.by != bySchedule || len(vpcIDs) <= mostVPCs {
		return vpcIDs
	}
	first := int(w.at.Unix()/int64(time.Hour/time.Second)) * mostVPCs % len(vpcIDs)
	return slices.Concat(vpcIDs, vpcIDs)[first : first+mostVPCs]
}

func bySubnet(acls []endpoint.NetworkACL) map[string]endpoint.NetworkACL {
	found := map[string]endpoint.NetworkACL{}
	for _, acl := range acls {
		for _, subnet := range acl.SubnetIDs {
			found[subnet] = acl
		}
	}
	return found
}

// set is a set of ids.
type set map[string]bool

func (s set) add(ids ...string) {
	for _, id := range ids {
		s[id] = true
	}
}

func (s set) sorted() []string { return slices.Sorted(maps.Keys(s)) }

// idSets are the ids that connections of a place name.
type idSets struct {
	endpoints, groups, vpcs, subnets set
	services                         map[string]set // by Region
}

func (c *Checker) idsOf(links []store.Link) idSets {
	ids := idSets{endpoints: set{}, groups: set{}, vpcs: set{}, subnets: set{}, services: map[string]set{}}
	for _, link := range links {
		e := link.Expects
		ids.endpoints.add(e.EndpointID)
		ids.groups.add(e.SecurityGroupIDs...)
		ids.vpcs.add(e.VPCID)
		ids.subnets.add(e.SubnetIDs...)
		network, _ := c.Config.Networks.Find(e.Region, e.VPCID)
		ids.subnets.add(network.ProbeSubnetIDs...)
		if ids.services[e.ServiceRegion] == nil {
			ids.services[e.ServiceRegion] = set{}
		}
		ids.services[e.ServiceRegion].add(e.ServiceName)
	}
	return ids
}
