package sns_test

import (
	"errors"

	"github.com/aws/smithy-go"
)

// code is the AWS error code of an error, "" for any other error.
func code(err error) string {
	var answer smithy.APIError
	if errors.As(err, &answer) {
		return answer.ErrorCode()
	}
	return ""
}
