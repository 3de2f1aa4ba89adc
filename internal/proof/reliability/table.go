package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// summarize counts how the runs ended, by scenario and by disturbance.
func summarize(jobs []*job) string {
	if len(jobs) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("| scenario | calls | runs | converged | failed, nothing left | violations |\n")
	b.WriteString("|---|---|---|---|---|---|\n")
	tally(&b, jobs, func(j *job) string { return j.scenario.name }, true)
	b.WriteString("\n| one call is | runs | converged | failed, nothing left | violations |\n")
	b.WriteString("|---|---|---|---|---|\n")
	tally(&b, jobs, func(j *job) string { return j.disturbance.name }, false)
	return b.String()
}

func tally(b *strings.Builder, jobs []*job, group func(*job) string, calls bool) {
	type counts struct {
		sites                         map[int]bool
		runs, converged, clean, wrong int
	}
	var order []string
	all := map[string]*counts{}
	for _, j := range jobs {
		name := group(j)
		c := all[name]
		if c == nil {
			c = &counts{sites: map[int]bool{}}
			all[name], order = c, append(order, name)
		}
		c.sites[j.site.number] = true
		c.runs++
		switch {
		case j.err != nil || len(j.outcome.violations) > 0:
			c.wrong++
		case j.outcome.end == j.scenario.end:
			c.converged++
		default:
			c.clean++
		}
	}
	for _, name := range order {
		c := all[name]
		fmt.Fprintf(b, "| %s |", name)
		if calls {
			fmt.Fprintf(b, " %d |", len(c.sites))
		}
		fmt.Fprintf(b, " %d | %d | %d | %d |\n", c.runs, c.converged, c.clean, c.wrong)
	}
}

// The lines between which the table is in the page.
const (
	beginMark = "<!-- begin: make reliability -->"
	endMark   = "<!-- end: make reliability -->"
)

func writePage(path, table string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(page), beginMark)
	_, after, ends := strings.Cut(rest, endMark)
	if !begins || !ends {
		return fmt.Errorf("%s lacks the lines %q and %q", path, beginMark, endMark)
	}
	return os.WriteFile(path, slices.Concat([]byte(before+beginMark+"\n"), []byte(table), []byte(endMark+after)), 0o644)
}
