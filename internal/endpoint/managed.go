package endpoint

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"postern/internal/connection"
)

// Managed returns every endpoint of the account and Region that carries our tag, whatever its VPC and state.
func (c *Client) Managed(ctx context.Context) ([]Endpoint, error) {
	endpoints, err := c.describe(ctx, &ec2.DescribeVpcEndpointsInput{Filters: managed(), MaxResults: aws.Int32(mostOnPage)})
	if err != nil {
		return nil, fmt.Errorf("listing our endpoints: %w", err)
	}
	return endpoints, nil
}

// ManagedGroups returns every security group of the account and Region that carries our tag.
func (c *Client) ManagedGroups(ctx context.Context) ([]SecurityGroup, error) {
	groups, err := c.groups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: managed(), MaxResults: aws.Int32(mostOnPage)})
	if err != nil {
		return nil, fmt.Errorf("listing our security groups: %w", err)
	}
	return groups, nil
}

func managed() []types.Filter { return []types.Filter{filter("tag:"+connection.TagManaged, "true")} }
