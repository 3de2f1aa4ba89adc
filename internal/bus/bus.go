// Package bus puts Postern's events on its EventBridge bus.
package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"postern/internal/connection"
)

// API is what is called of EventBridge; *eventbridge.Client satisfies it.
type API interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// Bus is Postern's event bus.
type Bus struct {
	api  API
	name string
}

// New returns the bus of a name.
func New(api API, name string) *Bus { return &Bus{api: api, name: name} }

// Event is one event to put: a detail type of package connection, the time it is of (zero for now), and its detail.
type Event struct {
	Type   string
	At     time.Time
	Detail any
}

// maxEntries is how many events one PutEvents takes. AWS: 10.
const maxEntries = 10

// Put puts events, ten at a time. A batch that fails does not keep back the others. A caller that gets
// an error calls again: readers of events take repetitions.
func (b *Bus) Put(ctx context.Context, events ...Event) error {
	var failed []error
	for batch := range slices.Chunk(events, maxEntries) {
		if err := b.putBatch(ctx, batch); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

func (b *Bus) putBatch(ctx context.Context, batch []Event) error {
	entries := make([]types.PutEventsRequestEntry, len(batch))
	for i, s := range batch {
		detail, err := json.Marshal(s.Detail)
		if err != nil {
			return fmt.Errorf("writing the event %q: %w", s.Type, err)
		}
		entries[i] = types.PutEventsRequestEntry{
			EventBusName: aws.String(b.name),
			Source:       aws.String(connection.EventSource),
			DetailType:   aws.String(s.Type),
			Detail:       aws.String(string(detail)),
		}
		if !s.At.IsZero() {
			entries[i].Time = aws.Time(s.At)
		}
	}
	out, err := b.api.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
	if err != nil {
		return fmt.Errorf("putting %d events on the bus %s: %w", len(batch), b.name, err)
	}
	if out.FailedEntryCount == 0 {
		return nil
	}
	return fmt.Errorf("putting events on the bus %s: %d of %d refused: %w", b.name, out.FailedEntryCount, len(batch),
		refusal(out.Entries))
}

// refusal returns the first entry's refusal as AWS's own error, so that it is classified like any other. AWS: PutEvents answers
// 200 and counts what it did not take.
func refusal(entries []types.PutEventsResultEntry) error {
	for _, entry := range entries {
		if code := aws.ToString(entry.ErrorCode); code != "" {
			return &smithy.GenericAPIError{Code: code, Message: aws.ToString(entry.ErrorMessage)}
		}
	}
	return &smithy.GenericAPIError{Code: "InternalFailure", Message: "no entry says why"}
}
