package probe

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/internal/connection"
)

// Mode is what is dialled by which name.
type Mode string

// The modes of a probe.
const (
	// ModeEndpoint resolves the endpoint's own name: nothing points at the endpoint yet.
	ModeEndpoint Mode = "endpoint"
	// ModeHostname resolves the vendor's name, as clients do.
	ModeHostname Mode = "hostname"
)

// Input is what the state machine hands to the probe.
type Input struct {
	connection.Input
	Mode Mode `json:"mode"`
}

// Network is the VPC's network as a client in it sees it.
type Network interface {
	// Lookup resolves a name to IPv4 addresses. The error says that no answer came; an answer that says no is in Rcode.
	Lookup(ctx context.Context, name string) (Answer, error)
	Dial(ctx context.Context, address netip.AddrPort) (net.Conn, error)
}

// Answer is a resolver's answer.
type Answer struct {
	Chain     []string // the name, then every CNAME's target, lower case, without trailing dot
	Addresses []netip.Addr
	Rcode     string // NOERROR, NXDOMAIN, SERVFAIL, …
}

// Prober proves connections.
type Prober struct {
	network Network
	roots   *x509.CertPool
}

// New returns a prober that trusts the given roots.
func New(network Network, roots *x509.CertPool) *Prober {
	return &Prober{network: network, roots: roots}
}

// subject is what one probe looks at.
type subject struct {
	mode       Mode
	plan       connection.ProbePlan
	host       string
	addresses  []netip.Addr // of the endpoint's interfaces
	zones      map[netip.Addr]string
	groups     []string // security groups of the endpoint
	endpointID string
	at         time.Time
}

// Probe returns the proof when every check passed. Otherwise the error is a connection.ConnectivityFailed that says which check
// failed, why most likely, and what to do; the state machine tries again for a while, since first connections fail for minutes.
func (p *Prober) Probe(ctx context.Context, in Input) (connection.Proof, error) {
	s, err := subjectOf(in)
	if err != nil {
		return connection.Proof{}, err
	}
	// Never nil: the state machine reads every one of these fields.
	proof := connection.Proof{At: s.at, Host: s.host, Chain: []string{}, Addresses: []string{}, Checks: []connection.Check{}}
	proof.Checks = append(proof.Checks, p.resolve(ctx, s, &proof))
	attempts := p.dialAll(ctx, s)
	proof.Checks = append(proof.Checks, s.checks(attempts)...)
	for _, attempt := range attempts {
		if t := attempt.notAfter; t != nil && (proof.NotAfter == nil || t.Before(*proof.NotAfter)) {
			proof.NotAfter = t
		}
	}
	proof.Verdict = verdict(proof.Checks)
	if proof.Verdict != connection.Pass {
		return connection.Proof{}, connection.Errorf(connection.ConnectivityFailed, "%s", s.report(proof.Checks))
	}
	return proof, nil
}

func subjectOf(in Input) (subject, error) {
	internal := func(format string, args ...any) (subject, error) {
		return subject{}, connection.Errorf(connection.Internal, "probing: "+format, args...)
	}
	plan, endpoint, available := in.State.Plan, in.State.Endpoint, in.State.Availability
	if plan == nil || endpoint == nil || available == nil {
		return internal("there is no plan or no available endpoint")
	}
	s := subject{
		mode: in.Mode, plan: plan.Probe, zones: map[netip.Addr]string{}, groups: plan.Network.SecurityGroupIDs,
		endpointID: endpoint.ID, at: in.EnteredAt,
	}
	switch in.Mode {
	case ModeEndpoint:
		s.host = available.DNSName
	case ModeHostname:
		s.host = plan.DNS.Hostname
	default:
		return internal("no such mode as %q", in.Mode)
	}
	for _, eni := range available.Interfaces {
		address, err := netip.ParseAddr(eni.IP)
		if err != nil || !dialable(address) {
			return internal("%q of interface %s is not an address to dial", eni.IP, eni.ID)
		}
		s.addresses = append(s.addresses, address)
		s.zones[address] = eni.AZ
	}
	if s.host == "" || len(s.addresses) == 0 || len(s.plan.Ports) == 0 {
		return internal("no name, no interface or no port")
	}
	return s, nil
}

// dialable keeps the probe from the machine it runs on and from the metadata services.
func dialable(address netip.Addr) bool {
	return !address.IsLoopback() && !address.IsUnspecified() && !address.IsLinkLocalUnicast() && !address.IsMulticast()
}

// resolve checks the name, and notes in the proof what it resolved to.
func (p *Prober) resolve(ctx context.Context, s subject, proof *connection.Proof) connection.Check {
	answer, err := p.network.Lookup(ctx, s.host)
	proof.Chain = append(proof.Chain, answer.Chain...)
	for _, address := range answer.Addresses {
		proof.Addresses = append(proof.Addresses, address.String())
	}
	check := connection.Check{Kind: kindDNS, Target: s.host, Verdict: connection.Fail, Cause: causeDNS}
	foreign := slices.DeleteFunc(slices.Clone(answer.Addresses), func(a netip.Addr) bool { return slices.Contains(s.addresses, a) })
	balancer := slices.IndexFunc(answer.Chain, func(name string) bool { return strings.Contains(name, ".elb.") })
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
	case len(foreign) > 0:
		check.Detail = fmt.Sprintf("it resolves to %s, not to the endpoint's %s", listed(answer.Addresses), listed(s.addresses))
	default:
		check.Verdict, check.Cause, check.Detail = connection.Pass, "", "resolves to "+listed(answer.Addresses)
	}
	return check
}

// dialAll tries every interface on every port, all at once, and returns the attempts by port and then by interface.
func (p *Prober) dialAll(ctx context.Context, s subject) []attempt {
	attempts := make([]attempt, 0, len(s.plan.Ports)*len(s.addresses))
	for _, port := range s.plan.Ports {
		for _, address := range s.addresses {
			target := netip.AddrPortFrom(address, uint16(port))
			attempts = append(attempts, attempt{address: target, tls: slices.Contains(s.plan.TLSPorts, port)})
		}
	}
	var all sync.WaitGroup
	for i := range attempts {
		all.Go(func() { p.try(ctx, s, &attempts[i]) })
	}
	all.Wait()
	return attempts
}

// verdict is pass when every check passed, fail when one failed, else unknown.
func verdict(checks []connection.Check) connection.Verdict {
	result := connection.Pass
	for _, check := range checks {
		switch check.Verdict {
		case connection.Fail:
			return connection.Fail
		case connection.Pass:
		default:
			result = connection.Unknown
		}
	}
	return result
}

func listed(addresses []netip.Addr) string {
	texts := make([]string, len(addresses))
	for i, address := range addresses {
		texts[i] = address.String()
	}
	return strings.Join(texts, ", ")
}
