package endpoint

import (
	"fmt"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// refusals says, for the codes with which AWS refuses to create an endpoint, what is wrong and what to do about it.
var refusals = map[string]struct{ name, what, remedy string }{
	"InvalidServiceName": {
		connection.InvalidRequest, "the service is not visible to this account",
		"ask the vendor whether the account is still allow-listed, then start again",
	},
	"IdempotentParameterMismatch": {
		connection.Conflict, "an earlier try of this execution asked for other parameters", "start a new execution with those you want",
	},
	"DuplicateSubnetsInSameZone": {
		connection.InvalidRequest, "two subnets are in one Availability Zone", "name one subnet for each zone",
	},
	"VpcEndpointLimitExceeded": {
		connection.LimitExceeded, "the VPC has all the endpoints that its quota allows",
		"raise the quota \"Interface VPC endpoints per VPC\", or remove an endpoint that nothing uses",
	},
	"InsufficientFreeAddressesInSubnet": {
		connection.LimitExceeded, "a subnet has no free address", "free addresses in it, or name another subnet of the zone",
	},
	"InvalidSubnetId.NotFound":        deleted,
	"InvalidSubnetID.NotFound":        deleted,
	"InvalidGroup.NotFound":           deleted,
	"InvalidSecurityGroupID.NotFound": deleted,
	"InvalidVpcId.NotFound":           deleted,
	"InvalidVpcID.NotFound":           deleted,
	"InvalidParameter":                unsupported,
	"InvalidParameterValue":           unsupported,
	"InvalidParameterCombination":     unsupported,
	"InvalidAvailabilityZone":         unsupported,
}

var (
	deleted = struct{ name, what, remedy string }{
		connection.InvalidRequest, "a part of the network was deleted since the plan was made", "correct the request, start again",
	}
	// AWS answers the same code for many reasons, so its own words must be read.
	unsupported = struct{ name, what, remedy string }{
		connection.InvalidRequest, "AWS does not take the request; most often the service lacks the Availability Zone of a subnet",
		"correct what AWS names, start again",
	}
)

// explain says what to do about a refusal to create the endpoint. What it does not know goes on as it is.
func (w Want) explain(err error) error {
	doing := fmt.Sprintf("creating an endpoint for %s in account %s", w.Service.Name, w.Network.AccountID)
	known, ok := refusals[awserr.Code(err)]
	if !ok {
		return fmt.Errorf("%s: %w", doing, err)
	}
	message := fmt.Sprintf("%s: %s; %s. AWS says: %s", doing, known.what, known.remedy, awserr.Message(err))
	return &connection.Error{Name: known.name, Message: message, Cause: err}
}
