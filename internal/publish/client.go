package publish

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// API is what this package calls of SSM; *ssm.Client satisfies it.
type API interface {
	GetParameters(context.Context, *ssm.GetParametersInput, ...func(*ssm.Options)) (*ssm.GetParametersOutput, error)
	DescribeParameters(context.Context, *ssm.DescribeParametersInput, ...func(*ssm.Options)) (*ssm.DescribeParametersOutput, error)
	GetParameterHistory(context.Context, *ssm.GetParameterHistoryInput, ...func(*ssm.Options)) (*ssm.GetParameterHistoryOutput, error)
	PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
	DeleteParameter(context.Context, *ssm.DeleteParameterInput, ...func(*ssm.Options)) (*ssm.DeleteParameterOutput, error)
}

var _ API = (*ssm.Client)(nil)

// Client reads and writes the parameters that agents read.
type Client struct{ api API }

// New returns a client over an SSM client.
func New(api API) *Client { return &Client{api: api} }

// Existing is a parameter as it is now.
type Existing struct {
	Value    string
	Version  int64
	Type     string // String, StringList or SecureString
	Modified time.Time
	Rules    Rules // only as far as Inspect read them
}

// mostRead is how many parameters one call reads.
//
// AWS: GetParameters takes 10 names.
const mostRead = 10

// Read returns the parameters that exist, by name. A name may end in :version; the parameter comes back under the name as asked.
func (c *Client) Read(ctx context.Context, names []string) (map[string]Existing, error) {
	existing := make(map[string]Existing, len(names))
	for chunk := range slices.Chunk(names, mostRead) {
		out, err := c.api.GetParameters(ctx, &ssm.GetParametersInput{Names: chunk})
		if err != nil {
			return nil, fmt.Errorf("reading parameters %s: %w", strings.Join(chunk, ", "), err)
		}
		for _, p := range out.Parameters {
			existing[aws.ToString(p.Name)+aws.ToString(p.Selector)] = Existing{
				Value: aws.ToString(p.Value), Version: p.Version, Type: string(p.Type), Modified: aws.ToTime(p.LastModifiedDate),
			}
		}
	}
	return existing, nil
}
