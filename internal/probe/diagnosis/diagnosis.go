package diagnosis

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"postern/internal/connection"
)

// The symptoms that a probe reports as the Cause of a failed check, before they are compared with the facts.
const (
	SymptomNXDomain     = "nxdomain"
	SymptomNoAddress    = "no-address"
	SymptomRefused      = "refused" // by the resolver, or by who listens
	SymptomLoadBalancer = "load-balancer"
	SymptomElsewhere    = "elsewhere"
	SymptomTimeout      = "timeout"
	SymptomReset        = "reset"
	SymptomUnreachable  = "unreachable"
	SymptomName         = "certificate-name"
	SymptomExpired      = "certificate-expired"
	SymptomAuthority    = "certificate-authority"
	SymptomTLS          = "tls"
	SymptomProtocol     = "alpn"
)

// The kinds of checks that a probe makes, and those that are made of facts.
const (
	KindDNS  = "dns"
	KindTCP  = "tcp"
	KindTLS  = "tls"
	KindALPN = "alpn"

	kindService    = "service"
	kindEndpoint   = "endpoint"
	kindVPCDNS     = "vpc-dns"
	kindPrivateDNS = "private-dns"
	kindZone       = "zone"
	kindRecord     = "record"
)

// scene is all that is known.
type scene struct {
	plan  connection.Plan
	facts connection.Facts
	seen  []connection.Check // by the probe
}

// Of names the cause. The plan has facts; seen are the probe's checks, a failed one with a symptom as its cause.
func Of(plan connection.Plan, at time.Time, seen []connection.Check) connection.Diagnosis {
	s := scene{plan: plan, seen: seen}
	if plan.Diagnosis != nil {
		s.facts = *plan.Diagnosis
	}
	evidence := slices.Concat(s.service(), s.endpoint(), s.names(), s.filters(), s.connections())
	cause, because := first(evidence)
	d := connection.Diagnosis{Cause: cause.Code, Sentence: cause.Says, Next: s.fill(cause.Next), At: at, Evidence: evidence}
	if because != "" {
		d.Sentence += ": " + because
	}
	d.Sentence = strings.TrimSuffix(d.Sentence, ".") + "."
	if s.facts.Endpoint != nil {
		d.EndpointID = s.facts.Endpoint.ID
	}
	return d
}

// first returns the first cause, in the order of Causes, that a failed check names, with what that check says.
func first(evidence []connection.Check) (cause Cause, because string) {
	for _, cause := range Causes {
		for _, check := range evidence {
			if check.Verdict == connection.Fail && check.Cause == cause.Code {
				return cause, said(check)
			}
		}
	}
	code := AllWell
	if slices.ContainsFunc(evidence, func(c connection.Check) bool { return c.Verdict != connection.Pass }) {
		code = Inconclusive
	}
	i := slices.IndexFunc(Causes, func(c Cause) bool { return c.Code == code })
	return Causes[i], ""
}

// said is what a check says; that of a probe's does not repeat its target.
func said(check connection.Check) string {
	switch check.Kind {
	case KindDNS, KindTCP, KindTLS, KindALPN:
		return check.Target + ": " + check.Detail
	}
	return check.Detail
}

func (s scene) fill(text string) string {
	endpoint, zone := "the endpoint", s.plan.DNS.Zone
	if s.facts.Endpoint != nil {
		endpoint = s.facts.Endpoint.ID
	}
	if s.facts.Apart != nil {
		zone = s.facts.Apart.Name + " (" + s.facts.Apart.ID + ")"
	}
	return strings.NewReplacer("{endpoint}", endpoint, "{service}", s.plan.Service.Name, "{account}", s.plan.Network.AccountID,
		"{name}", s.plan.DNS.Hostname, "{vpc}", s.plan.Network.VPCID, "{zone}", cmp.Or(zone, "the hosted zone")).Replace(text)
}

// of returns the probe's checks of a kind.
func (s scene) of(kind string) []connection.Check {
	return slices.DeleteFunc(slices.Clone(s.seen), func(c connection.Check) bool { return c.Kind != kind })
}

// all reports whether the probe made checks of a kind, and all passed.
func (s scene) all(kind string) bool {
	checks := s.of(kind)
	return len(checks) > 0 && !slices.ContainsFunc(checks, func(c connection.Check) bool { return c.Verdict != connection.Pass })
}

func pass(kind, target, detail string) connection.Check {
	return connection.Check{Kind: kind, Target: target, Verdict: connection.Pass, Detail: detail}
}

func unknown(kind, target, detail string) connection.Check {
	return connection.Check{Kind: kind, Target: target, Verdict: connection.Unknown, Detail: detail}
}

func fail(kind, target, code, detail string) connection.Check {
	return connection.Check{Kind: kind, Target: target, Verdict: connection.Fail, Cause: code, Detail: detail}
}
