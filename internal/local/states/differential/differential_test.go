package differential

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// difference is what the two interpreters do differently, and in which cases.
type difference struct {
	// Right is "embedded", and the outcomes are moto's; or "moto", and they are those of the simulator; or "open": the
	// documents allow both, and the outcomes are moto's.
	Right  string             `json:"right"`
	Link   string             `json:"link"`
	Reason string             `json:"reason"`
	Cases  map[string]outcome `json:"cases"`
}

// differences are testdata/differences.json.
type differences struct {
	Moto        string       `json:"moto"` // the version that they were judged with
	Differences []difference `json:"differences"`
}

// other is the outcome of a case on the interpreter that does not do what is wanted; nil when both do.
func (d *differences) other(c *one) (right string, other *outcome) {
	for _, difference := range d.Differences {
		if outcome, differs := difference.Cases[c.String()]; differs {
			return difference.Right, &outcome
		}
	}
	return "", nil
}

func known(t *testing.T) *differences {
	t.Helper()
	d := &differences{}
	read(t, "testdata/differences.json", d)
	return d
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	differences := known(t)
	for _, c := range cases(t) {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			want := c.Want
			if right, other := differences.other(c); right == "moto" {
				want = *other
			}
			got := embedded(t, c)
			if got, want := c.compared(got), c.compared(want); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
				t.Log(got)
			}
			checkSeconds(t, got.Seconds, want.Seconds)
		})
	}
}

func checkSeconds(t *testing.T, got, want string) {
	t.Helper()
	most, isMost := strings.CutPrefix(want, "<")
	if !isMost {
		if want != "" && got != want {
			t.Errorf("it took %s seconds, want %s", got, want)
		}
		return
	}
	a, err1 := strconv.ParseFloat(got, 64)
	b, err2 := strconv.ParseFloat(most, 64)
	if err1 != nil || err2 != nil || a >= b {
		t.Errorf("it took %s seconds, want %s", got, want)
	}
}

func TestMoto(t *testing.T) {
	t.Parallel()
	all, differences := cases(t), known(t)
	m := startMoto(t, all)
	if m.version != differences.Moto {
		t.Skipf("moto is %s, the differences were judged with %s (pip install 'moto[server]==%s')",
			m.version, differences.Moto, differences.Moto)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // half a minute on an idle machine
	defer cancel()
	outcomes, failures := make([]outcome, len(all)), make([]error, len(all))
	var running sync.WaitGroup
	room := make(chan struct{}, 24) // more at a time would make moto's own timeouts late
	for i, c := range all {
		room <- struct{}{}
		running.Go(func() {
			outcomes[i], failures[i] = m.run(ctx, c)
			<-room
		})
	}
	running.Wait()
	for i, c := range all {
		t.Run(c.String(), func(t *testing.T) {
			if failures[i] != nil {
				t.Fatal(failures[i])
			}
			judge(t, c, differences, outcomes[i])
		})
	}
}

// judge compares moto's outcome with what is wanted, or with the difference that is known.
func judge(t *testing.T, c *one, d *differences, outcome outcome) {
	t.Helper()
	want := c.Want
	right, other := d.other(c)
	if right == "embedded" || right == "open" {
		want = *other
	}
	got := c.compared(outcome)
	switch {
	case got == c.compared(want):
	case other != nil && got == c.compared(c.Want):
		t.Errorf("the difference is gone: delete it from testdata/differences.json")
	default:
		t.Errorf("no reason is known for this difference\ngot  %s\nwant %s\ncause: %s", got, c.compared(want), outcome.Cause)
	}
}

func TestDifferencesAreExplained(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, c := range cases(t) {
		names[c.String()] = true
	}
	seen := map[string]bool{}
	for _, d := range known(t).Differences {
		if !slices.Contains([]string{"embedded", "moto", "open"}, d.Right) || d.Reason == "" || len(d.Cases) == 0 {
			t.Errorf("%+v: who is right, why, and in which cases?", d)
		}
		if !strings.HasPrefix(d.Link, "https://states-language.net/") && !strings.HasPrefix(d.Link, "https://docs.aws.amazon.com/") {
			t.Errorf("%s: the link is to neither the specification nor AWS's documents", d.Link)
		}
		for name := range d.Cases {
			if !names[name] || seen[name] {
				t.Errorf("%q is no case, or one of two differences", name)
			}
			seen[name] = true
		}
	}
}
