package connection

import "time"

// OffboardPlan is everything of a connection that there is to remove, found by our tags, by the zones' caller references and in
// the ledger.
type OffboardPlan struct {
	EndpointIDs []string `json:"endpointIds"`
	// AdoptedIDs are those of EndpointIDs that were adopted: Postern releases them and does not delete them.
	AdoptedIDs      []string `json:"adoptedIds,omitempty"`
	Zones           []DNS    `json:"zones"`
	SecurityGroupID string   `json:"securityGroupId,omitempty"`
	// Config is what was published; PreviousVersion is the version before the connection's first onboarding.
	Config Config `json:"config"`
	// To is the contact for endpoints in the vendor's profile, "" when the profile no longer exists.
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
	Kept    []string  `json:"kept"`    // what was changed or added outside Postern, with the reason
	// Notice is the text for the vendor, nil when there was no endpoint.
	Notice *RemovalNotice `json:"notice,omitempty"`
}

// RemovalNotice tells a vendor that endpoints are gone, so that it removes them from its lists.
type RemovalNotice struct {
	To          string   `json:"to,omitempty"` // "" when the vendor's profile does not say
	Subject     string   `json:"subject"`
	Body        string   `json:"body"`
	EndpointIDs []string `json:"endpointIds,omitempty"`
}
