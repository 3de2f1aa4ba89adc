package probe

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
)

const domain = "4kgzg.us-east-1.aws.confluent.cloud"

// several makes the plan one of a zone with wildcards and names of zones, and the world answer them all.
func several(w *world, in *Input) {
	plan := in.State.Plan
	plan.DNS = connection.DNSPlan{
		Mode: connection.ModePrivateHostedZone, Hostname: host, Zone: domain, Records: []connection.NameRecord{
			{Name: host, Type: connection.RecordCNAME}, {Name: "*." + domain, Type: connection.RecordCNAME},
			{Name: "*.use1-az4." + domain, Type: connection.RecordCNAME, AZID: "use1-az4"},
			{Name: "b." + domain, Type: connection.RecordAlias, AZID: "use1-az6"},
		},
	}
	// Zone ids that are not in the order of the names.
	plan.Network.Subnets = []connection.Subnet{{AZ: "us-east-1b", AZID: "use1-az4"}, {AZ: "us-east-1a", AZID: "use1-az6"}}
	w.answer("postern-probe."+domain, "A 10.20.1.10", "A 10.20.2.10")
	w.answer("postern-probe.use1-az4."+domain, "A 10.20.2.10")
	w.answer("b."+domain, "A 10.20.1.10")
}

func TestProbeResolvesEveryName(t *testing.T) {
	t.Parallel()
	w, in := newWorld(t), input(ModeHostname)
	several(w, &in)
	got, err := w.prober().Probe(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, check := range got.Checks {
		if check.Kind == "dns" {
			names = append(names, check.Target)
		}
	}
	want := []string{host, "postern-probe." + domain, "postern-probe.use1-az4." + domain, "b." + domain}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{host, regional}, got.Chain); diff != "" {
		t.Errorf("the chain is not the host's (-want +got)\n%s", diff)
	}
	// Before DNS is set up there is nothing to resolve but the endpoint's own name.
	in.Mode = ModeEndpoint
	if got, err = w.prober().Probe(t.Context(), in); err != nil || got.Checks[1].Kind == "dns" {
		t.Errorf("before DNS: %+v, %v", got.Checks, err)
	}
}

func TestProbeFailsForOneNameOfMany(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		asked string
		says  string
		to    []string
	}{
		"no wildcard": {"postern-probe." + domain, "dns postern-probe." + domain + ": failed, the name does not exist", nil},
		"the wrong zone": {"b." + domain, "dns b." + domain + ": failed, it resolves to 10.20.2.10, not to the endpoint's 10.20.1.10",
			[]string{"A 10.20.2.10"}},
		"all zones":         {"postern-probe.use1-az4." + domain, "10.20.1.10, not to the endpoint's 10.20.2.10", []string{"A 10.20.1.10"}},
		"a manual wildcard": {"postern-probe." + domain, "10.9.9.9", []string{"A 10.9.9.9"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := newWorld(t), input(ModeHostname)
			several(w, &in)
			delete(w.zone, test.asked+".")
			if test.to != nil {
				w.answer(test.asked, test.to...)
			}
			_, err := w.prober().Probe(t.Context(), in)
			if connection.NameOf(err) != connection.ConnectivityFailed || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v", err)
			}
			if !strings.Contains(err.Error(), "1 of 8 checks did not pass") {
				t.Errorf("the other names failed too: %v", err)
			}
		})
	}
}
