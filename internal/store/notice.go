package store

import (
	"context"
	"crypto/rand"
	"fmt"

	"postern/internal/connection"
)

// ClaimNotice reports whether the caller is the first to claim an execution's message at a gate, and so is the one who sends it.
//
// Each call claims under a name of its own: when the answer is lost and the SDK asks again, the claim is still its own. A second
// call, of a duplicate event, is not the first.
func (s *Store) ClaimNotice(ctx context.Context, connectionID, execution string, gate connection.Gate) (first bool, err error) {
	notice := noticeOf(gate)
	first, err = s.update(ctx, connectionID, change{
		set: map[string]string{notice: execution, notice + "By": rand.Text()},
		condition: fmt.Sprintf("attribute_not_exists(%[1]s) OR %[1]s <> :%[1]s OR %[1]sBy = :%[1]sBy",
			notice),
	})
	if err != nil {
		return false, fmt.Errorf("claiming the %s message of %s: %w", gate, connectionID, err)
	}
	return first, nil
}

// ReleaseNotice gives a claim back, for a message that was not sent.
func (s *Store) ReleaseNotice(ctx context.Context, connectionID, execution string, gate connection.Gate) error {
	notice := noticeOf(gate)
	_, err := s.update(ctx, connectionID, change{
		remove:    []string{notice, notice + "By"},
		condition: notice + " = :execution",
		values:    map[string]string{"execution": execution},
	})
	if err != nil {
		return fmt.Errorf("releasing the %s message of %s: %w", gate, connectionID, err)
	}
	return nil
}

func noticeOf(gate connection.Gate) string {
	if gate == connection.GateAllowlist {
		return "noticeAllowlist"
	}
	return "noticeApproval"
}
