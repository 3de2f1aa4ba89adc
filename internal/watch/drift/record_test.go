package drift

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"postern/internal/bus"
	"postern/internal/connection"
	"postern/internal/store"
)

// registry keeps what was saved, and the bus what was said.
type registry struct {
	Registry // a read would panic
	saved    []connection.Drift
	notices  []connection.DriftNotice
	mute     error
	full     error
	ticket   string // that the connection belongs to
	unread   error
}

func (r *registry) Record(context.Context, string) (store.Record, error) {
	return store.Record{Ticket: r.ticket}, r.unread
}

func (r *registry) SaveDrift(_ context.Context, _ string, drift connection.Drift) error {
	if r.full == nil {
		r.saved = append(r.saved, drift)
	}
	return r.full
}

func (r *registry) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (
	*eventbridge.PutEventsOutput, error) {
	if r.mute != nil {
		return nil, r.mute
	}
	for _, entry := range in.Entries {
		var n connection.DriftNotice
		if err := json.Unmarshal([]byte(aws.ToString(entry.Detail)), &n); err != nil || aws.ToString(entry.DetailType) != connection.EventDrift {
			return nil, errors.New("an event of an odd shape")
		}
		r.notices = append(r.notices, n)
	}
	return &eventbridge.PutEventsOutput{}, nil
}

// recorder is a checker over a registry, a CloudTrail and a Step Functions.
func recorder(r *registry, c *trail, s *starter) *Checker {
	return &Checker{Registry: r, Bus: bus.New(r, "default"), Trails: c.of, Repairer: NewRepairer(s, machine), Log: slog.New(slog.DiscardHandler)}
}

// repaired is a connection whose records are to be repaired, and what a run finds of them.
func repaired() (store.Link, []connection.DriftAnswer) {
	l := link()
	l.Expects.Policies = connection.DriftPolicyOf{connection.CheckRecord: connection.PolicyRepair}
	return l, []connection.DriftAnswer{answered(connection.CheckRecord, connection.DriftFound)}
}

// What opened is said with who did it and what is done about it; the same run again starts and says nothing new.
func TestRecord(t *testing.T) {
	t.Parallel()
	l, answers := repaired()
	r := registry{ticket: "github:example/network#42"}
	var s starter
	c := recorder(&r, &trail{events: map[string][]types.Event{l.Expects.ZoneID: {called(5, alice, "ChangeResourceRecordSets", nil)}}}, &s)
	after, err := c.record(t.Context(), wake{at: monday}, c.history(), l, answers, true)
	if err != nil || len(r.notices) != 1 || len(r.saved) != 1 || len(s.started) != 1 {
		t.Fatalf("%v: %+v", err, r)
	}
	found := r.notices[0].Finding
	if found.By != alice+" (ChangeResourceRecordSets)" || found.Repair == "" || len(found.Repairs) != 1 || r.notices[0].Policy != connection.PolicyRepair ||
		r.notices[0].Ticket != r.ticket {
		t.Errorf("notice %+v", r.notices[0])
	}
	if !after.DeepAt.Equal(monday) {
		t.Errorf("looked at %s", after.DeepAt)
	}
	l.Drift = after
	for _, later := range []time.Duration{0, time.Minute} {
		if _, err := c.record(t.Context(), wake{at: monday.Add(later)}, c.history(), l, answers, true); err != nil || len(r.notices) != 1 || len(s.started) != 1 {
			t.Errorf("again: %v, reported %q, %d executions", err, said(r.notices), len(s.started))
		}
	}
	r.ticket = "" // the operators took it
	closed := []connection.DriftAnswer{{Check: connection.CheckRecord, Result: connection.DriftOK}}
	after, err = c.record(t.Context(), wake{at: monday.Add(time.Hour)}, c.history(), l, closed, true)
	if want := []string{"opened record drift", "closed record drift"}; err != nil || !slices.Equal(said(r.notices), want) || len(after.Findings) > 0 {
		t.Errorf("%v: reported %q, findings %+v", err, said(r.notices), after.Findings)
	}
	if told := r.notices[1].Ticket; told != "" {
		t.Errorf("the end is reported to %q, to which the connection no longer belongs", told)
	}
	if len(after.Repairs[connection.CheckRecord]) != 1 {
		t.Error("the repair is forgotten")
	}
}

// A connection of which nothing is to be said costs no event and no write, unless it was looked at deeply.
func TestRecordOfNothing(t *testing.T) {
	t.Parallel()
	for _, deep := range []bool{false, true} {
		r := registry{mute: errors.New("said something")}
		if deep {
			r.mute = nil
		}
		c := recorder(&r, &trail{}, &starter{})
		_, err := c.record(t.Context(), wake{at: monday}, c.history(), link(), nil, deep)
		if err != nil || (len(r.saved) == 1) != deep || len(r.notices) > 0 {
			t.Errorf("deep %v: %v, %+v", deep, err, r)
		}
	}
}

// What could not be said is not taken for known, so the same event says it again, with the same execution.
func TestRecordFails(t *testing.T) {
	t.Parallel()
	l, answers := repaired()
	for name, broken := range map[string]*registry{"the bus": {mute: errors.New("no")}, "the table": {full: errors.New("no")},
		"the record": {unread: errors.New("no")}} {
		var s starter
		c := recorder(broken, &trail{}, &s)
		if _, err := c.record(t.Context(), wake{at: monday}, c.history(), l, answers, true); err == nil || len(broken.saved) > 0 {
			t.Errorf("%s: %v", name, err)
		}
		broken.mute, broken.full, broken.unread = nil, nil, nil
		if _, err := c.record(t.Context(), wake{at: monday}, c.history(), l, answers, true); err != nil || len(broken.saved) != 1 || len(s.started) != 1 {
			t.Errorf("%s, again: %v, %d executions", name, err, len(s.started))
		}
	}
}

// A repair that cannot be started hides no drift: what opened is said and kept, and the next run tries again.
func TestRecordWithoutItsRepair(t *testing.T) {
	t.Parallel()
	l, answers := repaired()
	var r registry
	s := starter{fail: errors.New("denied")}
	c := recorder(&r, &trail{}, &s)
	after, err := c.record(t.Context(), wake{at: monday}, c.history(), l, answers, true)
	if !errors.Is(err, s.fail) || !slices.Equal(said(r.notices), []string{"opened record drift"}) || len(r.saved) != 1 {
		t.Fatalf("%v: reported %q, %d saved", err, said(r.notices), len(r.saved))
	}
	s.fail, l.Drift = nil, after
	after, err = c.record(t.Context(), wake{at: monday}, c.history(), l, answers, true)
	if err != nil || len(s.started) != 1 || after.Findings[0].Repair == "" || len(r.notices) != 1 {
		t.Errorf("again: %v, %d executions, reported %q", err, len(s.started), said(r.notices))
	}
}
