package dns

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"postern/internal/connection"
)

// Owned returns the zones that were made for a connection in a VPC, by any execution, each with the records in it that Postern
// made. A zone that lost its association with the VPC is found by its id, which may be "".
func (c *Client) Owned(ctx context.Context, connectionID string, network connection.Network, zoneID string) ([]connection.DNS, error) {
	zones, err := c.Zones(ctx, network.VPCID, network.Region)
	if err != nil {
		return nil, err
	}
	candidates := map[string]bool{}
	for _, zone := range zones {
		if zone.OwningService == "" && (zone.OwningAccount == "" || zone.OwningAccount == network.AccountID) {
			candidates[zone.ID] = true
		}
	}
	if zoneID != "" && !candidates[zoneID] {
		zones = append(zones, Zone{ID: zoneID})
		candidates[zoneID] = true
	}
	var owned []connection.DNS
	for _, zone := range zones {
		if !candidates[zone.ID] {
			continue
		}
		ours, err := c.Ours(ctx, zone.ID, connectionID)
		if err != nil {
			return nil, err
		}
		if !ours {
			continue
		}
		all, err := c.written(ctx, zone)
		if err != nil {
			return nil, err
		}
		owned = append(owned, all)
	}
	return owned, nil
}

// Managed returns every zone of the account that Postern made, in any VPC, by the connection it was made for.
func (c *Client) Managed(ctx context.Context) (map[string][]Zone, error) {
	managed := map[string][]Zone{}
	err := c.byName(ctx, "", func(zone types.HostedZone) bool {
		if id := reference(aws.ToString(zone.CallerReference)).connection(); id != "" {
			managed[id] = append(managed[id], Zone{ID: bare(zone.Id), Name: Name(aws.ToString(zone.Name))})
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	return managed, nil
}

// written is a zone with the records in it that have one of the forms that Postern writes, to be undone.
func (c *Client) written(ctx context.Context, zone Zone) (connection.DNS, error) {
	done := connection.DNS{
		Mode: connection.ModePrivateHostedZone, ZoneID: zone.ID, ZoneName: zone.Name, ZoneCreated: true,
	}
	_, err := c.each(ctx, zone.ID, "", func(set types.ResourceRecordSet) bool {
		if set.Type == types.RRTypeSoa && set.Name != nil {
			done.ZoneName = Name(*set.Name) // AWS: every zone has one, at its apex
		}
		if record, ours := read(set); ours {
			done.Records = append(done.Records, connection.WrittenRecord{Record: record, Changed: true})
		}
		return true
	})
	return done, err
}
