package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// JSON makes the Do of an operation that speaks JSON from a function of its members. Members that In does not have are refused as
// calls that the simulation does not know are, so that nothing a caller asks for is silently left out.
func JSON[In, Out any](do func(*Call, In) (Out, error)) func(*Call) ([]byte, error) {
	return func(call *Call) ([]byte, error) {
		var in In
		if err := DecodeJSON(call, &in); err != nil {
			return nil, err
		}
		out, err := do(call, in)
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	}
}

// DecodeJSON reads the members of a call into a struct.
func DecodeJSON(call *Call, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(call.Body))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	var known *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known): // of a type that checks itself
		return known
	case strings.HasPrefix(err.Error(), "json: unknown field"):
		return &Error{
			Status: http.StatusNotImplemented, Code: CodeNotImplemented,
			Message: "the simulation does not know this member of " + call.Service + "." + call.Operation + ": " + err.Error(),
		}
	default:
		return Errorf("SerializationException", "reading the request: %v", err)
	}
}
