package endpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// Available returns what is needed to reach an endpoint. Until it is available the error is a connection.EndpointPending; an
// endpoint that failed, was rejected or deleted is the error of its state.
func (c *Client) Available(ctx context.Context, id string) (connection.Availability, error) {
	endpoint, err := c.Describe(ctx, id)
	if err != nil {
		return connection.Availability{}, err
	}
	return c.available(ctx, endpoint)
}

func (c *Client) available(ctx context.Context, endpoint Endpoint) (connection.Availability, error) {
	none, id := connection.Availability{}, endpoint.ID
	if name := endpoint.State.Failure(); name != "" {
		return none, connection.Errorf(name, "endpoint %s is %s%s", id, endpoint.State, because(endpoint.Reason))
	}
	if endpoint.State != connection.StateAvailable {
		return none, pending(id, "its state is %s", endpoint.State)
	}
	name, ok := endpoint.regionalName()
	if !ok {
		return none, pending(id, "it has no Regional DNS name yet")
	}
	interfaces, err := c.interfaces(ctx, endpoint)
	if err != nil {
		return none, err
	}
	return connection.Availability{
		State: endpoint.State, DNSName: strings.ToLower(strings.TrimSuffix(name.Name, ".")), HostedZoneID: name.HostedZoneID,
		Interfaces: interfaces,
	}, nil
}

func pending(id, why string, args ...any) error {
	return connection.Errorf(connection.EndpointPending, "endpoint %s is not ready: %s", id, fmt.Sprintf(why, args...))
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// zonal matches the first label of a zonal name: it ends in an Availability Zone (us-east-1a) or a Local Zone (us-west-2-lax-1a).
var zonal = regexp.MustCompile(`-[a-z]{2}(-[a-z]+)+-\d+([a-z]|(-[a-z0-9]+)+)$`)

// regionalName returns the endpoint's Regional name: the shortest of its own names that is not zonal.
//
// AWS: DnsEntries holds the Regional name, one name for each zone, the private name and a wildcard, usually in this order, which
// "is not enforced for AWS Marketplace services": the first entry may be any of them.
func (e Endpoint) regionalName() (DNSName, bool) {
	own := slices.DeleteFunc(slices.Clone(e.DNSNames), func(name DNSName) bool {
		label, _, _ := strings.Cut(strings.ToLower(name.Name), ".")
		return label != e.ID && !strings.HasPrefix(label, e.ID+"-") || zonal.MatchString(label)
	})
	if len(own) == 0 {
		return DNSName{}, false
	}
	return slices.MinFunc(own, func(a, b DNSName) int {
		return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(a.Name, b.Name))
	}), true
}

// zonalNames returns the endpoint's names that lead to one zone each, by zone id; nil when it has none, as across Regions. A name
// says the zone as this account calls it, so the id comes from the subnets.
func (e Endpoint) zonalNames(subnets []connection.Subnet) map[string]string {
	var names map[string]string
	for _, subnet := range subnets {
		for _, entry := range e.DNSNames {
			name := strings.ToLower(strings.TrimSuffix(entry.Name, "."))
			label, _, _ := strings.Cut(name, ".")
			if subnet.AZ == "" || !strings.HasPrefix(label, e.ID+"-") || !strings.HasSuffix(label, "-"+subnet.AZ) {
				continue
			}
			if names == nil {
				names = map[string]string{}
			}
			names[subnet.AZID] = name
		}
	}
	return names
}

// Interfaces returns those of an endpoint's network interfaces that AWS shows and that have an address, in the order of their
// zones: for a look at an endpoint in any state. An interface that is gone is left out.
//
// AWS: an unknown id in NetworkInterfaceIds fails the whole call; in a filter it is only left out.
func (c *Client) Interfaces(ctx context.Context, endpoint Endpoint) ([]connection.NetworkInterface, error) {
	if len(endpoint.InterfaceIDs) == 0 {
		return nil, nil
	}
	found, err := c.InterfacesByID(ctx, endpoint.ID, endpoint.InterfaceIDs)
	var shown []connection.NetworkInterface
	for _, eni := range found {
		if eni.IP != "" {
			shown = append(shown, eni.NetworkInterface)
		}
	}
	return shown, err
}

// Interface is a network interface as it is now.
type Interface struct {
	connection.NetworkInterface
	Status string // AWS: available, associated, attaching, in-use, detaching
}

// InterfacesByID returns those of the network interfaces that exist, in the order of their zones.
func (c *Client) InterfacesByID(ctx context.Context, endpointID string, ids []string) ([]Interface, error) {
	if len(ids) == 0 || slices.Contains(ids, "") {
		return nil, errors.New("describing network interfaces: no id")
	}
	return c.describeInterfaces(ctx, endpointID, &ec2.DescribeNetworkInterfacesInput{
		Filters: []types.Filter{filter("network-interface-id", ids...)},
	})
}

// interfaces returns the endpoint's network interfaces in the order of their zones. One missing is as good as pending: the probe
// must see every one.
func (c *Client) interfaces(ctx context.Context, endpoint Endpoint) ([]connection.NetworkInterface, error) {
	ids := endpoint.InterfaceIDs
	if len(ids) == 0 || len(ids) < len(endpoint.SubnetIDs) {
		return nil, pending(endpoint.ID, "it has %d of %d network interfaces", len(ids), max(1, len(endpoint.SubnetIDs)))
	}
	found, err := c.describeInterfaces(ctx, endpoint.ID, &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: ids})
	if awserr.IsNotFound(err) {
		return nil, pending(endpoint.ID, "not all its network interfaces are visible yet")
	}
	if err != nil {
		return nil, err
	}
	var ready []connection.NetworkInterface
	for _, eni := range found {
		if eni.IP == "" {
			return nil, pending(endpoint.ID, "network interface %s has no address yet", eni.ID)
		}
		ready = append(ready, eni.NetworkInterface)
	}
	if len(ready) < len(ids) {
		return nil, pending(endpoint.ID, "%d of %d network interfaces are visible", len(ready), len(ids))
	}
	return ready, nil
}

// describeInterfaces reads every page; an interface that has no address yet has an empty one.
func (c *Client) describeInterfaces(ctx context.Context, endpointID string, in *ec2.DescribeNetworkInterfacesInput) (
	[]Interface, error) {
	var found []Interface
	pages := ec2.NewDescribeNetworkInterfacesPaginator(c.api, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("describing the network interfaces of endpoint %s: %w", endpointID, err)
		}
		for _, eni := range page.NetworkInterfaces {
			found = append(found, Interface{Status: string(eni.Status), NetworkInterface: connection.NetworkInterface{
				ID: aws.ToString(eni.NetworkInterfaceId), SubnetID: aws.ToString(eni.SubnetId), AZ: aws.ToString(eni.AvailabilityZone),
				IP: aws.ToString(eni.PrivateIpAddress),
			}})
		}
	}
	slices.SortFunc(found, func(a, b Interface) int {
		return cmp.Or(cmp.Compare(a.AZ, b.AZ), cmp.Compare(a.ID, b.ID))
	})
	return found, nil
}
