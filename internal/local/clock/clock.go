// Package clock is a virtual clock: a queue of what will happen. When one thing is done the clock jumps to the next, so two days pass in
// milliseconds, and every run is the same.
package clock

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"
)

// Clock is a virtual clock. After and Stop may be called from any goroutine; Step and Run from one at a time.
type Clock struct {
	mu    sync.Mutex
	now   time.Time
	queue queue
	count uint64

	capture func() any
	restore func(any)
}

// New returns a clock that shows start.
func New(start time.Time) *Clock { return &Clock{now: start} }

// Now returns the virtual time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Carry makes the clock carry a cause to its effects: capture is asked for it when After is called, and restore is given it just
// before the thing happens. Both must be safe to call from any goroutine and must not call the clock. Set it before the first
// After.
func (c *Clock) Carry(capture func() any, restore func(any)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.capture, c.restore = capture, restore
}

// Timer is something that will happen.
type Timer struct {
	clock *Clock
	at    time.Time
	order uint64 // what was asked for first happens first
	label string
	do    func()
	cause any // carried from After to do
	index int // in the queue; -1 when it happened or was stopped
}

// After makes do happen when d has passed, on the goroutine that steps the clock; a negative d counts as none. Things of the same
// instant happen in the order they were asked for. Label says what it is, for the errors of Run.
func (c *Clock) After(d time.Duration, label string, do func()) *Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	t := &Timer{clock: c, at: c.now.Add(max(d, 0)), order: c.count, label: label, do: do}
	if c.capture != nil {
		t.cause = c.capture()
	}
	heap.Push(&c.queue, t)
	return t
}

// Stop keeps a timer from happening. It reports false when it has happened, or was stopped before.
func (t *Timer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	if t.index < 0 {
		return false
	}
	heap.Remove(&t.clock.queue, t.index)
	return true
}

// Step lets the next thing happen and returns when it is done, however long that takes: virtual time stands still meanwhile. It
// reports false when there is nothing left to happen.
func (c *Clock) Step() bool {
	c.mu.Lock()
	if len(c.queue) == 0 {
		c.mu.Unlock()
		return false
	}
	t := heap.Pop(&c.queue).(*Timer)
	c.now = t.at
	restore := c.restore
	c.mu.Unlock()
	if restore != nil {
		restore(t.cause)
	}
	t.do()
	return true
}

// Run steps until the condition holds. It is an error when nothing is left to happen before that, or when the next thing would
// happen after limit: the clock then shows limit.
func (c *Clock) Run(until func() bool, limit time.Time) error {
	last := "nothing"
	for !until() {
		c.mu.Lock()
		if len(c.queue) == 0 {
			c.mu.Unlock()
			return fmt.Errorf("virtual clock: nothing is left to happen; the last thing was %s, at %s", last,
				c.Now().Format(time.RFC3339))
		}
		next := c.queue[0]
		if next.at.After(limit) {
			if limit.After(c.now) {
				c.now = limit
			}
			c.mu.Unlock()
			return fmt.Errorf("virtual clock: %s is reached; next would be %s, at %s", limit.Format(time.RFC3339), next.label,
				next.at.Format(time.RFC3339))
		}
		last = next.label
		c.mu.Unlock()
		c.Step()
	}
	return nil
}

// followed is how often Follow looks at the wall clock.
const followed = 5 * time.Millisecond

// Follow lets things happen when the wall clock reaches their time, until ctx is done: for a cloud of which another part lives in
// real time. Make the clock with the current time. Like Step, it must not run beside another.
func (c *Clock) Follow(ctx context.Context) {
	tick := time.NewTicker(followed)
	defer tick.Stop()
	for ctx.Err() == nil {
		if c.due(time.Now()) {
			c.Step()
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// due reports whether something should have happened by now; when nothing should, the clock shows now.
func (c *Clock) due(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) > 0 && !c.queue[0].at.After(now) {
		return true
	}
	if now.After(c.now) {
		c.now = now
	}
	return false
}

// queue orders timers by time, then by the order they were asked for.
type queue []*Timer

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].order < q[j].order
	}
	return q[i].at.Before(q[j].at)
}
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}
func (q *queue) Push(x any) {
	t := x.(*Timer)
	t.index = len(*q)
	*q = append(*q, t)
}
func (q *queue) Pop() any {
	old := *q
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	t.index = -1
	return t
}
