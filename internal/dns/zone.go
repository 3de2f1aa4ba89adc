package dns

import (
	"context"
	"errors"
	"fmt"
	"reflect"
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

// Answers reports whether the zone answers for a name: the name is the zone's own or under it.
//
// AWS: of several zones that answer for a name only the one with the longest name is asked, also when it has no such record.
func (z Zone) Answers(name string) bool {
	name = Name(name)
	return name == z.Name || strings.HasSuffix(name, "."+z.Name)
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
			zone := Zone{ID: bare(summary.HostedZoneId), Name: Name(aws.ToString(summary.Name))}
			if summary.Owner != nil {
				zone.OwningAccount = aws.ToString(summary.Owner.OwningAccount)
				zone.OwningService = aws.ToString(summary.Owner.OwningService)
			}
			zones = append(zones, zone)
		}
		if aws.ToString(out.NextToken) == "" {
			return zones, nil
		}
		if aws.ToString(out.NextToken) == aws.ToString(in.NextToken) {
			return nil, fmt.Errorf("listing the hosted zones of VPC %s: %w", vpcID, errNoNext)
		}
		in.NextToken = out.NextToken
	}
}

// Present returns the records at the names of a zone that have one of the forms that Postern writes.
func (c *Client) Present(ctx context.Context, zoneID string, names []connection.NameRecord) ([]connection.Record, error) {
	var wanted []connection.Record
	for _, name := range names {
		wanted = append(wanted, connection.Record{Name: name.Name})
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	at, err := c.at(ctx, zoneID, wanted)
	if err != nil {
		return nil, err
	}
	var present []connection.Record
	for _, name := range wanted {
		for _, have := range at[name.Name] {
			if record, ok := form(have); ok {
				present = append(present, record)
			}
		}
	}
	return present, nil
}

// Ours reports whether Postern made a zone for a connection. It is false for a zone that does not exist.
func (c *Client) Ours(ctx context.Context, zoneID, connectionID string) (bool, error) {
	made, err := c.reference(ctx, zoneID)
	return made.of(connectionID), err
}

// Connection returns the connection that a zone was made for, "" when Postern did not make it or it does not exist.
func (c *Client) Connection(ctx context.Context, zoneID string) (string, error) {
	made, err := c.reference(ctx, zoneID)
	return made.connection(), err
}

// reference returns the caller reference of a zone, "" when the zone does not exist.
func (c *Client) reference(ctx context.Context, zoneID string) (reference, error) {
	made, _, err := c.get(ctx, zoneID)
	if awserr.IsNotFound(err) {
		return "", nil
	}
	return made, err
}

// get reads a zone: its caller reference and the VPCs it answers in.
func (c *Client) get(ctx context.Context, zoneID string) (made reference, vpcIDs []string, err error) {
	if zoneID == "" {
		return "", nil, errors.New("reading a hosted zone: no id")
	}
	out, err := c.api.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: aws.String(zoneID)})
	if err != nil {
		return "", nil, fmt.Errorf("reading hosted zone %s: %w", zoneID, err)
	}
	if out.HostedZone == nil {
		return "", nil, fmt.Errorf("reading hosted zone %s: AWS answers without it", zoneID)
	}
	for _, vpc := range out.VPCs {
		vpcIDs = append(vpcIDs, aws.ToString(vpc.VPCId))
	}
	return reference(aws.ToString(out.HostedZone.CallerReference)), vpcIDs, nil
}

// byName visits the account's zones in the order of their names, from a name on ("" for all of them), until visit returns false.
func (c *Client) byName(ctx context.Context, name string, visit func(types.HostedZone) bool) error {
	in := &route53.ListHostedZonesByNameInput{}
	if name != "" {
		in.DNSName = aws.String(name)
	}
	for {
		out, err := c.api.ListHostedZonesByName(ctx, in)
		if err != nil {
			return fmt.Errorf("listing the hosted zones: %w", err)
		}
		for _, zone := range out.HostedZones {
			if !visit(zone) {
				return nil
			}
		}
		if !out.IsTruncated {
			return nil
		}
		next := &route53.ListHostedZonesByNameInput{DNSName: out.NextDNSName, HostedZoneId: out.NextHostedZoneId}
		if aws.ToString(next.DNSName) == "" || reflect.DeepEqual(next, in) {
			return fmt.Errorf("listing the hosted zones: %w", errNoNext)
		}
		in = next
	}
}

// reference is the caller reference of a zone: postern:<connection id>:<token of the execution>.
//
// AWS: a caller reference is given once, at creation, has at most 128 characters, and is the idempotency token of the call.
// Unlike the comment it cannot be edited, so ownership rests on it.
type reference string

const referencePrefix = "postern:"

func newReference(connectionID, execution, zone, vpcID string) reference {
	token := connection.ClientToken(execution, "hosted-zone", zone, vpcID)
	return reference(referencePrefix + connectionID + ":" + token[:32])
}

// of reports whether the zone was made for a connection, by whichever execution.
func (r reference) of(connectionID string) bool {
	return connectionID != "" && r.connection() == connectionID
}

// connection returns the connection that a zone was made for, or "" when Postern did not make it.
func (r reference) connection() string {
	rest, ours := strings.CutPrefix(string(r), referencePrefix)
	id, _, complete := strings.Cut(rest, ":")
	if !ours || !complete {
		return ""
	}
	return id
}

func bare(id *string) string { return strings.TrimPrefix(aws.ToString(id), "/hostedzone/") }
