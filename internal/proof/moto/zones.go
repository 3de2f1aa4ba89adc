package moto

import (
	"context"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	embedded "postern/internal/local/route53"
)

// zones are moto's private hosted zones, as the resolver of a VPC sees them.
type zones struct{ client *route53.Client }

func newZones(moto string) *zones { return &zones{client: route53.NewFromConfig(Client(moto))} }

// View returns the private zones of a VPC with their records. Without an answer there are none, which fails the probe.
func (z *zones) View(vpcID string) []embedded.Zone {
	all, err := z.read(context.Background(), vpcID)
	if err != nil {
		slog.Error("reading moto's hosted zones", "error", err)
		return nil
	}
	return all
}

// HasZone reports whether a private zone of that name is associated with a VPC.
func (z *zones) HasZone(vpcID, name string) bool {
	for _, zone := range z.View(vpcID) {
		if zone.Name == embedded.Canonical(name) {
			return true
		}
	}
	return false
}

func (z *zones) read(ctx context.Context, vpcID string) ([]embedded.Zone, error) {
	listed, err := z.client.ListHostedZonesByVPC(ctx, &route53.ListHostedZonesByVPCInput{VPCId: &vpcID, VPCRegion: Region})
	if err != nil {
		return nil, err
	}
	var all []embedded.Zone
	for _, summary := range listed.HostedZoneSummaries {
		zone := embedded.Zone{ID: *summary.HostedZoneId, Name: embedded.Canonical(*summary.Name), Private: true}
		pages := route53.NewListResourceRecordSetsPaginator(z.client, &route53.ListResourceRecordSetsInput{HostedZoneId: summary.HostedZoneId})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, set := range page.ResourceRecordSets {
				zone.Records = append(zone.Records, recordOf(set))
			}
		}
		all = append(all, zone)
	}
	return all, nil
}

func recordOf(set types.ResourceRecordSet) embedded.Record {
	record := embedded.Record{Name: embedded.Canonical(*set.Name), Type: string(set.Type), TTL: aws.ToInt64(set.TTL)}
	for _, value := range set.ResourceRecords {
		record.Values = append(record.Values, *value.Value)
	}
	if target := set.AliasTarget; target != nil {
		record.Alias = &embedded.Alias{ZoneID: *target.HostedZoneId, DNSName: *target.DNSName, EvaluateTargetHealth: target.EvaluateTargetHealth}
	}
	return record
}

// Zones are the private hosted zones that a VPC sees in moto.
func (g *Gateway) Zones(vpcID string) []embedded.Zone { return g.zones.View(vpcID) }
