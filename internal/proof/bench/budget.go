package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// budget is what something may come to.
type budget struct {
	what    string
	unit    string
	limit   float64
	atLeast bool // the limit is a floor and not a ceiling
	digits  int  // after the point
}

// The budgets. internal/proof/budgets.md says why each is where it is.
var (
	zipSize      = budget{what: "zip of a function", unit: "MB", limit: 4.5, digits: 2}
	start        = budget{what: "start of a function, relative to a hello-world", unit: "times", limit: 6, digits: 1}
	transitions  = budget{what: "transitions of an onboarding", limit: 15}
	calls        = budget{what: "AWS calls of an onboarding", limit: 40}
	writes       = budget{what: "AWS writes of an onboarding", limit: 12}
	cost         = budget{what: "orchestration of an onboarding", unit: "USD", limit: 0.001, digits: 6}
	waiting      = budget{what: "AWS calls of 52 hours of waiting, by the shared sweep", limit: 1500}
	resumeRuns   = budget{what: "invocations from the vendor's acceptance to the next state", limit: 2}
	resumePuts   = budget{what: "events from the vendor's acceptance to the next state", limit: 1}
	loadDone     = budget{what: "of 500 onboardings at once, how many get through", limit: 500, atLeast: true}
	loadLast     = budget{what: "until the last of 500 at once has ended", unit: "simulated minutes", limit: 120}
	loadCalls    = budget{what: "AWS calls of each of 500 at once, relative to one alone", unit: "times", limit: 4, digits: 1}
	loadShare    = budget{what: "throttled answers of 500 at once", unit: "%", limit: 50}
	driftLists   = budget{what: "calls of a drift check of 10,000 connections", limit: 60}
	driftChanged = budget{what: "further calls for each connection that was changed", limit: 4, digits: 1}
	driftDeep    = budget{what: "calls of each connection that it looks at deeply", limit: 8, digits: 2}
	driftMemory  = budget{what: "memory of that drift check", unit: "MB", limit: 256, digits: 0}
	speed        = budget{what: "simulated days in a second of the simulator", limit: 1, atLeast: true, digits: 1}
)

// budgets are all of them, in the order of the table.
var budgets = []budget{
	zipSize, start, transitions, calls, writes, cost, waiting, resumeRuns, resumePuts, speed, loadDone, loadLast, loadCalls, loadShare,
	driftLists, driftChanged, driftDeep, driftMemory,
}

func (b budget) met(value float64) bool {
	if b.atLeast {
		return value >= b.limit
	}
	return value <= b.limit // false of NaN: what was not measured meets nothing
}

// bound writes the limit: "at most 4.5 MB".
func (b budget) bound() string {
	word := "at most"
	if b.atLeast {
		word = "at least"
	}
	return strings.TrimSpace(fmt.Sprintf("%s %v %s", word, b.limit, b.unit))
}

// figure is something measured.
type figure struct {
	budget budget
	of     string // the function, or ""
	value  float64
}

// table writes the figures with their budgets. It returns an error if figures exceed their budgets, or if a budget was not measured.
func table(out io.Writer, figures []figure) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	past, before := 0, ""
	measured := map[string]bool{}
	for _, f := range figures {
		what, verdict := f.budget.what, "ok"
		measured[what] = true
		if what == before {
			what = ""
		}
		before = f.budget.what
		if !f.budget.met(f.value) {
			verdict = "PAST THE BUDGET"
			past++
		}
		value := strings.TrimSpace(fmt.Sprintf("%.*f %s", f.budget.digits, f.value, f.budget.unit))
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", what, f.of, value, f.budget.bound(), verdict)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, b := range budgets {
		if !measured[b.what] {
			return fmt.Errorf("not measured: %s", b.what)
		}
	}
	if past > 0 {
		return fmt.Errorf("%d of %d figures are past their budgets: make them smaller, or change the budget with a reason in internal/proof/budgets.md", past, len(figures))
	}
	return nil
}
