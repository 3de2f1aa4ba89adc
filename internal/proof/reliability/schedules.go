package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	"pgregory.net/rapid"

	"postern/internal/proof/reliability/schedule"
)

// How many schedules are drawn, at each level.
const (
	modelSchedules   = 100_000
	machineSchedules = 200
)

// drawAll draws schedules at both levels and returns the lines that count them. An error says that an invariant did not hold; rapid
// has printed the smallest schedule it found, and its seed.
func drawAll(template []byte) (string, error) {
	text := "\n| schedules drawn | number | violations |\n|---|---|---|\n"
	for _, level := range []struct {
		name     string
		number   int
		property func(*rapid.T)
	}{
		{"of the approval, call by call", modelSchedules, schedule.Model},
		{"of the whole machine", machineSchedules, schedule.Machine(template)},
	} {
		begun := time.Now()
		if !draw(level.name, level.number, level.property) {
			return "", fmt.Errorf("schedules %s violate an invariant", level.name)
		}
		fmt.Fprintf(os.Stderr, "%d schedules %s in %s\n", level.number, level.name, time.Since(begun).Round(time.Second))
		text += fmt.Sprintf("| %s | %d | 0 |\n", level.name, level.number)
	}
	return text, nil
}

// workers draw at once.
const workers = 2

func draw(name string, number int, property func(*rapid.T)) bool {
	if err := flag.Set("rapid.checks", strconv.Itoa(number/workers)); err != nil {
		panic(err)
	}
	reports := make([]report, workers)
	var all sync.WaitGroup
	for i := range reports {
		all.Go(func() {
			reports[i] = report{name: name}
			rapid.Check(&reports[i], property)
		})
	}
	all.Wait()
	return !reports[0].failed && !reports[1].failed
}

// report is a rapid.TB outside of a test.
type report struct {
	name   string
	failed bool
}

func (r *report) Helper()                   {}
func (r *report) Name() string              { return r.name }
func (r *report) Logf(f string, a ...any)   { fmt.Fprintf(os.Stderr, f+"\n", a...) }
func (r *report) Log(a ...any)              { fmt.Fprintln(os.Stderr, a...) }
func (r *report) Skipf(f string, a ...any)  { r.Fatalf(f, a...) }
func (r *report) Skip(a ...any)             { r.Fatal(a...) }
func (r *report) SkipNow()                  { r.FailNow() }
func (r *report) Errorf(f string, a ...any) { r.failed = true; r.Logf(f, a...) }
func (r *report) Error(a ...any)            { r.failed = true; r.Log(a...) }
func (r *report) Fatalf(f string, a ...any) { r.Logf(f, a...); r.FailNow() }
func (r *report) Fatal(a ...any)            { r.Log(a...); r.FailNow() }
func (r *report) FailNow()                  { r.failed = true; runtime.Goexit() }
func (r *report) Fail()                     { r.failed = true }
func (r *report) Failed() bool              { return r.failed }
