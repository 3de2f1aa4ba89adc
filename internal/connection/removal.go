package connection

import "time"

// OffboardPlan is everything of a connection that there is to remove, found by our tags, by the zones' caller references and in
// the ledger.
type OffboardPlan struct {
	EndpointIDs []string `json:"endpointIds"`
	// AdoptedIDs are those of EndpointIDs that were made by hand: they are handed back, not deleted.
	AdoptedIDs      []string `json:"adoptedIds,omitempty"`
	Zones           []DNS    `json:"zones"`
	SecurityGroupID string   `json:"securityGroupId,omitempty"`
	// Config is what was published; PreviousVersion is what stood there before the connection's first onboarding.
	Config Config `json:"config"`
	// To is whom the vendor's profile says to write to about endpoints, "" when there is no such vendor any more.
	To string `json:"to,omitempty"`
}

// Empty reports whether there is nothing to remove.
func (p OffboardPlan) Empty() bool {
	return len(p.EndpointIDs)+len(p.Zones)+len(p.Config.Parameters) == 0 && p.SecurityGroupID == ""
}

// Removal is what Offboard did.
type Removal struct {
	At      time.Time `json:"at,omitzero"`
	Removed []string  `json:"removed"` // one line each, for people
	Kept    []string  `json:"kept"`    // what somebody else has changed or put there, with the reason
	// Notice is the text for the vendor, nil when there was no endpoint.
	Notice *RemovalNotice `json:"notice,omitempty"`
}

// RemovalNotice tells a vendor that endpoints are gone, so that it strikes them off its lists.
type RemovalNotice struct {
	To          string   `json:"to,omitempty"` // "" when the vendor's profile does not say
	Subject     string   `json:"subject"`
	Body        string   `json:"body"`
	EndpointIDs []string `json:"endpointIds,omitempty"`
}
