package approval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"postern/internal/bus"
	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/store"
)

// Observer looks, and says what it saw.
type Observer struct {
	waits     Waits
	endpoints func(connection.Access) Endpoints
	bus       *bus.Bus
	region    string // our own
	metrics   io.Writer
	log       *slog.Logger
}

// NewObserver returns an observer in a Region, which looks at endpoints in the account they are in; it writes metric lines to
// metrics.
func NewObserver(waits Waits, endpoints func(connection.Access) Endpoints, bus *bus.Bus, region string, metrics io.Writer, log *slog.Logger) *Observer {
	return &Observer{waits: waits, endpoints: endpoints, bus: bus, region: region, metrics: metrics, log: log}
}

// Observed is what one invocation did.
type Observed struct {
	Woken  string `json:"woken"`  // what woke it, or "" for an event that is none of ours
	Looked int    `json:"looked"` // endpoints and services looked at
	Said   int    `json:"said"`   // events put
}

// Observe handles a notification, a CloudTrail event or the schedule. An event of any other kind is a no-op. An error means that
// something could not be looked at or said; the same event may be handled again.
func (o *Observer) Observe(ctx context.Context, raw json.RawMessage) (Observed, error) {
	w := decodeWake(raw)
	if w.by == "" {
		o.log.InfoContext(ctx, "nothing to look at", "reason", w.note)
		return Observed{}, nil
	}
	if w.by == connection.ObservedBySweep {
		return o.sweep(ctx, w)
	}
	return o.look(ctx, w)
}

// look describes the endpoints that a message names, and says the states that end a wait. Messages come of our own account.
func (o *Observer) look(ctx context.Context, w wake) (Observed, error) {
	seen := sight{by: w.by, at: w.at}
	var sayings []bus.Event
	found, failed := o.describe(ctx, connection.Access{}, w.ids)
	for _, id := range w.ids {
		e, ok := found[id]
		if !ok || e.State.Waiting() {
			continue
		}
		wait, news, err := o.owner(ctx, seen, e)
		switch {
		case err != nil:
			failed = append(failed, err)
		case !news:
			o.log.InfoContext(ctx, "an endpoint with no news for us", "endpoint", id, "state", e.State)
		default:
			o.log.InfoContext(ctx, "endpoint seen", "connection", wait.ConnectionID, "endpoint", id, "state", e.State, "woken", w.by)
			sayings = append(sayings, seen.endpoint(wait, e))
		}
	}
	failed = append(failed, o.bus.Put(ctx, sayings...))
	return Observed{Woken: w.by, Looked: len(found), Said: len(sayings)}, errors.Join(failed...)
}

// owner returns the connection that an endpoint's state is news for, as a wait that is filled in as far as known.
//
// An endpoint's tags name its connection. One that is gone has none, so the waits are searched for it. They are searched, too,
// when CloudTrail tells of an endpoint that is accepted: our own calls to it (private DNS, for one) come by that way every time,
// and are news only while an execution waits.
func (o *Observer) owner(ctx context.Context, seen sight, e endpoint.Endpoint) (wait store.Wait, news bool, err error) {
	id := e.Connection()
	if id == "" && e.State != connection.StateDeleted {
		return store.Wait{}, false, nil
	}
	if id != "" && (seen.by != connection.ObservedByCloudTrail || !e.State.Accepted()) {
		return store.Wait{ConnectionID: id, Gate: connection.GateApproval}, true, nil
	}
	waits, err := o.waits.Waiting(ctx)
	if err != nil {
		return store.Wait{}, false, fmt.Errorf("finding who waits for %s: %w", e.ID, err)
	}
	i := slices.IndexFunc(waits, func(wait store.Wait) bool { return wait.EndpointID == e.ID })
	if i < 0 || seen.unsettled(waits[i], e) {
		return store.Wait{}, false, nil
	}
	return waits[i], true, nil
}

// describe describes endpoints of one account and Region by id. The ones that could not be described are missing in the answer, and
// are named by an error.
func (o *Observer) describe(ctx context.Context, access connection.Access, ids []string) (map[string]endpoint.Endpoint, []error) {
	described, err := o.endpoints(access).DescribeAll(ctx, ids)
	if err != nil {
		return nil, []error{fmt.Errorf("looking at %d endpoints, %s first: %w", len(ids), ids[0], err)}
	}
	found := make(map[string]endpoint.Endpoint, len(ids))
	for _, e := range described {
		found[e.ID] = e
	}
	var failed []error
	for _, id := range ids {
		if _, ok := found[id]; !ok {
			failed = append(failed, fmt.Errorf("looking at endpoint %s: the answer leaves it out", id))
		}
	}
	return found, failed
}
