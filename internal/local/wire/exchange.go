package wire

import "net/http"

// Exchange is a call as it came in and went out.
type Exchange struct {
	Service, Operation string
	Function, Origin   string        // of the caller, as in Recorded
	Request            *http.Request // its body is read
	RequestBody        []byte
	Status             int         // 0 when the caller got no answer
	Header             http.Header // of the answer
	Body               []byte
	Injected           bool // the answer is that of a fault
	Done               bool // it was carried out, whether or not the caller had the answer
}

// OnExchange calls f for each call of a known operation, on the goroutine of the call, and before the caller has the answer. Call it
// before the first call; it may be called several times.
func (s *Server) OnExchange(f func(Exchange)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exchanged = append(s.exchanged, f)
}

// tell tells of an exchange; a nil answer is none.
func (s *Server) tell(call *Call, a *answer) {
	s.mu.Lock()
	exchanged := s.exchanged
	s.mu.Unlock()
	if len(exchanged) == 0 {
		return
	}
	e := Exchange{
		Service: call.Service, Operation: call.Operation, Function: call.Function, Origin: s.origin(), Request: call.HTTP,
		RequestBody: call.Body, Done: call.done,
	}
	if a != nil {
		e.Status, e.Header, e.Body, e.Injected = a.status, a.header(), a.body, a.injected
	}
	for _, f := range exchanged {
		f(e)
	}
}
