package approval

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/store"
)

const canary = "AQCEAAAAKgAAAAMAAAAA-canary-task-token"

// awsWorld is what Describe shows: endpoints by id, services by name. What is not there is deleted, or not visible.
type awsWorld struct {
	endpoints map[string]endpoint.Endpoint
	services  map[string]bool
	blind     map[string]error // id or name -> the error of looking at it
	looks     []string
	calls     int // of DescribeAll
}

func (w *awsWorld) Describe(_ context.Context, id string) (endpoint.Endpoint, error) {
	w.looks = append(w.looks, id)
	if err := w.blind[id]; err != nil {
		return endpoint.Endpoint{}, err
	}
	if found, ok := w.endpoints[id]; ok {
		return found, nil
	}
	return endpoint.Endpoint{ID: id, State: connection.StateDeleted}, nil
}

func (w *awsWorld) DescribeAll(ctx context.Context, ids []string) ([]endpoint.Endpoint, error) {
	var all []endpoint.Endpoint
	w.calls++
	for _, id := range ids {
		found, err := w.Describe(ctx, id)
		if err != nil {
			return nil, err
		}
		all = append(all, found)
	}
	return all, nil
}

func (w *awsWorld) Service(_ context.Context, name, region, ownRegion string) (connection.Service, error) {
	w.looks = append(w.looks, name+" in "+region+" from "+ownRegion)
	return connection.Service{Name: name, Region: region, Visible: w.services[name]}, w.blind[name]
}

func ours(id string, state connection.EndpointState) endpoint.Endpoint {
	return endpoint.Endpoint{ID: id, ServiceName: "svc", VPCID: "vpc-0a1b2c3d", State: state,
		Tags: connection.Tags("monte-carlo/agents-prod", "arn:exec")}
}

// registry takes registrations.
type registry struct {
	waits  []store.Wait
	tokens []string
	err    error
}

func (r *registry) Register(_ context.Context, wait store.Wait, token store.Token) error {
	r.waits, r.tokens = append(r.waits, wait), append(r.tokens, token.Reveal())
	return r.err
}

func gateInput(t *testing.T, gate connection.Gate) GateInput {
	t.Helper()
	raw := `{"gate":"` + string(gate) + `","token":"` + canary + `","execution":"arn:exec","enteredAt":"2026-11-23T12:00:00Z",
	  "redriveCount":2,"attempt":3,"state":{
	  "plan":{"connectionId":"monte-carlo/agents-prod","network":{"region":"us-east-1"},
	    "service":{"name":"svc","region":"eu-west-1"},
	    "gates":{"allowlist":{"to":"a@example.com","subject":"list us","body":"please","slaHours":48,"calendar":"US business days"},
	             "approval":{"to":"b@example.com","subject":"accept ${vpcEndpointId}",
	               "body":"${vpcEndpointId} and ${vpcEndpointId}, ${other}"}}},
	  "endpoint":{"id":"` + sampleEndpoint + `","state":"pendingacceptance"}}}`
	var in GateInput
	if err := json.Unmarshal([]byte(raw), &in); err != nil {
		t.Fatal(err)
	}
	return in
}

func TestAwait(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		gate     connection.Gate
		world    awsWorld
		want     string // detail type
		state    connection.EndpointState
		endpoint string
	}{
		"not accepted yet": {connection.GateApproval, awsWorld{endpoints: map[string]endpoint.Endpoint{
			sampleEndpoint: ours(sampleEndpoint, connection.StatePendingAcceptance)}}, connection.EventGateOpened, "", sampleEndpoint},
		"a word of the future": {connection.GateApproval, awsWorld{endpoints: map[string]endpoint.Endpoint{
			sampleEndpoint: ours(sampleEndpoint, connection.StateUnknown)}}, connection.EventGateOpened, "", sampleEndpoint},
		"accepted before the token was stored": {connection.GateApproval, awsWorld{endpoints: map[string]endpoint.Endpoint{
			sampleEndpoint: ours(sampleEndpoint, connection.StatePending)}}, connection.EventEndpointState, connection.StatePending,
			sampleEndpoint},
		"rejected before the token was stored": {connection.GateApproval, awsWorld{endpoints: map[string]endpoint.Endpoint{
			sampleEndpoint: ours(sampleEndpoint, connection.StateRejected)}}, connection.EventEndpointState, connection.StateRejected,
			sampleEndpoint},
		"deleted before the token was stored": {connection.GateApproval, awsWorld{endpoints: map[string]endpoint.Endpoint{
			sampleEndpoint: ours(sampleEndpoint, connection.StateDeleted)}}, connection.EventEndpointState, connection.StateDeleted,
			sampleEndpoint},
		"not shown yet":   {connection.GateApproval, awsWorld{}, connection.EventGateOpened, "", sampleEndpoint},
		"not visible yet": {connection.GateAllowlist, awsWorld{}, connection.EventGateOpened, "", ""},
		"visible already": {connection.GateAllowlist, awsWorld{services: map[string]bool{"svc": true}}, connection.EventServiceVisible,
			"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			waits, api := &registry{}, &eventBus{}
			in := gateInput(t, test.gate)
			if _, err := NewGatekeeper(waits, &test.world, onBus(api), slog.New(slog.DiscardHandler)).Await(t.Context(),
				in); err != nil {
				t.Fatal(err)
			}
			said := api.events(t)
			if len(said) != 1 || said[0].detailType != test.want || said[0].State != test.state || said[0].EndpointID != test.endpoint {
				t.Fatalf("said %+v, want one %s of %q, state %q", said, test.want, test.endpoint, test.state)
			}
			if test.want != connection.EventGateOpened && (said[0].ObservedBy != connection.ObservedByRegistration ||
				!said[0].ObservedAt.Equal(in.EnteredAt)) {
				t.Errorf("observed by %s at %s", said[0].ObservedBy, said[0].ObservedAt)
			}
			if said[0].ConnectionID != "monte-carlo/agents-prod" || said[0].Gate != test.gate || said[0].SchemaVersion != 1 {
				t.Errorf("said %+v", said[0])
			}
			wait := waits.waits[0]
			if waits.tokens[0] != canary || wait.Gate != test.gate || wait.Execution != "arn:exec" || !wait.Since.Equal(in.EnteredAt) ||
				wait.ServiceName != "svc" || wait.ServiceRegion != "eu-west-1" || wait.EndpointID != test.endpoint ||
				wait.Redrive != 2 || wait.Attempt != 3 {
				t.Errorf("registered %+v", wait)
			}
			if test.gate == connection.GateAllowlist && test.world.looks[0] != "svc in eu-west-1 from us-east-1" {
				t.Errorf("looked at %v", test.world.looks)
			}
		})
	}
}

// A vendor with an allow-list of its own is notified of the endpoint although AWS requires no acceptance. A vendor that AWS waits for
// is notified once.
func TestAwaitOfAVendorWithAList(t *testing.T) {
	t.Parallel()
	for state, want := range map[connection.EndpointState][]string{
		connection.StatePending:           {connection.EventEndpointState, connection.EventGateOpened},
		connection.StateAvailable:         {connection.EventEndpointState, connection.EventGateOpened},
		connection.StatePendingAcceptance: {connection.EventGateOpened},
	} {
		api, in := &eventBus{}, gateInput(t, connection.GateApproval)
		in.State.Plan.Gates.Approval.ByConnection = true
		world := awsWorld{endpoints: map[string]endpoint.Endpoint{sampleEndpoint: ours(sampleEndpoint, state)}}
		gatekeeper := NewGatekeeper(&registry{}, &world, onBus(api), slog.New(slog.DiscardHandler))
		if _, err := gatekeeper.Await(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, s := range api.events(t) {
			said = append(said, s.detailType)
		}
		if !slices.Equal(said, want) {
			t.Errorf("%s: said %q, want %q", state, said, want)
		}
	}
}

func TestNoticeText(t *testing.T) {
	t.Parallel()
	read := func(gate connection.Gate) connection.GateNotice {
		api := &eventBus{}
		world := &awsWorld{endpoints: map[string]endpoint.Endpoint{sampleEndpoint: ours(sampleEndpoint,
			connection.StatePendingAcceptance)}}
		if _, err := NewGatekeeper(&registry{}, world, onBus(api), slog.New(slog.DiscardHandler)).Await(t.Context(),
			gateInput(t, gate)); err != nil {
			t.Fatal(err)
		}
		var notice connection.GateNotice
		if err := json.Unmarshal([]byte(api.events(t)[0].raw), &notice); err != nil {
			t.Fatal(err)
		}
		return notice
	}
	want := connection.GateNotice{SchemaVersion: 1, ConnectionID: "monte-carlo/agents-prod", Execution: "arn:exec",
		Gate:     connection.GateApproval,
		OpenedAt: noon, To: "b@example.com", Subject: "accept " + sampleEndpoint, Body: sampleEndpoint + " and " + sampleEndpoint +
			", ${other}",
		EndpointID: sampleEndpoint, EndpointState: connection.StatePendingAcceptance, Plan: &connection.PlanNotice{}}
	if diff := cmp.Diff(want, read(connection.GateApproval)); diff != "" {
		t.Error(diff)
	}
	want = connection.GateNotice{SchemaVersion: 1, ConnectionID: "monte-carlo/agents-prod", Execution: "arn:exec",
		Gate:     connection.GateAllowlist,
		OpenedAt: noon, To: "a@example.com", Subject: "list us", Body: "please", SLAHours: 48, Calendar: "US business days",
		Plan: &connection.PlanNotice{}}
	if diff := cmp.Diff(want, read(connection.GateAllowlist)); diff != "" {
		t.Error(diff)
	}
}

func TestAwaitRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*GateInput)
		want   string
	}{
		"an unknown gate": {func(in *GateInput) { in.Gate = "moat" }, "no such gate"},
		"no gate":         {func(in *GateInput) { in.Gate = "" }, "no such gate"},
		"no token":        {func(in *GateInput) { in.Token = store.Token{} }, "no task token"},
		"no execution":    {func(in *GateInput) { in.Execution = "" }, "no execution"},
		"no time":         {func(in *GateInput) { in.EnteredAt = time.Time{} }, "no time"},
		"no plan":         {func(in *GateInput) { in.State.Plan = nil }, "no plan"},
		"no connection":   {func(in *GateInput) { in.State.Plan.ConnectionID = "" }, "no plan"},
		"no endpoint":     {func(in *GateInput) { in.State.Endpoint = nil }, "no endpoint"},
		"no endpoint id":  {func(in *GateInput) { in.State.Endpoint.ID = "" }, "no endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := gateInput(t, connection.GateApproval)
			test.change(&in)
			waits, api := &registry{}, &eventBus{}
			_, err := NewGatekeeper(waits, &awsWorld{}, onBus(api), slog.New(slog.DiscardHandler)).Await(t.Context(), in)
			if connection.NameOf(err) != connection.Internal || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
			if len(waits.waits) != 0 || api.calls != 0 {
				t.Error("something was stored or said")
			}
		})
	}
}

// TestAwaitFails: what fails is reported, so that the state machine tries again; a token is in none of it.
func TestAwaitFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken near " + canary)
	closed := map[string]endpoint.Endpoint{sampleEndpoint: ours(sampleEndpoint, connection.StatePendingAcceptance)}
	for name, test := range map[string]struct {
		gate  connection.Gate
		waits registry
		world awsWorld
		bus   *eventBus
		looks int
	}{
		"registering": {connection.GateApproval, registry{err: broken}, awsWorld{endpoints: closed}, &eventBus{}, 0},
		"looking at an endpoint": {connection.GateApproval, registry{},
			awsWorld{blind: map[string]error{sampleEndpoint: errors.New("down")}}, &eventBus{}, 1},
		"looking at a service": {connection.GateAllowlist, registry{}, awsWorld{blind: map[string]error{"svc": errors.New("down")}},
			&eventBus{}, 1},
		"saying": {connection.GateApproval, registry{}, awsWorld{endpoints: closed},
			&eventBus{fail: errors.New("down")}, 1},
		"saying, partly": {connection.GateApproval, registry{}, awsWorld{endpoints: closed},
			&eventBus{refuse: map[int]string{0: "InternalFailure"}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			g := NewGatekeeper(&test.waits, &test.world, onBus(test.bus), slog.New(slog.NewJSONHandler(&log, nil)))
			_, err := g.Await(t.Context(), gateInput(t, test.gate))
			if err == nil || strings.Contains(err.Error()+log.String(), canary) {
				t.Errorf("%v, log %s; want an error without the token", err, &log)
			}
			if len(test.world.looks) != test.looks || len(test.bus.taken) != 0 {
				t.Errorf("%d looks, %d events", len(test.world.looks), len(test.bus.taken))
			}
		})
	}
}
