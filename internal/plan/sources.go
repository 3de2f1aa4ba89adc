package plan

import (
	"context"
	"time"

	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/publish"
	"postern/internal/store"
)

// Endpoints is what the plan reads of EC2; *endpoint.Client satisfies it.
type Endpoints interface {
	VPC(ctx context.Context, vpcID string) (endpoint.VPC, error)
	Subnets(ctx context.Context, ids []string) ([]endpoint.Subnet, error)
	SecurityGroups(ctx context.Context, ids []string) ([]endpoint.SecurityGroup, error)
	Service(ctx context.Context, name, region, ownRegion string) (connection.Service, error)
	OfConnection(ctx context.Context, vpcID, connectionID string) ([]endpoint.Endpoint, error)
	GroupOfConnection(ctx context.Context, vpcID, connectionID string) (endpoint.SecurityGroup, error)
	Describe(ctx context.Context, id string) (endpoint.Endpoint, error)
	InVPC(ctx context.Context, vpcID string) ([]endpoint.Endpoint, error)
	Interfaces(ctx context.Context, e endpoint.Endpoint) ([]connection.NetworkInterface, error)
	NetworkACLs(ctx context.Context, subnetIDs []string) ([]endpoint.NetworkACL, error)
}

// Zones is what the plan reads of Route 53; *dns.Client satisfies it.
type Zones interface {
	Zones(ctx context.Context, vpcID, region string) ([]dns.Zone, error)
	Connection(ctx context.Context, zoneID string) (connectionID string, err error)
	Owned(ctx context.Context, connectionID string, network connection.Network, zoneID string) ([]connection.DNS, error)
	Present(ctx context.Context, zoneID string, names []connection.NameRecord) ([]connection.Record, error)
	Find(ctx context.Context, name, connectionID string) (zone dns.Zone, found bool, err error)
	Records(ctx context.Context, zoneID string, names []string) ([]connection.ZoneRecord, error)
}

// Parameters is what the plan reads of SSM; *publish.Client satisfies it.
type Parameters interface {
	Inspect(ctx context.Context, names []string) (map[string]publish.Existing, error)
	Made(ctx context.Context, outputs []connection.Output, since time.Time) (connection.Config, error)
	Created(ctx context.Context, path, connectionID string) ([]publish.Created, error)
}

// Holders is what the plan reads of the store; *store.Store satisfies it.
type Holders interface {
	Record(ctx context.Context, connectionID string) (store.Record, error)
	Ended(ctx context.Context, execution string) (bool, error)
	Ran(ctx context.Context, execution string) (request []byte, since time.Time, err error)
	Ledger(ctx context.Context, connectionID string) (*connection.Ledger, error)
}

// Account reports whether an account can be reached; *account.Accounts satisfies it.
type Account interface {
	Reach(ctx context.Context, access connection.Access) error
}

// Sources is what the plan reads in the account and Region of a network.
type Sources struct {
	Account    Account
	Endpoints  Endpoints
	Zones      Zones
	Parameters Parameters
}
