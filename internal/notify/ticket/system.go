package ticket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"postern/internal/connection"
)

// system is one ticket system, with one credential.
type system interface {
	// find reports whether a ticket has the comment of a reference.
	find(ctx context.Context, ticket, ref string) (bool, error)
	// post puts a comment on a ticket.
	post(ctx context.Context, ticket string, c Comment) error
}

// opener makes a system of its settings and a credential. It calls nothing.
type opener func(s Settings, client *http.Client, credential string) (system, error)

// openers are the systems that can be written to, by name.
var openers = map[string]opener{
	"github":     openGitHub,
	"jira":       openJira,
	"servicenow": openServiceNow,
	"zendesk":    openZendesk,
	"standard":   openPortal,
}

// errTicket says that an id is none of the system's, or of another account's.
var errTicket = errors.New("the ticket's id is none of this system and account")

// refused is an answer other than success. The answer's text is left out: it is not ours.
type refused struct {
	status int
	after  time.Duration // how long to wait, when the system says so
}

func (r *refused) Error() string { return fmt.Sprintf("the answer is %d", r.status) }

// failure names an error of a system for the log and the dead letter. What went wrong is retried by Lambda, whatever it is.
func failure(system string, err error) error {
	var answer *refused
	if errors.Is(err, errTicket) {
		return err
	}
	if !errors.As(err, &answer) {
		return connection.Errorf(connection.Unavailable, "%s does not answer: %w", system, plain(err))
	}
	switch answer.status {
	case http.StatusTooManyRequests:
		return connection.Errorf(connection.Throttled, "%s asks to come again later: %w", system, err)
	case http.StatusUnauthorized, http.StatusForbidden:
		return connection.Errorf(connection.AccessDenied, "%s refuses the credential in the secret %s: %w; put one that may comment",
			system, SecretPrefix+system, err)
	case http.StatusNotFound, http.StatusGone:
		return connection.Errorf(connection.InvalidRequest, "%s has no such ticket, or hides it from the credential: %w", system, err)
	}
	if answer.status >= http.StatusInternalServerError {
		return connection.Errorf(connection.Unavailable, "%s fails: %w", system, err)
	}
	return connection.Errorf(connection.Internal, "%s refuses the comment: %w", system, err)
}

// plain takes the address out of an error of net/http: a portal's may hold a token.
func plain(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// clientTimeout ends a request; the function lives several times as long.
const clientTimeout = 10 * time.Second

// NewClient returns what systems are called with. It follows no redirect: the credential goes to the host of the settings only, and
// a redirected POST would become a GET that posts nothing. A stand-in, for the embedded cloud, takes every request in the host's
// place.
func NewClient(standIn string) (*http.Client, error) {
	client := &http.Client{
		Timeout:       clientTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	client.Transport = transport
	if standIn == "" {
		return client, nil
	}
	host, _, err := net.SplitHostPort(standIn)
	if err != nil || !net.ParseIP(host).IsLoopback() {
		return nil, fmt.Errorf("the stand-in for ticket systems is at %q, not on this machine", standIn)
	}
	client.Transport = redirected{to: standIn, over: transport}
	return client, nil
}

// redirected sends every request to one place, which knows from the header Host whom it was meant for.
type redirected struct {
	to   string
	over http.RoundTripper
}

// RoundTrip sends one request.
func (r redirected) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Host = request.URL.Host
	request.URL.Scheme, request.URL.Host = "http", r.to
	return r.over.RoundTrip(request)
}

// answered returns an answer as an error unless it is a success.
func answered(response *http.Response) error {
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		return nil
	}
	r := &refused{status: response.StatusCode}
	after := response.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(after); err == nil && seconds > 0 {
		r.after = time.Duration(seconds) * time.Second
	}
	return r
}
