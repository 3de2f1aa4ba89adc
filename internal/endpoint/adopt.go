package endpoint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// AdoptedBy reports whether an execution took the endpoint over.
func (e Endpoint) AdoptedBy(execution string) bool {
	return e.Connection() != "" && e.Tags[connection.TagAdopted] == execution
}

// HandMade reports whether the endpoint is ours only because it was taken over.
func (e Endpoint) HandMade() bool { return e.Connection() != "" && e.Tags[connection.TagAdopted] != "" }

// Marked reports whether the endpoint carries any tag in our name: whose it is must be clear before anybody else's is taken over.
func (e Endpoint) Marked() bool {
	for key := range e.Tags {
		if strings.HasPrefix(key, connection.TagPrefix) {
			return true
		}
	}
	return false
}

// adopt takes over the endpoint that the request names: it gets our tags, and nothing else about it changes. existing is the
// connection's endpoint already, or nil. Another connection's is a connection.Conflict.
func (c *Client) adopt(ctx context.Context, want Want, existing *Endpoint) (*Endpoint, error) {
	if existing != nil && existing.ID != want.AdoptID {
		return nil, connection.Errorf(connection.Conflict, "connection %s has endpoint %s already, so %s is not taken over; remove one of "+
			"the two", want.ConnectionID, existing.ID, want.AdoptID)
	}
	if existing != nil {
		return existing, nil
	}
	now, err := c.Describe(ctx, want.AdoptID)
	if err != nil {
		return nil, err
	}
	if ours, err := want.adoptable(now); ours || err != nil {
		return &now, err
	}
	tags := connection.AdoptionTags(want.ConnectionID, want.Execution)
	_, err = c.api.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{now.ID}, Tags: tagList(tags)})
	if awserr.IsDenied(err) {
		// Our permission is for an endpoint without our tags: another connection was first, or the SDK retried after a lost answer.
		if now, lookErr := c.Describe(ctx, want.AdoptID); lookErr == nil {
			if ours, taken := want.adoptable(now); ours || taken != nil {
				return &now, taken
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("tagging endpoint %s: %w", now.ID, err)
	}
	maps.Copy(now.Tags, tags)
	c.log.InfoContext(ctx, "endpoint adopted", slog.String("connection", want.ConnectionID), slog.String("endpoint", now.ID))
	return &now, nil
}

// adoptable checks what may have changed since the plan was made; ours is whether the endpoint was taken over already.
func (w Want) adoptable(now Endpoint) (ours bool, err error) {
	switch {
	case now.State.Failure() != "":
		return false, connection.Errorf(now.State.Failure(), "endpoint %s, which should be taken over, is %s%s", now.ID, now.State,
			because(now.Reason))
	case now.Connection() == w.ConnectionID:
		return true, nil
	case now.Connection() != "":
		return false, connection.Errorf(connection.Conflict, "endpoint %s belongs to the connection %s by now; use that connection, or "+
			"remove it first", now.ID, now.Connection())
	case now.Marked():
		return false, connection.Errorf(connection.Conflict, "endpoint %s carries tags that begin with %s, and no connection's; remove them, "+
			"then start again", now.ID, connection.TagPrefix)
	case now.VPCID != w.Network.VPCID || now.ServiceName != w.Service.Name:
		return false, connection.Errorf(connection.Conflict, "endpoint %s is in %s for %s, not in %s for %s; plan again", now.ID, now.VPCID,
			now.ServiceName, w.Network.VPCID, w.Service.Name)
	}
	return false, nil
}

// Release gives an adopted endpoint back as it was: private DNS that Postern switched on is off again, the notification to our topic
// and Postern's tags are gone. It may run any number of times; an endpoint that is gone, or carries no tag of an adoption, is done.
// Another connection's endpoint is a connection.Conflict.
func (c *Client) Release(ctx context.Context, id, connectionID, topicARN string) error {
	now, err := c.Describe(ctx, id)
	if err != nil || now.State.Gone() || !now.HandMade() {
		return err
	}
	if now.Connection() != connectionID {
		return connection.Errorf(connection.Conflict, "endpoint %s belongs to connection %s: not released", id, now.Connection())
	}
	if now.PrivateDNSEnabled && now.Tags[connection.TagPrivateDNS] != "" {
		if err := c.modifyPrivateDNS(ctx, id, false); err != nil {
			return err
		}
	}
	if err := c.removeNotificationsTo(ctx, id, topicARN); err != nil {
		return err
	}
	if err := c.untag(ctx, now); err != nil {
		return err
	}
	c.log.InfoContext(ctx, "endpoint released", slog.String("connection", now.Connection()), slog.String("endpoint", id))
	return nil
}

// untag removes our tags, each only with the value that was seen: what others changed meanwhile stays.
//
// AWS: without any tag in the request all of them would be deleted.
func (c *Client) untag(ctx context.Context, now Endpoint) error {
	ours := map[string]string{}
	for _, key := range connection.AdoptionTagKeys {
		if value, has := now.Tags[key]; has {
			ours[key] = value
		}
	}
	if len(ours) == 0 {
		return nil
	}
	_, err := c.api.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{now.ID}, Tags: tagList(ours)})
	if awserr.IsDenied(err) {
		// A retry of the SDK after a lost answer: our permission asks for the tags that are gone.
		if now, lookErr := c.Describe(ctx, now.ID); lookErr == nil && !now.HandMade() {
			return nil
		}
	}
	if err != nil && !awserr.IsNotFound(err) {
		return fmt.Errorf("removing our tags from endpoint %s: %w", now.ID, err)
	}
	return nil
}

// removeNotificationsTo deletes the notifications of an endpoint that go to our topic, and leaves those of others.
func (c *Client) removeNotificationsTo(ctx context.Context, endpointID, topicARN string) error {
	if topicARN == "" {
		return errors.New("deleting connection notifications: no topic")
	}
	existing, err := c.notifications(ctx, endpointID)
	if err != nil {
		return err
	}
	for _, notification := range existing {
		if aws.ToString(notification.ConnectionNotificationArn) != topicARN {
			continue
		}
		if err := c.RemoveNotification(ctx, aws.ToString(notification.ConnectionNotificationId)); err != nil {
			return err
		}
	}
	return nil
}

func tagList(tags map[string]string) []types.Tag {
	var list []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return list
}
