package probe

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"postern/internal/connection"
)

const (
	host     = "artemis.privatelink.getmontecarlo.com"
	regional = "vpce-0a1-abcd.vpce-svc-9.us-east-1.vpce.amazonaws.com"
	oneA     = "10.20.1.10:443"
	oneB     = "10.20.2.10:443"
)

var at = time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)

// behaviour is what happens to a connection after the gateway has carried it.
type behaviour func(net.Conn)

// world is a network on loopback: a real DNS server, a gateway, and a vendor behind it.
type world struct {
	t *testing.T

	mu        sync.Mutex
	zone      map[string]func(*dns.Msg) // by name as asked
	behaviour map[string]behaviour      // by address and port; nil is refused, absent gets no answer
	dialled   []string
	queries   []string

	roots *x509.CertPool
	ca    *x509.Certificate
	key   *ecdsa.PrivateKey
	pem   []byte
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, zone: map[string]func(*dns.Msg){}, behaviour: map[string]behaviour{}, roots: x509.NewCertPool()}
	w.key = newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test root"}, NotBefore: at.AddDate(-1, 0, 0),
		NotAfter: at.AddDate(9, 0, 0),
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &w.key.PublicKey, w.key)
	if err != nil {
		t.Fatal(err)
	}
	if w.ca, err = x509.ParseCertificate(raw); err != nil {
		t.Fatal(err)
	}
	w.roots.AddCert(w.ca)
	w.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
	w.answer(regional, "A 10.20.1.10", "A 10.20.2.10")
	w.answer(host, "CNAME "+regional)
	w.answers(host, regional+". A 10.20.1.10", regional+". A 10.20.2.10")
	w.behaviour[oneA], w.behaviour[oneB] = w.tls(host), w.tls(host)
	return w
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// answer makes a name answer with records of its own; answers adds records of any name. Both replace nothing.
func (w *world) answer(name string, records ...string) {
	for i := range records {
		records[i] = dns.Fqdn(name) + " " + records[i]
	}
	w.answers(name, records...)
}

func (w *world) answers(name string, records ...string) {
	before := w.zone[dns.Fqdn(name)]
	w.zone[dns.Fqdn(name)] = func(reply *dns.Msg) {
		if before != nil {
			before(reply)
		}
		for _, text := range records {
			record, err := dns.NewRR(text)
			if err != nil {
				w.t.Error(err)
			}
			reply.Answer = append(reply.Answer, record)
		}
	}
}

func (w *world) rcode(name string, rcode int) {
	w.zone[dns.Fqdn(name)] = func(reply *dns.Msg) { reply.Rcode = rcode }
}

// resolver starts the DNS server, UDP and TCP on one port, and returns its address.
func (w *world) resolver() string {
	w.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	packets, err := net.ListenPacket("udp", listener.Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, server := range []*dns.Server{{PacketConn: packets}, {Listener: listener}} {
		started := make(chan struct{})
		server.Handler, server.NotifyStartedFunc = dns.HandlerFunc(w.serveDNS), func() { close(started) }
		go func() { _ = server.ActivateAndServe() }() // ends with Shutdown
		<-started
		w.t.Cleanup(func() { _ = server.Shutdown() })
	}
	return listener.Addr().String()
}

func (w *world) serveDNS(to dns.ResponseWriter, request *dns.Msg) {
	reply := new(dns.Msg).SetReply(request)
	name := request.Question[0].Name
	_, udp := to.RemoteAddr().(*net.UDPAddr)
	w.mu.Lock()
	w.queries = append(w.queries, to.RemoteAddr().Network()+" "+name)
	fill, known := w.zone[dns.CanonicalName(name)]
	w.mu.Unlock()
	if known {
		fill(reply)
	} else {
		reply.Rcode = dns.RcodeNameError
	}
	if udp {
		reply.Truncate(dns.MinMsgSize)
	}
	_ = to.WriteMsg(reply) // a client that went away gets no answer
}

// gateway starts the CONNECT gateway and returns its address.
func (w *world) gateway() string {
	w.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(w.connect), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // ends with Close
	w.t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

func (w *world) connect(to http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.dialled = append(w.dialled, r.Host)
	behave, known := w.behaviour[r.Host]
	w.mu.Unlock()
	switch {
	case r.Method != http.MethodConnect:
		to.WriteHeader(http.StatusBadRequest)
		return
	case !known:
		to.WriteHeader(http.StatusGatewayTimeout)
		return
	case behave == nil:
		to.WriteHeader(http.StatusBadGateway)
		return
	}
	conn, buffered, err := http.NewResponseController(to).Hijack()
	if err != nil {
		w.t.Error(err)
		return
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return // the probe is gone
	}
	behave(carried{conn, buffered.Reader})
}

type carried struct {
	net.Conn
	from *bufio.Reader
}

func (c carried) Read(b []byte) (int, error) { return c.from.Read(b) }

// tls is a vendor that shows a certificate for a name.
func (w *world) tls(name string, change ...func(*x509.Certificate, *tls.Config)) behaviour {
	key := newKey(w.t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: at.AddDate(0, -1, 0),
		NotAfter: at.AddDate(0, 2, 0), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	for _, c := range change {
		c(template, config)
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, w.ca, &key.PublicKey, w.key)
	if err != nil {
		w.t.Fatal(err)
	}
	config.Certificates = []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}
	return func(conn net.Conn) {
		_, _ = io.Copy(io.Discard, tls.Server(conn, config)) // until the probe hangs up
	}
}

// reset takes what the probe says first and breaks the connection.
func reset(conn net.Conn) {
	_, _ = conn.Read(make([]byte, 1))
	if inner, ok := conn.(carried).Conn.(*net.TCPConn); ok {
		_ = inner.SetLinger(0) // closing sends RST
	}
}

func closeAtOnce(net.Conn) {}

func speaksHTTP(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n") }

func (w *world) prober() *Prober {
	return New(vpc{resolver: resolver{w.resolver()}, gateway: w.gateway()}, w.roots)
}

func (w *world) rootsFile() string {
	file := filepath.Join(w.t.TempDir(), "roots.pem")
	if err := os.WriteFile(file, w.pem, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return file
}

// input is what the state machine hands over: an endpoint in two zones that speaks TLS on 443.
func input(mode Mode) Input {
	plan := connection.Plan{
		ConnectionID: "monte-carlo/prod", DNS: connection.DNSPlan{Hostname: host},
		Network: connection.Network{SecurityGroupIDs: []string{"sg-1"}},
		Probe:   connection.ProbePlan{Ports: []int{443}, TLSPorts: []int{443}, SNI: host},
	}
	return Input{Mode: mode, Input: connection.Input{EnteredAt: at, State: connection.State{
		Plan: &plan, Endpoint: &connection.Endpoint{ID: "vpce-0a1"},
		Availability: &connection.Availability{DNSName: regional, Interfaces: []connection.NetworkInterface{
			{ID: "eni-a", AZ: "us-east-1a", IP: "10.20.1.10"}, {ID: "eni-b", AZ: "us-east-1b", IP: "10.20.2.10"},
		}},
	}}}
}

// dialledOnly fails the test when anything but these addresses was dialled.
func (w *world) dialledOnly(addresses ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, address := range w.dialled {
		if !slices.Contains(addresses, address) {
			w.t.Errorf("%s was dialled", address)
		}
	}
}

func addresses(texts ...string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}
