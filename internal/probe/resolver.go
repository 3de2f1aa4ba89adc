package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

const (
	lookupTimeout = 10 * time.Second // of a name, however long its chain
	queryTimeout  = 3 * time.Second
	mostHops      = 8
	udpSize       = 1232 // what passes every network unfragmented (DNS Flag Day 2020)
)

// resolver asks one DNS server. Go's own resolver hides the CNAMEs and the reason of a failure, and both are evidence.
type resolver struct{ server string }

// newResolver returns the resolver at an address with port; "" stands for the first server of /etc/resolv.conf.
func newResolver(address string) (resolver, error) {
	if address != "" {
		return resolver{address}, nil
	}
	config, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if err != nil {
		return resolver{}, fmt.Errorf("reading the resolver's address: %w", err)
	}
	if len(config.Servers) == 0 {
		return resolver{}, errors.New("reading the resolver's address: /etc/resolv.conf names none")
	}
	server, err := netip.ParseAddr(config.Servers[0])
	if err != nil {
		return resolver{}, fmt.Errorf("reading the resolver's address: %w", err)
	}
	return resolver{netip.AddrPortFrom(server, 53).String()}, nil
}

// lookup resolves a name to IPv4 addresses and follows CNAMEs, which a resolver may or may not do for us.
func (r resolver) lookup(ctx context.Context, name string) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	answer := Answer{Chain: []string{plain(name)}}
	for range mostHops {
		asked := answer.Chain[len(answer.Chain)-1]
		reply, err := r.query(ctx, asked)
		if err != nil {
			return answer, fmt.Errorf("asking %s for %s: %w", r.server, asked, err)
		}
		answer.Rcode = dns.RcodeToString[reply.Rcode]
		answer.follow(reply.Answer)
		if len(answer.Addresses) > 0 || reply.Rcode != dns.RcodeSuccess || answer.Chain[len(answer.Chain)-1] == asked {
			return answer, nil
		}
	}
	return answer, fmt.Errorf("resolving %s: a chain of more than %d CNAMEs", name, mostHops)
}

// query asks over UDP, and over TCP when the answer was cut off or did not come.
func (r resolver) query(ctx context.Context, name string) (*dns.Msg, error) {
	question := new(dns.Msg)
	question.SetQuestion(dns.Fqdn(name), dns.TypeA)
	question.SetEdns0(udpSize, false)
	over := dns.Client{Timeout: queryTimeout}
	reply, _, err := over.ExchangeContext(ctx, question, r.server)
	if err == nil && !reply.Truncated {
		return reply, nil
	}
	over.Net = "tcp"
	reply, _, err = over.ExchangeContext(ctx, question, r.server)
	return reply, err
}

// follow goes from the last name of the chain along the CNAMEs of an answer to its addresses.
func (a *Answer) follow(records []dns.RR) {
	for range records {
		last := a.Chain[len(a.Chain)-1]
		i := slices.IndexFunc(records, func(record dns.RR) bool {
			_, isCNAME := record.(*dns.CNAME)
			return isCNAME && plain(record.Header().Name) == last
		})
		if i < 0 {
			break
		}
		target := plain(records[i].(*dns.CNAME).Target)
		if slices.Contains(a.Chain, target) {
			return // a loop: no address is ever found
		}
		a.Chain = append(a.Chain, target)
	}
	last := a.Chain[len(a.Chain)-1]
	for _, record := range records {
		found, isAddress := record.(*dns.A)
		if !isAddress || plain(found.Hdr.Name) != last {
			continue
		}
		if address, ok := netip.AddrFromSlice(found.A.To4()); ok && !slices.Contains(a.Addresses, address) {
			a.Addresses = append(a.Addresses, address)
		}
	}
}

func plain(name string) string {
	name = dns.CanonicalName(name)
	return name[:len(name)-1]
}
