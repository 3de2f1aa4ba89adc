package drift

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"postern/internal/connection"
	"postern/internal/store"
)

// Trail is what is read of CloudTrail; *cloudtrail.Client satisfies it.
type Trail interface {
	LookupEvents(context.Context, *cloudtrail.LookupEventsInput, ...func(*cloudtrail.Options)) (*cloudtrail.LookupEventsOutput, error)
}

// Trails returns the CloudTrail of an account, in a Region: "" for the connection's own.
type Trails func(access connection.Access, region string) Trail

// globalRegion is where CloudTrail has the events of global services, Route 53 among them.
const globalRegion = "us-east-1"

const (
	// lateness is how long the check asks who changed something: AWS delivers events within about 15 minutes, most of the time.
	lateness = 2 * time.Hour
	// earlier is how far back to search CloudTrail.
	earlier = 26 * time.Hour
	// mostPages is how far back the events of one thing are read, 50 at a time.
	mostPages = 4
	// mostLookups is how many calls one run makes, of all things together: after hundreds of changes every finding is reported
	// in time, and the caller for as many as there is time for.
	//
	// AWS: LookupEvents takes two calls a second from an account in a Region; the reserve has a minute.
	mostLookups = 60
)

// name writes into findings who changed what drifted, as far as CloudTrail knows. It is asked when a finding is new, and again until
// the event should be there. An unknown caller is no error.
//
// The call that woke the check is known before CloudTrail's history has it, and is what opened the findings about what it names.
func (h *history) name(ctx context.Context, w wake, link store.Link, drift *connection.Drift) {
	for i := range drift.Findings {
		finding := &drift.Findings[i]
		if finding.Result != connection.DriftFound || finding.By != "" || w.at.Sub(finding.Since) > lateness {
			continue
		}
		region, things := changed(finding.Check, link.Expects)
		if w.caller != "" && finding.Since.Equal(w.at) && slices.ContainsFunc(things, w.mentions) {
			finding.By = w.caller
			continue
		}
		var newest time.Time
		for _, thing := range things {
			if last := h.of(ctx, subject{link.Expects.Access, region, thing}, w.at); last.when.After(newest) {
				finding.By, newest = last.by, last.when
			}
		}
	}
}

// changed returns the names by which CloudTrail knows what a check looks at, and the Region of its events, "" for the connection's.
func changed(check connection.DriftCheck, e connection.Expectation) (region string, things []string) {
	switch check {
	case connection.CheckZone, connection.CheckRecord:
		return globalRegion, some(e.ZoneID)
	case connection.CheckSecurityGroups:
		return "", append(some(e.EndpointID), e.SecurityGroupIDs...)
	case connection.CheckParameters:
		return "", e.Parameters
	case connection.CheckVPCDNS:
		return "", some(e.VPCID)
	case connection.CheckEndpointState, connection.CheckEndpoint, connection.CheckSubnets, connection.CheckPrivateDNS, connection.CheckPolicy,
		connection.CheckTags, connection.CheckNotification, connection.CheckInterfaces:
		return "", some(e.EndpointID)
	}
	return "", nil // no call in the account: the vendor, or the resolution of a name
}

func some(id string) []string {
	if id == "" {
		return nil
	}
	return []string{id}
}

// history is what CloudTrail reports of resources in one run: each is asked for once, however many connections share it.
type history struct {
	trails Trails
	ours   func(arn string) bool
	log    *slog.Logger
	known  map[subject]lastCall
	calls  int
}

// subject is a thing where CloudTrail knows it.
type subject struct {
	access connection.Access
	region string
	name   string
}

// lastCall is who changed a thing last, other than Postern, and by which call; zero when CloudTrail does not know.
type lastCall struct {
	by   string
	when time.Time
}

func (c *Checker) history() *history {
	return &history{trails: c.Trails, ours: c.Config.ours, log: c.Log, known: map[subject]lastCall{}}
}

// of returns the last change of a thing. Without a call left it is unknown, and the next run asks again.
func (h *history) of(ctx context.Context, s subject, at time.Time) lastCall {
	last, known := h.known[s]
	if known || h.calls >= mostLookups {
		return last
	}
	last, err := h.read(ctx, s, at)
	if err != nil {
		h.log.WarnContext(ctx, "CloudTrail does not say who changed it", slog.String("thing", s.name), slog.String("error", err.Error()))
	}
	h.known[s] = last
	return last
}

// read looks through the newest events of a thing for a change by another caller. Our own calls, and reads, may come before it.
//
// AWS: LookupEvents answers the newest first, at most 50 at a time, for one attribute.
func (h *history) read(ctx context.Context, s subject, at time.Time) (lastCall, error) {
	trail := h.trails(s.access, s.region)
	in := &cloudtrail.LookupEventsInput{
		LookupAttributes: []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyResourceName, AttributeValue: aws.String(s.name)}},
		StartTime:        aws.Time(at.Add(-earlier)),
	}
	for page := 0; page < mostPages && h.calls < mostLookups; page++ {
		h.calls++
		out, err := trail.LookupEvents(ctx, in)
		if err != nil {
			return lastCall{}, err
		}
		for _, event := range out.Events {
			who, did := identity(event)
			if !did || who == "" || aws.ToString(event.ReadOnly) == "true" || h.ours(who) {
				continue
			}
			return lastCall{callerAndCall(who, aws.ToString(event.EventName)), aws.ToTime(event.EventTime)}, nil
		}
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			break
		}
	}
	return lastCall{}, nil
}

// identity is the ARN of who made a call, or the name that CloudTrail shows, and whether the call did something: one that AWS refused
// changed nothing.
func identity(event types.Event) (who string, did bool) {
	var detail struct {
		UserIdentity struct {
			ARN string `json:"arn"`
		} `json:"userIdentity"`
		ErrorCode string `json:"errorCode"`
	}
	_ = json.Unmarshal([]byte(aws.ToString(event.CloudTrailEvent)), &detail) // what is odd there has a name all the same
	return cmp.Or(detail.UserIdentity.ARN, aws.ToString(event.Username)), detail.ErrorCode == ""
}

// callerAndCall formats a caller and a call for findings.
func callerAndCall(who, call string) string { return who + " (" + call + ")" }
