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
	// lateness is how long it is asked who changed something: AWS delivers events within about 15 minutes, most of the time.
	lateness = 2 * time.Hour
	// before the drift was seen the change was made, at most so long.
	earlier = 26 * time.Hour
)

// name writes into findings who changed what drifted, as far as CloudTrail knows. It is asked when a finding is new, and again until
// the event should be there: one read for each changed thing. Nobody knowing is no error.
//
// The call that woke the check is known before CloudTrail's history has it, and is what opened the findings about what it names.
func (c *Checker) name(ctx context.Context, w wake, link store.Link, drift *connection.Drift) {
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
		trail := c.Trails(link.Expects.Access, region)
		var newest time.Time
		for _, thing := range things {
			by, when, err := lastChange(ctx, trail, thing, w.at)
			if err != nil {
				c.Log.WarnContext(ctx, "CloudTrail does not say who changed it", slog.String("thing", thing), slog.String("error", err.Error()))
				continue
			}
			if when.After(newest) {
				finding.By, newest = by, when
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
	return "", nil // nobody of ours: the vendor, or a name's way through many hands
}

func some(id string) []string {
	if id == "" {
		return nil
	}
	return []string{id}
}

// lastChange returns who changed a thing last, other than we, and by which call; "" when CloudTrail does not know.
//
// AWS: LookupEvents answers the newest first, two calls a second for an account and Region, and one attribute for each call.
func lastChange(ctx context.Context, trail Trail, thing string, at time.Time) (by string, when time.Time, err error) {
	out, err := trail.LookupEvents(ctx, &cloudtrail.LookupEventsInput{
		LookupAttributes: []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyResourceName, AttributeValue: aws.String(thing)}},
		StartTime:        aws.Time(at.Add(-earlier)),
	})
	if err != nil {
		return "", time.Time{}, err
	}
	for _, event := range out.Events {
		who, did := identity(event)
		if !did || who == "" || aws.ToString(event.ReadOnly) == "true" || ours(who) {
			continue
		}
		return told(who, aws.ToString(event.EventName)), aws.ToTime(event.EventTime), nil
	}
	return "", time.Time{}, nil
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

// told is how a caller and a call are told of.
func told(who, call string) string { return who + " (" + call + ")" }
