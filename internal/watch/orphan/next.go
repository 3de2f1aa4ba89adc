package orphan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"postern/internal/connection"
)

// offboard says how a person removes what a notice lists. An offboarding finds what is in registered VPCs, and hosted zones by
// the VPC that they answer in; the rest needs manual removal.
func (j *judge) offboard(n *connection.OrphanNotice) {
	var outside []connection.OrphanThing
	for _, thing := range n.Things {
		if _, registered := j.Networks.Find(thing.Region, thing.VPCID); thing.VPCID != "" && !registered {
			outside = append(outside, thing)
		}
	}
	n.Request = j.request(connection.ActionOffboard)
	byHand := outside
	if n.Request == nil || len(outside) > 0 && len(outside) == len(n.Things) {
		n.Request, byHand = nil, n.Things
	}
	var next []string
	if n.Request != nil {
		next = append(next, "Start the state machine with the request below: it removes what Postern owns of the connection in every "+
			"registered network, and keeps the rest. Or start the onboarding again, if the connection is still wanted.")
	}
	if len(byHand) > 0 {
		next = append(next, "Delete manually, since an offboarding does not find it: "+described(byHand)+".")
	}
	n.Next = strings.Join(next, " ")
}

// request is a request that names this connection and nothing else; nil when no connection can have such a name: the tag was
// written manually.
func (j *judge) request(action connection.Action) json.RawMessage {
	vendorID, name, _ := strings.Cut(j.id, "/")
	raw, err := json.Marshal(struct {
		SchemaVersion int               `json:"schemaVersion"`
		Action        connection.Action `json:"action"`
		Vendor        string            `json:"vendor"`
		Name          string            `json:"name"`
	}{connection.SchemaVersion, action, vendorID, name})
	if err != nil {
		return nil
	}
	if _, err := connection.DecodeRequest(raw); err != nil {
		return nil
	}
	return raw
}

// described is a list for people.
func described(things []connection.OrphanThing) string {
	var all []string
	for _, thing := range things {
		text := thing.Type + " " + thing.ID + " (account " + thing.AccountID
		if thing.Region != "" {
			text += ", " + thing.Region
		}
		all = append(all, text+")")
	}
	return strings.Join(all, ", ")
}

// names are the things' ids in their own order, whichever order AWS lists them in.
func names(things []connection.OrphanThing) string {
	var ids []string
	for _, thing := range things {
		ids = append(ids, thing.ID)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func oldest(things []connection.OrphanThing) time.Time {
	var first time.Time
	for _, thing := range things {
		if first.IsZero() || thing.CreatedAt.Before(first) {
			first = thing.CreatedAt
		}
	}
	return first
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:8])
}
