package drift

import (
	"fmt"
	"slices"
	"strings"

	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/store"
)

// shallow returns the answers that lists give.
func shallow(link store.Link, s *survey) []connection.DriftAnswer {
	if s.endpoints.err != nil {
		return unknown(s.endpoints.err, connection.CheckEndpointState, connection.CheckEndpoint, connection.CheckService,
			connection.CheckSubnets, connection.CheckPrivateDNS, connection.CheckTags)
	}
	want, have := link.Expects, s.endpoints.found[link.Expects.EndpointID]
	if have.State == connection.StateDeleted || have.VPCID != want.VPCID {
		return []connection.DriftAnswer{answer(connection.CheckEndpoint, false, "%s is not in %s any more", want.EndpointID, want.VPCID)}
	}
	return []connection.DriftAnswer{
		answer(connection.CheckEndpoint, true, ""),
		answer(connection.CheckEndpointState, have.State == connection.StateAvailable, "%s is %s%s", have.ID, have.State, because(have)),
		answer(connection.CheckService, have.ServiceName == want.ServiceName, "%s reaches %s instead of %s", have.ID, have.ServiceName,
			want.ServiceName),
		answer(connection.CheckSubnets, same(have.SubnetIDs, want.SubnetIDs), "%s is in %s instead of %s", have.ID,
			strings.Join(have.SubnetIDs, ", "), strings.Join(want.SubnetIDs, ", ")),
		answer(connection.CheckPrivateDNS, have.PrivateDNSEnabled == want.PrivateDNS, "the private DNS of %s is %s", have.ID,
			map[bool]string{true: "on", false: "off"}[have.PrivateDNSEnabled]),
		answer(connection.CheckTags, have.Connection() == link.ConnectionID, "%s does not carry the tags of this connection", have.ID),
	}
}

func because(e endpoint.Endpoint) string {
	if e.Reason == "" {
		return ""
	}
	return ": " + e.Reason
}

func same(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// answer is ok, or drift with its detail.
func answer(check connection.DriftCheck, ok bool, format string, args ...any) connection.DriftAnswer {
	if ok {
		return connection.DriftAnswer{Check: check, Result: connection.DriftOK}
	}
	return connection.DriftAnswer{Check: check, Result: connection.DriftFound, Detail: fmt.Sprintf(format, args...)}
}

// unknown answers checks whose read failed.
func unknown(err error, checks ...connection.DriftCheck) []connection.DriftAnswer {
	var answers []connection.DriftAnswer
	for _, check := range checks {
		answers = append(answers, connection.DriftAnswer{Check: check, Result: connection.DriftUnknown, Detail: err.Error()})
	}
	return answers
}
