package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"postern/internal/connection"
)

// endpoints is what is called of EC2; *ec2.Client satisfies it.
type endpoints interface {
	CreateVpcEndpoint(context.Context, *ec2.CreateVpcEndpointInput, ...func(*ec2.Options)) (*ec2.CreateVpcEndpointOutput, error)
}

// dryRun asks EC2 whether the planned endpoint could be made, with the caller's permissions, and makes none.
//
// AWS: CreateVpcEndpoint with DryRun always answers with an error, DryRunOperation when the request would have been allowed and
// UnauthorizedOperation when not.
func dryRun(ctx context.Context, api endpoints, home place, plan *connection.Plan, out io.Writer) error {
	network := plan.Network
	if network.AccountID != home.account || network.Region != home.region {
		fmt.Fprintf(out, "endpoint: no dry run, %s is in %s, %s\n", network.VPCID, network.AccountID, network.Region)
		return nil
	}
	in := &ec2.CreateVpcEndpointInput{
		DryRun: aws.Bool(true), VpcEndpointType: types.VpcEndpointTypeInterface, PrivateDnsEnabled: aws.Bool(false),
		VpcId: aws.String(network.VPCID), ServiceName: aws.String(plan.Service.Name), SecurityGroupIds: network.SecurityGroupIDs,
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeVpcEndpoint,
			Tags:         []types.Tag{{Key: aws.String(connection.TagManaged), Value: aws.String("true")}},
		}},
	}
	for _, subnet := range network.Subnets {
		in.SubnetIds = append(in.SubnetIds, subnet.ID)
	}
	if plan.Service.Region != "" && plan.Service.Region != network.Region {
		in.ServiceRegion = aws.String(plan.Service.Region)
	}
	_, err := api.CreateVpcEndpoint(ctx, in)
	answer, said := errors.AsType[smithy.APIError](err)
	switch {
	case said && answer.ErrorCode() == "DryRunOperation":
		fmt.Fprintln(out, "endpoint: EC2 says it would have been made")
		return nil
	case said && answer.ErrorCode() == "UnauthorizedOperation":
		// The caller is not the function: the answer says nothing about its role, and the simulation does.
		fmt.Fprintln(out, "endpoint: unknown, these credentials may not call ec2:CreateVpcEndpoint themselves")
		return nil
	case err == nil:
		return errors.New("endpoint: EC2 answered a dry run without an error, look whether an endpoint was made")
	}
	return fmt.Errorf("endpoint: EC2 would have refused it: %w", err)
}
