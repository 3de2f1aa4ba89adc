package plan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"postern/internal/connection"
	"postern/internal/store"
)

// offboard lists the resources of a connection to remove. The ledger of an onboarded connection says where they are; without a ledger
// they are searched in every registered network.
func (p *Planner) offboard(ctx context.Context, v visit) (connection.Plan, error) {
	request := v.draft.request
	plan := connection.Plan{
		ConnectionID: request.ConnectionID(), Vendor: request.Vendor, Decision: connection.DecisionOffboard,
		Findings: []connection.Finding{}, Creates: []string{}, Ticket: request.Ticket, Requester: request.Requester,
	}
	stopped, err := p.free(ctx, plan.ConnectionID, v.execution, request.Ticket, store.Record.Owns)
	if err != nil {
		return connection.Plan{}, err
	}
	ledger, err := p.holders.Ledger(ctx, plan.ConnectionID)
	if err != nil {
		return connection.Plan{}, err
	}
	if ledger == nil {
		ledger = &connection.Ledger{}
	}
	plan.Network = ledger.Plan.Network
	networks := []connection.Network{plan.Network}
	if ledger.Plan.Network.VPCID == "" {
		networks = p.everywhere()
	}
	plan.Offboard = &connection.OffboardPlan{EndpointIDs: []string{}, Zones: []connection.DNS{}, Config: ledger.Config}
	plan.Service, plan.Outputs = ledger.Plan.Service, ledger.Plan.Outputs
	for _, network := range networks {
		found, service, err := p.in(network).remains(ctx, plan.ConnectionID, network, ledger)
		if err != nil {
			return connection.Plan{}, err
		}
		if found.Empty() {
			continue
		}
		found.Config = ledger.Config
		plan.Network, plan.Offboard = network, &found
		plan.Service.Name = cmp.Or(plan.Service.Name, service)
		break // a connection is in one network
	}
	if plan.Offboard.Config, err = p.published(ctx, plan.Network, stopped, ledger); err != nil {
		return connection.Plan{}, err
	}
	if ledger.Plan.Network.VPCID == "" {
		if err := p.unrecorded(ctx, &plan, networks); err != nil {
			return connection.Plan{}, err
		}
	}
	if profile, known := p.vendors.Find(request.Vendor); known {
		plan.Offboard.To = profile.Gates.Approval.To
	}
	plan.Findings = append(plan.Findings, connection.Finding{
		Severity: connection.SeverityInfo, Code: "will-remove", Message: removes(*plan.Offboard),
	})
	return plan, nil
}

// published is what the ledger says, and what an execution wrote since that was stopped before it could record it.
func (p *Planner) published(ctx context.Context, network connection.Network, stopped string, ledger *connection.Ledger) (
	connection.Config, error) {
	if stopped == "" || network.VPCID == "" {
		return ledger.Config, nil
	}
	raw, since, err := p.holders.Ran(ctx, stopped)
	if err != nil || len(raw) == 0 {
		return ledger.Config, err
	}
	outputs := p.newDraft(raw).plan.Outputs
	if len(outputs) == 0 {
		outputs = ledger.Plan.Outputs // a repair's request names the connection only
	}
	made, err := p.in(network).Parameters.Made(ctx, outputs, since)
	if err != nil {
		return ledger.Config, err
	}
	return made.Over(ledger.Config), nil
}

// unrecorded adds to the plan of a connection without a ledger the parameters created for it without recorded history. They are in the account and Region of the network that has the rest, or, when none has any, in the first that has them.
func (p *Planner) unrecorded(ctx context.Context, plan *connection.Plan, networks []connection.Network) error {
	if plan.Network.VPCID != "" {
		networks = []connection.Network{plan.Network}
	}
	for _, network := range networks {
		made, err := p.in(network).Parameters.Created(ctx, p.prefix+"/"+plan.ConnectionID, plan.ConnectionID)
		if err != nil {
			return err
		}
		if len(made) == 0 {
			continue
		}
		plan.Network = network
		known := plan.Offboard.Config.Parameters
		for _, parameter := range made {
			if slices.ContainsFunc(known, func(k connection.Parameter) bool { return k.Name == parameter.Name }) {
				continue
			}
			// One that was changed since is at another version: the removal keeps and reports it.
			plan.Offboard.Config.Parameters = append(plan.Offboard.Config.Parameters,
				connection.Parameter{Name: parameter.Name, Version: 1, Changed: true})
		}
		return nil
	}
	return nil
}

// everywhere is every registered network, as far as looking for things in it needs it.
func (p *Planner) everywhere() []connection.Network {
	var all []connection.Network
	for _, n := range p.networks {
		all = append(all, connection.Network{Name: n.Name, AccountID: n.AccountID, Region: n.Region, VPCID: n.VPCID,
			RoleARN: n.RoleARN, ExternalID: n.ExternalID})
	}
	return all
}

// remains is what a network has of a connection, and the service that its endpoint reaches, "" when it has none.
func (s *site) remains(ctx context.Context, id string, network connection.Network, ledger *connection.Ledger) (
	found connection.OffboardPlan, service string, err error) {
	found = connection.OffboardPlan{EndpointIDs: []string{}, Zones: []connection.DNS{}}
	endpoints, err := s.Endpoints.OfConnection(ctx, network.VPCID, id)
	if err != nil {
		return found, "", err
	}
	for _, e := range endpoints {
		if e.Connection() == id && e.State != connection.StateDeleted {
			found.EndpointIDs, service = append(found.EndpointIDs, e.ID), e.ServiceName
			if e.HandMade() {
				found.AdoptedIDs = append(found.AdoptedIDs, e.ID)
			}
		}
	}
	if known := ledger.Endpoint.ID; known != "" && !slices.Contains(found.EndpointIDs, known) {
		found.EndpointIDs = append(found.EndpointIDs, known)
		if ledger.Endpoint.Adopted {
			found.AdoptedIDs = append(found.AdoptedIDs, known)
		}
	}
	zones, err := s.Zones.Owned(ctx, id, network, ledger.DNS.ZoneID)
	if err != nil {
		return found, "", err
	}
	found.Zones = append(found.Zones, zones...)
	group, err := s.Endpoints.GroupOfConnection(ctx, network.VPCID, id)
	found.SecurityGroupID = group.ID
	return found, service, err
}

func removes(plan connection.OffboardPlan) string {
	if plan.Empty() {
		return "There is nothing to remove: the record is closed."
	}
	groups := 0
	if plan.SecurityGroupID != "" {
		groups = 1
	}
	text := fmt.Sprintf("%d endpoints, %d hosted zones, %d parameters and %d security groups will be removed, each only if Postern still owns it.",
		len(plan.EndpointIDs)-len(plan.AdoptedIDs), len(plan.Zones), len(plan.Config.Parameters), groups)
	if len(plan.AdoptedIDs) > 0 {
		text += fmt.Sprintf(" %s, which was created manually, will be released.", strings.Join(plan.AdoptedIDs, ", "))
	}
	return text
}
