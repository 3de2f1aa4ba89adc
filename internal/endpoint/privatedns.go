package endpoint

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"postern/internal/awserr"
	"postern/internal/connection"
)

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
		return false, connection.Errorf(connection.Conflict, "endpoint %s does not carry our tags: its private DNS was not changed", id)
	}
	in := &ec2.ModifyVpcEndpointInput{VpcEndpointId: aws.String(id), PrivateDnsEnabled: aws.Bool(on)}
	if _, err = c.api.ModifyVpcEndpoint(ctx, in); err != nil {
		return false, privateDNSRefused(id, on, err)
	}
	return true, nil
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
