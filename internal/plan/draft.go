package plan

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"postern/internal/catalog"
	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
)

// draft is a plan in the making: the request, what is known so far, and everything wrong with it.
type draft struct {
	request    connection.Request
	network    connection.RegisteredNetwork
	registered bool
	profile    *catalog.Profile // nil: the request names no vendor we know
	rendered   catalog.Rendered
	// unreachable is set when the network's account cannot be asked.
	unreachable bool
	// vpc is nil as long as it was not found.
	vpc *endpoint.VPC
	// associated are the further VPCs of target.associatedVpcIds that can be asked, by their index there.
	associated map[int]connection.Association
	// full are the faults of subnets without a free address; they do not matter when an endpoint is adopted.
	full connection.Faults
	// parameters are the names of those that exist.
	parameters map[string]bool
	// adopted is the endpoint that plan.AdoptEndpointID names; neighbours are the other live endpoints of the VPC.
	adopted    endpoint.Endpoint
	neighbours []endpoint.Endpoint
	// endpoints and zones are all that the VPC has.
	endpoints []endpoint.Endpoint
	zones     []dns.Zone

	plan   connection.Plan
	faults connection.Faults
}

// newDraft decodes and checks a request with what needs no AWS: the vendor profile and the registered networks.
func (p *Planner) newDraft(raw []byte) *draft {
	d := &draft{}
	var err error
	d.request, err = connection.DecodeRequest(raw)
	errors.As(err, &d.faults)
	if d.faults.Covers("") {
		return d
	}
	if d.request.Action.NamesOnly() || d.request.Unclear() {
		return d // needs neither: the vendor and the network of an existing connection may have been removed
	}
	decoded := len(d.faults)
	p.chooseNetwork(d)
	p.chooseProfile(d)
	// What could not be decoded was left empty: a second fault about its emptiness would only confuse.
	kept := d.faults[:decoded:decoded]
	for _, fault := range d.faults[decoded:] {
		if !kept.Covers(fault.Path) {
			kept = append(kept, fault)
		}
	}
	d.faults = kept
	d.fillIn(p)
	return d
}

func (p *Planner) chooseNetwork(d *draft) {
	target := d.request.Target
	if d.broken("target.region") || d.broken("target.vpcId") {
		return
	}
	d.network, d.registered = p.networks.Find(target.Region, target.VPCID)
	if d.registered {
		return
	}
	var known []string
	for _, network := range p.networks {
		known = append(known, fmt.Sprintf("%s in %s (%s)", network.VPCID, network.Region, network.Name))
	}
	remedy := "register it in the postern block of cdk.json and deploy"
	if len(known) > 0 {
		remedy = "use one of " + strings.Join(known, ", ") + ", or " + remedy
	}
	d.faults.Addf("target.vpcId", remedy, "%s in %s is not a registered network", target.VPCID, target.Region)
}

func (p *Planner) chooseProfile(d *draft) {
	if d.broken("vendor") {
		return
	}
	profile, ok := p.vendors.Find(d.request.Vendor)
	if !ok {
		d.faults.Addf("vendor", "use one of "+strings.Join(p.vendors.IDs(), ", "), "there is no profile for %s", d.request.Vendor)
		return
	}
	rendered, faults := profile.Render(d.request, d.network.AccountID)
	d.faults = append(d.faults, faults...)
	d.profile, d.rendered = profile, rendered
	d.checkRegions()
	d.checkCutover()
}

// checkCutover stops a request that would move live traffic without saying so. A plan only tells of it.
func (d *draft) checkCutover() {
	hostname := d.rendered.Hostname
	if !d.rendered.SharedWithPublic || !hostname.Known || d.request.Cutover || d.request.Action != connection.ActionOnboard {
		return
	}
	remedy := "write \"cutover\": true when they may move now, or use action plan to see all that would happen"
	if hostname.Path != "" {
		remedy += "; a private name of its own, in " + hostname.Path + ", moves no client"
	}
	d.faults.Addf("cutover", remedy, "the private name %s equals the public one, so switching private DNS on moves every client "+
		"in %s at once", hostname.Text, d.request.Target.VPCID)
}

// checkRegions compares the Regions that the request names.
func (d *draft) checkRegions() {
	name, region := d.rendered.Service, d.rendered.ServiceRegion
	path := cmp.Or(region.Path, name.Path, "vendor")
	if !name.Known || !region.Known {
		return
	}
	d.checkServiceRegion()
	if d.profile.Regions.Mode == catalog.SameRegionOnly && region.Text != d.request.Target.Region {
		d.faults.Addf(path, "use a VPC in "+region.Text+", or ask the vendor for a service in "+d.request.Target.Region,
			"%s serves endpoints of its own Region only, and the VPC is in %s", d.profile.DisplayName, d.request.Target.Region)
	}
}

// checkServiceRegion compares the service's Region with its name, which says it too.
func (d *draft) checkServiceRegion() {
	name, region := d.rendered.Service, d.rendered.ServiceRegion
	if inName := regionIn(name.Text); name.Known && region.Known && inName != region.Text {
		d.faults.Addf(cmp.Or(region.Path, name.Path, "vendor"), "write the service name and its Region as the vendor gave them",
			"the service name is of %s, its Region is said to be %s", inName, region.Text)
	}
}

// regionIn returns the Region in the name of an endpoint service.
//
// AWS: com.amazonaws.vpce.<region>.vpce-svc-<id>; in other partitions the beginning differs.
func regionIn(serviceName string) string {
	_, rest, _ := strings.Cut(serviceName, ".vpce.")
	region, _, _ := strings.Cut(rest, ".")
	return region
}

// fillIn writes what is known without AWS into the plan.
func (d *draft) fillIn(p *Planner) {
	target := d.request.Target
	d.plan = connection.Plan{
		ConnectionID: d.request.ConnectionID(),
		Vendor:       d.request.Vendor,
		Network: connection.Network{
			Name: d.network.Name, AccountID: d.network.AccountID, Region: target.Region, VPCID: target.VPCID,
			SecurityGroupIDs: target.SecurityGroupIDs, ClientCIDRs: target.ClientCIDRs,
			ClientSecurityGroupIDs: target.ClientSecurityGroupIDs,
			RoleARN:                d.network.RoleARN, ExternalID: d.network.ExternalID,
		},
		Findings:  []connection.Finding{},
		Creates:   []string{},
		Ticket:    d.request.Ticket,
		Requester: d.request.Requester,
		Drift:     d.request.Drift,
	}
	if d.profile == nil {
		return
	}
	ports, tls := d.profile.PortNumbers()
	d.plan.ProfileVersion = d.profile.Version
	d.plan.Inputs = d.rendered.Inputs
	if len(d.rendered.Awaited) == 0 {
		d.plan.Service = connection.Service{Name: d.rendered.Service.Text, Region: d.rendered.ServiceRegion.Text}
	}
	d.plan.DNS = d.rendered.DNS
	d.plan.Gates = p.timeouts.apply(d.rendered.Gates)
	d.plan.ClientActions = d.rendered.ClientActions
	d.plan.Probe = connection.ProbePlan{
		FunctionName: d.network.ProbeFunction, Ports: ports, TLSPorts: tls, ALPN: d.profile.ALPN, SNI: d.rendered.DNS.Hostname,
	}
	if relay := d.network.ProbeRelay; relay != "" {
		d.plan.Probe.FunctionName, d.plan.Probe.RelayTo = relay, d.network.ProbeFunction
	}
	d.plan.Outputs = d.rendered.Outputs
	for i := range d.plan.Outputs {
		d.plan.Outputs[i].Parameter = strings.Join([]string{p.prefix, d.request.Vendor, d.request.Name, d.plan.Outputs[i].Key}, "/")
	}
}

// broken reports whether there is a fault at a path, inside it, or at something that contains it: then nothing that needs it is
// checked.
func (d *draft) broken(path string) bool { return d.faults.Covers(path) || d.faults.Within(path) }

func (d *draft) warn(code, format string, args ...any) {
	d.note(connection.SeverityWarning, code, format, args...)
}

func (d *draft) info(code, format string, args ...any) {
	d.note(connection.SeverityInfo, code, format, args...)
}

func (d *draft) note(severity, code, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	d.plan.Findings = append(d.plan.Findings, connection.Finding{Severity: severity, Code: code, Message: message})
}

func (d *draft) creates(format string, args ...any) {
	d.plan.Creates = append(d.plan.Creates, fmt.Sprintf(format, args...))
}
