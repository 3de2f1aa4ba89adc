package privatelink

import (
	"slices"

	"postern/internal/local/wire"
)

type serviceXML struct {
	Name         string           `xml:"serviceName"`
	ID           string           `xml:"serviceId"`
	Region       string           `xml:"serviceRegion"`
	Types        []serviceTypeXML `xml:"serviceType>item"`
	AZs          []string         `xml:"availabilityZoneSet>item"`
	AZIDs        []string         `xml:"availabilityZoneIdSet>item"`
	Owner        string           `xml:"owner"`
	BaseNames    []string         `xml:"baseEndpointDnsNameSet>item"`
	PrivateName  string           `xml:"privateDnsName,omitempty"`
	PrivateNames []privateNameXML `xml:"privateDnsNameSet>item"`
	Verification string           `xml:"privateDnsNameVerificationState,omitempty"`
	Policy       bool             `xml:"vpcEndpointPolicySupported"`
	Acceptance   bool             `xml:"acceptanceRequired"`
	Manages      bool             `xml:"managesVpcEndpoints"`
	AddressTypes []string         `xml:"supportedIpAddressTypeSet>item"`
	Tags         []tagXML         `xml:"tagSet>item"`
}

type serviceTypeXML struct {
	Type string `xml:"serviceType"`
}

type privateNameXML struct {
	Name string `xml:"privateDnsName"`
}

// offered returns a service that the caller may see in one of the Regions. AWS: one that it may not see, one of another Region and
// one that does not exist look the same.
func (w *World) offered(call *wire.Call, name string, regions []string) (*VendorService, error) {
	service := w.services.get(name)
	if service == nil || !slices.Contains(regions, service.Region) || !service.visibleTo(call.AccountID, call.Region) {
		return nil, fault("InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", name)
	}
	return service, nil
}

// describeServices answers DescribeVpcEndpointServices. AWS: one bad name fails the whole call, and services of another Region
// show up only when ServiceRegions names it.
func (w *World) describeServices(call *wire.Call) (any, error) {
	regions := list(call.Form, "ServiceRegion")
	if len(regions) == 0 {
		regions = []string{call.Region}
	}
	names := list(call.Form, "ServiceName")
	for _, name := range names {
		if _, err := w.offered(call, name, regions); err != nil {
			return nil, err
		}
	}
	shown := slices.DeleteFunc(w.services.all(), func(s *VendorService) bool {
		_, err := w.offered(call, s.Name, regions)
		return err != nil
	})
	found, err := selected(call.Form, shown, names, nil, func(s *VendorService) (string, map[string]string, attributes) {
		return s.Name, s.Tags, attributes{
			"service-name": {s.Name}, "service-region": {s.Region}, "service-type": {"Interface"}, "owner": {s.Owner},
			"supported-ip-address-types": {"ipv4"},
		}
	})
	if err != nil {
		return nil, err
	}
	items, next, err := page(call.Form, found, w.options.PageSize, 1)
	var answer struct {
		Names     []string     `xml:"serviceNameSet>item"`
		Details   []serviceXML `xml:"serviceDetailSet>item"`
		NextToken string       `xml:"nextToken,omitempty"`
	}
	for _, s := range items {
		answer.Names = append(answer.Names, s.Name)
		answer.Details = append(answer.Details, w.serviceXML(call, s))
	}
	answer.NextToken = next
	return answer, err
}

func (w *World) serviceXML(call *wire.Call, s *VendorService) serviceXML {
	item := serviceXML{
		Name: s.Name, ID: s.ID, Region: s.Region, Types: []serviceTypeXML{{"Interface"}}, Owner: s.Owner,
		BaseNames: []string{s.ID + "." + s.Region + ".vpce.amazonaws.com"}, PrivateName: s.PrivateDNSName, Policy: s.PolicySupported,
		Acceptance: s.AcceptanceRequired, AddressTypes: []string{"ipv4"}, Tags: tagsXML(s.Tags),
	}
	if s.PrivateDNSName != "" {
		item.PrivateNames = []privateNameXML{{s.PrivateDNSName}}
		item.Verification = s.PrivateDNSVerification
	}
	if s.Region != call.Region {
		return item // AWS: a service of another Region has empty lists of zones
	}
	for _, id := range s.AZIDs {
		if name := w.azName(call, id); name != "" { // AWS: only zones that the consumer has too
			item.AZs, item.AZIDs = append(item.AZs, name), append(item.AZIDs, id)
		}
	}
	return item
}
