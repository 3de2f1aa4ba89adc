// Package tickets is the ticket systems of the embedded cloud: one HTTP server simulates all of them, and distinguishes them
// by the host that a request was meant for. It keeps the comments, and can be slow to answer, refuse, fail, or lose its answers.
package tickets

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Comment is one comment on a ticket.
type Comment struct {
	System string // github, jira, servicenow, zendesk or standard
	Ticket string // as the system's webhooks name it: example/network#42
	Author string // what the request was authorized with
	At     time.Time
	Body   string // as it was sent
	Text   string // as a reader sees it
	Public bool
}

// Fault is what becomes of a request.
type Fault string

// The faults. Only LostAnswer happens after the comment was taken.
const (
	None       Fault = ""
	Throttled  Fault = "throttled"   // 429, Retry-After: 30
	Failing    Fault = "failing"     // 503
	Down       Fault = "down"        // the connection is closed
	LostAnswer Fault = "lost-answer" // the comment is taken, then the connection is closed
	Denied     Fault = "denied"      // 401
	Moved      Fault = "moved"       // a redirect to another host
)

// Request is one request that came.
type Request struct {
	Host, Method, Path string
	Fault              Fault
}

// Systems are the ticket systems. They are safe for concurrent use.
type Systems struct {
	now      func() time.Time
	listener net.Listener
	server   *http.Server

	mu       sync.Mutex
	comments []Comment
	requests []Request
	disturb  func(*http.Request) Fault
	tell     func(Comment)
	numbers  map[string]string // ServiceNow's: number by id of the record
	key      string            // the portal's
	messages map[string]bool   // that the portal took, by id
}

// New starts the ticket systems on this machine.
func New(now func() time.Time) (*Systems, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for ticket systems: %w", err)
	}
	s := &Systems{now: now, listener: listener, numbers: map[string]string{}, messages: map[string]bool{}}
	s.server = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: time.Minute}
	go s.server.Serve(listener) //nolint:errcheck // it ends when Close closes it
	return s, nil
}

// Address is where they listen.
func (s *Systems) Address() string { return s.listener.Addr().String() }

// Close ends them.
func (s *Systems) Close() error { return s.server.Close() }

// Disturb says what becomes of each request that could post a comment or look for one.
func (s *Systems) Disturb(how func(*http.Request) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disturb = how
}

// OnComment calls tell for every comment that is accepted.
func (s *Systems) OnComment(tell func(Comment)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell = tell
}

// Comments returns every comment, or those of one ticket, in their order.
func (s *Systems) Comments(ticket string) []Comment {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Comment
	for _, c := range s.comments {
		if ticket == "" || c.Ticket == ticket {
			found = append(found, c)
		}
	}
	return found
}

// Requests returns every request that came.
func (s *Systems) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// maxBody is more than any system takes.
const maxBody = 1 << 20

func (s *Systems) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	disturb := s.disturb
	s.mu.Unlock()
	fault := None
	if disturb != nil {
		fault = disturb(r) // which may look at the comments
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{Host: r.Host, Method: r.Method, Path: r.URL.Path, Fault: fault})
	switch fault {
	case Throttled:
		w.Header().Set("Retry-After", "30")
		answer(w, http.StatusTooManyRequests, map[string]string{"message": "slow down"})
		return
	case Failing:
		answer(w, http.StatusServiceUnavailable, map[string]string{"message": "we are looking into it"})
		return
	case Denied:
		answer(w, http.StatusUnauthorized, map[string]string{"message": "Bad credentials"})
		return
	case Moved:
		w.Header().Set("Location", "https://elsewhere.example.org"+r.URL.Path)
		answer(w, http.StatusTemporaryRedirect, map[string]string{"message": "moved"})
		return
	case Down:
		panic(http.ErrAbortHandler)
	}
	status, document := s.route(r, body)
	if fault == LostAnswer {
		panic(http.ErrAbortHandler)
	}
	answer(w, status, document)
}

// route gives a request to the system whose host it was meant for.
func (s *Systems) route(r *http.Request, body []byte) (status int, document any) {
	if r.Header.Get("Authorization") == "" && r.Header.Get("Webhook-Signature") == "" {
		return http.StatusUnauthorized, map[string]string{"message": "no credential"}
	}
	for suffix, system := range map[string]func(*http.Request, []byte) (int, any){
		"api.github.com": s.github, ".atlassian.net": s.jira, ".service-now.com": s.servicenow, ".zendesk.com": s.zendesk,
		"portal.example.com": s.portal,
	} {
		if strings.HasSuffix(r.Host, suffix) {
			return system(r, body)
		}
	}
	return http.StatusNotFound, map[string]string{"message": "no ticket system is at " + r.Host}
}

// take keeps a comment. The systems are locked.
func (s *Systems) take(r *http.Request, c Comment) {
	c.At, c.Author = s.now(), r.Header.Get("Authorization")
	s.comments = append(s.comments, c)
	if s.tell != nil {
		s.tell(c)
	}
}

// of returns the comments of a ticket. The systems are locked.
func (s *Systems) of(system, ticket string) []Comment {
	var found []Comment
	for _, c := range s.comments {
		if c.System == system && c.Ticket == ticket {
			found = append(found, c)
		}
	}
	return found
}

func answer(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if document == nil {
		return
	}
	_ = json.NewEncoder(w).Encode(document) // a client that is gone needs no answer
}
