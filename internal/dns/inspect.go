package dns

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"postern/internal/connection"
)

// Records returns the records at names of a zone, whether or not Postern wrote them; those of the zone itself, NS and SOA, are
// left out. A zone that is gone has none.
func (c *Client) Records(ctx context.Context, zoneID string, names []string) ([]connection.ZoneRecord, error) {
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[Name(name)] = true
	}
	var found []connection.ZoneRecord
	_, err := c.each(ctx, zoneID, "", func(record types.ResourceRecordSet) bool {
		if name := Name(aws.ToString(record.Name)); wanted[name] && addresses(record.Type) {
			found = append(found, connection.ZoneRecord{Name: name, Type: string(record.Type), Value: value(record)})
		}
		return true
	})
	return found, err
}

// value is the value of a record: the first when it has several.
func value(record types.ResourceRecordSet) string {
	switch {
	case record.AliasTarget != nil:
		return Name(aws.ToString(record.AliasTarget.DNSName))
	case len(record.ResourceRecords) == 0:
		return ""
	}
	return Name(aws.ToString(record.ResourceRecords[0].Value))
}

// Find returns the private zone of a name that Postern made for a connection, whether or not a VPC is associated with it.
func (c *Client) Find(ctx context.Context, name, connectionID string) (Zone, bool, error) {
	var found Zone
	err := c.byName(ctx, name, func(zone types.HostedZone) bool {
		if Name(aws.ToString(zone.Name)) != Name(name) {
			return false // AWS: the list begins at the name
		}
		if reference(aws.ToString(zone.CallerReference)).of(connectionID) {
			found = Zone{ID: bare(zone.Id), Name: Name(name)}
		}
		return found.ID == ""
	})
	if err != nil {
		return Zone{}, false, fmt.Errorf("looking for hosted zone %s: %w", name, err)
	}
	return found, found.ID != "", nil
}
