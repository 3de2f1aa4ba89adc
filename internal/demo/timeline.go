package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"postern/internal/connection"
)

// timeline prints what happens while it happens: virtual time since the start, wall time, and one line of what and why.
type timeline struct {
	out     io.Writer
	colour  bool
	start   time.Time                   // virtual
	started time.Time                   // wall
	names   map[string]string           // of the connections of a fleet, by execution
	gates   map[string]connection.Gates // by execution
}

// Marks say at a glance what kind of line it is.
const (
	markEnter  = "▶"
	markWait   = "⏸"
	markRetry  = "↻"
	markPerson = "✉"
	markDone   = "✔"
	markFail   = "✘"
)

var markColours = map[string]string{
	markEnter: "36", markWait: "33", markRetry: "33", markPerson: "35", markDone: "32", markFail: "31",
}

func (t *timeline) header() {
	fmt.Fprintf(t.out, "%12s %8s\n", "simulated", "wall")
}

// line prints one event; further lines of text are indented below it.
func (t *timeline) line(at time.Time, mark, what, why string) {
	first, rest, _ := strings.Cut(why, "\n")
	fmt.Fprintf(t.out, "%12s %8s  %s %-19s %s\n", simulated(at.Sub(t.start)), wall(time.Since(t.started)), t.paint(markColours[mark], mark),
		t.paint("1", fmt.Sprintf("%-19s", what)), first)
	for _, line := range strings.Split(rest, "\n") {
		if line != "" {
			fmt.Fprintf(t.out, "%46s%s\n", "", t.paint("2", line))
		}
	}
}

func (t *timeline) paint(code, text string) string {
	if !t.colour || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// simulated writes a duration of virtual time the way people speak of waits: 2d 03h, 1h 20m, 45s.
func simulated(d time.Duration) string {
	d = d.Round(time.Second)
	days, hours, minutes, seconds := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case days > 0:
		return fmt.Sprintf("%dd %02dh %02dm", days, hours, minutes)
	case hours > 0:
		return fmt.Sprintf("%dh %02dm %02ds", hours, minutes, seconds)
	case minutes > 0:
		return fmt.Sprintf("%dm %02ds", minutes, seconds)
	default:
		return fmt.Sprintf("%ds", seconds)
	}
}

func wall(d time.Duration) string { return fmt.Sprintf("%.2fs", d.Seconds()) }
