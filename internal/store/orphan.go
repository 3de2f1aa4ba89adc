package store

import (
	"context"
	"crypto/rand"
	"fmt"

	"postern/internal/connection"
)

// ClaimOrphan claims the message about an orphan, and returns the name of the caller's claim, as ClaimNotice does.
//
// The claim is an item of its own: an orphan may be of a connection that has none, which must not seem to have one.
func (s *Store) ClaimOrphan(ctx context.Context, orphan connection.OrphanNotice) (name string, err error) {
	name = rand.Text()
	name, err = s.claimed(ctx, orphanID(orphan), name, change{
		set:       map[string]string{"orphanDigest": orphan.Digest, "orphanBy": name},
		condition: "attribute_not_exists(orphanDigest) OR orphanDigest <> :orphanDigest OR orphanBy = :orphanBy",
	})
	if err != nil {
		return "", fmt.Errorf("claiming the message about the %s of %s: %w", orphan.Kind, orphan.ConnectionID, err)
	}
	return name, nil
}

// ReleaseOrphan gives a claim back by its name, for a message that was not sent; the next sweep says it again.
func (s *Store) ReleaseOrphan(ctx context.Context, orphan connection.OrphanNotice, name string) error {
	_, err := s.update(ctx, orphanID(orphan), change{
		remove: []string{"orphanDigest", "orphanBy"}, condition: "orphanBy = :name", values: map[string]string{"name": name},
	})
	if err != nil {
		return fmt.Errorf("releasing the message about the %s of %s: %w", orphan.Kind, orphan.ConnectionID, err)
	}
	return nil
}

// orphanID is no connection's id: those have one slash.
func orphanID(orphan connection.OrphanNotice) string {
	return "orphan/" + string(orphan.Kind) + "/" + orphan.ConnectionID
}
