package events

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"postern/internal/local/wire"
)

// Operations are the simulated operations.
func (s *Service) Operations() map[string]wire.Operation {
	return map[string]wire.Operation{
		"PutEvents": {Write: true, Permissions: s.mayPut, Do: wire.JSON(s.putEvents)},
	}
}

type putEventsInput struct{ Entries []entry }

type entry struct {
	Source, DetailType, Detail, EventBusName, TraceHeader string
	Resources                                             []string
	Time                                                  *float64 // seconds since 1970
}

type putEventsOutput struct {
	FailedEntryCount int
	Entries          []putResult
}

type putResult struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

func (s *Service) mayPut(call *wire.Call) []wire.Permission {
	var in putEventsInput
	if wire.DecodeJSON(call, &in) != nil || len(in.Entries) == 0 {
		return []wire.Permission{{Action: "events:PutEvents", Resource: s.busARN(DefaultBus)}}
	}
	var needed []wire.Permission
	for _, e := range in.Entries {
		needed = append(needed, wire.Permission{
			Action: "events:PutEvents", Resource: s.busARN(busName(e.EventBusName)),
			Context: map[string][]string{"events:source": {e.Source}, "events:detail-type": {e.DetailType}},
		})
	}
	return needed
}

// The limits of one PutEvents. AWS: 10 entries, 256 KB in all.
const (
	maxEntries = 10
	maxBytes   = 256 * 1024
)

func (s *Service) putEvents(_ *wire.Call, in putEventsInput) (putEventsOutput, error) {
	if n := len(in.Entries); n < 1 || n > maxEntries {
		return putEventsOutput{}, wire.Errorf("ValidationException", "1 validation error detected: Value at 'entries' "+
			"failed to satisfy constraint: Member must have length between 1 and %d, inclusive; it has %d", maxEntries, n)
	}
	total := 0
	for _, e := range in.Entries {
		total += e.size()
	}
	if total > maxBytes {
		return putEventsOutput{}, wire.Errorf("ValidationException", "Total size of the entries in the request is over the limit.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out putEventsOutput
	for _, e := range in.Entries {
		result := s.put(e)
		if result.ErrorCode != "" {
			out.FailedEntryCount++
		}
		out.Entries = append(out.Entries, result)
	}
	return out, nil
}

// size is an entry's size as AWS counts it.
func (e entry) size() int {
	size := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if e.Time != nil {
		size += 14
	}
	for _, r := range e.Resources {
		size += len(r)
	}
	return size
}

// put takes one entry. The service is locked.
func (s *Service) put(e entry) putResult {
	missing := func(name string) putResult {
		return putResult{
			ErrorCode:    "InvalidArgument",
			ErrorMessage: "Parameter " + name + " is not valid. Reason: " + name + " is a required argument.",
		}
	}
	switch {
	case e.Source == "":
		return missing("Source")
	case e.DetailType == "":
		return missing("DetailType")
	case e.Detail == "":
		return missing("Detail")
	case strings.HasPrefix(e.Source, "aws."):
		return putResult{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}
	case !s.buses[busName(e.EventBusName)]:
		return putResult{ErrorCode: "ResourceNotFoundException", ErrorMessage: "Event bus " + e.EventBusName + " does not exist."}
	}
	event := Event{DetailType: e.DetailType, Source: e.Source, Resources: e.Resources, Detail: json.RawMessage(e.Detail)}
	if e.Time != nil {
		seconds, fraction := math.Modf(*e.Time)
		event.Time = time.Unix(int64(seconds), int64(fraction*1e9)).UTC()
	}
	event, err := s.completed(event)
	if err != nil {
		return putResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	if s.refuse != nil {
		if code, message := s.refuse(event); code != "" {
			return putResult{ErrorCode: code, ErrorMessage: message}
		}
	}
	s.accept(busName(e.EventBusName), event)
	return putResult{EventID: event.ID}
}
