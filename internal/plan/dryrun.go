package plan

import (
	"context"

	"postern/internal/connection"
)

// dryRun plans an onboarding that is only shown. It reports what would happen, whether or not another execution holds the connection.
func (p *Planner) dryRun(ctx context.Context, v visit) (connection.Plan, error) {
	plan, err := p.draw(ctx, v.draft)
	plan.Decision = connection.DecisionPlanned
	return plan, err
}
