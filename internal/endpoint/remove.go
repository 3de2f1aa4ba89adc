package endpoint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// Remove starts to delete an endpoint of a connection and deletes its connection notifications; one that is absent or on its way out
// is success. Right before the deletion it compares the endpoint's tags: another connection's endpoint, one without Postern's tags
// and an adopted one are each a connection.Conflict and stay as they are.
//
// AWS: deletion takes minutes: the endpoint is deleting, then deleted, then unknown.
func (c *Client) Remove(ctx context.Context, id, connectionID string) error {
	if id == "" || connectionID == "" {
		return errors.New("deleting an endpoint: no endpoint ID or no connection ID")
	}
	endpoint, err := c.Describe(ctx, id)
	switch {
	case err != nil:
		return err
	case endpoint.State.Gone():
		return nil
	case endpoint.Connection() != connectionID:
		return connection.Errorf(connection.Conflict, "endpoint %s does not carry the tags of connection %s: not deleted", id, connectionID)
	case endpoint.HandMade():
		return connection.Errorf(connection.Conflict, "endpoint %s was created manually and adopted: not deleted", id)
	}
	if err := c.removeNotifications(ctx, id); err != nil {
		return err
	}
	out, err := c.api.DeleteVpcEndpoints(ctx, &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{id}})
	if err == nil {
		err = unsuccessful(out.Unsuccessful)
	}
	if err != nil && !awserr.IsNotFound(err) {
		return fmt.Errorf("deleting endpoint %s: %w", id, err)
	}
	c.log.InfoContext(ctx, "endpoint deleted", slog.String("connection", connectionID), slog.String("endpoint", id))
	return nil
}
