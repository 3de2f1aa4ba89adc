package drift

import (
	"errors"
	"testing"

	"postern/internal/connection"
	"postern/internal/endpoint"
)

// Another endpoint that the lists show with private DNS for the same service in the VPC has taken the name: it is for hands.
func TestPrivateDNSOfAnotherEndpoint(t *testing.T) {
	t.Parallel()
	mine := endpoint.Endpoint{ID: "vpce-1", VPCID: "vpc-1", ServiceName: "s", State: connection.StateAvailable}
	for name, test := range map[string]struct {
		change func(*endpoint.Endpoint)
		wanted bool
		hands  bool
	}{
		"taken":                {func(*endpoint.Endpoint) {}, true, true},
		"off there, too":       {func(e *endpoint.Endpoint) { e.PrivateDNSEnabled = false }, true, false},
		"of another service":   {func(e *endpoint.Endpoint) { e.ServiceName = "t" }, true, false},
		"in another VPC":       {func(e *endpoint.Endpoint) { e.VPCID = "vpc-2" }, true, false},
		"it is to be off here": {func(*endpoint.Endpoint) {}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, other := mine, mine
			here.PrivateDNSEnabled = !test.wanted
			other.ID, other.PrivateDNSEnabled = "vpce-2", true
			test.change(&other)
			s := scene{of: &survey{}, want: connection.Expectation{EndpointID: here.ID, VPCID: here.VPCID, PrivateDNS: test.wanted}}
			s.of.endpoints.found = map[string]endpoint.Endpoint{here.ID: here, other.ID: other}
			if differs, err := s.privateDNS(); differs == "" || errors.Is(err, errForHands) != test.hands {
				t.Errorf("%q, %v", differs, err)
			}
		})
	}
}

// Private DNS that is off while a zone answers in its place needs manual repair, whichever of the two was checked in this run.
func TestPrivateDNSBesideAnotherZone(t *testing.T) {
	t.Parallel()
	const detail = "the private DNS of vpce-1 is off"
	for name, test := range map[string]struct {
		wanted, shadowed bool
		hands            bool
	}{
		"with another zone": {true, true, true},
		"without one":       {true, false, false},
		"to be off":         {false, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := []connection.DriftFinding{{DriftAnswer: connection.DriftAnswer{
				Check: connection.CheckPrivateDNS, Result: connection.DriftFound, Detail: detail,
			}}}
			if test.shadowed {
				found = append(found, connection.DriftFinding{DriftAnswer: answer(connection.CheckShadowing, false, "zone")})
			}
			drift := connection.Drift{Findings: found}
			for range 2 {
				taken(connection.Expectation{PrivateDNS: test.wanted}, &drift)
			}
			want := detail
			if test.hands {
				want += besideAnotherZone
			}
			if f := drift.Findings[0]; f.ForHands != test.hands || f.Detail != want {
				t.Errorf("%+v", f)
			}
		})
	}
}
