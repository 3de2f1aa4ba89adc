package privatelink

// checkPrivateDNS is what AWS demands before an endpoint's private DNS is switched on.
func (w *World) checkPrivateDNS(e *Endpoint) error {
	service := w.services.get(e.ServiceName)
	if service == nil || service.PrivateDNSName == "" {
		return fault("InvalidParameter",
			"Private DNS can't be enabled because the service %s does not provide a private DNS name.", e.ServiceName)
	}
	if service.AcceptanceRequired && e.AcceptedAt.IsZero() {
		return fault("InvalidParameter",
			"Private DNS can only be enabled after the endpoint connection is accepted by the owner of %s.", e.ServiceName)
	}
	if service.PrivateDNSVerification != "verified" {
		return fault("InvalidParameter",
			"Private DNS can't be enabled because the domain of the private DNS name of %s is not verified.", e.ServiceName)
	}
	if e.ServiceRegion != e.Region && !service.CrossRegionPrivateDNS {
		return fault("InvalidParameter", "Private DNS is not supported for cross-region endpoints of %s.", e.ServiceName)
	}
	if vpc := w.vpcs.get(e.VPCID); !vpc.DNSSupport || !vpc.DNSHostnames {
		return fault("InvalidParameter", "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC "+
			"attributes set to true for %s", e.VPCID)
	}
	return w.checkConflict(e, service)
}

// checkConflict refuses a private name that something else in the VPC answers for already.
func (w *World) checkConflict(e *Endpoint, service *VendorService) error {
	name := zoneName(service.PrivateDNSName)
	taken := w.zones != nil && w.zones.HasZone(e.VPCID, name)
	for _, other := range w.endpoints.all() {
		if other.ID == e.ID || other.VPCID != e.VPCID || !other.PrivateDNSEnabled || other.State == Deleting || !other.live() {
			continue
		}
		if s := w.services.get(other.ServiceName); s != nil && zoneName(s.PrivateDNSName) == name {
			taken = true
		}
	}
	if taken {
		return fault("InvalidParameter", "private-dns-enabled cannot be set because there is already a conflicting DNS domain "+
			"for %s in the VPC %s", service.PrivateDNSName, e.VPCID)
	}
	return nil
}
