package drift

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"postern/internal/store"
)

// What wakes the check.
const (
	bySchedule = "schedule"
	byChange   = "change" // CloudTrail, or Parameter Store's own event
)

// turn is how long it takes until every connection has had its deep checks.
const turn = 24 * time.Hour

// mostDeep is how many connections are looked at deeply in one scheduled run, when more than that are due.
const mostDeep = 500

// wake is why the check was called. by is "" for what it does not know: a no-op, not a fault.
type wake struct {
	by     string
	at     time.Time
	detail []byte // of a change
	note   string // why there is nothing to do, or ""
}

// decodeWake reads the function's input. Every input has an answer.
func decodeWake(raw []byte) wake {
	var e struct {
		Source     string          `json:"source"`
		DetailType string          `json:"detail-type"`
		Time       time.Time       `json:"time"`
		Detail     json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return wake{note: "not an event"}
	}
	switch {
	case e.Source == "aws.events" && e.DetailType == "Scheduled Event":
		return wake{by: bySchedule, at: e.Time}
	case e.DetailType == "AWS API Call via CloudTrail", e.DetailType == "Parameter Store Change":
		return wake{by: byChange, at: e.Time, detail: e.Detail}
	default:
		return wake{note: "an event that nobody subscribed us to"}
	}
}

// concerned returns the connections to look at: all of them by the schedule, those that a change names otherwise. One that an
// execution holds is being changed by us, and is left alone.
func (w wake) concerned(links []store.Link) []store.Link {
	return slices.DeleteFunc(links, func(link store.Link) bool {
		return link.Holder != "" || w.by == byChange && !w.names(link)
	})
}

// names reports whether a change names something of a connection. Calls write ids in many shapes, so they are searched for wherever
// they stand.
func (w wake) names(link store.Link) bool {
	e := link.Expects
	ids := slices.Concat([]string{e.EndpointID, e.VPCID, e.ZoneID}, e.SubnetIDs, e.SecurityGroupIDs, e.Parameters)
	return slices.ContainsFunc(ids, func(id string) bool { return id != "" && bytes.Contains(w.detail, []byte(`"`+id+`"`)) })
}

// deep returns the connections whose turn it is for the deep checks: all that a change concerns, and by the schedule those that were
// looked at longest ago.
func (w wake) deep(links []store.Link) map[string]bool {
	due := slices.Clone(links)
	if w.by == bySchedule {
		due = slices.DeleteFunc(due, func(link store.Link) bool { return w.at.Sub(looked(link)) < turn })
		slices.SortStableFunc(due, func(a, b store.Link) int { return looked(a).Compare(looked(b)) })
		due = due[:min(len(due), mostDeep)]
	}
	chosen := map[string]bool{}
	for _, link := range due {
		chosen[link.ConnectionID] = true
	}
	return chosen
}

// looked is when a connection was last looked at deeply: its onboarding verified everything. What was found before an onboarding or
// a repair may be mended by it, and is looked at now.
func looked(link store.Link) time.Time {
	if len(link.Drift.Findings) > 0 && link.Drift.Ledger.Before(link.Expects.At) {
		return time.Time{}
	}
	if at := link.Drift.DeepAt; at.After(link.Expects.At) {
		return at
	}
	return link.Expects.At
}
