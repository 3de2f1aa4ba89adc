package connection

import "testing"

// What was made by hand and kept is no drift.
func TestExpectKeepsWhatWasMadeByHand(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode     string
		endpoint Endpoint
		kept     bool
		want     bool
	}{
		"a zone of ours":                             {mode: ModePrivateHostedZone},
		"a zone of ours beside private DNS":          {mode: ModePrivateHostedZone, endpoint: Endpoint{Adopted: true, PrivateDNSEnabled: true}, want: true},
		"private DNS":                                {mode: ModeVendorPrivateDNS, want: true},
		"a zone made by hand instead of private DNS": {mode: ModeVendorPrivateDNS, endpoint: Endpoint{Adopted: true}, kept: true},
		"private DNS, on before":                     {mode: ModeVendorPrivateDNS, endpoint: Endpoint{Adopted: true, PrivateDNSEnabled: true}, want: true},
	} {
		ledger := Ledger{Plan: Plan{DNS: DNSPlan{Mode: test.mode}}, Endpoint: test.endpoint, DNS: DNS{Kept: test.kept}}
		if got := ledger.Expect().PrivateDNS; got != test.want {
			t.Errorf("%s: private DNS expected %v", name, got)
		}
	}
}
