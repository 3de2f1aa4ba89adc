package network

import (
	"fmt"
	"net"
	"strings"

	"github.com/miekg/dns"

	"postern/internal/local/route53"
)

// resolver is the DNS server of one VPC: UDP and TCP on one port.
type resolver struct {
	address  string
	udp, tcp *dns.Server
	done     chan error // what each server ended with
}

// Resolver returns the address, 127.0.0.1 and a port, of a VPC's DNS server, and starts it when it does not run yet.
func (n *Network) Resolver(vpcID string) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return "", errClosed
	}
	if r := n.resolvers[vpcID]; r != nil {
		return r.address, nil
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, request *dns.Msg) { n.answer(vpcID, w, request) })
	r, err := startResolver(handler)
	if err != nil {
		return "", fmt.Errorf("starting the resolver of %s: %w", vpcID, err)
	}
	n.resolvers[vpcID] = r
	return r.address, nil
}

func startResolver(handler dns.Handler) (*resolver, error) {
	packets, listener, err := listenBoth()
	if err != nil {
		return nil, err
	}
	started := make(chan struct{}, 2)
	serve := func(s *dns.Server) *dns.Server {
		s.Handler, s.NotifyStartedFunc = handler, func() { started <- struct{}{} }
		return s
	}
	r := &resolver{
		address: listener.Addr().String(), done: make(chan error, 2),
		udp: serve(&dns.Server{PacketConn: packets}), tcp: serve(&dns.Server{Listener: listener}),
	}
	for _, server := range []*dns.Server{r.udp, r.tcp} {
		go func() { r.done <- server.ActivateAndServe() }()
		<-started
	}
	return r, nil
}

// listenBoth finds a port of loopback that is free for UDP and TCP.
func listenBoth() (net.PacketConn, net.Listener, error) {
	const tries = 20
	var last error
	for range tries {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, err
		}
		packets, err := net.ListenPacket("udp", listener.Addr().String())
		if err == nil {
			return packets, listener, nil
		}
		last = err
		_ = listener.Close() // another port is tried
	}
	return nil, nil, last
}

func (r *resolver) close() error {
	for _, server := range []*dns.Server{r.udp, r.tcp} {
		if err := server.Shutdown(); err != nil {
			return err
		}
		if err := <-r.done; err != nil {
			return err
		}
	}
	return nil
}

// answer answers one query.
func (n *Network) answer(vpcID string, w dns.ResponseWriter, request *dns.Msg) {
	reply := new(dns.Msg)
	reply.SetReply(request)
	reply.RecursionAvailable = true
	switch {
	case len(request.Question) != 1 || request.Question[0].Qclass != dns.ClassINET:
		reply.Rcode = dns.RcodeNotImplemented
	case !n.hasResolver(vpcID): // AWS: a VPC without DNS support has no resolver
		reply.Rcode = dns.RcodeRefused
	default:
		question := request.Question[0]
		found := n.lookup(vpcID, question.Name, question.Qtype, 0)
		reply.Rcode, reply.Answer, reply.Ns = found.rcode, found.records, found.authority
	}
	size := dns.MinMsgSize
	if edns := request.IsEdns0(); edns != nil {
		size = int(edns.UDPSize())
		reply.SetEdns0(edns.UDPSize(), false)
	}
	if _, isUDP := w.RemoteAddr().(*net.UDPAddr); isUDP {
		reply.Truncate(size)
	}
	_ = w.WriteMsg(reply) // a client that went away gets no answer
}

func (n *Network) hasResolver(vpcID string) bool {
	vpc, known := n.config.World.VPC(vpcID)
	return known && vpc.DNSSupport
}

// found is an answer: records, CNAMEs first, or the reason why there are none.
type found struct {
	rcode     int
	records   []dns.RR
	authority []dns.RR
}

// The times that answers may be kept, in seconds.
const (
	endpointTTL = 60
	internetTTL = 300
)

// maxChain is how many CNAMEs and aliases a resolver follows.
const maxChain = 8

// lookup answers a question as the VPC sees it. AWS: the most specific private zone decides alone, also that a name does not
// exist; then come the names of endpoints, then the public internet.
func (n *Network) lookup(vpcID, name string, kind uint16, depth int) found {
	if depth > maxChain {
		return found{rcode: dns.RcodeServerFailure}
	}
	canonical := route53.Canonical(name)
	if zone, matches := n.zone(vpcID, canonical); matches {
		return n.inZone(vpcID, zone, name, kind, depth)
	}
	if addresses, known := n.config.World.Resolve(canonical); known {
		return addressRecords(name, addresses, kind, endpointTTL)
	}
	n.mu.Lock()
	public, known := n.internet[canonical]
	n.mu.Unlock()
	switch {
	case !known:
		return found{rcode: dns.RcodeNameError}
	case public.cname != "":
		return n.follow(vpcID, name, public.cname, kind, internetTTL, depth)
	}
	return addressRecords(name, public.addresses, kind, internetTTL)
}

// zone is the most specific private zone that a name lies in. AWS: private zones answer only with both DNS attributes on.
func (n *Network) zone(vpcID, name string) (route53.Zone, bool) {
	var best route53.Zone
	if vpc, _ := n.config.World.VPC(vpcID); !vpc.DNSHostnames {
		return best, false
	}
	zones := n.config.Zones.View(vpcID)
	for _, managed := range n.config.World.ManagedZones(vpcID) {
		if len(managed.Addresses) > 0 {
			record := route53.Record{Name: route53.Canonical(managed.Record), Type: "A", TTL: endpointTTL, Values: managed.Addresses}
			zones = append(zones, route53.Zone{Name: route53.Canonical(managed.Name), Records: []route53.Record{record}})
		}
	}
	for _, zone := range zones {
		if (name == zone.Name || strings.HasSuffix(name, "."+zone.Name)) && len(zone.Name) > len(best.Name) {
			best = zone
		}
	}
	return best, best.Name != ""
}

// inZone answers from a zone's records.
func (n *Network) inZone(vpcID string, zone route53.Zone, name string, kind uint16, depth int) found {
	soa := startOfAuthority(zone)
	sets, exists := at(zone, route53.Canonical(name))
	if !exists {
		return found{rcode: dns.RcodeNameError, authority: soa}
	}
	for _, set := range sets {
		switch {
		case set.Type == "CNAME" && kind != dns.TypeCNAME:
			return n.follow(vpcID, name, set.Values[0], kind, uint32(set.TTL), depth)
		case dns.StringToType[set.Type] != kind:
		case set.Alias != nil:
			return n.alias(vpcID, name, set.Alias.DNSName, kind, depth)
		default:
			return values(name, set)
		}
	}
	return found{authority: soa}
}

// at returns the record sets at a name, by wildcard when there are none of its own; false when the name does not exist.
func at(zone route53.Zone, name string) (sets []route53.Record, exists bool) {
	if sets, exists := exactly(zone, name); exists {
		return sets, true
	}
	for {
		_, name, _ = strings.Cut(name, ".")
		if sets, _ := exactly(zone, `\052.`+name); len(sets) > 0 {
			return sets, true
		}
		if _, exists := exactly(zone, name); exists { // DNS: a wildcard covers no name below one that exists
			return nil, false
		}
	}
}

// exactly returns the record sets with a name. A name exists too when only names below it have records.
func exactly(zone route53.Zone, name string) (sets []route53.Record, exists bool) {
	exists = name == zone.Name
	for _, record := range zone.Records {
		exists = exists || record.Name == name || strings.HasSuffix(record.Name, "."+name)
		if record.Name == name {
			sets = append(sets, record)
		}
	}
	return sets, exists
}

// follow answers with a CNAME and what it leads to, in one answer, as resolvers do.
func (n *Network) follow(vpcID, name, target string, kind uint16, ttl uint32, depth int) found {
	target = dns.Fqdn(target)
	cname := &dns.CNAME{Hdr: header(name, dns.TypeCNAME, ttl), Target: target}
	rest := n.lookup(vpcID, target, kind, depth+1)
	rest.records = append([]dns.RR{cname}, rest.records...)
	return rest
}

// alias answers with the target's addresses as if they were the name's own: Route 53 shows no trace of an alias.
func (n *Network) alias(vpcID, name, target string, kind uint16, depth int) found {
	rest := n.lookup(vpcID, dns.Fqdn(target), kind, depth+1)
	var records []dns.RR
	for _, record := range rest.records {
		if record.Header().Rrtype == kind {
			record.Header().Name = name
			records = append(records, record)
		}
	}
	return found{records: records}
}

// values are the records of a set with values.
func values(name string, set route53.Record) found {
	var records []dns.RR
	for _, value := range set.Values {
		record, err := dns.NewRR(fmt.Sprintf("%s %d IN %s %s", name, set.TTL, set.Type, value))
		if err != nil || record == nil {
			return found{rcode: dns.RcodeServerFailure}
		}
		records = append(records, record)
	}
	return found{records: records}
}

func addressRecords(name string, addresses []string, kind uint16, ttl uint32) found {
	var records []dns.RR
	for _, address := range addresses {
		if kind == dns.TypeA {
			records = append(records, &dns.A{Hdr: header(name, dns.TypeA, ttl), A: net.ParseIP(address)})
		}
	}
	return found{records: records}
}

func header(name string, kind uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
}

// startOfAuthority is the SOA record that comes with an answer without records.
func startOfAuthority(zone route53.Zone) []dns.RR {
	for _, record := range zone.Records {
		if record.Type == "SOA" {
			return values(zone.Name, record).records
		}
	}
	return nil
}
