package store

import (
	"context"
	"encoding/json"
	"fmt"

	"postern/internal/connection"
)

// Ledger returns a connection's ledger, nil when it is not onboarded: that of one which was offboarded is history, and says nothing
// of where a later onboarding was made, nor of what stood there before it.
func (s *Store) Ledger(ctx context.Context, connectionID string) (*connection.Ledger, error) {
	found, err := s.read(ctx, connectionID, "ledger", "unlinked", "status")
	if err != nil {
		return nil, fmt.Errorf("reading the ledger of %s: %w", connectionID, err)
	}
	return ledgerOf(connectionID, found)
}

// ledgerOf reads the attributes ledger, unlinked and status.
func ledgerOf(connectionID string, found item) (*connection.Ledger, error) {
	raw := found.text("ledger")
	if raw == "" || found.text("unlinked") != "" || Status(found.text("status")) == StatusOffboarded {
		return nil, nil
	}
	var ledger connection.Ledger
	if err := json.Unmarshal([]byte(raw), &ledger); err != nil {
		return nil, connection.Errorf(connection.Internal, "reading the ledger of %s: %w", connectionID, err)
	}
	return &ledger, nil
}
