package probe

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"postern/internal/connection"
)

// lookup is a name to resolve, and the addresses that it may lead to.
type lookup struct {
	name    string
	leadsTo []netip.Addr
}

// madeUp is a label that no zone has a record for, so only a wildcard answers it.
const madeUp = "postern-probe"

// others are the names of the plan's zone besides the host. One for an Availability Zone leads to its interface alone.
func (s subject) others(plan connection.Plan) []lookup {
	var names []lookup
	for _, record := range plan.DNS.Records {
		name := record.Name
		if domain, wildcard := strings.CutPrefix(name, "*."); wildcard {
			name = madeUp + "." + domain
		}
		if name == s.host {
			continue
		}
		leadsTo := s.addresses
		if record.AZID != "" {
			leadsTo = s.inZone(plan.Network.Subnets, record.AZID)
		}
		names = append(names, lookup{name, leadsTo})
	}
	return names
}

// inZone are the addresses of the interfaces in a zone; the plan's subnets map zones to ids.
func (s subject) inZone(subnets []connection.Subnet, azID string) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(s.addresses), func(address netip.Addr) bool {
		return !slices.ContainsFunc(subnets, func(n connection.Subnet) bool { return n.AZID == azID && n.AZ == s.zones[address] })
	})
}

// resolveAll checks all names at once, and returns the answer for the first: the host.
func (p *Prober) resolveAll(ctx context.Context, s subject) ([]connection.Check, Answer) {
	checks, answers := make([]connection.Check, len(s.names)), make([]Answer, len(s.names))
	var all sync.WaitGroup
	for i, wanted := range s.names {
		all.Go(func() { checks[i], answers[i] = p.resolve(ctx, wanted) })
	}
	all.Wait()
	return checks, answers[0]
}

// isBalancer reports whether a name is that of a load balancer.
//
// AWS: <name>-<id>.elb.<region>.amazonaws.com, or <name>.<region>.elb.amazonaws.com.
func isBalancer(name string) bool { return strings.Contains(name, ".elb.") }

// resolve checks one name.
func (p *Prober) resolve(ctx context.Context, wanted lookup) (connection.Check, Answer) {
	answer, err := p.network.Lookup(ctx, wanted.name)
	check := connection.Check{Kind: kindDNS, Target: wanted.name, Verdict: connection.Fail, Cause: causeDNS}
	foreign := func(a netip.Addr) bool { return !slices.Contains(wanted.leadsTo, a) }
	balancer := slices.IndexFunc(answer.Chain, isBalancer)
	switch {
	case err != nil:
		check.Verdict, check.Detail = connection.Unknown, "the VPC's resolver gave no answer: "+err.Error()
	case answer.Rcode == "NXDOMAIN":
		check.Detail = "the name does not exist in the VPC (NXDOMAIN)"
	case answer.Rcode != "NOERROR":
		check.Detail = "the VPC's resolver answered " + answer.Rcode
	case balancer >= 0:
		check.Detail = fmt.Sprintf("it leads through %s, a load balancer and not the endpoint", answer.Chain[balancer])
	case len(answer.Addresses) == 0:
		check.Detail = "it resolves to no address"
	case slices.ContainsFunc(answer.Addresses, foreign):
		check.Detail = fmt.Sprintf("it resolves to %s, not to the endpoint's %s", listed(answer.Addresses), listed(wanted.leadsTo))
	default:
		check.Verdict, check.Cause, check.Detail = connection.Pass, "", "resolves to "+listed(answer.Addresses)
	}
	return check, answer
}
