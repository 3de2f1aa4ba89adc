package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"postern/internal/connection"
	"postern/internal/demo/bill"
	"postern/internal/fleet"
)

// report is what a run ended with: the document that -json prints.
type report struct {
	Status     string               `json:"status"` // SUCCEEDED or FAILED
	Path       []string             `json:"path"`   // visited states; the last one tells how it ended
	Error      string               `json:"error,omitempty"`
	Cause      string               `json:"cause,omitempty"`
	Parameters map[string]string    `json:"parameters"` // published name to value, as they stand at the end
	Endpoint   string               `json:"endpoint,omitempty"`
	State      string               `json:"endpointState,omitempty"`
	Records    []connection.Record  `json:"records,omitempty"`
	Findings   []connection.Finding `json:"findings"`
	Fleet      *fleet.Report        `json:"fleet,omitempty"`
	Creates    []string             `json:"creates,omitempty"`
	Clients    []string             `json:"clientActions,omitempty"`
	Cost       connection.Cost      `json:"monthlyCost"`
	// Diagnosis is the cause, the next action and the evidence, when a diagnosis was asked for.
	Diagnosis *connection.Diagnosis `json:"diagnosis,omitempty"`
	Counts    bill.Counts           `json:"counts"`
	Comments  []comment             `json:"comments,omitempty"` // on the ticket, in their order
	// Broke is what was broken for the drift check, and Drift what it said.
	Broke     string                   `json:"broke,omitempty"`
	Drift     []connection.DriftNotice `json:"drift,omitempty"`
	Simulated float64                  `json:"simulatedSeconds"`
	Wall      float64                  `json:"wallSeconds"`
}

// comment is a comment on the ticket.
type comment struct {
	Ticket    string  `json:"ticket"`
	Simulated float64 `json:"simulatedSeconds"` // after the start
	Text      string  `json:"text"`
}

// print writes the summary that ends a run for people.
func (r report) print(out io.Writer, paint func(code, text string) string) {
	row := func(name, format string, args ...any) {
		fmt.Fprintf(out, "  %-14s %s\n", name, fmt.Sprintf(format, args...))
	}
	list := func(name string, lines []string) {
		for i, line := range lines {
			if i > 0 {
				name = ""
			}
			row(name, "%s", line)
		}
	}
	r.printTicket(out, paint)
	end, colour := r.Path[len(r.Path)-1], "1;32"
	if r.Status != "SUCCEEDED" {
		colour = "1;31"
	}
	fmt.Fprintf(out, "\n%s\n", paint(colour, end))
	if r.Error != "" {
		row("error", "%s", r.Error)
		list("cause", strings.Split(r.Cause, "\n"))
	}
	if r.Diagnosis != nil {
		findings(*r.Diagnosis, row, paint)
	}
	list("would create", r.Creates)
	if r.Endpoint != "" {
		row("endpoint", "%s (%s)", r.Endpoint, r.State)
	}
	for _, record := range r.Records {
		row("record", "%s %s %s", record.Name, record.Type, record.Value)
	}
	if r.Fleet != nil {
		printFleet(out, r.Fleet)
	}
	r.printParameters(out, row)
	for _, finding := range r.Findings {
		row(finding.Severity, "%s", finding.Message)
	}
	list("next", r.Clients)
	if r.Cost.MonthlyUSD > 0 {
		row("endpoint cost", "$%.2f a month (%s)", r.Cost.MonthlyUSD, r.Cost.Basis)
	}
	row("transitions", "%d", r.Counts.Transitions)
	row("AWS calls", "%d: %d reads, %d writes, %d messages (and %d by the shared sweep)", r.Counts.Calls,
		r.Counts.Calls-r.Counts.Writes-r.Counts.Messages, r.Counts.Writes, r.Counts.Messages, r.Counts.Sweep)
	row("", "%s", kinds(r.Counts))
	row("orchestration", "$%.6f for this execution, %d invocations", r.Counts.USD, r.Counts.Invocations)
	row("time", "%s simulated in %.1fs", simulated(time.Duration(r.Simulated*float64(time.Second))), r.Wall)
	if r.Broke != "" {
		printDrift(out, r.Broke, r.Drift, paint)
	}
}

// printTicket writes the ticket as its reader sees it.
func (r report) printTicket(out io.Writer, paint func(code, text string) string) {
	for i, c := range r.Comments {
		if i == 0 {
			fmt.Fprintf(out, "\n%s\n", paint("1", "Ticket "+c.Ticket))
		}
		after := time.Duration(c.Simulated * float64(time.Second))
		fmt.Fprintf(out, "\n  %s\n", paint("35", fmt.Sprintf("comment %d, after %s", i+1, simulated(after))))
		for _, line := range strings.Split(strings.TrimSpace(c.Text), "\n") {
			fmt.Fprintln(out, strings.TrimRight("  | "+line, " "))
		}
	}
}

func (r report) printParameters(out io.Writer, row func(name, format string, args ...any)) {
	for i, name := range slices.Sorted(maps.Keys(r.Parameters)) {
		label := ""
		if i == 0 {
			label = "published"
		}
		row(label, "%s", name)
		for _, line := range strings.Split(strings.TrimRight(r.Parameters[name], "\n"), "\n") {
			fmt.Fprintf(out, "  %-14s   %s\n", "", line)
		}
	}
}

// kinds lists the calls by kind, most frequent first.
func kinds(c bill.Counts) string {
	names := slices.SortedFunc(maps.Keys(c.ByCall), func(a, b string) int {
		if c.ByCall[a] != c.ByCall[b] {
			return c.ByCall[b] - c.ByCall[a]
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		if n := c.ByCall[name]; n > 1 {
			names[i] = fmt.Sprintf("%s×%d", name, n)
		}
	}
	return strings.Join(names, " ")
}
