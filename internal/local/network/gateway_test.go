package network_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"postern/internal/local/network"
	"postern/internal/local/privatelink"
)

// client is the source of connections in the tests: in subnet C, so that network ACLs matter.
func client() network.Source {
	return network.Source{
		VPCID: vpc, SubnetID: subnetC, IP: "10.20.3.99", SecurityGroupIDs: []string{privatelink.SmallClientGroup},
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		world   func(*cloud)
		source  func(*network.Source)
		address string
		port    int
		want    network.Outcome
		reason  string
	}{
		{"works", nil, nil, addressA, 443, network.Connected, ""},
		{"address of no endpoint", nil, nil, "10.1.0.7", 443, network.Dropped, "10.1.0.7"},
		{"address of another VPC", nil, func(s *network.Source) { s.VPCID = otherVPC }, addressA, 443, network.Dropped, ""},
		{"no inbound rule", func(c *cloud) {
			must(c.t, c.world.RemoveSecurityGroupRule(privatelink.SmallEndpointGroup, func(r privatelink.Rule) bool { return !r.Egress }))
		}, nil, addressA, 443, network.Dropped, "inbound rule of the endpoint"},
		{"inbound rule for another port", nil, nil, addressA, 8443, network.Dropped, "inbound rule of the endpoint"},
		{"inbound rule for the clients' group", func(c *cloud) {
			must(c.t, c.world.RemoveSecurityGroupRule(privatelink.SmallEndpointGroup, func(r privatelink.Rule) bool { return !r.Egress }))
			must(c.t, c.world.AddSecurityGroupRule(privatelink.SmallEndpointGroup,
				privatelink.Rule{Protocol: "-1", GroupID: privatelink.SmallClientGroup}))
		}, nil, addressA, 443, network.Connected, ""},
		{"no outbound rule", func(c *cloud) {
			must(c.t, c.world.RemoveSecurityGroupRule(privatelink.SmallClientGroup, func(privatelink.Rule) bool { return true }))
		}, nil, addressA, 443, network.Dropped, "outbound rule of the client"},
		{"ACL of the clients", func(c *cloud) { must(c.t, c.world.SetACL(subnetC)) }, nil, addressA, 443, network.Dropped,
			"outbound rules of acl"},
		{"ACL of the endpoint", func(c *cloud) { must(c.t, c.world.SetACL(subnetA)) }, nil, addressA, 443, network.Dropped,
			"inbound rules of acl"},
		{"ACL that lets no answer out", func(c *cloud) {
			must(c.t, c.world.SetACL(subnetA, privatelink.ACLEntry{Number: 1, Allow: true, Protocol: "-1", CIDR: "0.0.0.0/0"}))
		}, nil, addressA, 443, network.Dropped, "for the answer"},
		{"ACL of the other zone", func(c *cloud) { must(c.t, c.world.SetACL(subnetA)) }, nil, addressB, 443, network.Connected, ""},
		{"ACL inside one subnet", func(c *cloud) { must(c.t, c.world.SetACL(subnetA)) }, func(s *network.Source) {
			s.SubnetID, s.IP = subnetA, "10.20.1.99"
		}, addressA, 443, network.Connected, ""},
		{"rejected", func(c *cloud) { must(c.t, c.vendor.Reject(c.endpoint, "")) }, nil, addressA, 443, network.Dropped, "rejected"},
		{"deleting", func(c *cloud) { must(c.t, c.world.DeleteByHand(c.endpoint)) }, nil, addressA, 443, network.Dropped, "deleting"},
		{"being modified", func(c *cloud) { must(c.t, c.world.SetPrivateDNSByHand(c.endpoint, false)) }, nil, addressA, 443,
			network.Connected, ""},
		{"zone down", func(c *cloud) {
			c.update(func(s *privatelink.VendorService) { s.DownAZIDs = []string{"use1-az1"} })
		}, nil, addressA, 443, network.Dropped, "down in use1-az1"},
		{"the other zone is up", func(c *cloud) {
			c.update(func(s *privatelink.VendorService) { s.DownAZIDs = []string{"use1-az1"} })
		}, nil, addressB, 443, network.Connected, ""},
		{"warming up", func(c *cloud) {
			c.update(func(s *privatelink.VendorService) { s.WarmUp = 3 * time.Minute })
		}, nil, addressA, 443, network.Dropped, "not ready"},
		{"warm", func(c *cloud) {
			c.update(func(s *privatelink.VendorService) { s.WarmUp = 3 * time.Minute })
			c.pass(3 * time.Minute)
		}, nil, addressA, 443, network.Connected, ""},
		{"not listed", func(c *cloud) {
			c.update(func(s *privatelink.VendorService) { s.ListedOnly = true })
		}, nil, addressA, 443, network.Reset, "does not list"},
		{"listed", func(c *cloud) {
			c.update(func(s *privatelink.VendorService) { s.ListedOnly = true })
			must(c.t, c.vendor.List(c.endpoint))
		}, nil, addressA, 443, network.Connected, ""},
		{"vendor's port closed", func(c *cloud) {
			c.update(func(s *privatelink.VendorService) { s.Ports = []int{8443} })
		}, nil, addressA, 443, network.Refused, "does not listen on 443"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := accepted(t)
			if test.world != nil {
				test.world(c)
			}
			source := client()
			if test.source != nil {
				test.source(&source)
			}
			got := c.network.Decide(source, test.address, test.port)
			if got.Outcome != test.want || !strings.Contains(got.Reason, test.reason) {
				t.Errorf("got %s (%s), want %s (%s)", got.Outcome, got.Reason, test.want, test.reason)
			}
		})
	}
	t.Run("not accepted", func(t *testing.T) {
		t.Parallel()
		if got := newCloud(t).network.Decide(client(), addressA, 443); got.Outcome != network.Dropped {
			t.Errorf("got %s, want dropped", got.Outcome)
		}
	})
	t.Run("a client's interface", func(t *testing.T) {
		t.Parallel()
		c := accepted(t)
		eni, err := c.world.AddInterface(subnetC, privatelink.SmallEndpointGroup)
		must(t, err)
		if got := c.network.Decide(client(), eni.IP, 443); got.Outcome != network.Refused {
			t.Errorf("got %s, want refused", got.Outcome)
		}
	})
}

// connect asks the gateway for a connection and returns it with the status.
func (c *cloud) connect(source network.Source, target string) (net.Conn, int) {
	c.t.Helper()
	gateway, err := c.network.Gateway(source)
	must(c.t, err)
	conn, err := net.Dial("tcp", gateway)
	must(c.t, err)
	c.t.Cleanup(func() { conn.Close() })
	_, err = fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target)
	must(c.t, err)
	reply, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodConnect})
	must(c.t, err)
	return conn, reply.StatusCode
}

func (c *cloud) trust(name string, protocols ...string) *tls.Config {
	return &tls.Config{ServerName: name, RootCAs: c.network.CAs(), NextProtos: protocols, Time: c.clock.Now}
}

func TestGatewayStatus(t *testing.T) {
	t.Parallel()
	c := accepted(t)
	for target, want := range map[string]int{
		addressA + ":443": http.StatusOK, addressA + ":444": http.StatusGatewayTimeout, "10.1.0.7:443": http.StatusGatewayTimeout,
		host + ":443": http.StatusBadRequest, addressA: http.StatusBadRequest,
	} {
		if _, got := c.connect(client(), target); got != want {
			t.Errorf("%s: got %d, want %d", target, got, want)
		}
	}
	c.update(func(s *privatelink.VendorService) { s.Ports = nil })
	if _, got := c.connect(client(), addressA+":443"); got != http.StatusBadGateway {
		t.Errorf("port closed: got %d, want 502", got)
	}
	gateway, err := c.network.Gateway(client())
	must(t, err)
	reply, err := http.Get("http://" + gateway + "/")
	must(t, err)
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusBadRequest {
		t.Errorf("GET: got %d, want 400", reply.StatusCode)
	}
}

func TestHandshake(t *testing.T) {
	t.Parallel()
	c := accepted(t)
	conn, _ := c.connect(client(), addressA+":443")
	secured := tls.Client(conn, c.trust(host, "h2"))
	must(t, secured.HandshakeContext(t.Context()))
	state := secured.ConnectionState()
	if state.NegotiatedProtocol != "h2" || !slices.Equal(state.PeerCertificates[0].DNSNames, []string{host}) {
		t.Errorf("got %q with %v", state.NegotiatedProtocol, state.PeerCertificates[0].DNSNames)
	}
	must(t, secured.Close())

	c.pass(400 * 24 * time.Hour) // the vendor renews its certificate in time
	conn, _ = c.connect(client(), addressA+":443")
	must(t, tls.Client(conn, c.trust(host)).HandshakeContext(t.Context()))
}

func TestHandshakeFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		service func(*privatelink.VendorService)
		sni     string
		alpn    []string
		is      func(error) bool
	}{
		{"expired", func(s *privatelink.VendorService) { s.Certificate = privatelink.ExpiredCertificate }, host, nil,
			func(err error) bool {
				var invalid x509.CertificateInvalidError
				return errors.As(err, &invalid) && invalid.Reason == x509.Expired
			}},
		{"wrong name", func(s *privatelink.VendorService) { s.Certificate = privatelink.WrongName }, host, nil, isWrongName},
		{"the endpoint's own name", nil, "vpce-1.vpce-svc-1.us-east-1.vpce.amazonaws.com", nil, isWrongName},
		{"unknown authority", func(s *privatelink.VendorService) { s.Certificate = privatelink.UnknownAuthority }, host, nil,
			func(err error) bool {
				var unknown x509.UnknownAuthorityError
				return errors.As(err, &unknown)
			}},
		{"no TLS", func(s *privatelink.VendorService) { s.PlainPorts = []int{443} }, host, nil, func(err error) bool {
			var plain tls.RecordHeaderError
			return errors.As(err, &plain)
		}},
		{"another protocol", func(s *privatelink.VendorService) { s.ALPN = []string{"http/1.1"} }, host, []string{"h2"},
			func(err error) bool {
				return err != nil && strings.Contains(err.Error(), "no application protocol") // the alert's type is not exported
			}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := accepted(t)
			if test.service != nil {
				c.update(test.service)
			}
			conn, status := c.connect(client(), addressA+":443")
			if status != http.StatusOK {
				t.Fatalf("got status %d, want 200", status)
			}
			err := tls.Client(conn, c.trust(test.sni, test.alpn...)).HandshakeContext(t.Context())
			if !test.is(err) {
				t.Errorf("got %T: %v", errors.Unwrap(err), err)
			}
		})
	}
}

func isWrongName(err error) bool {
	var wrong x509.HostnameError
	return errors.As(err, &wrong)
}

func TestReset(t *testing.T) {
	t.Parallel()
	c := accepted(t)
	c.update(func(s *privatelink.VendorService) { s.ListedOnly = true })
	conn, status := c.connect(client(), addressA+":443")
	if status != http.StatusOK {
		t.Fatalf("got %d, want 200", status)
	}
	err := tls.Client(conn, c.trust(host)).HandshakeContext(t.Context())
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want a reset", err)
	}
}

func TestCABundle(t *testing.T) {
	t.Parallel()
	c := accepted(t)
	pem, err := os.ReadFile(c.network.CABundle())
	must(t, err)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) || !pool.Equal(c.network.CAs()) {
		t.Error("the bundle is not the authority's certificate")
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	c := accepted(t)
	without := network.Source{SubnetID: subnetC, SecurityGroupIDs: []string{privatelink.SmallClientGroup}}
	first, err := c.network.Gateway(without)
	must(t, err)
	again, err := c.network.Gateway(without)
	must(t, err)
	eni, known := c.world.InterfaceAt(vpc, "10.20.3.4")
	if first != again || !known || eni.GroupIDs[0] != privatelink.SmallClientGroup {
		t.Errorf("got gateways %s and %s for interface %+v", first, again, eni)
	}
	if _, status := c.connect(without, addressA+":443"); status != http.StatusOK {
		t.Errorf("got %d, want 200", status)
	}
	must(t, c.world.SetACL(subnetC))
	byAddress := network.Source{VPCID: vpc, IP: "10.20.3.50", SecurityGroupIDs: []string{privatelink.SmallClientGroup}}
	if _, status := c.connect(byAddress, addressA+":443"); status != http.StatusGatewayTimeout {
		t.Errorf("got %d, want 504: the address lies in subnet C", status)
	}
	for _, source := range []network.Source{{SubnetID: "subnet-9"}, {VPCID: vpc, IP: "10.99.0.1"}, {VPCID: vpc, IP: "x"}} {
		if _, err := c.network.Gateway(source); err == nil {
			t.Errorf("got a gateway for %+v", source)
		}
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	c := accepted(t)
	n, err := network.New(network.Config{World: c.world, Zones: c.zones, Now: c.clock.Now})
	must(t, err)
	resolver, err := n.Resolver(vpc)
	must(t, err)
	c.network, n = n, c.network
	defer n.Close()
	open, _ := c.connect(client(), addressA+":443") // hangs in the handshake
	gateway, err := c.network.Gateway(client())
	must(t, err)
	must(t, c.network.Close())
	if _, err := open.Read(make([]byte, 1)); err == nil {
		t.Error("a connection is still open")
	}
	for _, address := range []string{resolver, gateway} {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			t.Errorf("%s still listens", address)
		}
	}
	if _, err := os.Stat(c.network.CABundle()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the CA bundle is still there: %v", err)
	}
	if _, err := c.network.Resolver(vpc); err == nil {
		t.Error("got a resolver of a closed network")
	}
	if _, err := c.network.Gateway(client()); err == nil {
		t.Error("got a gateway of a closed network")
	}
	must(t, c.network.Close()) // twice is once
}
