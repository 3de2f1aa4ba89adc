package wire

// Rewrite changes what goes over the wire, for tests that take a safeguard of the functions away: they then behave as if they lacked
// it, and their code stays as it is. Either may be nil.
type Rewrite struct {
	Request func(*Call)                // before the operation sees the call
	Answer  func(*Call, []byte) []byte // of an operation that succeeded, before the caller sees it
}

// SetRewrite installs what changes each call and its answer; the zero value changes nothing.
func (s *Server) SetRewrite(r Rewrite) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rewrite = r
}

// carryOut carries out an operation, rewritten.
func (s *Server) carryOut(operation Operation, call *Call) ([]byte, error) {
	s.mu.Lock()
	rewrite := s.rewrite
	s.mu.Unlock()
	if rewrite.Request != nil {
		rewrite.Request(call)
	}
	body, err := operation.Do(call)
	if err == nil && rewrite.Answer != nil {
		body = rewrite.Answer(call, body)
	}
	return body, err
}
