package lambda

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"postern/internal/local/wire"
)

// Invoke, through the SDK's client.
func TestInvokeAPI(t *testing.T) {
	t.Parallel()
	const f = "arn:aws:lambda:us-east-1:111122223333:function:f"
	for name, test := range map[string]struct {
		function     string
		kind         types.InvocationType
		result       Result
		functionFail string
		code, detail string
	}{
		"by ARN":            {function: f, result: Result{Payload: []byte(`{"a":1}`)}},
		"by name":           {function: "f", result: Result{Payload: []byte(`{"a":1}`)}},
		"it failed":         {function: f, result: failed("Oops", "no"), functionFail: "Unhandled"},
		"it does not exist": {function: "g", code: "ResourceNotFoundException", detail: "function:g"},
		"another Region": {function: strings.Replace(f, "us-east-1", "eu-west-1", 1), code: "ResourceNotFoundException",
			detail: "not reachable in this region"},
		"as an event": {function: f, kind: types.InvocationTypeEvent, code: wire.CodeNotImplemented},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := wire.NewServer(
				wire.Config{AccountID: "111122223333", Region: "us-east-1", Now: time.Now, Authorizer: wire.AllowAll{}},
				NewService(func(arn string, payload []byte) (Result, error) {
					if arn != f || string(payload) != `{"in":1}` {
						return Result{}, errors.New("no such function")
					}
					return test.result, nil
				}))
			server.Register("AKIA", wire.Principal{RoleARN: "arn:aws:iam::111122223333:role/r"})
			answer, err := sdk.NewFromConfig(server.AWS("AKIA")).Invoke(t.Context(), &sdk.InvokeInput{
				FunctionName: aws.String(test.function), InvocationType: test.kind, Payload: []byte(`{"in":1}`),
			})
			if test.code != "" {
				var refused smithy.APIError
				if !errors.As(err, &refused) || refused.ErrorCode() != test.code || !strings.Contains(refused.ErrorMessage(), test.detail) {
					t.Errorf("got %v, want %s: %s", err, test.code, test.detail)
				}
				return
			}
			if err != nil || string(answer.Payload) != string(test.result.Payload) || aws.ToString(answer.FunctionError) != test.functionFail ||
				answer.StatusCode != 200 {
				t.Errorf("got %+v, %v", answer, err)
			}
		})
	}
}
