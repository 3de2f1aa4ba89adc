package orphan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/google/go-cmp/cmp"

	"postern/internal/bus"
	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/publish"
	"postern/internal/store"
)

const (
	id    = "monte-carlo/agents-prod"
	other = "222233334444"
	arn   = "arn:aws:states:us-east-1:111122223333:execution:postern:agents-prod"
)

var (
	now  = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	long = now.Add(-30 * time.Hour)
)

// world is everything that a sweep reads, and what it said.
type world struct {
	records   []store.Overview
	ended     map[string]time.Time // executions; one that is not here runs
	unasked   error
	endpoints map[connection.Access][]endpoint.Endpoint
	groups    map[connection.Access][]endpoint.SecurityGroup
	zones     map[connection.Access]map[string][]dns.Zone
	published map[connection.Access][]publish.Created
	blind     map[string]bool // what cannot be listed: endpoints, groups, zones, parameters
	lists     []string
	taken     []connection.OrphanNotice
	metrics   bytes.Buffer
	log       bytes.Buffer
}

func (w *world) All(context.Context) ([]store.Overview, error) { return w.records, nil }

func (w *world) EndedAt(_ context.Context, execution string) (bool, time.Time, error) {
	at, ended := w.ended[execution]
	return ended, at, w.unasked
}

func (w *world) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (
	*eventbridge.PutEventsOutput, error) {
	for _, entry := range in.Entries {
		var notice connection.OrphanNotice
		if err := json.Unmarshal([]byte(aws.ToString(entry.Detail)), &notice); err != nil {
			return nil, err
		}
		w.taken = append(w.taken, notice)
	}
	return &eventbridge.PutEventsOutput{}, nil
}

// account is what one access sees.
type there struct {
	*world
	access connection.Access
}

func list[T any](a there, what string, all map[connection.Access]T) (T, error) {
	a.lists = append(a.lists, what+" "+a.access.RoleARN)
	if a.blind[what] {
		var none T
		return none, errors.New("denied")
	}
	return all[a.access], nil
}

func (a there) Managed(context.Context) ([]endpoint.Endpoint, error) {
	return list(a, "endpoints", a.endpoints)
}
func (a there) ManagedGroups(context.Context) ([]endpoint.SecurityGroup, error) {
	return list(a, "groups", a.groups)
}

func (a there) Created(_ context.Context, path, connectionID string) ([]publish.Created, error) {
	if path != "/postern" || connectionID != "" {
		return nil, errors.New("not all of ours")
	}
	return list(a, "parameters", a.published)
}

type zones struct{ there }

func (z zones) Managed(context.Context) (map[string][]dns.Zone, error) {
	return list(z.there, "zones", z.zones)
}

var networks = connection.Networks{
	{Name: "a", AccountID: "111122223333", Region: "us-east-1", VPCID: "vpc-a"},
	{Name: "b", AccountID: "111122223333", Region: "us-east-1", VPCID: "vpc-b"},
	{Name: "c", AccountID: other, Region: "us-east-1", VPCID: "vpc-c", RoleARN: "arn:c", ExternalID: "x"},
	{Name: "d", AccountID: other, Region: "eu-west-1", VPCID: "vpc-d", RoleARN: "arn:d", ExternalID: "x"},
}

var home connection.Access

func (w *world) sweep(t *testing.T) Swept {
	t.Helper()
	w.taken = nil
	s := Sweeper{
		Registry: w, Networks: networks,
		Endpoints:  func(access connection.Access) Endpoints { return there{w, access} },
		Zones:      func(access connection.Access) Zones { return zones{there{w, access}} },
		Parameters: func(access connection.Access) Parameters { return there{w, access} }, Prefix: "/postern",
		Patience: func(string) time.Duration { return 14 * 24 * time.Hour },
		Bus:      bus.New(w, "bus"), Metrics: &w.metrics, Log: slog.New(slog.NewTextHandler(&w.log, nil)),
	}
	swept, err := s.Sweep(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	if swept.Orphans != len(w.taken) {
		t.Errorf("%+v, said %d", swept, len(w.taken))
	}
	return swept
}

func made(endpointID string, state connection.EndpointState, at time.Time) endpoint.Endpoint {
	return endpoint.Endpoint{
		ID: endpointID, VPCID: "vpc-a", State: state, SubnetIDs: []string{"a", "b"}, CreatedAt: at, Tags: connection.Tags(id, arn),
	}
}

func (w *world) with(all ...endpoint.Endpoint) *world {
	w.endpoints = map[connection.Access][]endpoint.Endpoint{home: all}
	return w
}

func record(edit func(*store.Overview)) []store.Overview {
	r := store.Overview{ConnectionID: id, UpdatedAt: long}
	edit(&r)
	return []store.Overview{r}
}

// What each connection is, by its record, its holder and what there is of it.
func TestKinds(t *testing.T) {
	t.Parallel()
	available := made("vpce-1", connection.StateAvailable, long)
	pending := func(age time.Duration) endpoint.Endpoint {
		return made("vpce-1", connection.StatePendingAcceptance, now.Add(-age))
	}
	const days = 24 * time.Hour
	free := record(func(*store.Overview) {})
	held := record(func(r *store.Overview) { r.Holder = arn })
	linked := func(holder string, status store.Status) []store.Overview {
		return record(func(r *store.Overview) {
			r.Holder, r.Status = holder, status
			r.Expects = &connection.Expectation{AccountID: "111122223333", Region: "us-east-1", EndpointID: "vpce-1"}
		})
	}
	status := func(is store.Status) []store.Overview { return record(func(r *store.Overview) { r.Status = is }) }
	waiting := func(since time.Time) []store.Overview {
		return record(func(r *store.Overview) {
			r.Holder, r.Wait = arn, &store.Wait{EndpointID: "vpce-1", Since: since}
		})
	}
	foreign := available
	foreign.Tags = map[string]string{connection.TagConnection: id}
	unnamed := available
	unnamed.Tags = map[string]string{connection.TagManaged: "true"}
	second := made("vpce-2", connection.StateAvailable, long)
	in := func(records []store.Overview, things ...endpoint.Endpoint) *world {
		return (&world{records: records}).with(things...)
	}
	ended := func(w *world, at time.Time) *world { w.ended = map[string]time.Time{arn: at}; return w }
	young := func(endpointID string) endpoint.Endpoint {
		return made(endpointID, connection.StateAvailable, now.Add(-time.Minute))
	}
	busy := record(func(r *store.Overview) { r.UpdatedAt = now.Add(-time.Minute) })
	unasked := in(held, available)
	unasked.unasked = errors.New("throttled")
	const (
		isStopped = connection.OrphanStopped
		isUnknown = connection.OrphanUnknown
		offboard  = connection.ActionOffboard
		cancel    = connection.ActionCancel
	)
	for name, test := range map[string]struct {
		world   *world
		want    connection.OrphanKind // "" for none
		action  connection.Action     // of the request, "" for none
		unknown int
	}{
		"nothing of it":                 {world: in(free)},
		"it runs":                       {world: in(held, available)},
		"stopped":                       {ended(in(held, available), long), isStopped, offboard, 0},
		"stopped, with nothing made":    {ended(in(held), long), isStopped, offboard, 0},
		"ended, and forgotten by AWS":   {ended(in(held, available), time.Time{}), isStopped, offboard, 0},
		"stopped a minute ago":          {world: ended(in(held, available), now.Add(-time.Minute))},
		"unknown whether it runs":       {world: unasked, unknown: 1},
		"changed a minute ago":          {world: in(busy, available)},
		"no record":                     {in(nil, available), isUnknown, offboard, 0},
		"no record, made a minute ago":  {world: in(nil, young("vpce-1"))},
		"no record, and on its way out": {world: in(nil, made("vpce-1", connection.StateDeleting, long))},
		"a record of nothing":           {in(free, available), isUnknown, offboard, 0},
		"offboarded":                    {in(status(store.StatusOffboarded), available), isUnknown, offboard, 0},
		"offboarded, with nothing left": {world: in(status(store.StatusOffboarded))},
		"failed":                        {in(status(store.StatusFailed), available), isUnknown, offboard, 0},
		"failed clean":                  {world: in(status(store.StatusFailed))},

		"onboarded":                         {world: in(linked("", store.StatusOnboarded), available)},
		"onboarded, and failed again":       {world: in(linked("", store.StatusFailed), available)},
		"onboarded, and being changed":      {world: in(linked(arn, store.StatusOnboarded), available, second)},
		"onboarded, and stopped since":      {ended(in(linked(arn, store.StatusOnboarded), available), long), isStopped, "", 0},
		"onboarded, with a second endpoint": {in(linked("", store.StatusOnboarded), available, second), connection.OrphanSecond, "", 0},
		"the second one is young":           {world: in(linked("", store.StatusOnboarded), available, young("vpce-2"))},

		"waits":                              {world: in(waiting(now.Add(-13*days)), pending(13*days))},
		"waits for too long":                 {in(waiting(now.Add(-15*days)), pending(15*days)), connection.OrphanOverdue, cancel, 0},
		"waits again for an old endpoint":    {world: in(waiting(now.Add(-2*days)), pending(15*days))},
		"old, accepted, and still worked on": {world: in(waiting(now.Add(-15*days)), available)},
		"old, pending, and nothing waits":    {in(held, pending(15*days)), connection.OrphanOverdue, cancel, 0},
		"not ours, with half of our tags":    {world: in(nil, foreign)},
		"not ours, with our tag and no name": {world: in(nil, unnamed)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			swept := test.world.sweep(t)
			if swept.Unknown != test.unknown {
				t.Errorf("%d unknown, want %d", swept.Unknown, test.unknown)
			}
			if test.want == "" {
				if len(test.world.taken) != 0 {
					t.Errorf("said %+v", test.world.taken)
				}
				return
			}
			if len(test.world.taken) != 1 || test.world.taken[0].Kind != test.want || test.world.taken[0].Next == "" {
				t.Fatalf("said %+v, want %s", test.world.taken, test.want)
			}
			var request connection.Request
			if raw := test.world.taken[0].Request; len(raw) > 0 {
				var err error
				if request, err = connection.DecodeRequest(raw); err != nil || request.ConnectionID() != id {
					t.Errorf("%s: %v", raw, err)
				}
			}
			if request.Action != test.action {
				t.Errorf("action %q, want %q", request.Action, test.action)
			}
		})
	}
}

// A sweep lists each account and Region once, and an account's zones once; also where an onboarded connection is whose network is
// no longer registered.
func TestPlaces(t *testing.T) {
	t.Parallel()
	w := &world{records: record(func(r *store.Overview) {
		r.Expects = &connection.Expectation{AccountID: "333344445555", Region: "us-east-1", Access: connection.Access{RoleARN: "arn:e"}}
	})}
	known := &connection.Expectation{AccountID: other, Region: "eu-west-1"}
	w.records = append(w.records, store.Overview{ConnectionID: "v/n", Expects: known})
	w.sweep(t)
	want := []string{
		"endpoints ", "groups ", "parameters ", "zones ", "endpoints arn:c", "groups arn:c", "parameters arn:c", "zones arn:c",
		"endpoints arn:d", "groups arn:d", "parameters arn:d", "endpoints arn:e", "groups arn:e", "parameters arn:e", "zones arn:e",
	}
	if diff := cmp.Diff(want, w.lists); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What cannot be listed is unknown: said and counted, and no reason for a report. The rest is reported as ever.
func TestBlind(t *testing.T) {
	t.Parallel()
	w := (&world{
		records: record(func(r *store.Overview) { r.Status = store.StatusOffboarded }),
		blind:   map[string]bool{"endpoints": true},
		zones:   map[connection.Access]map[string][]dns.Zone{home: {id: {{ID: "Z1"}}}},
	}).with(made("vpce-1", connection.StateAvailable, long))
	swept := w.sweep(t)
	if swept.Unknown != 3 || len(w.taken) != 1 || len(w.taken[0].Things) != 1 || w.taken[0].Things[0].ID != "Z1" {
		t.Errorf("%+v: %+v", swept, w.taken)
	}
	if n := strings.Count(w.log.String(), "could not look for orphans"); n != 3 {
		t.Errorf("%d lines: %s", n, &w.log)
	}
	before := w.taken[0].Digest
	w.blind = nil
	if w.sweep(t); len(w.taken) != 1 || len(w.taken[0].Things) != 2 || w.taken[0].Digest != before || before == "" {
		t.Errorf("the same orphan has another name when more of it is seen: %+v", w.taken)
	}
}

// Every sweep writes the metrics, also one that finds nothing.
func TestMetrics(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		world *world
		want  map[string]float64
	}{
		"nothing": {&world{}, map[string]float64{MetricOrphans: 0, MetricChecked: 0, MetricUnknown: 0}},
		"an orphan": {(&world{blind: map[string]bool{"groups": true}}).with(made("vpce-1", connection.StateAvailable, long)),
			map[string]float64{MetricOrphans: 1, MetricChecked: 1, MetricUnknown: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.world.sweep(t)
			var line map[string]json.RawMessage
			if err := json.Unmarshal(test.world.metrics.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			for metric, want := range test.want {
				var got float64
				if err := json.Unmarshal(line[metric], &got); err != nil || got != want {
					t.Errorf("%s is %v, want %v: %v", metric, got, want, err)
				}
			}
		})
	}
}

// What an offboarding does not find is for hands, and said so.
func TestByHand(t *testing.T) {
	t.Parallel()
	abroad := made("vpce-1", connection.StateAvailable, long)
	abroad.VPCID = "vpc-unregistered"
	odd := made("vpce-1", connection.StateAvailable, long)
	odd.Tags = connection.Tags("Not a/name\u2028", arn)
	for name, test := range map[string]struct {
		endpoints []endpoint.Endpoint
		request   bool
		hand      string
	}{
		"a VPC that is not registered":     {[]endpoint.Endpoint{abroad}, false, "vpce-1"},
		"a name that no connection has":    {[]endpoint.Endpoint{odd}, false, "vpce-1"},
		"one of each":                      {[]endpoint.Endpoint{abroad, made("vpce-2", connection.StateAvailable, long)}, true, "vpce-1"},
		"all of it in registered networks": {[]endpoint.Endpoint{made("vpce-2", connection.StateAvailable, long)}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := (&world{}).with(test.endpoints...)
			w.sweep(t)
			if len(w.taken) != 1 {
				t.Fatalf("%+v", w.taken)
			}
			n := w.taken[0]
			_, hand, _ := strings.Cut(n.Next, "Delete manually")
			if (len(n.Request) > 0) != test.request || test.hand == "" != (hand == "") || !strings.Contains(hand, test.hand) ||
				strings.Contains(hand, "vpce-2") {
				t.Errorf("next %q, request %s", n.Next, n.Request)
			}
		})
	}
}

// The things of a connection are listed with what they cost; those of another account too.
func TestThings(t *testing.T) {
	t.Parallel()
	access := connection.Access{RoleARN: "arn:c", ExternalID: "x", Region: "us-east-1"}
	e := made("vpce-1", connection.StatePendingAcceptance, long)
	e.VPCID = "vpc-c"
	w := &world{
		records:   record(func(r *store.Overview) { r.Holder, r.Ticket = arn, "github:x#1" }),
		ended:     map[string]time.Time{arn: long},
		endpoints: map[connection.Access][]endpoint.Endpoint{access: {e}},
		groups:    map[connection.Access][]endpoint.SecurityGroup{access: {{ID: "sg-1", VPCID: "vpc-c", Tags: connection.Tags(id, arn)}}},
		zones:     map[connection.Access]map[string][]dns.Zone{access: {id: {{ID: "Z1"}}}},
		published: map[connection.Access][]publish.Created{access: {
			{Name: "/postern/" + id + "/values/url", Version: 1, Modified: long}, {Name: "/postern/no/connection", Version: 1},
			{Name: "/postern/" + id + "/young", Version: 1, Modified: now.Add(-time.Minute)},
			{Name: "/postern/" + id + "/theirs", Version: 2, Modified: long},
		}},
	}
	w.sweep(t)
	want := connection.OrphanNotice{
		SchemaVersion: 1, Kind: connection.OrphanStopped, ConnectionID: id, Since: long, ObservedAt: now, Execution: arn, Ticket: "github:x#1",
		Things: []connection.OrphanThing{
			{Type: connection.ThingEndpoint, ID: "vpce-1", AccountID: other, Region: "us-east-1", VPCID: "vpc-c",
				State: connection.StatePendingAcceptance, Subnets: 2, CreatedAt: long},
			{Type: connection.ThingSecurityGroup, ID: "sg-1", AccountID: other, Region: "us-east-1", VPCID: "vpc-c"},
			{Type: connection.ThingParameter, ID: "/postern/" + id + "/values/url", AccountID: other, Region: "us-east-1", CreatedAt: long},
			{Type: connection.ThingHostedZone, ID: "Z1", AccountID: other},
		},
		Request: json.RawMessage(`{"schemaVersion":1,"action":"offboard","vendor":"monte-carlo","name":"agents-prod"}`),
	}
	got := w.taken[0]
	if got.Cost.MonthlyUSD != 15.1 || !strings.Contains(got.Cost.Basis, "hosted zone") {
		t.Errorf("cost %+v", got.Cost)
	}
	got.Cost, got.Next, got.Digest = connection.Cost{}, "", ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
