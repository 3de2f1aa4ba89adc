package probe

import (
	"fmt"
	"slices"
	"strings"

	"postern/internal/connection"
)

// The kinds of check.
const (
	kindDNS  = "dns"
	kindTCP  = "tcp"
	kindTLS  = "tls"
	kindALPN = "alpn"
)

// The causes of a failed check.
const (
	causeDNS       = "dns"
	causeGroup     = "security-group"
	causeNetwork   = "network"
	causeAllowlist = "vendor-allowlist"
	causeTLS       = "tls"
)

const notRun = "not run: no connection"

// checks judges the attempts together: the answer of one interface is only understood with those of the others.
func (s subject) checks(attempts []attempt) []connection.Check {
	var checks []connection.Check
	for _, a := range attempts {
		checks = append(checks, s.tcp(a, attempts))
		if !a.tls {
			continue
		}
		checks = append(checks, s.secured(a))
		if len(s.plan.ALPN) > 0 {
			checks = append(checks, s.negotiated(a))
		}
	}
	return checks
}

func (s subject) tcp(a attempt, all []attempt) connection.Check {
	check := connection.Check{Kind: kindTCP, Target: a.address.String(), Verdict: connection.Fail}
	switch fateOf(a.dialled) {
	case fine:
		check.Verdict = connection.Pass
	case silent:
		check.Cause, check.Detail = causeOfSilence(a, all), fmt.Sprintf("no answer within %s", dialTimeout)
	case closed:
		check.Cause, check.Detail = causeAllowlist, "the connection was refused"
	case unreachable:
		check.Cause, check.Detail = causeNetwork, "unreachable"
	default:
		check.Verdict, check.Detail = connection.Unknown, a.dialled.Error()
	}
	return s.stopped(a, check)
}

// causeOfSilence distinguishes a security group from a network ACL or a route: the group is the endpoint's and drops on every interface
// alike, the others belong to one subnet.
func causeOfSilence(a attempt, all []attempt) string {
	answered := slices.ContainsFunc(all, func(other attempt) bool {
		return other.address.Port() == a.address.Port() && fateOf(other.dialled) != silent
	})
	if answered {
		return causeNetwork
	}
	return causeGroup
}

func (s subject) secured(a attempt) connection.Check {
	check := connection.Check{Kind: kindTLS, Target: a.address.String(), Verdict: connection.Fail}
	if a.dialled != nil {
		check.Verdict, check.Detail = connection.Unknown, notRun
		return check
	}
	switch fateOf(a.handshake) {
	case fine:
		check.Verdict = connection.Pass
		check.Detail = fmt.Sprintf("certificate for %s until %s", s.plan.SNI, a.notAfter.UTC().Format("2006-01-02"))
	case closed:
		check.Cause, check.Detail = causeAllowlist, "the connection was closed during the TLS handshake"
	case silent:
		check.Cause, check.Detail = causeNetwork, fmt.Sprintf("the TLS handshake got no answer within %s", handshakeTimeout)
	case untrusted:
		check.Cause, check.Detail = causeTLS, a.handshake.Error()
	default:
		check.Verdict, check.Detail = connection.Unknown, a.handshake.Error()
	}
	return s.stopped(a, check)
}

func (s subject) negotiated(a attempt) connection.Check {
	wanted := strings.Join(s.plan.ALPN, ", ")
	check := connection.Check{Kind: kindALPN, Target: a.address.String(), Verdict: connection.Pass, Detail: a.protocol}
	switch {
	case a.dialled != nil || a.handshake != nil:
		check.Verdict, check.Detail = connection.Unknown, notRun
	case a.protocol == "":
		check.Verdict, check.Cause, check.Detail = connection.Fail, causeTLS, "no protocol was negotiated, wanted "+wanted
	}
	return check
}

// stopped makes a failure unknown when the probe itself gave up.
func (s subject) stopped(a attempt, check connection.Check) connection.Check {
	if a.unfinished && check.Verdict == connection.Fail {
		check.Verdict, check.Cause, check.Detail = connection.Unknown, "", "not finished: the function ran out of time"
	}
	return check
}
