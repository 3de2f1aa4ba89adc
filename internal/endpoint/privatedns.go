package endpoint

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// SwitchedOnBy reports whether an execution switched the endpoint's private DNS on. Every endpoint is made with private DNS off,
// so on an endpoint of its own the execution did; on another's it left its tag before it switched.
func (e Endpoint) SwitchedOnBy(execution string) bool {
	mine := e.Tags[connection.TagExecution] == execution || e.Tags[connection.TagPrivateDNS] == execution
	return e.PrivateDNSEnabled && mine && e.Connection() != ""
}

// EnablePrivateDNS switches an endpoint's private DNS on for an execution and waits: it is done when the endpoint is available
// with it, and until then the error is a connection.EndpointPending. ours is whether this execution switched it, in whichever try.
//
// AWS: an endpoint that is modified may be pending again for a while, and does not say so at once; so the look comes with the
// next try. A switch before the vendor accepted would be refused.
func (c *Client) EnablePrivateDNS(ctx context.Context, id, execution string) (ours bool, err error) {
	endpoint, err := c.Describe(ctx, id)
	if err != nil {
		return false, err
	}
	name := endpoint.State.Failure()
	switch {
	case name != "":
		return false, connection.Errorf(name, "endpoint %s is %s%s: its private DNS cannot be used", id, endpoint.State,
			because(endpoint.Reason))
	case endpoint.State != connection.StateAvailable:
		return false, pending(id, "its state is %s", endpoint.State)
	case endpoint.PrivateDNSEnabled:
		return endpoint.SwitchedOnBy(execution), nil
	case endpoint.Connection() == "":
		return false, notOurs(id)
	}
	if endpoint.Tags[connection.TagExecution] != execution {
		if err := c.tagPrivateDNS(ctx, id, execution); err != nil {
			return false, err
		}
	}
	if err := c.modifyPrivateDNS(ctx, id, true); err != nil {
		return false, err
	}
	return true, pending(id, "its private DNS was switched on just now")
}

// tagPrivateDNS notes on an endpoint that is not the execution's own who switches its private DNS: a later try, or rollback, could
// not tell otherwise.
func (c *Client) tagPrivateDNS(ctx context.Context, id, execution string) error {
	_, err := c.api.CreateTags(ctx, &ec2.CreateTagsInput{
		Resources: []string{id},
		Tags:      []types.Tag{{Key: aws.String(connection.TagPrivateDNS), Value: aws.String(execution)}},
	})
	if err != nil {
		return fmt.Errorf("tagging endpoint %s: %w", id, err)
	}
	return nil
}

// SetPrivateDNS switches an endpoint's private DNS, and reports whether it had to.
//
// AWS: this is refused before the vendor has accepted, when the service has no verified private name, and when the VPC has a zone
// of that name already. The endpoint may be pending again for a moment.
func (c *Client) SetPrivateDNS(ctx context.Context, id string, on bool) (changed bool, err error) {
	endpoint, err := c.Describe(ctx, id)
	switch {
	case err != nil:
		return false, err
	case endpoint.State.Gone() && !on:
		return false, nil
	case endpoint.State.Gone():
		return false, connection.Errorf(connection.EndpointDeleted, "endpoint %s was deleted: no private DNS to switch on", id)
	case endpoint.PrivateDNSEnabled == on:
		return false, nil
	case endpoint.Connection() == "":
		return false, notOurs(id)
	}
	if err := c.modifyPrivateDNS(ctx, id, on); err != nil {
		return false, err
	}
	return true, nil
}

func notOurs(id string) error {
	return connection.Errorf(connection.Conflict, "endpoint %s does not carry our tags: its private DNS was not changed", id)
}

func (c *Client) modifyPrivateDNS(ctx context.Context, id string, on bool) error {
	in := &ec2.ModifyVpcEndpointInput{VpcEndpointId: aws.String(id), PrivateDnsEnabled: aws.Bool(on)}
	if _, err := c.api.ModifyVpcEndpoint(ctx, in); err != nil {
		return privateDNSRefused(id, on, err)
	}
	return nil
}

// privateDNSRefused names the refusals that only a person can answer: AWS gives them all the same code.
func privateDNSRefused(id string, on bool, err error) error {
	doing := fmt.Sprintf("setting private DNS of endpoint %s to %t", id, on)
	if !awserr.Is(err, "InvalidParameter", "InvalidParameterValue") {
		return fmt.Errorf("%s: %w", doing, err)
	}
	message := fmt.Sprintf("%s: AWS refuses: %s. Look for another endpoint or a hosted zone with the same name in the VPC, and ask "+
		"the vendor whether the service's private name is verified", doing, awserr.Message(err))
	return &connection.Error{Name: connection.Conflict, Message: message, Cause: err}
}
