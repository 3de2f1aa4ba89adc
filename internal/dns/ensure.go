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

// Want is one name, or several of a zone, that must resolve to an endpoint in a VPC, through a private hosted zone.
type Want struct {
	ConnectionID string
	Execution    string // ARN
	Network      connection.Network
	Plan         connection.DNSPlan
	// Target and TargetZoneID are the endpoint's Regional name and the zone that an alias to it names.
	Target, TargetZoneID string
	// ZonalTargets are the endpoint's names that point to one Availability Zone, by zone id.
	ZonalTargets map[string]string
	// EndpointCreated is set when this execution made the endpoint, so that no earlier record can point to it.
	EndpointCreated bool
	// Repair is set for a repair: the names were the connection's before, and a manual change there is overwritten.
	Repair bool
}

// found is the zone for the records. A fresh one has none of them yet.
type found struct {
	id             string
	created, fresh bool // by this execution; by this call
	associated     bool // with the VPC, by this call
}

// Ensure makes the zone and its records, or finds them: it may run any number of times. All records are written in one change,
// which AWS makes whole or not at all. A record or zone that Postern did not make is a Conflict that names it, and nothing is written.
func (c *Client) Ensure(ctx context.Context, want Want) (connection.DNS, error) {
	records, err := want.records()
	if err != nil {
		return connection.DNS{}, err
	}
	zone, err := c.find(ctx, want)
	if err != nil {
		return connection.DNS{}, err
	}
	switch {
	case zone != nil:
	case want.Plan.ZoneID != "":
		zone, err = c.reassociate(ctx, want)
	default:
		zone, err = c.create(ctx, want)
	}
	if err != nil {
		return connection.DNS{}, err
	}
	var at sets
	if !zone.fresh {
		if at, err = c.at(ctx, zone.id, records); err != nil {
			return want.done(*zone, nil), err
		}
	}
	var changes []types.Change
	written := make([]connection.WrittenRecord, len(records))
	for i, record := range records {
		change, previous, err := at[record.Name].toward(record, want.Repair)
		if err != nil {
			return want.done(*zone, nil), connection.Errorf(connection.Conflict, "hosted zone %s (%s): %w", want.Plan.Zone, zone.id, err)
		}
		// When it was so already, an earlier try of this execution may have written it and stopped before it could report so.
		changed := len(change) > 0 || zone.created || want.replaced(record)
		if changed && len(change) == 0 {
			previous = want.Plan.Before(record)
		}
		changes, written[i] = append(changes, change...), connection.WrittenRecord{Record: record, Changed: changed, Previous: previous}
	}
	if len(changes) == 0 {
		return want.done(*zone, written), nil
	}
	return want.done(*zone, written), c.change(ctx, zone.id, "Postern: "+want.ConnectionID, changes)
}

// Made returns what an execution made that ended before it could report it: the zone with its caller reference, and the records
// that point at the execution's endpoint.
func (c *Client) Made(ctx context.Context, want Want) (connection.DNS, error) {
	none := connection.DNS{Mode: want.Plan.Mode, Hostname: want.Plan.Hostname}
	records, err := want.records()
	if err != nil {
		return none, nil //nolint:nilerr // Ensure went no further either
	}
	zone, err := c.find(ctx, want)
	if connection.NameOf(err) == connection.Conflict || err == nil && zone == nil {
		return none, nil // Postern did not make what is in the way, so it wrote nothing
	}
	if err != nil {
		return none, err
	}
	at, err := c.at(ctx, zone.id, records)
	if err != nil {
		return want.done(*zone, nil), err
	}
	var written []connection.WrittenRecord
	for _, record := range records {
		if _, ok := at[record.Name].find(record); ok && (zone.created || want.replaced(record)) {
			written = append(written, connection.WrittenRecord{Record: record, Changed: true, Previous: want.Plan.Before(record)})
		}
	}
	return want.done(*zone, written), nil
}

// done returns what ConfigureDNS reports: the zone, its records as they are now, and the VPCs that this execution associated.
func (w Want) done(zone found, written []connection.WrittenRecord) connection.DNS {
	done := connection.DNS{
		Mode: w.Plan.Mode, Hostname: w.Plan.Hostname, ZoneID: zone.id, ZoneName: w.Plan.Zone, ZoneCreated: zone.created,
		Records: written,
	}
	for _, vpc := range w.Plan.Associations {
		if !vpc.Existing {
			done.Associations = append(done.Associations, vpc)
		}
	}
	if zone.associated {
		done.Associations = append(done.Associations, connection.Association{
			Name: w.Network.Name, AccountID: w.Network.AccountID, Region: w.Network.Region, VPCID: w.Network.VPCID,
		})
	}
	return done
}

// find returns the connection's zone in the VPC, nil when there is none, and a Conflict when one that Postern did not make for it is in the way.
func (c *Client) find(ctx context.Context, want Want) (*found, error) {
	zones, err := c.Zones(ctx, want.Network.VPCID, want.Network.Region)
	if err != nil {
		return nil, err
	}
	name := Name(want.Plan.Zone)
	for _, zone := range zones {
		if hostname := want.answeredBy(zone); hostname != "" && len(zone.Name) > len(name) {
			return nil, connection.Errorf(connection.Conflict, "hosted zone %s (%s) is associated with %s and answers for %s instead of "+
				"%s; find out who uses it, and end the association when nothing in the VPC needs its records", zone.Name, zone.ID, want.Network.VPCID, hostname, name)
		}
	}
	for _, zone := range zones {
		if zone.Name == name {
			return c.claimed(ctx, want, zone)
		}
	}
	return nil, nil
}

// claimed returns a zone of the wanted name when it is the connection's.
func (c *Client) claimed(ctx context.Context, want Want, zone Zone) (*found, error) {
	foreign := func(owner string) error {
		return connection.Errorf(connection.Conflict, "hosted zone %s (%s) is associated with %s already and belongs to %s; let "+
			"this connection use a zone of another name, or end the association when nothing in the VPC needs its records", zone.Name, zone.ID, want.Network.VPCID, owner)
	}
	if zone.OwningService != "" {
		return nil, foreign("AWS service " + zone.OwningService + " (an endpoint's private DNS, most often)")
	}
	if zone.OwningAccount != "" && zone.OwningAccount != want.Network.AccountID {
		return nil, foreign("account " + zone.OwningAccount)
	}
	made, err := c.reference(ctx, zone.ID)
	switch {
	case err != nil:
		return nil, err
	case made.of(want.ConnectionID):
		return &found{id: zone.ID, created: made == want.reference()}, nil
	case made.connection() != "":
		return nil, connection.Errorf(connection.Conflict, "hosted zone %s (%s) is associated with %s already and belongs to connection %s; use "+
			"that connection, or offboard it if it is no longer needed", zone.Name, zone.ID, want.Network.VPCID, made.connection())
	}
	return nil, foreign("an owner that is not Postern")
}

// create makes the zone, associated with the VPC.
//
// AWS: a caller reference that was used before is an error, not an echo of the zone: then an earlier try of this execution made
// the zone, and it is looked for.
func (c *Client) create(ctx context.Context, want Want) (*found, error) {
	zone, network := want.Plan.Zone, want.Network
	comment := fmt.Sprintf("Made by Postern for %s (execution %s)", want.ConnectionID, last(want.Execution))
	out, err := c.api.CreateHostedZone(ctx, &route53.CreateHostedZoneInput{
		Name:             aws.String(zone),
		CallerReference:  aws.String(string(want.reference())),
		HostedZoneConfig: &types.HostedZoneConfig{PrivateZone: true, Comment: aws.String(comment)},
		VPC:              &types.VPC{VPCId: aws.String(network.VPCID), VPCRegion: types.VPCRegion(network.Region)},
	})
	switch {
	case awserr.Is(err, "HostedZoneAlreadyExists"):
		return c.made(ctx, want)
	case awserr.Is(err, "ConflictingDomainExists"):
		return nil, connection.Errorf(connection.Conflict, "a hosted zone %s was associated with %s a moment ago, outside Postern or "+
			"by an endpoint's private DNS; find it, then start again: %w", zone, network.VPCID, err)
	case err != nil:
		return nil, fmt.Errorf("creating hosted zone %s for VPC %s: %w", zone, network.VPCID, err)
	}
	if out.HostedZone == nil || bare(out.HostedZone.Id) == "" {
		return nil, fmt.Errorf("creating hosted zone %s for VPC %s: AWS answered without one", zone, network.VPCID)
	}
	return &found{id: bare(out.HostedZone.Id), created: true, fresh: true}, nil
}

// reassociate makes the connection's zone, which the plan found, answer in the VPC again, when its association was ended outside Postern.
func (c *Client) reassociate(ctx context.Context, want Want) (*found, error) {
	ours, err := c.Ours(ctx, want.Plan.ZoneID, want.ConnectionID)
	switch {
	case err != nil:
		return nil, err
	case !ours:
		return c.create(ctx, want) // it is gone by now
	}
	zone := connection.DNS{ZoneID: want.Plan.ZoneID, ZoneName: want.Plan.Zone}
	vpc := connection.Association{VPCID: want.Network.VPCID, Region: want.Network.Region}
	return &found{id: want.Plan.ZoneID, associated: true}, c.associate(ctx, c, zone, vpc)
}

// made finds the zone that carries this execution's caller reference, by name: a new zone may be missing from the list by VPC.
func (c *Client) made(ctx context.Context, want Want) (*found, error) {
	var made string
	err := c.byName(ctx, want.Plan.Zone, func(zone types.HostedZone) bool {
		if reference(aws.ToString(zone.CallerReference)) == want.reference() {
			made = bare(zone.Id)
		}
		return made == "" && Name(aws.ToString(zone.Name)) == Name(want.Plan.Zone)
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("looking for hosted zone %s: %w", want.Plan.Zone, err)
	case made == "":
		return nil, connection.Errorf(connection.Unavailable, "AWS says that this execution has made hosted zone %s, but does not "+
			"list it yet", want.Plan.Zone)
	}
	return &found{id: made, created: true}, nil
}

// replaced reports whether a record that is as wanted must be this execution's work: it points to the endpoint that this
// execution made, or the plan of a repair saw another record in its place.
func (w Want) replaced(record connection.Record) bool {
	return w.EndpointCreated || w.Repair && w.Plan.Before(record) != nil
}

func (w Want) reference() reference {
	return newReference(w.ConnectionID, w.Execution, Name(w.Plan.Zone), w.Network.VPCID)
}

// answeredBy returns the first of the wanted names that a zone answers for, or "".
func (w Want) answeredBy(zone Zone) string {
	names := []string{w.Plan.Hostname}
	for _, record := range w.Plan.Records {
		names = append(names, record.Name)
	}
	for _, name := range names {
		if zone.Answers(name) {
			return name
		}
	}
	return ""
}

// records are the zone's records with their values.
func (w Want) records() ([]connection.Record, error) {
	var records []connection.Record
	for _, planned := range w.Plan.Records {
		record := connection.Record{Name: Name(planned.Name), Type: planned.Type, Value: Name(w.Target)}
		if planned.AZID != "" {
			record.Value = Name(w.ZonalTargets[planned.AZID])
		}
		if record.Value == "" {
			return nil, connection.Errorf(connection.Conflict, "the endpoint has no name in %s, to which %s must point: it has no subnet "+
				"there; add one, then start again", planned.AZID, planned.Name)
		}
		if record.Type == connection.RecordAlias {
			record.AliasZoneID = w.TargetZoneID
		} else {
			record.TTL = planned.TTL
		}
		records = append(records, record)
	}
	return records, nil
}

// last returns the part of an ARN after the last colon: an execution's name.
func last(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }
