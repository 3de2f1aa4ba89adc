package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"time"
)

// How long one thing may take. A dropped packet is answered by nothing, so these are what a closed security group costs.
const (
	dialTimeout      = 5 * time.Second
	handshakeTimeout = 5 * time.Second
)

// attempt is one connection to one interface on one port.
type attempt struct {
	address netip.AddrPort
	tls     bool // TLS is spoken on this port

	dialled    error // of the TCP connection
	handshake  error // of TLS
	protocol   string
	notAfter   *time.Time
	unfinished bool // we were stopped: what failed proves nothing
}

// try fills in what happened.
func (p *Prober) try(ctx context.Context, s subject, a *attempt) {
	defer func() { a.unfinished = ctx.Err() != nil }()
	dialling, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := p.network.Dial(dialling, a.address)
	if err != nil {
		a.dialled = err
		return
	}
	defer conn.Close()
	if !a.tls {
		return
	}
	shaking, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	secured := tls.Client(conn, &tls.Config{
		ServerName: s.plan.SNI, RootCAs: p.roots, NextProtos: s.plan.ALPN, MinVersion: tls.VersionTLS12,
		Time: func() time.Time { return s.at }, // a retry judges a certificate as the first try did
	})
	if a.handshake = secured.HandshakeContext(shaking); a.handshake != nil {
		return
	}
	shown := secured.ConnectionState()
	a.protocol = shown.NegotiatedProtocol
	a.notAfter = &shown.PeerCertificates[0].NotAfter
}

// fate is the outcome of an attempt to connect.
type fate int

const (
	fine fate = iota
	silent
	closed      // refused or reset by the other side
	unreachable // a router said so
	untrusted   // the certificate, or TLS itself
	obscure     // on our own side: it proves nothing
)

// fateOf reads an error of a dial or of a handshake.
func fateOf(err error) fate {
	var certificate *tls.CertificateVerificationError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	var timeout net.Error
	isOneOf := func(targets ...error) bool {
		return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
	}
	switch {
	case err == nil:
		return fine
	case errors.As(err, &certificate), errors.As(err, &alert), errors.As(err, &record), remoteAlert(err):
		return untrusted
	case isOneOf(syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, io.EOF, io.ErrUnexpectedEOF):
		return closed
	case isOneOf(syscall.EHOSTUNREACH, syscall.ENETUNREACH):
		return unreachable
	case isOneOf(os.ErrDeadlineExceeded, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return silent
	}
	return obscure
}

// remoteAlert reports whether the other side refused TLS with an alert, which crypto/tls wraps in a net.OpError.
func remoteAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}
