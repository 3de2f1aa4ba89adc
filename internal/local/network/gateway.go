package network

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"postern/internal/local/privatelink"
)

// gateway is the way out of one source.
type gateway struct {
	source  Source
	address string
	server  *http.Server
}

// Gateway returns the address, 127.0.0.1 and a port, of a server that carries a source's TCP connections by HTTP CONNECT to an
// address and port, and starts it when it does not run yet. It answers 200 and goes on as the vendor would; 504 for a connection
// that would time out, 502 for one that would be refused, and 200 followed by a reset for one that the vendor does not want. A
// source without an address gets a network interface of its own in its subnet.
func (n *Network) Gateway(source Source) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return "", errClosed
	}
	for _, g := range n.gateways {
		if sameSource(g.source, source) {
			return g.address, nil
		}
	}
	placed, err := n.place(source)
	if err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("starting the gateway of %s: %w", source.SubnetID, err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { n.connect(placed, w, r) })
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	g := &gateway{source: source, address: listener.Addr().String(), server: server}
	n.gateways = append(n.gateways, g)
	n.serving.Add(1)
	go func() {
		defer n.serving.Done()
		_ = g.server.Serve(listener) // always http.ErrServerClosed
	}()
	return g.address, nil
}

func sameSource(a, b Source) bool {
	return a.VPCID == b.VPCID && a.SubnetID == b.SubnetID && a.IP == b.IP && slices.Equal(a.SecurityGroupIDs, b.SecurityGroupIDs)
}

// place completes a source: the subnet of its address, or an address in its subnet.
func (n *Network) place(source Source) (Source, error) {
	if source.IP == "" {
		eni, err := n.config.World.AddInterface(source.SubnetID, source.SecurityGroupIDs...)
		if err != nil {
			return Source{}, err
		}
		source.VPCID, source.IP = eni.VPCID, eni.IP
		return source, nil
	}
	if source.SubnetID == "" {
		subnet, known := n.config.World.SubnetOf(source.VPCID, source.IP)
		if !known {
			return Source{}, fmt.Errorf("starting a gateway: %s is not in a subnet of %s", source.IP, source.VPCID)
		}
		source.SubnetID = subnet.ID
	}
	return source, nil
}

// connect answers one CONNECT.
func (n *Network) connect(source Source, w http.ResponseWriter, r *http.Request) {
	target, err := netip.ParseAddrPort(r.Host)
	if r.Method != http.MethodConnect || err != nil {
		http.Error(w, "CONNECT address:port", http.StatusBadRequest)
		return
	}
	port := int(target.Port())
	verdict := n.Decide(source, target.Addr().String(), port)
	switch verdict.Outcome {
	case Dropped:
		w.WriteHeader(http.StatusGatewayTimeout)
		return
	case Refused:
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // the client is gone
	}
	defer conn.Close()
	if !n.track(conn) {
		return
	}
	defer n.untrack(conn)
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	if verdict.Outcome == Reset {
		reset(conn, buffered)
		return
	}
	n.serve(verdict.Service, port, carried{conn, buffered})
}

// reset reads the first bytes of the client and then closes the connection, as a load balancer without targets does.
func reset(conn net.Conn, from io.Reader) {
	_, _ = from.Read(make([]byte, 1)) // whatever comes, even nothing, is answered the same way
	if tcp, isTCP := conn.(*net.TCPConn); isTCP {
		_ = tcp.SetLinger(0) // closing sends RST
	}
}

// carried is a connection whose first bytes may have been read already.
type carried struct {
	net.Conn
	from io.Reader
}

func (c carried) Read(b []byte) (int, error) { return c.from.Read(b) }

// answerPlainly is a server without TLS: whatever the client says, it answers with an HTTP error.
func answerPlainly(conn net.Conn) {
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"); err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, conn) // closing with bytes unread would take the answer back
}

// serve is the vendor: a TLS handshake, or on a plain port the answer of a server that speaks none; then it listens until the
// client hangs up.
func (n *Network) serve(service privatelink.VendorService, port int, conn net.Conn) {
	if slices.Contains(service.PlainPorts, port) {
		answerPlainly(conn)
		return
	}
	certificate, err := n.issuer.certificate(service)
	if err != nil {
		return // cannot happen: keys and names are our own
	}
	secured := tls.Server(conn, &tls.Config{
		Certificates: []tls.Certificate{certificate}, NextProtos: service.ALPN, MinVersion: tls.VersionTLS12,
	})
	if err := secured.HandshakeContext(context.Background()); err != nil {
		return // the client hung up, or did not like the certificate
	}
	if _, err := io.Copy(io.Discard, secured); err != nil && !errors.Is(err, io.EOF) {
		return
	}
	_ = secured.Close() // the client hung up first
}
