package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"postern/internal/connection"
	"postern/internal/step"
)

func TestProbePasses(t *testing.T) {
	t.Parallel()
	notAfter := at.AddDate(0, 2, 0)
	sooner := at.AddDate(0, 1, 0)
	for name, test := range map[string]struct {
		mode    Mode
		prepare func(*world, *Input)
		chain   []string
		checks  int
		until   *time.Time
	}{
		"endpoint": {ModeEndpoint, nil, []string{regional}, 5, &notAfter},
		"hostname": {ModeHostname, nil, []string{host, regional}, 5, &notAfter},
		"alias": {ModeHostname, func(w *world, _ *Input) {
			delete(w.zone, dns.Fqdn(host))
			w.answer(host, "A 10.20.1.10", "A 10.20.2.10")
		}, []string{host}, 5, &notAfter},
		"one interface is a subset": {ModeHostname, func(w *world, _ *Input) {
			delete(w.zone, dns.Fqdn(host))
			w.answer(host, "A 10.20.2.10")
		}, []string{host}, 5, &notAfter},
		"the resolver does not follow": {ModeHostname, func(w *world, _ *Input) {
			delete(w.zone, dns.Fqdn(host))
			w.answer(host, "CNAME Middle.Example.")
			w.answer("middle.example", "CNAME "+strings.ToUpper(regional)+".")
		}, []string{host, "middle.example", regional}, 5, &notAfter},
		"with a plain port": {ModeEndpoint, func(w *world, in *Input) {
			in.State.Plan.Probe.Ports = []int{443, 80}
			w.behaviour["10.20.1.10:80"], w.behaviour["10.20.2.10:80"] = closeAtOnce, speaksHTTP
		}, []string{regional}, 7, &notAfter},
		"no TLS at all": {ModeEndpoint, func(w *world, in *Input) { in.State.Plan.Probe.TLSPorts = nil }, []string{regional}, 3, nil},
		"ALPN": {ModeEndpoint, func(w *world, in *Input) {
			in.State.Plan.Probe.ALPN = []string{"h2"}
			h2 := func(_ *x509.Certificate, c *tls.Config) { c.NextProtos = []string{"h2", "http/1.1"} }
			w.behaviour[oneA], w.behaviour[oneB] = w.tls(host, h2), w.tls(host, h2)
		}, []string{regional}, 7, &notAfter},
		"the earliest end counts": {ModeEndpoint, func(w *world, _ *Input) {
			w.behaviour[oneB] = w.tls(host, func(c *x509.Certificate, _ *tls.Config) { c.NotAfter = sooner })
		}, []string{regional}, 5, &sooner},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := newWorld(t), input(test.mode)
			if test.prepare != nil {
				test.prepare(w, &in)
			}
			got, err := w.prober().Probe(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if got.Verdict != connection.Pass || !got.At.Equal(at) || len(got.Checks) != test.checks || len(got.Addresses) == 0 {
				t.Errorf("%+v", got)
			}
			if diff := cmp.Diff(test.chain, got.Chain); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.until, got.NotAfter); diff != "" {
				t.Error(diff)
			}
			for _, check := range got.Checks {
				if check.Verdict != connection.Pass {
					t.Errorf("%+v", check)
				}
			}
			w.dialledOnly(oneA, oneB, "10.20.1.10:80", "10.20.2.10:80")
		})
	}
}

func TestProbeFails(t *testing.T) {
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
	for name, test := range map[string]struct {
		prepare func(*world, *Input)
		says    []string
		not     []string
	}{
		"NXDOMAIN": {
			func(w *world, _ *Input) { w.rcode(host, dns.RcodeNameError) },
			[]string{"1 of 5 checks", "dns " + host, "NXDOMAIN", "cause: dns", "hosted zones"}, []string{"tcp", "tls"},
		},
		"SERVFAIL": {
			func(w *world, _ *Input) { w.rcode(host, dns.RcodeServerFailure) }, []string{"SERVFAIL", "cause: dns"}, []string{"NXDOMAIN"},
		},
		"no address": {redirect(), []string{"resolves to no address", "cause: dns"}, nil},
		"a public address": {redirect(host + ". A 52.1.2.3"), []string{"52.1.2.3, not to the endpoint's 10.20.1.10, 10.20.2.10"},
			[]string{"tcp 52"}},
		"one of them is foreign": {
			redirect(host+". A 10.20.1.10", host+". A 10.1.2.3"), []string{"10.20.1.10, 10.1.2.3, not to"}, []string{"tcp 10.1"},
		},
		"a balancer with the right addresses": {
			redirect(host+". CNAME x.elb.us-east-1.amazonaws.com.", "x.elb.us-east-1.amazonaws.com. A 10.20.1.10"),
			[]string{"x.elb.us-east-1.amazonaws.com, a load balancer"}, nil,
		},
		"a loop":       {redirect(host+". CNAME a.example.", "a.example. CNAME "+host+"."), []string{"cause: dns"}, nil},
		"the metadata": {redirect(host + ". A 169.254.169.254"), []string{"169.254.169.254, not to"}, []string{"tcp 169"}},
		"dropped by all": {func(w *world, _ *Input) { clear(w.behaviour) }, []string{"4 of 5", "tcp " + oneA + " (us-east-1a)",
			"cause: security-group", "sg-1", "443/tcp", "tls " + oneA + " (us-east-1a): unknown, not run"}, []string{"cause: network"}},
		"dropped by one": {func(w *world, _ *Input) { delete(w.behaviour, oneB) }, []string{"2 of 5",
			"tcp " + oneB + " (us-east-1b)", "cause: network", "network ACLs"}, []string{"security-group", "us-east-1a"}},
		"refused":       {both(nil), []string{"was refused", "cause: vendor-allowlist", "vpce-0a1"}, nil},
		"reset":         {both(reset), []string{"closed during the TLS handshake", "cause: vendor-allowlist"}, []string{"tcp"}},
		"closed":        {both(closeAtOnce), []string{"closed during the TLS handshake", "cause: vendor-allowlist"}, nil},
		"another name":  {cert("other.example"), []string{"cause: tls", "other.example"}, []string{"tcp"}},
		"speaks no TLS": {both(speaksHTTP), []string{"cause: tls"}, nil},
		"expired by then": {cert(host, func(c *x509.Certificate, _ *tls.Config) { c.NotAfter = at.Add(-time.Second) }),
			[]string{"cause: tls", "expired"}, nil},
		"not yet valid": {cert(host, func(c *x509.Certificate, _ *tls.Config) { c.NotBefore = at.Add(time.Second) }),
			[]string{"cause: tls"}, nil},
		"only old TLS": {cert(host, func(_ *x509.Certificate, c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}), []string{"cause: tls"}, nil},
		"untrusted": {func(w *world, in *Input) { both(newWorld(w.t).tls(host))(w, in) }, []string{"cause: tls", "unknown authority"},
			nil},
		"no ALPN": {func(_ *world, in *Input) { in.State.Plan.Probe.ALPN = []string{"h2"} }, []string{"alpn " + oneA, "wanted h2",
			"cause: tls"}, []string{"tls 10"}},
		"another protocol": {func(w *world, in *Input) {
			in.State.Plan.Probe.ALPN = []string{"h2"}
			cert(host, func(_ *x509.Certificate, c *tls.Config) { c.NextProtos = []string{"spdy/1"} })(w, in)
		}, []string{"cause: tls", "alpn " + oneA + " (us-east-1a): unknown"}, nil},
		"one port of two": {
			func(_ *world, in *Input) { in.State.Plan.Probe.Ports = []int{443, 8080} }, []string{"10.20.1.10:8080",
				"cause: security-group"},
			[]string{"cause: network", "tcp " + oneA},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := newWorld(t), input(ModeHostname)
			test.prepare(w, &in)
			_, err := w.prober().Probe(t.Context(), in)
			if connection.NameOf(err) != connection.ConnectivityFailed {
				t.Fatalf("%v", err)
			}
			for _, want := range test.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("does not say %q:\n%v", want, err)
				}
			}
			for _, wrong := range test.not {
				if strings.Contains(err.Error(), wrong) {
					t.Errorf("says %q:\n%v", wrong, err)
				}
			}
			w.dialledOnly(oneA, oneB, "10.20.1.10:8080", "10.20.2.10:8080")
		})
	}
}

// A vendor who resets until the endpoint is on his list is waited for, when the profile says that he keeps one, nothing else is wrong,
// and nothing points at the endpoint yet.
func TestProbeOfAnEndpointThatIsNotListed(t *testing.T) {
	t.Parallel()
	each := func(of func(*world) behaviour) func(*world) {
		return func(w *world) { w.behaviour[oneA], w.behaviour[oneB] = of(w), of(w) }
	}
	resets := func(*world) behaviour { return reset }
	for name, test := range map[string]struct {
		prepare func(*world)
		mode    Mode
		list    bool
		want    string
	}{
		"reset":          {each(resets), ModeEndpoint, true, connection.EndpointNotListed},
		"refused":        {each(func(*world) behaviour { return nil }), ModeEndpoint, true, connection.EndpointNotListed},
		"no list":        {each(resets), ModeEndpoint, false, connection.ConnectivityFailed},
		"in use":         {each(resets), ModeHostname, true, connection.ConnectivityFailed},
		"dropped by one": {func(w *world) { each(resets)(w); delete(w.behaviour, oneA) }, ModeEndpoint, true, connection.ConnectivityFailed},
		"another name": {each(func(w *world) behaviour { return w.tls("other.example") }), ModeEndpoint, true,
			connection.ConnectivityFailed},
	} {
		w, in := newWorld(t), input(test.mode)
		in.State.Plan.Gates.Approval.ByConnection = test.list
		test.prepare(w)
		if _, err := w.prober().Probe(t.Context(), in); connection.NameOf(err) != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

// A check that was not run is never a pass, and names no cause.
func TestProbeUnknown(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unused := closed.Addr().String()
	_ = closed.Close() // so that no server listens there
	for name, network := range map[string]func(*world) vpc{
		"no resolver": func(w *world) vpc { return vpc{resolver{unused}, w.gateway()} },
		"no gateway":  func(w *world) vpc { return vpc{resolver{w.resolver()}, unused} },
		"a gateway that speaks no HTTP": func(w *world) vpc {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = listener.Close() })
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					_ = conn.Close()
				}
			}()
			return vpc{resolver{w.resolver()}, listener.Addr().String()}
		},
	} {
		w := newWorld(t)
		_, err := New(network(w), w.roots).Probe(t.Context(), input(ModeHostname))
		if connection.NameOf(err) != connection.ConnectivityFailed || !strings.Contains(err.Error(), ": unknown, ") ||
			strings.Contains(err.Error(), ": failed, ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	w := newWorld(t)
	clear(w.behaviour)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	_, err = w.prober().Probe(stopped, input(ModeHostname))
	if connection.NameOf(err) != connection.ConnectivityFailed || strings.Contains(err.Error(), "security-group") {
		t.Errorf("a probe that was stopped blames an interface: %v", err)
	}
}

// TestResolverUsesTCP: an answer that UDP cut off is asked for again over TCP.
func TestResolverUsesTCP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	delete(w.zone, dns.Fqdn(host))
	var many []string
	for i := range 60 {
		many = append(many, fmt.Sprintf("%s. A 10.20.1.%d", host, i))
	}
	w.answers(host, many...)
	answer, err := resolver{w.resolver()}.lookup(t.Context(), host)
	if err != nil || len(answer.Addresses) != 60 {
		t.Errorf("%d addresses, %v", len(answer.Addresses), err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if diff := cmp.Diff([]string{"udp " + host + ".", "tcp " + host + "."}, w.queries); diff != "" {
		t.Error(diff)
	}
}

func TestResolverLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 12 {
		w.answer(fmt.Sprintf("n%d.example", i), fmt.Sprintf("CNAME n%d.example.", i+1))
	}
	w.answers("odd.example", "odd.example. A 10.0.0.1", "odd.example. A 10.0.0.1", "other.example. A 10.0.0.2",
		`odd.example. TXT "x"`)
	server := w.resolver()
	if _, err := (resolver{server}).lookup(t.Context(), "n0.example"); err == nil || !strings.Contains(err.Error(), "more than 8") {
		t.Errorf("an endless chain: %v", err)
	}
	answer, err := resolver{server}.lookup(t.Context(), "odd.example.")
	want := Answer{Chain: []string{"odd.example"}, Addresses: addresses("10.0.0.1"), Rcode: "NOERROR"}
	if diff := cmp.Diff(want, answer, cmp.Comparer(func(a,
		b Answer) bool {
		return fmt.Sprint(a) == fmt.Sprint(b)
	})); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if r, err := newResolver("127.0.0.1:53"); err != nil || r.server != "127.0.0.1:53" {
		t.Errorf("%v %v", r, err)
	}
}

func TestProbeRefusesToDialOutside(t *testing.T) {
	t.Parallel()
	for _, ip := range []string{"127.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "::1", "localhost", ""} {
		w, in := newWorld(t), input(ModeEndpoint)
		in.State.Availability.Interfaces[0].IP = ip
		if _, err := w.prober().Probe(t.Context(), in); connection.NameOf(err) != connection.Internal || len(w.dialled) > 0 {
			t.Errorf("%q: %v, dialled %v", ip, err, w.dialled)
		}
	}
}

func TestProbeNeedsItsInput(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Input){
		"no plan":      func(in *Input) { in.State.Plan = nil },
		"no endpoint":  func(in *Input) { in.State.Endpoint = nil },
		"not ready":    func(in *Input) { in.State.Availability = nil },
		"no mode":      func(in *Input) { in.Mode = "" },
		"no ports":     func(in *Input) { in.State.Plan.Probe.Ports = nil },
		"no interface": func(in *Input) { in.State.Availability.Interfaces = nil },
		"no name":      func(in *Input) { in.State.Availability.DNSName = "" },
	} {
		in := input(ModeEndpoint)
		change(&in)
		if _, err := New(vpc{}, nil).Probe(t.Context(), in); connection.NameOf(err) != connection.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want fate
	}{
		"none":        {nil, fine},
		"deadline":    {context.DeadlineExceeded, silent},
		"i/o timeout": {&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, silent},
		"SYN timeout": {&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ETIMEDOUT)}, silent},
		"refused":     {&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, closed},
		"reset":       {&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, closed},
		"end":         {fmt.Errorf("handshake: %w", io.ErrUnexpectedEOF), closed},
		"no route":    {&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}, unreachable},
		"certificate": {&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{},
			Host: "h"}}, untrusted},
		"alert from there":     {&net.OpError{Op: "remote error", Err: tls.AlertError(40)}, untrusted},
		"no files left":        {&net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)}, obscure},
		"something of our own": {errors.New("asking the gateway"), obscure},
	} {
		if got := fateOf(test.err); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

// A handshake that gets no answer would take the test its timeout, so it is judged here without running.
func TestSilentHandshake(t *testing.T) {
	t.Parallel()
	s, err := subjectOf(input(ModeEndpoint))
	if err != nil {
		t.Fatal(err)
	}
	got := s.secured(attempt{tls: true, handshake: context.DeadlineExceeded})
	if got.Verdict != connection.Fail || got.Cause != causeNetwork {
		t.Errorf("%+v", got)
	}
	got = s.secured(attempt{tls: true, handshake: context.DeadlineExceeded, unfinished: true})
	if got.Verdict != connection.Unknown || got.Cause != "" {
		t.Errorf("%+v", got)
	}
	got = s.tcp(attempt{dialled: syscall.EHOSTUNREACH}, nil)
	if got.Verdict != connection.Fail || got.Cause != causeNetwork {
		t.Errorf("%+v", got)
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	check := func(verdicts ...connection.Verdict) (all []connection.Check) {
		for _, v := range verdicts {
			all = append(all, connection.Check{Verdict: v})
		}
		return all
	}
	for _, test := range []struct {
		checks []connection.Check
		want   connection.Verdict
	}{
		{check(connection.Pass, connection.Pass), connection.Pass},
		{check(connection.Pass, connection.Unknown), connection.Unknown},
		{check(connection.Unknown, connection.Fail, connection.Pass), connection.Fail},
		{check(connection.Pass, ""), connection.Unknown},
	} {
		if got := verdict(test.checks); got != test.want {
			t.Errorf("%v: %s, want %s", test.checks, got, test.want)
		}
	}
}

// Without a gateway the probe dials by itself.
func TestDialsDirectly(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	there := listener.Addr().(*net.TCPAddr).AddrPort()
	conn, err := vpc{}.Dial(t.Context(), there)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	_ = listener.Close() // now no server listens
	if _, err := (vpc{}).Dial(t.Context(), there); fateOf(err) != closed {
		t.Errorf("%v", err)
	}
}

func runtime(t *testing.T, env map[string]string) step.Runtime {
	t.Helper()
	return step.Runtime{Env: step.NewEnv(func(name string) string { return env[name] }),
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

// The state machine's ResultSelector reads every field: none may be missing, and no list may be null.
func TestFunction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handler, err := Function(runtime(t, map[string]string{
		step.EnvResolver: w.resolver(), step.EnvGateway: w.gateway(), "SSL_CERT_FILE": w.rootsFile(),
	}))
	if err != nil {
		t.Fatal(err)
	}
	in := input(ModeEndpoint)
	in.State.Plan.Probe.TLSPorts = nil
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
	for _, field := range []string{"verdict", "at", "host", "chain", "addresses", "checks", "notAfter"} {
		value, there := got[field]
		if !there || string(value) == "null" && field != "notAfter" {
			t.Errorf("%s: %s", field, value)
		}
	}
	if string(got["notAfter"]) != "null" {
		t.Errorf("notAfter: %s", got["notAfter"])
	}
	w.mu.Lock()
	clear(w.behaviour)
	w.mu.Unlock()
	_, err = handler.Invoke(t.Context(), raw)
	var named messages.InvokeResponse_Error
	if !errors.As(err, &named) || named.Type != connection.ConnectivityFailed {
		t.Errorf("%#v", err)
	}
}

func TestFunctionNeedsItsRoots(t *testing.T) {
	t.Parallel()
	empty := t.TempDir() + "/empty.pem"
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{t.TempDir() + "/absent.pem", empty} {
		env := map[string]string{step.EnvResolver: "127.0.0.1:53", "SSL_CERT_FILE": file}
		if _, err := Function(runtime(t, env)); err == nil || !strings.Contains(err.Error(), "trusted certificates") {
			t.Errorf("%s: %v", file, err)
		}
	}
}
