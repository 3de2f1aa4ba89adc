package page

import (
	"net/url"
	"strings"

	"postern/internal/connection"
	"postern/internal/store"
)

// Link is a link to a page of the AWS console.
type Link struct{ Text, Title, URL string }

// linksOf returns where a connection is seen in the console: its execution, and, as far as their Region is known, its endpoint and
// hosted zone; and its parameters.
func linksOf(o store.Overview) (links, parameters []Link) {
	add := func(to *[]Link, text, title, address string) {
		if address != "" && len(address) <= mostAddress {
			*to = append(*to, Link{clip(text), title, address})
		}
	}
	execution := executionOf(o)
	add(&links, "Execution", execution, connection.ConsoleLink(execution))
	console := console{connection.ConsoleHost(field(execution, 1)), regionOf(o)}
	if id := endpointOf(o); id != "" && console.region != "" {
		add(&links, "Endpoint", id, console.endpoint(id))
	}
	if o.Expects == nil {
		return links, nil
	}
	if id := o.Expects.ZoneID; id != "" {
		add(&links, "Zone", id, console.zone(id))
	}
	for _, name := range first(o.Expects.Parameters, mostParameters) {
		add(&parameters, name[strings.LastIndex(name, "/")+1:], name, console.parameter(name))
	}
	return links, parameters
}

// executionOf returns the ARN of the execution that works on a connection, or worked on it last.
func executionOf(o store.Overview) string {
	if o.Wait != nil {
		return o.Wait.Execution
	}
	return or(o.Holder, o.FinishedBy)
}

// regionOf returns the Region of a connection's network, "" when it is unknown.
func regionOf(o store.Overview) string {
	switch {
	case o.Expects != nil:
		return o.Expects.Region
	case o.Wait != nil && o.Wait.Access.Home():
		return field(o.Wait.Execution, 3)
	case o.Wait != nil:
		return o.Wait.Access.Region
	case o.Failure != nil:
		return o.Failure.Region
	}
	return ""
}

// field returns a part of an ARN, arn:partition:service:region:account:…, "" when it has too few.
func field(arn string, at int) string {
	return append(strings.SplitN(arn, ":", 6), make([]string, 6)...)[at]
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

// console is the AWS console of a partition, at a Region.
type console struct{ host, region string }

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
