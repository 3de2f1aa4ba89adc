package rollback

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/publish"
	"postern/internal/remove"
	"postern/internal/store"
)

const (
	execution = "arn:aws:states:us-east-1:111122223333:execution:postern:run-1"
	id        = "monte-carlo/prod"
	host      = "artemis.privatelink.getmontecarlo.com"
)

var at = time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)

// world is AWS as rollback sees it: what exists, whether the execution holds the connection, and every call in order. Reads are recorded
// too.
type world struct {
	endpoints  []endpoint.Endpoint
	madeDNS    connection.DNS         // what Made finds
	madeConfig connection.Config      // likewise
	lost       bool                   // another execution has the connection
	turns      []connection.Turn      // in which the connection was kept
	group      endpoint.SecurityGroup // of the connection
	calls      []string
	finished   []store.Result
	fail       map[string]error // by call
}

func (w *world) call(parts ...string) error {
	call := strings.Join(parts, " ")
	w.calls = append(w.calls, call)
	if err, ok := w.fail[call]; ok {
		return err
	}
	return w.fail[parts[0]]
}

// afterKeep are the calls but the one that keeps the connection.
func (w *world) afterKeep() []string {
	var calls []string
	for _, call := range w.calls {
		if !strings.HasPrefix(call, "Keep ") {
			calls = append(calls, call)
		}
	}
	return calls
}

func (w *world) find(id string) int {
	return slices.IndexFunc(w.endpoints, func(e endpoint.Endpoint) bool { return e.ID == id })
}

func (w *world) Describe(_ context.Context, id string) (endpoint.Endpoint, error) {
	if err := w.call("Describe", id); err != nil {
		return endpoint.Endpoint{}, err
	}
	if i := w.find(id); i >= 0 {
		return w.endpoints[i], nil
	}
	return endpoint.Endpoint{ID: id, State: connection.StateDeleted}, nil
}

func (w *world) OfConnection(_ context.Context, vpcID, connectionID string) ([]endpoint.Endpoint, error) {
	if err := w.call("OfConnection", vpcID, connectionID); err != nil {
		return nil, err
	}
	return w.endpoints, nil
}

// Remove starts a deletion; gone ends it, as time does.
func (w *world) Remove(_ context.Context, id, connectionID string) error {
	if err := w.call("Remove", id); err != nil {
		return err
	}
	if w.endpoints[w.find(id)].Connection() != connectionID {
		return connection.Errorf(connection.Conflict, "of another connection")
	}
	w.endpoints[w.find(id)].State = connection.StateDeleting
	return nil
}

func (w *world) gone() {
	w.endpoints = slices.DeleteFunc(w.endpoints, func(e endpoint.Endpoint) bool { return e.State == connection.StateDeleting })
}

func (w *world) RemoveNotification(_ context.Context, id string) error {
	return w.call("RemoveNotification", id)
}

func (w *world) Release(_ context.Context, id, _, topicARN string) error {
	if err := w.call("Release", id, topicARN); err != nil {
		return err
	}
	w.endpoints[w.find(id)].Tags = nil
	return nil
}

func (w *world) GroupOfConnection(_ context.Context, vpcID, connectionID string) (endpoint.SecurityGroup, error) {
	return w.group, w.call("GroupOfConnection", vpcID, connectionID)
}

func (w *world) RemoveGroup(_ context.Context, group endpoint.SecurityGroup, _ string) error {
	return w.call("RemoveGroup", group.ID)
}

func (w *world) SetPrivateDNS(_ context.Context, id string, on bool) (bool, error) {
	if on {
		return false, errors.New("rollback switches private DNS off, never on")
	}
	return true, w.call("SetPrivateDNS off", id)
}

type names struct{ *world }

func (n names) Made(_ context.Context, want dns.Want) (connection.DNS, error) {
	return n.madeDNS, n.call("dns.Made", want.Plan.Zone, want.Target)
}

func (n names) Undo(_ context.Context, done connection.DNS, connectionID string) error {
	return n.call("dns.Undo", done.ZoneID, connectionID)
}

type parameters struct{ *world }

func (p parameters) Made(_ context.Context, outputs []connection.Output, since time.Time) (connection.Config, error) {
	return p.madeConfig, p.call("publish.Made", outputs[0].Parameter, since.Format(time.RFC3339))
}

func (p parameters) Undo(_ context.Context, parameter connection.Parameter, _ []connection.Output) (publish.Undone, error) {
	undone := publish.Undone{How: "deleted"}
	if parameter.PreviousVersion > 0 {
		undone.How = fmt.Sprintf("set back to the value of version %d", parameter.PreviousVersion)
	}
	return undone, p.call("publish.Undo", parameter.Name)
}

type registry struct{ *world }

func (r registry) Holder(_ context.Context, connectionID string) (string, error) {
	if r.lost {
		return "arn:aws:states:us-east-1:111122223333:execution:postern:run-2", r.call("Holder", connectionID)
	}
	return execution, r.call("Holder", connectionID)
}

func (r registry) Keep(_ context.Context, connectionID string, turn connection.Turn) (bool, error) {
	r.turns = append(r.turns, turn)
	return !r.lost, r.call("Keep", connectionID)
}

func (r registry) Finish(_ context.Context, result store.Result) error {
	r.finished = append(r.finished, result)
	return r.call("Finish", result.ConnectionID)
}

func (w *world) roll(t *testing.T, in Input) (connection.Outcome, error) {
	t.Helper()
	raw, err := json.Marshal(in) // as it comes from the state machine
	if err != nil {
		t.Fatal(err)
	}
	var decoded Input
	if err := json.Unmarshal(raw, &decoded); err != nil {
		t.Fatal(err)
	}
	r := &Roller{
		Remover: remove.Remover{Endpoints: w, Names: names{w}, Parameters: parameters{w}, TopicARN: "topic"},
		Made:    Made{Endpoints: w, Names: names{w}, Parameters: parameters{w}}, Registry: registry{w},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	return r.Roll(t.Context(), decoded)
}

// mine is an endpoint that this execution made.
func mine(id string, state connection.EndpointState) endpoint.Endpoint {
	return endpoint.Endpoint{ID: id, State: state, Tags: connection.Tags("monte-carlo/prod", execution)}
}

func theirs(id string, state connection.EndpointState) endpoint.Endpoint {
	return endpoint.Endpoint{ID: id, State: state, Tags: connection.Tags("monte-carlo/prod", "arn:earlier")}
}

func plan() *connection.Plan {
	return &connection.Plan{
		ConnectionID: id, Decision: connection.DecisionProceed,
		Network: connection.Network{AccountID: "111122223333", VPCID: "vpc-1"}, Service: connection.Service{Name: "svc"},
		DNS: connection.DNSPlan{Mode: connection.ModePrivateHostedZone, Hostname: host, Zone: "zone.example"},
		Gates: connection.Gates{Allowlist: connection.GatePlan{TimeoutSeconds: 1800},
			Approval: connection.GatePlan{TimeoutSeconds: 432000}},
		Outputs: []connection.Output{{Parameter: "/p/config"}, {Parameter: "/p/url"}},
	}
}

// reached returns the state of a run that failed in a state of the machine.
func reached(state, errorName, cause string) Input {
	in := Input{Execution: execution, EnteredAt: at, Request: []byte(`{}`)}
	s := &in.State.State
	s.Failure = &connection.Failure{Error: errorName, Cause: cause}
	s.Plan = plan()
	for _, section := range []struct {
		state string
		add   func()
	}{
		{stateAwaitAllowlisting, func() { s.Plan.Decision = connection.DecisionAllowlist }},
		{stateEnsureEndpoint, func() {
			s.Plan.Decision = connection.DecisionProceed
			s.Allowlisting = &connection.GateResult{}
		}},
		{stateAwaitApproval, func() { s.Endpoint = &connection.Endpoint{ID: "vpce-1", Created: true, NotificationID: "nfn-1"} }},
		{stateAwaitAvailable, func() { s.Approval = &connection.GateResult{} }},
		{stateProbeEndpoint, func() { s.Availability = &connection.Availability{DNSName: "vpce-1.svc"} }},
		{stateConfigureDNS, func() { s.Probe = &connection.Proof{Verdict: connection.Pass} }},
		{stateVerify, func() {
			s.DNS = &connection.DNS{
				Hostname: host, ZoneID: "Z1", ZoneName: "zone.example", ZoneCreated: true,
				Records: []connection.WrittenRecord{{Record: connection.Record{Name: host}, Changed: true}},
			}
		}},
		{statePublishConfig, func() { s.Verification = &connection.Proof{Verdict: connection.Pass, At: at.Add(-time.Minute)} }},
	} {
		section.add()
		if section.state == state {
			return in
		}
	}
	panic("no such state: " + state)
}
