package drift

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"postern/internal/connection"
	"postern/internal/store"
)

// What wakes the check.
const (
	bySchedule = "schedule"
	byChange   = "change" // CloudTrail, Parameter Store's own event, or a vendor's action
)

// turn is how long it takes until every connection has had its deep checks.
const turn = 24 * time.Hour

// mostDeep is the most connections that get deep checks in one scheduled run.
const mostDeep = 500

// wake is why the check was called. by is "" for what it does not know, or what needs no check: a no-op, not a fault.
type wake struct {
	by     string
	at     time.Time
	detail []byte // of a change
	wide   *place // of a change that names no part of a connection: everything in that account and Region may be concerned
	note   string // why there is nothing to do, or ""
	caller string // of a call that CloudTrail reports: who made it, and which it was; "" when it is unknown
	// parameter is set for a change of a parameter, for which AWS does not report the caller.
	parameter bool
}

// decodeWake reads the function's input; ours reports which callers are our own functions. Every input has an answer.
func decodeWake(raw []byte, ours func(arn string) bool) wake {
	var e struct {
		Source     string          `json:"source"`
		DetailType string          `json:"detail-type"`
		Time       time.Time       `json:"time"`
		Detail     json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return wake{note: "not an event"}
	}
	w := wake{by: byChange, at: e.Time, detail: e.Detail}
	switch {
	case e.Source == "aws.events" && e.DetailType == "Scheduled Event":
		return wake{by: bySchedule, at: e.Time}
	case e.Source == "aws.cloudformation" && e.DetailType == "CloudFormation Stack Status Change": // Postern was deployed
		return wake{by: bySchedule, at: e.Time}
	case e.DetailType == "AWS API Call via CloudTrail":
		return w.called(ours)
	case e.Source == "aws.ssm" && e.DetailType == "Parameter Store Change":
		w.parameter = true
		return w
	case e.Source == connection.EventSource && e.DetailType == connection.EventEndpointState:
		return w
	default:
		return wake{note: "an event of no rule of Postern"}
	}
}

// called reads a call that CloudTrail reports.
//
// AWS: a function's session has the function's name, and so have ours in other accounts; the calls for a network ACL name no subnet
// and no VPC.
func (w wake) called(ours func(arn string) bool) wake {
	var call struct {
		EventName    string          `json:"eventName"`
		ErrorCode    json.RawMessage `json:"errorCode"`
		UserIdentity struct {
			ARN string `json:"arn"`
		} `json:"userIdentity"`
		Region    string `json:"awsRegion"`
		AccountID string `json:"recipientAccountId"`
	}
	if err := json.Unmarshal(w.detail, &call); err != nil {
		return wake{note: "a CloudTrail event of an odd shape"}
	}
	switch {
	case ours(call.UserIdentity.ARN):
		return wake{note: "a call of our own"}
	case len(call.ErrorCode) > 0 && string(call.ErrorCode) != "null":
		return wake{note: "a call that failed"}
	case strings.Contains(call.EventName, "NetworkAcl"):
		w.wide = &place{accountID: call.AccountID, region: call.Region}
	}
	if arn := call.UserIdentity.ARN; arn != "" {
		w.caller = callerAndCall(arn, call.EventName)
	}
	return w
}

// ownSessions begins the names of our functions, and so of their sessions.
const ownSessions = "postern-"

// ours reports whether an ARN is of a session of one of our functions, in the function's own role or in that of a network. The name of
// the session alone proves nothing: every caller that assumes a role chooses it.
//
// AWS: CloudFormation names a role after the stack and the function; where another account must know it, the stack names it after the
// Region and the function.
func (c Config) ours(arn string) bool {
	_, rest, _ := strings.Cut(arn, ":assumed-role/")
	role, session, _ := strings.Cut(rest, "/")
	function, named := strings.CutPrefix(session, ownSessions)
	if !named || function == "" {
		return false
	}
	compact := func(name string) string { return strings.ToLower(strings.ReplaceAll(name, "-", "")) }
	if strings.HasPrefix(compact(role), compact(ownSessions+function)) ||
		strings.HasPrefix(role, ownSessions) && strings.HasSuffix(role, "-"+function) {
		return true
	}
	return slices.ContainsFunc(c.Networks, func(n connection.RegisteredNetwork) bool {
		return n.RoleARN != "" && n.RoleARN[strings.LastIndex(n.RoleARN, "/")+1:] == role
	})
}

// publishing is how long after a ledger a change of the connection's parameters counts as our own: the event may come after the
// execution that published them.
const publishing = 2 * time.Minute

// concerned returns the connections to look at: all of them by the schedule, those that a change names otherwise. One that an
// execution holds is being changed by Postern, and is left alone.
func (w wake) concerned(links []store.Link) []store.Link {
	return slices.DeleteFunc(links, func(link store.Link) bool {
		return link.Holder != "" || w.by == byChange && !w.names(link)
	})
}

// names reports whether a change names something of a connection. Calls have ids in many places, so the whole event is searched.
func (w wake) names(link store.Link) bool {
	e := link.Expects
	switch {
	case w.wide != nil:
		return e.AccountID == w.wide.accountID && e.Region == w.wide.region
	case w.parameter && w.at.Before(e.At.Add(publishing)):
		return false
	}
	ids := slices.Concat([]string{e.EndpointID, e.VPCID, e.ZoneID}, e.SubnetIDs, e.SecurityGroupIDs, e.Parameters)
	return slices.ContainsFunc(ids, w.mentions)
}

func (w wake) mentions(id string) bool {
	return id != "" && bytes.Contains(w.detail, []byte(`"`+id+`"`))
}

// turns returns the connections whose turn it is for the deep checks, in their order: all that a change concerns, and by the
// schedule those that were checked longest ago. One with a finding is checked every time, after the others, so that a fix is
// reported soon.
func (w wake) turns(links []store.Link) []store.Link {
	due := slices.Clone(links)
	switch {
	case w.wide != nil:
		return nil // the lists show what a network ACL does
	case w.by == bySchedule:
		due = slices.DeleteFunc(due, func(link store.Link) bool {
			return w.at.Sub(looked(link)) < turn && len(link.Drift.Findings) == 0
		})
	}
	slices.SortStableFunc(due, func(a, b store.Link) int { return looked(a).Compare(looked(b)) })
	return due[:min(len(due), mostDeep)]
}

// looked is when a connection last had its deep checks: its onboarding verified everything.
func looked(link store.Link) time.Time {
	if at := link.Drift.DeepAt; at.After(link.Expects.At) {
		return at
	}
	return link.Expects.At
}
