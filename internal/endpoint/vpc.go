package endpoint

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

// VPC is a VPC as a plan needs it. Private DNS of any kind needs both DNS attributes.
type VPC struct {
	ID                       string
	CIDRs                    []string // IPv4 blocks in use
	DNSSupport, DNSHostnames bool
}

// VPC returns a VPC; the error satisfies awserr.IsNotFound when it does not exist.
//
// AWS: DescribeVpcAttribute answers one attribute a call, so this is three calls.
func (c *Client) VPC(ctx context.Context, vpcID string) (VPC, error) {
	out, err := c.api.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{vpcID}})
	if err == nil && len(out.Vpcs) == 0 {
		err = &smithy.GenericAPIError{Code: "InvalidVpcID.NotFound", Message: "the VPC does not exist"}
	}
	if err != nil {
		return VPC{}, fmt.Errorf("describing VPC %s: %w", vpcID, err)
	}
	vpc := vpcOf(out.Vpcs[0])
	vpc.DNSSupport, vpc.DNSHostnames, err = c.VPCDNS(ctx, vpcID)
	return vpc, err
}

func vpcOf(v types.Vpc) VPC {
	vpc := VPC{ID: aws.ToString(v.VpcId)}
	for _, block := range v.CidrBlockAssociationSet {
		if block.CidrBlockState == nil || block.CidrBlockState.State == types.VpcCidrBlockStateCodeAssociated {
			vpc.CIDRs = append(vpc.CIDRs, aws.ToString(block.CidrBlock))
		}
	}
	if primary := aws.ToString(v.CidrBlock); len(vpc.CIDRs) == 0 && primary != "" {
		vpc.CIDRs = []string{primary}
	}
	return vpc
}

// VPCDNS returns a VPC's attributes enableDnsSupport and enableDnsHostnames.
func (c *Client) VPCDNS(ctx context.Context, vpcID string) (support, hostnames bool, err error) {
	if support, err = c.vpcAttribute(ctx, vpcID, types.VpcAttributeNameEnableDnsSupport); err != nil {
		return false, false, err
	}
	hostnames, err = c.vpcAttribute(ctx, vpcID, types.VpcAttributeNameEnableDnsHostnames)
	return support, hostnames, err
}

func (c *Client) vpcAttribute(ctx context.Context, vpcID string, name types.VpcAttributeName) (bool, error) {
	out, err := c.api.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{VpcId: aws.String(vpcID), Attribute: name})
	if err != nil {
		return false, fmt.Errorf("describing %s of VPC %s: %w", name, vpcID, err)
	}
	value := out.EnableDnsSupport
	if name == types.VpcAttributeNameEnableDnsHostnames {
		value = out.EnableDnsHostnames
	}
	return value != nil && aws.ToBool(value.Value), nil
}

// Subnet is a subnet. AZID is what is compared: AZ names differ from account to account.
type Subnet struct {
	ID, VPCID, AZ, AZID string
	FreeAddresses       int
}

// Subnets returns the subnets with these ids, in this order; the error satisfies awserr.IsNotFound when one does not exist.
func (c *Client) Subnets(ctx context.Context, ids []string) ([]Subnet, error) {
	found := map[string]Subnet{}
	pages := ec2.NewDescribeSubnetsPaginator(c.api, &ec2.DescribeSubnetsInput{SubnetIds: ids})
	for len(ids) > 0 && pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("describing subnets: %w", err)
		}
		for _, s := range page.Subnets {
			found[aws.ToString(s.SubnetId)] = Subnet{
				ID: aws.ToString(s.SubnetId), VPCID: aws.ToString(s.VpcId), AZ: aws.ToString(s.AvailabilityZone),
				AZID: aws.ToString(s.AvailabilityZoneId), FreeAddresses: int(aws.ToInt32(s.AvailableIpAddressCount)),
			}
		}
	}
	return inOrder(ids, found, "InvalidSubnetID.NotFound", "subnet")
}

// inOrder returns what was found in the order it was asked for. AWS refuses a call that names an unknown id; were one left out
// silently, a check on the rest would pass for the whole.
func inOrder[T any](ids []string, found map[string]T, code, kind string) ([]T, error) {
	things := make([]T, 0, len(ids))
	for _, id := range ids {
		thing, ok := found[id]
		if !ok {
			message := fmt.Sprintf("the %s ID '%s' does not exist", kind, id)
			return nil, fmt.Errorf("describing %s %s: %w", kind, id, &smithy.GenericAPIError{Code: code, Message: message})
		}
		things = append(things, thing)
	}
	return things, nil
}
