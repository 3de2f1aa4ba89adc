package endpoint

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// late is an EC2 whose lists do not show new endpoints yet; only creating them again finds them.
type late struct {
	*fakeEC2
	hidden []types.VpcEndpoint
}

func (l *late) CreateVpcEndpoint(
	ctx context.Context, in *ec2.CreateVpcEndpointInput, options ...func(*ec2.Options),
) (*ec2.CreateVpcEndpointOutput, error) {
	l.endpoints = l.hidden
	return l.fakeEC2.CreateVpcEndpoint(ctx, in, options...)
}
