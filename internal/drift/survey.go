package drift

import (
	"context"
	"maps"
	"slices"

	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/store"
)

// Place is the AWS of one account and Region, as far as lists go.
type Place interface {
	// DescribeAll returns the endpoints with these ids; one that does not exist comes back with StateDeleted.
	DescribeAll(ctx context.Context, ids []string) ([]endpoint.Endpoint, error)
}

// place is an account and Region, and how it is reached.
type place struct {
	access    connection.Access
	accountID string
	region    string
}

func placeOf(link store.Link) place {
	return place{link.Expects.Access, link.Expects.AccountID, link.Expects.Region}
}

// list is what one list shows, by id; nothing of it is known when it could not be read.
type list[T any] struct {
	found map[string]T
	err   error
}

// survey is everything that lists show of a place.
type survey struct {
	endpoints list[endpoint.Endpoint]
}

// survey reads the lists of every place that a connection is in. A list that cannot be read makes what depends on it unknown.
func (c *Checker) survey(ctx context.Context, links []store.Link) map[place]*survey {
	inPlace := map[place][]store.Link{}
	for _, link := range links {
		inPlace[placeOf(link)] = append(inPlace[placeOf(link)], link)
	}
	surveys := map[place]*survey{}
	for at, links := range inPlace {
		surveys[at] = c.list(ctx, c.places(at.access), links)
		c.log.InfoContext(ctx, "surveyed", "account", at.accountID, "region", at.region, "connections", len(links))
	}
	return surveys
}

func (c *Checker) list(ctx context.Context, from Place, links []store.Link) *survey {
	ids := map[string]bool{}
	for _, link := range links {
		ids[link.Expects.EndpointID] = true
	}
	s := &survey{}
	described, err := from.DescribeAll(ctx, slices.Sorted(maps.Keys(ids)))
	s.endpoints = list[endpoint.Endpoint]{found: map[string]endpoint.Endpoint{}, err: err}
	for _, e := range described {
		s.endpoints.found[e.ID] = e
	}
	return s
}
