package rollback

import (
	"context"
	"time"

	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/remove"
)

// Made finds what a step made without reporting it, because its function died between the write and the answer.
type Made struct {
	Endpoints interface {
		Describe(ctx context.Context, id string) (endpoint.Endpoint, error)
		OfConnection(ctx context.Context, vpcID, connectionID string) ([]endpoint.Endpoint, error)
	}
	Names interface {
		Made(ctx context.Context, want dns.Want) (connection.DNS, error)
	}
	Parameters interface {
		Made(ctx context.Context, outputs []connection.Output, since time.Time) (connection.Config, error)
	}
}

// inventory is what this execution made: what its state reports, and what is found of the step that reported nothing. A look-up that
// fails is noted on the report.
func (r *run) inventory(ctx context.Context) remove.Inventory {
	state := r.in.State
	made := remove.Inventory{ConnectionID: state.Plan.ConnectionID, Execution: r.in.Execution, Outputs: state.Plan.Outputs}
	r.config(ctx, &made)
	r.names(ctx, &made)
	r.endpoint(ctx, &made)
	if state.Plan.SecurityGroup != nil && state.Plan.Decision == connection.DecisionProceed {
		made.VPCID = state.Plan.Network.VPCID
	}
	return made
}

// config finds what was published.
func (r *run) config(ctx context.Context, made *remove.Inventory) {
	state := r.in.State
	if state.Config != nil {
		made.Config = *state.Config
		return
	}
	if state.Verification == nil || state.Verification.Verdict != connection.Pass {
		return // PublishConfig was not reached
	}
	found, err := r.Made.Parameters.Made(ctx, state.Plan.Outputs, state.PublishedSince())
	if err != nil {
		r.report.Note(err, "parameters", "looked up")
		made.Published = connection.Errorf(connection.RemovalIncomplete,
			"kept, because a parameter that could not be read may point to it; %s", remove.Repoint)
		return
	}
	made.Config = found
}

// names finds zones, records and private DNS.
func (r *run) names(ctx context.Context, made *remove.Inventory) {
	state := r.in.State
	switch {
	case state.Plan.DNS.Kept != nil:
		// nothing was written
	case state.Plan.DNS.Mode == connection.ModeVendorPrivateDNS:
		if state.Probe != nil && state.Endpoint != nil { // ConfigureDNS was reached
			made.PrivateDNS = &remove.PrivateDNS{EndpointID: state.Endpoint.ID, Reported: state.DNS != nil && state.DNS.PrivateDNSEnabled}
		}
	case state.DNS != nil:
		made.Zones = []connection.DNS{*state.DNS}
	case state.Availability != nil && state.Endpoint != nil && state.Plan.DNS.Mode == connection.ModePrivateHostedZone:
		found, err := r.Made.Names.Made(ctx, dns.WantOf(r.in.Execution, state.State))
		if err != nil {
			r.report.Note(err, "hosted zones", "looked up")
			return
		}
		made.Zones = []connection.DNS{found}
	}
}

// endpoint finds the endpoint that this execution made or adopted.
func (r *run) endpoint(ctx context.Context, made *remove.Inventory) {
	plan, reported := r.in.State.Plan, r.in.State.Endpoint
	switch {
	case reported != nil:
		made.NotificationID = reported.NotificationID
		if reported.Created || reported.Adopted {
			made.Endpoints = []remove.Endpoint{{ID: reported.ID, Adopted: !reported.Created,
				Lost: r.in.State.failure().Error == connection.EndpointDeleted}}
		}
	case plan.Decision != connection.DecisionProceed:
		// EnsureEndpoint was not reached
	case plan.HandMade:
		now, err := r.Made.Endpoints.Describe(ctx, plan.AdoptEndpointID)
		if err != nil {
			r.report.Note(err, "endpoint "+plan.AdoptEndpointID, "looked up")
		} else if now.AdoptedBy(r.in.Execution) {
			made.Endpoints = []remove.Endpoint{{ID: now.ID, Adopted: true}}
		}
	default:
		found, err := r.Made.Endpoints.OfConnection(ctx, plan.Network.VPCID, plan.ConnectionID)
		if err != nil {
			r.report.Note(err, "the endpoints of "+plan.ConnectionID, "looked up")
		}
		for _, e := range found {
			if e.Tags[connection.TagExecution] == r.in.Execution {
				made.Endpoints = append(made.Endpoints, remove.Endpoint{ID: e.ID})
			}
		}
	}
}
