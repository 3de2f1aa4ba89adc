package relay

import (
	"errors"
	"testing"

	"github.com/aws/aws-lambda-go/lambda/messages"
)

// Whatever a probe's failure looks like, it has a name.
func FuzzFailure(f *testing.F) {
	for _, seed := range []string{`{"errorType":"ConnectivityFailed","errorMessage":"no"}`, `{"errorMessage":"Task timed out"}`, `null`, `[]`, ``, `{"errorType":7}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		var named messages.InvokeResponse_Error
		if err := failure(document); !errors.As(err, &named) || named.Type == "" {
			t.Errorf("%q is %v", document, err)
		}
	})
}
