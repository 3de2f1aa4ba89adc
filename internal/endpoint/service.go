package endpoint

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// Service returns a vendor's endpoint service as this account sees it from ownRegion. A service we cannot see is not an error: it
// comes back with Visible false.
//
// AWS: a service that has not allow-listed this account, a wrong Region and a typing error are the same InvalidServiceName. One
// unknown name fails a whole batch, so one name is asked for.
func (c *Client) Service(ctx context.Context, name, region, ownRegion string) (connection.Service, error) {
	service := connection.Service{Name: name, Region: region}
	in := &ec2.DescribeVpcEndpointServicesInput{ServiceNames: []string{name}}
	if region != ownRegion {
		in.ServiceRegions = []string{region}
	}
	out, err := c.api.DescribeVpcEndpointServices(ctx, in)
	if awserr.Is(err, "InvalidServiceName") {
		return service, nil
	}
	if err != nil {
		return service, fmt.Errorf("describing service %s: %w", name, err)
	}
	for _, detail := range out.ServiceDetails {
		if aws.ToString(detail.ServiceName) == name {
			describe(&service, detail)
			return service, nil
		}
	}
	return service, nil
}

func describe(service *connection.Service, detail types.ServiceDetail) {
	service.Visible = true
	service.AcceptanceRequired = aws.ToBool(detail.AcceptanceRequired)
	service.PrivateDNSName = aws.ToString(detail.PrivateDnsName)
	// The wire and the SDK do not always agree on letter case: see connection.EndpointState.
	service.PrivateDNSVerified = strings.EqualFold(string(detail.PrivateDnsNameVerificationState), string(types.DnsNameStateVerified))
	service.AZIDs = slices.Sorted(slices.Values(detail.AvailabilityZoneIds))
	for _, kind := range detail.ServiceType {
		// A service may be of several types; one that takes interface endpoints is what we look for.
		if strings.EqualFold(string(kind.ServiceType), string(types.ServiceTypeInterface)) {
			service.Type = string(types.ServiceTypeInterface)
		} else if service.Type == "" {
			service.Type = string(kind.ServiceType)
		}
	}
}
