package approval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"postern/internal/awserr"
	"postern/internal/bus"
	"postern/internal/connection"
)

func onBus(api bus.API) *bus.Bus { return bus.New(api, "bus") }

// eventBus is EventBridge: it takes at most ten entries, and refuses the entries that refuse names, by their number over all
// calls.
type eventBus struct {
	mu     sync.Mutex
	taken  []types.PutEventsRequestEntry
	calls  int
	seen   int
	refuse map[int]string // entry number -> code
	fail   error          // of every call
}

func (b *eventBus) PutEvents(_ context.Context, in *eventbridge.PutEventsInput,
	_ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if b.fail != nil {
		return nil, b.fail
	}
	if len(in.Entries) == 0 || len(in.Entries) > 10 {
		return nil, fmt.Errorf("ValidationException: %d entries", len(in.Entries))
	}
	out := &eventbridge.PutEventsOutput{}
	for _, entry := range in.Entries {
		code, refused := b.refuse[b.seen]
		b.seen++
		if refused {
			out.FailedEntryCount++
			out.Entries = append(out.Entries, types.PutEventsResultEntry{ErrorCode: aws.String(code),
				ErrorMessage: aws.String("try later")})
			continue
		}
		b.taken = append(b.taken, entry)
		out.Entries = append(out.Entries, types.PutEventsResultEntry{EventId: aws.String("id")})
	}
	return out, nil
}

// events returns what was taken, decoded; a GateNotice decodes as far as it has the same members.
func (b *eventBus) events(t *testing.T) []taken {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []taken
	for _, entry := range b.taken {
		e := taken{detailType: aws.ToString(entry.DetailType), raw: aws.ToString(entry.Detail)}
		if err := json.Unmarshal([]byte(e.raw), &e.Observation); err != nil {
			t.Fatal(err)
		}
		if aws.ToString(entry.Source) != "postern" || aws.ToString(entry.EventBusName) != "bus" {
			t.Errorf("put as %s on %s", aws.ToString(entry.Source), aws.ToString(entry.EventBusName))
		}
		all = append(all, e)
	}
	return all
}

type taken struct {
	detailType string
	raw        string
	connection.Observation
}

func many(n int) []bus.Event {
	all := make([]bus.Event, n)
	for i := range all {
		all[i] = bus.Event{Type: connection.EventGateStillClosed, At: noon, Detail: connection.Observation{ConnectionID: fmt.Sprint("v/", i)}}
	}
	return all
}

func TestPut(t *testing.T) {
	t.Parallel()
	for n, calls := range map[int]int{0: 0, 1: 1, 10: 1, 11: 2, 35: 4} {
		api := &eventBus{}
		if err := onBus(api).Put(t.Context(), many(n)...); err != nil {
			t.Fatal(err)
		}
		if got := api.events(t); len(got) != n || api.calls != calls {
			t.Errorf("%d events in %d calls, want %d in %d", len(got), api.calls, n, calls)
		}
	}
	api := &eventBus{}
	unknown := bus.Event{Type: connection.EventGateStillClosed, Detail: connection.Observation{}}
	if err := onBus(api).Put(t.Context(), append(many(1), unknown)...); err != nil {
		t.Fatal(err)
	}
	if at := api.taken[0].Time; at == nil || !at.Equal(noon) || api.taken[1].Time != nil {
		t.Errorf("times %v and %v, want noon and none", api.taken[0].Time, api.taken[1].Time)
	}
}

// TestPutPartly: PutEvents answers 200 for events that it did not take.
func TestPutPartly(t *testing.T) {
	t.Parallel()
	api := &eventBus{refuse: map[int]string{3: "ThrottlingException", 4: "InternalFailure"}}
	err := onBus(api).Put(t.Context(), many(12)...)
	if err == nil || !strings.Contains(err.Error(), "2 of 10 refused") || !awserr.IsThrottled(err) {
		t.Errorf("%v, want the count and AWS's code", err)
	}
	if got := len(api.events(t)); got != 10 {
		t.Errorf("%d taken: a batch that fails partly keeps back nothing else", got)
	}
	mute := &mutedBus{}
	if err := onBus(mute).Put(t.Context(), many(1)...); !awserr.IsUnavailable(err) {
		t.Errorf("%v, want a refusal without a reason to be retried", err)
	}
	down := &eventBus{fail: errors.New("down")}
	if err := onBus(down).Put(t.Context(), many(11)...); err == nil || down.calls != 2 {
		t.Errorf("%v after %d calls, want both batches tried", err, down.calls)
	}
}

// mutedBus refuses without saying which entry or why.
type mutedBus struct{}

func (*mutedBus) PutEvents(context.Context, *eventbridge.PutEventsInput,
	...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	return &eventbridge.PutEventsOutput{FailedEntryCount: 1}, nil
}
