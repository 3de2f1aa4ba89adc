package clock_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/local/clock"
)

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func never() bool { return false }

func TestThingsHappenInOrder(t *testing.T) {
	t.Parallel()
	c := clock.New(start)
	var got []string
	note := func(what string) func() {
		return func() { got = append(got, what+" "+c.Now().Sub(start).String()) }
	}
	c.After(time.Hour, "later", note("later"))
	c.After(time.Second, "first", func() {
		note("first")()
		c.After(0, "at once", note("at once"))
	})
	c.After(time.Second, "second of the same instant", note("second"))
	c.After(-time.Minute, "the past is now", note("past"))
	stopped := c.After(time.Minute, "stopped", note("stopped"))
	if !stopped.Stop() || stopped.Stop() {
		t.Error("Stop reports true once, before the timer happened")
	}
	for c.Step() {
	}
	want := []string{"past 0s", "first 1s", "second 1s", "at once 1s", "later 1h0m0s"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStopAfterItHappened(t *testing.T) {
	t.Parallel()
	c := clock.New(start)
	timer := c.After(time.Second, "x", func() {})
	c.Step()
	if timer.Stop() {
		t.Error("a timer that happened was stopped")
	}
}

func TestRunEndsByItsCondition(t *testing.T) {
	t.Parallel()
	c := clock.New(start)
	ticks := 0
	var tick func()
	tick = func() { ticks++; c.After(5*time.Minute, "sweep", tick) }
	tick()
	if err := c.Run(func() bool { return ticks == 100 }, start.Add(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got, want := c.Now(), start.Add(99*5*time.Minute); !got.Equal(want) {
		t.Errorf("it is %s, want %s", got, want)
	}
}

func TestRunSaysWhyItCannotGoOn(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		do   func(*clock.Clock)
		want string
		now  time.Time
	}{
		"nothing left": {func(c *clock.Clock) { c.After(time.Minute, "the last sweep", func() {}) }, "the last sweep",
			start.Add(time.Minute)},
		"past limit": {func(c *clock.Clock) { c.After(72*time.Hour, "the timeout", func() {}) }, "next would be the timeout",
			start.Add(24 * time.Hour)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clock.New(start)
			test.do(c)
			err := c.Run(never, start.Add(24*time.Hour))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Run: %v, want %q", err, test.want)
			}
			if !c.Now().Equal(test.now) {
				t.Errorf("it is %s, want %s", c.Now(), test.now)
			}
		})
	}
}

func TestCarry(t *testing.T) {
	t.Parallel()
	c := clock.New(start)
	cause := ""
	c.Carry(func() any { return cause }, func(carried any) { cause = carried.(string) })
	var seen []string
	see := func() { seen = append(seen, cause) }
	cause = "a"
	c.After(2*time.Second, "later", see)
	c.After(time.Second, "chain", func() { c.After(5*time.Second, "effect of a", see) })
	cause = "b"
	c.After(3*time.Second, "other", see)
	cause = "c"
	for c.Step() {
	}
	if diff := cmp.Diff([]string{"a", "b", "a"}, seen); diff != "" {
		t.Error(diff)
	}
}

// What is due happens in order, also what it sets off; what is far away does not happen.
func TestFollow(t *testing.T) {
	t.Parallel()
	c := clock.New(time.Now())
	ctx, cancel := context.WithCancel(t.Context())
	var got []string
	c.After(24*time.Hour, "tomorrow", func() { got = append(got, "tomorrow") })
	c.After(time.Millisecond, "first", func() {
		got = append(got, "first")
		c.After(time.Millisecond, "second", func() { got = append(got, "second"); cancel() })
	})
	c.Follow(ctx)
	if diff := cmp.Diff([]string{"first", "second"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestTimeNeverGoesBack(t *testing.T) {
	t.Parallel()
	c := clock.New(start)
	c.After(time.Hour, "an hour", func() {})
	if err := c.Run(never, start.Add(-time.Hour)); err == nil || !c.Now().Equal(start) {
		t.Errorf("it is %s: %v", c.Now(), err)
	}
}

// After may be called from any goroutine, also while something happens.
func TestAfterFromElsewhere(t *testing.T) {
	t.Parallel()
	c := clock.New(start)
	happened := 0
	c.After(time.Minute, "an invocation", func() {
		done := make(chan struct{})
		for range 10 {
			go func() {
				c.After(time.Second, "its effect", func() { happened++ })
				done <- struct{}{}
			}()
		}
		for range 10 {
			<-done
		}
	})
	if err := c.Run(func() bool { return happened == 10 }, start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got, want := c.Now(), start.Add(time.Minute+time.Second); !got.Equal(want) {
		t.Errorf("it is %s, want %s", got, want)
	}
}
