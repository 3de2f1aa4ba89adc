package plan

import (
	"cmp"
	"context"
	"slices"

	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
)

// diagnose collects what AWS's control plane knows of a connection that exists. What would stop an onboarding becomes a finding: a
// diagnosis is made when something is wrong.
func (p *Planner) diagnose(ctx context.Context, v visit) (connection.Plan, error) {
	d, s := v.draft, p.in(v.draft.plan.Network)
	refused := len(d.faults) > 0 // by what needs no AWS
	if err := s.look(ctx, d); err != nil {
		return connection.Plan{}, err
	}
	if refused || d.unreachable {
		return connection.Plan{}, d.faults
	}
	d.plan.Decision = connection.DecisionDiagnose
	if d.vpc == nil {
		return connection.Plan{}, d.faults // the VPC does not exist: there is nothing to look at
	}
	about := func(f connection.Finding) bool { return f.Severity == connection.SeverityInfo }
	d.plan.Findings = slices.DeleteFunc(d.plan.Findings, about) // they speak of what an onboarding would do
	for _, fault := range d.faults {
		d.warn("onboarding-would-fail", "An onboarding would be refused now: %s", fault)
	}
	facts := &connection.Facts{
		DNSSupport: d.vpc.DNSSupport, DNSHostnames: d.vpc.DNSHostnames, Zones: []connection.ZoneFacts{}, Filters: []connection.Check{},
	}
	d.plan.Diagnosis = facts
	if found, ok := d.choose(); ok {
		if err := s.endpointFacts(ctx, d, found); err != nil {
			return connection.Plan{}, err
		}
	}
	return d.plan, s.zoneFacts(ctx, d)
}

// choose returns the endpoint to diagnose: the connection's own before another to the same service, a live one before a dead one.
func (d *draft) choose() (endpoint.Endpoint, bool) {
	var found []endpoint.Endpoint
	for _, e := range d.endpoints {
		if d.mine(e) || e.ServiceName == d.plan.Service.Name {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		return endpoint.Endpoint{}, false
	}
	return slices.MinFunc(found, func(a, b endpoint.Endpoint) int {
		return cmp.Or(before(d.mine(a), d.mine(b)), cmp.Compare(progress(a.State), progress(b.State)), cmp.Compare(a.ID, b.ID))
	}), true
}

// before orders what has a property before what has not.
func before(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

func (d *draft) mine(e endpoint.Endpoint) bool { return e.Connection() == d.plan.ConnectionID }

// progress orders states: those that came farthest first, then those that went wrong.
func progress(state connection.EndpointState) int {
	order := []connection.EndpointState{
		connection.StateAvailable, connection.StatePartial, connection.StatePending, connection.StatePendingAcceptance,
		connection.StateUnknown, connection.StateRejected, connection.StateExpired, connection.StateFailed, connection.StateDeleting,
	}
	if i := slices.Index(order, state); i >= 0 {
		return i
	}
	return len(order)
}

func (s *site) endpointFacts(ctx context.Context, d *draft, e endpoint.Endpoint) error {
	facts := &connection.EndpointFacts{
		ID: e.ID, Ours: d.mine(e), State: e.State, Reason: e.Reason, PrivateDNSEnabled: e.PrivateDNSEnabled,
		SecurityGroupIDs: e.SecurityGroupIDs, Names: []string{}, Interfaces: []connection.NetworkInterface{},
	}
	for _, name := range e.DNSNames {
		facts.Names = append(facts.Names, dns.Name(name.Name))
	}
	d.plan.Diagnosis.Endpoint = facts
	interfaces, err := s.Endpoints.Interfaces(ctx, e)
	if err != nil {
		return err
	}
	facts.Interfaces = append(facts.Interfaces, interfaces...)
	return s.filterFacts(ctx, d)
}

// zoneFacts adds the zones that answer for the plan's names, the most specific first, with what they hold at those names.
func (s *site) zoneFacts(ctx context.Context, d *draft) error {
	facts := d.plan.Diagnosis
	for _, zone := range d.zones {
		if d.answeredBy(zone) == "" {
			continue
		}
		fact, err := s.zoneFact(ctx, d, zone)
		if err != nil {
			return err
		}
		facts.Zones = append(facts.Zones, fact)
	}
	slices.SortStableFunc(facts.Zones, func(a, b connection.ZoneFacts) int { return cmp.Compare(len(b.Name), len(a.Name)) })
	wanted := d.plan.DNS.Mode == connection.ModePrivateHostedZone
	if !wanted || slices.ContainsFunc(facts.Zones, func(z connection.ZoneFacts) bool { return z.Ours }) {
		return nil
	}
	zone, found, err := s.Zones.Find(ctx, d.plan.DNS.Zone, d.plan.ConnectionID)
	if err != nil || !found {
		return err
	}
	zone.OwningAccount = d.plan.Network.AccountID
	apart, err := s.zoneFact(ctx, d, zone)
	facts.Apart = &apart
	return err
}

// zoneFact reads a zone of this account; the records of others cannot be read.
func (s *site) zoneFact(ctx context.Context, d *draft, zone dns.Zone) (connection.ZoneFacts, error) {
	fact := connection.ZoneFacts{ID: zone.ID, Name: zone.Name, Owner: cmp.Or(zone.OwningService, zone.OwningAccount)}
	if zone.OwningAccount != d.plan.Network.AccountID {
		return fact, nil
	}
	of, err := s.Zones.Connection(ctx, zone.ID)
	if err != nil {
		return fact, err
	}
	fact.Ours, fact.Read = of == d.plan.ConnectionID, true
	fact.Records, err = s.Zones.Records(ctx, zone.ID, d.names())
	return fact, err
}

// names are the names of the plan, the hostname first.
func (d *draft) names() []string {
	names := []string{d.plan.DNS.Hostname}
	for _, record := range d.plan.DNS.Records {
		if !slices.Contains(names, record.Name) {
			names = append(names, record.Name)
		}
	}
	return names
}
