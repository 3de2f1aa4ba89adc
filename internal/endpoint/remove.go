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

// Remove starts to delete an endpoint of ours; one that is absent or on its way out is success. An endpoint without our tags is a
// connection.Conflict and is left alone.
//
// AWS: deletion takes minutes: the endpoint is deleting, then deleted, then unknown.
func (c *Client) Remove(ctx context.Context, id string) error {
	if id == "" {
		return errors.New("deleting an endpoint: no id")
	}
	endpoint, err := c.Describe(ctx, id)
	if err != nil {
		return err
	}
	if endpoint.State.Gone() {
		return nil
	}
	if endpoint.Connection() == "" {
		return connection.Errorf(connection.Conflict, "endpoint %s does not carry our tags: not deleted", id)
	}
	if endpoint.HandMade() {
		return connection.Errorf(connection.Conflict, "endpoint %s was made by hand and taken over: not deleted", id)
	}
	out, err := c.api.DeleteVpcEndpoints(ctx, &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{id}})
	if err == nil {
		err = unsuccessful(out.Unsuccessful)
	}
	if err != nil && !awserr.IsNotFound(err) {
		return fmt.Errorf("deleting endpoint %s: %w", id, err)
	}
	c.log.InfoContext(ctx, "endpoint deleted", slog.String("connection", endpoint.Connection()), slog.String("endpoint", id))
	return nil
}
