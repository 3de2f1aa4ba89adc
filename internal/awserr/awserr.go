// Package awserr classifies AWS errors by their code, never by their text. EC2 models no exceptions, so the code is all there is.
package awserr

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Code returns the AWS error code in err's chain, or "" when err is not an answer of AWS.
func Code(err error) string {
	var answer smithy.APIError
	if errors.As(err, &answer) {
		return answer.ErrorCode()
	}
	return ""
}

// Is reports whether err carries one of the codes.
func Is(err error, codes ...string) bool {
	return slices.Contains(codes, Code(err))
}

// IsNotFound reports whether the thing asked for does not exist. DescribeVpcEndpoints and DeleteVpcEndpoints spell the same
// answer differently.
func IsNotFound(err error) bool {
	code := Code(err)
	return strings.HasSuffix(code, ".NotFound") || Is(err, "InvalidServiceName", "NoSuchHostedZone", "ParameterNotFound",
		"ResourceNotFoundException", "InvalidConnectionNotification", "VPCAssociationNotFound", "VPCAssociationAuthorizationNotFound",
		"ExecutionDoesNotExist")
}

// IsThrottled reports whether AWS asked to slow down. PrivateLink calls are throttled for an organization too, below the
// account's own limit. Route 53 answers PriorRequestNotComplete while a change of the same zone is in flight.
func IsThrottled(err error) bool {
	return Is(err, "RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException",
		"ProvisionedThroughputExceededException", "RequestThrottled", "RequestThrottledException", "SlowDown", "LimitExceededException",
		"PriorRequestNotComplete", "ConcurrentModification", "TooManyUpdates", "TransactionInProgressException",
		"EC2ThrottledException")
}

// IsDenied reports whether AWS refused the call.
func IsDenied(err error) bool {
	return Is(err, "UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "AuthorizationError", "NotAuthorizedException",
		"AuthorizationErrorException", "OptInRequired", "ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException",
		"AuthFailure", "InvalidClientTokenId", "SignatureDoesNotMatch", "KMSAccessDenied", "KMSAccessDeniedException")
}

// IsLimit reports whether a quota is used up.
func IsLimit(err error) bool {
	code := Code(err)
	return strings.HasSuffix(code, "LimitExceeded") && code != "RequestLimitExceeded" ||
		Is(err, "InsufficientFreeAddressesInSubnet", "TooManyHostedZones", "LimitsExceeded")
}

// IsUnavailable reports whether the call may work when it is made again: a 5xx, or no answer at all.
func IsUnavailable(err error) bool {
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.HTTPStatusCode() >= http.StatusInternalServerError {
		return true
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) ||
		Is(err, "InternalError", "InternalFailure", "InternalServerError", "ServiceUnavailable", "Unavailable", "RequestTimeout",
			"InternalException")
}

// Message returns AWS's own words in err's chain, or "" when err is not an answer of AWS. Unlike err.Error() it carries no
// request id, so the same refusal reads the same each time.
func Message(err error) string {
	var answer smithy.APIError
	if errors.As(err, &answer) {
		return answer.ErrorMessage()
	}
	return ""
}
