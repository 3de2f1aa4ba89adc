package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"postern/internal/connection"
)

// ClaimNotice claims an execution's message at a gate. It returns the name of the caller's claim; the caller then sends the
// message. The name is "" when another caller claimed it.
//
// Each call claims under a name of its own: when the answer is lost and the SDK asks again, the claim is still its own. A second
// call, of a duplicate event, is not the first.
//
// The claims of an execution are an item of their own: duplicates of its event come after other executions have claimed theirs. It
// expires long after at, the time of the event, when none can come any more.
func (s *Store) ClaimNotice(ctx context.Context, connectionID, execution string, gate connection.Gate, at time.Time) (
	name string, err error) {
	return s.claimNotice(ctx, connectionID, execution, noticeOf(gate), at)
}

// ReleaseNotice releases a claim by its name, for a message that was not sent. The claim of another caller stays.
func (s *Store) ReleaseNotice(ctx context.Context, connectionID, execution string, gate connection.Gate, name string) error {
	return s.releaseNotice(ctx, connectionID, execution, noticeOf(gate), name)
}

// ClaimRemoval claims an offboarding's message, as ClaimNotice does.
func (s *Store) ClaimRemoval(ctx context.Context, connectionID, execution string, at time.Time) (name string, err error) {
	return s.claimNotice(ctx, connectionID, execution, noticeRemoval, at)
}

// ReleaseRemoval gives such a claim back by its name, for a message that was not sent.
func (s *Store) ReleaseRemoval(ctx context.Context, connectionID, execution, name string) error {
	return s.releaseNotice(ctx, connectionID, execution, noticeRemoval, name)
}

// kept is how long claims are kept. AWS: an execution runs for at most a year, and a dead letter is kept for 14 days.
const kept = 400 * 24 * time.Hour

func (s *Store) claimNotice(ctx context.Context, connectionID, execution, notice string, at time.Time) (name string, err error) {
	name = rand.Text()
	name, err = s.claimed(ctx, noticeID(connectionID, execution), name, change{
		set: map[string]string{notice: execution, notice + "By": name}, expires: at.Add(kept),
		condition: fmt.Sprintf("attribute_not_exists(%[1]s) OR %[1]sBy = :%[1]sBy", notice),
	})
	if err != nil {
		return "", fmt.Errorf("claiming the %s message of %s: %w", about(notice), connectionID, err)
	}
	return name, nil
}

func (s *Store) releaseNotice(ctx context.Context, connectionID, execution, notice, name string) error {
	_, err := s.update(ctx, noticeID(connectionID, execution), change{
		remove:    []string{notice, notice + "By"},
		condition: notice + "By = :name", values: map[string]string{"name": name},
	})
	if err != nil {
		return fmt.Errorf("releasing the %s message of %s: %w", about(notice), connectionID, err)
	}
	return nil
}

// claimed makes the change that claims a message, and returns the claim's name, or "" when the change's condition does not hold.
func (s *Store) claimed(ctx context.Context, itemID, name string, c change) (string, error) {
	held, err := s.update(ctx, itemID, c)
	if err != nil || !held {
		return "", err
	}
	return name, nil
}

// noticePrefix begins the attributes that say who sent a message.
const (
	noticePrefix  = "notice"
	noticeRemoval = noticePrefix + "Removal"
)

func noticeOf(gate connection.Gate) string {
	if gate == connection.GateAllowlist {
		return noticePrefix + "Allowlist"
	}
	return noticePrefix + "Approval"
}

func about(notice string) string { return strings.ToLower(strings.TrimPrefix(notice, noticePrefix)) }

// noticeID is no connection's id: those have one slash.
func noticeID(connectionID, execution string) string {
	return "notice/" + connectionID + "/" + execution
}
