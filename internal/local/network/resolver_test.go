package network_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
)

// ask returns the response code and the answer, one "name type value" each.
func (c *cloud) ask(vpcID, protocol, name string, kind uint16) (*dns.Msg, []string) {
	c.t.Helper()
	address, err := c.network.Resolver(vpcID)
	must(c.t, err)
	client := &dns.Client{Net: protocol, Timeout: 10 * time.Second}
	reply, _, err := client.Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(name), kind), address)
	must(c.t, err)
	var answer []string
	for _, record := range reply.Answer {
		fields := strings.Fields(record.String())
		answer = append(answer, strings.TrimSuffix(fields[0], ".")+" "+fields[3]+" "+strings.TrimSuffix(fields[4], "."))
	}
	return reply, answer
}

func TestResolver(t *testing.T) {
	t.Parallel()
	const zone = "privatelink.vendor-example.com"
	record := func(name, kind string, values ...string) route53.Record {
		return route53.Record{Name: name, Type: kind, TTL: 60, Values: values}
	}
	alias := func(name, target string) route53.Record {
		return route53.Record{Name: name, Type: "A", Alias: &route53.Alias{DNSName: target}}
	}
	publish := func(c *cloud) { c.network.Publish(host, "tf-lb-1.elb.us-east-1.amazonaws.com", "10.1.0.7", "10.1.1.7") }
	viaLoadBalancer := []string{
		host + " CNAME tf-lb-1.elb.us-east-1.amazonaws.com", "tf-lb-1.elb.us-east-1.amazonaws.com A 10.1.0.7",
		"tf-lb-1.elb.us-east-1.amazonaws.com A 10.1.1.7",
	}
	tests := []struct {
		name  string
		world func(c *cloud, endpoint string) // endpoint is the endpoint's own name
		vpc   string
		ask   string // "" is the host
		kind  uint16
		code  int
		want  func(endpoint string) []string
	}{
		{"unknown name", nil, vpc, "", dns.TypeA, dns.RcodeNameError, nil},
		{"public name", func(c *cloud, _ string) { publish(c) }, vpc, "", dns.TypeA, dns.RcodeSuccess,
			func(string) []string { return viaLoadBalancer }},
		{"CNAME in a private zone", func(c *cloud, e string) { c.zone(zone, record(host, "CNAME", e)) }, vpc, "", dns.TypeA,
			dns.RcodeSuccess,
			func(e string) []string {
				return []string{host + " CNAME " + e, e + " A " + addressA, e + " A " + addressB}
			}},
		{"the CNAME itself", func(c *cloud, e string) { c.zone(zone, record(host, "CNAME", e)) }, vpc, "", dns.TypeCNAME,
			dns.RcodeSuccess,
			func(e string) []string { return []string{host + " CNAME " + e} }},
		{"alias shows no trace", func(c *cloud, e string) { c.zone(host, alias(host, e)) }, vpc, "", dns.TypeA, dns.RcodeSuccess,
			func(string) []string { return []string{host + " A " + addressA, host + " A " + addressB} }},
		{"alias has no AAAA", func(c *cloud, e string) { c.zone(host, alias(host, e)) }, vpc, "", dns.TypeAAAA, dns.RcodeSuccess, nil},
		{"letter case", func(c *cloud, e string) { c.zone(zone, record(host, "A", "10.9.9.9")) }, vpc, strings.ToUpper(host), dns.TypeA,
			dns.RcodeSuccess, func(string) []string { return []string{strings.ToUpper(host) + " A 10.9.9.9"} }},
		{"black hole: the zone answers alone", func(c *cloud, _ string) { publish(c); c.zone(zone) }, vpc, "", dns.TypeA,
			dns.RcodeNameError, nil},
		{"a parent zone is a black hole too", func(c *cloud, _ string) { publish(c); c.zone("com") }, vpc, "", dns.TypeA,
			dns.RcodeNameError, nil},
		{"the most specific zone decides", func(c *cloud, e string) {
			c.zone("vendor-example.com", record(host, "A", "10.9.9.9"))
			c.zone(zone, record(host, "CNAME", e))
		}, vpc, "", dns.TypeCNAME, dns.RcodeSuccess, func(e string) []string { return []string{host + " CNAME " + e} }},
		{"a name that only ends alike is not in the zone", func(c *cloud,
			_ string) {
			publish(c)
			c.zone("is.privatelink.vendor-example.com")
		},
			vpc, "", dns.TypeA, dns.RcodeSuccess, func(string) []string { return viaLoadBalancer }},
		{"another VPC does not see the zone", func(c *cloud, e string) { publish(c); c.zone(zone, record(host, "CNAME", e)) },
			otherVPC, "",
			dns.TypeA, dns.RcodeSuccess, func(string) []string { return viaLoadBalancer }},
		{"no DNS hostnames, no private zones", func(c *cloud, e string) {
			publish(c)
			c.zone(zone, record(host, "CNAME", e))
			must(c.t, c.world.SetVPCDNS(vpc, true, false))
		}, vpc, "", dns.TypeA, dns.RcodeSuccess, func(string) []string { return viaLoadBalancer }},
		{"no DNS support, no resolver", func(c *cloud, _ string) { must(c.t, c.world.SetVPCDNS(vpc, false, true)) }, vpc, "", dns.TypeA,
			dns.RcodeRefused, nil},
		{"wildcard", func(c *cloud, e string) {
			c.zone("vendor-example.com", record("*.vendor-example.com", "A", "10.9.9.9"))
		}, vpc, "",
			dns.TypeA, dns.RcodeSuccess, func(string) []string { return []string{host + " A 10.9.9.9"} }},
		{"a wildcard stops at a name that exists", func(c *cloud, e string) {
			c.zone("vendor-example.com", record("*.vendor-example.com", "A", "10.9.9.9"), record("x."+zone, "A", "10.9.9.8"))
		}, vpc, "", dns.TypeA, dns.RcodeNameError, nil},
		{"an empty name above a record exists", func(c *cloud, e string) {
			c.zone("vendor-example.com", record("x.artemis."+zone, "A", "10.9.9.8"))
		}, vpc, "", dns.TypeA, dns.RcodeSuccess, nil},
		{"CNAMEs in a circle", func(c *cloud, e string) { c.zone(zone, record(host, "CNAME", host)) }, vpc, "", dns.TypeA,
			dns.RcodeServerFailure, func(string) []string { return slices.Repeat([]string{host + " CNAME " + host}, 9) }},
		{"private DNS", func(c *cloud, _ string) {
			publish(c)
			c.update(func(s *privatelink.VendorService) { s.PrivateDNSName = host })
			must(c.t, c.world.SetPrivateDNSByHand(c.endpoint, true))
			c.pass(time.Minute)
		}, vpc, "", dns.TypeA, dns.RcodeSuccess, func(string) []string {
			return []string{host + " A " + addressA,
				host + " A " + addressB}
		}},
		{"private DNS that is not there yet", func(c *cloud, _ string) {
			publish(c)
			c.update(func(s *privatelink.VendorService) { s.PrivateDNSName = host })
			must(c.t, c.world.SetPrivateDNSByHand(c.endpoint, true))
		}, vpc, "", dns.TypeA, dns.RcodeSuccess, func(string) []string { return viaLoadBalancer }},
		{"private DNS with a wildcard", func(c *cloud, _ string) {
			c.update(func(s *privatelink.VendorService) { s.PrivateDNSName = "*." + zone })
			must(c.t, c.world.SetPrivateDNSByHand(c.endpoint, true))
			c.pass(time.Minute)
		}, vpc, "", dns.TypeA, dns.RcodeSuccess, func(string) []string {
			return []string{host + " A " + addressA,
				host + " A " + addressB}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := accepted(t)
			endpoint := c.world.DNSName(c.endpoint)
			if test.world != nil {
				test.world(c, endpoint)
			}
			if test.ask == "" {
				test.ask = host
			}
			var want []string
			if test.want != nil {
				want = test.want(endpoint)
			}
			for _, protocol := range []string{"udp", "tcp"} {
				reply, got := c.ask(test.vpc, protocol, test.ask, test.kind)
				if protocol == "udp" && reply.Truncated {
					continue
				}
				if diff := cmp.Diff(want, got); diff != "" || reply.Rcode != test.code {
					t.Errorf("%s: got %s, want %s; answer (-want +got):\n%s",
						protocol, dns.RcodeToString[reply.Rcode], dns.RcodeToString[test.code], diff)
				}
			}
		})
	}
}

func TestBlackHoleCarriesItsZone(t *testing.T) {
	t.Parallel()
	c := accepted(t)
	c.zone("vendor-example.com")
	reply, _ := c.ask(vpc, "udp", host, dns.TypeA)
	if len(reply.Ns) != 1 || reply.Ns[0].Header().Name != "vendor-example.com." || reply.Ns[0].Header().Rrtype != dns.TypeSOA {
		t.Errorf("got authority %v, want the zone's SOA", reply.Ns)
	}
}

func TestEndpointNames(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	name := c.world.DNSName(c.endpoint)
	first, rest, _ := strings.Cut(name, ".")
	zonal := first + "-us-east-1b." + rest
	if reply, _ := c.ask(vpc, "udp", name, dns.TypeA); reply.Rcode != dns.RcodeNameError {
		t.Errorf("got %s before acceptance, want NXDOMAIN", dns.RcodeToString[reply.Rcode])
	}
	must(t, c.vendor.Accept(c.endpoint))
	c.pass(time.Minute)
	for asked, want := range map[string][]string{
		name: {name + " A " + addressA, name + " A " + addressB}, zonal: {zonal + " A " + addressB},
	} {
		if _, got := c.ask(otherVPC, "udp", asked, dns.TypeA); !slices.Equal(got, want) { // AWS: these names are public
			t.Errorf("got %v, want %v", got, want)
		}
	}
	must(t, c.world.DeleteByHand(c.endpoint))
	c.pass(time.Minute)
	if reply, _ := c.ask(vpc, "udp", name, dns.TypeA); reply.Rcode != dns.RcodeNameError {
		t.Errorf("got %s after deletion, want NXDOMAIN", dns.RcodeToString[reply.Rcode])
	}
}

// Go's own resolver is what many clients use; it asks for A and AAAA at once.
func TestWithGoResolver(t *testing.T) {
	t.Parallel()
	c := accepted(t)
	c.zone(host, route53.Record{Name: host, Type: "A", Alias: &route53.Alias{DNSName: c.world.DNSName(c.endpoint)}})
	address, err := c.network.Resolver(vpc)
	must(t, err)
	again, err := c.network.Resolver(vpc)
	must(t, err)
	if again != address {
		t.Errorf("got %s, then %s", address, again)
	}
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	got, err := resolver.LookupHost(t.Context(), host)
	must(t, err)
	slices.Sort(got)
	if !slices.Equal(got, []string{addressA, addressB}) {
		t.Errorf("got %v", got)
	}
}
