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

// difference is a case that the two interpreters answer differently.
type difference struct {
	Case string `json:"case"`
	// Right is "embedded": the other outcome is moto's; or "moto": the other outcome is that of the embedded interpreter; or
	// "open": AWS's documents allow both, and the other outcome is moto's.
	Right  string  `json:"right"`
	Other  outcome `json:"other"`
	Link   string  `json:"link"`
	Reason string  `json:"reason"`
}

// differences are testdata/differences.json.
type differences struct {
	Moto        string       `json:"moto"` // the version
	Differences []difference `json:"differences"`
}

func (d *differences) of(c *one) *difference {
	i := slices.IndexFunc(d.Differences, func(one difference) bool { return one.Case == c.String() })
	if i < 0 {
		return nil
	}
	return &d.Differences[i]
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
			if d := differences.of(c); d != nil && d.Right == "moto" {
				want = d.Other
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
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	outcomes, failures := make([]outcome, len(all)), make([]error, len(all))
	var running sync.WaitGroup
	for i, c := range all {
		running.Go(func() { outcomes[i], failures[i] = m.run(ctx, c) })
	}
	running.Wait()
	for i, c := range all {
		t.Run(c.String(), func(t *testing.T) {
			if failures[i] != nil {
				t.Fatal(failures[i])
			}
			judge(t, c, differences.of(c), outcomes[i])
		})
	}
}

// judge compares moto's outcome with what is wanted, or with the difference that is known.
func judge(t *testing.T, c *one, d *difference, outcome outcome) {
	t.Helper()
	want := c.Want
	if d != nil && d.Right != "moto" {
		want = d.Other
	}
	if got, want := c.compared(outcome), c.compared(want); got != want {
		if d != nil && got == c.compared(c.Want) {
			t.Fatalf("the difference is gone: delete it from testdata/differences.json")
		}
		t.Errorf("got  %s\nwant %s\ncause: %s", got, want, outcome.Cause)
	}
}
