package drift

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
	"postern/internal/step"
	"postern/internal/store"
)

// The metrics of the drift check. All are written by every scheduled run: their absence is an alarm.
const (
	// MetricDrift is the number of findings that are drift, MetricUnknown of those whose check could not run.
	MetricDrift   = "DriftCount"
	MetricUnknown = "DriftUnknownCount"
	// MetricChecked is the number of connections that were checked.
	MetricChecked = "DriftChecked"
)

// Registry is the table of connections; *store.Store satisfies it.
type Registry interface {
	Links(ctx context.Context) ([]store.Link, error)
	Link(ctx context.Context, connectionID string) (store.Link, bool, error)
	Record(ctx context.Context, connectionID string) (store.Record, error)
	Ledger(ctx context.Context, connectionID string) (*connection.Ledger, error)
	SaveDrift(ctx context.Context, connectionID string, drift connection.Drift) error
}

// Checker checks connections, each in the account and Region it is in. Two runs at once would overwrite each other's findings: the
// function has a concurrency of one.
type Checker struct {
	Registry Registry
	Places   func(connection.Access) Place   // lists
	Sources  func(connection.Access) Sources // what the deep checks read
	Probes   func(connection.Access) Invoker
	Trails   Trails
	Repairer Repairer
	Config   Config
	Bus      *bus.Bus
	Metrics  io.Writer // of metric lines
	Log      *slog.Logger
}

// Checked is what one run did.
type Checked struct {
	Woken       string `json:"woken"`       // schedule or change, or "" for an event that concerns no connection
	Connections int    `json:"connections"` // looked at
	Deep        int    `json:"deep"`        // of them, with the deep checks
	Drift       int    `json:"drift"`       // findings open now
	Unknown     int    `json:"unknown"`
}

// Check handles the schedule, or a change that AWS reports. An error means that something could not be written or reported; the
// same event may be handled again.
func (c *Checker) Check(ctx context.Context, raw json.RawMessage) (Checked, error) {
	w := decodeWake(raw, c.Config.ours)
	if w.by == "" {
		c.Log.InfoContext(ctx, "nothing to check", "reason", w.note)
		return Checked{}, nil
	}
	links, err := c.Registry.Links(ctx)
	if err != nil {
		return Checked{Woken: w.by}, err
	}
	links = w.concerned(links)
	surveys := c.survey(ctx, w, links)
	looks := c.looks(ctx, w.turns(links), w.at)
	past := c.history()
	done := Checked{Woken: w.by, Connections: len(links), Deep: len(looks)}
	var failed []error
	for _, link := range links {
		answers := c.shallow(link, surveys[placeOf(link)])
		look, looked := looks[link.ConnectionID]
		if looked {
			answers = append(answers, look.answers...)
			link.Drift.NotAfter = look.notAfter
		} else {
			answers = append(answers, unseen(link, w.at)...)
		}
		if surprising(link, answers) && c.busy(ctx, link) {
			continue
		}
		after, err := c.record(ctx, w, past, link, answers, looked)
		failed = append(failed, err)
		done.Drift += after.Count(connection.DriftFound)
		done.Unknown += after.Count(connection.DriftUnknown)
	}
	if w.by == bySchedule {
		failed = append(failed, step.WriteMetrics(c.Metrics, w.at,
			step.Metric{Name: MetricDrift, Unit: step.Count, Value: float64(done.Drift)},
			step.Metric{Name: MetricUnknown, Unit: step.Count, Value: float64(done.Unknown)},
			step.Metric{Name: MetricChecked, Unit: step.Count, Value: float64(done.Connections)}))
	}
	return done, errors.Join(failed...)
}

// surprising reports whether answers open a finding that may be an execution's doing: a look is made minutes after the connections
// were listed, and an offboarding leaves no endpoint. A repair that starts while an execution runs would fail.
func surprising(link store.Link, answers []connection.DriftAnswer) bool {
	return slices.ContainsFunc(answers, func(a connection.DriftAnswer) bool {
		info, _ := a.Check.Info()
		_, open := findingOf(link.Drift, a.Check)
		repairs := link.Expects.Policies.Of(a.Check) == connection.PolicyRepair
		return a.Result == connection.DriftFound && (repairs || !open && (info.Deep || a.Check == connection.CheckEndpoint))
	})
}

// busy reports whether an execution took the connection since it was listed, or whether that is unknown. The answers then
// mean nothing: its findings stay as they are.
func (c *Checker) busy(ctx context.Context, link store.Link) bool {
	now, onboarded, err := c.Registry.Link(ctx, link.ConnectionID)
	return err != nil || !onboarded || now.Holder != "" || !now.Expects.At.Equal(link.Expects.At)
}

// record starts repairs, reports what opened and what closed, then saves it. Each step may run twice, so the save comes last.
func (c *Checker) record(ctx context.Context, w wake, past *history, link store.Link, answers []connection.DriftAnswer, deep bool) (
	connection.Drift, error) {
	at := w.at
	after, changes := merge(link, answers, at)
	if deep {
		after.DeepAt = at
	}
	taken(link.Expects, &after)
	past.name(ctx, w, link, &after)
	flapping, unrepaired := c.repair(ctx, link, &after, at) // what cannot be repaired is reported nevertheless
	changes = append(changes, flapping...)
	if len(changes) > 0 {
		record, err := c.Registry.Record(ctx, link.ConnectionID)
		if err != nil {
			return after, errors.Join(unrepaired, fmt.Errorf("finding out whom to tell what differs: %w", err))
		}
		for i := range changes {
			changes[i].Ticket = record.Ticket
		}
	}
	var events []bus.Event
	for _, change := range changes {
		if known, open := findingOf(after, change.Finding.Check); open {
			change.Finding = known // with who did it, and its repair
		}
		c.Log.WarnContext(ctx, "drift "+change.Status, "connection", link.ConnectionID, "check", change.Finding.Check,
			"result", change.Finding.Result, "detail", change.Finding.Detail)
		events = append(events, bus.Event{Type: connection.EventDrift, At: at, Detail: change})
	}
	if len(events) == 0 && len(after.Findings) == 0 && !deep {
		return after, unrepaired
	}
	if err := c.Bus.Put(ctx, events...); err != nil {
		return after, errors.Join(unrepaired, fmt.Errorf("reporting what differs of %s: %w", link.ConnectionID, err))
	}
	return after, errors.Join(unrepaired, c.Registry.SaveDrift(ctx, link.ConnectionID, after))
}
