package plan

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"postern/internal/catalog"
	"postern/internal/connection"
	"postern/internal/store"
)

// Input is what the state machine passes to Plan. State stays raw until the request is known to be one: in the first visit the
// machine's state is the request itself, and a request with a field "plan" must be refused, not read as a plan.
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
	holders  Holders
	sources  func(connection.Access) Sources
	log      *slog.Logger
}

// New returns a planner that reads each network in the account it is in.
func New(vendors catalog.Catalog, config Config, holders Holders, sources func(connection.Access) Sources, log *slog.Logger) *Planner {
	return &Planner{
		vendors: vendors, networks: config.Networks, prefix: strings.TrimSuffix(config.Prefix, "/"), timeouts: config.Timeouts,
		holders: holders, sources: sources, log: log,
	}
}

// site is a network that is planned in: the planner, with the clients of the network's account and Region.
type site struct {
	*Planner
	Sources
}

// in returns the site of a network.
func (p *Planner) in(network connection.Network) *site { return &site{p, p.sources(network.Access())} }

// visit is one visit of an execution to Plan.
type visit struct {
	execution string // ARN
	draft     *draft
	earlier   connection.State // the state that an earlier visit left; empty in the first
}

// actions says how each action is planned. To add an action, add a row here and a file with its method.
var actions = map[connection.Action]func(*Planner, context.Context, visit) (connection.Plan, error){
	connection.ActionOnboard:  (*Planner).onboard,
	connection.ActionPlan:     (*Planner).dryRun,
	connection.ActionDiagnose: (*Planner).diagnose,
	connection.ActionOffboard: (*Planner).offboard,
	connection.ActionRepair:   (*Planner).repair,
	connection.ActionApprove:  (*Planner).acknowledge,
	connection.ActionCancel:   (*Planner).acknowledge,
}

// Plan computes the plan of a request, or returns all its faults as connection.Faults. When another execution holds the
// connection, the error is a connection.Conflict. Nothing is written.
func (p *Planner) Plan(ctx context.Context, in Input) (connection.Plan, error) {
	v := visit{execution: in.Execution, draft: p.newDraft(in.Request)}
	action, faults := v.draft.request.Action, v.draft.faults
	if faults.Covers("") || action.NamesOnly() && len(faults) > 0 {
		return connection.Plan{}, faults
	}
	if len(faults) == 0 {
		if err := json.Unmarshal(in.State, &v.earlier); err != nil {
			return connection.Plan{}, fmt.Errorf("decoding the state: %w", err)
		}
	}
	plan, err := p.planner(action)(p, ctx, v)
	if err != nil {
		return connection.Plan{}, err
	}
	p.log.InfoContext(ctx, "planned", "connection", plan.ConnectionID, "decision", plan.Decision, "findings", len(plan.Findings))
	return plan, nil
}

// planner returns how an action is planned. A misspelled action is a fault already; it is planned as an onboarding, so that the
// other faults of the request are reported with it.
func (*Planner) planner(action connection.Action) func(*Planner, context.Context, visit) (connection.Plan, error) {
	if planner, known := actions[action]; known {
		return planner
	}
	return (*Planner).onboard
}

// draw reads all that the plan of an onboarding needs, and returns the plan without a decision, or all faults.
func (p *Planner) draw(ctx context.Context, d *draft) (connection.Plan, error) {
	if err := p.in(d.plan.Network).look(ctx, d); err != nil {
		return connection.Plan{}, err
	}
	if len(d.faults) > 0 {
		return connection.Plan{}, d.faults
	}
	d.finish()
	return d.plan, nil
}

// look reads AWS, and adds what it finds to the draft. It skips what depends on a faulty field of the request, and a VPC that is
// not registered. A failed read is an error, not a fault: a retry may succeed.
func (s *site) look(ctx context.Context, d *draft) error {
	inVPC := func(*draft) bool { return d.vpc != nil }
	registered := func(*draft) bool { return d.registered && !d.unreachable }
	reachable := func(*draft) bool { return !d.unreachable }
	for _, step := range []struct {
		when  func(*draft) bool
		check func(context.Context, *draft) error
	}{
		{registered, s.checkAccount},
		{registered, s.checkVPC},
		{inVPC, s.checkAssociated},
		{registered, s.checkSubnets},
		{registered, s.checkSecurityGroups},
		{registered, s.checkService},
		{inVPC, s.checkEndpoints},
		{inVPC, s.checkZones},
		{reachable, s.checkParameters},
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

// record returns the record of a connection, and a Conflict when a request's ticket may not do with the connection what it asks for; nil
// is an operator. The execution that holds the connection goes on. Each claim checks again, in the same write.
func (p *Planner) record(ctx context.Context, connectionID, execution string, ticket *connection.Ticket,
	may func(store.Record, string) bool) (store.Record, error) {
	record, err := p.holders.Record(ctx, connectionID)
	if err == nil && record.Holder != execution && !may(record, ticket.Key()) {
		err = connection.NotOf(connectionID, ticket.Key())
	}
	return record, err
}

// free returns a Conflict when record does, or when another running execution holds the connection. When the holder has ended and still
// holds the connection, its ARN is returned.
func (p *Planner) free(ctx context.Context, connectionID, execution string, ticket *connection.Ticket,
	may func(store.Record, string) bool) (stopped string, err error) {
	record, err := p.record(ctx, connectionID, execution, ticket, may)
	if err != nil || record.Holder == "" || record.Holder == execution {
		return "", err
	}
	ended, err := p.holders.Ended(ctx, record.Holder)
	if err == nil && !ended {
		err = connection.Errorf(connection.Conflict, "connection %s is held by execution %s; wait until that has ended, or end it with "+
			"action cancel unless it offboards, then start again", connectionID, record.Holder)
	}
	return record.Holder, err
}
