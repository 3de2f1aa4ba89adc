package awserr

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func api(code string) error { return &smithy.GenericAPIError{Code: code, Message: "as AWS says"} }

// sent is an error as the SDK returns it: wrapped with the operation, the attempts and the HTTP answer.
func sent(status int, inner error) error {
	answer := &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: inner}
	return &smithy.OperationError{ServiceID: "EC2", OperationName: "Do", Err: &retry.MaxAttemptsError{Attempt: 3, Err: answer}}
}

func TestCode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err           error
		code, message string
	}{
		"none":        {nil, "", ""},
		"not of AWS":  {errors.New("RequestLimitExceeded"), "", ""},
		"bare":        {api("A"), "A", "as AWS says"},
		"as the SDK":  {sent(400, api("A")), "A", "as AWS says"},
		"wrapped":     {fmt.Errorf("x: %w", sent(400, api("A"))), "A", "as AWS says"},
		"no API body": {sent(503, errors.New("html")), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Code(test.err); got != test.code {
				t.Errorf("Code = %q, want %q", got, test.code)
			}
			if got := Message(test.err); got != test.message {
				t.Errorf("Message = %q, want %q", got, test.message)
			}
			if got := Is(test.err, "B", "A"); got != (test.code == "A") {
				t.Errorf("Is = %t", got)
			}
		})
	}
}

// Every code is of one kind and of no other: a step's name depends on it.
func TestKinds(t *testing.T) {
	t.Parallel()
	kinds := []struct {
		name string
		is   func(error) bool
	}{{"not found", IsNotFound}, {"throttled", IsThrottled}, {"denied", IsDenied}, {"limit", IsLimit}, {"unavailable",
		IsUnavailable}}
	for code, want := range map[string]string{
		"InvalidVpcEndpointId.NotFound":          "not found",
		"InvalidVpcEndpoint.NotFound":            "not found",
		"InvalidVpcID.NotFound":                  "not found",
		"InvalidServiceName":                     "not found",
		"InvalidConnectionNotification":          "not found",
		"NoSuchHostedZone":                       "not found",
		"ParameterNotFound":                      "not found",
		"RequestLimitExceeded":                   "throttled",
		"Throttling":                             "throttled",
		"ThrottlingException":                    "throttled",
		"PriorRequestNotComplete":                "throttled",
		"TooManyUpdates":                         "throttled",
		"ProvisionedThroughputExceededException": "throttled",
		"UnauthorizedOperation":                  "denied",
		"AccessDeniedException":                  "denied",
		"AuthFailure":                            "denied",
		"VpcEndpointLimitExceeded":               "limit",
		"ParameterMaxVersionLimitExceeded":       "limit",
		"InsufficientFreeAddressesInSubnet":      "limit",
		"TooManyHostedZones":                     "limit",
		"InternalError":                          "unavailable",
		"Unavailable":                            "unavailable",
		"InvalidParameter":                       "",
		"MadeUp":                                 "",
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			for _, kind := range kinds {
				if got := kind.is(sent(400, api(code))); got != (kind.name == want) {
					t.Errorf("%s: %t, want %q", kind.name, got, want)
				}
			}
		})
	}
}

func TestIsUnavailable(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"none":           {nil, false},
		"500":            {sent(500, api("MadeUp")), true},
		"503, no body":   {sent(503, errors.New("html")), true},
		"404":            {sent(404, errors.New("html")), false},
		"no connection":  {fmt.Errorf("a: %w", &net.OpError{Op: "dial", Err: errors.New("refused")}), true},
		"our deadline":   {fmt.Errorf("a: %w", context.DeadlineExceeded), true},
		"a plain error":  {errors.New("index out of range"), false},
		"a caller's end": {context.Canceled, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := IsUnavailable(test.err); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}
