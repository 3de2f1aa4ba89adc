package store

import (
	"context"
	"crypto/rand"
	"fmt"

	"postern/internal/connection"
)

// ClaimOrphan reports whether the caller is the first to claim the message about an orphan, and so is the one who sends it. As
// with ClaimNotice, each call claims under a name of its own.
//
// The claim is an item of its own: an orphan may be of a connection that has none, which must not seem to have one.
func (s *Store) ClaimOrphan(ctx context.Context, orphan connection.OrphanNotice) (first bool, err error) {
	first, err = s.update(ctx, orphanID(orphan), change{
		set:       map[string]string{"orphanDigest": orphan.Digest, "orphanBy": rand.Text()},
		condition: "attribute_not_exists(orphanDigest) OR orphanDigest <> :orphanDigest OR orphanBy = :orphanBy",
	})
	if err != nil {
		return false, fmt.Errorf("claiming the message about the %s of %s: %w", orphan.Kind, orphan.ConnectionID, err)
	}
	return first, nil
}

// ReleaseOrphan gives a claim back, for a message that was not sent; the next sweep says it again.
func (s *Store) ReleaseOrphan(ctx context.Context, orphan connection.OrphanNotice) error {
	_, err := s.update(ctx, orphanID(orphan), change{
		remove: []string{"orphanDigest", "orphanBy"}, condition: "orphanDigest = :digest", values: map[string]string{"digest": orphan.Digest},
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
