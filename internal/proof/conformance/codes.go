package conformance

// common are the errors of every operation, which models leave out.
// https://docs.aws.amazon.com/step-functions/latest/apireference/CommonErrors.html and its like in the other references.
var common = []string{
	"AccessDenied", "AccessDeniedException", "InternalFailure", "InternalServerError", "InvalidClientTokenId",
	"MissingAuthenticationToken", "SerializationException", "ServiceUnavailable", "Throttling", "ThrottlingException",
	"UnrecognizedClientException", "ValidationError", "ValidationException",
}

// codes are errors that a service documents outside its model.
var codes = map[string][]string{
	// The model of EC2 has no errors: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
	"ec2": {
		"CannotDelete", "DependencyViolation", "DryRunOperation", "DuplicateSubnetsInSameZone", "FilterLimitExceeded",
		"IdempotentParameterMismatch", "IncorrectState", "InsufficientFreeAddressesInSubnet", "InvalidConnectionNotification",
		"InvalidGroup.Duplicate", "InvalidGroup.NotFound", "InvalidID", "InvalidNetworkInterfaceID.NotFound", "InvalidNextToken",
		"InvalidParameter", "InvalidParameterCombination", "InvalidParameterValue", "InvalidPermission.Duplicate",
		"InvalidPermission.NotFound", "InvalidSecurityGroupRuleId.NotFound", "InvalidServiceName", "InvalidSubnetID.NotFound",
		"InvalidSubnetId.NotFound", "InvalidVpcEndpointId.Malformed", "InvalidVpcEndpointId.NotFound", "InvalidVpcID.NotFound",
		"MissingParameter", "UnauthorizedOperation", "VpcEndpointLimitExceeded",
	},
}
