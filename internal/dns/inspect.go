package dns

import (
	"context"
	"fmt"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"postern/internal/connection"
)

// Records returns the records that stand at names of a zone, whoever wrote them; those of the zone itself, NS and SOA, are left
// out. A zone that is gone has none.
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

// value is what a record leads to: the first when it has several.
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
	in := &route53.ListHostedZonesByNameInput{DNSName: aws.String(name)}
	for {
		out, err := c.api.ListHostedZonesByName(ctx, in)
		if err != nil {
			return Zone{}, false, fmt.Errorf("looking for hosted zone %s: %w", name, err)
		}
		for _, zone := range out.HostedZones {
			if Name(aws.ToString(zone.Name)) != Name(name) {
				return Zone{}, false, nil // AWS: the list begins at the name
			}
			if reference(aws.ToString(zone.CallerReference)).of(connectionID) {
				return Zone{ID: bare(zone.Id), Name: Name(name)}, true, nil
			}
		}
		if !out.IsTruncated {
			return Zone{}, false, nil
		}
		if in, err = after(in, out); err != nil {
			return Zone{}, false, fmt.Errorf("looking for hosted zone %s: %w", name, err)
		}
	}
}

// after asks for the page that follows.
func after(in *route53.ListHostedZonesByNameInput, out *route53.ListHostedZonesByNameOutput) (*route53.ListHostedZonesByNameInput, error) {
	next := &route53.ListHostedZonesByNameInput{DNSName: out.NextDNSName, HostedZoneId: out.NextHostedZoneId}
	if aws.ToString(next.DNSName) == "" || reflect.DeepEqual(next, in) {
		return nil, errNoNext
	}
	return next, nil
}
