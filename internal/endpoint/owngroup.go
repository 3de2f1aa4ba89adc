package endpoint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// ensureGroup makes the security group of a connection with the rules it needs, or finds it and adds those that it lacks: it may
// run any number of times. Rules that others added stay.
func (c *Client) ensureGroup(ctx context.Context, want Want) (string, error) {
	group, err := c.ownGroup(ctx, want)
	if err != nil {
		return "", err
	}
	lacking := missing(*want.Group, group.Inbound)
	if len(lacking) == 0 {
		return group.ID, nil
	}
	_, err = c.api.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: aws.String(group.ID), IpPermissions: lacking,
	})
	switch {
	case err == nil:
		return group.ID, nil
	// AWS: rules are added all or none, and not idempotently; a group that was just made may not be known everywhere yet. In
	// either case what we read was not all there is: the retry reads again.
	case awserr.Is(err, "InvalidPermission.Duplicate", "InvalidGroup.NotFound"):
		return "", connection.Errorf(connection.Unavailable, "adding rules to security group %s: %w", group.ID, err)
	}
	return "", fmt.Errorf("adding rules to security group %s: %w", group.ID, err)
}

// ownGroup finds or creates the group. One of the same name that is not ours is a connection.Conflict and is left alone.
func (c *Client) ownGroup(ctx context.Context, want Want) (SecurityGroup, error) {
	group, err := c.GroupOfConnection(ctx, want.Network.VPCID, want.ConnectionID)
	if err != nil || group.ID != "" {
		return group, err
	}
	out, err := c.api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		GroupName: aws.String(want.Group.Name), VpcId: aws.String(want.Network.VPCID),
		Description:       aws.String("Endpoint of " + want.ConnectionID + ", made by Postern"),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSecurityGroup, Tags: want.tags()}},
	})
	switch {
	case err == nil && aws.ToString(out.GroupId) == "":
		return SecurityGroup{}, fmt.Errorf("creating security group %s: AWS answered without an id", want.Group.Name)
	case err == nil:
		c.log.InfoContext(ctx, "security group created", slog.String("connection", want.ConnectionID),
			slog.String("group", aws.ToString(out.GroupId)))
		return SecurityGroup{ID: aws.ToString(out.GroupId), VPCID: want.Network.VPCID}, nil
	case awserr.Is(err, "InvalidGroup.Duplicate"):
		return SecurityGroup{}, c.explainDuplicate(ctx, want, err)
	}
	return SecurityGroup{}, fmt.Errorf("creating security group %s: %w", want.Group.Name, err)
}

// explainDuplicate distinguishes a foreign group of our name from our own that an earlier try made and that the list did not show yet.
func (c *Client) explainDuplicate(ctx context.Context, want Want, err error) error {
	named, lookErr := c.groups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{
		filter("vpc-id", want.Network.VPCID), filter("group-name", want.Group.Name),
	}})
	if lookErr != nil {
		return errors.Join(err, lookErr)
	}
	for _, group := range named {
		if group.Connection() != want.ConnectionID {
			return connection.Errorf(connection.Conflict, "security group %s is named %s and was not made by Postern; rename or delete "+
				"it, or write the endpoint's groups in target.securityGroupIds", group.ID, want.Group.Name)
		}
	}
	return connection.Errorf(connection.Unavailable, "security group %s exists and cannot be seen yet: %w", want.Group.Name, err)
}

// GroupOfConnection returns the security group that was made for a connection in a VPC, or none, which has no ID.
func (c *Client) GroupOfConnection(ctx context.Context, vpcID, connectionID string) (SecurityGroup, error) {
	if vpcID == "" || connectionID == "" {
		return SecurityGroup{}, errors.New("looking for a security group: no VPC id or no connection id")
	}
	found, err := c.groups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{
		filter("vpc-id", vpcID), filter("tag:"+connection.TagConnection, connectionID),
	}})
	if err != nil {
		return SecurityGroup{}, err
	}
	for _, group := range found {
		if group.Connection() == connectionID { // a tag of that key alone may be anybody's
			return group, nil
		}
	}
	return SecurityGroup{}, nil
}

// RemoveGroup deletes a security group of a connection; one that is absent is success. It is connection.RollbackPending while
// something uses the group, and a connection.Conflict when the group's tags name another connection or none.
//
// AWS: DependencyViolation, also for a while after the endpoint is deleted, as long as its interfaces are there.
func (c *Client) RemoveGroup(ctx context.Context, group SecurityGroup, connectionID string) error {
	if group.ID == "" || connectionID == "" || group.Connection() != connectionID {
		return connection.Errorf(connection.Conflict, "security group %q does not carry the tags of connection %s: not deleted", group.ID, connectionID)
	}
	_, err := c.api.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: aws.String(group.ID)})
	switch {
	case err == nil, awserr.IsNotFound(err):
		return nil
	case awserr.IsDenied(err):
		// A retry of the SDK after a lost answer: a group that is gone no longer has a tag, and our permission asks for one.
		if now, lookErr := c.GroupOfConnection(ctx, group.VPCID, group.Connection()); lookErr == nil && now.ID == "" {
			return nil
		}
	case awserr.Is(err, "DependencyViolation"):
		return connection.Errorf(connection.RollbackPending, "security group %s is still in use: %w", group.ID, err)
	}
	return fmt.Errorf("deleting security group %s: %w", group.ID, err)
}

// missing returns the rules that a group lacks, one permission for each port.
func missing(group connection.SecurityGroupPlan, present []Rule) []types.IpPermission {
	var permissions []types.IpPermission
	for _, port := range group.Ports {
		var cidrs, groups []string
		for _, rule := range present {
			if rule.Protocol == "tcp" && rule.FromPort == port && rule.ToPort == port {
				cidrs, groups = append(cidrs, rule.CIDRs...), append(groups, rule.GroupIDs...)
			}
		}
		number := aws.Int32(int32(port)) //nolint:gosec // a port, which the profile's schema bounds
		permission := types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: number, ToPort: number}
		for _, cidr := range group.CIDRs {
			if !slices.Contains(cidrs, cidr) {
				permission.IpRanges = append(permission.IpRanges, types.IpRange{CidrIp: aws.String(cidr)})
			}
		}
		for _, id := range group.GroupIDs {
			if !slices.Contains(groups, id) {
				permission.UserIdGroupPairs = append(permission.UserIdGroupPairs, types.UserIdGroupPair{GroupId: aws.String(id)})
			}
		}
		if len(permission.IpRanges)+len(permission.UserIdGroupPairs) > 0 {
			permissions = append(permissions, permission)
		}
	}
	return permissions
}
