package diagnosis

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/internal/connection"
)

// service judges whether the account sees the service. An endpoint that exists stays when the vendor hides it.
func (s scene) service() []connection.Check {
	name := s.plan.Service.Name
	switch {
	case s.plan.Service.Visible:
		return []connection.Check{pass(kindService, name, "visible to this account")}
	case s.facts.Endpoint == nil || !s.facts.Endpoint.State.Live():
		return []connection.Check{fail(kindService, name, ServiceNotVisible, name+" in "+s.plan.Service.Region)}
	}
	return []connection.Check{fail(kindService, name, ServiceWithdrawn, name)}
}

// stateCauses are the states in which nothing flows.
var stateCauses = map[connection.EndpointState]string{
	connection.StatePendingAcceptance: EndpointNotAccepted, connection.StateRejected: EndpointRejected,
	connection.StateExpired: EndpointExpired, connection.StateFailed: EndpointFailed, connection.StateDeleting: EndpointDeleted,
	connection.StateDeleted: EndpointDeleted,
}

// endpoint judges the endpoint's state. One that was modified is pending for a while, and traffic flows on.
func (s scene) endpoint() []connection.Check {
	e := s.facts.Endpoint
	if e == nil {
		return []connection.Check{fail(kindEndpoint, s.plan.ConnectionID, NoEndpoint, "none of "+s.plan.ConnectionID+", and none to "+
			s.plan.Service.Name)}
	}
	detail := fmt.Sprintf("%s is %s", e.ID, e.State)
	if e.Reason != "" {
		detail += ": " + e.Reason
	}
	if !e.Ours {
		detail += "; it was not made for " + s.plan.ConnectionID
	}
	code := stateCauses[e.State]
	switch {
	case code != "":
		return []connection.Check{fail(kindEndpoint, e.ID, code, detail)}
	case e.State == connection.StateAvailable, s.all(KindTCP):
		return []connection.Check{pass(kindEndpoint, e.ID, detail)}
	case e.State == connection.StateUnknown:
		return []connection.Check{unknown(kindEndpoint, e.ID, "a state that this release does not know")}
	}
	return []connection.Check{fail(kindEndpoint, e.ID, EndpointPending, detail)}
}

// filters are the security groups and ACLs, each a cause of the name of its kind.
func (s scene) filters() []connection.Check {
	filters := slices.Clone(s.facts.Filters)
	for i := range filters {
		if filters[i].Verdict == connection.Fail {
			filters[i].Cause = filters[i].Kind
		}
	}
	return filters
}

// connections judges what became of the probe's connections.
func (s scene) connections() []connection.Check {
	var checks []connection.Check
	for _, check := range slices.Concat(s.of(KindTCP), s.of(KindTLS), s.of(KindALPN)) {
		if check.Verdict == connection.Fail {
			check.Cause = s.causeOf(check)
		} else {
			check.Cause = ""
		}
		if zone := s.zoneOf(check.Target); zone != "" {
			check.Detail = strings.TrimSuffix("in "+zone+", "+check.Detail, ", ")
		}
		checks = append(checks, check)
	}
	if len(s.of(KindTCP)) == 0 {
		checks = append(checks, unknown(KindTCP, s.plan.ConnectionID, "not run: there is no address to dial"))
	}
	return checks
}

// symptoms are the causes of what the probe's connections met; silence depends on the other interfaces.
var symptoms = map[string]string{
	SymptomRefused: PortClosed, SymptomReset: VendorReset, SymptomName: CertificateName, SymptomExpired: CertificateExpired,
	SymptomAuthority: CertificateAuthority, SymptomTLS: TLSFailed, SymptomProtocol: ALPN,
}

func (s scene) causeOf(check connection.Check) string {
	switch {
	case check.Cause != SymptomTimeout && check.Cause != SymptomUnreachable:
		return symptoms[check.Cause]
	case check.Kind != KindTCP:
		return TLSFailed
	}
	elsewhere := func(other connection.Check) bool {
		return portOf(other.Target) == portOf(check.Target) && other.Verdict == connection.Pass
	}
	if slices.ContainsFunc(s.of(KindTCP), elsewhere) {
		return ZoneDown
	}
	return NoAnswer
}

func portOf(target string) uint16 {
	address, _ := netip.ParseAddrPort(target) // 0 for what is none
	return address.Port()
}

// zoneOf returns the Availability Zone of the interface that a target is, or "".
func (s scene) zoneOf(target string) string {
	address, err := netip.ParseAddrPort(target)
	if err != nil || s.facts.Endpoint == nil {
		return ""
	}
	for _, eni := range s.facts.Endpoint.Interfaces {
		if eni.IP == address.Addr().String() {
			return eni.AZ
		}
	}
	return ""
}
