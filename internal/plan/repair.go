package plan

import (
	"context"
	"fmt"
	"slices"

	"postern/internal/connection"
	"postern/internal/store"
)

// repair makes the plan of a repair from the ledger: the connection must become what its onboarding made, and what the ledger knows is
// not read again. The endpoint must exist; a repair replaces none.
func (p *Planner) repair(ctx context.Context, v visit) (connection.Plan, error) {
	request := v.draft.request
	id := request.ConnectionID()
	// No ticket can ask for a repair: one in the request is the operator's choice of what gets the comments.
	if _, err := p.free(ctx, id, v.execution, nil, store.Record.Owns); err != nil {
		return connection.Plan{}, err
	}
	ledger, err := p.holders.Ledger(ctx, id)
	if err != nil {
		return connection.Plan{}, err
	}
	if ledger == nil {
		return connection.Plan{}, refuse("onboard it: a repair makes nothing new", "%s is not onboarded", id)
	}
	plan := ledger.Plan
	plan.Decision, plan.AdoptEndpointID = connection.DecisionProceed, ledger.Endpoint.ID
	plan.Requester = request.Requester
	if request.Ticket != nil {
		plan.Ticket = request.Ticket
	}
	plan.Gates.Approval.ByConnection = false // the vendor has had its text
	plan.Repair = &connection.RepairPlan{
		Checks: request.Repair.Checks, Endpoint: ledger.Endpoint, Execution: ledger.Execution, Ticket: ledger.Plan.Ticket.Key(), DNS: standing(ledger.DNS), Config: standingConfig(ledger.Config),
	}
	plan.Findings, plan.Creates = []connection.Finding{}, []string{}
	if ledger.Open { // as its onboarding warned: the next ledger knows it by this
		plan.Findings = append(plan.Findings, connection.Finding{Code: connection.FindingOpen, Severity: connection.SeverityWarning,
			Message: "The endpoint's security groups allow any client, as they did at the onboarding."})
	}
	for _, check := range request.Repair.Checks {
		info, _ := check.Info()
		plan.Creates = append(plan.Creates, fmt.Sprintf("repair: %s (%s)", check, info.What))
	}
	there := p.in(plan.Network)
	if err := there.repairable(ctx, ledger); err != nil {
		return connection.Plan{}, err
	}
	if plan.DNS.Mode == connection.ModePrivateHostedZone {
		err = there.standingNames(ctx, &plan)
	}
	return plan, err
}

// repairable refuses what no repair can fix.
func (s *site) repairable(ctx context.Context, ledger *connection.Ledger) error {
	network := ledger.Plan.Network
	if _, registered := s.networks.Find(network.Region, network.VPCID); !registered {
		return refuse("register it again in the postern block of cdk.json and deploy, or offboard the connection",
			"its network %s in %s is no longer registered", network.VPCID, network.Region)
	}
	found, err := s.Endpoints.InVPC(ctx, network.VPCID)
	if err != nil {
		return err
	}
	for _, e := range found {
		switch {
		case e.ID != ledger.Endpoint.ID, e.State.Gone():
		case e.State != connection.StateAvailable && e.State != connection.StatePending:
			return refuse("ask the vendor, or offboard the connection and onboard it again", "endpoint %s is %s, which no repair changes",
				e.ID, e.State)
		case e.Connection() != "" && e.Connection() != ledger.Plan.ConnectionID:
			return connection.Errorf(connection.Conflict, "endpoint %s carries the tags of connection %s; use that connection, or correct the "+
				"tags manually", e.ID, e.Connection())
		default:
			return nil
		}
	}
	return refuse("onboard the connection again", "endpoint %s is no longer in %s, and a repair does not replace it", ledger.Endpoint.ID,
		network.VPCID)
}

// standingNames notes what of the names is there now, so that a repair that fails puts that back and no more.
func (s *site) standingNames(ctx context.Context, plan *connection.Plan) error {
	plan.DNS.ZoneID, plan.DNS.Present = "", nil
	zone, found, err := s.Zones.Find(ctx, plan.DNS.Zone, plan.ConnectionID)
	if err != nil || !found {
		return err
	}
	plan.DNS.ZoneID = zone.ID
	plan.DNS.Associations = slices.Clone(plan.DNS.Associations)
	for i, vpc := range plan.DNS.Associations {
		zones, err := s.sources(vpc.Access()).Zones.Zones(ctx, vpc.VPCID, vpc.Region)
		if err != nil {
			return err
		}
		plan.DNS.Associations[i].Existing = false
		for _, there := range zones {
			plan.DNS.Associations[i].Existing = plan.DNS.Associations[i].Existing || there.ID == zone.ID
		}
	}
	plan.DNS.Present, err = s.Zones.Present(ctx, zone.ID, plan.DNS.Records)
	return err
}

// standing is what an onboarding left of names, as what a later execution finds and has not changed.
func standing(done connection.DNS) connection.DNS {
	done.ZoneCreated, done.PrivateDNSEnabled, done.Associations = false, false, nil
	done.Records = slices.Clone(done.Records)
	for i := range done.Records {
		done.Records[i].Changed, done.Records[i].Previous = false, nil
	}
	return done
}

// standingConfig likewise: the versions before the connection's first onboarding are known to the ledger alone.
func standingConfig(config connection.Config) connection.Config {
	config.Parameters = slices.Clone(config.Parameters)
	for i := range config.Parameters {
		config.Parameters[i].Changed, config.Parameters[i].PreviousVersion = false, 0
	}
	return config
}

func refuse(remedy, format string, args ...any) error {
	return connection.Faults{{Path: "name", Problem: fmt.Sprintf(format, args...), Remedy: remedy}}
}
