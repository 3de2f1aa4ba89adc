package plan

import (
	"context"

	"postern/internal/connection"
	"postern/internal/store"
)

// dryRun plans an onboarding that is only shown. It reports what would happen, whether or not another execution holds the connection,
// unless the ticket of the request may not open it.
func (p *Planner) dryRun(ctx context.Context, v visit) (connection.Plan, error) {
	plan, err := p.draw(ctx, v.draft)
	if err == nil && plan.Ticket != nil {
		_, err = p.record(ctx, plan.ConnectionID, v.execution, plan.Ticket, store.Record.Opens)
	}
	plan.Decision = connection.DecisionPlanned
	return plan, err
}
