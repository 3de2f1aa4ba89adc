package dns

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"postern/internal/account"
	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/step"
	"postern/internal/store"
)

// Function builds configure-dns: connection.Input in, connection.DNS out.
func Function(r step.Runtime) (lambda.Handler, error) {
	accounts := account.New(r)
	zones, endpoints := Clients(accounts), endpoint.Clients(accounts, r.Log)
	held := store.New(dynamodb.NewFromConfig(r.AWS), r.Env.Required(step.EnvTable))
	return step.Handle(r.Log, func(ctx context.Context, in connection.Input) (connection.DNS, error) {
		access := in.State.Access()
		return Configurer{Holders: held, Zones: zones(access), ZonesOf: zones, PrivateDNS: endpoints(access)}.Handle(ctx, in)
	}), nil
}

// Clients returns a client for each account that a function works in.
func Clients(accounts *account.Accounts) func(connection.Access) *Client {
	return account.Clients(accounts, func(cfg aws.Config) *Client { return New(route53.NewFromConfig(cfg)) })
}

// PrivateDNS switches an endpoint's own private DNS on, and reports whether it is on by the execution's doing. Until the endpoint
// is available with it, the error is a connection.EndpointPending. *endpoint.Client satisfies it.
type PrivateDNS interface {
	EnablePrivateDNS(ctx context.Context, endpointID, execution string) (ours bool, err error)
}

// Holders says whether a redriven execution still holds its connection; *store.Store satisfies it.
type Holders interface {
	Holds(ctx context.Context, connectionID string, turn connection.Turn) error
}

// Configurer is the step that makes the vendor's name resolve to the endpoint.
type Configurer struct {
	Holders    Holders
	Zones      *Client
	ZonesOf    func(connection.Access) *Client // of the accounts of further VPCs
	PrivateDNS PrivateDNS
}

// Handle does what the plan's DNS mode says.
func (c Configurer) Handle(ctx context.Context, in connection.Input) (connection.DNS, error) {
	state := in.State
	if state.Plan == nil || state.Endpoint == nil || state.Availability == nil {
		return connection.DNS{}, connection.Errorf(connection.Internal, "configuring DNS: there is no plan or no available endpoint")
	}
	if in.RedriveCount > 0 {
		if err := c.Holders.Holds(ctx, state.Plan.ConnectionID, in.Turn()); err != nil {
			return connection.DNS{}, err
		}
	}
	if !state.Plan.Names(connection.CheckZone, connection.CheckRecord, connection.CheckPrivateDNS) {
		return state.Plan.Repair.DNS, nil
	}
	done := connection.DNS{Mode: state.Plan.DNS.Mode, Hostname: state.Plan.DNS.Hostname}
	if state.Plan.DNS.Kept != nil {
		done.Kept = true // the names resolve to the endpoint already; the verification checks it
		return done, nil
	}
	switch done.Mode {
	case connection.ModeNone:
		return done, nil
	case connection.ModeVendorPrivateDNS:
		ours, err := c.PrivateDNS.EnablePrivateDNS(ctx, state.Endpoint.ID, in.Execution)
		done.PrivateDNSEnabled = ours
		return done, err
	case connection.ModePrivateHostedZone:
		done, err := c.Zones.Ensure(ctx, WantOf(in.Execution, state))
		if err == nil {
			err = c.Zones.Associate(ctx, done, c.ZonesOf)
		}
		return done, err
	}
	return done, connection.Errorf(connection.Internal, "configuring DNS: no such mode as %q", done.Mode)
}

// WantOf returns what an execution's state asks for; its plan, endpoint and availability are set.
func WantOf(execution string, state connection.State) Want {
	return Want{
		ConnectionID: state.Plan.ConnectionID, Execution: execution, Network: state.Plan.Network, Plan: state.Plan.DNS,
		Target: state.Availability.DNSName, TargetZoneID: state.Availability.HostedZoneID,
		ZonalTargets: state.Availability.ZonalNames, EndpointCreated: state.Endpoint.Created,
		Repair: state.Plan.Repair != nil,
	}
}
