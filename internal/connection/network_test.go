package connection

import "testing"

func TestNetworks(t *testing.T) {
	t.Parallel()
	networks, err := ParseNetworks(`[
		{"name": "prod", "accountId": "111122223333", "region": "us-east-1", "vpcId": "vpc-1", "probeFunction": "f"},
		{"name": "prod-eu", "region": "eu-west-1", "vpcId": "vpc-1", "endpointQuota": 100}]`)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ region, vpc, want string }{
		{"us-east-1", "vpc-1", "prod"}, {"eu-west-1", "vpc-1", "prod-eu"},
		{"us-east-1", "vpc-2", ""}, {"us-west-2", "vpc-1", ""}, {"", "", ""},
	}
	for _, tt := range tests {
		network, ok := networks.Find(tt.region, tt.vpc)
		if network.Name != tt.want || ok != (tt.want != "") {
			t.Errorf("Find(%s, %s): got %q %v, want %q", tt.region, tt.vpc, network.Name, ok, tt.want)
		}
	}
	for _, raw := range []string{``, `{}`, `[{"name": 1}]`, `[`} {
		if _, err := ParseNetworks(raw); err == nil {
			t.Errorf("ParseNetworks(%q): no error", raw)
		}
	}
}
