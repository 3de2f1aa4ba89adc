package orphan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"postern/internal/bus"
	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/publish"
	"postern/internal/step"
	"postern/internal/store"
)

// The metrics of a sweep. All are written by every sweep, also when it finds nothing: their absence is a sweep that did not run.
const (
	// MetricOrphans is the number of orphans.
	MetricOrphans = "OrphanCount"
	// MetricChecked is the number of connections and resources that were checked.
	MetricChecked = "OrphanChecked"
	// MetricUnknown is the number of lists and executions that could not be read.
	MetricUnknown = "OrphanUnknown"
)

// Endpoints lists the EC2 resources that Postern owns in an account and Region; *endpoint.Client satisfies it.
type Endpoints interface {
	Managed(ctx context.Context) ([]endpoint.Endpoint, error)
	ManagedGroups(ctx context.Context) ([]endpoint.SecurityGroup, error)
}

// Zones lists the hosted zones of an account that are ours; *dns.Client satisfies it.
type Zones interface {
	Managed(ctx context.Context) (map[string][]dns.Zone, error)
}

// Parameters lists what we published in an account and Region; *publish.Client satisfies it.
type Parameters interface {
	Created(ctx context.Context, path, connectionID string) ([]publish.Created, error)
}

// Registry knows the connections; *store.Store satisfies it.
type Registry interface {
	All(ctx context.Context) ([]store.Overview, error)
	EndedAt(ctx context.Context, execution string) (ended bool, at time.Time, err error)
}

// Sweeper looks for orphans.
type Sweeper struct {
	Registry   Registry
	Networks   connection.Networks
	Endpoints  func(connection.Access) Endpoints
	Zones      func(connection.Access) Zones
	Parameters func(connection.Access) Parameters
	// Prefix is what the names of all parameters begin with, such as /postern.
	Prefix string
	// Patience is how long an endpoint may wait for a vendor's approval.
	Patience func(vendorID string) time.Duration
	Bus      *bus.Bus
	Metrics  io.Writer
	Log      *slog.Logger
}

// Event is EventBridge's scheduled event, as far as it matters here.
type Event struct {
	Time time.Time `json:"time"`
}

// Swept is what a sweep did.
type Swept struct {
	Looked  int `json:"looked"`  // connections and resources
	Orphans int `json:"orphans"` // events put
	Unknown int `json:"unknown"` // lists and executions that could not be read
}

// Sweep lists everything that Postern owns, and reports orphaned resources. An error means that the connections could not be read, or
// that an event could not be put; lists that could not be read are counted and logged.
func (s *Sweeper) Sweep(ctx context.Context, at time.Time) (Swept, error) {
	// The resources are listed before the records: a resource made meanwhile is not mistaken for an orphan, since its connection is
	// claimed before it is made.
	seen := &sighting{things: map[string][]connection.OrphanThing{}}
	registered := places(s.Networks, nil)
	for _, p := range registered {
		s.look(ctx, p, seen)
	}
	records, err := s.Registry.All(ctx)
	if err != nil {
		return Swept{}, fmt.Errorf("sweeping for orphans: %w", err)
	}
	for _, p := range places(s.Networks, records)[len(registered):] {
		s.look(ctx, p, seen)
	}

	known := map[string]*store.Overview{}
	for i := range records {
		known[records[i].ConnectionID] = &records[i]
		if _, made := seen.things[records[i].ConnectionID]; !made {
			seen.things[records[i].ConnectionID] = nil
		}
	}
	var events []bus.Event
	for _, id := range slices.Sorted(maps.Keys(seen.things)) {
		j := judge{Sweeper: s, at: at, id: id, record: known[id], things: seen.things[id]}
		notices, err := j.orphans(ctx)
		if err != nil {
			seen.unknown++
			s.Log.WarnContext(ctx, "could not find out whether a connection is orphaned", "connection", id, "error", err.Error())
		}
		for _, notice := range notices {
			s.Log.WarnContext(ctx, "orphan", "connection", id, "kind", notice.Kind, "things", len(notice.Things),
				"execution", notice.Execution)
			events = append(events, bus.Event{Type: connection.EventOrphan, At: at, Detail: notice})
		}
	}
	swept := Swept{Looked: seen.looked + len(records), Orphans: len(events), Unknown: seen.unknown}
	count := func(name string, value int) step.Metric {
		return step.Metric{Name: name, Unit: step.Count, Value: float64(value)}
	}
	return swept, errors.Join(s.Bus.Put(ctx, events...), step.WriteMetrics(s.Metrics, at, count(MetricOrphans, swept.Orphans),
		count(MetricChecked, swept.Looked), count(MetricUnknown, swept.Unknown)))
}
