package plan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"postern/internal/catalog"
	"postern/internal/connection"
)

// checkService reads the vendor's service as this account sees it. A service that is not visible is no fault: the vendor has yet
// to allow-list us, or a name is wrong, and AWS answers both the same.
func (s *site) checkService(ctx context.Context, d *draft) error {
	if names := strings.Join(d.rendered.Awaited, ", "); names != "" {
		d.info(connection.FindingAwaited, "The vendor gives %s with the allow-listing. Nothing of the service was looked at; when they are there, start "+
			"action approve with them as inputs.", names)
	}
	if !d.serviceKnown() {
		return nil
	}
	service, err := s.readService(ctx, d.plan)
	if err != nil {
		return err
	}
	d.plan.Service = service
	d.faults = append(d.faults, serviceFaults(d.plan)...)
	d.plan.Findings = append(d.plan.Findings, serviceFindings(d.plan, d.profile)...)
	return nil
}

// serviceKnown reports whether the request says which service it means, without a fault.
func (d *draft) serviceKnown() bool {
	name, region := d.rendered.Service, d.rendered.ServiceRegion
	return name.Known && region.Known && !d.broken(cmp.Or(region.Path, name.Path, "vendor"))
}

func (s *site) readService(ctx context.Context, plan connection.Plan) (connection.Service, error) {
	return s.Endpoints.Service(ctx, plan.Service.Name, plan.Service.Region, plan.Network.Region)
}

// serviceFaults returns why a visible service cannot serve the plan's endpoint.
func serviceFaults(plan connection.Plan) connection.Faults {
	var faults connection.Faults
	service := plan.Service
	if !service.Visible {
		return nil
	}
	if service.Type != "" && !strings.EqualFold(service.Type, "Interface") {
		faults.Addf("vendor", "ask the vendor for the service of the product you bought",
			"%s takes %s endpoints, not interface endpoints", service.Name, service.Type)
	}
	faults = append(faults, zoneFaults(plan)...)
	if plan.DNS.Mode == connection.ModeVendorPrivateDNS {
		faults = append(faults, privateDNSFaults(service, plan.DNS.Hostname)...)
	}
	return faults
}

// privateDNSFaults returns why the endpoint's private DNS cannot answer for a hostname.
//
// AWS: only the owner of a service sets its private DNS name, and consumers can use it once the owner has proved the domain.
func privateDNSFaults(service connection.Service, hostname string) connection.Faults {
	var faults connection.Faults
	name := service.PrivateDNSName
	switch {
	case name == "":
		faults.Addf("vendor", "ask the vendor to set "+hostname+" as the service's private DNS name, and to verify its domain",
			"%s has no private DNS name, so an endpoint's private DNS cannot be switched on", service.Name)
	case !answers(name, hostname):
		faults.Addf("vendor", "write the private name that the vendor set up, or ask the vendor to set "+hostname+" as the service's "+
			"private DNS name", "%s is not the private DNS name of the service, which is %s", hostname, name)
	case !service.PrivateDNSVerified:
		faults.Addf("vendor", "ask the vendor to prove the domain (the TXT record that AWS names), and start again when it is verified",
			"the service's private DNS name %s is not verified, and cannot be used before", name)
	}
	return faults
}

// zoneFaults returns the subnets that are in an Availability Zone in which the service is not offered.
//
// AWS: CreateVpcEndpoint fails as a whole then. Zone ids are compared, since names differ from account to account. A service of
// another Region is not bound to zones, and AWS lists none.
func zoneFaults(plan connection.Plan) connection.Faults {
	var faults connection.Faults
	offered := plan.Service.AZIDs
	if plan.CrossRegion() || len(offered) == 0 {
		return nil
	}
	for i, subnet := range plan.Network.Subnets {
		if !slices.Contains(offered, subnet.AZID) {
			faults.Addf(fmt.Sprintf("target.subnetIds[%d]", i), "write subnets in "+strings.Join(offered, ", "),
				"%s is in %s (%s), where the service is not offered", subnet.ID, subnet.AZID, subnet.AZ)
		}
	}
	return faults
}

// answers reports whether a private DNS name, which may be a wildcard, includes a hostname.
func answers(privateName, hostname string) bool {
	domain, wildcard := strings.CutPrefix(privateName, "*.")
	if !wildcard {
		return privateName == hostname
	}
	_, parent, _ := strings.Cut(hostname, ".")
	return parent == domain
}

// The codes of the findings about the service, which is read again after allow-listing.
const (
	codeNotVisible = "service-not-visible"
	codeNoApproval = "no-approval-needed"
	codeApproval   = "approval-needed"
)

func aboutService(finding connection.Finding) bool {
	return slices.Contains([]string{codeNotVisible, codeNoApproval, codeApproval}, finding.Code)
}

// serviceFindings returns what people should know about the service; profile may be nil.
func serviceFindings(plan connection.Plan, profile *catalog.Profile) []connection.Finding {
	service := plan.Service
	acceptance := catalog.AcceptanceDiscover
	if profile != nil {
		acceptance = profile.Acceptance
	}
	switch {
	case !service.Visible:
		return []connection.Finding{{Severity: connection.SeverityWarning, Code: codeNotVisible, Message: fmt.Sprintf(
			"%s is not visible to account %s in %s. The vendor has not allow-listed the account yet, or the name or its Region is wrong: "+
				"AWS answers both alike.", service.Name, plan.Network.AccountID, plan.Network.Region)}}
	case acceptance == catalog.AcceptanceRequired && !service.AcceptanceRequired:
		return []connection.Finding{{Severity: connection.SeverityInfo, Code: codeNoApproval,
			Message: "The service accepts endpoints by itself, though the vendor's page mentions an approval."}}
	case acceptance == catalog.AcceptanceAuto && service.AcceptanceRequired:
		return []connection.Finding{{Severity: connection.SeverityWarning, Code: codeApproval,
			Message: "A person at the vendor has to accept the endpoint, though its page does not say so."}}
	default:
		return nil
	}
}
