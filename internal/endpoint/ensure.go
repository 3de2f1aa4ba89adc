package endpoint

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// Want is the endpoint that a connection needs.
type Want struct {
	ConnectionID string
	Execution    string // ARN
	Network      connection.Network
	Service      connection.Service
	// Group is the security group to make for the endpoint, nil when Network names groups.
	Group *connection.SecurityGroupPlan
	// AdoptID is an endpoint that was created manually and is adopted, so that none is created; "" for none.
	AdoptID string
	// TopicARN is the SNS topic that hears of the endpoint's events, "" for none. AWS does not say whether it notifies a topic of
	// another account or Region, so an endpoint there has none: the sweep sees what happens to it.
	TopicARN string
	// Repair is set when an endpoint that was onboarded is put right, and none may be made.
	Repair *connection.RepairPlan
	// PrivateDNS is whether the endpoint's own private DNS must answer; only a repair reads it.
	PrivateDNS bool
}

// Ensure makes a connection's endpoint and its notification, or finds them: it may run any number of times.
func (c *Client) Ensure(ctx context.Context, want Want) (connection.Endpoint, error) {
	if want.Repair != nil {
		return c.repair(ctx, want)
	}
	all, err := c.InVPC(ctx, want.Network.VPCID)
	if err != nil {
		return connection.Endpoint{}, err
	}
	existing, err := want.choose(all)
	if err != nil {
		return connection.Endpoint{}, err
	}
	if want.AdoptID != "" {
		if existing, err = c.adopt(ctx, want, existing); err != nil {
			return connection.Endpoint{}, err
		}
	}
	if existing == nil {
		if err := want.alone(all); err != nil {
			return connection.Endpoint{}, err
		}
		return c.make(ctx, want)
	}
	endpoint := connection.Endpoint{
		ID: existing.ID, State: existing.State,
		// An earlier try of this execution may have made it and died before it could say so.
		Created: existing.Tags[connection.TagExecution] == want.Execution,
		Adopted: existing.HandMade(), PrivateDNSEnabled: existing.HandMade() && existing.PrivateDNSEnabled,
	}
	if endpoint.Adopted {
		endpoint.PolicyDigest = PolicyDigest(existing.Policy)
	}
	c.log.InfoContext(ctx, "endpoint found", slog.String("connection", want.ConnectionID), slog.String("endpoint", endpoint.ID),
		slog.Bool("created", endpoint.Created))
	if want.Group != nil {
		group, err := c.GroupOfConnection(ctx, want.Network.VPCID, want.ConnectionID)
		if err != nil {
			return endpoint, err
		}
		endpoint.SecurityGroupID = group.ID
	}
	endpoint.NotificationID, err = c.ensureNotification(ctx, want, endpoint)
	return endpoint, c.withoutNotification(ctx, want, err)
}

// choose returns the endpoint to go on with, or nil when one must be made. Only a live one is adopted: a rejected or deleted one
// stays listed for a while, and waiting for it would have no effect. One for another service is not touched: the vendor accepted it.
func (w Want) choose(all []Endpoint) (*Endpoint, error) {
	live := slices.DeleteFunc(slices.Clone(all), func(e Endpoint) bool {
		return e.Tags[connection.TagConnection] != w.ConnectionID || !e.State.Live()
	})
	switch {
	case len(live) == 0:
		return nil, nil
	case len(live) > 1:
		ids := make([]string, len(live))
		for i, endpoint := range live {
			ids[i] = endpoint.ID
		}
		slices.Sort(ids)
		return nil, connection.Errorf(connection.Conflict, "connection %s has %d live endpoints in %s: %s; delete those that no "+
			"client uses, then start again", w.ConnectionID, len(live), w.Network.VPCID, strings.Join(ids, ", "))
	case live[0].ServiceName != w.Service.Name:
		return nil, connection.Errorf(connection.Conflict, "connection %s has endpoint %s for another service, %s, not %s; remove "+
			"that endpoint first, or give this connection another name", w.ConnectionID, live[0].ID, live[0].ServiceName, w.Service.Name)
	}
	return &live[0], nil
}

// alone returns a connection.Conflict when another endpoint for the service was created since the plan was made, which takes days with the
// allow-listing: the vendor would be asked for one more without effect, since a VPC has one answer for a name.
func (w Want) alone(all []Endpoint) error {
	for _, e := range all {
		if e.ServiceName != w.Service.Name || !e.State.Live() {
			continue
		}
		if owner := e.Connection(); owner != "" {
			return connection.Errorf(connection.Conflict, "endpoint %s of connection %s reaches %s from %s by now; use that connection, or "+
				"remove it first", e.ID, owner, e.ServiceName, w.Network.VPCID)
		}
		return connection.Errorf(connection.Conflict, "endpoint %s, which Postern did not make, reaches %s from %s by now; start again with "+
			"adoptEndpointId, or delete it first", e.ID, e.ServiceName, w.Network.VPCID)
	}
	return nil
}

func (c *Client) make(ctx context.Context, want Want) (connection.Endpoint, error) {
	var group string
	if want.Group != nil {
		var err error
		if group, err = c.ensureGroup(ctx, want); err != nil {
			return connection.Endpoint{}, err
		}
		want.Network.SecurityGroupIDs = []string{group}
	}
	out, err := c.api.CreateVpcEndpoint(ctx, want.input())
	if err != nil {
		return connection.Endpoint{}, want.explain(err)
	}
	if out.VpcEndpoint == nil || aws.ToString(out.VpcEndpoint.VpcEndpointId) == "" {
		return connection.Endpoint{}, fmt.Errorf("creating an endpoint for %s: AWS answered without an endpoint", want.Service.Name)
	}
	made := endpointOf(*out.VpcEndpoint)
	endpoint := connection.Endpoint{ID: made.ID, State: made.State, Created: true, SecurityGroupID: group}
	c.log.InfoContext(ctx, "endpoint created", slog.String("connection", want.ConnectionID), slog.String("endpoint", made.ID))
	endpoint.NotificationID, err = c.createNotification(ctx, want, made.ID)
	return endpoint, c.withoutNotification(ctx, want, err)
}

// withoutNotification lets an endpoint go on that AWS refuses a notification for: the sweep sees what the vendor does, only some
// minutes later. To fail here would leave an endpoint behind that EC2, just after making it, may not show to rollback.
func (c *Client) withoutNotification(ctx context.Context, want Want, err error) error {
	if err == nil || awserr.Code(err) == "" || awserr.IsThrottled(err) || awserr.IsUnavailable(err) {
		return err
	}
	c.log.WarnContext(ctx, "no connection notification: the sweep will see what the vendor does",
		slog.String("connection", want.ConnectionID), slog.String("error", err.Error()))
	return nil
}

// input is the request for the endpoint.
//
// AWS: the type defaults to Gateway; without security groups the endpoint gets the VPC's default one; most vendors' services
// take no endpoint policy; private DNS is refused before the vendor accepts, and would break a live name until it works.
func (w Want) input() *ec2.CreateVpcEndpointInput {
	subnets := make([]string, len(w.Network.Subnets))
	for i, subnet := range w.Network.Subnets {
		subnets[i] = subnet.ID
	}
	in := &ec2.CreateVpcEndpointInput{
		VpcEndpointType:   types.VpcEndpointTypeInterface,
		VpcId:             aws.String(w.Network.VPCID),
		ServiceName:       aws.String(w.Service.Name),
		SubnetIds:         subnets,
		SecurityGroupIds:  w.Network.SecurityGroupIDs,
		PrivateDnsEnabled: aws.Bool(false),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeVpcEndpoint, Tags: w.tags()}},
		ClientToken:       aws.String(w.token(subnets)),
	}
	if w.Service.Region != "" && w.Service.Region != w.Network.Region {
		in.ServiceRegion = aws.String(w.Service.Region)
	}
	return in
}

// token stands for everything in the request, because AWS refuses a known token with other parameters.
func (w Want) token(subnets []string) string {
	parameters := []string{w.ConnectionID, w.Network.VPCID, w.Service.Name, w.Service.Region, "subnets"}
	parameters = append(append(parameters, subnets...), "groups")
	return connection.ClientToken(w.Execution, "endpoint", append(parameters, w.Network.SecurityGroupIDs...)...)
}

func (w Want) tags() []types.Tag {
	return tagList(connection.Tags(w.ConnectionID, w.Execution))
}
