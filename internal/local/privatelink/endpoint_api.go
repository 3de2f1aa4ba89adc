package privatelink

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"postern/internal/local/wire"
)

func (w *World) endpointOperations() map[string]operation {
	creating := []string{
		"ClientToken", "VpcEndpointType", "VpcId", "ServiceName", "ServiceRegion", "SubnetId", "SecurityGroupId", "PrivateDnsEnabled",
		"PolicyDocument", "IpAddressType", "DnsOptions.DnsRecordIpType",
	}
	return map[string]operation{
		"DescribeVpcEndpointServices": {
			parameters: describes("ServiceName", "ServiceRegion"), permissions: everything, do: w.describeServices,
		},
		"CreateVpcEndpoint": {
			write: true, parameters: append(creating, specifyingTags...), permissions: w.permitCreate, do: w.createEndpoint,
		},
		"DescribeVpcEndpoints": {parameters: describes("VpcEndpointId"), permissions: everything, do: w.describeEndpoints},
		"ModifyVpcEndpoint": {
			write: true,
			parameters: []string{
				"VpcEndpointId", "AddSubnetId", "RemoveSubnetId", "AddSecurityGroupId", "RemoveSecurityGroupId", "PrivateDnsEnabled",
				"PolicyDocument",
			},
			permissions: w.permitModify, do: w.modifyEndpoint,
		},
		"DeleteVpcEndpoints": {
			write: true, parameters: []string{"VpcEndpointId"}, do: w.deleteEndpoints,
			permissions: func(call *wire.Call) []wire.Permission {
				var all []wire.Permission
				for _, id := range list(call.Form, "VpcEndpointId") {
					all = append(all, w.onEndpoint(call, id))
				}
				return all
			},
		},
	}
}

func noEndpoint(id string) error {
	return fault("InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '%s' does not exist", id)
}

type endpointXML struct {
	ID            string        `xml:"vpcEndpointId"`
	Type          string        `xml:"vpcEndpointType"`
	VPCID         string        `xml:"vpcId"`
	ServiceName   string        `xml:"serviceName"`
	ServiceRegion string        `xml:"serviceRegion"`
	State         string        `xml:"state"`
	SubnetIDs     []string      `xml:"subnetIdSet>item"`
	Groups        []groupIDXML  `xml:"groupSet>item"`
	AddressType   string        `xml:"ipAddressType"`
	RecordType    string        `xml:"dnsOptions>dnsRecordIpType"`
	PrivateDNS    bool          `xml:"privateDnsEnabled"`
	Managed       bool          `xml:"requesterManaged"`
	InterfaceIDs  []string      `xml:"networkInterfaceIdSet>item"`
	DNSEntries    []dnsEntryXML `xml:"dnsEntrySet>item"`
	CreatedAt     string        `xml:"creationTimestamp"`
	OwnerID       string        `xml:"ownerId"`
	LastError     *lastErrorXML `xml:"lastError"`
	FailureReason string        `xml:"failureReason,omitempty"`
	Policy        string        `xml:"policyDocument,omitempty"`
	Tags          []tagXML      `xml:"tagSet>item"`
}

type dnsEntryXML struct {
	Name   string `xml:"dnsName"`
	ZoneID string `xml:"hostedZoneId"`
}

type lastErrorXML struct {
	Code    string `xml:"code"`
	Message string `xml:"message"`
}

func (w *World) endpointXML(e *Endpoint) endpointXML {
	item := endpointXML{
		ID: e.ID, Type: "Interface", VPCID: e.VPCID, ServiceName: e.ServiceName, ServiceRegion: e.ServiceRegion,
		State: w.spelled(e.State), SubnetIDs: e.SubnetIDs, Groups: w.groupIDsXML(e.GroupIDs), AddressType: "ipv4", RecordType: "ipv4",
		PrivateDNS: e.PrivateDNSEnabled, CreatedAt: e.CreatedAt.UTC().Format(time.RFC3339), OwnerID: e.AccountID,
		Tags: tagsXML(e.Tags), Policy: e.Policy,
	}
	for _, eni := range w.interfacesOf(e.ID) {
		item.InterfaceIDs = append(item.InterfaceIDs, eni.ID)
	}
	for _, entry := range w.dnsEntries(e) {
		item.DNSEntries = append(item.DNSEntries, dnsEntryXML{entry.name, entry.zoneID})
	}
	if e.FailCode != "" {
		item.LastError, item.FailureReason = &lastErrorXML{e.FailCode, e.FailText}, e.FailText
	}
	return item
}

// spelled is a state in the letter case of this world. AWS uses both (aws/aws-sdk-go-v2#2864).
func (w *World) spelled(state State) string {
	if w.options.TitleCaseStates {
		return strings.ToUpper(string(state[:1])) + string(state[1:])
	}
	return string(state)
}

func (w *World) describeEndpoints(call *wire.Call) (any, error) {
	ids := list(call.Form, "VpcEndpointId")
	for _, id := range ids {
		if !strings.HasPrefix(id, "vpce-") {
			return nil, fault("InvalidVpcEndpointId.Malformed", "The Vpc Endpoint Id '%s' is malformed", id)
		}
	}
	shown := slices.DeleteFunc(w.endpoints.all(), func(e *Endpoint) bool { return w.visible(call, e.ID) == nil })
	found, err := selected(call.Form, shown, ids, noEndpoint, func(e *Endpoint) (string, map[string]string, attributes) {
		return e.ID, e.Tags, attributes{
			"vpc-endpoint-id": {e.ID}, "vpc-id": {e.VPCID}, "service-name": {e.ServiceName}, "service-region": {e.ServiceRegion},
			"vpc-endpoint-state": {string(e.State)}, "vpc-endpoint-type": {"Interface"}, "ip-address-type": {"ipv4"},
		}
	})
	if err != nil {
		return nil, err
	}
	items, next, err := page(call.Form, found, w.options.PageSize, 1)
	var answer struct {
		Endpoints []endpointXML `xml:"vpcEndpointSet>item"`
		NextToken string        `xml:"nextToken,omitempty"`
	}
	for _, e := range items {
		answer.Endpoints = append(answer.Endpoints, w.endpointXML(e))
	}
	answer.NextToken = next
	return answer, err
}

func (w *World) permitCreate(call *wire.Call) []wire.Permission {
	form := call.Form
	tags, _ := specifiedTags(form, "vpc-endpoint") // bad tags are refused by the operation itself
	serviceRegion := form.Get("ServiceRegion")
	if serviceRegion == "" {
		serviceRegion = call.Region
	}
	resource := arn(call, "vpc-endpoint", "*")
	permissions := []wire.Permission{
		on(call, resource, requestTags(tags), w.serviceKeys(form.Get("ServiceName"), serviceRegion)),
		w.onVPC(call, form.Get("VpcId")),
	}
	for _, id := range list(form, "SubnetId") {
		permissions = append(permissions, w.onSubnet(call, id))
	}
	for _, id := range list(form, "SecurityGroupId") {
		permissions = append(permissions, w.onGroup(call, id))
	}
	permissions = append(permissions, tagOnCreate(call, resource, tags)...)
	if serviceRegion != call.Region { // AWS: a permission-only action guards cross-Region endpoints
		permissions = append(permissions, wire.Permission{Action: "vpce:AllowMultiRegion", Resource: resource, Context: region(call)})
	}
	return append(permissions, w.privateDNS(call, form.Get("VpcId"))...)
}

// remembered is what a client token stands for: a request and what it made.
type remembered struct{ request, id string }

// recall looks a client token up. AWS: the same request gives what it made the first time; another one is refused. How long a
// token lives is not documented; here it lives as long as what it made.
func (w *World) recall(call *wire.Call) (key string, token remembered, err error) {
	raw := call.Form.Get("ClientToken")
	if raw == "" {
		return "", remembered{}, nil
	}
	if len(raw) > 64 {
		return "", remembered{}, fault("InvalidParameterValue", "The client token is longer than 64 characters")
	}
	form := maps.Clone(call.Form)
	delete(form, "ClientToken")
	token = remembered{request: form.Encode()}
	key = strings.Join([]string{call.AccountID, call.Region, call.Operation, raw}, " ")
	if known, isKnown := w.tokens[key]; isKnown {
		if known.request != token.request {
			return "", remembered{}, fault("IdempotentParameterMismatch",
				"The request has the same client token as a previous request, but the requests are not identical.")
		}
		token.id = known.id
	}
	return key, token, nil
}

type createEndpointAnswer struct {
	ClientToken string      `xml:"clientToken,omitempty"`
	Endpoint    endpointXML `xml:"vpcEndpoint"`
}

func (w *World) createEndpoint(call *wire.Call) (any, error) {
	key, token, err := w.recall(call)
	if err != nil {
		return nil, err
	}
	e := w.endpoints.get(token.id)
	if e == nil {
		if e, err = w.newEndpoint(call, ""); err != nil {
			return nil, err
		}
		token.id = e.ID
		if key != "" {
			w.tokens[key] = token
		}
		w.mutated("CreateVpcEndpoint", []string{e.ID}, call.Session)
	}
	return createEndpointAnswer{call.Form.Get("ClientToken"), w.endpointXML(e)}, nil
}

// newEndpoint makes an endpoint, by an id or with "" by one of its own, which waits for the vendor, or is on its way when the vendor
// accepts every account.
func (w *World) newEndpoint(call *wire.Call, id string) (*Endpoint, error) {
	e, subnets, err := w.requestedEndpoint(call)
	if err != nil {
		return nil, err
	}
	e.ID, e.CreatedAt, e.visibleAt = cmp.Or(id, w.newID("vpce")), w.clock.Now(), w.clock.Now().Add(w.options.VisibleAfter)
	e.suffix = nameSuffix(e.ID)
	for _, subnet := range subnets {
		if err := w.attach(e, subnet); err != nil {
			return nil, err
		}
	}
	w.endpoints.put(e.ID, e)
	service := w.services.get(e.ServiceName)
	if !service.AcceptanceRequired {
		w.accept(e)
		return e, nil
	}
	w.enter(e, PendingAcceptance)
	if f := w.onRequest; f != nil {
		w.clock.After(0, e.ID+" waits for acceptance", func() { f(e.ServiceName, e.ID) })
	}
	return e, nil
}

// requestedEndpoint is the endpoint that a CreateVpcEndpoint describes, and its subnets, after all of AWS's checks.
func (w *World) requestedEndpoint(call *wire.Call) (*Endpoint, []*Subnet, error) {
	form := call.Form
	vpc := w.vpcs.get(form.Get("VpcId"))
	if vpc == nil || !w.sees(call, vpc.ID) {
		return nil, nil, fault("InvalidVpcID.NotFound", "The Vpc Id %s does not exist", form.Get("VpcId"))
	}
	service, err := w.requestedService(call)
	if err != nil {
		return nil, nil, err
	}
	e := &Endpoint{
		Region: call.Region, AccountID: call.AccountID, VPCID: vpc.ID, ServiceName: service.Name, ServiceRegion: service.Region,
		GroupIDs: list(form, "SecurityGroupId"), PrivateDNSEnabled: form.Get("PrivateDnsEnabled") == "true",
	}
	if service.PolicySupported {
		e.Policy = cmp.Or(form.Get("PolicyDocument"), defaultPolicy)
	}
	if len(e.GroupIDs) == 0 {
		e.GroupIDs = []string{vpc.defaultGroup}
	}
	if e.Tags, err = specifiedTags(form, "vpc-endpoint"); err != nil {
		return nil, nil, err
	}
	if err := w.checkGroups(vpc, e.GroupIDs); err != nil {
		return nil, nil, err
	}
	subnets, err := w.checkSubnets(service, e, list(form, "SubnetId"))
	if err != nil {
		return nil, nil, err
	}
	if e.PrivateDNSEnabled {
		if err := w.checkPrivateDNS(e); err != nil {
			return nil, nil, err
		}
	}
	return e, subnets, w.checkQuota(vpc)
}

// requestedService is the service of a CreateVpcEndpoint, which must be one for interface endpoints that the caller may see.
func (w *World) requestedService(call *wire.Call) (*VendorService, error) {
	form := call.Form
	hosted := form.Get("ServiceRegion")
	if hosted == "" {
		hosted = call.Region
	}
	service, err := w.offered(call, form.Get("ServiceName"), []string{hosted})
	if err != nil {
		return nil, err
	}
	kind := form.Get("VpcEndpointType")
	if kind == "" {
		kind = "Gateway"
	}
	if kind != "Interface" {
		return nil, fault("InvalidParameter", "Endpoint type (%s) does not match available service types ([Interface]).", kind)
	}
	for _, parameter := range []string{"IpAddressType", "DnsOptions.DnsRecordIpType"} {
		if value := form.Get(parameter); value != "" && value != "ipv4" {
			return nil, fault("InvalidParameter", "The VPC endpoint service %s does not support the %s %s.",
				service.Name, parameter, value)
		}
	}
	return service, checkPolicy(call, service)
}

// defaultPolicy is what AWS gives an endpoint of a service that takes policies, as it writes it.
const defaultPolicy = `{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}`

func checkPolicy(call *wire.Call, service *VendorService) error {
	if call.Form.Has("PolicyDocument") && !service.PolicySupported {
		return fault("InvalidParameter", "The VPC endpoint service %s does not support endpoint policies.", service.Name)
	}
	return nil
}

func (w *World) checkGroups(vpc *VPC, ids []string) error {
	for _, id := range ids {
		if group := w.groups.get(id); group == nil || group.VPCID != vpc.ID {
			return noGroup(id)
		}
	}
	return nil
}

// checkSubnets returns the subnets to add to an endpoint. AWS: each in a zone that the service offers, and one in each zone.
func (w *World) checkSubnets(service *VendorService, e *Endpoint, ids []string) ([]*Subnet, error) {
	zones := map[string]bool{}
	for _, id := range e.SubnetIDs {
		zones[w.subnets.get(id).AZID] = true
	}
	var subnets []*Subnet
	for _, id := range ids {
		subnet := w.subnets.get(id)
		if subnet == nil || subnet.VPCID != e.VPCID {
			return nil, fault("InvalidSubnetId.NotFound", "The subnet ID '%s' does not exist", id)
		}
		if err := checkZone(service, e, subnet); err != nil {
			return nil, err
		}
		if zones[subnet.AZID] {
			return nil, fault("DuplicateSubnetsInSameZone", "Found another VPC endpoint subnet in the availability zone of %s", id)
		}
		if w.free(subnet) == 0 {
			return nil, fault("InsufficientFreeAddressesInSubnet",
				"The specified subnet does not have enough free addresses to satisfy the request.")
		}
		zones[subnet.AZID] = true
		subnets = append(subnets, subnet)
	}
	return subnets, nil
}

func checkZone(service *VendorService, e *Endpoint, subnet *Subnet) error {
	if service.Region != e.Region {
		if service.RemoteAZIDs != nil && !slices.Contains(service.RemoteAZIDs, subnet.AZID) {
			return fault("InvalidParameter", "Only the following availability zones are supported for remote access: %s",
				strings.Join(service.RemoteAZIDs, ", "))
		}
		return nil
	}
	if !slices.Contains(service.AZIDs, subnet.AZID) {
		return fault("InvalidParameter", "The VPC endpoint service %s does not support the availability zone of the subnet: %s.",
			service.Name, subnet.ID)
	}
	return nil
}

func (w *World) checkQuota(vpc *VPC) error {
	count := 0
	for _, e := range w.endpoints.all() {
		if e.VPCID == vpc.ID && e.live() {
			count++
		}
	}
	if count >= w.options.EndpointQuota {
		return fault("VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached.")
	}
	return nil
}

func (w *World) permitModify(call *wire.Call) []wire.Permission {
	id := call.Form.Get("VpcEndpointId")
	permissions := []wire.Permission{w.onEndpoint(call, id)}
	for _, id := range append(list(call.Form, "AddSubnetId"), list(call.Form, "RemoveSubnetId")...) {
		permissions = append(permissions, w.onSubnet(call, id))
	}
	for _, id := range append(list(call.Form, "AddSecurityGroupId"), list(call.Form, "RemoveSecurityGroupId")...) {
		permissions = append(permissions, w.onGroup(call, id))
	}
	if e := w.endpoints.get(id); e != nil {
		permissions = append(permissions, w.privateDNS(call, e.VPCID)...)
	}
	return permissions
}

// modifyEndpoint checks everything, then changes everything.
func (w *World) modifyEndpoint(call *wire.Call) (any, error) {
	form := call.Form
	id := form.Get("VpcEndpointId")
	e := w.visible(call, id)
	if e == nil || !e.live() {
		return nil, noEndpoint(id)
	}
	if !e.usable() {
		return nil, fault("IncorrectState", "The Vpc Endpoint %s is in the state %s and cannot be modified.", id, e.State)
	}
	service := w.services.get(e.ServiceName)
	if err := checkPolicy(call, service); err != nil {
		return nil, err
	}
	groups, err := w.modifiedGroups(call, e)
	if err != nil {
		return nil, err
	}
	subnets, err := w.checkSubnets(service, e, list(form, "AddSubnetId"))
	if err != nil {
		return nil, err
	}
	if form.Get("PrivateDnsEnabled") == "true" && !e.PrivateDNSEnabled {
		if err := w.checkPrivateDNS(e); err != nil {
			return nil, err
		}
	}
	w.detach(e, list(form, "RemoveSubnetId"))
	for _, subnet := range subnets {
		if err := w.attach(e, subnet); err != nil {
			return nil, err
		}
	}
	w.setGroups(e, groups)
	if form.Has("PolicyDocument") {
		e.Policy = form.Get("PolicyDocument")
	}
	if form.Has("PrivateDnsEnabled") {
		e.PrivateDNSEnabled = form.Get("PrivateDnsEnabled") == "true"
	}
	w.modified(e)
	w.mutated("ModifyVpcEndpoint", []string{e.ID}, call.Session)
	return returned{true}, nil
}

// modifiedGroups are the endpoint's groups after the call. AWS: an interface always has one at least.
func (w *World) modifiedGroups(call *wire.Call, e *Endpoint) ([]string, error) {
	groups := slices.Clone(e.GroupIDs)
	for _, id := range list(call.Form, "AddSecurityGroupId") {
		if !slices.Contains(groups, id) {
			groups = append(groups, id)
		}
	}
	removed := list(call.Form, "RemoveSecurityGroupId")
	groups = slices.DeleteFunc(groups, func(id string) bool { return slices.Contains(removed, id) })
	if len(groups) == 0 {
		return nil, fault("InvalidParameter", "The VPC endpoint %s must have at least one security group.", e.ID)
	}
	return groups, w.checkGroups(w.vpcs.get(e.VPCID), groups)
}

// detach removes an endpoint's interfaces from subnets.
func (w *World) detach(e *Endpoint, subnetIDs []string) {
	for _, eni := range w.interfacesOf(e.ID) {
		if slices.Contains(subnetIDs, eni.SubnetID) {
			w.interfaces.remove(eni.ID)
		}
	}
	e.SubnetIDs = slices.DeleteFunc(e.SubnetIDs, func(id string) bool { return slices.Contains(subnetIDs, id) })
	e.interfaces = slices.DeleteFunc(e.interfaces, func(n *NetworkInterface) bool { return slices.Contains(subnetIDs, n.SubnetID) })
}

// unsuccessfulXML is one thing of a batch that was not done. AWS answers such a batch with 200.
type unsuccessfulXML struct {
	ID      string `xml:"resourceId"`
	Code    string `xml:"error>code"`
	Message string `xml:"error>message"`
}

type batchAnswer struct {
	Unsuccessful []unsuccessfulXML `xml:"unsuccessful>item"`
}

func (w *World) deleteEndpoints(call *wire.Call) (any, error) {
	var answer batchAnswer
	var deleted []string
	ids := list(call.Form, "VpcEndpointId")
	if len(ids) == 0 {
		return nil, fault("MissingParameter", "The request must contain the parameter VpcEndpointId")
	}
	for _, id := range ids {
		e := w.visible(call, id)
		refusal, refused := w.undeletable[id]
		switch {
		case e == nil || !e.live(): // AWS: another code than DescribeVpcEndpoints has for the same
			answer.Unsuccessful = append(answer.Unsuccessful,
				unsuccessfulXML{id, "InvalidVpcEndpoint.NotFound", "The Vpc Endpoint Id '" + id + "' does not exist"})
		case refused:
			answer.Unsuccessful = append(answer.Unsuccessful, unsuccessfulXML{id, refusal.code, refusal.message})
		case e.State != Deleting:
			w.remove(e)
			deleted = append(deleted, id)
		}
	}
	w.mutated("DeleteVpcEndpoints", deleted, call.Session)
	return answer, nil
}
