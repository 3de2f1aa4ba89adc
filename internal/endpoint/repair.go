package endpoint

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"postern/internal/connection"
)

// repair makes an onboarded endpoint again what its onboarding made of it, as far as the repair names it, and writes nothing that is
// so already. The ledger says which endpoint is the connection's: its tags may have been removed manually.
func (c *Client) repair(ctx context.Context, want Want) (connection.Endpoint, error) {
	now, err := c.Describe(ctx, want.Repair.Endpoint.ID)
	if err != nil {
		return connection.Endpoint{}, err
	}
	done := want.Repair.Endpoint
	done.State, done.Created, done.NotificationID = now.State, false, ""
	switch owner := now.Connection(); {
	case now.State.Failure() != "":
		return done, connection.Errorf(now.State.Failure(), "endpoint %s is %s%s: a repair replaces none", now.ID, now.State, because(now.Reason))
	case now.VPCID != want.Network.VPCID, now.ServiceName != want.Service.Name, owner != "" && owner != want.ConnectionID:
		return done, connection.Errorf(connection.Conflict, "endpoint %s of %s in %s is no longer that of connection %s", now.ID,
			now.ServiceName, now.VPCID, want.ConnectionID)
	}
	names := func(check connection.DriftCheck) bool { return slices.Contains(want.Repair.Checks, check) }
	if names(connection.CheckTags) {
		if err := c.repairTags(ctx, want, now); err != nil {
			return done, err
		}
	}
	if want.Group != nil && names(connection.CheckSecurityGroups) {
		if done.SecurityGroupID, err = c.ensureGroup(ctx, want); err != nil {
			return done, err
		}
		want.Network.SecurityGroupIDs = []string{done.SecurityGroupID}
	}
	if err := c.modify(ctx, want, now, names); err != nil {
		return done, err
	}
	if names(connection.CheckNotification) {
		done.NotificationID, err = c.ensureNotification(ctx, want, done)
	}
	return done, c.withoutNotification(ctx, want, err)
}

// repairTags puts back the tags that say whose endpoint it is. That of an execution is not among them: what carries a rollback's own
// is deleted by it.
func (c *Client) repairTags(ctx context.Context, want Want, now Endpoint) error {
	lacking := map[string]string{connection.TagConnection: want.ConnectionID, connection.TagManaged: "true"}
	if want.Repair.Endpoint.Adopted {
		lacking = connection.AdoptionTags(want.ConnectionID, want.Repair.Execution)
	}
	maps.DeleteFunc(lacking, func(key, value string) bool {
		return now.Tags[key] == value || key == connection.TagAdopted && now.Tags[key] != ""
	})
	switch {
	case len(lacking) == 0:
		return nil
	case now.Connection() == want.ConnectionID: // our permission is for what lost whose it is
		return connection.Errorf(connection.Conflict, "endpoint %s was adopted and lost its tag %s: set it again manually, with the value %s",
			now.ID, connection.TagAdopted, want.Repair.Execution)
	case now.Tags[connection.TagManaged] != "true" && now.Tags[connection.TagConnection] != "":
		lacking[connection.TagConnection] = want.ConnectionID
	}
	if _, err := c.api.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{now.ID}, Tags: tagList(lacking)}); err != nil {
		return fmt.Errorf("tagging endpoint %s: %w", now.ID, err)
	}
	return nil
}

// modify changes the endpoint's subnets, groups and private DNS in one call, none when there is nothing to change.
func (c *Client) modify(ctx context.Context, want Want, now Endpoint, names func(connection.DriftCheck) bool) error {
	in := &ec2.ModifyVpcEndpointInput{VpcEndpointId: aws.String(now.ID)}
	var doing []string
	note := func(what string, ids []string) []string {
		if len(ids) > 0 {
			doing = append(doing, what+" "+strings.Join(ids, ", "))
		}
		return ids
	}
	if names(connection.CheckSubnets) {
		var subnets []string
		for _, subnet := range want.Network.Subnets {
			subnets = append(subnets, subnet.ID)
		}
		in.AddSubnetIds = note("adding", without(subnets, now.SubnetIDs))
		in.RemoveSubnetIds = note("removing", without(now.SubnetIDs, subnets))
	}
	if names(connection.CheckSecurityGroups) {
		in.AddSecurityGroupIds = note("adding", without(want.Network.SecurityGroupIDs, now.SecurityGroupIDs))
		in.RemoveSecurityGroupIds = note("removing", without(now.SecurityGroupIDs, want.Network.SecurityGroupIDs))
	}
	// To switch it on is ConfigureDNS's, which also waits for it. What was on before the connection stays on.
	if names(connection.CheckPrivateDNS) && now.PrivateDNSEnabled && !want.PrivateDNS && !want.Repair.Endpoint.PrivateDNSEnabled {
		in.PrivateDnsEnabled, doing = aws.Bool(false), append(doing, "private DNS off")
	}
	if len(doing) == 0 {
		return nil
	}
	if _, err := c.api.ModifyVpcEndpoint(ctx, in); err != nil {
		return fmt.Errorf("modifying endpoint %s (%s): %w", now.ID, strings.Join(doing, "; "), err)
	}
	c.log.InfoContext(ctx, "endpoint modified", slog.String("connection", want.ConnectionID), slog.String("endpoint", now.ID),
		slog.Any("changes", doing))
	return nil
}

// without returns the ids of a that are not in b, in order.
func without(a, b []string) []string {
	left := map[string]bool{}
	for _, id := range a {
		left[id] = !slices.Contains(b, id)
	}
	maps.DeleteFunc(left, func(_ string, keep bool) bool { return !keep })
	return slices.Sorted(maps.Keys(left))
}
