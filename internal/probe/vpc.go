package probe

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"syscall"
	"time"
)

// vpc is the network that the function is in. gateway is an HTTP CONNECT proxy that replaces it, or "": only the embedded
// cloud sets one.
type vpc struct {
	resolver resolver
	gateway  string
}

func (v vpc) Lookup(ctx context.Context, name string) (Answer, error) {
	return v.resolver.lookup(ctx, name)
}

func (v vpc) Dial(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
	var dialer net.Dialer
	if v.gateway == "" {
		return dialer.DialContext(ctx, "tcp", address.String())
	}
	conn, err := dialer.DialContext(ctx, "tcp", v.gateway)
	if err != nil {
		return nil, fmt.Errorf("reaching the gateway: %v", err) // not %w: the gateway's failure says nothing of the endpoint
	}
	carried, err := connect(ctx, conn, address)
	if err != nil {
		_ = conn.Close() // the connection is of no use now
		return nil, err
	}
	return carried, nil
}

// connect asks the gateway for a connection. 504 stands for packets that get no answer, 502 for a refused connection.
func connect(ctx context.Context, conn net.Conn, address netip.AddrPort) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, fmt.Errorf("asking the gateway: %v", err)
		}
	}
	target := address.String()
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: target}, Host: target, Header: http.Header{}}
	if err := request.Write(conn); err != nil {
		return nil, fmt.Errorf("asking the gateway: %v", err)
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, request)
	if err != nil {
		return nil, fmt.Errorf("asking the gateway: %v", err)
	}
	_ = response.Body.Close() // an answer to CONNECT has none that we read
	switch response.StatusCode {
	case http.StatusOK:
		return buffered{conn, reader}, conn.SetDeadline(time.Time{})
	case http.StatusGatewayTimeout:
		return nil, fmt.Errorf("dialling %s: %w", address, os.ErrDeadlineExceeded)
	case http.StatusBadGateway:
		return nil, fmt.Errorf("dialling %s: %w", address, syscall.ECONNREFUSED)
	}
	return nil, fmt.Errorf("dialling %s: the gateway answered %s", address, response.Status)
}

// buffered reads first what came with the gateway's answer.
type buffered struct {
	net.Conn
	from *bufio.Reader
}

func (b buffered) Read(into []byte) (int, error) { return b.from.Read(into) }
