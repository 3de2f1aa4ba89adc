// Package network is what a function in a VPC meets on the wire: the VPC's resolver, and a way to addresses of the VPC, with real
// sockets on loopback. The resolver answers from the zones that the VPC sees; the gateway carries a connection, drops, refuses or
// resets it as security groups, network ACLs, the endpoint and the vendor behind it decide, and the vendor shows a real
// certificate. Nothing in it waits: what would be a timeout on AWS is told at once.
package network

import (
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
)

// Zones are the private hosted zones that a VPC's resolver sees at this moment. It must be safe for concurrent use.
type Zones interface {
	View(vpcID string) []route53.Zone
}

// Config is what a network shows.
type Config struct {
	World *privatelink.World
	Zones Zones
	Now   func() time.Time // simulated
	Dir   string           // where the CA bundle goes; "" makes a directory that Close removes
}

// Network answers for all VPCs of a world. It is safe for concurrent use.
type Network struct {
	config    Config
	bundle    string
	temporary string // directory to remove
	issuer    *issuer

	mu        sync.Mutex
	closed    bool
	internet  map[string]publicName
	resolvers map[string]*resolver // by VPC
	gateways  []*gateway
	conns     map[net.Conn]struct{}
	serving   sync.WaitGroup
}

// New returns a network. Nothing listens until a resolver or a gateway is asked for.
func New(config Config) (*Network, error) {
	n := &Network{
		config: config, internet: map[string]publicName{}, resolvers: map[string]*resolver{}, conns: map[net.Conn]struct{}{},
	}
	var err error
	if n.issuer, err = newIssuer(config.Now); err != nil {
		return nil, err
	}
	dir := config.Dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "embedded-ca-"); err != nil {
			return nil, err
		}
		n.temporary = dir
	}
	n.bundle = filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(n.bundle, n.issuer.trusted.pem, 0o600); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// CABundle is the path of a PEM file with the authority that signs the vendors' certificates.
func (n *Network) CABundle() string { return n.bundle }

// CAs is the pool of CABundle.
func (n *Network) CAs() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(n.issuer.trusted.certificate)
	return pool
}

// Close ends everything the network runs, and waits for it. No resolver or gateway can be had afterwards.
func (n *Network) Close() error {
	n.mu.Lock()
	n.closed = true
	resolvers, gateways := n.resolvers, n.gateways
	n.resolvers, n.gateways = nil, nil
	conns := n.conns
	n.conns = nil
	n.mu.Unlock()
	var errs []error
	for _, r := range resolvers {
		errs = append(errs, r.close())
	}
	for _, g := range gateways {
		errs = append(errs, g.server.Close())
	}
	for conn := range conns {
		_ = conn.Close() // it may be closed already
	}
	n.serving.Wait()
	if n.temporary != "" {
		errs = append(errs, os.RemoveAll(n.temporary))
	}
	return errors.Join(errs...)
}

var errClosed = errors.New("the network is closed")

// track keeps a connection for Close; it reports false when the network is closed already. The caller calls untrack.
func (n *Network) track(conn net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false
	}
	n.conns[conn] = struct{}{}
	n.serving.Add(1)
	return true
}

func (n *Network) untrack(conn net.Conn) {
	n.mu.Lock()
	delete(n.conns, conn)
	n.mu.Unlock()
	n.serving.Done()
}

// publicName is a name of the public internet: a CNAME, or addresses.
type publicName struct {
	cname     string
	addresses []string
}

// Publish makes a name of the public internet resolve: through a load balancer's name when there is one, to addresses. That is
// what a VPC without private DNS sees. The addresses lead nowhere.
func (n *Network) Publish(name, loadBalancer string, addresses ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if loadBalancer != "" {
		n.internet[route53.Canonical(name)] = publicName{cname: loadBalancer}
		name = loadBalancer
	}
	n.internet[route53.Canonical(name)] = publicName{addresses: slices.Clone(addresses)}
}
