package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"

	"postern/internal/connection"
	"postern/internal/probe/diagnosis"
)

// Diagnose looks at a connection that exists and names what is wrong with it. A link that does not work is a result, not an error.
// It dials the addresses of the endpoint's interfaces and no others, as Probe does.
func (p *Prober) Diagnose(ctx context.Context, in Input) (connection.Diagnosis, error) {
	plan := in.State.Plan
	if plan == nil || plan.Diagnosis == nil {
		return connection.Diagnosis{}, connection.Errorf(connection.Internal, "diagnosing: there are no facts")
	}
	s := subject{
		mode: in.Mode, plan: plan.Probe, host: plan.DNS.Hostname, zones: map[netip.Addr]string{}, at: in.EnteredAt,
	}
	if endpoint := plan.Diagnosis.Endpoint; endpoint != nil {
		s.endpointID, s.groups = endpoint.ID, endpoint.SecurityGroupIDs
		for _, eni := range endpoint.Interfaces {
			address, err := netip.ParseAddr(eni.IP)
			if err != nil || !dialable(address) {
				return connection.Diagnosis{}, connection.Errorf(connection.Internal, "diagnosing: %q of interface %s is not an address to dial",
					eni.IP, eni.ID)
			}
			s.addresses, s.zones[address] = append(s.addresses, address), eni.AZ
		}
	}
	if s.host != "" {
		s.names = append([]lookup{{name: s.host, leadsTo: s.addresses}}, s.others(*plan)...)
	}
	seen := append(p.look(ctx, s), s.symptoms(p.dialAll(ctx, s))...)
	return diagnosis.Of(*plan, in.EnteredAt, seen), nil
}

// look resolves every name, and says what is wrong with the answers.
func (p *Prober) look(ctx context.Context, s subject) []connection.Check {
	checks := make([]connection.Check, len(s.names))
	var all sync.WaitGroup
	for i, wanted := range s.names {
		all.Go(func() {
			check, answer := p.resolve(ctx, wanted)
			check.Cause = symptomOfAnswer(check, answer)
			if len(wanted.leadsTo) == 0 && check.Cause == diagnosis.SymptomElsewhere {
				check.Verdict, check.Cause = connection.Unknown, ""
				check.Detail = "resolves to " + listed(answer.Addresses) + "; there is no endpoint to compare that with"
			}
			checks[i] = check
		})
	}
	all.Wait()
	return checks
}

// symptomOfAnswer classifies failed answers.
func symptomOfAnswer(check connection.Check, answer Answer) string {
	switch {
	case check.Verdict != connection.Fail:
		return ""
	case answer.Rcode == "NXDOMAIN":
		return diagnosis.SymptomNXDomain
	case answer.Rcode != "NOERROR":
		return diagnosis.SymptomRefused
	case slices.ContainsFunc(answer.Chain, isBalancer):
		return diagnosis.SymptomLoadBalancer
	case len(answer.Addresses) == 0:
		return diagnosis.SymptomNoAddress
	}
	return diagnosis.SymptomElsewhere
}

// symptoms says what became of each attempt.
func (s subject) symptoms(attempts []attempt) []connection.Check {
	var checks []connection.Check
	for _, a := range attempts {
		one := s.checks([]attempt{a})
		for i := range one {
			if one[i].Cause = ""; one[i].Verdict == connection.Pass && one[i].Detail == "" {
				one[i].Detail = "connected"
			}
			if one[i].Verdict != connection.Fail {
				continue
			}
			switch one[i].Kind {
			case kindTCP:
				one[i].Cause = symptomOf(a.dialled)
			case kindTLS:
				one[i].Cause = symptomOf(a.handshake)
			default:
				one[i].Cause = diagnosis.SymptomProtocol
			}
		}
		checks = append(checks, one...)
	}
	return checks
}

// symptomOf classifies errors of a dial or of a handshake.
func symptomOf(err error) string {
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	switch fateOf(err) {
	case silent:
		return diagnosis.SymptomTimeout
	case unreachable:
		return diagnosis.SymptomUnreachable
	case closed:
		if errors.Is(err, syscall.ECONNREFUSED) {
			return diagnosis.SymptomRefused
		}
		return diagnosis.SymptomReset
	}
	switch {
	case refusesProtocol(err):
		return diagnosis.SymptomProtocol
	case errors.As(err, &name):
		return diagnosis.SymptomName
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return diagnosis.SymptomExpired
	case errors.As(err, &authority):
		return diagnosis.SymptomAuthority
	}
	return diagnosis.SymptomTLS
}

// refusesProtocol reports whether the other side ended TLS because it speaks none of the protocols we asked for. crypto/tls does
// not export the type of a remote alert, only its text.
func refusesProtocol(err error) bool {
	const noApplicationProtocol = tls.AlertError(120) // RFC 7301
	var op *net.OpError
	return remoteAlert(err) && errors.As(err, &op) && op.Err.Error() == noApplicationProtocol.Error()
}
