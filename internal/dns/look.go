package dns

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// Existing is a zone as it is now.
type Existing struct {
	Ours   bool     // made for the connection
	VPCIDs []string // that it answers in
}

// Look reads a zone of a connection; false when it does not exist.
func (c *Client) Look(ctx context.Context, zoneID, connectionID string) (Existing, bool, error) {
	made, vpcIDs, err := c.get(ctx, zoneID)
	if awserr.IsNotFound(err) {
		return Existing{}, false, nil
	}
	return Existing{Ours: made.of(connectionID), VPCIDs: vpcIDs}, err == nil, err
}

// Differences says, a phrase each, how the records of a zone differ from those that were written: one is missing, has another value, or
// a further record answers one of the names. Records at other names of the zone do no harm. It needs a manual repair when a repair may
// not overwrite what is there, or when no written record is missing.
func (c *Client) Differences(ctx context.Context, zoneID string, written []connection.WrittenRecord) (
	differences []string, forHands bool, err error) {
	held := map[connection.Record]bool{}
	_, err = c.each(ctx, zoneID, "", func(have types.ResourceRecordSet) bool {
		name := Name(aws.ToString(have.Name))
		if !addresses(have.Type) || !slices.ContainsFunc(written, func(w connection.WrittenRecord) bool { return covers(w.Name, name) }) {
			return true
		}
		record, _ := read(have)
		if slices.ContainsFunc(written, func(w connection.WrittenRecord) bool { return w.Record == record }) {
			held[record] = true
		} else {
			ttl := ""
			if have.TTL != nil {
				ttl = fmt.Sprintf(" (TTL %d s)", *have.TTL)
			}
			differences = append(differences, fmt.Sprintf("%s is %s %s%s", name, have.Type, shown(have), ttl))
			_, ours := form(have)
			forHands = forHands || !ours && slices.ContainsFunc(written, func(w connection.WrittenRecord) bool { return w.Name == name })
		}
		return true
	})
	lacking := false
	for _, want := range written {
		if !held[want.Record] {
			lacking = true
			differences = append(differences, fmt.Sprintf("%s should be %s %s%s", want.Name, want.Type, want.Value, lasting(want.TTL)))
		}
	}
	return differences, forHands || len(differences) > 0 && !lacking, err
}

func lasting(ttl int64) string {
	if ttl == 0 {
		return "" // an alias
	}
	return fmt.Sprintf(" (TTL %d s)", ttl)
}

// covers reports whether a record at a name answers in place of a written one: at the same name, or at one that a wildcard includes.
func covers(written, name string) bool {
	parent, wildcard := strings.CutPrefix(written, "*")
	return name == written || wildcard && strings.HasSuffix(name, parent)
}
