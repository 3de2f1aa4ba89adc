package route53

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"postern/internal/local/privatelink"
	"postern/internal/local/wire"
)

type zoneXML struct {
	ID              string `xml:"Id"`
	Name            string `xml:"Name"`
	CallerReference string `xml:"CallerReference"`
	Comment         string `xml:"Config>Comment,omitempty"`
	Private         bool   `xml:"Config>PrivateZone"`
	Records         int    `xml:"ResourceRecordSetCount"`
}

func (z *Zone) xml() zoneXML {
	return zoneXML{"/hostedzone/" + z.ID, z.Name, z.CallerReference, z.Comment, z.Private, len(z.Records)}
}

// nameServers are those of a zone. Resolvers do not use them for a private zone.
var nameServers = []string{"ns-0.awsdns-00.com", "ns-512.awsdns-00.net", "ns-1024.awsdns-00.org", "ns-1536.awsdns-00.co.uk"}

type createZoneRequest struct {
	Name            string `xml:"Name"`
	CallerReference string `xml:"CallerReference"`
	VPC             *VPC   `xml:"VPC"`
	Config          struct {
		Comment string `xml:"Comment"`
		Private bool   `xml:"PrivateZone"`
	} `xml:"HostedZoneConfig"`
	Rest []element `xml:",any"`
}

func (s *Service) createZone(call *wire.Call) ([]byte, error) {
	var request createZoneRequest
	if err := read(call, &request, func() []element { return request.Rest }); err != nil {
		return nil, err
	}
	zone := &Zone{
		Name: Canonical(request.Name), CallerReference: request.CallerReference, Comment: request.Config.Comment,
		Owner: call.AccountID, Private: request.VPC != nil,
	}
	if !validName(zone.Name) {
		return nil, fault(http.StatusBadRequest, "InvalidDomainName", "The domain name is invalid: %s", request.Name)
	}
	if n := len(request.CallerReference); n < 1 || n > 128 {
		return nil, invalid("CallerReference must have 1 to 128 characters")
	}
	if request.Config.Private && request.VPC == nil {
		return nil, invalid("When you're creating a private hosted zone (when you specify true for PrivateZone), you must also " +
			"specify values for VPCId and VPCRegion.")
	}
	var managed []privatelink.ManagedZone
	if request.VPC != nil {
		if err := s.checkVPC(call, *request.VPC); err != nil {
			return nil, err
		}
		zone.VPCs = []VPC{*request.VPC}
		managed = s.ec2.ManagedZones(request.VPC.ID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.checkNew(zone, managed); err != nil {
		return nil, err
	}
	s.add(zone)
	call.SetHeader("Location", "https://route53.amazonaws.com/2013-04-01/hostedzone/"+zone.ID)
	return reply(call, struct {
		Zone    zoneXML    `xml:"HostedZone"`
		Change  changeInfo `xml:"ChangeInfo"`
		Servers []string   `xml:"DelegationSet>NameServers>NameServer"` // of a private zone too
		VPC     *VPC       `xml:"VPC"`
	}{zone.xml(), s.begin(zone, "").info(), nameServers, request.VPC})
}

// checkVPC refuses a VPC that the caller's account does not have. Route 53 must not be locked.
func (s *Service) checkVPC(call *wire.Call, vpc VPC) error {
	if known, exists := s.ec2.VPC(vpc.ID); !exists || known.Region != vpc.Region || known.AccountID != call.AccountID {
		return fault(http.StatusBadRequest, "InvalidVPCId",
			"The VPC: %s in region %s that you provided is not found", vpc.ID, vpc.Region)
	}
	return nil
}

// checkNew are AWS's rules for a new zone. AWS: a caller reference that was used is an error and not the zone it made.
func (s *Service) checkNew(zone *Zone, managed []privatelink.ManagedZone) error {
	for _, id := range s.order {
		if known := s.zones[id]; known.Owner == zone.Owner && known.CallerReference == zone.CallerReference {
			return fault(http.StatusConflict, "HostedZoneAlreadyExists",
				"A hosted zone has already been created with the specified caller reference.")
		}
	}
	if len(s.order) >= s.options.ZoneQuota {
		return fault(http.StatusBadRequest, "TooManyHostedZones", "This operation can't be completed because the current account has "+
			"reached the limit on the number of hosted zones.")
	}
	for _, vpc := range zone.VPCs {
		if err := s.checkConflict(vpc, zone.Name, managed); err != nil {
			return err
		}
	}
	return nil
}

// checkConflict refuses a second zone of one name in a VPC. AWS: the zone that an endpoint's private DNS brought counts too.
func (s *Service) checkConflict(vpc VPC, name string, managed []privatelink.ManagedZone) error {
	id := ""
	if zone := s.conflict(vpc.ID, name); zone != nil {
		id = zone.ID
	}
	for _, zone := range managed {
		if Canonical(zone.Name) == name {
			id = zone.ID
		}
	}
	if id == "" {
		return nil
	}
	return fault(http.StatusBadRequest, "ConflictingDomainExists",
		"The VPC %s in region %s has already been associated with the hosted zone %s with the same domain name.",
		vpc.ID, vpc.Region, id)
}

func (s *Service) getZone(call *wire.Call) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	zone, err := s.zoneOf(call)
	if err != nil {
		return nil, err
	}
	return reply(call, struct {
		Zone zoneXML `xml:"HostedZone"`
		VPCs []VPC   `xml:"VPCs>VPC"`
	}{zone.xml(), zone.VPCs})
}

func (s *Service) deleteZone(call *wire.Call) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	zone, err := s.zoneOf(call)
	if err != nil {
		return nil, err
	}
	if len(zone.Records) > 2 {
		return nil, fault(http.StatusBadRequest, "HostedZoneNotEmpty",
			"The specified hosted zone contains non-required resource record sets and so cannot be deleted.")
	}
	if err := s.checkPrior(zone); err != nil {
		return nil, err
	}
	delete(s.zones, zone.ID)
	s.order = slices.DeleteFunc(s.order, func(id string) bool { return id == zone.ID })
	return reply(call, changed{s.begin(zone, "").info()})
}

// checkPrior refuses a change while another one of the same zone is in flight.
func (s *Service) checkPrior(zone *Zone) error {
	if s.options.OneChangeAtATime && zone.pending > 0 {
		return fault(http.StatusBadRequest, "PriorRequestNotComplete",
			"The request was rejected because Route 53 was still processing a prior request.")
	}
	return nil
}

type summaryXML struct {
	ID            string `xml:"HostedZoneId"`
	Name          string `xml:"Name"`
	OwningAccount string `xml:"Owner>OwningAccount,omitempty"`
	OwningService string `xml:"Owner>OwningService,omitempty"`
}

// listByVPC answers ListHostedZonesByVPC. AWS: zones of other accounts and of services are among them.
func (s *Service) listByVPC(call *wire.Call) ([]byte, error) {
	query := call.HTTP.URL.Query()
	vpc := VPC{Region: query.Get("vpcregion"), ID: query.Get("vpcid")}
	if s.checkVPC(call, vpc) != nil { // AWS: here it is no InvalidVPCId, which the operation does not have
		return nil, invalid("The VPC %s in region %s is not found", vpc.ID, vpc.Region)
	}
	var all []summaryXML
	for _, zone := range s.ec2.ManagedZones(vpc.ID) {
		all = append(all, summaryXML{ID: zone.ID, Name: Canonical(zone.Name), OwningService: "vpce.amazonaws.com"})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.order {
		if zone := s.zones[id]; zone.Private && zone.has(vpc.ID) {
			all = append(all, summaryXML{ID: zone.ID, Name: zone.Name, OwningAccount: zone.Owner})
		}
	}
	slices.SortStableFunc(all, func(a, b summaryXML) int { return strings.Compare(a.ID, b.ID) })
	limit, err := s.limit(call, "maxitems")
	if err != nil {
		return nil, err
	}
	if token := query.Get("nexttoken"); token != "" {
		last, err := base64.URLEncoding.DecodeString(token)
		if err != nil {
			return nil, fault(http.StatusBadRequest, "InvalidPaginationToken", "The token %s is invalid", token)
		}
		all = slices.DeleteFunc(all, func(z summaryXML) bool { return z.ID <= string(last) })
	}
	next := ""
	if len(all) > limit {
		all = all[:limit]
		next = base64.URLEncoding.EncodeToString([]byte(all[limit-1].ID))
	}
	return reply(call, struct {
		Zones     []summaryXML `xml:"HostedZoneSummaries>HostedZoneSummary"`
		MaxItems  string       `xml:"MaxItems"`
		NextToken string       `xml:"NextToken,omitempty"`
	}{all, strconv.Itoa(limit), next})
}

// listByName answers ListHostedZonesByName: the account's zones from a name and id on, ordered by the labels from the right.
func (s *Service) listByName(call *wire.Call) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	query := call.HTTP.URL.Query()
	var all []*Zone
	for _, id := range s.order {
		zone := s.zones[id]
		if zone.Owner == call.AccountID && !before(zone, query.Get("dnsname"), query.Get("hostedzoneid")) {
			all = append(all, zone)
		}
	}
	slices.SortFunc(all, func(a, b *Zone) int { return cmp.Or(compareNames(a.Name, b.Name), strings.Compare(a.ID, b.ID)) })
	limit, err := s.limit(call, "maxitems")
	if err != nil {
		return nil, err
	}
	answer := struct {
		Zones     []zoneXML `xml:"HostedZones>HostedZone"`
		Name      string    `xml:"DNSName,omitempty"`
		ID        string    `xml:"HostedZoneId,omitempty"`
		Truncated bool      `xml:"IsTruncated"`
		NextName  string    `xml:"NextDNSName,omitempty"`
		NextID    string    `xml:"NextHostedZoneId,omitempty"`
		MaxItems  string    `xml:"MaxItems"`
	}{Name: query.Get("dnsname"), ID: query.Get("hostedzoneid"), MaxItems: strconv.Itoa(limit)}
	for i, zone := range all {
		if i == limit {
			answer.Truncated, answer.NextName, answer.NextID = true, zone.Name, zone.ID
			break
		}
		answer.Zones = append(answer.Zones, zone.xml())
	}
	return reply(call, answer)
}

// before reports whether a zone comes before the name and id that a listing starts from.
func before(zone *Zone, name, id string) bool {
	if name == "" {
		return false
	}
	order := compareNames(zone.Name, Canonical(name))
	return order < 0 || order == 0 && zone.ID < id
}
