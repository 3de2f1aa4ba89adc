package plan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"postern/internal/catalog"
	"postern/internal/connection"
)

// acknowledge checks an operator's word; the step after the plan looks for whom it is meant.
func (p *Planner) acknowledge(request connection.Request) (connection.Plan, error) {
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

// contradictions are faults between inputs: the execution that waits must not be the one to find them.
func contradictions(request connection.Request, profile *catalog.Profile) connection.Faults {
	d := &draft{request: request, profile: profile}
	d.rendered, _ = profile.Render(request, "") // what is missing has been given before
	if d.rendered.ServiceRegion.Text != "" {
		d.checkServiceRegion()
	}
	return d.faults
}

// withInputs plans anew with what the vendor gave while we waited. What an earlier acknowledgement brought is in the earlier plan.
func (p *Planner) withInputs(ctx context.Context, in Input, earlier connection.Plan, given map[string]string) (connection.Plan, error) {
	request, err := connection.DecodeRequest(in.Request)
	if err != nil {
		return connection.Plan{}, err
	}
	request.Inputs = maps.Clone(earlier.Inputs)
	if request.Inputs == nil {
		request.Inputs = map[string]string{}
	}
	maps.Copy(request.Inputs, given)
	raw, err := json.Marshal(request)
	if err != nil {
		return connection.Plan{}, fmt.Errorf("writing the request: %w", err)
	}
	plan, err := p.plan(ctx, in, p.newDraft(raw), connection.State{})
	var faults connection.Faults
	if errors.As(err, &faults) {
		return connection.Plan{}, fmt.Errorf("with the inputs that were given while we waited: %w", err)
	}
	return plan, err
}
