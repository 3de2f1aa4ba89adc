package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/internal/catalog"
	"postern/internal/connection"
)

const (
	secondsPerDay  = 86_400
	secondsPerHour = 3_600
	// defaultHeartbeatHours is how long the five-minute sweep may send no heartbeat before a wait ends with WatchLost.
	defaultHeartbeatHours = 3
	maxDays               = 180 // two waits fit into the year that AWS lets an execution run
	maxHeartbeatHours     = 23  // AWS: a heartbeat must be shorter than its timeout, which is a day at least
)

// Timeouts are set at deploy time; 0 leaves a wait its default, the vendor profile's days or a heartbeat of 3 hours.
type Timeouts struct {
	AllowlistDays  int `json:"allowlistDays"`
	ApprovalDays   int `json:"approvalDays"`
	HeartbeatHours int `json:"heartbeatHours"`
}

// ParseTimeouts decodes the JSON object that the stack puts into a function's environment; "" is no override.
func ParseTimeouts(raw string) (Timeouts, error) {
	var timeouts Timeouts
	if raw == "" {
		return timeouts, nil
	}
	decoder := json.NewDecoder(strings.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&timeouts); err != nil {
		return Timeouts{}, fmt.Errorf("timeouts: %w", err)
	}
	for _, days := range []int{timeouts.AllowlistDays, timeouts.ApprovalDays} {
		if days < 0 || days > maxDays {
			return Timeouts{}, fmt.Errorf("timeouts: %d days; write 0 to %d", days, maxDays)
		}
	}
	if hours := timeouts.HeartbeatHours; hours < 0 || hours > maxHeartbeatHours {
		return Timeouts{}, fmt.Errorf("timeouts: a heartbeat of %d hours; write 0 to %d", hours, maxHeartbeatHours)
	}
	return timeouts, nil
}

// apply returns gates with the overrides and the heartbeat.
func (t Timeouts) apply(gates connection.Gates) connection.Gates {
	heartbeat := int64(secondsPerHour) * defaultHeartbeatHours
	if t.HeartbeatHours > 0 {
		heartbeat = int64(t.HeartbeatHours) * secondsPerHour
	}
	set := func(gate *connection.GatePlan, days int) {
		if days > 0 {
			gate.TimeoutSeconds = int64(days) * secondsPerDay
		}
		gate.HeartbeatSeconds = heartbeat
	}
	set(&gates.Allowlist, t.AllowlistDays)
	set(&gates.Approval, t.ApprovalDays)
	return gates
}

// Approval is how long an approval may be waited for: the longer of what is set here and what the vendor's profile says. For a vendor
// without a profile it is the longest time of all profiles.
func (t Timeouts) Approval(vendors catalog.Catalog, vendorID string) time.Duration {
	days := t.ApprovalDays
	ids := vendors.IDs()
	if slices.Contains(ids, vendorID) {
		ids = []string{vendorID}
	}
	for _, id := range ids {
		profile, _ := vendors.Find(id)
		days = max(days, profile.Gates.Approval.TimeoutDays)
	}
	return time.Duration(days) * secondsPerDay * time.Second
}
