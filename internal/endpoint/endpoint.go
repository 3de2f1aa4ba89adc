package endpoint

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// Endpoint is a VPC endpoint as AWS describes it.
type Endpoint struct {
	ID            string
	ServiceName   string
	ServiceRegion string // "" when AWS does not say: the endpoint's own Region
	VPCID         string
	Type          string // Interface, Gateway, …
	State         connection.EndpointState

	SubnetIDs, SecurityGroupIDs []string
	PrivateDNSEnabled           bool
	DNSNames                    []DNSName
	InterfaceIDs                []string
	Tags                        map[string]string
	// Policy is the endpoint's policy as JSON, "" when AWS shows none.
	Policy string
	// Reason is why AWS failed or refused the endpoint, when it says so.
	Reason    string
	CreatedAt time.Time // zero when AWS does not say
}

// DNSName is one of an endpoint's names, with the hosted zone that an alias to it names.
type DNSName struct{ Name, HostedZoneID string }

// Connection returns the id of the connection the endpoint was made for, or "" when it is not ours.
func (e Endpoint) Connection() string {
	if e.Tags[connection.TagManaged] != "true" {
		return ""
	}
	return e.Tags[connection.TagConnection]
}

// InVPC returns every endpoint of a VPC, of any type and owner.
func (c *Client) InVPC(ctx context.Context, vpcID string) ([]Endpoint, error) {
	if vpcID == "" {
		return nil, errors.New("describing endpoints: no VPC id")
	}
	endpoints, err := c.describe(ctx, &ec2.DescribeVpcEndpointsInput{Filters: []types.Filter{filter("vpc-id", vpcID)}})
	if err != nil {
		return nil, fmt.Errorf("describing the endpoints of VPC %s: %w", vpcID, err)
	}
	return endpoints, nil
}

// OfConnection returns every endpoint of a connection in a VPC, whatever its state.
func (c *Client) OfConnection(ctx context.Context, vpcID, connectionID string) ([]Endpoint, error) {
	if vpcID == "" || connectionID == "" {
		return nil, errors.New("looking for endpoints: no VPC id or no connection id")
	}
	endpoints, err := c.describe(ctx, &ec2.DescribeVpcEndpointsInput{Filters: []types.Filter{
		filter("vpc-id", vpcID), filter("tag:"+connection.TagConnection, connectionID),
	}})
	if err != nil {
		return nil, fmt.Errorf("looking for the endpoint of %s in VPC %s: %w", connectionID, vpcID, err)
	}
	return endpoints, nil
}

// Describe returns an endpoint. One that does not exist comes back with StateDeleted: AWS forgets a deleted endpoint after a
// while, so both answers mean the same.
func (c *Client) Describe(ctx context.Context, id string) (Endpoint, error) {
	if id == "" {
		return Endpoint{}, errors.New("describing an endpoint: no id")
	}
	endpoints, err := c.describe(ctx, &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{id}})
	if err != nil && !awserr.IsNotFound(err) {
		return Endpoint{}, fmt.Errorf("describing endpoint %s: %w", id, err)
	}
	for _, endpoint := range endpoints {
		if endpoint.ID == id {
			return endpoint, nil
		}
	}
	return Endpoint{ID: id, State: connection.StateDeleted}, nil
}

// mostFiltered is how many values one filter takes.
//
// AWS: a request may have 200 filter values.
const mostFiltered = 200

// DescribeAll returns the endpoints with these ids, in this order; an id that does not exist comes back with StateDeleted. It costs
// what List does.
//
// AWS: one unknown id in VpcEndpointIds fails the whole call; in a filter it is only left out.
func (c *Client) DescribeAll(ctx context.Context, ids []string) ([]Endpoint, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := c.List(ctx, ids)
	if err != nil {
		return nil, err
	}
	all := make([]Endpoint, 0, len(ids))
	for _, id := range ids {
		endpoint, ok := found[id]
		if !ok {
			endpoint = Endpoint{ID: id, State: connection.StateDeleted}
		}
		all = append(all, endpoint)
	}
	return all, nil
}

// describe reads every page.
func (c *Client) describe(ctx context.Context, in *ec2.DescribeVpcEndpointsInput) ([]Endpoint, error) {
	var endpoints []Endpoint
	pages := ec2.NewDescribeVpcEndpointsPaginator(c.api, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range page.VpcEndpoints {
			endpoints = append(endpoints, endpointOf(e))
		}
	}
	return endpoints, nil
}

func endpointOf(e types.VpcEndpoint) Endpoint {
	endpoint := Endpoint{
		ID: aws.ToString(e.VpcEndpointId), ServiceName: aws.ToString(e.ServiceName), ServiceRegion: aws.ToString(e.ServiceRegion),
		VPCID: aws.ToString(e.VpcId), Type: string(e.VpcEndpointType), State: connection.ParseEndpointState(string(e.State)),
		SubnetIDs: e.SubnetIds, PrivateDNSEnabled: aws.ToBool(e.PrivateDnsEnabled), InterfaceIDs: e.NetworkInterfaceIds,
		Tags: make(map[string]string, len(e.Tags)), Reason: aws.ToString(e.FailureReason),
		CreatedAt: aws.ToTime(e.CreationTimestamp), Policy: aws.ToString(e.PolicyDocument),
	}
	for _, group := range e.Groups {
		endpoint.SecurityGroupIDs = append(endpoint.SecurityGroupIDs, aws.ToString(group.GroupId))
	}
	for _, entry := range e.DnsEntries {
		endpoint.DNSNames = append(endpoint.DNSNames, DNSName{aws.ToString(entry.DnsName), aws.ToString(entry.HostedZoneId)})
	}
	for _, tag := range e.Tags {
		endpoint.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	if e.LastError != nil && endpoint.Reason == "" {
		endpoint.Reason = aws.ToString(e.LastError.Code) + ": " + aws.ToString(e.LastError.Message)
	}
	return endpoint
}
