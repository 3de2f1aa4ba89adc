package dns

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// Associate makes a zone answer in further VPCs; it may run any number of times. A VPC of another account associates itself, with
// the client that in returns for it, after this client, which is the zone owner's, has let it.
func (c *Client) Associate(ctx context.Context, zone connection.DNS, in func(connection.Access) *Client) error {
	if len(zone.Associations) == 0 {
		return nil
	}
	_, has, err := c.get(ctx, zone.ZoneID)
	if err != nil {
		return err
	}
	for _, vpc := range zone.Associations {
		if err := c.ensureAssociation(ctx, zone, vpc, slices.Contains(has, vpc.VPCID), in(vpc.Access())); err != nil {
			return err
		}
	}
	return nil
}

// ensureAssociation leaves no authorization behind, whatever became of the association: an earlier try may have died between the
// two.
func (c *Client) ensureAssociation(ctx context.Context, zone connection.DNS, vpc connection.Association, has bool, there *Client) error {
	var failed error
	if !has && vpc.CrossAccount {
		failed = c.authorize(ctx, zone, vpc)
	}
	if !has && failed == nil {
		failed = there.associate(ctx, c, zone, vpc)
	}
	if vpc.CrossAccount {
		failed = errors.Join(failed, c.deauthorize(context.WithoutCancel(ctx), zone, vpc))
	}
	return failed
}

func (c *Client) authorize(ctx context.Context, zone connection.DNS, vpc connection.Association) error {
	_, err := c.api.CreateVPCAssociationAuthorization(ctx, &route53.CreateVPCAssociationAuthorizationInput{
		HostedZoneId: aws.String(zone.ZoneID), VPC: vpcOf(vpc),
	})
	if err != nil {
		return fmt.Errorf("letting VPC %s of account %s be associated with hosted zone %s: %w", vpc.VPCID, vpc.AccountID, zone.ZoneID, err)
	}
	return nil
}

// deauthorize takes an authorization back; none is success. It does not end the association.
func (c *Client) deauthorize(ctx context.Context, zone connection.DNS, vpc connection.Association) error {
	_, err := c.api.DeleteVPCAssociationAuthorization(ctx, &route53.DeleteVPCAssociationAuthorizationInput{
		HostedZoneId: aws.String(zone.ZoneID), VPC: vpcOf(vpc),
	})
	if err != nil && !awserr.IsNotFound(err) {
		return fmt.Errorf("taking back that VPC %s may be associated with hosted zone %s: %w", vpc.VPCID, zone.ZoneID, err)
	}
	return nil
}

// associate is called as the VPC's account; owner is the zone's.
//
// AWS: a VPC that has the zone already, and one that has another zone of the name, are the same ConflictingDomainExists. An
// authorization that was just given may not be known yet.
func (c *Client) associate(ctx context.Context, owner *Client, zone connection.DNS, vpc connection.Association) error {
	_, err := c.api.AssociateVPCWithHostedZone(ctx, &route53.AssociateVPCWithHostedZoneInput{
		HostedZoneId: aws.String(zone.ZoneID), VPC: vpcOf(vpc),
	})
	switch {
	case err == nil:
		return nil
	case awserr.Is(err, "ConflictingDomainExists"):
		if _, has, lookErr := owner.get(ctx, zone.ZoneID); lookErr != nil || slices.Contains(has, vpc.VPCID) {
			return lookErr
		}
		return connection.Errorf(connection.Conflict, "VPC %s has another hosted zone %s; leave the VPC out of "+
			"target.associatedVpcIds, or end that association when nothing in the VPC needs its records: %w", vpc.VPCID, zone.ZoneName, err)
	case awserr.Is(err, "NotAuthorizedException"):
		return connection.Errorf(connection.Unavailable, "associating VPC %s with hosted zone %s: AWS does not know yet that it may: %w",
			vpc.VPCID, zone.ZoneID, err)
	}
	return fmt.Errorf("associating VPC %s with hosted zone %s: %w", vpc.VPCID, zone.ZoneID, err)
}

// dissociate undoes associations; one that is gone already is success.
//
// AWS: the zone's owner may end an association with a VPC of another account. A zone keeps its last VPC.
func (c *Client) dissociate(ctx context.Context, done connection.DNS) error {
	for _, vpc := range slices.Backward(done.Associations) {
		if vpc.CrossAccount {
			if err := c.deauthorize(ctx, done, vpc); err != nil {
				return err
			}
		}
		_, err := c.api.DisassociateVPCFromHostedZone(ctx, &route53.DisassociateVPCFromHostedZoneInput{
			HostedZoneId: aws.String(done.ZoneID), VPC: vpcOf(vpc),
		})
		switch {
		case err == nil || awserr.IsNotFound(err):
		case awserr.Is(err, "LastVPCAssociation"):
			return connection.Errorf(connection.Conflict, "VPC %s is the only one that hosted zone %s (%s) is still associated with: left "+
				"as it is", vpc.VPCID, done.ZoneName, done.ZoneID)
		default:
			return fmt.Errorf("ending the association of VPC %s with hosted zone %s: %w", vpc.VPCID, done.ZoneID, err)
		}
	}
	return nil
}

func vpcOf(vpc connection.Association) *types.VPC {
	return &types.VPC{VPCId: aws.String(vpc.VPCID), VPCRegion: types.VPCRegion(vpc.Region)}
}
