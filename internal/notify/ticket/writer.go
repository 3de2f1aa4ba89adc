package ticket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"postern/internal/connection"
	"postern/internal/store"
)

// Records returns what is known of a connection.
type Records interface {
	Record(ctx context.Context, connectionID string) (store.Record, error)
}

// Credentials returns what a system is called with; "" when none was put.
type Credentials interface {
	Credential(ctx context.Context, system string) (string, error)
}

// Writer puts comments on tickets.
type Writer struct {
	settings    map[string]Settings // by system
	ledger      *Ledger
	records     Records
	credentials Credentials
	client      *http.Client
	now         func() time.Time
	log         *slog.Logger

	// until is when systems may be called again that asked to wait. An instance that starts anew asks again, and is told again.
	until map[string]time.Time
}

// New returns a writer for the systems that have settings.
func New(settings map[string]Settings, ledger *Ledger, records Records, credentials Credentials, client *http.Client,
	now func() time.Time, log *slog.Logger,
) *Writer {
	return &Writer{settings: settings, ledger: ledger, records: records, credentials: credentials, client: client, now: now, log: log,
		until: map[string]time.Time{}}
}

// Result says what one event came to.
type Result struct {
	Ref    string `json:"ref,omitempty"` // of the comment; "" when there was nothing to tell
	Posted bool   `json:"posted"`        // by this invocation
}

// Write handles one event. An event that tells nothing, an event without a ticket, and a system without settings or credential
// are no-ops. An error means that the comment is not known to be out: the same event may be handled again.
func (w *Writer) Write(ctx context.Context, e Event) (Result, error) {
	news, err := tell(e)
	if err != nil || news == nil {
		return Result{}, err
	}
	log := w.log.With("connection", news.connectionID, "state", news.comment.State)
	ticket, err := w.ticket(ctx, news)
	if err != nil || ticket == nil {
		return Result{}, err
	}
	system, id := ticket.System, ticket.ID
	settings, known := w.settings[system]
	if !known {
		log.InfoContext(ctx, "no ticket to write to", "system", system)
		return Result{}, nil
	}
	if until := w.until[system]; w.now().Before(until) {
		return Result{}, connection.Errorf(connection.Throttled, "%s asked to be left alone until %s", system, stamp(until))
	}
	to, err := w.open(ctx, system, settings)
	if err != nil || to == nil {
		return Result{}, err
	}
	news.comment.Ref = Reference(append([]string{news.connectionID, system, id, news.comment.State}, news.scope...)...)
	result, err := w.once(ctx, system, to, id, news.comment)
	if errors.Is(err, errTicket) {
		log.WarnContext(ctx, "not written", "system", system, "reason", err.Error())
		return Result{}, nil
	}
	if err != nil {
		return Result{}, fmt.Errorf("telling a ticket of %s that it is %s: %w", news.connectionID, news.comment.State, err)
	}
	log.InfoContext(ctx, "ticket told", "system", system, "ref", result.Ref, "posted", result.Posted)
	return result, nil
}

// ticket returns the ticket to tell, nil for none: the event's own, or the one that the connection belongs to now when the event does
// not know.
func (w *Writer) ticket(ctx context.Context, n *news) (*connection.Ticket, error) {
	if n.ticket != nil || !n.owner {
		return n.ticket, nil
	}
	record, err := w.records.Record(ctx, n.connectionID)
	return ticketOf(record.Ticket), err
}

// open returns a system to post to, nil when no credential was put.
func (w *Writer) open(ctx context.Context, name string, settings Settings) (system, error) {
	credential, err := w.credentials.Credential(ctx, name)
	if err != nil || credential == "" {
		return nil, err
	}
	to, err := openers[name](settings, w.client, credential)
	if err != nil {
		return nil, connection.Errorf(connection.Internal, "the write-back settings of %s: %w", name, err)
	}
	return to, nil
}

// once posts a comment unless it is out.
func (w *Writer) once(ctx context.Context, name string, to system, ticket string, c Comment) (Result, error) {
	result := Result{Ref: c.Ref}
	standing, err := w.ledger.Begin(ctx, c.Ref, c.At)
	if err != nil || standing == Posted {
		return result, err
	}
	found := false
	if standing == Begun {
		if found, err = to.find(ctx, ticket, c.Ref); err != nil {
			return result, w.failure(name, err)
		}
	}
	if !found {
		if err := to.post(ctx, ticket, c); err != nil {
			return result, w.failure(name, err)
		}
		result.Posted = true
	}
	return result, w.ledger.Done(ctx, c.Ref)
}

// maxWait is the longest wait that a system may ask for.
const maxWait = time.Hour

// failure names what went wrong at a system, and keeps how long it asks to be left alone.
func (w *Writer) failure(system string, err error) error {
	var answer *refused
	if errors.As(err, &answer) && answer.after > 0 {
		w.until[system] = w.now().Add(min(answer.after, maxWait))
	}
	return failure(system, err)
}
