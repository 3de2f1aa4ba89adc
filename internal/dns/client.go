package dns

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/route53"
)

// API is what this package calls of Route 53; *route53.Client satisfies it.
type API interface {
	ListHostedZonesByVPC(context.Context, *route53.ListHostedZonesByVPCInput, ...func(*route53.Options)) (
		*route53.ListHostedZonesByVPCOutput, error)
	ListHostedZonesByName(context.Context, *route53.ListHostedZonesByNameInput, ...func(*route53.Options)) (
		*route53.ListHostedZonesByNameOutput, error)
	GetHostedZone(context.Context, *route53.GetHostedZoneInput, ...func(*route53.Options)) (*route53.GetHostedZoneOutput, error)
	CreateHostedZone(context.Context, *route53.CreateHostedZoneInput, ...func(*route53.Options)) (
		*route53.CreateHostedZoneOutput, error)
	DeleteHostedZone(context.Context, *route53.DeleteHostedZoneInput, ...func(*route53.Options)) (
		*route53.DeleteHostedZoneOutput, error)
	AssociateVPCWithHostedZone(context.Context, *route53.AssociateVPCWithHostedZoneInput, ...func(*route53.Options)) (
		*route53.AssociateVPCWithHostedZoneOutput, error)
	DisassociateVPCFromHostedZone(context.Context, *route53.DisassociateVPCFromHostedZoneInput, ...func(*route53.Options)) (
		*route53.DisassociateVPCFromHostedZoneOutput, error)
	CreateVPCAssociationAuthorization(context.Context, *route53.CreateVPCAssociationAuthorizationInput, ...func(*route53.Options)) (
		*route53.CreateVPCAssociationAuthorizationOutput, error)
	DeleteVPCAssociationAuthorization(context.Context, *route53.DeleteVPCAssociationAuthorizationInput, ...func(*route53.Options)) (
		*route53.DeleteVPCAssociationAuthorizationOutput, error)
	ListResourceRecordSets(context.Context, *route53.ListResourceRecordSetsInput, ...func(*route53.Options)) (
		*route53.ListResourceRecordSetsOutput, error)
	ChangeResourceRecordSets(context.Context, *route53.ChangeResourceRecordSetsInput, ...func(*route53.Options)) (
		*route53.ChangeResourceRecordSetsOutput, error)
}

var _ API = (*route53.Client)(nil)

// Client reads and writes private hosted zones.
type Client struct{ api API }

// New returns a client over a Route 53 client.
func New(api API) *Client { return &Client{api: api} }
