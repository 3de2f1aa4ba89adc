package wire

import (
	"crypto/sha256"
	"fmt"
)

// UUID returns a UUID that is a pure function of its seed, so that every run of the simulation hands out the same ids.
func UUID(seed string) string {
	h := sha256.Sum256([]byte(seed))
	h[6] = h[6]&0x0f | 0x40
	h[8] = h[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}
