package plan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"postern/internal/connection"
	"postern/internal/store"
)

// onboard plans a new connection, or one that is onboarded again. After the wait for allow-listing it keeps the earlier plan and
// reads only the service and the holder again; when an acknowledgement brought inputs, it plans anew with them.
func (p *Planner) onboard(ctx context.Context, v visit) (connection.Plan, error) {
	if earlier, passed := v.earlier.Plan, v.earlier.Allowlisting; earlier != nil && passed != nil {
		if len(passed.Inputs) > 0 {
			return p.withInputs(ctx, v, passed.Inputs)
		}
		return p.allowlisted(ctx, v.execution, *earlier)
	}
	plan, err := p.draw(ctx, v.draft)
	if err != nil {
		return connection.Plan{}, err
	}
	return p.decide(ctx, v.execution, plan)
}

// allowlisted renews a plan after the vendor allow-listed the account: the service is visible now, and may not be offered in
// every Availability Zone of the plan.
func (p *Planner) allowlisted(ctx context.Context, execution string, plan connection.Plan) (connection.Plan, error) {
	service, err := p.in(plan.Network).readService(ctx, plan)
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
	return p.decide(ctx, execution, plan)
}

// withInputs plans anew with the inputs that the vendor gave during the wait. The earlier plan has those of earlier acknowledgements.
func (p *Planner) withInputs(ctx context.Context, v visit, given map[string]string) (connection.Plan, error) {
	request := v.draft.request
	request.Inputs = maps.Clone(v.earlier.Plan.Inputs)
	if request.Inputs == nil {
		request.Inputs = map[string]string{}
	}
	maps.Copy(request.Inputs, given)
	raw, err := json.Marshal(request)
	if err != nil {
		return connection.Plan{}, fmt.Errorf("writing the request: %w", err)
	}
	plan, err := p.draw(ctx, p.newDraft(raw))
	var faults connection.Faults
	switch {
	case errors.As(err, &faults):
		return connection.Plan{}, fmt.Errorf("with the inputs that the vendor gave during the wait: %w", err)
	case err != nil:
		return connection.Plan{}, err
	}
	return p.decide(ctx, v.execution, plan)
}

// decide says where the execution goes from here. The holder of the connection is read only when the next step would make something.
func (p *Planner) decide(ctx context.Context, execution string, plan connection.Plan) (connection.Plan, error) {
	if !plan.Service.Visible && plan.AdoptEndpointID == "" {
		plan.Decision = connection.DecisionAllowlist
		return plan, nil
	}
	plan.Decision = connection.DecisionProceed
	stopped, err := p.free(ctx, plan.ConnectionID, execution, plan.Ticket, store.Record.Opens)
	if err == nil && stopped != "" {
		_, plan.TakenFrom, err = p.holders.Ran(ctx, stopped)
	}
	return plan, err
}
