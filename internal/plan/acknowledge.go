package plan

import (
	"context"

	"postern/internal/catalog"
	"postern/internal/connection"
)

// acknowledge checks an approval or a cancellation. The step Acknowledge finds the execution that it is for.
func (p *Planner) acknowledge(_ context.Context, v visit) (connection.Plan, error) {
	request := v.draft.request
	plan := connection.Plan{
		ConnectionID: request.ConnectionID(), Vendor: request.Vendor, Decision: connection.Decision(request.Action),
		Inputs: request.Inputs, Findings: []connection.Finding{}, Creates: []string{}, Ticket: request.Ticket,
		Requester: request.Requester,
	}
	if len(request.Inputs) == 0 {
		return plan, nil
	}
	profile, known := p.vendors.Find(request.Vendor)
	if !known {
		return connection.Plan{}, connection.Faults{{
			Path: "vendor", Problem: "there is no profile for " + request.Vendor, Remedy: "leave inputs out",
		}}
	}
	faults := profile.CheckInputs(request.Inputs)
	if len(faults) == 0 {
		faults = contradictions(request, profile)
	}
	return plan, faults.Err()
}

// contradictions are faults between inputs. They are reported here, before the waiting execution would fail with them.
func contradictions(request connection.Request, profile *catalog.Profile) connection.Faults {
	d := &draft{request: request, profile: profile}
	d.rendered, _ = profile.Render(request, "") // what is missing has been given before
	if d.rendered.ServiceRegion.Text != "" {
		d.checkServiceRegion()
	}
	return d.faults
}
