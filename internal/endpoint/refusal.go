package endpoint

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"postern/internal/awserr"
)

// refusal makes an AWS error of the error that stands inside a successful answer, so that it is classified as any other.
func refusal(item types.UnsuccessfulItemError) error {
	return &smithy.GenericAPIError{Code: aws.ToString(item.Code), Message: aws.ToString(item.Message)}
}

// said returns AWS's own words for an error, without the SDK's request id, which differs at every try.
func said(err error) string {
	if message := awserr.Message(err); message != "" {
		return message
	}
	return err.Error()
}

func isAbsent(err error) bool { return awserr.IsNotFound(err) }
