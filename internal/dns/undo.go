package dns

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// Undo takes back what an execution did: its record is deleted, or our earlier one restored, and the zone it made is deleted.
// What is gone already is success. What somebody has changed since is left alone, with a Conflict that names it. Private DNS is
// not undone here: it belongs to the endpoint.
func (c *Client) Undo(ctx context.Context, done connection.DNS, connectionID string) error {
	if done.ZoneID == "" || !done.Changed && !done.ZoneCreated {
		return nil
	}
	made, err := c.reference(ctx, done.ZoneID)
	if err != nil {
		return err
	}
	if made == "" {
		return nil
	}
	if !made.of(connectionID) {
		return connection.Errorf(connection.Conflict, "hosted zone %s (%s) is not of %s: left as it is", done.ZoneName, done.ZoneID,
			connectionID)
	}
	if done.Changed && done.Record != nil {
		if err := c.undoRecord(ctx, done, connectionID); err != nil {
			return err
		}
	}
	if done.ZoneCreated {
		return c.deleteZone(ctx, done)
	}
	return nil
}

// undoRecord re-reads the record before it deletes it.
//
// AWS: a deletion must repeat the record's current values, so a record that somebody changed meanwhile cannot be hit by mistake.
func (c *Client) undoRecord(ctx context.Context, done connection.DNS, connectionID string) error {
	at, err := c.at(ctx, done.ZoneID, done.Hostname)
	if err != nil {
		return err
	}
	ours, ok := at.find(*done.Record)
	if !ok {
		return left(at, done)
	}
	changes := []types.Change{{Action: types.ChangeActionDelete, ResourceRecordSet: &ours}}
	if done.Previous != nil {
		previous := write(*done.Previous)
		changes = append(changes, types.Change{Action: types.ChangeActionCreate, ResourceRecordSet: &previous})
	}
	return c.change(ctx, done.ZoneID, "Postern: undo for "+connectionID, changes)
}

// left says whether something stands where our record was: an earlier try may have undone it.
func left(at set, done connection.DNS) error {
	if done.Previous != nil {
		if _, restored := at.find(*done.Previous); restored {
			return nil
		}
	}
	for _, have := range at {
		if addresses(have.Type) {
			return connection.Errorf(connection.Conflict, "%s in hosted zone %s was changed since, to %s: left as it is", done.Hostname,
				done.ZoneID, shown(have))
		}
	}
	return nil
}

// deleteZone deletes the zone when nothing but what AWS put there is in it.
func (c *Client) deleteZone(ctx context.Context, done connection.DNS) error {
	var other string
	empty, err := c.each(ctx, done.ZoneID, "", func(record types.ResourceRecordSet) bool {
		apex := Name(aws.ToString(record.Name)) == Name(done.ZoneName)
		if apex && (record.Type == types.RRTypeNs || record.Type == types.RRTypeSoa) {
			return true
		}
		other = fmt.Sprintf("%s %s", Name(aws.ToString(record.Name)), record.Type)
		return false
	})
	switch {
	case awserr.IsNotFound(err):
		return nil
	case err != nil:
		return err
	case !empty:
		return connection.Errorf(connection.Conflict, "hosted zone %s (%s) holds a record that Postern did not make, %s: left as it is",
			done.ZoneName, done.ZoneID, other)
	}
	_, err = c.api.DeleteHostedZone(ctx, &route53.DeleteHostedZoneInput{Id: aws.String(done.ZoneID)})
	if err != nil && !awserr.IsNotFound(err) {
		return fmt.Errorf("deleting hosted zone %s (%s): %w", done.ZoneName, done.ZoneID, err)
	}
	return nil
}
