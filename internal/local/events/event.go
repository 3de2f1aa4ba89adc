package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"postern/internal/local/wire"
)

// Event is an event on a bus. Emit fills in what is not set, except the detail type and the source.
type Event struct {
	ID         string
	DetailType string
	Source     string
	Account    string
	Time       time.Time
	Region     string
	Resources  []string // ARNs
	Detail     json.RawMessage
}

// JSON is the event in the envelope that rules match and targets receive.
func (e Event) JSON() []byte { return encode(e.envelope()) }

// envelope has AWS's members in AWS's order.
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail,omitempty"`
}

func (e Event) envelope() envelope {
	return envelope{
		Version: "0", ID: e.ID, DetailType: e.DetailType, Source: e.Source, Account: e.Account,
		Time: e.Time.UTC().Format(time.RFC3339), Region: e.Region, Resources: append([]string{}, e.Resources...), Detail: e.Detail,
	}
}

// encode writes JSON as AWS does, without escaping <, > and &.
func encode(value any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("events: %v", err)) // only strings, and details that were checked, are written
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// completed is the event with all that EventBridge fills in.
func (s *Service) completed(e Event) (Event, error) {
	if e.Detail == nil {
		e.Detail = json.RawMessage("{}")
	}
	var detail map[string]json.RawMessage
	if err := json.Unmarshal(e.Detail, &detail); err != nil || detail == nil {
		return e, fmt.Errorf("event %q of %q: the detail is not a JSON object", e.DetailType, e.Source)
	}
	var compact bytes.Buffer
	_ = json.Compact(&compact, e.Detail) // it is valid
	e.Detail = compact.Bytes()
	if e.ID == "" {
		e.ID = s.newID()
	}
	if e.Account == "" {
		e.Account = s.account
	}
	if e.Region == "" {
		e.Region = s.region
	}
	if e.Time.IsZero() {
		e.Time = s.clock.Now()
	}
	return e, nil
}

// newID returns the next event id.
func (s *Service) newID() string {
	s.ids++
	return wire.UUID(fmt.Sprintf("event/%d", s.ids))
}
