package probe

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/internal/connection"
)

// report says, for a person, which checks did not pass, why most likely, and what to do. Checks that fail alike are one line.
func (s subject) report(checks []connection.Check) string {
	var failed []connection.Check
	for _, check := range checks {
		if check.Verdict != connection.Pass {
			failed = append(failed, check)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s does not pass the probe from inside the VPC: %d of %d checks did not pass.", s.host, len(failed),
		len(checks))
	var causes []string
	for _, check := range failed {
		line := fmt.Sprintf("\n- %s %s%s: %s, %s", check.Kind, check.Target, s.where(check.Target), word(check.Verdict), check.Detail)
		if check.Cause != "" {
			line += "; most likely cause: " + check.Cause
		}
		b.WriteString(line)
		if check.Cause != "" && !slices.Contains(causes, check.Cause) {
			causes = append(causes, check.Cause)
		}
	}
	for _, cause := range causes {
		b.WriteString("\nNext (" + cause + "): " + s.remedy(cause))
	}
	return b.String()
}

func word(v connection.Verdict) string {
	if v == connection.Fail {
		return "failed"
	}
	return "unknown"
}

// where names the Availability Zone of a target, when it is an interface's.
func (s subject) where(target string) string {
	address, err := netip.ParseAddrPort(target)
	if zone := s.zones[address.Addr()]; err == nil && zone != "" {
		return " (" + zone + ")"
	}
	return ""
}

// remedy is what to do about a cause.
func (s subject) remedy(cause string) string {
	switch cause {
	case causeDNS:
		if s.mode == ModeEndpoint {
			return "look at the VPC's DNS attributes (enableDnsSupport) and at Resolver rules for amazonaws.com."
		}
		return fmt.Sprintf("look at the hosted zones and Resolver rules that answer for %s in the VPC; a negative answer may still be "+
			"cached.", s.host)
	case causeGroup:
		return fmt.Sprintf("let the clients in on %s in the endpoint's security groups (%s), and out in the clients' own.", s.ports(),
			strings.Join(s.groups, ", "))
	case causeNetwork:
		return "look at the network ACLs and routes of the subnets in the zones named above: other zones answer, or answer in part."
	case causeAllowlist:
		return fmt.Sprintf("ask the vendor whether endpoint %s is accepted and allow-listed on their side, and whether their targets "+
			"are healthy.", s.endpointID)
	default:
		return fmt.Sprintf("ask the vendor which certificate they show for %s on this service; look for a TLS-inspecting device in "+
			"the VPC.", s.plan.SNI)
	}
}

func (s subject) ports() string {
	texts := make([]string, len(s.plan.Ports))
	for i, port := range s.plan.Ports {
		texts[i] = fmt.Sprintf("%d/tcp", port)
	}
	return strings.Join(texts, ", ")
}
