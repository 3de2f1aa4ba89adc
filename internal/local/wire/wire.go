// Package wire implements AWS's protocols over HTTP for the real SDK clients. A service registers its
// operations; the server finds the operation of a request, checks the caller's permissions, records the call, applies faults, and
// answers with a loud 501 to whatever it does not know.
package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Call is one request to a service.
type Call struct {
	Service   string // the signing name: ec2, route53, ssm, dynamodb, sns, events, states, lambda
	Operation string // such as CreateVpcEndpoint
	Region    string // that the call is signed for
	AccountID string // the caller's
	Principal string // ARN of the caller's role
	Function  string // name of the calling function
	Session   string // ARN of the caller's session in that role
	Now       time.Time
	Late      time.Duration // how long the caller has waited between tries: for the caller it is so much later than Now

	Form url.Values // of a query-protocol request (ec2, sns), else nil
	Body []byte     // as sent
	HTTP *http.Request
	Path map[string]string // path parameters of a REST request (route53, lambda)

	answer http.Header
	done   bool
}

// SetHeader sets a header of the answer, for the operations that put a member there.
func (c *Call) SetHeader(name, value string) {
	if c.answer == nil {
		c.answer = http.Header{}
	}
	c.answer.Set(name, value)
}

// Permission is one thing IAM must allow for a call. Context holds the condition keys of the call in lower case, such as
// "aws:requesttag/postern:connection", each with its values.
type Permission struct {
	Action   string // ec2:CreateVpcEndpoint
	Resource string // an ARN, or * for actions without resource-level permissions
	Context  map[string][]string
}

// Operation is one operation of a service. Permissions are checked, all of them, before Do runs. Do returns the response body in
// the service's protocol; an error should be an *Error.
type Operation struct {
	Write       bool // it changes something
	Permissions func(*Call) []Permission
	Do          func(*Call) ([]byte, error)
}

// Service is one AWS service.
type Service interface {
	// Name is the service's signing name.
	Name() string
	// Protocol says how its requests name an operation and how its errors are written.
	Protocol() Protocol
	// Operations are its operations by name.
	Operations() map[string]Operation
}

// Protocol is an AWS wire protocol.
type Protocol string

// The protocols of the services Postern uses.
const (
	EC2Query Protocol = "ec2query"  // Action=… form; XML; errors in <Response><Errors>
	Query    Protocol = "query"     // Action=… form; XML; errors in <ErrorResponse>
	RESTXML  Protocol = "rest-xml"  // method and path; XML; errors in <ErrorResponse>
	RESTJSON Protocol = "rest-json" // method and path; JSON; errors with a header X-Amzn-Errortype
	JSON10   Protocol = "awsJson10" // X-Amz-Target; JSON; errors with __type
	JSON11   Protocol = "awsJson11"
)

// Route is implemented by a REST service: it names the operation of a request and its path parameters.
type Route interface {
	Route(method, path string, query url.Values) (operation string, parameters map[string]string, ok bool)
}

// Error is an error as AWS would answer it.
type Error struct {
	Status  int // HTTP status; 0 means 400
	Code    string
	Message string
	// Type is appended for JSON services that add members to an error, else nil.
	Members map[string]any
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Errorf returns a 400 with a code.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}
