package wire_test

import (
	"errors"
	"net"
	"net/http"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// code is the AWS error code of an error, "" for any other error.
func code(err error) string {
	var answer smithy.APIError
	if errors.As(err, &answer) {
		return answer.ErrorCode()
	}
	return ""
}

// coded returns a test of an error for a code.
func coded(want string) func(error) bool { return func(err error) bool { return code(err) == want } }

// unavailable reports whether an error is a 5xx, or that no answer came.
func unavailable(err error) bool {
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.HTTPStatusCode() >= http.StatusInternalServerError {
		return true
	}
	var network net.Error
	return errors.As(err, &network)
}
