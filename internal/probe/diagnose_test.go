package probe

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"postern/internal/connection"
	"postern/internal/probe/diagnosis"
	"postern/internal/step"
)

// patient is the input of a diagnosis of a connection that works, by private DNS.
func patient() Input {
	in := input(ModeDiagnose)
	in.State.Endpoint, in.State.Availability = nil, nil
	plan := in.State.Plan
	plan.DNS.Mode, plan.Service.Visible = connection.ModeVendorPrivateDNS, true
	plan.Diagnosis = &connection.Facts{DNSSupport: true, DNSHostnames: true, Endpoint: &connection.EndpointFacts{
		ID: "vpce-0a1", Ours: true, State: connection.StateAvailable, PrivateDNSEnabled: true, Names: []string{regional},
		Interfaces: []connection.NetworkInterface{{ID: "eni-a", AZ: "us-east-1a", IP: "10.20.1.10"}, {ID: "eni-b", AZ: "us-east-1b", IP: "10.20.2.10"}},
	}}
	return in
}

// Every symptom differs from every other, and none is an error.
func TestDiagnose(t *testing.T) {
	t.Parallel()
	redirect := func(records ...string) func(*world, *Input) {
		return func(w *world, _ *Input) {
			delete(w.zone, dns.Fqdn(host))
			w.answers(host, records...)
		}
	}
	both := func(b behaviour) func(*world, *Input) {
		return func(w *world, _ *Input) { w.behaviour[oneA], w.behaviour[oneB] = b, b }
	}
	cert := func(name string, change ...func(*x509.Certificate, *tls.Config)) func(*world, *Input) {
		return func(w *world, in *Input) { both(w.tls(name, change...))(w, in) }
	}
	http2 := func(protocols ...string) func(*world, *Input) {
		return func(w *world, in *Input) {
			in.State.Plan.Probe.ALPN = []string{"h2"}
			cert(host, func(_ *x509.Certificate, c *tls.Config) { c.NextProtos = protocols })(w, in)
		}
	}
	const balancer = "x.elb.us-east-1.amazonaws.com."
	for name, test := range map[string]struct {
		change func(*world, *Input)
		want   string
	}{
		"it works":                      {func(*world, *Input) {}, diagnosis.AllWell},
		"it works over h2":              {http2("h2"), diagnosis.AllWell},
		"NXDOMAIN":                      {func(w *world, _ *Input) { w.rcode(host, dns.RcodeNameError) }, diagnosis.NameUnresolved},
		"SERVFAIL":                      {func(w *world, _ *Input) { w.rcode(host, dns.RcodeServerFailure) }, diagnosis.NameUnresolved},
		"no address":                    {redirect(), diagnosis.NameUnresolved},
		"a private address":             {redirect(host + ". A 10.1.2.3"), diagnosis.NameElsewhere},
		"a load balancer":               {redirect(host+". CNAME "+balancer, balancer+" A 10.1.2.3"), diagnosis.LoadBalancer},
		"a balancer with our addresses": {redirect(host+". CNAME "+balancer, balancer+" A 10.20.1.10"), diagnosis.LoadBalancer},
		"dropped by all":                {func(w *world, _ *Input) { clear(w.behaviour) }, diagnosis.NoAnswer},
		"dropped by one":                {func(w *world, _ *Input) { delete(w.behaviour, oneB) }, diagnosis.ZoneDown},
		"refused":                       {both(nil), diagnosis.PortClosed},
		"reset":                         {both(reset), diagnosis.VendorReset},
		"closed":                        {both(closeAtOnce), diagnosis.VendorReset},
		"speaks no TLS":                 {both(speaksHTTP), diagnosis.TLSFailed},
		"another name":                  {cert("other.example"), diagnosis.CertificateName},
		"untrusted":                     {func(w *world, in *Input) { both(newWorld(w.t).tls(host))(w, in) }, diagnosis.CertificateAuthority},
		"expired": {cert(host, func(c *x509.Certificate, _ *tls.Config) { c.NotAfter = at.Add(-time.Second) }),
			diagnosis.CertificateExpired},
		"not yet valid": {cert(host, func(c *x509.Certificate, _ *tls.Config) { c.NotBefore = at.Add(time.Second) }),
			diagnosis.CertificateExpired},
		"only old TLS": {cert(host, func(_ *x509.Certificate, c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}), diagnosis.TLSFailed},
		"no protocol":      {http2(), diagnosis.ALPN},
		"another protocol": {http2("http/1.1"), diagnosis.ALPN},
		"no endpoint":      {func(_ *world, in *Input) { in.State.Plan.Diagnosis.Endpoint = nil }, diagnosis.NoEndpoint},
		"no interface":     {func(_ *world, in *Input) { in.State.Plan.Diagnosis.Endpoint.Interfaces = nil }, diagnosis.Inconclusive},
		"not accepted": {func(w *world, in *Input) {
			clear(w.behaviour)
			in.State.Plan.Diagnosis.Endpoint.State = connection.StatePendingAcceptance
		}, diagnosis.EndpointNotAccepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := newWorld(t), patient()
			test.change(w, &in)
			got, err := w.prober().Diagnose(t.Context(), in)
			if err != nil || got.Cause != test.want || !got.At.Equal(at) {
				t.Errorf("got %s: %s, %v; want %s\n%+v", got.Cause, got.Sentence, err, test.want, got.Evidence)
			}
			w.dialledOnly(oneA, oneB)
		})
	}
}

// Names of zones and wildcards are looked at as the verification does.
func TestDiagnoseSeveralNames(t *testing.T) {
	t.Parallel()
	w, in := newWorld(t), patient()
	several(w, &in)
	got, err := w.prober().Diagnose(t.Context(), in)
	if err != nil || got.Cause != diagnosis.AllWell {
		t.Errorf("%s: %s, %v", got.Cause, got.Sentence, err)
	}
	delete(w.zone, "b."+domain+".")
	got, err = w.prober().Diagnose(t.Context(), in)
	failed := func(c connection.Check) bool { return c.Kind == "dns" && c.Verdict == connection.Fail }
	i := slices.IndexFunc(got.Evidence, failed)
	if err != nil || i < 0 || got.Evidence[i].Target != "b."+domain {
		t.Errorf("%+v, %v", got, err)
	}
}

// Without an endpoint there is nothing to compare an address with.
func TestDiagnoseWithoutEndpointBlamesNoName(t *testing.T) {
	t.Parallel()
	w, in := newWorld(t), patient()
	in.State.Plan.Diagnosis.Endpoint = nil
	got, err := w.prober().Diagnose(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range got.Evidence {
		if (check.Kind == "dns" || check.Kind == "tcp") && check.Verdict != connection.Unknown {
			t.Errorf("%+v", check)
		}
	}
	w.dialledOnly()
}

func TestDiagnoseNeedsItsInput(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Input){
		"no plan":  func(in *Input) { in.State.Plan = nil },
		"no facts": func(in *Input) { in.State.Plan.Diagnosis = nil },
		"an address of the machine itself": func(in *Input) {
			in.State.Plan.Diagnosis.Endpoint.Interfaces[0].IP = "127.0.0.1"
		},
		"the metadata service": func(in *Input) { in.State.Plan.Diagnosis.Endpoint.Interfaces[0].IP = "169.254.169.254" },
		"no address":           func(in *Input) { in.State.Plan.Diagnosis.Endpoint.Interfaces[0].IP = "eni-a" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := newWorld(t), patient()
			change(&in)
			if _, err := w.prober().Diagnose(t.Context(), in); connection.NameOf(err) != connection.Internal {
				t.Errorf("got %v", err)
			}
			w.dialledOnly()
		})
	}
}

// The state machine's ResultSelector reads every field.
func TestFunctionDiagnoses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	clear(w.behaviour)
	handler, err := Function(runtime(t, map[string]string{
		step.EnvResolver: w.resolver(), step.EnvGateway: w.gateway(), "SSL_CERT_FILE": w.rootsFile(),
	}))
	if err != nil {
		t.Fatal(err)
	}
	in := patient()
	in.State.Plan.Diagnosis.Endpoint = nil
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := handler.Invoke(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]json.RawMessage
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"cause", "sentence", "next", "at", "endpointId", "evidence"} {
		if value, there := got[field]; !there || string(value) == "null" {
			t.Errorf("%s: %s", field, value)
		}
	}
}
