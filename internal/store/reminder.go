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

// ClaimReminder claims a reminder, and returns the name of the caller's claim, as ClaimNotice does. The name is "" when the
// execution no longer waits at the gate, or when one of the same or a higher percentage was claimed before.
func (s *Store) ClaimReminder(ctx context.Context, r Reminder) (name string, err error) {
	name = rand.Text()
	name, err = s.claimed(ctx, r.ConnectionID, name, change{
		set: map[string]string{
			"reminderOf": reminderOf(r.Execution, r.Gate), "reminderPercent": percentage(r.Percent), "reminderBy": name,
		},
		condition: "waitExecution = :execution AND waitGate = :gate AND (attribute_not_exists(reminderOf) OR " +
			"reminderOf <> :reminderOf OR reminderPercent < :reminderPercent OR reminderBy = :reminderBy)",
		values: map[string]string{"execution": r.Execution, "gate": string(r.Gate)},
	})
	if err != nil {
		return "", fmt.Errorf("claiming the %d percent reminder of %s: %w", r.Percent, r.ConnectionID, err)
	}
	return name, nil
}

// ReleaseReminder gives a claim back by its name, for a reminder that was not sent; the next sweep says it again. Lower percentages
// stay claimed: one of them may have been sent.
func (s *Store) ReleaseReminder(ctx context.Context, r Reminder, name string) error {
	_, err := s.update(ctx, r.ConnectionID, change{
		set: map[string]string{"reminderPercent": percentage(r.Percent - 1)}, remove: []string{"reminderBy"},
		condition: "reminderBy = :name", values: map[string]string{"name": name},
	})
	if err != nil {
		return fmt.Errorf("releasing the %d percent reminder of %s: %w", r.Percent, r.ConnectionID, err)
	}
	return nil
}

// percentage has three digits, so that percentages compare as strings.
func percentage(percent int) string { return fmt.Sprintf("%03d", percent) }

func reminderOf(execution string, gate connection.Gate) string { return string(gate) + " " + execution }
