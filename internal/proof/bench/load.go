package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"postern/internal/proof/load"
)

// crowd is how many onboardings start at once.
const crowd = 500

// loaded starts many onboardings at once at the rates that AWS publishes, and measures how they get through. It reports how
// long that takes; this figure has no budget.
func loaded() ([]figure, error) {
	template, err := os.ReadFile(templatePath)
	if err != nil {
		return nil, err
	}
	alone, err := load.Run(template, load.Kinds, false)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	report, err := load.Run(template, crowd, true)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "%d onboardings at once took %s here\n%s", crowd, time.Since(began).Round(time.Second),
		strings.Join(report.Failures, "\n"))
	return figuresOf(report, crowd, alone), nil
}

func figuresOf(report load.Report, n int, alone load.Report) []figure {
	each, one := float64(report.Calls)/float64(n), float64(alone.Calls)/load.Kinds
	return []figure{
		{loadDone, "", float64(report.Onboarded)}, {loadLast, "", report.Last.Minutes()}, {loadCalls, "", each / one},
		{loadShare, "", 100 * float64(report.Throttled) / float64(report.Calls+report.Sweep)},
	}
}
