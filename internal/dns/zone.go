package dns

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// Zone is a private hosted zone associated with a VPC. Exactly one of OwningAccount and OwningService is set: AWS services, an
// endpoint's own private DNS among them, associate zones that no account owns.
type Zone struct {
	ID            string // without /hostedzone/
	Name          string // lower case, without trailing dot
	OwningAccount string
	OwningService string
}

// Zones returns every private hosted zone associated with a VPC.
//
// AWS: zones that come through a Route 53 Profile are not among them.
func (c *Client) Zones(ctx context.Context, vpcID, region string) ([]Zone, error) {
	var zones []Zone
	in := &route53.ListHostedZonesByVPCInput{VPCId: aws.String(vpcID), VPCRegion: types.VPCRegion(region)}
	for {
		out, err := c.api.ListHostedZonesByVPC(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("listing the hosted zones of VPC %s: %w", vpcID, err)
		}
		for _, summary := range out.HostedZoneSummaries {
			zone := Zone{ID: zoneID(aws.ToString(summary.HostedZoneId)), Name: Name(aws.ToString(summary.Name))}
			if summary.Owner != nil {
				zone.OwningAccount = aws.ToString(summary.Owner.OwningAccount)
				zone.OwningService = aws.ToString(summary.Owner.OwningService)
			}
			zones = append(zones, zone)
		}
		if aws.ToString(out.NextToken) == "" {
			return zones, nil
		}
		in.NextToken = out.NextToken
	}
}

// Ours reports whether Postern made a zone for a connection. A zone that does not exist is not ours.
func (c *Client) Ours(ctx context.Context, zoneID, connectionID string) (bool, error) {
	made, err := c.reference(ctx, zoneID)
	return made.of(connectionID), err
}

// reference returns the caller reference of a zone, "" when the zone does not exist.
func (c *Client) reference(ctx context.Context, zoneID string) (reference, error) {
	if zoneID == "" {
		return "", fmt.Errorf("reading a hosted zone: no id")
	}
	out, err := c.api.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: aws.String(zoneID)})
	if awserr.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading hosted zone %s: %w", zoneID, err)
	}
	return reference(aws.ToString(out.HostedZone.CallerReference)), nil
}

// reference is the caller reference of a zone: it says for which connection and by which execution the zone was made.
//
// AWS: a caller reference is given once, at creation, has at most 128 characters, and is the idempotency token of the call. Unlike
// the comment it cannot be edited, so ownership rests on it.
type reference string

func newReference(connectionID, execution, zone, vpcID string) reference {
	token := connection.ClientToken(execution, "hosted-zone", zone, vpcID)
	return reference(prefix(connectionID) + token[:32])
}

func prefix(connectionID string) string { return "postern:" + connectionID + ":" }

func (r reference) of(connectionID string) bool {
	return connectionID != "" && strings.HasPrefix(string(r), prefix(connectionID))
}

func zoneID(raw string) string { return strings.TrimPrefix(raw, "/hostedzone/") }
