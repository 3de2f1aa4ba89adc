package filter

import (
	"slices"
	"testing"

	"postern/internal/endpoint"
)

func TestUncovered(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		clients, allowed, want []string
	}{
		"the same":            {[]string{"10.0.0.0/16"}, []string{"10.0.0.0/16"}, nil},
		"inside":              {[]string{"10.0.3.0/24"}, []string{"10.0.0.0/16"}, nil},
		"two halves":          {[]string{"10.0.0.0/16"}, []string{"10.0.128.0/17", "10.0.0.0/17"}, nil},
		"pieces":              {[]string{"10.0.0.0/22"}, []string{"10.0.0.0/24", "10.0.2.0/23", "10.0.1.0/24"}, nil},
		"one piece missing":   {[]string{"10.0.0.0/22"}, []string{"10.0.0.0/24", "10.0.2.0/23"}, []string{"10.0.0.0/22"}},
		"one address missing": {[]string{"10.0.0.0/30"}, []string{"10.0.0.0/31", "10.0.0.2/32"}, []string{"10.0.0.0/30"}},
		"each address":        {[]string{"10.0.0.0/31"}, []string{"10.0.0.0/32", "10.0.0.1/32"}, nil},
		"larger":              {[]string{"10.0.0.0/8"}, []string{"10.0.0.0/16"}, []string{"10.0.0.0/8"}},
		"elsewhere":           {[]string{"10.0.0.0/16", "10.1.0.0/16"}, []string{"10.1.0.0/16"}, []string{"10.0.0.0/16"}},
		"everything":          {[]string{"10.0.0.0/16", "192.0.2.1/32"}, []string{"0.0.0.0/0"}, nil},
		"everything of IPv6":  {[]string{"10.0.0.0/16"}, []string{"::/0", "fd00::/8"}, []string{"10.0.0.0/16"}},
		"nothing":             {[]string{"10.0.0.0/16"}, nil, []string{"10.0.0.0/16"}},
		"the whole range":     {[]string{"0.0.0.0/0"}, []string{"0.0.0.0/1", "128.0.0.0/1"}, nil},
		"host bits set":       {[]string{"10.0.0.0/24"}, []string{"10.0.0.7/16"}, nil},
	}
	for name, tt := range tests {
		if got := Uncovered(Blocks(tt.clients), Blocks(tt.allowed)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rule endpoint.Rule
		want bool
	}{
		"the port":        {tcp(443, 443), true},
		"a range":         {tcp(400, 500), true},
		"its end":         {tcp(80, 443), true},
		"before":          {tcp(80, 442), false},
		"after":           {tcp(444, 500), false},
		"by number":       {endpoint.Rule{Protocol: "6", FromPort: 443, ToPort: 443}, true},
		"every protocol":  {endpoint.Rule{Protocol: "-1"}, true},
		"every TCP port":  {tcp(-1, -1), true},
		"udp":             {endpoint.Rule{Protocol: "udp", FromPort: 443, ToPort: 443}, false},
		"icmp":            {endpoint.Rule{Protocol: "icmp", FromPort: -1, ToPort: -1}, false},
		"an empty string": {endpoint.Rule{FromPort: 443, ToPort: 443}, false},
	}
	for name, tt := range tests {
		if got := matches(tt.rule, 443); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

func TestBeyond(t *testing.T) {
	t.Parallel()
	rules := []endpoint.Rule{
		tcp(443, 443, "10.0.0.0/16"), tcp(443, 444, "10.0.0.0/16"), tcp(22, 22, "10.0.0.0/16"),
		tcp(443, 443, "10.0.0.0/15", "10.0.1.0/24"), tcp(443, 443, "0.0.0.0/0"), {Protocol: "-1"},
		{Protocol: "udp", FromPort: 53, ToPort: 53}, {Protocol: "icmp", FromPort: -1, ToPort: -1}, tcp(1, 65535, "10.0.0.0/16"),
	}
	want := []string{
		"sg-1: 443-444/tcp", "sg-1: 22/tcp", "sg-1: 443/tcp from 10.0.0.0/15", "sg-1: every protocol and port", "sg-1: 53/udp",
		"sg-1: protocol icmp", "sg-1: 1-65535/tcp",
	}
	got := Beyond([]endpoint.SecurityGroup{{ID: "sg-1", Inbound: rules}}, []int{443}, Blocks([]string{"10.0.0.0/16"}))
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	exact := []endpoint.SecurityGroup{{ID: "sg-1", Inbound: []endpoint.Rule{tcp(443, 444)}}}
	if got := Beyond(exact, []int{443, 444}, nil); got != nil {
		t.Errorf("a range of exactly the ports: got %q", got)
	}
}

func tcp(from, to int, cidrs ...string) endpoint.Rule {
	return endpoint.Rule{Protocol: "tcp", FromPort: from, ToPort: to, CIDRs: cidrs}
}
