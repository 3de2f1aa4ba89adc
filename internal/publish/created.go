package publish

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"postern/internal/connection"
)

// Created is a parameter that we made.
type Created struct {
	Name     string
	Version  int64 // 1: it was not written since
	Modified time.Time
}

// Created lists what carries our tags below a path; of one connection, or for "" of all. What stood there before us has no tag of
// ours and is not listed, whatever we wrote to it.
//
// AWS: DescribeParameters gives no values, and filters by tags, which it does not return.
func (c *Client) Created(ctx context.Context, path, connectionID string) ([]Created, error) {
	tag, value := connection.TagManaged, "true"
	if connectionID != "" {
		tag, value = connection.TagConnection, connectionID
	}
	pages := ssm.NewDescribeParametersPaginator(c.api, &ssm.DescribeParametersInput{
		MaxResults: aws.Int32(50), // AWS: the most
		ParameterFilters: []types.ParameterStringFilter{
			{Key: aws.String("Path"), Option: aws.String("Recursive"), Values: []string{path}},
			{Key: aws.String("tag:" + tag), Values: []string{value}},
		},
	})
	var all []Created
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the parameters below %s: %w", path, err)
		}
		for _, p := range page.Parameters {
			all = append(all, Created{Name: aws.ToString(p.Name), Version: p.Version, Modified: aws.ToTime(p.LastModifiedDate)})
		}
	}
	return all, nil
}
