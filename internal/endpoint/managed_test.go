package endpoint

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// Our endpoints and groups are found on whichever page; a page that cannot be read is an error and not a shorter list.
func TestManaged(t *testing.T) {
	t.Parallel()
	managed := []types.Tag{{Key: aws.String(connection.TagManaged), Value: aws.String("true")},
		{Key: aws.String(connection.TagConnection), Value: aws.String("v/n")}}
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	fake := &fakeEC2{
		pageSize: 1,
		endpoints: []types.VpcEndpoint{
			{VpcEndpointId: aws.String("vpce-1"), State: "Available", Tags: managed, CreationTimestamp: &at},
			{VpcEndpointId: aws.String("vpce-2"), State: "available"},
			{VpcEndpointId: aws.String("vpce-3"), State: "pendingAcceptance", Tags: managed},
		},
		groups: []types.SecurityGroup{{GroupId: aws.String("sg-1"), Tags: managed}, {GroupId: aws.String("sg-2"), Tags: managed}},
	}
	c := client(fake)
	endpoints, err := c.Managed(t.Context())
	if err != nil || len(endpoints) != 2 || endpoints[0].ID != "vpce-1" || endpoints[1].ID != "vpce-3" ||
		!endpoints[0].CreatedAt.Equal(at) || !endpoints[1].CreatedAt.IsZero() || endpoints[0].Connection() != "v/n" {
		t.Errorf("%+v, %v", endpoints, err)
	}
	if groups, err := c.ManagedGroups(t.Context()); err != nil || len(groups) != 2 || groups[1].Connection() != "v/n" {
		t.Errorf("%+v, %v", groups, err)
	}
	fake.refuse = map[string][]error{
		"DescribeVpcEndpoints": {nil, code("RequestLimitExceeded")}, "DescribeSecurityGroups": {nil, code("RequestLimitExceeded")},
	}
	if endpoints, err := c.Managed(t.Context()); !awserr.IsThrottled(err) || endpoints != nil {
		t.Errorf("%+v, %v", endpoints, err)
	}
	if groups, err := c.ManagedGroups(t.Context()); !awserr.IsThrottled(err) || groups != nil {
		t.Errorf("%+v, %v", groups, err)
	}
}
