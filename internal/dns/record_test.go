package dns

import (
	"testing"

	"postern/internal/connection"
)

// An endpoint's own name is known in every partition, and nothing that only looks like one.
func TestNamesOfEndpoints(t *testing.T) {
	t.Parallel()
	const prefix = "vpce-0a1-abcd.vpce-svc-9."
	for name, want := range map[string]bool{
		prefix + "us-east-1.vpce.amazonaws.com": true, prefix + "cn-north-1.vpce.amazonaws.com.cn": true, prefix + "us-gov-west-1.vpce.amazonaws.com": true,
		prefix + "eusc-de-east-1.vpce.amazonaws.eu": true, prefix + "us-iso-east-1.vpce.c2s.ic.gov": true, prefix + "us-isob-east-1.vpce.sc2s.sgov.gov": true,
		prefix + "eu-isoe-west-1.vpce.cloud.adc-e.uk": true, prefix + "us-isof-south-1.vpce.csp.hci.ic.gov": true,
		prefix + "us-east-1.vpce.amazonaws.com.example": false, "elb.us-east-1.vpce.amazonaws.com": false, prefix + "us-east-1.vpce.amazonaws.org": false,
	} {
		record := write(connection.Record{Name: host, Type: connection.RecordCNAME, Value: name, TTL: 60})
		if _, got := read(record); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
