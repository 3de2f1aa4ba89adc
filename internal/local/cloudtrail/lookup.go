package cloudtrail

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern/internal/local/events"
	"postern/internal/local/wire"
)

// Service is CloudTrail's event history: it looks up what was told to EventBridge.
type Service struct{ told func() []events.Emitted }

// New returns the event history of a bus.
func New(told func() []events.Emitted) *Service { return &Service{told: told} }

// Name is the signing name.
func (s *Service) Name() string { return "cloudtrail" }

// Protocol is JSON 1.1.
func (s *Service) Protocol() wire.Protocol { return wire.JSON11 }

// Operations are the simulated operations.
func (s *Service) Operations() map[string]wire.Operation {
	// AWS: LookupEvents has no resource types.
	return map[string]wire.Operation{"LookupEvents": {
		Permissions: func(*wire.Call) []wire.Permission {
			return []wire.Permission{{Action: "cloudtrail:LookupEvents", Resource: "*"}}
		},
		Do: wire.JSON(s.lookup),
	}}
}

type lookupInput struct {
	LookupAttributes []struct{ AttributeKey, AttributeValue string }
	StartTime        *float64
	EndTime          *float64
	NextToken        string
}

type lookupOutput struct {
	Events    []event
	NextToken string `json:",omitempty"`
}

// mostEvents is how many events stand on a page.
const mostEvents = 50

type event struct {
	EventID         string `json:"EventId"`
	EventName       string
	ReadOnly        string
	EventTime       float64
	EventSource     string
	Username        string `json:",omitempty"`
	CloudTrailEvent string
}

// lookup answers with the events that name a resource, the newest first.
func (s *Service) lookup(call *wire.Call, in lookupInput) (lookupOutput, error) {
	if len(in.LookupAttributes) != 1 || in.LookupAttributes[0].AttributeKey != "ResourceName" {
		return lookupOutput{}, wire.Errorf("InvalidLookupAttributesException", "one attribute, ResourceName, is known here")
	}
	quoted, _ := json.Marshal(in.LookupAttributes[0].AttributeValue)
	out := lookupOutput{Events: []event{}}
	for _, told := range slices.Backward(s.told()) {
		e := told.Event
		at := float64(e.Time.UnixMilli()) / 1000
		if e.DetailType != "AWS API Call via CloudTrail" || !strings.Contains(string(e.Detail), string(quoted)) ||
			in.StartTime != nil && at < *in.StartTime || in.EndTime != nil && at > *in.EndTime ||
			call.Now.Sub(e.Time) > 90*24*time.Hour {
			continue
		}
		var detail struct{ EventName, EventSource string }
		if err := json.Unmarshal(e.Detail, &detail); err != nil {
			return out, err
		}
		out.Events = append(out.Events, event{
			EventID: e.ID, EventName: detail.EventName, ReadOnly: "false", EventTime: at, EventSource: detail.EventSource,
			CloudTrailEvent: string(e.Detail),
		})
	}
	from, _ := strconv.Atoi(in.NextToken)
	rest := out.Events[min(from, len(out.Events)):]
	if out.Events = rest; len(rest) > mostEvents {
		out.Events, out.NextToken = rest[:mostEvents], strconv.Itoa(from+mostEvents)
	}
	return out, nil
}
