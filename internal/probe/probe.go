package probe

import (
	"context"
	"crypto/x509"
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
	// ModeDiagnose looks at a connection that exists, whatever is wrong with it.
	ModeDiagnose Mode = "diagnose"
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

// New returns a prober that trusts the given roots, or the system's when they are nil.
func New(network Network, roots *x509.CertPool) *Prober {
	return &Prober{network: network, roots: roots}
}

// subject is what one probe looks at.
type subject struct {
	mode       Mode
	plan       connection.ProbePlan
	host       string
	names      []lookup     // host, then the other names of the zone
	addresses  []netip.Addr // of the endpoint's interfaces
	zones      map[netip.Addr]string
	groups     []string // security groups of the endpoint
	endpointID string
	at         time.Time
}

// Probe returns the proof when every check passed. Otherwise the error is a connection.ConnectivityFailed that says which check
// failed, why most likely, and what to do; the state machine tries again for a while, since first connections fail for minutes.
// It is a connection.EndpointNotListed, tried again for days, when the plan says that the vendor resets endpoints that are not on
// its list, and that is all that happens.
func (p *Prober) Probe(ctx context.Context, in Input) (connection.Proof, error) {
	s, err := subjectOf(in)
	if err != nil {
		return connection.Proof{}, err
	}
	// Never nil: the state machine reads every one of these fields.
	proof := connection.Proof{At: s.at, Host: s.host, Chain: []string{}, Addresses: []string{}, Checks: []connection.Check{}}
	checks, answer := p.resolveAll(ctx, s)
	proof.Checks, proof.Chain = append(proof.Checks, checks...), append(proof.Chain, answer.Chain...)
	for _, address := range answer.Addresses {
		proof.Addresses = append(proof.Addresses, address.String())
	}
	attempts := p.dialAll(ctx, s)
	proof.Checks = append(proof.Checks, s.checks(attempts)...)
	for _, attempt := range attempts {
		if t := attempt.notAfter; t != nil && (proof.NotAfter == nil || t.Before(*proof.NotAfter)) {
			proof.NotAfter = t
		}
	}
	proof.Verdict = verdict(proof.Checks)
	if proof.Verdict == connection.Pass {
		return proof, nil
	}
	name := connection.ConnectivityFailed
	if in.Mode == ModeEndpoint && in.State.Plan.Gates.Approval.ByConnection && notListed(proof.Checks) {
		name = connection.EndpointNotListed
	}
	return connection.Proof{}, connection.Errorf(name, "%s", s.report(proof.Checks))
}

// notListed reports whether the only failure is that the vendor closes our connections.
func notListed(checks []connection.Check) bool {
	closed := false
	for _, check := range checks {
		if check.Verdict == connection.Fail && check.Cause != causeAllowlist {
			return false
		}
		closed = closed || check.Cause == causeAllowlist
	}
	return closed
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
	s.names = []lookup{{name: s.host, leadsTo: s.addresses}}
	if in.Mode == ModeHostname {
		s.names = append(s.names, s.others(*plan)...)
	}
	return s, nil
}

// dialable refuses addresses of the machine itself and of the metadata services.
func dialable(address netip.Addr) bool {
	return !address.IsLoopback() && !address.IsUnspecified() && !address.IsLinkLocalUnicast() && !address.IsMulticast()
}

// dialAll tries every interface on every port, all at once, and returns the attempts by port and then by interface.
func (p *Prober) dialAll(ctx context.Context, s subject) []attempt {
	attempts := make([]attempt, 0, len(s.plan.Ports)*len(s.addresses))
	for _, port := range s.plan.Ports {
		for _, address := range s.addresses {
			target := netip.AddrPortFrom(address, uint16(port)) //nolint:gosec // a port, which the profile's schema bounds
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
