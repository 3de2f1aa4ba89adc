package dns

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// Undo reverts what an execution did: it ends the execution's associations, deletes its records or restores the connection's earlier
// ones, and deletes the zone that the execution made. What is gone already is success. What was changed since is left as it is, with a
// Conflict that names it. Private DNS is not undone here: it belongs to the endpoint.
func (c *Client) Undo(ctx context.Context, done connection.DNS, connectionID string) error {
	written := slices.DeleteFunc(slices.Clone(done.Records), func(w connection.WrittenRecord) bool { return !w.Changed })
	if done.ZoneID == "" || len(written) == 0 && !done.ZoneCreated && len(done.Associations) == 0 {
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
	if err := c.dissociate(ctx, done); err != nil {
		return err
	}
	if err := c.undoRecords(ctx, done, written, connectionID); err != nil {
		return err
	}
	if done.ZoneCreated {
		return c.deleteZone(ctx, done)
	}
	return nil
}

// undoRecords re-reads the records before it deletes them, all in one change. A record that was changed meanwhile is left as it is;
// the others are undone all the same.
//
// AWS: a deletion must repeat the record's current values, so a record that was changed meanwhile cannot be deleted by mistake:
// InvalidChangeBatch, as for a deletion that the SDK tries again because the answer was lost. The retry reads again.
func (c *Client) undoRecords(ctx context.Context, done connection.DNS, written []connection.WrittenRecord, connectionID string) error {
	if len(written) == 0 {
		return nil
	}
	var records []connection.Record
	for _, w := range written {
		records = append(records, w.Record)
	}
	at, err := c.at(ctx, done.ZoneID, records)
	if err != nil {
		return err
	}
	var changes []types.Change
	var changed []string
	for _, w := range written {
		ours, ok := at[w.Name].find(w.Record)
		if !ok {
			changed = append(changed, at[w.Name].instead(w)...)
			continue
		}
		changes = append(changes, types.Change{Action: types.ChangeActionDelete, ResourceRecordSet: &ours})
		if w.Previous != nil {
			previous := write(*w.Previous)
			changes = append(changes, types.Change{Action: types.ChangeActionCreate, ResourceRecordSet: &previous})
		}
	}
	if len(changes) > 0 {
		if err := c.change(ctx, done.ZoneID, "Postern: undo for "+connectionID, changes); awserr.Is(err, "InvalidChangeBatch") {
			return connection.Errorf(connection.Unavailable, "%s was changed while its records were undone: %w", done.ZoneName, err)
		} else if err != nil {
			return err
		}
	}
	if len(changed) > 0 {
		return connection.Errorf(connection.Conflict, "in hosted zone %s something was changed since: left as it is: %s", done.ZoneID,
			strings.Join(changed, "; "))
	}
	return nil
}

// instead says what is in place of a written record; nothing is when an earlier try has undone it.
func (s set) instead(was connection.WrittenRecord) []string {
	if was.Previous != nil {
		if _, restored := s.find(*was.Previous); restored {
			return nil
		}
	}
	for _, have := range s {
		if addresses(have.Type) {
			return []string{was.Name + " is now " + shown(have)}
		}
	}
	return nil
}

// deleteZone deletes the zone when it holds only the records that AWS made.
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
