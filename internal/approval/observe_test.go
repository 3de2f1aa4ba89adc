package approval

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/events"
	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/store"
)

// waits is the list of who waits.
type waits struct {
	list  []store.Wait
	err   error
	reads int
}

func (w *waits) Waiting(context.Context) ([]store.Wait, error) {
	w.reads++
	return w.list, w.err
}

// observer is an Observer with its world.
type observer struct {
	waits   waits
	world   awsWorld
	bus     eventBus
	metrics bytes.Buffer
	log     bytes.Buffer
}

// everywhere is a world of one account.
func everywhere(world Endpoints) func(connection.Access) Endpoints {
	return func(connection.Access) Endpoints { return world }
}

func (o *observer) observe(t *testing.T, raw string) (Observed, error) {
	t.Helper()
	observer := NewObserver(&o.waits, everywhere(&o.world), onBus(&o.bus), "us-east-1", &o.metrics, slog.New(slog.NewJSONHandler(&o.log,
		nil)))
	return observer.Observe(t.Context(), json.RawMessage(raw))
}

func TestObserveMessage(t *testing.T) {
	t.Parallel()
	foreign := endpoint.Endpoint{ID: sampleEndpoint, State: connection.StateRejected, Tags: map[string]string{"Name": "theirs"}}
	deletion := string(events.Read("cloudtrail.delete.json"))
	modification := string(events.Read("cloudtrail.modify.json"))
	for name, test := range map[string]struct {
		raw   string
		found *endpoint.Endpoint // nil: it is gone
		waits []store.Wait
		state connection.EndpointState // said, or ""
		reads int                      // of the waits
	}{
		"accepted": {string(events.Read("sns.accept.json")), at(connection.StatePending), nil,
			connection.StatePending, 0},
		"a message that lies": {string(events.Read("sns.accept.json")), at(connection.StateRejected), nil,
			connection.StateRejected, 0},
		"a message too early":  {string(events.Read("sns.accept.json")), at(connection.StatePendingAcceptance), nil, "", 0},
		"a word of the future": {string(events.Read("sns.accept.json")), at(connection.StateUnknown), nil, "", 0},
		"rejected, in plain text": {string(events.Read("sns.reject-text.json")), at(connection.StateRejected), nil,
			connection.StateRejected, 0},
		"a foreign endpoint": {string(events.Read("sns.accept.json")), &foreign, nil, "", 0},
		"gone, no wait":      {string(events.Read("sns.accept.json")), nil, nil, "", 1},
		"gone, two waits": {string(events.Read("sns.accept.json")), nil, []store.Wait{allowlistWait(), approvalWait()},
			connection.StateDeleted, 1},
		"gone, but maybe not shown yet": {string(events.Read("sns.accept.json")), nil, []store.Wait{youngWait()}, "", 1},
		"deleted, says AWS": {string(events.Read("sns.accept.json")), at(connection.StateDeleted),
			[]store.Wait{youngWait()}, connection.StateDeleted, 0},
		"deleted by hand":               {deletion, at(connection.StateDeleting), nil, connection.StateDeleting, 0},
		"deleted by hand, gone":         {deletion, nil, []store.Wait{approvalWait()}, connection.StateDeleted, 1},
		"changed while we wait, closed": {modification, at(connection.StatePendingAcceptance), []store.Wait{approvalWait()}, "", 0},
		"changed while we wait, open": {modification, at(connection.StateAvailable), []store.Wait{approvalWait()},
			connection.StateAvailable, 1},
		"changed, no wait for it: no news": {modification, at(connection.StateAvailable), []store.Wait{allowlistWait()}, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &observer{waits: waits{list: test.waits}}
			if test.found != nil {
				o.world.endpoints = map[string]endpoint.Endpoint{sampleEndpoint: *test.found}
			}
			result, err := o.observe(t, test.raw)
			if err != nil {
				t.Fatal(err)
			}
			said := o.bus.events(t)
			if test.state == "" {
				if len(said) != 0 || result.Said != 0 {
					t.Errorf("said %+v", said)
				}
			} else if len(said) != 1 || said[0].detailType != connection.EventEndpointState || said[0].State != test.state ||
				said[0].EndpointID != sampleEndpoint || said[0].ConnectionID != "monte-carlo/agents-prod" ||
				said[0].Gate != connection.GateApproval ||
				said[0].ObservedAt.IsZero() || said[0].ObservedBy != result.Woken {
				t.Errorf("said %+v, want state %q", said, test.state)
			}
			if o.waits.reads != test.reads || result.Looked != 1 || o.metrics.Len() != 0 {
				t.Errorf("%d reads of the waits, looked at %d, metrics %s; want %d reads", o.waits.reads, result.Looked, &o.metrics,
					test.reads)
			}
		})
	}
}

// youngWait is approvalWait, begun less than five minutes before the sample events.
func youngWait() store.Wait {
	wait := approvalWait()
	wait.Since = time.Date(2026, 11, 23, 15, 0, 5, 679e6, time.UTC)
	return wait
}

func at(state connection.EndpointState) *endpoint.Endpoint {
	e := ours(sampleEndpoint, state)
	return &e
}

func TestObserveIgnores(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{``, `{}`, `{"secret":"s3cr3t"}`, `[]`, string(events.Read("postern.gate-opened.json")),
		sns("no endpoint, s3cr3t")} {
		o := &observer{}
		result, err := o.observe(t, raw)
		if err != nil || result != (Observed{}) || o.bus.calls != 0 || len(o.world.looks) != 0 {
			t.Errorf("%s: %+v, %v", raw, result, err)
		}
		if strings.Contains(o.log.String(), "s3cr3t") || !strings.Contains(o.log.String(), "nothing to look at") {
			t.Errorf("%s: logged %s", raw, &o.log)
		}
	}
}

func TestObserveSeveral(t *testing.T) {
	t.Parallel()
	ids := []string{"vpce-00000000000000001", "vpce-00000000000000002", "vpce-00000000000000003"}
	o := &observer{world: awsWorld{endpoints: map[string]endpoint.Endpoint{
		ids[0]: ours(ids[0], connection.StateAvailable), ids[2]: ours(ids[2], connection.StateRejected),
	}}}
	if _, err := o.observe(t, sns(strings.Join(ids, " "))); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range o.bus.events(t) {
		got = append(got, e.EndpointID+" "+string(e.State))
	}
	if want := []string{ids[0] + " available", ids[2] + " rejected"}; !slices.Equal(got, want) || o.bus.calls != 1 {
		t.Errorf("said %v in %d calls, want %v in one", got, o.bus.calls, want)
	}
}

func TestObserveFails(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	for name, o := range map[string]*observer{
		"looking":           {world: awsWorld{blind: map[string]error{sampleEndpoint: down}}},
		"finding who waits": {waits: waits{err: down}},
		"saying": {world: awsWorld{endpoints: map[string]endpoint.Endpoint{sampleEndpoint: *at(connection.StatePending)}},
			bus: eventBus{fail: down}},
	} {
		if _, err := o.observe(t, string(events.Read("sns.accept.json"))); !errors.Is(err, down) {
			t.Errorf("%s: %v, want an error so that the message comes again", name, err)
		}
	}
}

func waitFor(gate connection.Gate, n int, lastSeen connection.EndpointState) store.Wait {
	wait := store.Wait{ConnectionID: fmt.Sprint("v/", gate, n), Gate: gate, Since: noon, LastSeen: lastSeen}
	if gate == connection.GateApproval {
		wait.EndpointID = fmt.Sprintf("vpce-%08x", n)
	} else {
		wait.ServiceName, wait.ServiceRegion = fmt.Sprint("svc", n), "eu-west-1"
	}
	return wait
}

func TestSweep(t *testing.T) {
	t.Parallel()
	closed := connection.StatePendingAcceptance
	o := &observer{}
	o.world.endpoints = map[string]endpoint.Endpoint{}
	state := func(n int, lastSeen, now connection.EndpointState) {
		wait := waitFor(connection.GateApproval, n, lastSeen)
		o.waits.list = append(o.waits.list, wait)
		o.world.endpoints[wait.EndpointID] = endpoint.Endpoint{ID: wait.EndpointID, State: now, Reason: "AWS's reason"}
	}
	state(1, closed, closed)
	state(2, "", closed)
	state(3, closed, connection.StatePending)
	state(4, closed, connection.StateExpired)
	state(5, closed, connection.StateUnknown)
	o.waits.list = append(o.waits.list, waitFor(connection.GateApproval, 6, closed)) // deleted
	young := waitFor(connection.GateApproval, 9, closed)                             // not shown yet
	young.Since = time.Date(2026, 11, 23, 15, 0, 1, 0, time.UTC)
	o.waits.list = append(o.waits.list, young)
	o.waits.list = append(o.waits.list, waitFor(connection.GateAllowlist, 7, ""), waitFor(connection.GateAllowlist, 8, ""))
	o.world.services = map[string]bool{"svc8": true}

	result, err := o.observe(t, string(events.Read("schedule.sweep.json")))
	if err != nil || result.Looked != 9 || result.Said != 8 {
		t.Fatalf("%+v, %v", result, err)
	}
	var got []string
	for _, e := range o.bus.events(t) {
		got = append(got, fmt.Sprintf("%s: %s %s", e.ConnectionID, e.detailType, e.State))
		if e.ObservedBy != connection.ObservedBySweep || !e.ObservedAt.Equal(time.Date(2026, 11, 23, 15, 5, 0, 0, time.UTC)) {
			t.Errorf("%s observed by %s at %s", e.ConnectionID, e.ObservedBy, e.ObservedAt)
		}
	}
	want := []string{
		"v/approval1: Gate Still Closed pendingacceptance", "v/approval2: Gate Still Closed pendingacceptance",
		"v/approval3: VPC Endpoint State Change pending", "v/approval4: VPC Endpoint State Change expired",
		"v/approval5: VPC Endpoint State Change unknown", "v/approval6: VPC Endpoint State Change deleted",
		"v/allowlist7: Gate Still Closed ", "v/allowlist8: VPC Endpoint Service Visible ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("said\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, part := range []string{`"OldestPendingAgeSeconds":11100`, `"PendingCount":9`, `"SweepRepaired":4`} {
		if !strings.Contains(o.metrics.String(), part) {
			t.Errorf("metrics lack %s: %s", part, &o.metrics)
		}
	}
}

// TestSweepOfNothingNew: however many wait, a sweep without news looks once at the endpoints of an account and Region, and says
// nothing until a third of the heartbeat's time has passed.
func TestSweepOfNothingNew(t *testing.T) {
	t.Parallel()
	swept := time.Date(2026, 11, 23, 15, 5, 0, 0, time.UTC) // of the sample event
	for name, test := range map[string]struct {
		since, beat time.Duration // before the sweep; a beat of 0 is none
		heartbeat   time.Duration
		said        int
	}{
		"it began just now":            {0, 0, 3 * time.Hour, 0},
		"it began not long ago":        {59 * time.Minute, 0, 3 * time.Hour, 0},
		"a third has passed":           {time.Hour, 0, 3 * time.Hour, 300},
		"a heartbeat was sent":         {72 * time.Hour, 59 * time.Minute, 3 * time.Hour, 0},
		"a heartbeat is due":           {72 * time.Hour, time.Hour, 3 * time.Hour, 300},
		"heartbeats of the last entry": {time.Minute, 72 * time.Hour, 3 * time.Hour, 0},
		"a wait of an earlier release": {0, 0, 0, 300},
	} {
		o := &observer{world: awsWorld{endpoints: map[string]endpoint.Endpoint{}}}
		for n := range 300 {
			wait := waitFor(connection.GateApproval, n, connection.StatePendingAcceptance)
			wait.Since, wait.Heartbeat = swept.Add(-test.since), test.heartbeat
			if test.beat > 0 {
				wait.Beat = swept.Add(-test.beat)
			}
			o.waits.list = append(o.waits.list, wait)
			o.world.endpoints[wait.EndpointID] = endpoint.Endpoint{ID: wait.EndpointID, State: connection.StatePendingAcceptance, VPCID: "vpc-1"}
		}
		result, err := o.observe(t, string(events.Read("schedule.sweep.json")))
		if err != nil || result.Said != test.said || result.Looked != 300 {
			t.Errorf("%s: %+v, %v, want %d said", name, result, err, test.said)
		}
		if len(o.world.looks) != 300 || o.world.calls != 1 || o.waits.reads != 1 || test.said == 0 && o.bus.calls != 0 {
			t.Errorf("%s: %d calls for %d endpoints, %d reads of the waits, %d calls of the bus", name, o.world.calls, len(o.world.looks),
				o.waits.reads, o.bus.calls)
		}
	}
}

func TestSweepOfNothing(t *testing.T) {
	t.Parallel()
	o := &observer{}
	result, err := o.observe(t, string(events.Read("schedule.sweep.json")))
	if err != nil || result.Said != 0 || len(o.world.looks) != 0 || o.bus.calls != 0 {
		t.Errorf("%+v, %v, looks %v", result, err, o.world.looks)
	}
	if !strings.Contains(o.metrics.String(), `"PendingCount":0`) {
		t.Errorf("metrics %q: a sweep that writes none looks dead", &o.metrics)
	}
}

// TestSweepLooksOnce: one service for many connections is one call, and an endpoint is named once.
func TestSweepLooksOnce(t *testing.T) {
	t.Parallel()
	o := &observer{}
	for i := range 3 {
		service, approval := waitFor(connection.GateAllowlist, 1, ""), waitFor(connection.GateApproval, 1, "")
		service.ConnectionID, approval.ConnectionID = fmt.Sprint("v/s", i), fmt.Sprint("v/e", i)
		o.waits.list = append(o.waits.list, service, approval)
	}
	elsewhere := waitFor(connection.GateAllowlist, 1, "")
	elsewhere.ServiceRegion = "us-east-1"
	o.waits.list = append(o.waits.list, elsewhere)
	if _, err := o.observe(t, string(events.Read("schedule.sweep.json"))); err != nil {
		t.Fatal(err)
	}
	if want := []string{"vpce-00000001", "svc1 in eu-west-1 from us-east-1",
		"svc1 in us-east-1 from us-east-1"}; !slices.Equal(o.world.looks, want) {
		t.Errorf("looked at %v, want %v", o.world.looks, want)
	}
	if got := len(o.bus.events(t)); got != 7 {
		t.Errorf("said %d, want 7", got)
	}
}

// TestSweepBlind: what cannot be looked at is no reason to stop, and gets no heartbeat.
func TestSweepBlind(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	o := &observer{world: awsWorld{endpoints: map[string]endpoint.Endpoint{}, blind: map[string]error{"svc1": down}}}
	for n := range 150 { // in two Regions: the first is blind
		wait := waitFor(connection.GateApproval, n, "")
		if n >= 100 {
			wait.Access.Region = "eu-west-1"
		}
		o.waits.list = append(o.waits.list, wait)
		o.world.endpoints[wait.EndpointID] = endpoint.Endpoint{ID: wait.EndpointID, State: connection.StatePendingAcceptance}
	}
	o.world.blind["vpce-00000007"] = down
	o.waits.list = append(o.waits.list, waitFor(connection.GateAllowlist, 1, ""), waitFor(connection.GateAllowlist, 2, ""))
	_, err := o.observe(t, string(events.Read("schedule.sweep.json")))
	if !errors.Is(err, down) || !strings.Contains(err.Error(), "100 endpoints, vpce-00000000 first") ||
		!strings.Contains(err.Error(), "service of v/allowlist1") {
		t.Errorf("%v, want both failures named", err)
	}
	said := o.bus.events(t)
	if len(said) != 51 {
		t.Errorf("said %d, want the 50 of the second Region and one service", len(said))
	}
	for _, e := range said {
		if e.EndpointID == "vpce-00000007" || e.ConnectionID == "v/allowlist1" {
			t.Errorf("a heartbeat for %s, which was not looked at", e.ConnectionID)
		}
	}
	if !strings.Contains(o.metrics.String(), `"PendingCount":152`) {
		t.Errorf("metrics %s", &o.metrics)
	}
}

type forgetful struct{ awsWorld }

func (*forgetful) DescribeAll(context.Context, []string) ([]endpoint.Endpoint, error) {
	return nil, nil
}

func TestSweepIncompleteAnswer(t *testing.T) {
	t.Parallel()
	api := &eventBus{}
	o := NewObserver(&waits{list: []store.Wait{approvalWait()}}, everywhere(&forgetful{}), onBus(api), "us-east-1", &bytes.Buffer{},
		slog.New(slog.DiscardHandler))
	if _, err := o.Observe(t.Context(), events.Read("schedule.sweep.json")); err == nil || api.calls != 0 {
		t.Errorf("%v, %d calls: an answer that leaves an endpoint out is not a heartbeat", err, api.calls)
	}
}

func TestSweepCannotRead(t *testing.T) {
	t.Parallel()
	o := &observer{waits: waits{err: errors.New("no table")}}
	if _, err := o.observe(t, string(events.Read("schedule.sweep.json"))); err == nil || o.metrics.Len() != 0 {
		t.Errorf("%v, metrics %q: a blind sweep must not look alive", err, &o.metrics)
	}
}

// Each endpoint and service is looked at in its own account, and an account that is closed to us hides only its own.
func TestSweepAccounts(t *testing.T) {
	t.Parallel()
	there := connection.Access{RoleARN: "arn:aws:iam::222233334444:role/r", ExternalID: "0d2b7c9e", Region: "us-east-1"}
	closed := there
	closed.RoleARN = "arn:aws:iam::333344445555:role/r"
	at := func(wait store.Wait, id string, access connection.Access) store.Wait {
		wait.ConnectionID, wait.Access = "monte-carlo/"+id, access
		if wait.Gate == connection.GateApproval {
			wait.EndpointID = "vpce-" + id
		}
		return wait
	}
	list := []store.Wait{
		at(approvalWait(), "0a", connection.Access{}), at(approvalWait(), "0b", there), at(approvalWait(), "0c", closed),
		at(allowlistWait(), "0d", connection.Access{}), at(allowlistWait(), "0e", there),
	}
	worlds := map[connection.Access]*awsWorld{
		{}:     {endpoints: map[string]endpoint.Endpoint{"vpce-0a": ours("vpce-0a", connection.StatePendingAcceptance)}},
		there:  {endpoints: map[string]endpoint.Endpoint{"vpce-0b": ours("vpce-0b", connection.StateAvailable)}, services: map[string]bool{"svc": true}},
		closed: {blind: map[string]error{"vpce-0c": errors.New("assuming role arn:aws:iam::333344445555:role/r")}},
	}
	bus := &eventBus{}
	o := NewObserver(&waits{list: list}, func(access connection.Access) Endpoints { return worlds[access] }, onBus(bus), "us-east-1",
		&bytes.Buffer{}, slog.New(slog.DiscardHandler))
	got, err := o.Observe(t.Context(), events.Read("schedule.sweep.json"))
	if err == nil || !strings.Contains(err.Error(), "role/r") || got.Looked != 4 || got.Said != 4 {
		t.Errorf("%+v, %v: four were looked at and told of, and one account was closed", got, err)
	}
	for access, want := range map[connection.Access][]string{
		{}: {"vpce-0a", "svc in us-east-1 from us-east-1"}, there: {"vpce-0b", "svc in us-east-1 from us-east-1"}, closed: {"vpce-0c"},
	} {
		if diff := cmp.Diff(want, worlds[access].looks); diff != "" {
			t.Errorf("looks through %s (-want +got):\n%s", access.RoleARN, diff)
		}
	}
}
