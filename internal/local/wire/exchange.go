package wire

import "net/http"

// Exchange is a call as it came in and went out.
type Exchange struct {
	Service, Operation string
	Request            *http.Request // its body is read
	RequestBody        []byte
	Status             int
	Header             http.Header // of the answer
	Body               []byte
	Injected           bool // the answer is that of a fault
}

// OnExchange calls f for each call of a known operation that was answered, on the goroutine of the call, and before the caller has
// the answer. Call it before the first call.
func (s *Server) OnExchange(f func(Exchange)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exchanged = f
}

// tell tells of an exchange.
func (s *Server) tell(call *Call, a *answer) {
	s.mu.Lock()
	f := s.exchanged
	s.mu.Unlock()
	if f == nil || a == nil {
		return
	}
	f(Exchange{
		Service: call.Service, Operation: call.Operation, Request: call.HTTP, RequestBody: call.Body,
		Status: a.status, Header: a.header(), Body: a.body, Injected: a.injected,
	})
}
