package page

import (
	"net/url"
	"strings"

	"postern/internal/connection"
	"postern/internal/store"
)

// Link leads to a page of the AWS console.
type Link struct{ Text, Title, URL string }

// linksOf returns where a connection is seen in the console: its execution, and, as far as their Region is known, its endpoint,
// hosted zone and parameters.
func linksOf(o store.Overview) []Link {
	execution := or(o.Holder, o.FinishedBy)
	if o.Wait != nil {
		execution = o.Wait.Execution
	}
	var links []Link
	add := func(text, title, address string) {
		if address != "" && len(address) <= mostAddress {
			links = append(links, Link{clip(text), title, address})
		}
	}
	add("Execution", execution, connection.ConsoleLink(execution))
	console := consoleOf(execution, o)
	if id := endpointOf(o); id != "" && console.region != "" {
		add("Endpoint", id, console.endpoint(id))
	}
	if o.Expects == nil {
		return links
	}
	if id := o.Expects.ZoneID; id != "" {
		add("Zone", id, console.zone(id))
	}
	for _, name := range first(o.Expects.Parameters, mostParameters) {
		add("Parameter "+name[strings.LastIndex(name, "/")+1:], name, console.parameter(name))
	}
	return links
}

// endpointOf returns the connection's endpoint, that of an approval while it is waited for.
func endpointOf(o store.Overview) string {
	switch {
	case o.Wait != nil && o.Wait.EndpointID != "":
		return o.Wait.EndpointID
	case o.Expects != nil:
		return o.Expects.EndpointID
	}
	return o.EndpointID
}

// console is the AWS console of a partition, at a Region; the Region is "" when nobody knows it.
type console struct{ host, region string }

func consoleOf(execution string, o store.Overview) console {
	parts := append(strings.SplitN(execution, ":", 5), "", "", "", "") // arn:partition:states:region:…
	c := console{host: connection.ConsoleHost(parts[1])}
	switch {
	case o.Expects != nil:
		c.region = o.Expects.Region
	case o.Wait != nil && o.Wait.Access.Home():
		c.region = parts[3]
	case o.Wait != nil:
		c.region = o.Wait.Access.Region
	}
	return c
}

func (c console) endpoint(id string) string {
	return "https://" + c.host + "/vpcconsole/home?region=" + url.QueryEscape(c.region) + "#EndpointDetails:vpcEndpointId=" + url.PathEscape(id)
}

// AWS: zones belong to no Region.
func (c console) zone(id string) string {
	return "https://" + c.host + "/route53/v2/hostedzones#ListRecordSets/" + url.PathEscape(id)
}

// AWS: the console escapes a parameter's name twice in the path.
func (c console) parameter(name string) string {
	return "https://" + c.host + "/systems-manager/parameters/" + url.PathEscape(url.PathEscape(name)) + "/description?region=" +
		url.QueryEscape(c.region)
}

func first[T any](all []T, most int) []T { return all[:min(most, len(all))] }
