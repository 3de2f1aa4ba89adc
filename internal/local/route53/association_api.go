package route53

import (
	"net/http"
	"slices"

	"postern/internal/local/wire"
)

type vpcRequest struct {
	VPC     VPC       `xml:"VPC"`
	Comment string    `xml:"Comment"`
	Rest    []element `xml:",any"`
}

func readVPC(call *wire.Call) (vpcRequest, error) {
	var request vpcRequest
	err := read(call, &request, func() []element { return request.Rest })
	if err == nil && request.VPC.ID == "" {
		err = invalid("The request has no VPC")
	}
	return request, err
}

// associate makes a zone answer in a VPC. AWS: for a zone of another account, its owner must have authorized the VPC.
func (s *Service) associate(call *wire.Call) ([]byte, error) {
	request, err := readVPC(call)
	if err != nil {
		return nil, err
	}
	if err := s.checkVPC(call, request.VPC); err != nil {
		return nil, err
	}
	managed := s.ec2.ManagedZones(request.VPC.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	zone := s.zones[call.Path["Id"]]
	switch {
	case zone == nil:
		_, err := s.zoneOf(call)
		return nil, err
	case zone.Owner != call.AccountID && !slices.Contains(zone.Authorized, request.VPC):
		return nil, fault(http.StatusUnauthorized, "NotAuthorizedException",
			"The VPC: %s has not authorized to associate with your hosted zone.", request.VPC.ID)
	case !zone.Private:
		return nil, fault(http.StatusBadRequest, "PublicZoneVPCAssociation",
			"You're trying to associate a VPC with a public hosted zone. Amazon Route 53 doesn't support that.")
	}
	if err := s.checkConflict(request.VPC, zone.Name, managed); err != nil {
		return nil, err
	}
	zone.VPCs = append(zone.VPCs, request.VPC)
	return reply(call, changed{s.begin(zone, request.Comment).info()})
}

func (s *Service) disassociate(call *wire.Call) ([]byte, error) {
	request, err := readVPC(call)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	zone, err := s.zoneOf(call)
	if err != nil {
		return nil, err
	}
	if !zone.has(request.VPC.ID) {
		return nil, fault(http.StatusNotFound, "VPCAssociationNotFound",
			"The specified VPC %s and hosted zone are not currently associated.", request.VPC.ID)
	}
	if len(zone.VPCs) == 1 {
		return nil, fault(http.StatusBadRequest, "LastVPCAssociation",
			"The VPC that you're trying to disassociate from the private hosted zone is the last VPC that is associated with it.")
	}
	zone.VPCs = slices.DeleteFunc(slices.Clone(zone.VPCs), func(v VPC) bool { return v.ID == request.VPC.ID })
	return reply(call, changed{s.begin(zone, request.Comment).info()})
}

type authorizationAnswer struct {
	ZoneID string `xml:"HostedZoneId"`
	VPC    VPC    `xml:"VPC"`
}

func (s *Service) authorize(call *wire.Call) ([]byte, error) {
	request, err := readVPC(call)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	zone, err := s.zoneOf(call)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(zone.Authorized, request.VPC) {
		zone.Authorized = append(zone.Authorized, request.VPC)
	}
	return reply(call, authorizationAnswer{zone.ID, request.VPC})
}

func (s *Service) deauthorize(call *wire.Call) ([]byte, error) {
	request, err := readVPC(call)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	zone, err := s.zoneOf(call)
	if err != nil {
		return nil, err
	}
	i := slices.Index(zone.Authorized, request.VPC)
	if i < 0 {
		return nil, fault(http.StatusNotFound, "VPCAssociationAuthorizationNotFound",
			"The VPC %s is not authorized to be associated with the hosted zone.", request.VPC.ID)
	}
	zone.Authorized = slices.Delete(slices.Clone(zone.Authorized), i, i+1)
	return reply(call, struct{}{})
}
