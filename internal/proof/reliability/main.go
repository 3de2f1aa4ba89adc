package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
)

func main() {
	testing.Init() // rapid asks for -test.short
	docs := flag.String("docs", "", "write the table to this page, between its markers")
	only := flag.String("only", "", "run the scenario of this name only, or "+safeguards)
	schedules := flag.Bool("schedules", false, "draw the schedules only, and write no page")
	flag.Parse()
	if err := run(*only, *docs, *schedules); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// job is one disturbed run.
type job struct {
	scenario    scenario
	site        site
	disturbance disturbance
	outcome     outcome
	err         error
}

func run(only, docs string, schedules bool) error {
	raw, err := os.ReadFile(templatePath)
	if err != nil {
		return fmt.Errorf("%w: run from the project's root", err)
	}
	if err := flag.Set("rapid.nofailfile", "true"); err != nil {
		return err
	}
	var drawn string
	if only == "" || schedules {
		table, err := drawAll(raw)
		if err != nil || schedules {
			return err
		}
		drawn = table
	}
	jobs, err := plan(raw, only)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d runs\n", len(jobs))
	disturbAll(raw, jobs)
	table, failed := summarize(jobs)+drawn, violated(jobs)
	if only == "" || only == safeguards {
		removed, unnoticed := mutate(raw)
		table, failed = table+"\n"+removed, errors.Join(failed, unnoticed)
	}
	fmt.Print(table)
	if failed != nil || docs == "" {
		return failed
	}
	return writePage(docs, table)
}

// safeguards is what -only says to take the safeguards away and to run nothing else.
const safeguards = "safeguards"

// violated names the runs that violate an invariant.
func violated(jobs []*job) error {
	wrong := 0
	for _, j := range jobs {
		if j.err != nil || len(j.outcome.violations) > 0 {
			wrong++
			fmt.Fprintf(os.Stderr, "%s, %s, %s: ended %s %v %q\n", j.scenario.name, j.site, j.disturbance.name, j.outcome.end, j.err,
				j.outcome.violations)
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d runs violate an invariant", wrong, len(jobs))
	}
	return nil
}

// plan lists every call of every scenario, with every way to break it.
func plan(raw []byte, only string) ([]*job, error) {
	var jobs []*job
	for _, s := range scenarios() {
		if only != "" && s.name != only {
			continue
		}
		sites, err := s.sites(raw)
		if err != nil {
			return nil, err
		}
		for _, at := range sites {
			for _, d := range disturbances {
				jobs = append(jobs, &job{scenario: s, site: at, disturbance: d})
			}
		}
	}
	return jobs, nil
}

func disturbAll(raw []byte, jobs []*job) {
	queue := make(chan *job)
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for j := range queue {
				j.outcome, j.err = j.scenario.disturb(raw, j.site, j.disturbance)
			}
		})
	}
	for i, j := range jobs {
		if i > 0 && i%500 == 0 {
			fmt.Fprintf(os.Stderr, "%d of %d\n", i, len(jobs))
		}
		queue <- j
	}
	close(queue)
	all.Wait()
}
