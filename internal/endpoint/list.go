package endpoint

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// mostOnPage is how many things of one kind EC2 answers at a time.
//
// AWS: MaxResults of the Describe actions used here is at most 1,000.
const mostOnPage = 1000

// only asks for the things with these ids, as long as there are few of them; of more, the caller picks them out of all things.
func only(name string, ids []string) []types.Filter {
	if len(ids) > mostFiltered {
		return nil
	}
	return []types.Filter{filter(name, ids...)}
}

// List returns endpoints by id, those that exist. It costs a call, or one for each thousand endpoints of the Region when many are
// asked for.
func (c *Client) List(ctx context.Context, ids []string) (map[string]Endpoint, error) {
	if len(ids) == 0 || slices.Contains(ids, "") {
		return nil, errors.New("listing endpoints: no id")
	}
	found, err := c.describe(ctx, &ec2.DescribeVpcEndpointsInput{
		Filters: append(only("vpc-endpoint-id", ids), filter("vpc-endpoint-type", string(types.VpcEndpointTypeInterface))),
		// AWS: more than 1,000 are answered as 1,000.
		MaxResults: aws.Int32(mostOnPage),
	})
	if err != nil {
		return nil, fmt.Errorf("listing endpoints: %w", err)
	}
	return among(ids, found, func(e Endpoint) string { return e.ID }), nil
}

// ListSecurityGroups returns security groups by id, those that exist; it costs what List does.
func (c *Client) ListSecurityGroups(ctx context.Context, ids []string) (map[string]SecurityGroup, error) {
	if len(ids) == 0 || slices.Contains(ids, "") {
		return nil, errors.New("listing security groups: no id")
	}
	found, err := c.groups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: only("group-id", ids), MaxResults: aws.Int32(mostOnPage)})
	if err != nil {
		return nil, err
	}
	return among(ids, found, func(g SecurityGroup) string { return g.ID }), nil
}

// among picks out the things with these ids.
func among[T any](ids []string, things []T, idOf func(T) string) map[string]T {
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	picked := make(map[string]T, len(ids))
	for _, thing := range things {
		if id := idOf(thing); wanted[id] {
			picked[id] = thing
		}
	}
	return picked
}

// ListTopics returns the topics that hear of each of these endpoints, by endpoint; it costs what List does.
func (c *Client) ListTopics(ctx context.Context, endpointIDs []string) (map[string][]string, error) {
	if len(endpointIDs) == 0 || slices.Contains(endpointIDs, "") {
		return nil, errors.New("listing connection notifications: no endpoint id")
	}
	found, err := c.describeNotifications(ctx, &ec2.DescribeVpcEndpointConnectionNotificationsInput{
		Filters: only("vpc-endpoint-id", endpointIDs), MaxResults: aws.Int32(mostOnPage),
	})
	if err != nil {
		return nil, fmt.Errorf("listing connection notifications: %w", err)
	}
	topics := make(map[string][]string, len(found))
	for _, n := range found {
		id := aws.ToString(n.VpcEndpointId)
		topics[id] = append(topics[id], aws.ToString(n.ConnectionNotificationArn))
	}
	return topics, nil
}

// ListServices returns services of a Region by name, as this account sees them from ownRegion; those it does not see are left out.
//
// AWS: a name in ServiceNames that is not visible fails the whole call; in a filter it is only left out.
func (c *Client) ListServices(ctx context.Context, names []string, region, ownRegion string) (map[string]connection.Service, error) {
	services := map[string]connection.Service{}
	for chunk := range slices.Chunk(names, mostFiltered) {
		in := &ec2.DescribeVpcEndpointServicesInput{Filters: []types.Filter{filter("service-name", chunk...)}, MaxResults: aws.Int32(mostOnPage)}
		if region != ownRegion {
			in.ServiceRegions = []string{region}
		}
		for more := true; more; more = aws.ToString(in.NextToken) != "" { // the SDK has no paginator of it
			page, err := c.api.DescribeVpcEndpointServices(ctx, in)
			if awserr.Is(err, "InvalidServiceName") {
				break // none of them is visible
			}
			if err != nil {
				return nil, fmt.Errorf("listing services of %s: %w", region, err)
			}
			for _, detail := range page.ServiceDetails {
				service := connection.Service{Name: aws.ToString(detail.ServiceName), Region: region}
				describe(&service, detail)
				services[service.Name] = service
			}
			in.NextToken = page.NextToken
		}
	}
	return services, nil
}

// ListVPCs returns VPCs by id, those that exist, without their DNS attributes: no list shows those.
func (c *Client) ListVPCs(ctx context.Context, ids []string) (map[string]VPC, error) {
	if len(ids) == 0 || slices.Contains(ids, "") {
		return nil, errors.New("listing VPCs: no id")
	}
	vpcs := map[string]VPC{}
	pages := ec2.NewDescribeVpcsPaginator(c.api, &ec2.DescribeVpcsInput{Filters: only("vpc-id", ids), MaxResults: aws.Int32(mostOnPage)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing VPCs: %w", err)
		}
		for _, vpc := range page.Vpcs {
			vpcs[aws.ToString(vpc.VpcId)] = vpcOf(vpc)
		}
	}
	return vpcs, nil
}
