package endpoint

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// notifiedEvents are all events that AWS notifies of.
var notifiedEvents = []string{"Accept", "Connect", "Delete", "Reject"}

// ensureNotification makes the notification of an endpoint that was found, unless it has one. The id comes back only when this
// execution made it: an adopted endpoint keeps the notification it had.
func (c *Client) ensureNotification(ctx context.Context, want Want, endpoint connection.Endpoint) (string, error) {
	if want.TopicARN == "" {
		return "", nil
	}
	existing, err := c.notifications(ctx, endpoint.ID)
	if err != nil {
		return "", err
	}
	for _, notification := range existing {
		if aws.ToString(notification.ConnectionNotificationArn) != want.TopicARN {
			continue
		}
		if endpoint.Created {
			return aws.ToString(notification.ConnectionNotificationId), nil
		}
		return "", nil
	}
	return c.createNotification(ctx, want, endpoint.ID)
}

// createNotification makes the notification that wakes us when the vendor acts. AWS does not document what it answers when there
// is one already, so a refusal is looked into before it is believed.
func (c *Client) createNotification(ctx context.Context, want Want, id string) (string, error) {
	if want.TopicARN == "" {
		return "", nil
	}
	out, err := c.api.CreateVpcEndpointConnectionNotification(ctx, &ec2.CreateVpcEndpointConnectionNotificationInput{
		VpcEndpointId:             aws.String(id),
		ConnectionNotificationArn: aws.String(want.TopicARN),
		ConnectionEvents:          notifiedEvents,
		ClientToken:               aws.String(connection.ClientToken(want.Execution, "notification", id, want.TopicARN)),
	})
	if err == nil && out.ConnectionNotification != nil {
		return aws.ToString(out.ConnectionNotification.ConnectionNotificationId), nil
	}
	if err == nil {
		return "", fmt.Errorf("creating the notification of endpoint %s: AWS answered without one", id)
	}
	if awserr.Code(err) != "" && !awserr.IsThrottled(err) && !awserr.IsDenied(err) && !awserr.IsUnavailable(err) {
		existing, lookErr := c.notifications(ctx, id)
		for _, notification := range existing {
			if lookErr == nil && aws.ToString(notification.ConnectionNotificationArn) == want.TopicARN {
				return aws.ToString(notification.ConnectionNotificationId), nil
			}
		}
	}
	return "", fmt.Errorf("creating the notification of endpoint %s: %w", id, err)
}

func (c *Client) notifications(ctx context.Context, endpointID string) ([]types.ConnectionNotification, error) {
	found, err := c.describeNotifications(ctx, &ec2.DescribeVpcEndpointConnectionNotificationsInput{
		Filters: []types.Filter{filter("vpc-endpoint-id", endpointID)},
	})
	if err != nil {
		return nil, fmt.Errorf("describing the notifications of endpoint %s: %w", endpointID, err)
	}
	return found, nil
}

// describeNotifications reads every page.
func (c *Client) describeNotifications(ctx context.Context, in *ec2.DescribeVpcEndpointConnectionNotificationsInput) (
	[]types.ConnectionNotification, error) {
	var all []types.ConnectionNotification
	pages := ec2.NewDescribeVpcEndpointConnectionNotificationsPaginator(c.api, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.ConnectionNotificationSet...)
	}
	return all, nil
}

// removeNotifications deletes every connection notification of an endpoint that is deleted next.
func (c *Client) removeNotifications(ctx context.Context, endpointID string) error {
	existing, err := c.notifications(ctx, endpointID)
	if err != nil {
		return err
	}
	for _, notification := range existing {
		if err := c.RemoveNotification(ctx, aws.ToString(notification.ConnectionNotificationId)); err != nil {
			return err
		}
	}
	return nil
}

// RemoveNotification deletes a connection notification; one that is absent is success.
func (c *Client) RemoveNotification(ctx context.Context, id string) error {
	if id == "" {
		return errors.New("deleting a connection notification: no id")
	}
	out, err := c.api.DeleteVpcEndpointConnectionNotifications(ctx, &ec2.DeleteVpcEndpointConnectionNotificationsInput{
		ConnectionNotificationIds: []string{id},
	})
	if err == nil {
		err = unsuccessful(out.Unsuccessful)
	}
	if err == nil || awserr.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf("deleting connection notification %s: %w", id, err)
}
