package moto

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"postern/internal/demo/world"
	"postern/internal/local/clock"
	"postern/internal/local/events"
	"postern/internal/local/network"
	"postern/internal/local/privatelink"
	"postern/internal/local/wire"
)

// Gateway is between the functions and moto, in both directions. It answers for EC2 and for EventBridge, runs
// the functions that are invoked, watches what is published, and forwards every other call to moto.
type Gateway struct {
	Clock *clock.Clock
	World *privatelink.World

	events   *events.Service
	embedded *wire.Server // EC2 and EventBridge
	network  *network.Network
	zones    *zones
	listener net.Listener
	server   *http.Server
	moto     string // its URL
	proxy    *httputil.ReverseProxy
	stop     context.CancelFunc
	followed chan struct{}

	mu            sync.Mutex
	functions     map[string]*function
	subscriptions []Subscription
	onMail        func(topicARN, body string)
	invocations   int
	calls         map[string]int
	faults        []string
}

// NewGateway opens the gateway. It serves when Serve is called, with moto running.
func NewGateway(ctx context.Context) (*Gateway, error) {
	now := clock.New(time.Now())
	g := &Gateway{
		Clock: now, World: world.New(now), functions: map[string]*function{}, calls: map[string]int{},
		followed: make(chan struct{}),
	}
	// All waits here are real: the endpoint is available at once after its acceptance, so that the workflow's first look suffices.
	g.World.Configure(func(o *privatelink.Options) { o.AvailableAfter, o.ModifiedAfter = 0, 0 })
	g.events = events.New(now, g.World.AccountID(), Region)
	g.events.OnDeliver(g.deliverEvent)
	g.World.OnNotification(g.notify)
	g.World.OnMutation(g.record)
	g.embedded = wire.NewServer(wire.Config{
		AccountID: g.World.AccountID(), Region: Region, Now: now.Now, Authorizer: wire.AllowAll{},
	}, privatelink.NewService(g.World), g.events)
	var err error
	// A state machine's tasks call http://localhost:port, which may be either loopback address; moto's own default is IPv4.
	var config net.ListenConfig
	g.listener, err = config.Listen(ctx, "tcp", "127.0.0.1:0")
	return g, err
}

// Port is where the gateway listens.
func (g *Gateway) Port() int { return g.listener.Addr().(*net.TCPAddr).Port }

// URL is where the gateway listens.
func (g *Gateway) URL() string { return "http://" + g.listener.Addr().String() }

// Serve begins to answer, with moto behind. Time passes from now on.
func (g *Gateway) Serve(moto string) error {
	target, err := url.Parse(moto)
	if err != nil {
		return err
	}
	g.moto = moto
	g.zones = newZones(moto)
	g.World.SetZones(g.zones)
	if g.network, err = network.New(network.Config{World: g.World, Zones: g.zones, Now: g.Clock.Now}); err != nil {
		return err
	}
	g.proxy = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	g.server = &http.Server{Handler: g, ReadHeaderTimeout: time.Minute}
	go g.server.Serve(g.listener) //nolint:errcheck // it ends when Close closes it
	ctx, stop := context.WithCancel(context.Background())
	g.stop = stop
	go func() {
		defer close(g.followed)
		g.Clock.Follow(ctx)
	}()
	return nil
}

// Close ends the functions and everything else that runs.
func (g *Gateway) Close() error {
	if g.server == nil {
		return g.listener.Close()
	}
	for _, f := range g.functions {
		_ = f.runtime.Close() // its process ends with ours at the latest
	}
	g.stop()
	<-g.followed
	_ = g.server.Close() // no process calls it at this point
	return g.network.Close()
}

// signedFor is the service in the scope of a signature.
var signedFor = regexp.MustCompile(`Credential=[^/]*/[^/]*/[^/]*/([^/]*)/aws4_request`)

// invocation is the path of Lambda's Invoke.
var invocation = regexp.MustCompile(`^/2015-03-31/functions/([^/]+)/invocations/?$`)

// ServeHTTP sends a call where it belongs.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service := ""
	if found := signedFor.FindStringSubmatch(r.Header.Get("Authorization")); found != nil {
		service = found[1]
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	g.count(service)
	switch service {
	case "lambda":
		g.invoke(w, r, body)
	case "ec2", "events":
		g.embedded.ServeHTTP(w, r)
	case "sns":
		answer := &status{ResponseWriter: w}
		g.proxy.ServeHTTP(answer, r)
		if answer.code == http.StatusOK {
			g.published(body)
		}
	default:
		g.proxy.ServeHTTP(w, r)
	}
}

// status remembers the status of an answer.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

func (g *Gateway) count(service string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls[service]++
}

// Calls is how often each service was called through the gateway.
func (g *Gateway) Calls() map[string]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	counts := map[string]int{}
	for service, n := range g.calls {
		counts[service] = n
	}
	return counts
}

// invoke is Lambda's Invoke.
//
// AWS: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func (g *Gateway) invoke(w http.ResponseWriter, r *http.Request, payload []byte) {
	found := invocation.FindStringSubmatch(r.URL.Path)
	if r.Method != http.MethodPost || found == nil {
		g.proxy.ServeHTTP(w, r)
		return
	}
	name, err := url.PathUnescape(found[1])
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f, err := g.function(name)
	if err != nil {
		w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
		http.Error(w, fmt.Sprintf(`{"Type":"User","Message":%q}`, err), http.StatusNotFound)
		return
	}
	result := g.run(f, payload)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amz-Executed-Version", "$LATEST")
	if result.ErrorType != "" {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
	}
	_, _ = w.Write(result.Payload) // a caller that went away loses its answer, as it would on AWS
}

// fault records a failure that is reported nowhere else.
func (g *Gateway) fault(format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = append(g.faults, fmt.Sprintf(format, args...))
}

// Faults are the deliveries that failed, and other failures that are reported nowhere else.
func (g *Gateway) Faults() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string{}, g.faults...)
}

// Logs is what a function wrote, by its name.
func (g *Gateway) Logs() map[string]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	logs := map[string]string{}
	for name, f := range g.functions {
		if text := strings.TrimSpace(f.runtime.Logs()); text != "" {
			logs[name] = text
		}
	}
	return logs
}
