package lambda

import (
	"net/http"
	"net/url"
	"strings"

	"postern/internal/local/wire"
)

// Service is Lambda's API. It is a wire.Service, and safe for concurrent use.
type Service struct {
	invoke func(functionARN string, payload []byte) (Result, error)
}

// NewService returns an API that runs functions with invoke, whose error says that there is no such function.
func NewService(invoke func(functionARN string, payload []byte) (Result, error)) *Service {
	return &Service{invoke: invoke}
}

// Name is the signing name.
func (s *Service) Name() string { return "lambda" }

// Protocol is REST with JSON.
func (s *Service) Protocol() wire.Protocol { return wire.RESTJSON }

// Route names the operation of a request.
func (s *Service) Route(method, path string, _ url.Values) (string, map[string]string, bool) {
	name, is := strings.CutPrefix(path, "/2015-03-31/functions/")
	name, ends := strings.CutSuffix(name, "/invocations")
	if !is || !ends || method != http.MethodPost {
		return "", nil, false
	}
	return "Invoke", map[string]string{"FunctionName": name}, true
}

// Operations are the simulated operations. Invoke is no write: what the function does is written by its own calls.
func (s *Service) Operations() map[string]wire.Operation {
	return map[string]wire.Operation{"Invoke": {
		Permissions: func(call *wire.Call) []wire.Permission {
			return []wire.Permission{{Action: "lambda:InvokeFunction", Resource: functionARN(call)}}
		},
		Do: s.call,
	}}
}

// functionARN is the function that a call names, by its name or ARN.
func functionARN(call *wire.Call) string {
	name := call.Path["FunctionName"]
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return "arn:aws:lambda:" + call.Region + ":" + call.AccountID + ":function:" + name
}

// call answers Invoke.
//
// AWS: a function that failed is answered with 200, the header X-Amz-Function-Error, and its error document.
func (s *Service) call(call *wire.Call) ([]byte, error) {
	if kind := call.HTTP.Header.Get("X-Amz-Invocation-Type"); kind != "" && kind != "RequestResponse" {
		return nil, &wire.Error{
			Status: http.StatusNotImplemented, Code: wire.CodeNotImplemented, Message: "the simulation does not invoke as " + kind,
		}
	}
	missing := func(message string) error {
		return &wire.Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: message}
	}
	arn := functionARN(call)
	if parts := strings.Split(arn, ":"); len(parts) < 7 || parts[3] != call.Region {
		return nil, missing("Functions from another region are not reachable in this region ('" + call.Region + "'): " + arn)
	}
	result, err := s.invoke(arn, call.Body)
	if err != nil {
		return nil, missing("Function not found: " + arn)
	}
	call.SetHeader("X-Amz-Executed-Version", "$LATEST")
	if result.ErrorType != "" {
		call.SetHeader("X-Amz-Function-Error", "Unhandled")
	}
	return result.Payload, nil
}
