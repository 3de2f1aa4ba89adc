package store

import (
	"context"
	"encoding/json"
	"fmt"
)

// Record is what is known of a connection: enough to decide who may act on it.
type Record struct {
	Holder string // ARN of the execution that holds it, "" when it is free
	// Ticket is the key of the ticket that the connection belongs to, "" for the operators: the one that its holder came from, else
	// the one that its ledger names, else the one that the last execution came from.
	Ticket     string
	EndpointID string // "" when it has no endpoint
	Status     Status // how its last execution ended, "" when none has
	// Taken says that the connection is not free for any ticket to open: an execution holds it, it is onboarded, or the last
	// execution left something behind.
	Taken bool
}

// Owns reports whether a ticket, a key, may act on the connection: it belongs to the ticket now. "" is the operators, who may act on
// every connection.
func (r Record) Owns(ticket string) bool { return ticket == "" || ticket == r.Ticket }

// Opens reports whether an execution that came from a ticket may take the connection: it belongs to the ticket, or is free.
func (r Record) Opens(ticket string) bool { return !r.Taken || r.Owns(ticket) }

// recordAttributes are what recordOf reads.
var recordAttributes = []string{"holder", "ticket", "endpointId", "status", "failure", "ledger", "unlinked"}

// Record returns what is known of a connection; nothing of one that was never made.
func (s *Store) Record(ctx context.Context, connectionID string) (Record, error) {
	found, err := s.read(ctx, connectionID, recordAttributes...)
	if err != nil {
		return Record{}, fmt.Errorf("reading the record of %s: %w", connectionID, err)
	}
	return recordOf(connectionID, found)
}

func recordOf(connectionID string, found item) (Record, error) {
	r := Record{
		Holder: found.text("holder"), Ticket: found.text("ticket"), EndpointID: found.text("endpointId"), Status: Status(found.text("status")),
	}
	ledger, err := ledgerOf(connectionID, found)
	if err != nil {
		return Record{}, err
	}
	if ledger != nil && r.Holder == "" {
		r.Ticket = ledger.Plan.Ticket.Key()
	}
	r.Taken = r.Holder != "" || r.EndpointID != "" || ledger != nil || leftSomething(found)
	return r, nil
}

// leftSomething reports whether the last execution failed and left something behind. A failure that cannot be read may have.
func leftSomething(found item) bool {
	raw := found.text("failure")
	if raw == "" {
		return false
	}
	var failure Failure
	return json.Unmarshal([]byte(raw), &failure) != nil || failure.Dirty
}
