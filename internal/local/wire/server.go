package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// maxBody is the largest request read, in bytes; no call of Postern comes near it.
const maxBody = 1 << 20

// Principal is who stands behind an access key.
type Principal struct {
	RoleARN  string // arn:aws:iam::111122223333:role/Name
	Function string // name of the function that assumed the role, and of its session
}

// Session is the ARN of the assumed role's session, as which AWS names the caller in errors.
func (p Principal) Session() string {
	arn := strings.Replace(p.RoleARN, ":iam:", ":sts:", 1)
	before, path, found := strings.Cut(arn, ":role/")
	if !found {
		return p.RoleARN
	}
	name := path[strings.LastIndex(path, "/")+1:]
	return before + ":assumed-role/" + name + "/" + p.Function
}

// Authorizer decides whether a role may do something.
type Authorizer interface {
	Authorize(roleARN string, p Permission) Decision
}

// Decision is an authorizer's answer. Reason ends the sentence "… is not authorized to perform: X on resource: Y", such as
// "because no identity-based policy allows the X action", which is also what "" stands for.
type Decision struct {
	Allowed bool
	Reason  string
}

// AllowAll is an Authorizer that allows everything, for tests of one service.
type AllowAll struct{}

// Authorize allows p.
func (AllowAll) Authorize(string, Permission) Decision { return Decision{Allowed: true} }

// Config is what a server needs to know of the world.
type Config struct {
	AccountID  string           // of callers whose role names none
	Region     string           // that AWS's configurations are for
	Now        func() time.Time // the simulated time
	Authorizer Authorizer
	// Origin names what the running invocation belongs to: an execution's ARN, or "schedule". Nil: always "".
	Origin func() string
	// Ended is called when a fault ends the caller of a call: the function crashes or times out. It may be nil.
	Ended func(function string, how Ending)
}

// Server answers the calls of the functions. It is an http.Handler, and safe for concurrent use.
type Server struct {
	config   Config
	services map[string]Service
	ops      map[string]map[string]Operation

	mu         sync.Mutex
	principals map[string]Principal
	fault      func(*Call, Recorded) *Fault
	rewrite    Rewrite
	records    []Recorded
	requests   int
	exchanged  []func(Exchange)
}

// NewServer returns a server of the services.
func NewServer(config Config, services ...Service) *Server {
	s := &Server{
		config: config, services: map[string]Service{}, ops: map[string]map[string]Operation{}, principals: map[string]Principal{},
	}
	for _, service := range services {
		s.services[service.Name()] = service
		s.ops[service.Name()] = service.Operations()
	}
	return s
}

// Register makes an access key known.
func (s *Server) Register(accessKeyID string, p Principal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.principals[accessKeyID] = p
}

// SetFault installs what decides about each call whether it fails; nil lets every call through. It is asked before the caller's
// permissions are checked, with the record as far as it is known.
func (s *Server) SetFault(fault func(*Call, Recorded) *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// Calls returns every call so far, in order.
func (s *Server) Calls() []Recorded {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Recorded(nil), s.records...)
}

// answer is a response before it is written. A nil *answer means that the connection is closed without one.
type answer struct {
	status    int
	protocol  Protocol
	requestID string
	body      []byte
	extra     http.Header
	injected  bool // it is that of a fault
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := s.serve(r)
	if answer == nil {
		panic(http.ErrAbortHandler) // net/http closes the connection without an answer
	}
	answer.write(w)
}

func (s *Server) serve(r *http.Request) *answer {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	requestID := s.nextRequestID()
	if err != nil {
		return fail(JSON10, requestID, Errorf("RequestEntityTooLarge", "reading the request: %v", err))
	}
	scope, err := parseScope(r.Header.Get("Authorization"))
	if err != nil {
		missing := &Error{Status: http.StatusForbidden, Code: "MissingAuthenticationToken", Message: err.Error()}
		return fail(guess(r, body), requestID, missing)
	}
	service, known := s.services[scope.service]
	if !known {
		return s.unknown(guess(r, body), requestID, scope, operationName(r, body))
	}
	call := &Call{
		Service: scope.service, Region: scope.region, AccountID: s.accountOf(scope.accessKeyID), Now: s.config.Now(), Body: body, HTTP: r,
		Late: late(r.Context()),
	}
	call.name(service)
	operation, known := s.ops[scope.service][call.Operation]
	if !known {
		return s.unknown(service.Protocol(), requestID, scope, call.Operation)
	}
	answer := s.handle(call, operation, scope, service.Protocol(), requestID)
	s.tell(call, answer)
	return answer
}

// accountOf is the account of the role behind an access key: what a call sees is what that account has.
func (s *Server) accountOf(accessKeyID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if parts := strings.Split(s.principals[accessKeyID].RoleARN, ":"); len(parts) > 4 && parts[4] != "" {
		return parts[4]
	}
	return s.config.AccountID
}

// handle carries out a call of a known operation: fault, caller, permissions, effect, in AWS's order.
func (s *Server) handle(call *Call, operation Operation, scope scope, protocol Protocol, requestID string) *answer {
	s.mu.Lock()
	principal, known := s.principals[scope.accessKeyID]
	fault := s.fault
	s.mu.Unlock()
	call.Principal, call.Function, call.Session = principal.RoleARN, principal.Function, principal.Session()
	message := isMessage(call.Service, call.Operation)
	record := Recorded{
		Service: call.Service, Operation: call.Operation, Function: principal.Function, Principal: principal.RoleARN,
		Origin: s.origin(), Message: message, Write: operation.Write && !message, At: call.Now,
	}
	if !known {
		return s.refuse(record, protocol, requestID, unknownCaller(protocol, scope.accessKeyID))
	}
	var injected *Fault
	if fault != nil {
		injected = fault(call, record)
	}
	if injected != nil && injected.Kind.before() {
		return s.failBefore(call, record, protocol, requestID, injected)
	}
	if err := s.authorize(call, operation, principal); err != nil {
		return s.refuse(record, protocol, requestID, err)
	}
	body, err := s.carryOut(operation, call)
	if err != nil {
		return s.refuse(record, protocol, requestID, asError(err))
	}
	call.done = true
	if injected != nil {
		record.Fault = injected.Kind
		s.record(record)
		return s.loseAnswer(call.HTTP.Context(), principal.Function, injected.Kind)
	}
	s.record(record)
	return &answer{status: http.StatusOK, protocol: protocol, requestID: requestID, body: body, extra: call.answer}
}

// failBefore answers a call whose effect a fault prevents.
func (s *Server) failBefore(call *Call, record Recorded, protocol Protocol, requestID string, fault *Fault) *answer {
	record.Fault = fault.Kind
	if err := fault.error(call, protocol, record); err != nil {
		answer := s.refuse(record, protocol, requestID, err)
		answer.injected = true
		return answer
	}
	s.record(record)
	return s.loseAnswer(call.HTTP.Context(), record.Function, fault.Kind)
}

// loseAnswer closes the connection without an answer, and ends the caller when the fault is that the caller dies.
func (s *Server) loseAnswer(ctx context.Context, function string, kind FaultKind) *answer {
	ending, ends := kind.ending()
	if ends && s.config.Ended != nil {
		s.config.Ended(function, ending)
	}
	if ending == TimedOut && ends {
		<-ctx.Done() // the caller hangs on its call until it is ended
	}
	return nil
}

func (s *Server) authorize(call *Call, operation Operation, principal Principal) *Error {
	if operation.Permissions == nil {
		return nil
	}
	for _, permission := range operation.Permissions(call) {
		permission.Context = withGlobalKeys(permission.Context, call, principal)
		decision := s.config.Authorizer.Authorize(principal.RoleARN, permission)
		if !decision.Allowed {
			return denied(call.Service, s.services[call.Service].Protocol(), principal, permission, decision.Reason)
		}
	}
	return nil
}

// withGlobalKeys adds the condition keys that AWS puts into every request.
func withGlobalKeys(own map[string][]string, call *Call, principal Principal) map[string][]string {
	keys := map[string][]string{
		"aws:principalarn":     {principal.RoleARN},
		"aws:principalaccount": {call.AccountID},
		"aws:requestedregion":  {call.Region},
		"aws:securetransport":  {"true"},
		"aws:currenttime":      {call.Now.UTC().Format(time.RFC3339)},
	}
	for key, values := range own {
		keys[strings.ToLower(key)] = values
	}
	return keys
}

// unknown answers a call that is not simulated with 501, and records it.
func (s *Server) unknown(protocol Protocol, requestID string, scope scope, operation string) *answer {
	s.mu.Lock()
	principal := s.principals[scope.accessKeyID]
	s.mu.Unlock()
	record := Recorded{
		Service: scope.service, Operation: operation, Function: principal.Function, Principal: principal.RoleARN,
		Origin: s.origin(), At: s.config.Now(),
	}
	return s.refuse(record, protocol, requestID, &Error{
		Status: http.StatusNotImplemented, Code: CodeNotImplemented,
		Message: fmt.Sprintf("the simulation does not know %s.%s", scope.service, operation),
	})
}

func (s *Server) refuse(record Recorded, protocol Protocol, requestID string, err *Error) *answer {
	record.Code = err.Code
	record.Error = err.Message
	s.record(record)
	return fail(protocol, requestID, err)
}

func (s *Server) record(record Recorded) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, record)
}

func (s *Server) origin() string {
	if s.config.Origin == nil {
		return ""
	}
	return s.config.Origin()
}

func (s *Server) nextRequestID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	return fmt.Sprintf("00000000-0000-4000-8000-%012x", s.requests)
}

// asError returns err as an *Error; any other error is a defect of a service and is answered as AWS's InternalError.
func asError(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return &Error{Status: http.StatusInternalServerError, Code: "InternalError", Message: err.Error()}
}

// name sets the operation of a call, and the parts of the request that the service's protocol has.
func (c *Call) name(service Service) {
	switch service.Protocol() {
	case EC2Query, Query:
		c.Form, _ = url.ParseQuery(string(c.Body))
		c.Operation = c.Form.Get("Action")
	case RESTXML, RESTJSON:
		if router, ok := service.(Route); ok {
			c.Operation, c.Path, _ = router.Route(c.HTTP.Method, c.HTTP.URL.Path, c.HTTP.URL.Query())
		}
		if c.Operation == "" {
			c.Operation = c.HTTP.Method + " " + c.HTTP.URL.Path
		}
	default:
		c.Operation = operationName(c.HTTP, c.Body)
	}
}

// operationName is the operation of a request of whatever protocol, as far as it can be told without the service.
func operationName(r *http.Request, body []byte) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return target[strings.LastIndex(target, ".")+1:]
	}
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") != "" {
		return form.Get("Action")
	}
	return r.Method + " " + r.URL.Path
}

// guess is the protocol of a request to a service that is not known.
func guess(r *http.Request, body []byte) Protocol {
	switch {
	case r.Header.Get("X-Amz-Target") != "" && strings.HasSuffix(r.Header.Get("Content-Type"), "1.0"):
		return JSON10
	case r.Header.Get("X-Amz-Target") != "":
		return JSON11
	case bytes.HasPrefix(body, []byte("Action=")):
		return Query
	default:
		return RESTXML
	}
}

// scope is the part of a SigV4 Authorization header that says who calls what.
type scope struct{ accessKeyID, region, service string }

// parseScope reads Credential=AKID/date/region/service/aws4_request. The signature itself is not checked: everything runs in
// one process or on loopback.
func parseScope(authorization string) (scope, error) {
	_, rest, found := strings.Cut(authorization, "Credential=")
	credential, _, _ := strings.Cut(rest, ",")
	parts := strings.Split(strings.TrimSpace(credential), "/")
	if !found || len(parts) != 5 || parts[4] != "aws4_request" {
		return scope{}, errors.New("the request carries no SigV4 credential scope")
	}
	return scope{accessKeyID: parts[0], region: parts[2], service: parts[3]}, nil
}
