package drift

import (
	"context"

	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/store"
)

// Place is the AWS of one account and Region, as far as lists go; *endpoint.Client satisfies it.
type Place interface {
	List(ctx context.Context, endpointIDs []string) (map[string]endpoint.Endpoint, error)
	ListSecurityGroups(ctx context.Context, ids []string) (map[string]endpoint.SecurityGroup, error)
	ListTopics(ctx context.Context, endpointIDs []string) (map[string][]string, error)
	ListServices(ctx context.Context, names []string, region, ownRegion string) (map[string]connection.Service, error)
	ListVPCs(ctx context.Context, ids []string) (map[string]endpoint.VPC, error)
	VPCDNS(ctx context.Context, vpcID string) (support, hostnames bool, err error)
	NetworkACLs(ctx context.Context, subnetIDs []string) ([]endpoint.NetworkACL, error)
}

// Config is what a deployment decides.
type Config struct {
	Networks connection.Networks
	// TopicARN is the SNS topic for notifications of endpoints of the stack's own account and Region.
	TopicARN string
}

// place is an account and Region, and how it is reached.
type place struct {
	access    connection.Access
	accountID string
	region    string
}

func placeOf(link store.Link) place {
	return place{link.Expects.Access, link.Expects.AccountID, link.Expects.Region}
}
