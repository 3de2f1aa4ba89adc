package plan

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"postern/internal/catalog"
	"postern/internal/connection"
)

// Input is what the state machine hands to Plan. State stays raw until the request is known to be one: in the first visit the
// machine's state is the request itself, and one with a field "plan" must be refused, not taken for a plan of ours.
type Input struct {
	Execution string          `json:"execution"`
	EnteredAt time.Time       `json:"enteredAt"`
	Request   json.RawMessage `json:"request"`
	State     json.RawMessage `json:"state"`
}

// Config is what a deployment decides.
type Config struct {
	Networks connection.Networks
	Prefix   string // of parameter names, such as /postern
	Timeouts Timeouts
}

// Planner plans.
type Planner struct {
	vendors  catalog.Catalog
	networks connection.Networks
	prefix   string
	timeouts Timeouts
	sources  func(connection.Access) Sources
	from     Sources // of the request's network; see in
	log      *slog.Logger
}

// New returns a planner that reads each network in the account it is in.
func New(vendors catalog.Catalog, config Config, sources func(connection.Access) Sources, log *slog.Logger) *Planner {
	return &Planner{
		vendors: vendors, networks: config.Networks, prefix: strings.TrimSuffix(config.Prefix, "/"), timeouts: config.Timeouts,
		sources: sources, log: log,
	}
}

// in returns the planner as it reads a network.
func (p *Planner) in(network connection.Network) *Planner {
	there := *p
	there.from = p.sources(network.Access())
	return &there
}

// Plan computes the plan of a request, or returns all its faults as connection.Faults. A connection that another execution
// holds is a connection.Conflict. Nothing is written. After allow-listing the earlier plan is kept, and only the service and the
// holder are read again.
func (p *Planner) Plan(ctx context.Context, in Input) (connection.Plan, error) {
	d := p.newDraft(in.Request)
	if d.faults.Covers("") {
		return connection.Plan{}, d.faults
	}
	var earlier connection.State
	if len(d.faults) == 0 {
		if err := json.Unmarshal(in.State, &earlier); err != nil {
			return connection.Plan{}, fmt.Errorf("decoding the state: %w", err)
		}
	}
	plan, err := p.plan(ctx, in, d, earlier)
	if err != nil {
		return connection.Plan{}, err
	}
	p.log.InfoContext(ctx, "planned", "connection", plan.ConnectionID, "decision", plan.Decision, "findings", len(plan.Findings))
	return plan, nil
}

func (p *Planner) plan(ctx context.Context, in Input, d *draft, earlier connection.State) (connection.Plan, error) {
	if given := earlier.Allowlisting; earlier.Plan != nil && given != nil && len(given.Inputs) > 0 {
		return p.withInputs(ctx, in, *earlier.Plan, given.Inputs)
	}
	if earlier.Plan != nil && earlier.Allowlisting != nil {
		return p.in(earlier.Plan.Network).again(ctx, in.Execution, *earlier.Plan)
	}
	if (d.request.Action == connection.ActionApprove || d.request.Action == connection.ActionCancel) && len(d.faults) == 0 {
		return p.acknowledge(d.request)
	}
	p = p.in(d.plan.Network)
	if d.request.Action == connection.ActionOffboard && len(d.faults) == 0 {
		return p.offboard(ctx, in.Execution, d.request)
	}
	if d.request.Action == connection.ActionRepair && len(d.faults) == 0 {
		return p.repair(ctx, in.Execution, d.request)
	}
	refused := len(d.faults) > 0 // by what needs no AWS
	if err := p.look(ctx, d); err != nil {
		return connection.Plan{}, err
	}
	if d.request.Action == connection.ActionDiagnose && !refused && !d.unreachable {
		return p.diagnose(ctx, d)
	}
	if len(d.faults) > 0 {
		return connection.Plan{}, d.faults
	}
	d.finish()
	return p.decide(ctx, in.Execution, d.plan, d.request.Action)
}

// look reads AWS, and adds what it finds to the draft. What the request left broken is not looked at, and neither is a VPC that
// is not registered. A failed read is an error, not a fault: it may succeed when it is tried again.
func (p *Planner) look(ctx context.Context, d *draft) error {
	inVPC := func(*draft) bool { return d.vpc != nil }
	registered := func(*draft) bool { return d.registered && !d.unreachable }
	reachable := func(*draft) bool { return !d.unreachable }
	for _, step := range []struct {
		when  func(*draft) bool
		check func(context.Context, *draft) error
	}{
		{registered, p.checkAccount},
		{registered, p.checkVPC},
		{inVPC, p.checkAssociated},
		{registered, p.checkSubnets},
		{registered, p.checkSecurityGroups},
		{registered, p.checkService},
		{inVPC, p.checkEndpoints},
		{inVPC, p.checkZones},
		{reachable, p.checkParameters},
	} {
		if !step.when(d) {
			continue
		}
		if err := step.check(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// finish adds what follows from all that was read.
func (d *draft) finish() {
	if d.plan.CrossRegion() {
		d.info("cross-region",
			"The service is in %s, the endpoint in %s: the vendor must offer it there, and traffic between the Regions is charged.",
			d.plan.Service.Region, d.plan.Network.Region)
	}
	if d.rendered.SharedWithPublic && (!d.handMade() || !d.adopted.PrivateDNSEnabled) {
		d.warn("live-cutover", "%s resolves publicly today: the change moves every client in %s at once, after the endpoint passed the "+
			"probe. Rollback moves them back.", d.plan.DNS.Hostname, d.plan.Network.VPCID)
	}
	zone := d.plan.DNS.Mode == connection.ModePrivateHostedZone && d.plan.DNS.Kept == nil
	d.plan.Cost = CostOf(len(d.plan.Network.Subnets), zone)
	d.list()
}

// again renews a plan after the vendor allow-listed the account: the service can be seen now, and may not be offered everywhere.
func (p *Planner) again(ctx context.Context, execution string, plan connection.Plan) (connection.Plan, error) {
	service, err := p.readService(ctx, plan)
	if err != nil {
		return connection.Plan{}, err
	}
	plan.Service = service
	if faults := serviceFaults(plan); len(faults) > 0 {
		return connection.Plan{}, faults
	}
	profile, _ := p.vendors.Find(plan.Vendor)
	plan.Findings = slices.DeleteFunc(plan.Findings, aboutService)
	plan.Findings = append(plan.Findings, serviceFindings(plan, profile)...)
	return p.decide(ctx, execution, plan, connection.ActionOnboard)
}

// decide says where the execution goes from here. Who holds the connection is only read when the next step would make something.
func (p *Planner) decide(ctx context.Context, execution string, plan connection.Plan, action connection.Action) (
	connection.Plan, error) {
	switch {
	case action == connection.ActionPlan:
		plan.Decision = connection.DecisionPlanned
		return plan, nil
	case !plan.Service.Visible && plan.AdoptEndpointID == "":
		plan.Decision = connection.DecisionAllowlist
		return plan, nil
	}
	plan.Decision = connection.DecisionProceed
	stopped, err := p.free(ctx, plan.ConnectionID, execution)
	if err == nil && stopped != "" {
		_, plan.TakenFrom, err = p.from.Holders.Ran(ctx, stopped)
	}
	return plan, err
}

// free returns a Conflict when another execution that runs holds the connection. One that ended without letting go is returned.
func (p *Planner) free(ctx context.Context, connectionID, execution string) (stopped string, err error) {
	holder, err := p.from.Holders.Holder(ctx, connectionID)
	if err != nil || holder == "" || holder == execution {
		return "", err
	}
	ended, err := p.from.Holders.Ended(ctx, holder)
	if err == nil && !ended {
		err = connection.Errorf(connection.Conflict, "connection %s is held by execution %s; wait until that has ended, or end it with "+
			"action cancel unless it offboards, then start again", connectionID, holder)
	}
	return holder, err
}
