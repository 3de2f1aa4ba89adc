package store

import (
	"context"
	"crypto/rand"
	"fmt"

	"postern/internal/connection"
)

// Reminder is a percentage of the vendor's hours that has passed while an execution waits at a gate.
type Reminder struct {
	ConnectionID string
	Execution    string // ARN
	Gate         connection.Gate
	Percent      int // 1 to 100
}

// ClaimReminder reports whether the caller sends a reminder. Nobody does when the execution no longer waits at the gate, or when
// one of the same or a higher percentage was claimed before. As with ClaimNotice, each call claims under a name of its own.
func (s *Store) ClaimReminder(ctx context.Context, r Reminder) (first bool, err error) {
	first, err = s.update(ctx, r.ConnectionID, change{
		set: map[string]string{
			"reminderOf": reminderOf(r.Execution, r.Gate), "reminderPercent": r.percent(), "reminderBy": rand.Text(),
		},
		condition: "waitExecution = :execution AND waitGate = :gate AND (attribute_not_exists(reminderOf) OR " +
			"reminderOf <> :reminderOf OR reminderPercent < :reminderPercent OR reminderBy = :reminderBy)",
		values: map[string]string{"execution": r.Execution, "gate": string(r.Gate)},
	})
	if err != nil {
		return false, fmt.Errorf("claiming the %d percent reminder of %s: %w", r.Percent, r.ConnectionID, err)
	}
	return first, nil
}

// ReleaseReminder gives a claim back, for a reminder that was not sent; the next sweep says it again.
func (s *Store) ReleaseReminder(ctx context.Context, r Reminder) error {
	_, err := s.update(ctx, r.ConnectionID, change{
		remove:    []string{"reminderOf", "reminderPercent", "reminderBy"},
		condition: "reminderOf = :of AND reminderPercent = :percent",
		values:    map[string]string{"of": reminderOf(r.Execution, r.Gate), "percent": r.percent()},
	})
	if err != nil {
		return fmt.Errorf("releasing the %d percent reminder of %s: %w", r.Percent, r.ConnectionID, err)
	}
	return nil
}

// percent has three digits, so that percentages compare as strings.
func (r Reminder) percent() string { return fmt.Sprintf("%03d", r.Percent) }

func reminderOf(execution string, gate connection.Gate) string { return string(gate) + " " + execution }
