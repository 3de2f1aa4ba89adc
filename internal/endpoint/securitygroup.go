package endpoint

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"postern/internal/connection"
)

// Rule is one rule of a security group.
type Rule struct {
	// Protocol is tcp, udp, icmp, a number, or -1 for all.
	Protocol string
	// FromPort and ToPort are both 0 for protocol -1, which has no ports.
	FromPort, ToPort int
	CIDRs            []string // IPv4 and IPv6 blocks
	GroupIDs         []string
	PrefixListIDs    []string
}

// SecurityGroup is a security group.
type SecurityGroup struct {
	ID, VPCID string
	Inbound   []Rule
	Outbound  []Rule // its CIDRs and groups are where to
	Tags      map[string]string
}

// Connection returns the id of the connection the group was made for, or "" when it is not ours.
func (g SecurityGroup) Connection() string {
	if g.Tags[connection.TagManaged] != "true" {
		return ""
	}
	return g.Tags[connection.TagConnection]
}

// SecurityGroups returns the security groups with these ids, in this order; the error satisfies awserr.IsNotFound when one does
// not exist.
func (c *Client) SecurityGroups(ctx context.Context, ids []string) ([]SecurityGroup, error) {
	found := map[string]SecurityGroup{}
	if len(ids) > 0 {
		groups, err := c.groups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: ids})
		if err != nil {
			return nil, err
		}
		for _, group := range groups {
			found[group.ID] = group
		}
	}
	return inOrder(ids, found, "InvalidGroup.NotFound", "security group")
}

// groups reads every page.
func (c *Client) groups(ctx context.Context, in *ec2.DescribeSecurityGroupsInput) ([]SecurityGroup, error) {
	var groups []SecurityGroup
	pages := ec2.NewDescribeSecurityGroupsPaginator(c.api, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("describing security groups: %w", err)
		}
		for _, g := range page.SecurityGroups {
			group := SecurityGroup{ID: aws.ToString(g.GroupId), VPCID: aws.ToString(g.VpcId), Tags: map[string]string{}}
			for _, permission := range g.IpPermissions {
				group.Inbound = append(group.Inbound, rule(permission))
			}
			for _, permission := range g.IpPermissionsEgress {
				group.Outbound = append(group.Outbound, rule(permission))
			}
			for _, tag := range g.Tags {
				group.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
			}
			groups = append(groups, group)
		}
	}
	return groups, nil
}

func rule(p types.IpPermission) Rule {
	r := Rule{Protocol: aws.ToString(p.IpProtocol), FromPort: int(aws.ToInt32(p.FromPort)), ToPort: int(aws.ToInt32(p.ToPort))}
	for _, block := range p.IpRanges {
		r.CIDRs = append(r.CIDRs, aws.ToString(block.CidrIp))
	}
	for _, block := range p.Ipv6Ranges {
		r.CIDRs = append(r.CIDRs, aws.ToString(block.CidrIpv6))
	}
	for _, pair := range p.UserIdGroupPairs {
		r.GroupIDs = append(r.GroupIDs, aws.ToString(pair.GroupId))
	}
	for _, list := range p.PrefixListIds {
		r.PrefixListIDs = append(r.PrefixListIDs, aws.ToString(list.PrefixListId))
	}
	return r
}
