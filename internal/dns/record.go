package dns

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"postern/internal/connection"
)

// set is every record set at one name.
type set []types.ResourceRecordSet

// sets are the record sets at several names.
type sets map[string]set

// at returns the record sets at the names of records. For one name the list begins there, for several the whole zone is read.
//
// AWS: the list starts at a name and goes on with those after it, in the order of their labels from the last to the first.
func (c *Client) at(ctx context.Context, zoneID string, records []connection.Record) (sets, error) {
	here := sets{}
	for _, record := range records {
		here[record.Name] = nil
	}
	from := ""
	if len(here) == 1 {
		from = records[0].Name
	}
	_, err := c.each(ctx, zoneID, from, func(record types.ResourceRecordSet) bool {
		name := Name(aws.ToString(record.Name))
		at, wanted := here[name]
		if wanted {
			here[name] = append(at, record)
		}
		return wanted || from == ""
	})
	return here, err
}

// each calls visit for the record sets of a zone from a name on ("" for all) until it returns false, and reports whether it saw
// all of them.
func (c *Client) each(ctx context.Context, zoneID, from string, visit func(types.ResourceRecordSet) bool) (bool, error) {
	in := &route53.ListResourceRecordSetsInput{HostedZoneId: aws.String(zoneID)}
	if from != "" {
		in.StartRecordName = aws.String(from)
	}
	for {
		out, err := c.api.ListResourceRecordSets(ctx, in)
		if err != nil {
			return false, fmt.Errorf("listing the records of hosted zone %s: %w", zoneID, err)
		}
		for _, record := range out.ResourceRecordSets {
			if !visit(record) {
				return false, nil
			}
		}
		if !out.IsTruncated {
			return true, nil
		}
		next := &route53.ListResourceRecordSetsInput{
			HostedZoneId: in.HostedZoneId, StartRecordName: out.NextRecordName, StartRecordType: out.NextRecordType,
			StartRecordIdentifier: out.NextRecordIdentifier,
		}
		if aws.ToString(next.StartRecordName) == "" || reflect.DeepEqual(next, in) {
			return false, fmt.Errorf("listing the records of hosted zone %s: %w", zoneID, errNoNext)
		}
		in = next
	}
}

// errNoNext is a list that goes on without saying where, or where it was: reading on would never end, and what was read is not all.
var errNoNext = errors.New("AWS says that there is more, and not from where on")

func (c *Client) change(ctx context.Context, zoneID, comment string, changes []types.Change) error {
	_, err := c.api.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: aws.String(zoneID), ChangeBatch: &types.ChangeBatch{Comment: aws.String(comment), Changes: changes},
	})
	if err != nil {
		return fmt.Errorf("changing the records of hosted zone %s: %w", zoneID, err)
	}
	return nil
}

// endpointName matches an endpoint's own name, in any partition. In a zone that Postern made, a record with such a name is taken as Postern's.
var endpointName = regexp.MustCompile(`^vpce-[0-9a-f]+(-[a-z0-9-]+)?\.[a-z0-9.-]+\.vpce\.` +
	`(amazonaws\.com(\.cn)?|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$`)

// read returns a record set as one of the two forms we write, leading to an endpoint; not so for anything else.
func read(record types.ResourceRecordSet) (connection.Record, bool) {
	out, ok := form(record)
	return out, ok && endpointName.MatchString(out.Value)
}

// form returns a record set as one of the two forms we write, wherever it leads.
func form(record types.ResourceRecordSet) (connection.Record, bool) {
	out := connection.Record{Name: Name(aws.ToString(record.Name))}
	switch {
	case record.SetIdentifier != nil: // weighted, latency, …: we write none of these
		return out, false
	case record.Type == types.RRTypeCname && record.AliasTarget == nil && len(record.ResourceRecords) == 1:
		out.Type, out.Value = connection.RecordCNAME, Name(aws.ToString(record.ResourceRecords[0].Value))
		out.TTL = aws.ToInt64(record.TTL)
	case record.Type == types.RRTypeA && record.AliasTarget != nil:
		out.Type, out.Value = connection.RecordAlias, Name(aws.ToString(record.AliasTarget.DNSName))
		out.AliasZoneID = aws.ToString(record.AliasTarget.HostedZoneId)
	default:
		return out, false
	}
	return out, true
}

// write is the inverse of read.
//
// AWS: health of an interface endpoint is evaluated without further set-up.
func write(record connection.Record) types.ResourceRecordSet {
	out := types.ResourceRecordSet{Name: aws.String(record.Name)}
	if record.Type == connection.RecordAlias {
		out.Type = types.RRTypeA
		out.AliasTarget = &types.AliasTarget{
			DNSName: aws.String(record.Value), HostedZoneId: aws.String(record.AliasZoneID), EvaluateTargetHealth: true,
		}
		return out
	}
	out.Type, out.TTL = types.RRTypeCname, aws.Int64(record.TTL)
	out.ResourceRecords = []types.ResourceRecord{{Value: aws.String(record.Value)}}
	return out
}

// find returns the record set that is exactly this record.
func (s set) find(record connection.Record) (types.ResourceRecordSet, bool) {
	for _, have := range s {
		if r, ok := read(have); ok && r == record {
			return have, true
		}
	}
	return types.ResourceRecordSet{}, false
}

// toward returns the changes that make a record of what is at its name, none when it is so already, and the connection's
// earlier record that they overwrite. Any other record is an error, unless it is repaired: then every record that a rollback can
// restore is overwritten.
//
// AWS: a CNAME is alone at its name. A record cannot change its type: the old one is deleted and the new one created, in one
// batch, which is done whole or not at all.
func (s set) toward(want connection.Record, repair bool) (changes []types.Change, previous *connection.Record, err error) {
	wanted := write(want)
	for _, have := range s {
		if want.Type == connection.RecordAlias && !addresses(have.Type) {
			continue
		}
		record, ours := read(have)
		if repair {
			record, ours = form(have)
		}
		switch {
		case !ours:
			return nil, nil, fmt.Errorf("%s has a %s record that Postern did not make: %s; remove it, or use another zone", want.Name,
				have.Type, shown(have))
		case record == want:
			return nil, nil, nil
		case have.Type != wanted.Type:
			changes = append(changes, types.Change{Action: types.ChangeActionDelete, ResourceRecordSet: &have})
		}
		previous = &record
	}
	action := types.ChangeActionUpsert
	if len(changes) > 0 {
		action = types.ChangeActionCreate
	}
	return append(changes, types.Change{Action: action, ResourceRecordSet: &wanted}), previous, nil
}

// addresses reports whether records of a type decide where clients of a name go.
func addresses(t types.RRType) bool {
	return t == types.RRTypeA || t == types.RRTypeAaaa || t == types.RRTypeCname
}

func shown(record types.ResourceRecordSet) string {
	if record.AliasTarget != nil {
		return "alias to " + Name(aws.ToString(record.AliasTarget.DNSName))
	}
	if len(record.ResourceRecords) == 0 {
		return "no values"
	}
	more := ""
	if len(record.ResourceRecords) > 1 {
		more = ", …"
	}
	return aws.ToString(record.ResourceRecords[0].Value) + more
}
